"""An invented catalogue of three libraries, where a tenth of the files is gone, and listeners granted some of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest

from segue.library import Catalogue, Playlists, Search
from segue.model import Listener
from segue.store import Database, schema
from segue.testing.catalogue import Filled, add_listener, annotate, fill
from segue.types import LibraryId, TrackId


@dataclass
class Invented:
    db: Database
    filled: Filled
    catalogue: Catalogue
    playlists: Playlists
    search: Search
    me: Listener
    """Granted all of it; has marks and plays on most of it."""

    def granted(self, libraries: tuple[LibraryId, ...]) -> Listener:
        return msgspec.structs.replace(self.me, libraries=frozenset(libraries))

    def present(self, listener: Listener) -> set[TrackId]:
        """Told by the one who made them, not by the catalogue."""
        return {id for id, library in self.filled.track_library.items() if library in listener.libraries} - self.filled.missing


@pytest.fixture(scope="session")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Invented]:
    directory = tmp_path_factory.mktemp("invented")
    db = Database(directory / "segue.db")
    with db.write() as connection:
        schema.metadata.create_all(connection)
    filled = fill(db, 360, seed=3, libraries=3, missing=0.1)
    me = add_listener(db, "me", filled.libraries)
    annotate(db, me, filled, 300)
    search = Search(directory / "search", db)
    search.rebuild()
    yield Invented(db, filled, Catalogue(db), Playlists(db), search, me)
    search.close()
    db.close()
