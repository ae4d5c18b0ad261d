"""A catalogue without files, for tests and measurements of the path of a listen: tracks, releases, artists and genres straight into the
database, from a seed."""

import random
from dataclasses import dataclass

import sqlalchemy as sa

from segue.model import Listener, User
from segue.store import Database
from segue.store import schema as t
from segue.types import FolderId, Instant, LibraryId, TrackId, UserId, new_id

GENRES = ("Ambient", "Blues", "Chamber", "Dub", "Electro", "Folk", "Grime", "Jazz", "Opera", "Rock", "Soul", "Techno")
_CHUNK = 5_000


@dataclass(frozen=True)
class World:
    """What was made, and who listens."""

    listener: Listener
    tracks: tuple[TrackId, ...]
    library: LibraryId
    folder: FolderId


def listener_of(db: Database, name: str, libraries: frozenset[LibraryId]) -> Listener:
    """A new user of the database who was granted ``libraries``."""
    user = User(id=UserId(new_id()), name=name, created_at=Instant(0))
    with db.write() as connection:
        connection.execute(
            sa.insert(t.user).values(
                id=user.id, name=name, name_folded=name.casefold(), password_hash="", admin=0, preferences="{}", created_at=0
            )
        )
    return Listener(user=user, libraries=libraries)


def fill_world(db: Database, *, tracks: int = 60, per_artist: int = 5, library: int = 1, seed: int = 0, name: str = "ada") -> World:
    """``tracks`` tracks of 180 s, ``per_artist`` each by one artist on one release, one genre and year an artist."""
    chance = random.Random(seed)
    folder = FolderId(new_id())
    with db.write() as connection:
        connection.execute(
            sa.insert(t.library).values(id=library, name=f"Library {library}", path=f"/music/{library}", everyone=1, created_at=0)
        )
        connection.execute(sa.insert(t.folder).values(id=folder, library_id=library, parent_id=None, path="", name="", track_count=tracks))
        known = dict(connection.execute(sa.select(t.genre.c.name, t.genre.c.id)).all())
        for genre in GENRES:
            if genre not in known:
                connection.execute(sa.insert(t.genre).values(name=genre, name_folded=genre.casefold()))
        known = dict(connection.execute(sa.select(t.genre.c.name, t.genre.c.id)).all())
    ids: list[TrackId] = []
    for start in range(0, tracks, _CHUNK):
        rows = _rows(start, min(tracks, start + _CHUNK), per_artist, library, folder, chance, known)
        with db.write() as connection:
            for table, values in rows.items():
                # What a table demands and this world has no opinion on is empty.
                blank = {c.name: "" for c in table.columns if not c.nullable and c.default is None and c.name not in values[0]}
                connection.execute(sa.insert(table), [blank | value for value in values])
        ids += [TrackId(str(row["id"])) for row in rows[t.track]]
    with db.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    return World(
        listener=listener_of(db, name, frozenset({LibraryId(library)})), tracks=tuple(ids), library=LibraryId(library), folder=folder
    )


def _rows(
    start: int, end: int, per_artist: int, library: int, folder: str, chance: random.Random, genres: dict[str, int]
) -> "dict[sa.Table, list[dict[str, object]]]":
    out: dict[sa.Table, list[dict[str, object]]] = {
        table: []
        for table in (t.artist, t.artist_library, t.release, t.release_artist, t.release_genre, t.track, t.track_artist, t.track_genre)
    }
    artist = release = genre = ""
    year = 0
    for number in range(start, end):
        if number % per_artist == 0 or not artist:
            artist, release, genre, year = new_id(), new_id(), chance.choice(GENRES), chance.randint(1960, 2025)
            name = f"Artist {library}.{number // per_artist}"
            out[t.artist].append(
                {"id": artist, "name": name, "name_folded": name.casefold(), "sort_name": name, "sort_key": name.casefold()}
            )
            out[t.artist_library].append({"artist_id": artist, "library_id": library, "release_count": 1, "track_count": per_artist})
            out[t.release].append(
                {
                    "id": release,
                    "library_id": library,
                    "folder_id": folder,
                    "title": f"Release {number}",
                    "title_folded": f"release {number}",
                    "sort_title": f"Release {number}",
                    "sort_key": f"release {number}",
                    "artist": name,
                    "artist_sort_key": name.casefold(),
                    "year": year,
                    "track_count": per_artist,
                    "duration_ms": 180_000 * per_artist,
                    "added_at": number,
                }
            )
            out[t.release_artist].append({"release_id": release, "position": 0, "artist_id": artist, "name": name})
            out[t.release_genre].append({"release_id": release, "genre_id": genres[genre], "position": 0})
        id_ = new_id()
        out[t.track].append(
            {
                "id": id_,
                "library_id": library,
                "folder_id": folder,
                "release_id": release,
                "path": f"{number}.flac",
                "size_bytes": 1,
                "mtime_ns": 0,
                "title": f"Track {number}",
                "title_folded": f"track {number}",
                "sort_title": f"Track {number}",
                "sort_key": f"track {number}",
                "artist": name,
                "number": number % per_artist + 1,
                "year": year,
                "duration_ms": 180_000,
                "suffix": "flac",
                "content_type": "audio/flac",
                "codec": "flac",
                "bitrate_kbps": 900,
                "sample_rate_hz": 44100,
                "channels": 2,
                "added_at": number,
                "changed_at": number,
            }
        )
        out[t.track_artist].append({"track_id": id_, "role": "artist", "position": 0, "artist_id": artist, "name": name})
        out[t.track_genre].append({"track_id": id_, "genre_id": genres[genre], "position": 0})
    return out
