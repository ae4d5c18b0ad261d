"""Playlists: owned by one listener, or read from an M3U file of a library. What a listener may not hear is left out when shown, and
keeps its place."""

import time
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from segue.errors import BadRequest, Forbidden, NotFound
from segue.library import _pages, _rows
from segue.library._order import STEP, Change, change
from segue.model import Listener, Playlist, Track
from segue.store import Database
from segue.store import schema as s
from segue.types import PlaylistId, TrackId, is_id, new_id

MOST_ENTRIES = 100_000
_AT_ONCE = 1000
"""Entries written or deleted by one statement."""
_UNDO_MS = 30 * 86_400_000
_TOO_LONG = f"A playlist holds at most {MOST_ENTRIES:,} tracks."
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Kinds of character a name has no use for: controls, halves of characters, line and paragraph ends."""


def _now() -> int:
    return time.time_ns() // 1_000_000


def _later() -> sa.ColumnElement[int]:
    """Now, or just after the last change: no two changes of a playlist have the same instant."""
    return sa.func.max(_now(), s.playlist.c.changed_at + 1)


class Playlists:
    """Every call takes the listener. Another's private playlist does not exist; another's public one cannot be changed."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def list(self, listener: Listener) -> tuple[Playlist, ...]:
        """One's own, public ones of others, and those of granted libraries' files; by name."""
        p = s.playlist
        query = self._query(listener).where(p.c.deleted_at.is_(None), self._readable(listener)).order_by(sa.func.lower(p.c.name), p.c.id)
        with self._db.read() as connection:
            return tuple(_playlist(row) for row in connection.execute(query))

    def get(self, listener: Listener, id: PlaylistId) -> tuple[Playlist, tuple[Track, ...]]:
        """Raises NotFound."""
        with self._db.read() as connection:
            playlist = self._one(connection, listener, id)
            ids = list(connection.execute(_entries(id)).scalars())
            found = _rows.tracks(connection, list(dict.fromkeys(ids)), listener.user.id)
        return playlist, tuple(t for one in ids if (t := found.get(one)) and _visible(t, listener))

    def create(
        self, listener: Listener, name: str, *, comment: str = "", public: bool = False, track_ids: Sequence[TrackId] = ()
    ) -> Playlist:
        """Raises BadRequest (name or length), NotFound (a track that does not exist for the listener)."""
        id, at = PlaylistId(new_id()), _now()
        values = {"id": id, "owner_id": listener.user.id, "name": _name(name), "comment": _comment(comment), "public": int(public)}
        self._check(listener, track_ids)
        # Written in parts, as a deleted one until it is whole: what a killed process leaves goes where deleted ones go.
        with self._db.write(urgent=True) as connection:
            connection.execute(s.playlist.insert().values(**values, created_at=at, changed_at=at, deleted_at=at))
        for start in range(0, len(track_ids), _AT_ONCE):
            with self._db.write(urgent=True) as connection:
                self._insert(connection, id, start * STEP, track_ids[start : start + _AT_ONCE])
        with self._db.write(urgent=True) as connection:
            connection.execute(s.playlist.update().where(s.playlist.c.id == id).values(deleted_at=None))
        return self._shown(listener, id)

    def update(
        self, listener: Listener, id: PlaylistId, *, name: str | None = None, comment: str | None = None, public: bool | None = None
    ) -> Playlist:
        values: dict[str, Any] = {"changed_at": _later()}
        values |= {} if name is None else {"name": _name(name)}
        values |= {} if comment is None else {"comment": _comment(comment)}
        values |= {} if public is None else {"public": int(public)}
        with self._db.write(urgent=True) as connection:
            self._own(connection, listener, id)
            connection.execute(s.playlist.update().where(s.playlist.c.id == id).values(**values))
        return self._shown(listener, id)

    def replace(self, listener: Listener, id: PlaylistId, track_ids: Sequence[TrackId]) -> Playlist:
        """The whole order. Entries that the listener cannot see (missing, or no longer granted) stay, at the end."""
        self._check(listener, track_ids)

        def plan(rows: Sequence[Any]) -> Change:
            wanted = [*track_ids, *(row.track_id for row in rows if not row.seen)]
            if len(wanted) > MOST_ENTRIES:
                raise BadRequest(_TOO_LONG)
            return change([(row.position, row.track_id) for row in rows], wanted)

        return self._edit(listener, id, plan)

    def append(self, listener: Listener, id: PlaylistId, track_ids: Sequence[TrackId]) -> Playlist:
        self._check(listener, track_ids)
        with self._db.write(urgent=True) as connection:
            self._own(connection, listener, id)
            entry = s.playlist_entry
            query = sa.select(sa.func.max(entry.c.position), sa.func.count()).where(entry.c.playlist_id == id)
            last, count = connection.execute(query).one()
            self._insert(connection, id, 0 if last is None else last + STEP, track_ids, already=count)
            self._touch(connection, id)
        return self._shown(listener, id)

    def remove_positions(self, listener: Listener, id: PlaylistId, positions: Sequence[int]) -> Playlist:
        """Positions count from 0 in the list as this listener sees it. Raises NotFound for one that is not there."""

        def plan(rows: Sequence[Any]) -> Change:
            seen = [row.position for row in rows if row.seen]
            for position in positions:
                if not 0 <= position < len(seen):
                    raise NotFound("entry", str(position))
            return Change(tuple(sorted({seen[position] for position in positions})), ())

        return self._edit(listener, id, plan)

    def delete(self, listener: Listener, id: PlaylistId) -> None:
        """Kept for 30 days, so that it can be restored."""
        at = _now()
        with self._db.write(urgent=True) as connection:
            self._own(connection, listener, id)
            connection.execute(s.playlist.update().where(s.playlist.c.id == id).values(deleted_at=at))
            old = sa.select(s.playlist.c.id).where(s.playlist.c.deleted_at < at - _UNDO_MS)
            connection.execute(s.playlist_entry.delete().where(s.playlist_entry.c.playlist_id.in_(old)))
            connection.execute(s.playlist.delete().where(s.playlist.c.deleted_at < at - _UNDO_MS))

    def restore(self, listener: Listener, id: PlaylistId) -> Playlist:
        p = s.playlist
        with self._db.write(urgent=True) as connection:
            _known(id)
            mine = (p.c.id == id) & (p.c.owner_id == listener.user.id) & p.c.deleted_at.is_not(None)
            if not connection.execute(p.update().where(mine).values(deleted_at=None)).rowcount:
                raise NotFound("playlist", id)
        return self._shown(listener, id)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _readable(self, listener: Listener) -> sa.ColumnElement[bool]:
        p = s.playlist
        return sa.or_(
            sa.and_(p.c.library_id.is_(None), sa.or_(p.c.owner_id == listener.user.id, p.c.public == 1)),
            p.c.library_id.in_(sorted(listener.libraries)),
        )

    def _query(self, listener: Listener) -> sa.Select[Any]:
        p, e, t, note = s.playlist, s.playlist_entry, s.track, s.annotation
        seen = self._seen(listener)
        inside = sa.select(e.c.playlist_id).join(t, t.c.id == e.c.track_id).where(e.c.playlist_id == p.c.id, seen).correlate(p)
        art = (
            sa.select(t.c.art_id)
            .join(e, t.c.id == e.c.track_id)
            .where(e.c.playlist_id == p.c.id, seen, t.c.art_id.is_not(None))
            .correlate(p)
        )
        return (
            sa.select(
                p,
                s.user.c.name.label("owner"),
                inside.with_only_columns(sa.func.count()).scalar_subquery().label("track_count"),
                inside.with_only_columns(sa.func.coalesce(sa.func.sum(t.c.duration_ms), 0)).scalar_subquery().label("duration_ms"),
                art.order_by(e.c.position).limit(1).scalar_subquery().label("art"),
                note.c.liked_at,
                note.c.rating,
                note.c.play_count,
                note.c.last_played_at,
            )
            .select_from(p)
            .outerjoin(s.user, s.user.c.id == p.c.owner_id)
            .outerjoin(note, sa.and_(note.c.id == p.c.id, note.c.type == "playlist", note.c.user_id == listener.user.id))
        )

    def _edit(self, listener: Listener, id: PlaylistId, plan: Callable[[Sequence[Any]], Change]) -> Playlist:
        """Change entries. ``plan`` is made of :meth:`_entries_seen` before the write begins, and anew if they changed meanwhile."""
        with self._db.read() as connection:
            version = self._own(connection, listener, id)
            work = plan(self._entries_seen(connection, listener, id))
        with self._db.write(urgent=True) as connection:
            if self._own(connection, listener, id) != version:
                work = plan(self._entries_seen(connection, listener, id))
            for start in range(0, len(work.gone), _AT_ONCE):
                gone = s.playlist_entry.c.position.in_(work.gone[start : start + _AT_ONCE])
                connection.execute(s.playlist_entry.delete().where(s.playlist_entry.c.playlist_id == id, gone))
            self._put(connection, id, work.new)
            self._touch(connection, id)
        return self._shown(listener, id)

    def _own(self, connection: sa.Connection, listener: Listener, id: PlaylistId) -> int:
        """When it was changed last, another instant for each change. Raises NotFound, Forbidden."""
        p = s.playlist
        _known(id)
        row = connection.execute(sa.select(p).where(p.c.id == id, p.c.deleted_at.is_(None), self._readable(listener))).first()
        if row is None:
            raise NotFound("playlist", id)
        if row.owner_id != listener.user.id or row.library_id is not None:
            raise Forbidden("This playlist can only be changed by its owner; one that comes from a file, only in that file.")
        return int(row.changed_at)

    def _one(self, connection: sa.Connection, listener: Listener, id: PlaylistId) -> Playlist:
        _known(id)
        p = s.playlist
        row = connection.execute(self._query(listener).where(p.c.id == id, p.c.deleted_at.is_(None), self._readable(listener))).first()
        if row is None:
            raise NotFound("playlist", id)
        return _playlist(row)

    def _check(self, listener: Listener, track_ids: Sequence[TrackId]) -> None:
        """Before the write begins, so that a long list holds nobody up."""
        if len(track_ids) > MOST_ENTRIES:
            raise BadRequest(_TOO_LONG)
        t, wanted = s.track, [id for id in dict.fromkeys(track_ids) if is_id(id)]
        seen: set[str] = set()
        with self._db.read() as connection:
            for part in _rows.chunks(wanted):
                seen |= set(connection.execute(sa.select(t.c.id).where(t.c.id.in_(part), self._seen(listener))).scalars())
        for id in track_ids:
            if id not in seen:
                raise NotFound("track", id[:64])

    def _seen(self, listener: Listener) -> sa.ColumnElement[bool]:
        return _pages.seen(sorted(listener.libraries))

    def _entries_seen(self, connection: sa.Connection, listener: Listener, id: PlaylistId) -> Sequence[Any]:
        """``position``, ``track_id`` and whether the listener sees it, in order."""
        e, t = s.playlist_entry, s.track
        query = sa.select(e.c.position, e.c.track_id, t.c.id.is_not(None).label("seen"))
        query = query.select_from(e.outerjoin(t, sa.and_(t.c.id == e.c.track_id, self._seen(listener))))
        return connection.execute(query.where(e.c.playlist_id == id).order_by(e.c.position)).all()

    def _insert(self, connection: sa.Connection, id: PlaylistId, start: int, track_ids: Sequence[TrackId], *, already: int = 0) -> None:
        if already + len(track_ids) > MOST_ENTRIES:
            raise BadRequest(_TOO_LONG)
        self._put(connection, id, [(start + number * STEP, one) for number, one in enumerate(track_ids)])

    def _put(self, connection: sa.Connection, id: PlaylistId, entries: Sequence[tuple[int, str]]) -> None:
        if entries:
            rows = [(id, position, track_id) for position, track_id in entries]
            connection.exec_driver_sql("INSERT INTO playlist_entry (playlist_id, position, track_id) VALUES (?, ?, ?)", rows)

    def _touch(self, connection: sa.Connection, id: PlaylistId) -> None:
        connection.execute(s.playlist.update().where(s.playlist.c.id == id).values(changed_at=_later()))

    def _shown(self, listener: Listener, id: PlaylistId) -> Playlist:
        with self._db.read() as connection:
            return self._one(connection, listener, id)


def _known(id: str) -> None:
    """What cannot be an id names nothing."""
    if not is_id(id):
        raise NotFound("playlist", id[:64])


def _entries(id: PlaylistId) -> sa.Select[Any]:
    entry = s.playlist_entry
    return sa.select(entry.c.track_id).where(entry.c.playlist_id == id).order_by(entry.c.position)


def _visible(track: Track, listener: Listener) -> bool:
    return track.missing_at is None and track.library_id in listener.libraries


def _name(text: str) -> str:
    name = "".join(c for c in text if unicodedata.category(c) not in _UNSEEN).strip()
    if not 1 <= len(name) <= 256:
        raise BadRequest("A playlist's name has 1 to 256 characters.")
    return name


def _comment(text: str) -> str:
    return "".join(c for c in text[:4096] if c == "\n" or unicodedata.category(c) not in _UNSEEN)


def _playlist(row: Any) -> Playlist:
    return Playlist(
        id=row.id,
        owner_id=row.owner_id,
        owner=row.owner or "",
        name=row.name,
        comment=row.comment,
        public=bool(row.public),
        track_count=row.track_count,
        duration_ms=row.duration_ms,
        art=row.art,
        source_path=row.source_path,
        created_at=row.created_at,
        changed_at=row.changed_at,
        annotation=_rows.annotation(row),
    )
