"""One SQLite file: many readers that never wait, one writer at a time, urgent writes first.

WAL mode. Every thread may read; a reader sees the last commit. Writers queue for one connection; an urgent one (an event, a star)
passes all that are not (a scan's batches), so it waits for at most the one transaction in progress. Keep write transactions under
50 ms: split long work into batches.
"""

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import sqlalchemy as sa

from segue.errors import Unavailable

FULL_DISK = "The disk that holds the data directory is full. Free some space; nothing that was acknowledged is lost."
_ROOM_BYTES = 1 << 20
"""With less than this left, what SQLite calls an I/O error (it could not make its shared memory) is a full disk."""


class _TurnLock:
    """A lock that lets urgent waiters pass the others."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._held = False
        self._urgent_waiting = 0

    def acquire(self, *, urgent: bool) -> None:
        with self._condition:
            if urgent:
                self._urgent_waiting += 1
            try:
                while self._held or (self._urgent_waiting and not urgent):
                    self._condition.wait()
            finally:
                if urgent:
                    self._urgent_waiting -= 1
            self._held = True

    def release(self) -> None:
        with self._condition:
            self._held = False
            self._condition.notify_all()


class Database:
    """Connections to one SQLite file. ``synchronous`` is ``NORMAL`` (a commit may be lost to power failure, never torn) or ``FULL``."""

    def __init__(self, path: Path, *, synchronous: str = "NORMAL") -> None:
        self.path = path
        self._synchronous = synchronous
        self._turn = _TurnLock()
        self._readers = self._engine(pool_size=12, max_overflow=36, cache_mib=4)
        self._writers = self._engine(pool_size=1, max_overflow=0, cache_mib=32)
        # Folding the write-ahead log in more seldom writes a page that many transactions touch once; 16 MiB are folded in milliseconds.
        sa.event.listen(self._writers, "connect", lambda c, _: c.execute("PRAGMA wal_autocheckpoint = 4000"))
        sa.event.listen(self._readers, "connect", lambda c, _: c.execute("PRAGMA query_only = ON"))

    def _engine(self, *, pool_size: int, max_overflow: int, cache_mib: int) -> sa.Engine:
        engine = sa.create_engine(
            f"sqlite:///{self.path}",
            poolclass=sa.QueuePool,
            pool_size=pool_size,
            max_overflow=max_overflow,
            connect_args={"check_same_thread": False, "timeout": 30, "isolation_level": None, "cached_statements": 512},
            query_cache_size=1500,
        )

        @sa.event.listens_for(engine, "connect")
        def _configure(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute(f"PRAGMA cache_size = -{cache_mib * 1024}")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA secure_delete = FAST")

        return engine

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one snapshot until the block ends. Never waits for a writer."""
        with self._readers.connect() as connection:
            driver = cast(sqlite3.Connection, connection.connection.driver_connection)
            driver.execute("BEGIN")  # by the driver: an answer opens fifty, and SQLAlchemy takes longer to say it than SQLite to do it
            try:
                yield connection
            finally:
                driver.execute("COMMIT")

    @contextmanager
    def write(self, *, urgent: bool = False) -> Iterator[sa.Connection]:
        """The one write transaction: committed when the block ends, rolled back when it raises.

        Not reentrant. Raises :class:`~segue.errors.Unavailable` when the disk is full.
        """
        self._turn.acquire(urgent=urgent)
        try:
            with self._writers.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    if connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
                        connection.exec_driver_sql("ROLLBACK")
                    raise
                connection.exec_driver_sql("COMMIT")
        except (sa.exc.OperationalError, sqlite3.OperationalError) as error:
            if is_full(error, self.path):
                raise Unavailable(FULL_DISK) from error
            raise
        finally:
            self._turn.release()

    def backup(self, target: Path) -> None:
        """Copy the whole database, consistent, while it is in use (SQLite's online backup)."""
        source = sqlite3.connect(self.path)
        copy = sqlite3.connect(target)
        try:
            source.backup(copy, pages=2048)
        finally:
            copy.close()
            source.close()

    def analyse(self) -> None:
        """Tell the query planner what is in the tables; without it, it guesses, tenfold wrong on large libraries. Milliseconds."""
        with self.write() as connection:
            connection.exec_driver_sql("PRAGMA analysis_limit = 400")
            connection.exec_driver_sql("ANALYZE")
        self._readers.dispose()  # connections learn it when they are opened

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file, as at a graceful stop."""
        with self._writers.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._readers.dispose()
        self._writers.dispose()


def is_full(error: Exception, path: Path) -> bool:
    """Whether SQLite failed at the database at ``path`` because its disk is full."""
    said = str(error)
    return "is full" in said or ("disk I/O error" in said and shutil.disk_usage(path.parent).free < _ROOM_BYTES)
