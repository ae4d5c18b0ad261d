"""Source *familiar*: what this listener liked, rated high or listened to, and has not heard for some hours."""

import random
from collections.abc import Iterable

from segue.model import Candidate, Query
from segue.ports import History
from segue.retrieve._seed import seed_of
from segue.types import Instant, TrackId

_LIMIT = 40
_POOL = 100
_REST_MS = 6 * 3_600_000
"""How long a favourite rests after it was played: a guess."""
_HALF_FOND = 3.0
"""Listens of late that make half of the fondness listens can make: a guess."""
_MONTH_MS = 30 * 86_400_000


class Familiar:
    """Scores grow with likes, ratings, listens and rest, shrink with skips, and vary by a seeded tenth, so that favourites take turns."""

    name = "familiar"

    def __init__(self, history: History) -> None:
        self._history = history

    def __call__(self, query: Query) -> Iterable[Candidate]:
        found = self._history.favourites(query.user_id, _POOL, not_since=Instant(query.at - _REST_MS), at=query.at)
        chance = random.Random(seed_of(query, self.name))
        scored = []
        for one in found:
            if one.skipped > one.heard and one.liked_at is None:
                continue
            fond = 0.5 * (one.liked_at is not None) + 0.1 * max(0, one.rating - 2) + 0.4 * one.heard / (one.heard + _HALF_FOND)
            due = 0.2 if one.last_played_at is None else min(1.0, (query.at - one.last_played_at) / _MONTH_MS) * 0.2
            skipped = one.skipped / (one.heard + one.skipped + 1)
            score = max(0.0, min(1.0, (fond + due) * (1 - skipped / 2) * (0.9 + 0.1 * chance.random())))
            evidence = {
                "liked_at": one.liked_at,
                "rating": one.rating,
                "play_count": one.play_count,
                "last_played_at": one.last_played_at,
            }
            scored.append(Candidate(track_id=TrackId(one.id), source=self.name, score=score, evidence=evidence))
        return sorted(scored, key=lambda candidate: (-candidate.score, candidate.track_id))[:_LIMIT]
