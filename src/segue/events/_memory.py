"""The event log in memory: for tests, and the plainest statement of what the port promises (but for durability)."""

import threading
from collections.abc import Sequence

from segue.errors import BadRequest
from segue.model import Appended, Event
from segue.types import UserId, new_id, now


class MemoryEventLog:
    """Meets :class:`segue.ports.EventLog`; holds everything until the process ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: list[tuple[int, Event]] = []
        self._known: set[tuple[UserId, str]] = set()
        self._last = 0

    def append(self, events: Sequence[Event]) -> Appended:
        with self._lock:
            for event in events:
                if event.kind == "erased":
                    raise BadRequest("Only erase() writes a tombstone.")
                if (event.user_id, event.event_id) not in self._known:
                    self._push(event)
        return Appended(accepted=tuple(event.event_id for event in events))

    def _push(self, event: Event) -> None:
        self._last += 1
        self._rows.append((self._last, event))
        self._known.add((event.user_id, event.event_id))

    def read(self, after: int, limit: int, *, user_id: UserId | None = None) -> Sequence[tuple[int, Event]]:
        with self._lock:
            rows = [row for row in self._rows if row[0] > after and (user_id is None or row[1].user_id == user_id)]
        return rows[: max(0, limit)]

    def find(self, user_id: UserId, event_id: str) -> Event | None:
        with self._lock:
            return next((event for _, event in self._rows if (event.user_id, event.event_id) == (user_id, event_id)), None)

    def last_offset(self) -> int:
        with self._lock:
            return self._last

    def erase(self, user_id: UserId) -> int:
        with self._lock:
            kept = [row for row in self._rows if row[1].user_id != user_id]
            erased = len([row for row in self._rows if row[1].user_id == user_id and row[1].kind != "erased"])
            self._rows = kept
            self._known = {key for key in self._known if key[0] != user_id}
            at = now()
            self._push(Event(event_id=new_id(), kind="erased", user_id=user_id, at=at, received_at=at))
        return erased

    def close(self) -> None:
        """Nothing to let go of."""
