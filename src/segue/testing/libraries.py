"""A library database over real files, without a server: for tests of the path of a track."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from segue.flow.track import TrackFlow
from segue.library import Catalogue, Libraries, Playlists, Search
from segue.model import Library, Listener, ScanReport, Track, User
from segue.store import Database, DataDir, open_store, schema
from segue.types import UserId


@dataclass
class Scanned:
    """One library, its flow and what reads it; ``me`` hears everything."""

    root: Path
    db: Database
    flow: TrackFlow
    catalogue: Catalogue
    playlists: Playlists
    search: Search
    library: Library
    me: Listener

    def scan(self, *, full: bool = False) -> ScanReport:
        return self.flow.scan(full=full)

    def tracks(self) -> dict[str, Track]:
        """Present tracks by path."""
        with self.db.read() as connection:
            ids = list(connection.execute(sa.select(schema.track.c.id)).scalars())
        return {track.path: track for track in self.catalogue.visible_tracks(self.me, ids)}


@contextmanager
def library_over(root: Path, data: Path, *, workers: int = 1) -> Iterator[Scanned]:
    """Own a data directory with one library at ``root``, not scanned yet."""
    with DataDir(data) as directory:
        db = open_store(directory)
        library = Libraries(db).add(root)
        search = Search(directory.search, db)
        flow = TrackFlow(db, search, workers=workers)
        user = User(id=UserId("0" * 22), name="me", admin=True, created_at=0)  # type: ignore[arg-type]
        me = Listener(user=user, libraries=frozenset({library.id}))
        try:
            yield Scanned(root, db, flow, Catalogue(db), Playlists(db), search, library, me)
        finally:
            flow.close()
            search.close()
            db.close()
