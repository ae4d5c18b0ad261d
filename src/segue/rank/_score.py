"""The one weighting: what a candidate is worth, as a sum of named parts."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from segue.model import Candidate

_DAY_H = 24.0
_SUNK = -1e6
"""The score of what has none: finite, so that JSON can carry it."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of one candidate besides its source. Neutral by default."""

    liked: bool = False
    rating: int = 0
    heard: float = 0.0
    """Listens, recent ones worth more."""
    skipped: float = 0.0
    hours_since_played: float | None = None
    artist_skipped: bool = False
    """An artist of it was skipped in this session."""
    release_skipped: bool = False
    hour: float = 0.0
    """-1..1: how much more (or less) its genres are heard at this time of the listener's day than at others."""


@dataclass(frozen=True, slots=True)
class Weighting:
    """Every weight there is. All guesses, until a learned ranking replaces them."""

    familiar: float = 1.0
    kindred: float = 1.0
    sounds_like: float = 1.0
    unplayed: float = 1.0
    shuffled: float = 0.3
    liked: float = 0.25
    rating: float = 0.08
    """A star above or below 3."""
    skips: float = -0.3
    """Times the share of plays that were skipped."""
    artist_skipped: float = -0.6
    release_skipped: float = -0.2
    hour: float = 0.15
    played_lately: float = -0.8
    """Times 1 just after a play, 0 a day later."""
    chance: float = 0.08
    """Seeded, so that equals take turns."""


THIN = Weighting()


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its score; higher is better."""

    candidate: Candidate
    score: float


def score(candidates: Sequence[tuple[Candidate, Signals]], *, discovery: float, seed: int, weighting: Weighting = THIN) -> list[Scored]:
    """Score and sort, best first; equals by id. ``discovery`` 0 leans to the familiar, 1 to the unplayed. Non-finite scores sink."""
    chance = random.Random(seed)
    out = []
    for candidate, signals in sorted(candidates, key=lambda pair: pair[0].track_id):
        value = _value(candidate, signals, discovery, weighting) + weighting.chance * chance.random()
        out.append(Scored(candidate, round(value, 6) if math.isfinite(value) else _SUNK))
    return sorted(out, key=lambda scored: (-scored.score, scored.candidate.track_id))


def hour_counts(hour: float, weighting: Weighting = THIN) -> bool:
    """Whether the hour raises a score by enough to be a reason: a hundredth."""
    return weighting.hour * hour >= 0.01


def _value(candidate: Candidate, signals: Signals, discovery: float, w: Weighting) -> float:
    dial = {
        "familiar": w.familiar * 1.6 * (1 - discovery),
        "unplayed": w.unplayed * 1.6 * discovery,
        "kindred": w.kindred * 0.8,
        "sounds_like": w.sounds_like * 0.8,
    }
    value = dial.get(candidate.source, w.shuffled) * candidate.score
    value += w.liked * signals.liked * (1 - discovery / 2)
    value += w.rating * (signals.rating - 3) * (signals.rating > 0)
    value += w.skips * signals.skipped / (signals.heard + signals.skipped + 1)
    value += w.artist_skipped * signals.artist_skipped + w.release_skipped * signals.release_skipped
    value += w.hour * signals.hour
    if signals.hours_since_played is not None:
        value += w.played_lately * max(0.0, 1 - signals.hours_since_played / _DAY_H)
    return value
