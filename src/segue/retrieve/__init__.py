"""Query -> candidates: one file per source. Each is named, reads a listener's history and the catalogue through their ports, and gives
up to about sixty candidates with the evidence for each. A source never filters for policy: the flow does."""

from segue.retrieve._familiar import Familiar
from segue.retrieve._kindred import Kindred
from segue.retrieve._seed import seed_of
from segue.retrieve._shuffled import Shuffled
from segue.retrieve._sounds_like import SoundsLike
from segue.retrieve._unplayed import Unplayed

__all__ = ["Familiar", "Kindred", "Shuffled", "SoundsLike", "Unplayed", "seed_of"]
