"""Source *sounds like*: what sounds like the seeds; without seeds, like what was played last and not skipped, and like favourites.

Found by sound alone, so a track that nobody has played yet is found as soon as it was heard by the server.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from segue.model import Acquaintance, Candidate, Play, Query
from segue.ports import Alike, Catalogue, History
from segue.types import Instant, TrackId

_ASKED = 8
_PLAYED = 4
_LIKED = 2
_AT_THIS_HOUR = 2
_NEAR = 24
"""Found a seed."""
_LIMIT = 60
_SESSION_MS = 2 * 3_600_000
_SKIPS = 10
_LATELY_MS = 30 * 86_400_000
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_FLOOR = 0.1
"""Less similar is not alike: a guess, as all of these."""


class SoundsLike:
    """Evidence: ``{"seed", "because": "asked" | "played" | "liked" | "listened", "at", "similarity"}`` and where known ``tempo_bpm``,
    ``seed_tempo_bpm`` and the ``tags`` both bear. The best of several seeds is told.

    A candidate nearer to a track skipped just now than to its seed is left out. Speech is no seed for music and is not found from it.
    """

    name = "sounds_like"

    def __init__(self, history: History, catalogue: Catalogue, alike: Alike) -> None:
        self._history = history
        self._catalogue = catalogue
        self._alike = alike

    def __call__(self, query: Query) -> Iterable[Candidate]:
        plays = self._history.plays(query.user_id, 100)
        wished = self._seeds(query, plays)
        granted = self._granted(list(wished), query)
        seeds = {id_: why for id_, why in wished.items() if id_ in granted}
        if not seeds:
            return []
        traits = self._alike.traits(list(seeds))
        if not query.seeds:
            seeds = {id_: why for id_, why in seeds.items() if not traits[id_].spoken}
        pairs = [pair for pair in self._alike.near_all(list(seeds), _NEAR, query.libraries) if pair[2] >= _FLOOR]
        found = [track_id for _, track_id, _ in pairs]
        traits |= self._alike.traits(list(dict.fromkeys(found)))
        turned_down = self._turned_down(query, plays, found)
        best: dict[TrackId, tuple[float, TrackId]] = {}
        for seed, track_id, similarity in pairs:
            if traits[seed].spoken != traits[track_id].spoken or turned_down.get(track_id, -1.0) > similarity:
                continue
            best[track_id] = max(best.get(track_id, (-1.0, seed)), (similarity, seed))
        if not best:
            return []
        top, bottom = max(best.values())[0], min(best.values())[0]
        candidates = []
        for track_id, (similarity, seed) in best.items():
            # Spaces differ in how alike the alike are: the order counts, and a little the number itself.
            order = (similarity - bottom) / (top - bottom) if top > bottom else 1.0
            evidence: dict[str, Any] = {"seed": seed, **seeds[seed], "similarity": similarity}
            mine, its = traits[track_id], traits[seed]
            if mine.tempo_bpm and its.tempo_bpm:
                evidence |= {"tempo_bpm": mine.tempo_bpm, "seed_tempo_bpm": its.tempo_bpm}
            if shared := [tag for tag in mine.tags if tag in its.tags]:
                evidence["tags"] = shared[:3]
            score = max(0.0, min(1.0, (0.6 + 0.4 * similarity) * (0.4 + 0.6 * order)))
            candidates.append(Candidate(track_id=track_id, source=self.name, score=score, evidence=evidence))
        return sorted(candidates, key=lambda one: (-one.score, one.track_id))[:_LIMIT]

    def _seeds(self, query: Query, plays: Sequence[Play]) -> dict[TrackId, dict[str, Any]]:
        """With why each is one, and since when."""
        if query.seeds:
            return {id_: {"because": "asked", "at": None} for id_ in query.seeds[:_ASKED]}
        seeds: dict[TrackId, dict[str, Any]] = {}
        skipped = {play.track_id for play in plays if play.outcome == "skipped" and play.last_at >= query.at - _SESSION_MS}
        for play in plays:
            if len(seeds) < _PLAYED and play.outcome != "skipped" and play.track_id not in skipped:
                seeds.setdefault(play.track_id, {"because": "played", "at": play.last_at})
        fond = [
            one
            for one in self._history.favourites(query.user_id, 50, not_since=Instant(query.at + 1), at=query.at)
            if one.heard > one.skipped or one.liked_at is not None or one.rating >= 4
        ]
        liked = sorted((one for one in fond if (one.liked_at or 0) > query.at - _LATELY_MS), key=lambda one: -(one.liked_at or 0))
        hourly = [one for one in fond if _at_this_hour(one, query.at)]
        for some, most in ((liked, _LIKED), (hourly, _AT_THIS_HOUR), (fond, 1)):
            for one in [one for one in some if TrackId(one.id) not in seeds and TrackId(one.id) not in skipped][:most]:
                because = {"because": "liked", "at": one.liked_at} if one.liked_at else {"because": "listened", "at": one.last_played_at}
                seeds[TrackId(one.id)] = because
        return seeds

    def _granted(self, ids: Sequence[TrackId], query: Query) -> frozenset[TrackId]:
        return frozenset(id_ for id_, track in self._catalogue.tracks(ids).items() if track.library_id in query.libraries)

    def _turned_down(self, query: Query, plays: Sequence[Play], found: Sequence[TrackId]) -> dict[TrackId, float]:
        """How similar each of ``found`` is to the nearest of what was skipped just now."""
        lately = query.at - _SESSION_MS
        skips = [
            play.track_id
            for play in plays
            if play.outcome == "skipped" and (play.last_at >= lately or (query.session_id and play.session_id == query.session_id))
        ]
        skipped = list(dict.fromkeys([*query.skipped[-_SKIPS:], *skips[:_SKIPS]]))
        if not skipped or not found:
            return {}
        away = list(self._alike.embeddings(sorted(self._granted(skipped, query))).values())
        if not away:
            return {}
        theirs = self._alike.embeddings(list(dict.fromkeys(found)))
        return {track_id: max(float(vector @ one) for one in away) for track_id, vector in theirs.items()}


def _at_this_hour(one: Acquaintance, at: Instant) -> bool:
    """Last played within an hour and a half of this time of the day."""
    if one.last_played_at is None:
        return False
    apart = (at - one.last_played_at) % _DAY_MS
    return min(apart, _DAY_MS - apart) <= 1.5 * _HOUR_MS
