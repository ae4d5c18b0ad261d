"""Records into the catalogue, a batch a transaction: tracks, and the releases, artists, genres, folders and pictures they speak of.

Releases are grouped by MusicBrainz release id, else by title, release artist as tagged, and folder (folders called CD 1, Disc 2 … count
as their parent). A file without a release title belongs to one named after its folder. Releases and artists keep their ids when all
their tracks are retagged or moved: what took their place takes over the old id (:meth:`Writer._inherit`).
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from segue.ingest._identity import claim
from segue.ingest._record import Person, TagRecord
from segue.model import LyricLine, Lyrics
from segue.store import schema as s
from segue.text import fold, sort_key
from segue.types import ArtId, LibraryId, base62, new_id, now

VARIOUS = "Various Artists"
UNKNOWN_ARTIST = "[Unknown Artist]"
_DISC_FOLDER = re.compile(r"(?:cd|disc|disk|disque|dvd)[ _.-]*\d{1,3}\b", re.IGNORECASE)
_MOST_CACHED = 50_000


@dataclass(slots=True)
class File:
    """A file that was read. ``known_id`` and ``was_missing`` are of the row it has at this very path."""

    path: str
    folder_id: str
    record: TagRecord
    lrc_mtime_ns: int
    known_id: str | None = None
    was_missing: bool = False


@dataclass(slots=True)
class Touched:
    """What a scan changed, so that counts and the search index follow."""

    tracks: set[str] = field(default_factory=set)
    releases: set[str] = field(default_factory=set)
    artists: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Written:
    added: int = 0
    changed: int = 0
    moved: int = 0


def art_id(hash: bytes) -> ArtId:
    return ArtId(base62(int.from_bytes(hash, "big")))


def display(text: str) -> str:
    """A file's name for people: undecodable bytes shown as the replacement character."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


class Writer:
    """Writes one library's records; keeps what it looked up, bounded. One thread."""

    def __init__(self, library_id: LibraryId) -> None:
        self.library_id = library_id
        self.touched = Touched()
        self._artists: dict[str, str] = {}
        self._genres: dict[str, int] = {}
        self._releases: dict[tuple[Any, ...], str] = {}
        """What a file says of its release → the release that already says so."""
        self._left_release: dict[str, dict[str, int]] = {}
        self._left_artist: dict[str, dict[str, int]] = {}
        self._new_releases: set[str] = set()
        self._new_artists: set[str] = set()

    # -- a batch -----------------------------------------------------------------------------------------------------

    def write(self, connection: sa.Connection, files: Sequence[File]) -> Written:
        """Insert or update the tracks of files. One file a path."""
        at, counts = now(), Written()
        claimed = claim(connection, {file.path: file.record for file in files if file.known_id is None})
        before = self._before(connection, [file.known_id or claimed.get(file.path) for file in files])
        folders = self._folders(connection, {file.folder_id for file in files})
        rows: list[dict[str, Any]] = []
        credits: list[dict[str, Any]] = []
        genres: list[dict[str, Any]] = []
        lyrics: list[dict[str, Any]] = []
        updates: list[dict[str, Any]] = []
        arts: dict[str, dict[str, Any]] = {}
        for file in files:
            record = file.record
            id = file.known_id or claimed.get(file.path) or new_id()
            old = before.get(id)
            release_id = self._release(connection, file, folders[file.folder_id], at)
            row = self._row(id, file, release_id, at)
            if old is None:
                counts.added += 1
                rows.append(row | {"added_at": at})
            else:
                moved = old.path != file.path
                counts.moved += moved
                counts.changed += not moved and not file.was_missing
                counts.added += file.was_missing and not moved
                updates.append({f"new_{name}": value for name, value in row.items()} | {"of": id})
                self._leave(connection, old, id, release_id)
            if record.picture:
                arts[row["art_id"]] = self._art(row["art_id"], file.path, True, record.picture.content_type, record.picture.size)
            credits += self._credits(connection, id, record)
            genres += [
                {"track_id": id, "genre_id": genre, "position": n}
                for n, genre in enumerate(dict.fromkeys(self._genre(connection, name) for name in record.genres))
            ]
            lyrics += [{"track_id": id, "position": n, "body": _lyrics(words)} for n, words in enumerate(record.lyrics)]
            self.touched.tracks.add(id)
            self.touched.releases.add(release_id)
            self.touched.folders.add(file.folder_id)
        changed = [update["of"] for update in updates]
        for table in (s.track_artist, s.track_genre, s.lyrics):
            _delete(connection, table, table.c.track_id, changed)
        if updates:
            columns: dict[str, Any] = {name.removeprefix("new_"): sa.bindparam(name) for name in updates[0] if name != "of"}
            connection.execute(s.track.update().where(s.track.c.id == sa.bindparam("of")).values(columns), updates)
        for table, values in ((s.track, rows), (s.track_artist, credits), (s.track_genre, genres), (s.lyrics, lyrics)):
            if values:
                connection.execute(table.insert(), values)
        if arts:
            connection.execute(s.art.insert().prefix_with("OR REPLACE"), list(arts.values()))
        self._inherit(connection)
        return counts

    def _row(self, id: str, file: File, release_id: str, at: int) -> dict[str, Any]:
        record = file.record
        stem = display(file.path.rpartition("/")[2].rpartition(".")[0])
        title = record.title or stem or "[untitled]"
        date = record.original_date or record.date
        more = {name: value for name, value in (("isrc", record.isrc), ("moods", record.moods)) if value}
        return {
            "id": id,
            "library_id": self.library_id,
            "folder_id": file.folder_id,
            "release_id": release_id,
            "path": file.path,
            "size_bytes": record.size,
            "mtime_ns": record.mtime_ns,
            "quick_hash": record.quick_hash,
            "title": title,
            "title_folded": fold(title),
            "sort_title": record.title_sort or title,
            "sort_key": sort_key(record.title_sort or title),
            "artist": record.artist or record.release_artist or UNKNOWN_ARTIST,
            "art_id": art_id(record.picture.hash) if record.picture else None,
            "disc": record.disc,
            "number": record.number,
            "year": int(date[:4]) if date else None,
            "duration_ms": record.duration_ms,
            "suffix": record.suffix,
            "content_type": record.content_type,
            "codec": record.codec,
            "bitrate_kbps": record.bitrate_kbps,
            "sample_rate_hz": record.sample_rate_hz,
            "channels": record.channels,
            "bit_depth": record.bit_depth,
            "track_gain_db": record.track_gain_db,
            "track_peak": record.track_peak,
            "album_gain_db": record.album_gain_db,
            "album_peak": record.album_peak,
            "delay_samples": record.delay_samples,
            "padding_samples": record.padding_samples,
            "has_lyrics": int(bool(record.lyrics)),
            "lrc_mtime_ns": file.lrc_mtime_ns,
            "explicit": None if record.explicit is None else int(record.explicit),
            "bpm": record.bpm,
            "comment": record.comment,
            "mbid": record.mbid,
            "more": json.dumps(more) if more else "{}",
            "changed_at": at,
            "missing_at": None,
        }

    def _art(self, id: str, path: str, embedded: bool, content_type: str, size: int) -> dict[str, Any]:
        return {
            "id": id,
            "library_id": self.library_id,
            "path": path,
            "embedded": int(embedded),
            "content_type": content_type,
            "size_bytes": size,
        }

    # -- people and genres -------------------------------------------------------------------------------------------

    def _credits(self, connection: sa.Connection, id: str, record: TagRecord) -> list[dict[str, Any]]:
        people = record.artists or record.release_artists or [Person(UNKNOWN_ARTIST)]
        out: list[dict[str, Any]] = []
        seen: set[str] = set()
        for person in people:
            artist = self._artist(connection, person, record.artist_sort if len(people) == 1 else None)
            if artist not in seen:
                seen.add(artist)
                name = person.name
                out.append({"track_id": id, "role": "artist", "position": len(out), "artist_id": artist, "name": name, "detail": None})
        for number, one in enumerate(record.contributors):
            artist = self._artist(connection, Person(one.name), None)
            out.append({"track_id": id, "role": one.role, "position": number, "artist_id": artist, "name": one.name, "detail": one.detail})
        self.touched.artists.update(row["artist_id"] for row in out)
        return out

    def _artist(self, connection: sa.Connection, person: Person, sort_name: str | None) -> str:
        """By MusicBrainz id, else by folded name; an artist known by name takes on an id that it lacks."""
        folded = fold(person.name) or person.name
        key = person.mbid or folded
        if found := self._artists.get(key):
            return found
        a = s.artist
        row = None
        if person.mbid:
            row = connection.execute(sa.select(a.c.id, a.c.mbid).where(a.c.mbid == person.mbid)).first()
        if row is None:
            named = sa.select(a.c.id, a.c.mbid).where(a.c.name_folded == folded).order_by(a.c.mbid.is_not(None), a.c.id)
            if person.mbid:
                named = named.where(a.c.mbid.is_(None))
            row = connection.execute(named).first()
            if row and person.mbid:
                connection.execute(a.update().where(a.c.id == row.id).values(mbid=person.mbid))
        if row is None:
            id = new_id()
            shown = sort_name or person.name
            values = {"id": id, "mbid": person.mbid, "name": person.name, "name_folded": folded}
            connection.execute(a.insert().values(**values, sort_name=shown, sort_key=sort_key(shown)))
            self._new_artists.add(id)
        else:
            id = row.id
        if len(self._artists) > _MOST_CACHED:
            self._artists.clear()
        self._artists[key] = id
        return id

    def _genre(self, connection: sa.Connection, name: str) -> int:
        folded = fold(name) or name
        if (found := self._genres.get(folded)) is not None:
            return found
        g = s.genre
        id = connection.execute(sa.select(g.c.id).where(g.c.name_folded == folded)).scalar()
        if id is None:
            id = connection.execute(g.insert().values(name=name, name_folded=folded)).inserted_primary_key[0]  # type: ignore[index]
        if len(self._genres) > _MOST_CACHED:
            self._genres.clear()
        self._genres[folded] = id
        return int(id)

    # -- releases ----------------------------------------------------------------------------------------------------

    def _folders(self, connection: sa.Connection, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Folder → (the folder its release belongs to, that folder's name)."""
        f, parent = s.folder, s.folder.alias("parent")
        query = (
            sa.select(f.c.id, f.c.name, f.c.parent_id, parent.c.name.label("parent_name"))
            .outerjoin(parent, parent.c.id == f.c.parent_id)
            .where(f.c.id.in_(list(ids)))
        )
        out = {}
        for row in connection.execute(query):
            if row.parent_id and _DISC_FOLDER.match(row.name):
                out[row.id] = (row.parent_id, row.parent_name)
            else:
                out[row.id] = (row.id, row.name)
        return out

    def _release(self, connection: sa.Connection, file: File, folder: tuple[str, str], at: int) -> str:
        record, (folder_id, folder_name) = file.record, folder
        said = (
            folder_id, record.release, record.release_mbid, record.release_artist, tuple(record.release_artists), record.compilation,
            record.date, record.original_date, tuple(record.release_types), tuple(record.labels), record.release_sort,
            record.release_artist_sort, record.disc_title and record.disc, record.disc_title,
        )  # fmt: skip
        if (known := self._releases.get(said)) is None:
            if len(self._releases) > _MOST_CACHED:
                self._releases.clear()
            known = self._releases[said] = self._write_release(connection, record, folder_id, folder_name, at)
        return known

    def _write_release(self, connection: sa.Connection, record: TagRecord, folder_id: str, folder_name: str, at: int) -> str:
        title = record.release or folder_name or "[Unknown Release]"
        folded = fold(title) or title
        tagged = record.release_artist or (VARIOUS if record.compilation else "")
        r = s.release
        row = None
        if record.release_mbid:
            row = connection.execute(sa.select(r.c.id).where(r.c.library_id == self.library_id, r.c.mbid == record.release_mbid)).first()
        if row is None:
            row = connection.execute(
                sa.select(r.c.id).where(
                    r.c.folder_id == folder_id,
                    r.c.title_folded == folded,
                    r.c.artist_folded == fold(tagged),
                    r.c.library_id == self.library_id,
                )
            ).first()
        if row is None:
            # Tags of one release need not agree on naming its artist: those that do not name one join those that do.
            beside = sa.select(r.c.id).where(r.c.folder_id == folder_id, r.c.title_folded == folded, r.c.library_id == self.library_id)
            row = connection.execute(beside.where(r.c.artist_folded == "") if tagged else beside.order_by(r.c.id)).first()
        date = record.original_date or record.date
        shown_sort = record.release_sort or title
        values = {
            "mbid": record.release_mbid,
            "title": title,
            "title_folded": folded,
            "sort_title": shown_sort,
            "sort_key": sort_key(shown_sort),
            "artist_folded": fold(tagged),
            "year": int(date[:4]) if date else None,
            "date": record.date,
            "original_date": record.original_date,
            "compilation": int(record.compilation),
            "release_types": json.dumps(record.release_types),
            "labels": json.dumps(record.labels),
            "folder_id": folder_id,
        }
        if row is not None:
            if not tagged:
                del values["artist_folded"]
            connection.execute(r.update().where(r.c.id == row.id).values(**values))
            id = str(row.id)
        else:
            id = new_id()
            shown = tagged or record.artist or UNKNOWN_ARTIST
            connection.execute(
                r.insert().values(id=id, library_id=self.library_id, artist=shown, artist_sort_key=sort_key(shown), added_at=at, **values)
            )
            self._new_releases.add(id)
        people = record.release_artists or ([Person(VARIOUS)] if record.compilation else [])
        if people:
            connection.execute(s.release_artist.delete().where(s.release_artist.c.release_id == id))
            rows: list[dict[str, Any]] = []
            seen: set[str] = set()
            for person in people:
                artist = self._artist(connection, person, record.release_artist_sort if len(people) == 1 else None)
                self.touched.artists.add(artist)
                if artist not in seen:
                    seen.add(artist)
                    rows.append({"release_id": id, "position": len(rows), "artist_id": artist, "name": person.name})
            connection.execute(s.release_artist.insert(), rows)
            shown = record.release_artist or VARIOUS
            sorted_by = sort_key(record.release_artist_sort or shown)
            connection.execute(r.update().where(r.c.id == id).values(artist=shown, artist_sort_key=sorted_by))
        if record.disc and record.disc_title:
            titles = json.loads(connection.execute(sa.select(r.c.disc_titles).where(r.c.id == id)).scalar_one())
            if titles.get(str(record.disc)) != record.disc_title:
                titles[str(record.disc)] = record.disc_title
                connection.execute(r.update().where(r.c.id == id).values(disc_titles=json.dumps(titles)))
        return id

    def artist_of(self, connection: sa.Connection, name: str) -> str:
        id = self._artist(connection, Person(name), None)
        self.touched.artists.add(id)
        return id

    # -- ids that stay -----------------------------------------------------------------------------------------------

    def _before(self, connection: sa.Connection, ids: Sequence[str | None]) -> dict[str, Any]:
        t = s.track
        query = sa.select(t.c.id, t.c.path, t.c.release_id, t.c.folder_id).where(t.c.id.in_([id for id in ids if id]))
        return {row.id: row for row in connection.execute(query)}

    def _leave(self, connection: sa.Connection, old: Any, id: str, release_id: str) -> None:
        """Remember what a changed track left behind: a release, and (in :meth:`_inherit`) artists."""
        self.touched.folders.add(old.folder_id)
        if old.release_id != release_id:
            self.touched.releases.add(old.release_id)
            heirs = self._left_release.setdefault(old.release_id, {})
            heirs[release_id] = heirs.get(release_id, 0) + 1
        by = s.track_artist
        names = sa.select(by.c.artist_id, by.c.role, by.c.position).where(by.c.track_id == id)
        for row in connection.execute(names):
            self.touched.artists.add(row.artist_id)
            self._left_artist.setdefault(row.artist_id, {})[f"{id} {row.role} {row.position}"] = 1

    def _inherit(self, connection: sa.Connection) -> None:
        """A release or artist made in this scan takes over the id of the one that all its tracks left."""
        t, by = s.track, s.track_artist
        for old, heirs in list(self._left_release.items()):
            if connection.execute(sa.select(t.c.id).where(t.c.release_id == old).limit(1)).first():
                continue
            heir = max((one for one in heirs if one in self._new_releases), key=lambda one: heirs[one], default=None)
            del self._left_release[old]
            if heir is None:
                continue
            self._new_releases.discard(heir)
            added_at = connection.execute(sa.select(s.release.c.added_at).where(s.release.c.id == old)).scalar()
            for table in (s.release, s.release_artist, s.release_genre):
                column = table.c.id if table is s.release else table.c.release_id
                connection.execute(table.delete().where(column == old))
            connection.execute(s.release.update().where(s.release.c.id == heir).values(id=old, added_at=added_at))
            for table in (s.release_artist, s.release_genre):
                connection.execute(table.update().where(table.c.release_id == heir).values(release_id=old))
            connection.execute(t.update().where(t.c.release_id == heir).values(release_id=old))
            self.touched.releases |= {old, heir}
            self._releases = {said: old if id == heir else id for said, id in self._releases.items()}
            for others in self._left_release.values():
                if heir in others:
                    others[old] = others.pop(heir)
        for old, places in list(self._left_artist.items()):
            if _artist_in_use(connection, old):
                continue
            del self._left_artist[old]
            successors: dict[str, int] = {}
            for place in places:
                id, role, position = place.split(" ")
                query = sa.select(by.c.artist_id).where(by.c.track_id == id, by.c.role == role, by.c.position == int(position))
                heir = connection.execute(query).scalar()
                if heir in self._new_artists:
                    successors[heir] = successors.get(heir, 0) + 1
            heir = max(successors, key=lambda one: successors[one], default=None)
            if heir is None:
                continue
            self._new_artists.discard(heir)
            connection.execute(s.artist.delete().where(s.artist.c.id == old))
            connection.execute(s.artist.update().where(s.artist.c.id == heir).values(id=old))
            for table in (by, s.release_artist, s.artist_library):
                connection.execute(table.update().where(table.c.artist_id == heir).values(artist_id=old))
            self._artists = {key: old if value == heir else value for key, value in self._artists.items()}
            self.touched.artists |= {old, heir}


def _artist_in_use(connection: sa.Connection, id: str) -> bool:
    return any(
        connection.execute(sa.select(table.c.artist_id).where(table.c.artist_id == id).limit(1)).first()
        for table in (s.track_artist, s.release_artist)
    )


def _lyrics(words: Any) -> str:
    lines = tuple(LyricLine(text=text, start_ms=start) for start, text in words.lines)
    return msgspec.json.encode(
        Lyrics(language=words.language, synced=words.synced, offset_ms=words.offset_ms, lines=lines, origin=words.origin)
    ).decode()


def _delete(connection: sa.Connection, table: sa.Table, column: sa.Column[Any], ids: Sequence[str]) -> None:
    for start in range(0, len(ids), 500):
        connection.execute(table.delete().where(column.in_(ids[start : start + 500])))


# Statements that run once a release: written out, since building them costs more than running them.
_PRESENT = """SELECT count(*), coalesce(sum(duration_ms), 0), count(DISTINCT disc) FROM track WHERE release_id = ? AND missing_at IS NULL"""
_SHOWN = """SELECT r.artist_folded, f.art_id FROM release r LEFT JOIN folder f ON f.id = r.folder_id WHERE r.id = ?"""
_COVER = """SELECT art_id FROM track WHERE release_id = ? AND missing_at IS NULL AND art_id IS NOT NULL
    ORDER BY coalesce(disc, 1), number, path LIMIT 1"""
_INNER_COVER = """SELECT f.art_id FROM track t JOIN folder f ON f.id = t.folder_id
    WHERE t.release_id = ? AND t.missing_at IS NULL AND f.art_id IS NOT NULL LIMIT 1"""
_GENRES = """SELECT g.genre_id FROM track_genre g JOIN track t ON t.id = g.track_id WHERE t.release_id = ? AND t.missing_at IS NULL
    GROUP BY g.genre_id ORDER BY count(*) DESC, min(g.position), g.genre_id"""
_FIRST_ARTISTS = """SELECT a.artist_id, a.name FROM track_artist a JOIN track t ON t.id = a.track_id
    WHERE t.release_id = ? AND t.missing_at IS NULL AND a.role = 'artist' AND a.position = 0 GROUP BY a.artist_id LIMIT 2"""
_REFRESH = """UPDATE release SET track_count = ?, duration_ms = ?, disc_count = ?, art_id = coalesce(?, art_id) WHERE id = ?"""


def refresh_releases(connection: sa.Connection, ids: Iterable[str], artist_of: Callable[[sa.Connection, str], str]) -> None:
    """Bring what a release shows of its present tracks up to date: count, duration, discs, picture, genres, and its artist where the
    tags name none (the tracks' own if it is one, else Various Artists). ``artist_of(connection, name)`` gives an artist's id."""
    run = connection.exec_driver_sql
    for id in ids:
        shown = run(_SHOWN, (id,)).first()
        if shown is None:
            continue
        n, duration_ms, discs = run(_PRESENT, (id,)).one()
        art = None
        if n:
            art = run(_COVER, (id,)).scalar() or shown[1] or run(_INNER_COVER, (id,)).scalar()
            if art is None:
                run("UPDATE release SET art_id = NULL WHERE id = ?", (id,))
            if not shown[0]:
                _show_artist(connection, id, artist_of)
            run("DELETE FROM release_genre WHERE release_id = ?", (id,))
            genres = [(id, genre, position) for position, (genre,) in enumerate(run(_GENRES, (id,)).all())]
            if genres:
                run("INSERT INTO release_genre (release_id, genre_id, position) VALUES (?, ?, ?)", genres)
        run(_REFRESH, (n, duration_ms, max(1, discs), art, id))


def _show_artist(connection: sa.Connection, id: str, artist_of: Callable[[sa.Connection, str], str]) -> None:
    run = connection.exec_driver_sql
    rows = run(_FIRST_ARTISTS, (id,)).all()
    artist, name = rows[0] if len(rows) == 1 else (artist_of(connection, VARIOUS), VARIOUS)
    run("DELETE FROM release_artist WHERE release_id = ?", (id,))
    run("INSERT INTO release_artist (release_id, position, artist_id, name) VALUES (?, 0, ?, ?)", (id, artist, name))
    run("UPDATE release SET artist = ?, artist_sort_key = ? WHERE id = ?", (name, sort_key(name), id))


def refresh_artists(connection: sa.Connection, ids: Sequence[str]) -> None:
    """How much of each artist is present in each library."""
    t, by, r, of = s.track, s.track_artist, s.release, s.release_artist
    for start in range(0, len(ids), 200):
        part = ids[start : start + 200]
        counts: dict[tuple[str, int], list[int]] = {}
        own = sa.select(of.c.artist_id, r.c.library_id, sa.func.count()).join(r, r.c.id == of.c.release_id)
        for artist, library, n in connection.execute(
            own.where(of.c.artist_id.in_(part), r.c.track_count > 0).group_by(of.c.artist_id, r.c.library_id)
        ):
            counts.setdefault((artist, library), [0, 0])[0] = n
        on = sa.select(by.c.artist_id, t.c.library_id, sa.func.count(by.c.track_id.distinct())).join(t, t.c.id == by.c.track_id)
        for artist, library, n in connection.execute(
            on.where(by.c.artist_id.in_(part), t.c.missing_at.is_(None)).group_by(by.c.artist_id, t.c.library_id)
        ):
            counts.setdefault((artist, library), [0, 0])[1] = n
        connection.execute(s.artist_library.delete().where(s.artist_library.c.artist_id.in_(part)))
        rows = [
            {"artist_id": artist, "library_id": library, "release_count": a, "track_count": b}
            for (artist, library), (a, b) in counts.items()
        ]
        if rows:
            connection.execute(s.artist_library.insert(), rows)


def refresh_folders(connection: sa.Connection, ids: Sequence[str]) -> None:
    t, f = s.track, s.folder
    inside = sa.select(sa.func.count()).where(t.c.folder_id == f.c.id, t.c.missing_at.is_(None)).scalar_subquery()
    for start in range(0, len(ids), 500):
        connection.execute(f.update().where(f.c.id.in_(ids[start : start + 500])).values(track_count=inside))
