"""A catalogue without files, as a large collection would leave it: names, credits, genres, folders, art and listening, from a seed.

Rows go straight into the database, about 15,000 tracks a second; counts (``track_count``, ``artist_library``) are what a scan would have
written. Names are drawn from an invented vocabulary whose words are as unequal in frequency as real ones (Zipf), some with accents, some
in Chinese characters.
"""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import sqlalchemy as sa

from segue.model import Listener, User
from segue.store import Database
from segue.store import schema as s
from segue.text import fold, sort_key
from segue.types import ArtId, ArtistId, FolderId, Instant, LibraryId, ReleaseId, TrackId, UserId, base62, new_id

_SYLLABLES = (
    "ba", "be", "bi", "bo", "ca", "ce", "da", "de", "di", "do", "el", "en", "er", "fa", "fe", "ga", "go", "ha", "he",
    "il", "in", "ka", "ke", "la", "le", "li", "lo", "ma", "me", "mi", "mo", "na", "ne", "no", "or", "pa", "ra", "re",
    "ri", "ro", "sa", "se", "si", "so", "ta", "te", "ti", "to", "un", "va", "ve", "vi", "vo",
)  # fmt: skip
_ACCENTED = str.maketrans("aeiou", "äéîøü")
_HAN = "東京夜空花火雨風海山月星夢歌心愛春夏秋冬"
_GENRES = (
    "Ambient",
    "Blues",
    "Chamber",
    "Dub",
    "Electro",
    "Folk",
    "Grime",
    "Hip-Hop",
    "Jazz",
    "Metal",
    "Opera",
    "Pop",
    "Rock",
    "Soul",
    "Techno",
)
_ROLES = ("composer", "remixer", "performer")
_DAY_MS = 86_400_000
_START = 1_500_000_000_000
_CHUNK = 10_000


@dataclass
class Filled:
    """What was made, in the order made. ``track_library`` names the library of each track; ``missing`` are tracks whose file is gone."""

    tracks: list[TrackId] = field(default_factory=list)
    releases: list[ReleaseId] = field(default_factory=list)
    artists: list[ArtistId] = field(default_factory=list)
    folders: list[FolderId] = field(default_factory=list)
    art: list[ArtId] = field(default_factory=list)
    libraries: list[LibraryId] = field(default_factory=list)
    track_library: dict[TrackId, LibraryId] = field(default_factory=dict)
    missing: set[TrackId] = field(default_factory=set)


def fill(db: Database, n_tracks: int, seed: int = 0, *, libraries: int = 1, missing: float = 0.0) -> Filled:
    """Add ``n_tracks`` tracks on releases of 1 to 20, spread over new libraries granted to nobody by name.

    ``missing``: the share (0..1) of tracks whose file is gone. Artists appear in every library.
    """
    return _Filling(db, random.Random(seed), missing).run(n_tracks, libraries)


def add_listener(db: Database, name: str, libraries: Sequence[LibraryId]) -> Listener:
    """A new user, as ``access`` would introduce them."""
    user = User(id=UserId(new_id()), name=name, created_at=Instant(0))
    with db.write() as connection:
        connection.execute(s.user.insert().values(id=user.id, name=name, name_folded=fold(name), password_hash="", created_at=0))
    return Listener(user=user, libraries=frozenset(libraries))


def annotate(db: Database, listener: Listener, filled: Filled, n: int, seed: int = 0) -> None:
    """Give ``listener`` likes, ratings and plays of ``n`` tracks, and of as many releases and artists as those would leave at the most."""
    chance = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for kind, ids in (("track", filled.tracks), ("release", filled.releases), ("artist", filled.artists)):
        for id in chance.sample(ids, min(n, len(ids))):
            plays = chance.choice((0, 1, 1, 2, 5, 40))
            at = _START + chance.randrange(1000) * _DAY_MS
            rows.append(
                {
                    "user_id": listener.user.id,
                    "type": kind,
                    "id": id,
                    "liked_at": at if chance.random() < 0.2 else None,
                    "rating": chance.choice((0, 0, 0, 3, 5)),
                    "play_count": plays,
                    "last_played_at": at if plays else None,
                }
            )
    for start in range(0, len(rows), _CHUNK):
        with db.write() as connection:
            connection.execute(s.annotation.insert(), rows[start : start + _CHUNK])


class Names:
    """Titles and names of an invented vocabulary, in the proportions of a real one."""

    def __init__(self, chance: random.Random, n_words: int = 20_000) -> None:
        self._chance = chance
        self.words = ["".join(chance.choices(_SYLLABLES, k=chance.choice((1, 2, 2, 3, 3, 4)))) for _ in range(n_words)]
        self._weights = list(accumulate(1 / (rank + 5) for rank in range(n_words)))

    def title(self, most: int = 5) -> str:
        chance = self._chance
        if chance.random() < 0.02:
            return "".join(chance.choices(_HAN, k=chance.randint(2, 6)))
        words = chance.choices(self.words, cum_weights=self._weights, k=chance.randint(1, most))
        if chance.random() < 0.1:
            words[0] = words[0].translate(_ACCENTED)
        text = " ".join(words).title()
        return f"The {text}" if chance.random() < 0.1 else text


class _Filling:
    def __init__(self, db: Database, chance: random.Random, missing: float) -> None:
        self._db = db
        self._chance = chance
        self._missing = missing
        self._names = Names(chance)
        self._out = Filled()
        self._rows: dict[sa.Table, list[dict[str, Any]]] = defaultdict(list)
        self._counts: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
        self._named: dict[str, str] = {}
        self._genres: dict[str, int] = {}

    def run(self, n_tracks: int, libraries: int) -> Filled:
        roots = self._begin(max(2, n_tracks // 25), libraries)
        done = 0
        while done < n_tracks:
            n = min(n_tracks - done, self._chance.choice((1, 4, 8, 10, 12, 12, 14, 20)))
            self._release(*self._chance.choice(roots), n, done)
            done += n
            if len(self._rows[s.track]) >= _CHUNK:
                self._flush()
        self._rows[s.artist_library] = [
            {"artist_id": artist, "library_id": library, "release_count": own, "track_count": n}
            for (artist, library), (own, n) in self._counts.items()
        ]
        self._flush()
        with self._db.write() as connection:
            connection.exec_driver_sql("ANALYZE")
        return self._out

    def _begin(self, n_artists: int, libraries: int) -> list[tuple[LibraryId, FolderId]]:
        out = self._out
        roots = []
        with self._db.write() as connection:
            for genre in _GENRES:
                connection.execute(s.genre.insert().prefix_with("OR IGNORE").values(name=genre, name_folded=fold(genre)))
            self._genres = dict(connection.execute(sa.select(s.genre.c.name, s.genre.c.id)).all())
            for number in range(libraries):
                path = f"/music/{new_id()}"
                values = {"name": f"Music {number}", "path": path, "everyone": 0, "created_at": _START, "scanned_at": _START}
                library = LibraryId(connection.execute(s.library.insert().values(**values)).inserted_primary_key[0])  # type: ignore[index]
                folder = FolderId(new_id())
                connection.execute(s.folder.insert().values(id=folder, library_id=library, parent_id=None, path="", name=""))
                roots.append((library, folder))
                out.libraries.append(library)
                out.folders.append(folder)
        for _ in range(n_artists):
            id, name = ArtistId(new_id()), self._names.title(3)
            out.artists.append(id)
            self._named[id] = name
            self._rows[s.artist].append({"id": id, "name": name, "name_folded": fold(name), "sort_name": name, "sort_key": sort_key(name)})
        return roots

    def _release(self, library: LibraryId, root: FolderId, n: int, done: int) -> None:
        chance, out, rows = self._chance, self._out, self._rows
        id, folder, artist = ReleaseId(new_id()), FolderId(new_id()), chance.choice(out.artists)
        title, name, year = self._names.title(), self._named[artist], chance.choice((None, *range(1960, 2026)))
        art = ArtId(base62(chance.getrandbits(127))) if chance.random() < 0.8 else None
        genres = chance.sample(_GENRES, chance.choice((1, 1, 2)))
        gone = [chance.random() < self._missing for _ in range(n)]
        present = gone.count(False)
        at = _START + done * 1000
        path = f"{name}/{title} [{id}]"
        self._counts[artist, library][0] += bool(present)
        out.releases.append(id)
        out.folders.append(folder)
        rows[s.folder].append(
            {"id": folder, "library_id": library, "parent_id": root, "path": path, "name": title, "art_id": art, "track_count": present}
        )
        if art:
            out.art.append(art)
            place = {"path": f"{path}/cover.jpg", "embedded": 0, "content_type": "image/jpeg", "size_bytes": 50_000}
            rows[s.art].append({"id": art, "library_id": library, **place})
        rows[s.release].append(
            {
                "id": id,
                "library_id": library,
                "folder_id": folder,
                "title": title,
                "title_folded": fold(title),
                "sort_title": title,
                "sort_key": sort_key(title),
                "artist": name,
                "artist_folded": fold(name),
                "artist_sort_key": sort_key(name),
                "art_id": art,
                "year": year,
                "track_count": present,
                "duration_ms": 200_000 * present,
                "added_at": at,
            }
        )
        rows[s.release_artist].append({"release_id": id, "position": 0, "artist_id": artist, "name": name})
        for position, genre in enumerate(genres if present else ()):
            rows[s.release_genre].append({"release_id": id, "genre_id": self._genres[genre], "position": position})
        for number in range(n):
            place = {"library_id": library, "folder_id": folder, "release_id": id, "path": f"{path}/{number + 1:02}.flac"}
            tells = {"art_id": art, "number": number + 1, "year": year, "added_at": at, "changed_at": at}
            self._track(TrackId(new_id()), place, tells, artist, genres, gone[number])

    def _track(
        self, id: TrackId, place: dict[str, Any], tells: dict[str, Any], artist: ArtistId, genres: Sequence[str], gone: bool
    ) -> None:
        chance, out, rows = self._chance, self._out, self._rows
        title, library = self._names.title(), place["library_id"]
        credits = [(artist, "artist")]
        if chance.random() < 0.1:
            credits.append((chance.choice(out.artists), "artist"))
        if chance.random() < 0.1:
            credits.append((chance.choice(out.artists), chance.choice(_ROLES)))
        shown = ", ".join(self._named[one] for one, role in credits if role == "artist")
        out.tracks.append(id)
        out.track_library[id] = library
        if gone:
            out.missing.add(id)
        rows[s.track].append(
            {
                "id": id,
                **place,
                **tells,
                "size_bytes": 20_000_000,
                "mtime_ns": 0,
                "title": title,
                "title_folded": fold(title),
                "sort_title": title,
                "sort_key": sort_key(title),
                "artist": shown,
                "disc": 1,
                "duration_ms": 200_000,
                "suffix": "flac",
                "content_type": "audio/flac",
                "codec": "flac",
                "bitrate_kbps": 900,
                "sample_rate_hz": 44_100,
                "channels": 2,
                "bit_depth": 16,
                "more": json.dumps({"isrc": [], "moods": []}),
                "missing_at": _START if gone else None,
            }
        )
        for position, (one, role) in enumerate(credits):
            rows[s.track_artist].append(
                {"track_id": id, "role": role, "position": position, "artist_id": one, "name": self._named[one], "detail": None}
            )
        for one in {one for one, _ in credits}:
            self._counts[one, library][1] += not gone
        for position, genre in enumerate(genres):
            rows[s.track_genre].append({"track_id": id, "genre_id": self._genres[genre], "position": position})

    def _flush(self) -> None:
        for table, rows in self._rows.items():
            for start in range(0, len(rows), _CHUNK):
                with self._db.write() as connection:
                    connection.execute(table.insert(), rows[start : start + _CHUNK])
        self._rows.clear()
