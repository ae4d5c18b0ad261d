"""What is spoken and not sung: audiobooks and podcasts are heard and liked, and say nothing of a taste in music."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from segue.model import Acquaintance, Candidate, Play, Query, Removed
from segue.ports import History
from segue.store import Database
from segue.types import ArtistId, Instant, LibraryId, TrackId, UserId

SPEECH = 0.6
"""A speechiness from which a track is speech: a guess."""
_GENRES = (
    "audio book", "audio drama", "audiobook", "audiobooks", "audiolibro", "horbuch", "horspiel", "livre audio", "luisterboek", "podcast",
    "podcasts", "speech", "spoken", "spoken word", "spokenword",
)  # fmt: skip
"""Folded, of what is spoken."""
_DEEPER = 5
"""Times as much of the past is looked at where speech is in the way."""
_FRESH_S = 60
_QUOTED = ", ".join(f"'{name}'" for name in _GENRES)
_OF_SPEECH = f"genre_id IN (SELECT id FROM genre WHERE name_folded IN ({_QUOTED}))"
_ALL = f"SELECT track_id FROM analysis WHERE speechiness >= {SPEECH} UNION SELECT track_id FROM track_genre WHERE {_OF_SPEECH}"
_IS = f"""(coalesce((SELECT speechiness FROM analysis WHERE track_id = t.id), 0) >= {SPEECH} OR EXISTS (
  SELECT 1 FROM track_genre l WHERE l.track_id = t.id
     AND l.{_OF_SPEECH}))"""
_TRACKS = f"SELECT t.id, t.library_id FROM json_each(?) asked CROSS JOIN track t ON t.id = asked.value WHERE {_IS}"
_ARTISTS = f"""
SELECT asked.value FROM json_each(?) asked
 WHERE EXISTS (SELECT 1 FROM track_artist WHERE artist_id = asked.value)
   AND NOT EXISTS (SELECT 1 FROM track_artist c JOIN track t ON t.id = c.track_id WHERE c.artist_id = asked.value AND NOT {_IS})"""
T = TypeVar("T", Play, Acquaintance)


class Spoken:
    """Synchronous; any thread may call it."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._all: tuple[float, frozenset[TrackId]] | None = None

    def all(self) -> frozenset[TrackId]:
        """All there are, as known a minute ago at most: a look at everything takes tens of milliseconds."""
        known = self._all
        if known is None or time.monotonic() - known[0] > _FRESH_S:
            with self._db.read() as connection:
                found = connection.connection.cursor().execute(_ALL)
                known = time.monotonic(), frozenset(TrackId(id) for (id,) in found)
            self._all = known
        return known[1]

    def tracks(self, ids: Sequence[TrackId], libraries: frozenset[LibraryId] | None = None) -> frozenset[TrackId]:
        """Those that are speech, by their sound or a genre of theirs; of these ``libraries``, where given."""
        return frozenset(TrackId(id) for id, library in self._of(_TRACKS, ids) if libraries is None or library in libraries)

    def artists(self, ids: Sequence[ArtistId]) -> frozenset[ArtistId]:
        """Those who are heard in tracks of speech and in nothing else."""
        return frozenset(ArtistId(id) for (id,) in self._of(_ARTISTS, ids))

    def _of(self, statement: str, ids: Sequence[str]) -> list[Any]:
        if not ids:
            return []
        with self._db.read() as connection:
            return list(connection.connection.cursor().execute(statement, (json.dumps(list(ids)),)))


class MusicHistory:
    """A listener's past without what was spoken (:class:`~segue.ports.History`)."""

    def __init__(self, history: History, spoken: Spoken) -> None:
        self._history = history
        self._spoken = spoken

    def plays(self, user_id: UserId, limit: int) -> Sequence[Play]:
        return self._music(limit, lambda most: self._history.plays(user_id, most), lambda one: one.track_id)

    def favourites(self, user_id: UserId, limit: int, *, not_since: Instant, at: Instant) -> Sequence[Acquaintance]:
        def found(most: int) -> Sequence[Acquaintance]:
            return self._history.favourites(user_id, most, not_since=not_since, at=at)

        return self._music(limit, found, lambda one: TrackId(one.id))

    def artists(self, user_id: UserId, limit: int, *, at: Instant) -> Sequence[Acquaintance]:
        found = self._history.artists(user_id, limit, at=at)
        spoken = self._spoken.artists([ArtistId(one.id) for one in found])
        if spoken:
            found = self._history.artists(user_id, limit * _DEEPER, at=at)
            spoken = self._spoken.artists([ArtistId(one.id) for one in found])
        return [one for one in found if one.id not in spoken][:limit]

    def heard(self, user_id: UserId, track_ids: Sequence[TrackId]) -> frozenset[TrackId]:
        return self._history.heard(user_id, track_ids)

    def _music(self, limit: int, read: Callable[[int], Sequence[T]], id_of: Callable[[T], TrackId]) -> Sequence[T]:
        found = read(limit)
        spoken = self._spoken.tracks([id_of(one) for one in found])
        if spoken:
            found = read(limit * _DEEPER)
            spoken = self._spoken.tracks([id_of(one) for one in found])
        return [one for one in found if id_of(one) not in spoken][:limit]


def leave_speech(candidates: Sequence[Candidate], spoken: Spoken) -> tuple[list[Candidate], list[Removed]]:
    """Keep what is music."""
    speech = spoken.tracks([one.track_id for one in candidates])
    kept = [one for one in candidates if one.track_id not in speech]
    return kept, [Removed(track_id=one.track_id, stage="speech", reason="speech") for one in candidates if one.track_id in speech]


def music_asked(query: Query, spoken: Spoken) -> tuple[Query, bool]:
    """What sources are asked, without the spoken among its seeds, and whether it is music that is asked: not where every seed is speech."""
    speech = spoken.tracks(query.seeds, query.libraries)
    music = tuple(seed for seed in query.seeds if seed not in speech)
    if speech and not music:
        return query, False
    return (msgspec.structs.replace(query, seeds=music) if speech else query), True
