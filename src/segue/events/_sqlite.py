"""The event log in one SQLite file of its own: WAL, ``synchronous=FULL``, group commit.

Appenders that come while a commit is under way wait for it, and the first of them then commits for all (leader and followers): many
clients share one fsync, and each returns only once its events are on the disk.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from segue.errors import BadRequest, Unavailable
from segue.model import Appended, Event
from segue.observe import get_logger
from segue.types import UserId, new_id, now

_log = get_logger("events")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    "offset" INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (user_id, event_id)
);
CREATE INDEX IF NOT EXISTS ix_event_user ON event (user_id, "offset");
"""
_INSERT = "INSERT OR IGNORE INTO event (user_id, event_id, at, received_at, kind, body) VALUES (?, ?, ?, ?, ?, ?)"
_IDLE_READERS = 8
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event)

_Row = tuple[str, str, int, int, str, bytes]


class _Batch:
    """One appender's rows, and what became of them."""

    __slots__ = ("error", "finished", "rows")

    def __init__(self, rows: list[_Row]) -> None:
        self.rows = rows
        self.finished = False
        self.error: Exception | None = None


class SqliteEventLog:
    """Meets :class:`segue.ports.EventLog`. Any thread may call it.

    Raises :class:`~segue.errors.Unavailable` from every call when the file cannot be opened, read or written (a full disk, a damaged
    file): then nothing of the batch is kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._gate = threading.Condition()
        self._waiting: list[_Batch] = []
        self._leading = False
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        with _spoken(path, "opened"):
            self._writer = self._connect()
            self._writer.executescript(_SCHEMA)
            self._last = self._stored_last()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA cache_size = -4096")
        return connection

    def _stored_last(self) -> int:
        # sqlite_sequence remembers offsets whose rows were erased: an offset is never used twice.
        row = self._writer.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
        return int(row[0]) if row else 0

    def append(self, events: Sequence[Event]) -> Appended:
        if any(event.kind == "erased" for event in events):
            raise BadRequest("Only erase() writes a tombstone.")
        if events:
            self._commit(_Batch([_row(event) for event in events]))
        return Appended(accepted=tuple(event.event_id for event in events))

    def _commit(self, batch: _Batch) -> None:
        with self._gate:
            self._waiting.append(batch)
            while self._leading and not batch.finished:
                self._gate.wait()
            if batch.finished:
                group: list[_Batch] = []
            else:
                self._leading = True
                group, self._waiting = self._waiting, []
        if group:
            error: Exception | None = None
            try:
                self._write(group)
            except Exception as caught:
                error = caught
            finally:
                with self._gate:
                    for one in group:
                        one.finished, one.error = True, error
                    self._leading = False
                    self._gate.notify_all()
        if batch.error is not None:
            raise batch.error

    def _write(self, group: list[_Batch]) -> None:
        with _spoken(self.path, "written"), self._transaction():
            for batch in group:
                self._writer.executemany(_INSERT, batch.rows)
            last = self._stored_last()
        self._last = last

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    def read(self, after: int, limit: int, *, user_id: UserId | None = None) -> Sequence[tuple[int, Event]]:
        where, values = ('"offset" > ?', [after]) if user_id is None else ('user_id = ? AND "offset" > ?', [user_id, after])
        sql = f'SELECT "offset", body FROM event WHERE {where} ORDER BY "offset" LIMIT ?'
        with self._reader() as connection, _spoken(self.path, "read"):
            rows = connection.execute(sql, [*values, max(0, limit)]).fetchall()
            return [(offset, _decoder.decode(body)) for offset, body in rows]

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A connection of this thread's for now; SQLite's readers do not wait for the writer."""
        try:
            connection = self._idle.pop()
        except IndexError:
            with _spoken(self.path, "opened"):
                connection = self._connect()
        try:
            yield connection
        finally:
            if self._closed or len(self._idle) >= _IDLE_READERS:
                connection.close()
            else:
                self._idle.append(connection)

    def find(self, user_id: UserId, event_id: str) -> Event | None:
        with self._reader() as connection, _spoken(self.path, "read"):
            row = connection.execute("SELECT body FROM event WHERE user_id = ? AND event_id = ?", (user_id, event_id)).fetchone()
            return _decoder.decode(row[0]) if row else None

    def last_offset(self) -> int:
        return self._last

    def erase(self, user_id: UserId) -> int:
        at = now()
        tombstone = _row(Event(event_id=new_id(), kind="erased", user_id=user_id, at=at, received_at=at))
        with self._gate:
            while self._leading:
                self._gate.wait()
            self._leading = True
        try:
            with _spoken(self.path, "written"):
                with self._transaction():
                    erased = self._writer.execute("DELETE FROM event WHERE user_id = ? AND kind <> 'erased'", [user_id]).rowcount
                    self._writer.execute("DELETE FROM event WHERE user_id = ?", [user_id])
                    self._writer.execute(_INSERT, tombstone)
                    last = self._stored_last()
                self._last = last
                # Deleted pages are zeroed in the file; the write-ahead log that held them is folded in and cut to nothing.
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            with self._gate:
                self._leading = False
                self._gate.notify_all()
        return erased

    def backup(self, target: Path) -> None:
        """Copy the whole log, consistent, while it is in use."""
        with self._reader() as connection, _spoken(self.path, "read"):
            copy = sqlite3.connect(target)
            try:
                connection.backup(copy, pages=2048)
            finally:
                copy.close()

    def close(self) -> None:
        self._closed = True
        for connection in (self._writer, *self._idle):
            connection.close()
        self._idle.clear()


class UnreadableLog:
    """Stands where a log should: the server plays and searches without it, every use of the log says what is wrong."""

    def __init__(self, error: Unavailable) -> None:
        self._error = error

    def _refuse(self) -> Unavailable:
        return Unavailable(str(self._error))

    def append(self, events: Sequence[Event]) -> Appended:
        raise self._refuse()

    def read(self, after: int, limit: int, *, user_id: UserId | None = None) -> Sequence[tuple[int, Event]]:
        raise self._refuse()

    def find(self, user_id: UserId, event_id: str) -> Event | None:
        raise self._refuse()

    def last_offset(self) -> int:
        raise self._refuse()

    def erase(self, user_id: UserId) -> int:
        raise self._refuse()

    def backup(self, target: Path) -> None:
        raise self._refuse()

    def close(self) -> None:
        """Nothing was opened."""


def open_log(path: Path) -> SqliteEventLog | UnreadableLog:
    """The log at ``path``, made if absent. Never raises: a file that cannot be used gives a log that says so on each use."""
    try:
        return SqliteEventLog(path)
    except Unavailable as error:
        _log.error("event_log_unreadable", path=str(path), error=str(error))
        return UnreadableLog(error)


def _row(event: Event) -> _Row:
    return event.user_id, event.event_id, event.at, event.received_at, event.kind, _encoder.encode(event)


@contextmanager
def _spoken(path: Path, done: str) -> Iterator[None]:
    """Turn what SQLite and the disk say into one error that says what to do."""
    try:
        yield
    except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
        if "full" in str(error):
            raise Unavailable(
                "The disk that holds the data directory is full. Free some space; nothing that was acknowledged is lost."
            ) from error
        raise Unavailable(f"The event log {path} cannot be {done} ({error}). Run `segue doctor`, or restore it from a backup.") from error
