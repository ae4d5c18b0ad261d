"""What plays now and cannot be told to the log, because it is of nothing in the library: kept in memory, for one listener one thing."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from segue.ports import Clock
from segue.serve.listenbrainz._wire import Metadata, duration_ms
from segue.types import Instant, TrackId, UserId, now

_MOST = 1_000
"""Listeners remembered at once."""
_USUAL_MS = 10 * 60_000
"""How long something of unknown length plays: a guess."""


@dataclass(frozen=True, slots=True)
class Current:
    told: Metadata
    app: str
    track_id: TrackId | None
    at: Instant
    until: Instant


class NowPlaying:
    """Safe from any thread."""

    def __init__(self, clock: Clock = now) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._current: OrderedDict[UserId, Current] = OrderedDict()

    def get(self, user_id: UserId) -> Current | None:
        with self._lock:
            found = self._current.get(user_id)
        return found if found is not None and self._clock() < found.until else None

    def put(self, user_id: UserId, told: Metadata, app: str, track_id: TrackId | None) -> bool:
        """Returns whether it is news: scrobblers say the same thing again and again while it plays."""
        at = self._clock()
        before = self.get(user_id)
        lasts = duration_ms(told) or _USUAL_MS
        with self._lock:
            self._current[user_id] = Current(told, app, track_id, at, Instant(at + lasts))
            self._current.move_to_end(user_id)
            while len(self._current) > _MOST:
                self._current.popitem(last=False)
        same = before is not None and (before.told.artist_name, before.told.track_name, before.app) == (
            told.artist_name,
            told.track_name,
            app,
        )
        return not same
