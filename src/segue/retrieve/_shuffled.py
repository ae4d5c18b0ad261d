"""Source *shuffled*: chance, the baseline and the last resort when nothing better is known or works."""

from collections.abc import Iterable

from segue.model import Candidate, Query
from segue.ports import Catalogue
from segue.retrieve._seed import seed_of

_LIMIT = 120


class Shuffled:
    """A seeded, uniform sample of what is granted. All scores are alike."""

    name = "shuffled"

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def __call__(self, query: Query) -> Iterable[Candidate]:
        limit = min(500, max(_LIMIT, query.n * 2) + len(query.queue) + len(query.exclude))
        drawn = self._catalogue.sample(libraries=query.libraries, limit=limit, seed=seed_of(query, self.name))
        return [Candidate(track_id=id_, source=self.name, score=0.2) for id_ in drawn]
