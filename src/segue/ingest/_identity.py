"""Which track a file is: ids pass only from a missing file to a new one, so that nothing a listener said of a track is lost.

In order (the map, section 5): equal quick hash; MusicBrainz recording on the same release at the same place; the same path. Of several
missing tracks with one hash (a recording on an album and on a compilation), the one whose file was called the same, on a release of the
same title, goes first. Two present files never share an id.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from segue.ingest._record import TagRecord
from segue.store import schema as s
from segue.text import fold

_t, _r = s.track, s.release
_CANDIDATES = (
    sa.select(_t.c.id, _t.c.path, _t.c.quick_hash, _t.c.mbid, _t.c.disc, _t.c.number, _r.c.title_folded, _r.c.mbid.label("release_mbid"))
    .join(_r, _r.c.id == _t.c.release_id)
    .where(_t.c.missing_at.is_not(None))
)


def claim(connection: sa.Connection, files: Mapping[str, TagRecord]) -> dict[str, str]:
    """Path → id of the missing track that each new file is; paths of files that are new altogether are left out."""
    if not connection.execute(sa.select(_t.c.id).where(_t.c.missing_at.is_not(None)).limit(1)).first():
        return {}
    hashes = [record.quick_hash for record in files.values() if record.quick_hash]
    mbids = [record.mbid for record in files.values() if record.mbid and record.release_mbid]
    by_hash = _by(connection.execute(_CANDIDATES.where(_t.c.quick_hash.in_(hashes))), "quick_hash")
    by_mbid = _by(connection.execute(_CANDIDATES.where(_t.c.mbid.in_(mbids))), "mbid")
    taken: set[str] = set()
    out: dict[str, str] = {}
    # Exact namesakes choose first, so that of two equal recordings each finds its own.
    for must_match in (2, 1, 0):
        for path, record in files.items():
            if path not in out and record.quick_hash:
                rows = [row for row in by_hash.get(record.quick_hash, ()) if row.id not in taken]
                best = max(rows, key=lambda row: (_alike(row, path, record), row.id), default=None)
                if best is not None and _alike(best, path, record) >= must_match:
                    out[path] = best.id
                    taken.add(best.id)
    for path, record in files.items():
        if path not in out and record.mbid:
            for row in by_mbid.get(record.mbid, ()):
                same_place = (row.release_mbid, row.disc or 1, row.number) == (record.release_mbid, record.disc or 1, record.number)
                if row.id not in taken and record.release_mbid and same_place:
                    out[path] = row.id
                    taken.add(row.id)
                    break
    return out


def _alike(row: Any, path: str, record: TagRecord) -> int:
    same_name = row.path.rpartition("/")[2] == path.rpartition("/")[2]
    return int(same_name) + int(row.title_folded == fold(record.release or ""))


def _by(rows: Iterable[Any], column: str) -> dict[Any, list[Any]]:
    out: dict[Any, list[Any]] = {}
    for row in rows:
        out.setdefault(getattr(row, column), []).append(row)
    return out
