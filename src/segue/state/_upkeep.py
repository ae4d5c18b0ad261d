"""What changes without an event: tracks arrive, are retagged, and definitions of sums change. Each is followed in steps that hold the
writer for milliseconds, can be stopped at any moment, and find nothing to do when run again."""

import json
import sqlite3
from collections.abc import Iterator, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from segue.ports import Progress
from segue.state import _count, _external, _facts, _plays, _sums
from segue.state._features import VERSION, Facts, ListenRow, Sums
from segue.state._project import Projections, raw_of, reassign
from segue.store import Database
from segue.store import schema as t
from segue.types import now

_CHUNK = 100
"""Things counted in one transaction."""
_SUMS, _FOLLOWED, _PLAYINGS = "sums", "followed", "playings"
_SPARE_MS = 60_000
"""A scan's batch has the time at which it was read, and is committed a little later."""
_CHANGED = (
    "SELECT a.id FROM annotation a LEFT JOIN track t ON t.id = a.id WHERE a.user_id = ? AND a.facts IS NOT NULL"
    " AND (t.changed_at >= ? OR t.id IS NULL)"
)
_LISTENS = (
    "SELECT id, track_id, started_at, last_at, played_ms, outcome, counted, imported, session_id, device_id, client, utc_offset_min"
    " FROM listen WHERE user_id = ?"
)


class Upkeep:
    """Beside :class:`Projections`, under its lock. Synchronous; any thread may call it."""

    def __init__(self, db: Database, projections: Projections) -> None:
        self._db = db
        self._projections = projections

    def follow_catalogue(self, progress: Progress | None = None, *, whole: bool = False) -> tuple[int, int]:
        """After tracks changed: match what had no track, and count by the new tags and lengths. Returns (matched, counted anew).

        Looks at what changed since the last time, or, ``whole``, at everything.
        """
        matched = counted = 0
        begun = now()
        since = 0 if whole else self._version(_FOLLOWED)
        users = self._users()
        for number, user_id in enumerate(users):
            for ids in self._chunks(user_id, "SELECT id FROM external WHERE user_id = ? AND type = 'track' AND track_id IS NULL"):
                matched += self._match(user_id, ids)
            for ids in self._chunks(user_id, _CHANGED, since):
                counted += self._count(user_id, ids)
            if progress is not None:
                progress("following", number + 1, len(users))
        with self._db.write() as connection:
            _store_mark(connection, _FOLLOWED, begun - _SPARE_MS)
        return matched, counted

    def _users(self) -> list[str]:
        with self._db.read() as connection:
            return list(connection.execute(sa.select(t.user.c.id).order_by(t.user.c.id)).scalars())

    def _chunks(self, user_id: str, sql: str, *more: int) -> Iterator[Sequence[str]]:
        with self._db.read() as connection:
            ids = [row[0] for row in raw_of(connection).execute(sql, (user_id, *more))]
        for start in range(0, len(ids), _CHUNK):
            yield ids[start : start + _CHUNK]

    def _match(self, user_id: str, ids: Sequence[str]) -> int:
        with self._db.read() as connection:
            found = _external.find_matches(raw_of(connection), user_id, ids)
        if not found:
            return 0
        with self._projections.lock, self._db.write() as connection:
            raw = raw_of(connection)
            before = _external.matched(raw, user_id, list(found))
            _external.store_matches(raw, user_id, found)
            _count.recount(raw, user_id, reassign(raw, user_id, list(found), before))
        return len(found)

    def _count(self, user_id: str, ids: Sequence[str]) -> int:
        sql = "SELECT id, facts FROM annotation WHERE user_id = ? AND facts IS NOT NULL AND id IN (SELECT value FROM json_each(?))"
        with self._db.read() as connection:
            raw = raw_of(connection)
            stored = dict(raw.execute(sql, (user_id, json.dumps(list(ids)))).fetchall())
            now = _facts.read(raw, user_id, list(stored))
        changed = [id for id, facts in now.items() if msgspec.structs.replace(_facts.decode(stored[id]), length_ms=None) != facts]
        if changed:
            with self._projections.lock, self._db.write() as connection:
                _count.recount(raw_of(connection), user_id, {id: _count.Change() for id in changed})
        return len(changed)

    def refresh_playings(self, progress: Progress | None = None) -> None:
        """Put together anew what was told, when the rules of that changed; the old listens serve meanwhile."""
        if self._version(_PLAYINGS) == _plays.VERSION:
            return
        users = self._users()
        for number, user_id in enumerate(users):
            for ids in self._chunks(user_id, "SELECT DISTINCT track_id FROM play WHERE user_id = ?"):
                with self._projections.lock, self._db.write() as connection:
                    _count.recount(raw_of(connection), user_id, {id: _count.Change() for id in ids})
            if progress is not None:
                progress("counting", number + 1, len(users))
        with self._db.write() as connection:
            _store_mark(connection, _PLAYINGS, _plays.VERSION)

    def refresh_sums(self, progress: Progress | None = None) -> int:
        """Make every listener's sums anew when their definition changed. Returns how many listeners' were; the old serve meanwhile."""
        if self._version(_SUMS) == VERSION:
            return 0
        users = self._users()
        done = 0
        for number, user_id in enumerate(users):
            if self._version(f"{_SUMS}:{user_id}") != VERSION:
                self._refresh(user_id)
                done += 1
            if progress is not None:
                progress("counting", number + 1, len(users))
        with self._db.write() as connection:
            connection.execute(sa.delete(t.projection).where(t.projection.c.name.like(f"{_SUMS}:%")))
            _store_mark(connection, _SUMS, VERSION)
        return done

    def _version(self, name: str) -> int:
        with self._db.read() as connection:
            return int(connection.execute(sa.select(t.projection.c.offset).where(t.projection.c.name == name)).scalar() or 0)

    def _refresh(self, user_id: str) -> None:
        """The listener's own events wait meanwhile: tenths of a second for ten thousand listens."""
        with self._projections.lock:
            sums = Sums()
            with self._db.read() as connection:
                raw = raw_of(connection)
                facts = _known_facts(raw, user_id)
                for row in raw.execute(_LISTENS, (user_id,)):
                    sums.add(ListenRow(*row), facts.get(row[1], _facts.UNKNOWN), 1)
            gone = sa.select(*t.tally.primary_key.columns).where(t.tally.c.user_id == user_id).limit(1_000)
            while True:
                with self._db.write() as connection:
                    some = sa.delete(t.tally).where(sa.tuple_(*t.tally.primary_key.columns).in_(gone))
                    if not connection.execute(some).rowcount:
                        break
            by_key = sums.by_key()
            keys = list(by_key)
            for start in range(0, len(keys), 1_000):
                with self._db.write() as connection:
                    _sums.store(raw_of(connection), user_id, {key: by_key[key] for key in keys[start : start + 1_000]})
            with self._db.write() as connection:
                _store_mark(connection, f"{_SUMS}:{user_id}", VERSION)


def _known_facts(raw: sqlite3.Connection, user_id: str) -> dict[str, Facts]:
    sql = "SELECT id, facts FROM annotation WHERE user_id = ? AND facts IS NOT NULL"
    return {id: _facts.decode(facts) for id, facts in raw.execute(sql, (user_id,))}


def _store_mark(connection: sa.Connection, name: str, mark: int) -> None:
    statement = insert(t.projection).values(name=name, offset=mark)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"offset": statement.excluded.offset}))
