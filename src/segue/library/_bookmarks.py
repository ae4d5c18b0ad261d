"""Places in tracks that listeners marked: one a track, each listener's own."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from segue.errors import BadRequest
from segue.store import Database
from segue.store import schema as s
from segue.types import Instant, Ms, TrackId, UserId, now

MOST = 10_000
"""Bookmarks of one listener; more are refused."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    track_id: TrackId
    position_ms: Ms
    comment: str
    created_at: Instant
    changed_at: Instant


class Bookmarks:
    """Whether a listener may hear a track is the caller's to check."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, user_id: UserId, track_id: TrackId, position_ms: Ms, comment: str = "") -> None:
        """Mark a place, instead of the one marked before. Raises BadRequest when there are too many."""
        moment = now()
        with self._db.write(urgent=True) as connection:
            others = s.bookmark.c.user_id == user_id, s.bookmark.c.track_id != track_id
            if connection.execute(sa.select(sa.func.count()).select_from(s.bookmark).where(*others)).scalar_one() >= MOST:
                raise BadRequest(f"A listener has at most {MOST:,} bookmarks.")
            row = insert(s.bookmark).values(
                user_id=user_id, track_id=track_id, position_ms=position_ms, comment=comment, created_at=moment, changed_at=moment
            )
            new = {name: row.excluded[name] for name in ("position_ms", "comment", "changed_at")}
            connection.execute(row.on_conflict_do_update(index_elements=["user_id", "track_id"], set_=new))

    def remove(self, user_id: UserId, track_id: TrackId) -> bool:
        """Whether there was one."""
        with self._db.write(urgent=True) as connection:
            gone = s.bookmark.delete().where(s.bookmark.c.user_id == user_id, s.bookmark.c.track_id == track_id)
            return bool(connection.execute(gone).rowcount)

    def of(self, user_id: UserId) -> Sequence[Bookmark]:
        """Latest change first."""
        columns = [s.bookmark.c[name] for name in Bookmark.__slots__]
        order = s.bookmark.c.changed_at.desc(), s.bookmark.c.track_id
        with self._db.read() as connection:
            return [
                Bookmark(*row) for row in connection.execute(sa.select(*columns).where(s.bookmark.c.user_id == user_id).order_by(*order))
            ]

    def positions(self, user_id: UserId) -> dict[str, Ms]:
        """Where each marked track is to go on."""
        query = sa.select(s.bookmark.c.track_id, s.bookmark.c.position_ms).where(s.bookmark.c.user_id == user_id)
        with self._db.read() as connection:
            return {row.track_id: row.position_ms for row in connection.execute(query)}
