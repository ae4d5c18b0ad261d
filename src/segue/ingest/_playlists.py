"""M3U playlists found in libraries: read anew when they change, visible to whom the library is granted."""

import os
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from segue.store import Database
from segue.store import schema as s
from segue.types import LibraryId, new_id, now

_LARGEST = 4 << 20
_MOST = 20_000


def parse_m3u(data: bytes) -> tuple[str | None, list[str]]:
    """The title, if it names one, and the entries as written. UTF-8, or Latin-1 where it is not."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    title, entries = None, []
    for line in text.splitlines()[: _MOST * 3]:
        line = line.strip()
        if line.upper().startswith("#PLAYLIST:"):
            title = line[10:].strip() or None
        elif line and not line.startswith("#"):
            entries.append(line)
    return title, entries[:_MOST]


def resolve(entry: str, folder: str) -> str | None:
    """The path an entry names, relative to the library's root; None when it is an address, or leads outside."""
    if "://" in entry:
        return None
    entry = entry.replace("\\", "/")
    path = os.path.normpath(os.path.join(folder, entry)) if not entry.startswith("/") else entry
    return None if path.startswith(("..", "/")) else path


def update_playlist(db: Database, library_id: LibraryId, root: str, path: str, found: Callable[[str, str, str], None]) -> None:
    """Bring the playlist of one file up to date. ``path`` is relative to ``root``."""
    try:
        with Path(root, path).open("rb") as file:
            data = file.read(_LARGEST)
    except OSError as error:
        found(path, "unreadable", f"This playlist cannot be read: {error.strerror}. Check its permissions.")
        return
    title, entries = parse_m3u(data)
    folder = path.rpartition("/")[0]
    wanted = []
    for entry in entries:
        inside = resolve(entry, folder)
        if inside is None and entry.startswith(root + "/"):
            inside = os.path.normpath(entry[len(root) + 1 :])
        wanted.append(inside)
    p, t, at = s.playlist, s.track, now()
    with db.read() as connection:
        ids: dict[str, str] = {}
        for start in range(0, len(wanted), 500):
            part = [one for one in wanted[start : start + 500] if one]
            query = sa.select(t.c.path, t.c.id).where(t.c.library_id == library_id, t.c.path.in_(part))
            ids |= dict(connection.execute(query).all())
        owner = connection.execute(sa.select(s.user.c.id).where(s.user.c.admin == 1).order_by(s.user.c.id).limit(1)).scalar() or ""
        row = connection.execute(sa.select(p.c.id).where(p.c.library_id == library_id, p.c.source_path == path)).first()
        held = list(
            connection.execute(
                sa.select(s.playlist_entry.c.track_id)
                .where(s.playlist_entry.c.playlist_id == (row.id if row else ""))
                .order_by(s.playlist_entry.c.position)
            ).scalars()
        )
    tracks = [ids[one] for one in wanted if one in ids]
    if lost := len(wanted) - len(tracks):
        found(path, "missing_reference", f"{lost} of its {len(wanted)} entries name no track of this library. Mend their paths.")
    if row and held == tracks:
        return
    name = "".join(c for c in (title or Path(path).stem) if c.isprintable())[:256] or "Playlist"
    with db.write() as connection:
        id = row.id if row else new_id()
        if row:
            connection.execute(p.update().where(p.c.id == id).values(name=name, changed_at=at))
            connection.execute(s.playlist_entry.delete().where(s.playlist_entry.c.playlist_id == id))
        else:
            values = {"id": id, "owner_id": owner, "name": name, "library_id": library_id, "source_path": path}
            connection.execute(p.insert().values(**values, created_at=at, changed_at=at))
        if tracks:
            rows = [{"playlist_id": id, "position": n, "track_id": track} for n, track in enumerate(tracks)]
            connection.execute(s.playlist_entry.insert(), rows)
