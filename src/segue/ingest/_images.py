"""Pictures beside audio files: one that stands for a folder's releases, and one of an artist in the folder above or with them."""

from typing import Any, Literal

import sqlalchemy as sa

from segue.ingest._record import ImageAnswer
from segue.ingest._write import Touched, art_id
from segue.store import schema as s
from segue.types import LibraryId

Kind = Literal["image", "portrait"]
KINDS: tuple[Kind, ...] = ("image", "portrait")
_COLUMNS: dict[str, tuple[str, str, str]] = {
    "image": ("image", "image_stamp", "art_id"),
    "portrait": ("portrait", "portrait_stamp", "portrait_art_id"),
}


def known_images(connection: sa.Connection, library_id: LibraryId) -> dict[tuple[str, Kind], tuple[str, str]]:
    """(folder, kind) → (path, stamp) of the pictures that were read."""
    f = s.folder
    query = sa.select(f.c.id, f.c.image, f.c.image_stamp, f.c.portrait, f.c.portrait_stamp)
    out: dict[tuple[str, Kind], tuple[str, str]] = {}
    for row in connection.execute(query.where(f.c.library_id == library_id, f.c.image.is_not(None) | f.c.portrait.is_not(None))):
        if row.image is not None:
            out[row.id, "image"] = (row.image, row.image_stamp)
        if row.portrait is not None:
            out[row.id, "portrait"] = (row.portrait, row.portrait_stamp)
    return out


def refused_images(library_id: LibraryId) -> sa.CompoundSelect[tuple[str]]:
    """Paths of pictures that were read and are none: what was found of them stands until they change."""
    f = s.folder
    images = sa.select(f.c.image).where(f.c.library_id == library_id, f.c.image.is_not(None), f.c.art_id.is_(None))
    portraits = sa.select(f.c.portrait).where(f.c.library_id == library_id, f.c.portrait.is_not(None), f.c.portrait_art_id.is_(None))
    return images.union_all(portraits)


def write_image(
    connection: sa.Connection,
    touched: Touched,
    library_id: LibraryId,
    folder_id: str,
    kind: Kind,
    found: tuple[str, str, ImageAnswer] | None,
) -> None:
    """What was read of a folder's picture (path, stamp, answer); None when it has none any more."""
    values: dict[str, Any] = dict.fromkeys(_COLUMNS[kind])
    if found:
        path, stamp, answer = found
        id = art_id(answer.record.hash) if answer.record else None
        values = dict(zip(_COLUMNS[kind], (path, stamp, id), strict=True))
        if answer.record:
            row = {"id": id, "library_id": library_id, "path": path, "embedded": 0}
            row |= {"content_type": answer.record.content_type, "size_bytes": answer.record.size}
            connection.execute(s.art.insert().prefix_with("OR REPLACE").values(**row))
    connection.execute(s.folder.update().where(s.folder.c.id == folder_id).values(**values))
    if kind == "image":
        touched.releases.update(_releases_of(connection, folder_id))
    else:
        touched.artists.update(_artists_below(connection, folder_id))


def _releases_of(connection: sa.Connection, folder_id: str) -> list[str]:
    """Releases with tracks in a folder or in its discs' folders."""
    r, t = s.release, s.track
    query = sa.select(r.c.id).where(r.c.folder_id == folder_id).union(sa.select(t.c.release_id).where(t.c.folder_id == folder_id))
    return list(connection.execute(query).scalars())


def _artists_below(connection: sa.Connection, folder_id: str) -> list[str]:
    """First artists of releases in a folder and in those directly below it."""
    r, of, f = s.release, s.release_artist, s.folder
    inside = sa.select(f.c.id).where((f.c.id == folder_id) | (f.c.parent_id == folder_id))
    query = sa.select(of.c.artist_id).join(r, r.c.id == of.c.release_id).where(of.c.position == 0, r.c.folder_id.in_(inside))
    return list(connection.execute(query).scalars())
