"""Libraries: root folders of audio, and to whom they are granted. Files are only ever read."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from segue.errors import BadRequest, NotFound
from segue.model import Library, Listener
from segue.store import Database
from segue.store import schema as s
from segue.types import LibraryId, UserId

_BATCH = 1000


class Libraries:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, path: Path, name: str | None = None, *, everyone: bool = True) -> Library:
        """Register a folder; repeating is harmless. Raises BadRequest when it is no folder, or overlaps another library."""
        try:
            root = path.expanduser().resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise BadRequest(f"{path} cannot be opened: {error}. Check the path, and that the server's user may read it.") from error
        if not root.is_dir():
            raise BadRequest(f"{root} is not a folder.")
        with self._db.write(urgent=True) as connection:
            for row in connection.execute(sa.select(s.library.c.id, s.library.c.name, s.library.c.path)):
                other = Path(row.path)
                if other == root:
                    id = row.id
                    break
                if root.is_relative_to(other) or other.is_relative_to(root):
                    raise BadRequest(f"{root} overlaps the library {row.name!r} at {other}: a file must belong to one library only.")
            else:
                values = {"name": _name(name or root.name or str(root)), "path": str(root), "everyone": int(everyone)}
                inserted = connection.execute(s.library.insert().values(**values, created_at=time.time_ns() // 1_000_000))
                id = inserted.inserted_primary_key[0]  # type: ignore[index]
        return self.get(LibraryId(id))

    def get(self, id: LibraryId) -> Library:
        found = [library for library in self.list() if library.id == id]
        if not found:
            raise NotFound("library", str(id))
        return found[0]

    def list(self) -> tuple[Library, ...]:
        """All of them, with who may hear each: for administrators."""
        t = s.track
        missing = sa.select(sa.func.count()).where(t.c.library_id == s.library.c.id, t.c.missing_at.is_not(None)).scalar_subquery()
        present = (
            sa.select(sa.func.coalesce(sa.func.sum(s.release.c.track_count), 0))
            .where(s.release.c.library_id == s.library.c.id)
            .scalar_subquery()
        )
        with self._db.read() as connection:
            grants: dict[int, list[UserId]] = {}
            for row in connection.execute(sa.select(s.library_grant).order_by(s.library_grant.c.user_id)):
                grants.setdefault(row.library_id, []).append(row.user_id)
            query = sa.select(s.library, present.label("present"), missing.label("missing")).order_by(s.library.c.name, s.library.c.id)
            return tuple(_library(row, grants.get(row.id, [])) for row in connection.execute(query))

    def for_listener(self, listener: Listener) -> tuple[Library, ...]:
        return tuple(library for library in self.list() if library.id in listener.libraries)

    def update(
        self, id: LibraryId, *, name: str | None = None, everyone: bool | None = None, users: Sequence[UserId] | None = None
    ) -> Library:
        """``users`` are exactly those to whom it is granted by name. Raises NotFound for an unknown library or user."""
        with self._db.write(urgent=True) as connection:
            if not connection.execute(sa.select(s.library.c.id).where(s.library.c.id == id)).first():
                raise NotFound("library", str(id))
            values: dict[str, Any] = {} if name is None else {"name": _name(name)}
            values |= {} if everyone is None else {"everyone": int(everyone)}
            if values:
                connection.execute(s.library.update().where(s.library.c.id == id).values(**values))
            if users is not None:
                known = set(connection.execute(sa.select(s.user.c.id)).scalars())
                for user in users:
                    if user not in known:
                        raise NotFound("user", user)
                connection.execute(s.library_grant.delete().where(s.library_grant.c.library_id == id))
                if users:
                    connection.execute(s.library_grant.insert(), [{"library_id": id, "user_id": user} for user in dict.fromkeys(users)])
        return self.get(id)

    def remove(self, id: LibraryId) -> int:
        """Forget a library: unseen at once, then its rows in batches. What the log says of its tracks stays. Returns how many."""
        removed = 0
        with self._db.write(urgent=True) as connection:
            if not connection.execute(s.library.delete().where(s.library.c.id == id)).rowcount:
                raise NotFound("library", str(id))
            connection.execute(s.library_grant.delete().where(s.library_grant.c.library_id == id))
        while True:
            with self._db.write() as connection:
                ids = list(connection.execute(sa.select(s.track.c.id).where(s.track.c.library_id == id).limit(_BATCH)).scalars())
                if not ids:
                    break
                for start in range(0, len(ids), 500):
                    part = ids[start : start + 500]
                    for table in (s.track_artist, s.track_genre, s.lyrics):
                        connection.execute(table.delete().where(table.c.track_id.in_(part)))
                    connection.execute(s.track.delete().where(s.track.c.id.in_(part)))
                removed += len(ids)
        with self._db.write() as connection:
            gone = sa.select(s.release.c.id).where(s.release.c.library_id == id)
            for table in (s.release_artist, s.release_genre):
                connection.execute(table.delete().where(table.c.release_id.in_(gone)))
            for table in (s.release, s.folder, s.finding, s.failed_file, s.art, s.artist_library):
                connection.execute(table.delete().where(table.c.library_id == id))
            lists = sa.select(s.playlist.c.id).where(s.playlist.c.library_id == id)
            connection.execute(s.playlist_entry.delete().where(s.playlist_entry.c.playlist_id.in_(lists)))
            connection.execute(s.playlist.delete().where(s.playlist.c.library_id == id))
        return removed


def _name(text: str) -> str:
    name = "".join(c if c.isprintable() else "\ufffd" for c in text).strip()[:128]
    if not name:
        raise BadRequest("A library needs a name.")
    return name


def _library(row: Any, users: Sequence[UserId]) -> Library:
    return Library(
        id=row.id,
        name=row.name,
        path=row.path,
        everyone=bool(row.everyone),
        user_ids=tuple(users),
        track_count=row.present,
        missing_count=row.missing,
        scanned_at=row.scanned_at,
    )
