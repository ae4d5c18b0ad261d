"""Libraries: root folders of audio, and to whom they are granted. Files are only ever read."""

import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import sqlalchemy as sa

from segue.errors import BadRequest, NotFound
from segue.model import Library, Listener
from segue.store import Database
from segue.store import schema as s
from segue.types import LibraryId, UserId

_BATCH = 200
"""Rows of a table deleted in one transaction, so that it stays below 50 ms."""


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
        """Forget a library: unseen at once, then its rows in batches. What the log says of its tracks stays. Returns how many.

        A removal that is cut short is ended by :meth:`finish_removals`.
        """
        with self._db.write(urgent=True) as connection:
            if not connection.execute(s.library.delete().where(s.library.c.id == id)).rowcount:
                raise NotFound("library", str(id))
            connection.execute(s.library_grant.delete().where(s.library_grant.c.library_id == id))
        return self._clear(id, Event())

    def finish_removals(self, stop: Event | None = None) -> int:
        """End what a killed process began: clear libraries that are no more and still have rows. Returns how many tracks that removed.

        Ends between two batches when ``stop`` is set.
        """
        with self._db.read() as connection:
            given = connection.execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'library'")).scalar() or 0
            there = set(connection.execute(sa.select(s.library.c.id)).scalars())
            left = [
                id
                for id in range(1, given + 1)
                if id not in there and connection.execute(sa.select(s.folder.c.id).where(s.folder.c.library_id == id).limit(1)).first()
            ]
        return sum(self._clear(LibraryId(id), stop or Event()) for id in left)

    def _clear(self, id: LibraryId, stop: Event) -> int:
        """Remove every row of a library that is no more; its folders last, as they tell that there is more to do."""
        removed = self._delete(stop, s.track, id, (
            s.track_artist.c.track_id, s.track_genre.c.track_id, s.lyrics.c.track_id, s.analysis.c.track_id, s.recording.c.track_id,
            s.recording_choice.c.track_id,
        ))  # fmt: skip
        self._delete(stop, s.release, id, (s.release_artist.c.release_id, s.release_genre.c.release_id))
        self._delete(stop, s.playlist, id, (s.playlist_entry.c.playlist_id,))
        for column in (s.artist_library.c.artist_id, s.art.c.id, s.finding.c.path, s.failed_file.c.path, s.folder.c.id):
            self._delete(stop, column.table, id, (), key=column)
        return removed

    def _delete(
        self, stop: Event, table: sa.Table, id: LibraryId, parts: Sequence[sa.Column[Any]], *, key: sa.Column[Any] | None = None
    ) -> int:
        """Delete the library's rows of a table, and the rows of others (``parts`` name the table's key there), in batches."""
        column = table.c.id if key is None else key
        with self._db.read() as connection:
            keys = list(connection.execute(sa.select(column).where(table.c.library_id == id).distinct()).scalars())
        for start in range(0, len(keys), _BATCH):
            if stop.is_set():
                return start
            batch = keys[start : start + _BATCH]
            with self._db.write() as connection:
                for part in parts:
                    connection.execute(sa.delete(part.table).where(part.in_(batch)))
                connection.execute(sa.delete(table).where(column.in_(batch), table.c.library_id == id))
        return len(keys)


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
