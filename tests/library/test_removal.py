"""A library's removal that is killed anywhere is ended later: nothing of it stays, and nothing of another goes."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from segue.errors import NotFound
from segue.library import Catalogue, Libraries
from segue.store import Database, DataDir, open_store, schema
from segue.testing.catalogue import Filled, add_listener, fill
from segue.testing.server import running_server
from segue.types import LibraryId

_REMOVE_AND_DIE = """
import os, signal, sys
from pathlib import Path
import sqlalchemy as sa
from segue.library import Libraries
from segue.store import Database

path, id, statement, times = sys.argv[1:]
met = 0

@sa.event.listens_for(sa.Engine, "after_cursor_execute")
def count(connection, cursor, text, *rest):
    global met
    met += text.startswith(statement)
    if met == int(times):
        os.kill(os.getpid(), signal.SIGKILL)

Libraries(Database(Path(path))).remove(int(id))
"""


def made(directory: Path) -> tuple[Database, Filled]:
    db = Database(directory / "segue.db")
    with db.write() as connection:
        schema.metadata.create_all(connection)
    return db, fill(db, 1500, seed=4, libraries=2, missing=0.1)


def rows(db: Database, library: LibraryId) -> dict[str, int]:
    """How many rows each table has of a library."""
    t, r = schema.track, schema.release
    through = {
        schema.track_artist: schema.track_artist.c.track_id.in_(sa.select(t.c.id).where(t.c.library_id == library)),
        schema.track_genre: schema.track_genre.c.track_id.in_(sa.select(t.c.id).where(t.c.library_id == library)),
        schema.release_artist: schema.release_artist.c.release_id.in_(sa.select(r.c.id).where(r.c.library_id == library)),
    }
    through |= {table: table.c.library_id == library for table in schema.metadata.sorted_tables if "library_id" in table.c}
    with db.read() as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table).where(where)).scalar_one()
            for table, where in through.items()
        }


def orphans(db: Database) -> int:
    """Rows that name a track or release that is no more."""
    with db.read() as connection:
        return sum(
            connection.execute(sa.select(sa.func.count()).select_from(table).where(table.c[key].not_in(sa.select(of.c.id)))).scalar_one()
            for table, key, of in (
                (schema.track_artist, "track_id", schema.track),
                (schema.track_genre, "track_id", schema.track),
                (schema.release_artist, "release_id", schema.release),
                (schema.release_genre, "release_id", schema.release),
            )
        )


@pytest.mark.parametrize(
    ("statement", "times"),
    [
        ("DELETE FROM library_grant", 1),
        ("DELETE FROM track ", 1),
        ("DELETE FROM track ", 3),
        ("DELETE FROM release ", 1),
        ("DELETE FROM art ", 1),
        ("DELETE FROM folder ", 1),
    ],
)
def test_a_killed_removal_is_ended(tmp_path: Path, statement: str, times: int) -> None:
    db, filled = made(tmp_path)
    gone, kept = filled.libraries
    before = rows(db, kept)
    me = add_listener(db, "me", [kept])
    seen = Catalogue(db).counts()
    arguments = [str(db.path), str(gone), statement, str(times)]
    done = subprocess.run([sys.executable, "-c", _REMOVE_AND_DIE, *arguments], capture_output=True, check=False, timeout=120)
    assert done.returncode == -9, done.stderr
    libraries = Libraries(db)
    if statement == "DELETE FROM library_grant":  # nothing was committed: it is there, and stays
        assert libraries.finish_removals() == 0
        assert Catalogue(db).counts() == seen
        libraries.remove(gone)
    else:
        assert sum(rows(db, gone).values()) > 0
        assert [one.id for one in libraries.list()] == [kept]
        with pytest.raises(NotFound):
            libraries.remove(gone)
        libraries.finish_removals()
    assert set(rows(db, gone).values()) == {0}
    assert rows(db, kept) == before
    assert orphans(db) == 0
    assert Catalogue(db).tracks_page(me, limit=1).total == sum(
        1 for id, library in filled.track_library.items() if library == kept and id not in filled.missing
    )
    assert libraries.finish_removals() == 0


def test_a_server_ends_it_when_it_starts(tmp_path: Path) -> None:
    with DataDir(tmp_path / "data") as data:
        open_store(data).close()
    db = Database(data.database)
    gone, kept = fill(db, 600, seed=4, libraries=2).libraries
    arguments = [str(db.path), str(gone), "DELETE FROM track ", "1"]
    done = subprocess.run([sys.executable, "-c", _REMOVE_AND_DIE, *arguments], capture_output=True, check=False, timeout=120)
    assert done.returncode == -9, done.stderr
    with running_server(tmp_path / "data", scan=False):
        for _ in range(600):
            if not sum(rows(db, gone).values()):
                break
            time.sleep(0.05)
    assert set(rows(db, gone).values()) == {0}
    assert rows(db, kept)["track"] > 0
