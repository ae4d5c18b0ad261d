"""Which tracks are still to be analysed, and what lists know of those that were. There is no queue to lose: what is due is what the
catalogue holds and the ``analysis`` table does not, asked anew after every restart.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from segue.analyse._record import Value
from segue.model import Record
from segue.store import Database
from segue.store import schema as s
from segue.types import Instant, Ms, TrackId, UserId

Due = Literal["new", "old", "space"]
"""Never heard; heard by an older version; without a vector in the space wanted."""
MOST_ATTEMPTS = 2
"""A file that ended a worker is tried once more: it may have been the machine. A guess."""
_FINDING_PREFIX = "sound_"
_OF_TASTE = frozenset({"clipped", "offset", "short", "too_long", "model"})
"""Told beside the track's analysis alone: nothing a person would mend in a library of modern masters and jingles."""

_DUE = """
SELECT t.id, t.library_id, l.path AS root, t.path, t.duration_ms, t.quick_hash,
       a.payload_hash, a.number, coalesce(a.attempts, 0) AS attempts,
       CASE WHEN a.track_id IS NULL OR a.quick_hash IS NOT t.quick_hash THEN 0 WHEN a.version < :version THEN 1 ELSE 2 END AS due
  FROM track t JOIN library l ON l.id = t.library_id LEFT JOIN analysis a ON a.track_id = t.id
 WHERE t.missing_at IS NULL
   AND (a.track_id IS NULL OR a.quick_hash IS NOT t.quick_hash OR a.version < :version
        OR (a.state = 'done' AND a.space_id IS NOT :space) OR (a.state = 'failed' AND a.attempts < :attempts))
   AND t.library_id NOT IN (SELECT value FROM json_each(:without))
 ORDER BY due, t.added_at DESC LIMIT :limit"""
_COUNTS = """
SELECT count(*), coalesce(sum(a.state = 'done' AND a.quick_hash IS t.quick_hash), 0),
       coalesce(sum(a.state = 'failed' AND a.quick_hash IS t.quick_hash AND a.attempts >= :attempts), 0),
       coalesce(sum(a.state = 'done' AND a.quick_hash IS t.quick_hash AND a.version < :version), 0),
       coalesce(sum(a.state = 'done' AND a.quick_hash IS t.quick_hash AND a.space_id IS NOT :space), 0)
  FROM track t JOIN library l ON l.id = t.library_id LEFT JOIN analysis a ON a.track_id = t.id WHERE t.missing_at IS NULL
   AND t.library_id NOT IN (SELECT value FROM json_each(:without))"""


def _list(ids: Sequence[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()


class Task(Record, frozen=True, kw_only=True):
    """One track that is due."""

    track_id: TrackId
    library_id: int
    root: str
    path: str
    duration_ms: Ms
    quick_hash: bytes | None
    payload_hash: bytes | None
    number: int | None
    attempts: int
    due: Due

    @property
    def file(self) -> bytes:
        return os.fsencode(Path(self.root) / self.path)


class Counts(Record, frozen=True, kw_only=True):
    """Of all present tracks. ``old`` and ``space`` are among those done."""

    total: int
    done: int
    failed: int
    old: int
    space: int

    @property
    def left(self) -> int:
        """Tracks that something is still due for; one both old and without a vector may count twice."""
        return self.total - self.done - self.failed + self.old + self.space


class Backlog:
    """Synchronous; any thread may call it."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def due(self, version: int, space_id: int, limit: int, *, without: Sequence[int] = ()) -> list[Task]:
        """What has never been heard first, the latest added first of all; nothing of the libraries in ``without``."""
        bound = {"version": version, "space": space_id, "limit": limit, "attempts": MOST_ATTEMPTS, "without": _list(without)}
        with self._db.read() as connection:
            rows = connection.execute(sa.text(_DUE), bound).all()
        kinds: tuple[Due, ...] = ("new", "old", "space")
        return [
            Task(
                track_id=row.id,
                library_id=row.library_id,
                root=os.fsdecode(row.root),
                path=os.fsdecode(row.path),
                duration_ms=row.duration_ms,
                quick_hash=row.quick_hash,
                payload_hash=row.payload_hash,
                number=row.number,
                attempts=row.attempts,
                due=kinds[row.due],
            )
            for row in rows
        ]

    def counts(self, version: int, space_id: int, *, without: Sequence[int] = ()) -> Counts:
        bound = {"version": version, "space": space_id, "attempts": MOST_ATTEMPTS, "without": _list(without)}
        with self._db.read() as connection:
            row = connection.execute(sa.text(_COUNTS), bound).one()
        return Counts(total=row[0], done=row[1], failed=row[2], old=row[3], space=row[4])

    def done(
        self,
        task: Task,
        *,
        payload_hash: bytes,
        number: int,
        version: int,
        space_id: int,
        values: Mapping[str, Value],
        findings: Sequence[tuple[str, str]],
        at: Instant,
    ) -> None:
        """A track was analysed: keep what lists need, under any correction by hand, and what is wrong with its sound."""
        corrected = self.corrections(payload_hash)
        held = {name: corrected.get(name, values[name].value if name in values else None) for name in s.SORTED_VALUES}
        row = {
            "track_id": task.track_id,
            "quick_hash": task.quick_hash,
            "payload_hash": payload_hash,
            "number": number,
            "state": "done",
            "version": version,
            "space_id": space_id,
            "error": None,
            "attempts": 1,
            "analysed_at": at,
            **held,
        }
        self._write(task, row, findings, at)

    def failed(self, task: Task, version: int, kind: str, message: str, at: Instant) -> None:
        """It could not be heard; what an earlier analysis of the same audio said is kept."""
        row = {
            "track_id": task.track_id,
            "quick_hash": task.quick_hash,
            "payload_hash": task.payload_hash if task.due != "new" else None,
            "number": task.number if task.due != "new" else None,
            "state": "failed",
            "version": version,
            "space_id": None,
            "error": msgspec.json.encode((kind, message)).decode(),
            "attempts": task.attempts + 1 if kind in {"died", "timeout"} else MOST_ATTEMPTS,
            "analysed_at": at,
        }
        self._write(task, row, [(kind, message)], at)

    def _write(self, task: Task, row: dict[str, Any], findings: Sequence[tuple[str, str]], at: Instant) -> None:
        f = s.finding
        here = {"library_id": task.library_id, "path": task.path, "found_at": at}
        with self._db.write() as connection:
            connection.execute(sa.insert(s.analysis).prefix_with("OR REPLACE").values(**row))
            where = (f.c.library_id == task.library_id, f.c.path == task.path, f.c.kind.startswith(_FINDING_PREFIX, autoescape=True))
            connection.execute(sa.delete(f).where(*where))
            told = [{"kind": _FINDING_PREFIX + kind, "message": message, **here} for kind, message in findings if kind not in _OF_TASTE]
            if told:
                connection.execute(sa.insert(f).prefix_with("OR REPLACE"), told)

    def retry(self) -> int:
        """Have everything that failed tried again. Returns how many."""
        with self._db.write() as connection:
            return connection.execute(sa.delete(s.analysis).where(s.analysis.c.state == "failed")).rowcount

    def forget_numbers(self) -> None:
        """The file of results is another: every number is meaningless, every track due."""
        with self._db.write() as connection:
            connection.execute(sa.delete(s.analysis))

    def placed(self, space_id: int, numbers: Sequence[int]) -> None:
        """These have a vector in a space already: nothing is due for it."""
        for start in range(0, len(numbers), 500):
            where = s.analysis.c.number.in_(numbers[start : start + 500])
            with self._db.write() as connection:
                connection.execute(sa.update(s.analysis).where(where).values(space_id=space_id))

    # -- one track ---------------------------------------------------------------------------------------------------

    def state(self, track_id: TrackId) -> sa.Row[Any] | None:
        """The row of one track; None before it was tried, or when its file has changed since."""
        a, t = s.analysis, s.track
        query = sa.select(a).join(t, sa.and_(t.c.id == a.c.track_id, t.c.quick_hash.is_not_distinct_from(a.c.quick_hash)))
        with self._db.read() as connection:
            return connection.execute(query.where(a.c.track_id == track_id)).first()

    def corrections(self, payload_hash: bytes) -> dict[str, float]:
        """Values set by hand, by name."""
        c = s.analysis_correction
        with self._db.read() as connection:
            rows = connection.execute(sa.select(c.c.name, c.c.value).where(c.c.payload_hash == payload_hash))
            return {row.name: row.value for row in rows}

    def correct(self, payload_hash: bytes, name: str, value: float | None, measured: float | None, user_id: UserId, at: Instant) -> None:
        """Set a value by hand for every track of this audio; None goes back to what was ``measured``."""
        c, a = s.analysis_correction, s.analysis
        with self._db.write(urgent=True) as connection:
            connection.execute(sa.delete(c).where(c.c.payload_hash == payload_hash, c.c.name == name))
            if value is not None:
                row = {"payload_hash": payload_hash, "name": name, "value": value, "user_id": user_id, "corrected_at": at}
                connection.execute(sa.insert(c).values(**row))
            if name in s.SORTED_VALUES:
                held = {name: measured if value is None else value}
                connection.execute(sa.update(a).where(a.c.payload_hash == payload_hash).values(**held))

    def shares(self, names: Sequence[str]) -> dict[str, list[float]]:
        """The values of every present track, sorted, by name: what a percentile is read from."""
        a, t = s.analysis, s.track
        columns = [a.c[name] for name in names]
        query = sa.select(*columns).join(t, t.c.id == a.c.track_id).where(t.c.missing_at.is_(None), a.c.state == "done")
        with self._db.read() as connection:
            rows = connection.execute(query).all()
        return {name: sorted(row[at] for row in rows if row[at] is not None) for at, name in enumerate(names)}
