"""The store: one owner, readers that never wait, urgent writes first, migrations that keep what was."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from segue.errors import ConfigError, DataDirInUse, Unavailable
from segue.store import Database, DataDir, migrate, open_store, schema
from segue.store._migrate import _upgrade


@pytest.fixture
def db(tmp_path: Path) -> Database:
    with DataDir(tmp_path / "data") as data:
        return open_store(data)


def count(db: Database) -> int:
    with db.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(schema.setting)).scalar_one()


def put(db: Database, key: str, *, urgent: bool = False) -> None:
    with db.write(urgent=urgent) as connection:
        connection.execute(schema.setting.insert().values(key=key, value="1"))


def test_a_data_directory_has_one_owner(tmp_path: Path) -> None:
    with DataDir(tmp_path / "data") as data:
        assert data.root.stat().st_mode & 0o077 == 0
        with pytest.raises(DataDirInUse, match="Stop it"), DataDir(tmp_path / "data"):
            pass
    with DataDir(tmp_path / "data"):
        pass


def test_readers_see_the_last_commit_and_never_wait(db: Database) -> None:
    put(db, "first")
    with db.write() as connection:
        connection.execute(schema.setting.insert().values(key="second", value="1"))
        started = time.monotonic()
        assert count(db) == 1
        assert time.monotonic() - started < 1
    assert count(db) == 2


def test_a_write_that_raises_leaves_nothing(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.write() as connection:  # noqa: PT012
        connection.execute(schema.setting.insert().values(key="lost", value="1"))
        raise ZeroDivisionError
    assert count(db) == 0
    put(db, "kept")
    assert count(db) == 1


def test_urgent_writes_pass_the_others(db: Database) -> None:
    order: list[str] = []
    held = threading.Event()

    def hold() -> None:
        with db.write():
            held.set()
            time.sleep(0.3)

    def write(name: str, urgent: bool) -> None:
        with db.write(urgent=urgent):
            order.append(name)

    threads = [threading.Thread(target=hold)]
    threads[0].start()
    held.wait()
    for name, urgent in (("scan 1", False), ("scan 2", False), ("event", True)):
        threads.append(threading.Thread(target=write, args=(name, urgent)))
        threads[-1].start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert order[0] == "event"


def test_eight_writers_lose_nothing(db: Database) -> None:
    def write(worker: int) -> None:
        for number in range(50):
            put(db, f"{worker} {number}", urgent=number % 2 == 0)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(db) == 400


def test_paths_that_are_no_text_survive(db: Database) -> None:
    odd = "caf\udce9/\ud83d"[:5]
    with db.write() as connection:
        connection.execute(schema.library.insert().values(name="odd", path=odd, created_at=0))
    with db.read() as connection:
        assert connection.execute(sa.select(schema.library.c.path)).scalar_one() == odd


def test_migrations_create_once_keep_a_copy_and_refuse_the_future(tmp_path: Path) -> None:
    with DataDir(tmp_path / "data") as data:
        assert migrate(data) is not None
        assert migrate(data) is None
        with sqlite3.connect(data.database) as connection:
            connection.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
        with pytest.raises(ConfigError, match="newer Segue"):
            migrate(data)
        with sqlite3.connect(data.database) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchone()[0] == "from-the-future"


def test_the_schema_is_what_the_migrations_make(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with DataDir(tmp_path / "fresh") as data:
        migrate(data)
        fresh = shape(data.database)
    with DataDir(tmp_path / "old") as data:
        engine = sa.create_engine(f"sqlite:///{data.database}", connect_args={"isolation_level": None})
        with engine.begin() as connection:
            _upgrade(connection)
        assert shape(data.database) == fresh
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
        assert migrate(data) is None


def shape(path: Path) -> set[tuple[str, str, str]]:
    """Every table and index, as SQLite keeps them, less white space."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'").fetchall()
    return {(kind, name, " ".join(sql.split())) for kind, name, sql in rows}


def aged(data: DataDir, *changes: str) -> None:
    """A database as an early 0001 made it, with something in it."""
    migrate(data)
    with sqlite3.connect(data.database) as connection:
        for change in (*changes, "UPDATE alembic_version SET version_num = '0001'", "INSERT INTO setting VALUES ('old', '1')"):
            connection.execute(change)


def test_an_old_database_gets_the_indexes_it_lacks(tmp_path: Path) -> None:
    with DataDir(tmp_path / "fresh") as data:
        migrate(data)
        fresh = shape(data.database)
    with DataDir(tmp_path / "old") as data:
        other = "CREATE INDEX ix_track_sort ON track (sort_key, id)"
        aged(data, "DROP INDEX ix_track_seen", "DROP INDEX ix_annotation_id", "DROP INDEX ix_track_sort", other)
        before = shape(data.database)
        assert before != fresh
        with open_store(data).read() as connection:
            assert connection.execute(sa.select(schema.setting.c.key)).scalars().all() == ["old"]
        assert shape(data.database) == fresh
        [copy] = data.backups.iterdir()
        assert shape(copy) == before
        with sqlite3.connect(copy) as kept:
            assert kept.execute("SELECT key FROM setting").fetchall() == [("old",)]
        assert migrate(data) is None


def test_a_migration_that_fails_changes_nothing_and_says_so(tmp_path: Path) -> None:
    with DataDir(tmp_path / "data") as data:
        # An index cannot have the name of a table. Those of other tables are made before it is met, and must go again.
        aged(data, "DROP INDEX ix_track_seen", "DROP INDEX ix_annotation_id", "CREATE TABLE ix_track_seen (x)")
        before = shape(data.database)
        with pytest.raises(Unavailable, match="left as it was"):
            open_store(data)
        assert shape(data.database) == before
        with sqlite3.connect(data.database) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
            connection.execute("DROP TABLE ix_track_seen")
        open_store(data).close()
        assert ("index", "ix_track_seen") in {(kind, name) for kind, name, _ in shape(data.database)}


def columns(path: Path) -> dict[str, set[tuple[str, str]]]:
    with sqlite3.connect(path) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {(row[1], row[2]) for row in connection.execute(f"PRAGMA table_xinfo({name})")} for name in tables}


def test_projections_of_an_older_shape_are_made_anew_from_the_log(tmp_path: Path) -> None:
    with DataDir(tmp_path / "fresh") as data:
        migrate(data)
        fresh, indexes = columns(data.database), {row[:2] for row in shape(data.database)}
    with DataDir(tmp_path / "old") as data:
        old_play = "CREATE TABLE play (user_id, play_id, track_id, started_at, PRIMARY KEY (user_id, play_id, track_id))"
        aged(
            data,
            *("DROP TABLE play", old_play, "DROP TABLE listen", "DROP TABLE tally", "DROP TABLE external"),
            *("DROP INDEX ix_track_isrc", "ALTER TABLE track DROP COLUMN isrc", "ALTER TABLE folder DROP COLUMN portrait"),
            *("INSERT INTO play VALUES ('u', 'p', 't', 1)", "INSERT INTO projection VALUES ('listens', 7)"),
        )
        open_store(data).close()
        assert columns(data.database) == fresh
        assert {row[:2] for row in shape(data.database)} == indexes
        with sqlite3.connect(data.database) as connection:
            assert connection.execute("SELECT count(*) FROM play").fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM projection").fetchone() == (0,), "the log is folded from its beginning"
