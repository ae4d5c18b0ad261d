"""Each listener's queue, as whichever device saved it last: what a reload, a restart or another app goes on from."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from segue.errors import BadRequest
from segue.store import Database
from segue.store import schema as s
from segue.types import Instant, Ms, TrackId, UserId, now

MOST = 10_000
"""Tracks of a queue; a longer one is refused."""
LONGEST_MS = 7 * 86_400_000
"""The furthest position within a track; a later one is refused."""


@dataclass(frozen=True, slots=True)
class Queue:
    """``current`` is an index into ``track_ids``."""

    track_ids: tuple[TrackId, ...]
    current: int
    position_ms: Ms
    changed_at: Instant
    changed_by: str


class Queues:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._watchers: list[Callable[[UserId, Queue], None]] = []

    def watch(self, changed: Callable[[UserId, Queue], None]) -> None:
        """``changed`` is called after each queue that was saved, in the thread that saved it; it must neither wait nor raise."""
        self._watchers.append(changed)

    def get(self, user_id: UserId) -> Queue | None:
        with self._db.read() as connection:
            row = connection.execute(sa.select(s.play_queue).where(s.play_queue.c.user_id == user_id)).first()
        if row is None:
            return None
        return Queue(tuple(json.loads(row.track_ids)), row.current, row.position_ms, row.changed_at, row.changed_by)

    def put(self, user_id: UserId, track_ids: Sequence[TrackId], current: int, position_ms: Ms, *, changed_by: str = "") -> Queue:
        """Raises BadRequest when it is too long, ``current`` is outside it, or the position is negative or beyond ``LONGEST_MS``."""
        if len(track_ids) > MOST:
            raise BadRequest(f"A queue holds at most {MOST:,} tracks.")
        if not (0 <= current < len(track_ids) or (not track_ids and current == 0)):
            raise BadRequest("The current track must be one of the queue.")
        if not 0 <= position_ms <= LONGEST_MS:
            raise BadRequest(f"The position must lie between 0 and {LONGEST_MS:,} ms.")
        queue = Queue(tuple(track_ids), current, position_ms, now(), changed_by[:64])
        row = {
            "user_id": user_id,
            "track_ids": json.dumps(list(track_ids)),
            "current": current,
            "position_ms": position_ms,
            "changed_at": queue.changed_at,
            "changed_by": queue.changed_by,
        }
        with self._db.write(urgent=True) as connection:
            connection.execute(s.play_queue.insert().prefix_with("OR REPLACE").values(**row))
        for changed in self._watchers:
            changed(user_id, queue)
        return queue
