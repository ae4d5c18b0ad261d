"""What was answered, kept for a while: why this, and why not that, are read from here."""

import zlib

import msgspec
import sqlalchemy as sa

from segue.errors import NotFound
from segue.model import Slate
from segue.store import Database
from segue.store import schema as t
from segue.types import Instant, SlateId, UserId

_DAY_MS = 86_400_000
_decoder = msgspec.json.Decoder(Slate)


class Slates:
    """Slates of ``days`` days, at most ``each`` a listener: the oldest go first."""

    def __init__(self, db: Database, *, days: int = 30, each: int = 200) -> None:
        self._db = db
        self._days = days
        self._each = each

    def put(self, slate: Slate) -> None:
        """Keep a slate, and let the oldest of its listener go. Raises :class:`~segue.errors.Unavailable` on a full disk."""
        row = {"id": slate.id, "user_id": slate.user_id, "at": slate.at, "body": zlib.compress(msgspec.json.encode(slate), 1)}
        own = t.slate.c.user_id == slate.user_id
        beyond = sa.select(t.slate.c.id).where(own).order_by(t.slate.c.at.desc(), t.slate.c.id.desc()).limit(50).offset(self._each)
        with self._db.write(urgent=True) as connection:
            connection.execute(sa.insert(t.slate), [row])
            connection.execute(sa.delete(t.slate).where(t.slate.c.id.in_(beyond)))
            old = sa.select(t.slate.c.id).where(t.slate.c.at < slate.at - self._days * _DAY_MS).limit(50)
            connection.execute(sa.delete(t.slate).where(t.slate.c.id.in_(old)))

    def get(self, user_id: UserId, slate_id: SlateId, *, now: Instant) -> Slate:
        """Raises :class:`~segue.errors.NotFound` for a slate that is not this listener's, or is too old."""
        statement = sa.select(t.slate.c.body).where(
            t.slate.c.id == slate_id, t.slate.c.user_id == user_id, t.slate.c.at >= now - self._days * _DAY_MS
        )
        with self._db.read() as connection:
            body = connection.execute(statement).scalar()
        if body is None:
            raise NotFound("slate", slate_id)
        return _decoder.decode(zlib.decompress(body))
