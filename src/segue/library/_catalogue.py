"""What there is, as one listener may see it. Every call takes the listener; what is not granted to them does not exist.

Listings show what is present; a track whose file is missing is known (:meth:`Catalogue.tracks`), keeps its place in playlists, and is
in no list. Pages are windows (``offset``, ``limit``) over a total order, so that each row is in exactly one page.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from segue.errors import NotFound
from segue.library import _pages, _rows
from segue.library._pages import Range, ReleaseSort, TrackSort
from segue.model import Artist, Finding, Folder, Genre, Listener, Lyrics, Page, Release, Sketch, Track
from segue.store import Database
from segue.store import schema as s
from segue.text import fold
from segue.types import ArtId, ArtistId, FolderId, LibraryId, ReleaseId, TrackId, UserId, is_id

_MOST_DRAWS = 20_000
"""Row numbers a sample tries before it reads what is granted instead."""
Kind = Literal["track", "release", "artist", "folder", "playlist"]


@dataclass(frozen=True, slots=True)
class FolderView:
    folder: Folder
    folders: tuple[Folder, ...]
    tracks: tuple[Track, ...]
    total: int
    """Tracks in the folder itself."""


@dataclass(frozen=True, slots=True)
class Liked:
    """Latest first."""

    artists: tuple[Artist, ...]
    releases: tuple[Release, ...]
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class ArtSource:
    """Where a picture can be read: inside an audio file (``embedded``) or a file of its own."""

    art_id: ArtId
    path: Path
    embedded: bool
    content_type: str


@dataclass(frozen=True, slots=True)
class Counts:
    tracks: int
    releases: int
    artists: int


class Catalogue:
    """Synchronous, safe from any thread. Meets :class:`segue.ports.Catalogue`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # -- by id -------------------------------------------------------------------------------------------------------

    def tracks(self, ids: Sequence[TrackId], user_id: UserId = _rows.NOBODY) -> dict[TrackId, Track]:
        with self._db.read() as connection:
            return _rows.tracks(connection, ids, user_id)

    def sketches(self, ids: Sequence[TrackId]) -> dict[TrackId, Sketch]:
        with self._db.read() as connection:
            return _rows.sketches(connection, ids)

    def track(self, listener: Listener, id: TrackId) -> Track:
        """Raises NotFound when it is missing or not granted."""
        found = self.visible_tracks(listener, [id])
        if not found:
            raise NotFound("track", id)
        return found[0]

    def visible_tracks(self, listener: Listener, ids: Sequence[TrackId]) -> tuple[Track, ...]:
        """In the order asked, repeats included; those missing or not granted are left out."""
        with self._db.read() as connection:
            return self._visible(connection, listener, ids)

    def _visible(self, connection: sa.Connection, listener: Listener, ids: Sequence[TrackId]) -> tuple[Track, ...]:
        found = _rows.tracks(connection, list(dict.fromkeys(ids)), listener.user.id)
        tracks = (found.get(id) for id in ids)
        return tuple(t for t in tracks if t and t.missing_at is None and t.library_id in listener.libraries)

    def visible_releases(self, listener: Listener, ids: Sequence[ReleaseId]) -> tuple[Release, ...]:
        """In the order asked; those not granted or empty are left out."""
        with self._db.read() as connection:
            found = _rows.releases(connection, list(dict.fromkeys(ids)), listener.user.id)
        releases = (found.get(id) for id in ids)
        return tuple(one for one in releases if one and one.library_id in listener.libraries and one.track_count)

    def visible_artists(self, listener: Listener, ids: Sequence[ArtistId]) -> tuple[Artist, ...]:
        """In the order asked; those of whom the listener may hear nothing are left out."""
        with self._db.read() as connection:
            found = _rows.artists(connection, list(dict.fromkeys(ids)), listener.user.id, listener.libraries)
        artists = (found.get(id) for id in ids)
        return tuple(one for one in artists if one and (one.release_count or one.track_count))

    def release(self, listener: Listener, id: ReleaseId) -> Release:
        with self._db.read() as connection:
            found = _rows.releases(connection, [id], listener.user.id).get(id)
        if found is None or found.library_id not in listener.libraries or not found.track_count:
            raise NotFound("release", id)
        return found

    def release_tracks(self, listener: Listener, id: ReleaseId) -> tuple[Track, ...]:
        """In the order of the discs. Empty for a release that does not exist for the listener."""
        if not is_id(id):
            return ()
        t = s.track
        query = (
            sa.select(t.c.id)
            .where(t.c.release_id == id, self._seen(listener))
            .order_by(sa.func.coalesce(t.c.disc, 1), t.c.number, t.c.path)
        )
        return self._hydrated(listener, query)

    def artist(self, listener: Listener, id: ArtistId) -> Artist:
        with self._db.read() as connection:
            found = _rows.artists(connection, [id], listener.user.id, listener.libraries).get(id)
        if found is None or not (found.release_count or found.track_count):
            raise NotFound("artist", id)
        return found

    def artist_named(self, listener: Listener, name: str) -> Artist | None:
        """By folded name; of several, the one with the most tracks."""
        query = sa.select(s.artist.c.id).where(s.artist.c.name_folded == fold(name)).limit(20)
        with self._db.read() as connection:
            ids = list(connection.execute(query).scalars())
            found = _rows.artists(connection, ids, listener.user.id, listener.libraries).values()
        seen = [artist for artist in found if artist.release_count or artist.track_count]
        return max(seen, key=lambda artist: (artist.track_count, artist.id), default=None)

    def kind_of(self, listener: Listener, id: str) -> Kind | None:
        """What an id names for this listener, None when nothing."""
        if not is_id(id):
            return None
        granted = sorted(listener.libraries)
        t, r, f, p = s.track, s.release, s.folder, s.playlist
        questions: tuple[tuple[Kind, sa.Select[Any]], ...] = (
            ("track", sa.select(t.c.id).where(t.c.id == id, self._seen(listener))),
            ("release", sa.select(r.c.id).where(r.c.id == id, r.c.library_id.in_(granted), r.c.track_count > 0)),
            (
                "artist",
                sa.select(s.artist_library.c.artist_id).where(s.artist_library.c.artist_id == id, _present_artist(granted)).limit(1),
            ),
            ("folder", sa.select(f.c.id).where(f.c.id == id, f.c.library_id.in_(granted))),
            (
                "playlist",
                sa.select(p.c.id).where(
                    p.c.id == id,
                    p.c.deleted_at.is_(None),
                    (p.c.library_id.is_(None) & ((p.c.owner_id == listener.user.id) | (p.c.public == 1))) | p.c.library_id.in_(granted),
                ),
            ),
        )
        with self._db.read() as connection:
            return next((kind for kind, query in questions if connection.execute(query).first()), None)

    def file(self, listener: Listener, id: TrackId) -> tuple[Track, Path]:
        """A track and where its file lies. Raises NotFound."""
        track = self.track(listener, id)
        with self._db.read() as connection:
            root = connection.execute(sa.select(s.library.c.path).where(s.library.c.id == track.library_id)).scalar_one()
        return track, Path(root) / track.path

    def art(self, listener: Listener, id: str) -> ArtSource:
        """By a picture's id, or that of a track, release, artist, folder or playlist that has one. Raises NotFound."""
        with self._db.read() as connection:
            source = self._art(connection, listener, id) if is_id(id) else None
            if source is None and (other := self._art_of(listener, connection, id)):
                source = self._art(connection, listener, other)
        if source is None:
            raise NotFound("picture", id)
        return source

    def _art(self, connection: sa.Connection, listener: Listener, id: str) -> ArtSource | None:
        query = (
            sa.select(s.art, s.library.c.path.label("root"))
            .join(s.library, s.library.c.id == s.art.c.library_id)
            .where(s.art.c.id == id, s.art.c.library_id.in_(sorted(listener.libraries)))
            .limit(1)
        )
        row = connection.execute(query).first()
        return ArtSource(row.id, Path(row.root) / row.path, bool(row.embedded), row.content_type) if row else None

    def _art_of(self, listener: Listener, connection: sa.Connection, id: str) -> str | None:
        kind = self.kind_of(listener, id)
        if kind == "artist":
            return _rows.artists(connection, [ArtistId(id)], listener.user.id, listener.libraries)[ArtistId(id)].art
        if kind == "playlist":
            entries = sa.select(s.track.c.art_id).join(s.playlist_entry, s.playlist_entry.c.track_id == s.track.c.id)
            entries = entries.where(s.playlist_entry.c.playlist_id == id, s.track.c.art_id.is_not(None), self._seen(listener))
            return connection.execute(entries.order_by(s.playlist_entry.c.position).limit(1)).scalar()
        table = {"track": s.track, "release": s.release, "folder": s.folder}.get(kind or "")
        return None if table is None else connection.execute(sa.select(table.c.art_id).where(table.c.id == id)).scalar()

    def lyrics(self, listener: Listener, id: TrackId) -> tuple[Lyrics, ...]:
        """Synced ones first. Raises NotFound for a track that does not exist for the listener."""
        self.track(listener, id)
        query = sa.select(s.lyrics.c.body).where(s.lyrics.c.track_id == id).order_by(s.lyrics.c.position)
        with self._db.read() as connection:
            found = [msgspec.json.decode(body, type=Lyrics) for body in connection.execute(query).scalars()]
        return tuple(sorted(found, key=lambda words: not words.synced))

    # -- lists -------------------------------------------------------------------------------------------------------

    def tracks_page(
        self,
        listener: Listener,
        *,
        sort: TrackSort = "title",
        genre: str | None = None,
        liked: bool = False,
        sound: Mapping[str, Range] = {},
        library: LibraryId | None = None,
        seed: int | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> Page[Track]:
        """``random`` with a ``seed`` pages stably; without one, each page is drawn anew. ``sound``: bounds of analysed values, by name."""
        with self._db.read() as connection:
            ids, total = _pages.tracks(
                connection,
                self._within(listener, library),
                listener.user.id,
                sort=sort,
                genre=genre,
                liked=liked,
                sound=sound,
                seed=seed,
                offset=offset,
                limit=limit,
            )
            return Page(items=self._visible(connection, listener, ids), total=total)

    def releases(
        self,
        listener: Listener,
        *,
        sort: ReleaseSort = "name",
        genre: str | None = None,
        from_year: int | None = None,
        to_year: int | None = None,
        library: LibraryId | None = None,
        seed: int | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> Page[Release]:
        """``from_year`` after ``to_year`` gives the years backwards. ``random`` with a ``seed`` pages stably."""
        with self._db.read() as connection:
            ids, total = _pages.releases(
                connection,
                self._within(listener, library),
                listener.user.id,
                sort=sort,
                genre=genre,
                from_year=from_year,
                to_year=to_year,
                seed=seed,
                offset=offset,
                limit=limit,
            )
            found = _rows.releases(connection, ids, listener.user.id)
        return Page(items=tuple(found[id] for id in ids if id in found), total=total)

    def artists(
        self, listener: Listener, *, library: LibraryId | None = None, initial: str | None = None, offset: int = 0, limit: int = 50
    ) -> Page[Artist]:
        """Artists with releases of their own, by sorting name. ``initial`` starts the list at that letter; ``#`` is what is no letter."""
        libraries = self._within(listener, library)
        owning = sa.select(s.artist_library.c.artist_id).where(
            s.artist_library.c.library_id.in_(libraries), s.artist_library.c.release_count > 0
        )
        query = sa.select(s.artist.c.id).where(s.artist.c.id.in_(owning))
        if initial == "#":
            query = query.where((s.artist.c.sort_key < "a") | (s.artist.c.sort_key >= "{"))
        elif initial:
            first = fold(initial)[:1] or "a"
            query = query.where(s.artist.c.sort_key >= first, sa.func.substr(s.artist.c.sort_key, 1, 1) == first)
        with self._db.read() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
            ids = list(connection.execute(query.order_by(s.artist.c.sort_key, s.artist.c.id).offset(offset).limit(limit)).scalars())
            found = _rows.artists(connection, ids, listener.user.id, frozenset(libraries))
        return Page(items=tuple(found[id] for id in ids if id in found), total=total)

    def artist_releases(self, listener: Listener, id: ArtistId) -> tuple[tuple[Release, ...], tuple[Release, ...]]:
        """Releases of their own, and others they appear on; newest first."""
        if not is_id(id):
            return (), ()
        r = s.release
        visible = sa.and_(_rows.within(r, self._within(listener, None)), r.c.track_count > 0)
        own = (
            sa.select(r.c.id)
            .join(s.release_artist, s.release_artist.c.release_id == r.c.id)
            .where(s.release_artist.c.artist_id == id, visible)
        )
        on = sa.select(s.track.c.release_id).join(s.track_artist, s.track_artist.c.track_id == s.track.c.id)
        on = on.where(s.track_artist.c.artist_id == id, self._seen(listener))
        order = (r.c.year.desc(), r.c.sort_key, r.c.id)
        with self._db.read() as connection:
            mine = list(connection.execute(own.order_by(*order)).scalars())
            others = list(
                connection.execute(sa.select(r.c.id).where(r.c.id.in_(on), visible, r.c.id.not_in(own)).order_by(*order)).scalars()
            )
            found = _rows.releases(connection, [*mine, *others], listener.user.id)
        return tuple(found[one] for one in mine), tuple(found[one] for one in others)

    def top_tracks(self, listener: Listener, id: ArtistId, n: int) -> tuple[Track, ...]:
        """The artist's tracks, most played by this listener first, then by everyone here, then by release."""
        t, by, note = s.track, s.track_artist, s.annotation
        own = sa.func.sum(sa.case((note.c.user_id == listener.user.id, note.c.play_count), else_=0))
        query = (
            sa.select(by.c.track_id)
            .select_from(by)
            .join(t, t.c.id == by.c.track_id)
            .outerjoin(note, sa.and_(note.c.id == t.c.id, note.c.type == "track"))
            .where(by.c.artist_id == id, by.c.role == "artist", self._seen(listener))
            .group_by(by.c.track_id)
            .order_by(own.desc(), sa.func.coalesce(sa.func.sum(note.c.play_count), 0).desc(), t.c.year.desc(), t.c.number, by.c.track_id)
            .limit(n)
        )
        return self._hydrated(listener, query)

    def related_artists(self, listener: Listener, id: ArtistId, n: int) -> tuple[Artist, ...]:
        """Artists here who share the most genres with this one: what the tags know."""
        own = sa.select(s.release_genre.c.genre_id).join(s.release_artist, s.release_artist.c.release_id == s.release_genre.c.release_id)
        own = own.where(s.release_artist.c.artist_id == id).distinct()
        other = s.release_artist
        query = (
            sa.select(other.c.artist_id)
            .join(s.release_genre, s.release_genre.c.release_id == other.c.release_id)
            .join(s.release, s.release.c.id == other.c.release_id)
            .where(s.release_genre.c.genre_id.in_(own), other.c.artist_id != id)
            .where(_rows.within(s.release, self._within(listener, None)), s.release.c.track_count > 0)
            .group_by(other.c.artist_id)
            .order_by(sa.func.count(s.release_genre.c.genre_id.distinct()).desc(), other.c.artist_id)
            .limit(n)
        )
        with self._db.read() as connection:
            ids = list(connection.execute(query).scalars())
            found = _rows.artists(connection, ids, listener.user.id, listener.libraries)
        return tuple(found[one] for one in ids if one in found)

    def genres(self, listener: Listener) -> tuple[Genre, ...]:
        """By name, with what this listener may hear of each."""
        with self._db.read() as connection:
            return _pages.genres(connection, self._within(listener, None))

    def random_tracks(
        self,
        listener: Listener,
        n: int,
        *,
        genre: str | None = None,
        from_year: int | None = None,
        to_year: int | None = None,
        library: LibraryId | None = None,
    ) -> tuple[Track, ...]:
        t = s.track
        query = sa.select(t.c.id).where(self._seen(listener, library))
        if genre is not None:
            query = query.where(_pages.of_genre(s.track_genre, "track_id", genre))
        if from_year is not None:
            query = query.where(t.c.year >= from_year)
        if to_year is not None:
            query = query.where(t.c.year <= to_year)
        return self._hydrated(listener, query.order_by(sa.func.random()).limit(n))

    def liked(self, listener: Listener, *, library: LibraryId | None = None, limit: int = 1000) -> Liked:
        libraries = frozenset(self._within(listener, library))
        note = s.annotation
        query = sa.select(note.c.id).where(note.c.user_id == listener.user.id, note.c.liked_at.is_not(None))
        query = query.order_by(note.c.liked_at.desc(), note.c.id).limit(limit)
        with self._db.read() as connection:
            ids = {kind: list(connection.execute(query.where(note.c.type == kind)).scalars()) for kind in ("artist", "release", "track")}
            artists = _rows.artists(connection, ids["artist"], listener.user.id, libraries)
            releases = _rows.releases(connection, ids["release"], listener.user.id)
            tracks = self._visible(connection, listener, ids["track"])
        return Liked(
            artists=tuple(a for id in ids["artist"] if (a := artists.get(id)) and (a.release_count or a.track_count)),
            releases=tuple(r for id in ids["release"] if (r := releases.get(id)) and r.library_id in libraries and r.track_count),
            tracks=tuple(t for t in tracks if t.library_id in libraries),
        )

    # -- folders -----------------------------------------------------------------------------------------------------

    def roots(self, listener: Listener) -> tuple[Folder, ...]:
        """The root folder of each granted library, under the library's name."""
        query = (
            sa.select(s.folder, s.library.c.name.label("library_name"))
            .join(s.library, s.library.c.id == s.folder.c.library_id)
            .where(s.folder.c.parent_id.is_(None), s.folder.c.library_id.in_(sorted(listener.libraries)))
            .order_by(s.library.c.name, s.library.c.id)
        )
        with self._db.read() as connection:
            rows = connection.execute(query).all()
        return tuple(msgspec.structs.replace(_rows.folder(row), name=row.library_name) for row in rows)

    def folder(self, listener: Listener, id: FolderId, *, offset: int = 0, limit: int = 500) -> FolderView:
        """A real folder: its folders by name, and a window of its own tracks by file name. Raises NotFound."""
        f, t = s.folder, s.track
        with self._db.read() as connection:
            row = is_id(id) and connection.execute(sa.select(f).where(f.c.id == id, f.c.library_id.in_(sorted(listener.libraries)))).first()
            if not row:
                raise NotFound("folder", id)
            inner = connection.execute(sa.select(f).where(f.c.parent_id == id).order_by(f.c.name)).all()
            query = sa.select(t.c.id).where(t.c.folder_id == id, self._seen(listener)).order_by(t.c.path).offset(offset).limit(limit)
            tracks = self._visible(connection, listener, list(connection.execute(query).scalars()))
        return FolderView(_rows.folder(row), tuple(map(_rows.folder, inner)), tracks, row.track_count)

    # -- what the path of a listen asks ------------------------------------------------------------------------------

    def tracks_like(
        self,
        *,
        artists: Sequence[ArtistId] = (),
        genres: Sequence[str] = (),
        years: tuple[int, int] | None = None,
        libraries: frozenset[LibraryId],
        limit: int,
        seed: int = 0,
    ) -> Sequence[TrackId]:
        # Written out: an answer asks this a dozen times, and building the statements would cost more than running them.
        seen = f"+t.library_id IN ({_marks(len(libraries))}) AND t.missing_at IS NULL"
        granted = tuple(sorted(libraries))
        asked: list[tuple[str, tuple[Any, ...]]] = []
        if artists:
            by = "SELECT t.id FROM track_artist a JOIN track t ON t.id = a.track_id"
            asked.append((f"{by} WHERE a.artist_id IN ({_marks(len(artists))}) AND {seen}", (*artists, *granted)))
        if years:
            asked.append((f"SELECT t.id FROM track t WHERE t.year BETWEEN ? AND ? AND {seen}", (*years, *granted)))
        found: list[TrackId] = []
        with self._db.read() as connection:
            raw = connection.connection.cursor()
            window = limit * 4
            for text, values in asked:
                # A window of a huge set is sample enough, moved by the seed; a small set is taken whole.
                rows = raw.execute(f"{text} LIMIT ? OFFSET ?", (*values, window, seed % 7 * limit)).fetchall()
                if not rows:
                    rows = raw.execute(f"{text} LIMIT ?", (*values, window)).fetchall()
                found += [row[0] for row in rows]
            if genres:
                found += self._of_genres(raw, genres, seen, granted, window, seed)
        unique = sorted(set(found))
        return unique if len(unique) <= limit else random.Random(seed).sample(unique, limit)

    def _of_genres(
        self, raw: Any, genres: Sequence[str], seen: str, granted: tuple[LibraryId, ...], window: int, seed: int
    ) -> Sequence[TrackId]:
        """From a random track on, in the order of their adding, then from the first: every part of a large genre has its turn."""
        of = "SELECT t.id FROM genre g JOIN track_genre o ON o.genre_id = g.id JOIN track t ON t.id = o.track_id"
        pivot = "(SELECT id FROM track WHERE rowid >= ? % (SELECT max(rowid) FROM track) LIMIT 1)"
        values = (*map(fold, genres), *granted, random.Random(seed).randrange(2**31))
        found: list[TrackId] = []
        for side in (">=", "<"):
            query = f"{of} WHERE g.name_folded IN ({_marks(len(genres))}) AND {seen} AND o.track_id {side} {pivot} LIMIT ?"
            found += [row[0] for row in raw.execute(query, (*values, window - len(found)))]
            if len(found) >= window:
                break
        return found

    def sample(self, *, libraries: frozenset[LibraryId], limit: int, seed: int = 0) -> Sequence[TrackId]:
        # Rows are numbered densely but for what was removed: random row numbers hit, and cost a lookup each.
        seen = f"library_id IN ({_marks(len(libraries))}) AND missing_at IS NULL"
        granted = tuple(sorted(libraries))
        numbers = random.Random(seed)
        found: dict[TrackId, None] = {}
        with self._db.read() as connection:
            run = connection.connection.cursor().execute
            top = run("SELECT max(rowid) FROM track").fetchone()[0] or 0
            draws = limit + limit // 4 + 8
            for _ in range(4 if top else 0):
                for start in range(0, draws, 500):
                    picks = [numbers.randint(1, top) for _ in range(min(500, draws - start))]
                    query = f"SELECT id FROM track WHERE rowid IN ({_marks(len(picks))}) AND {seen}"
                    found |= dict.fromkeys(row[0] for row in run(query, (*picks, *granted)))
                if len(found) >= limit or draws > _MOST_DRAWS or draws > top:
                    break
                draws *= 4
            if len(found) < limit:  # little of the catalogue is granted, or there is little of it
                found |= dict.fromkeys(row[0] for row in run(f"SELECT id FROM track WHERE {seen} LIMIT ?", (*granted, _MOST_DRAWS)))
        ids = sorted(found)
        return ids if len(ids) <= limit else random.Random(seed).sample(ids, limit)

    # -- about the whole ---------------------------------------------------------------------------------------------

    def findings(
        self, listener: Listener, *, kind: str | None = None, offset: int = 0, limit: int = 50
    ) -> tuple[Page[Finding], dict[str, int]]:
        """What is wrong with files of granted libraries, and how many there are of each kind."""
        f = s.finding
        granted = f.c.library_id.in_(sorted(listener.libraries))
        query = sa.select(f).where(granted)
        if kind is not None:
            query = query.where(f.c.kind == kind)
        with self._db.read() as connection:
            kinds: dict[str, int] = dict(connection.execute(sa.select(f.c.kind, sa.func.count()).where(granted).group_by(f.c.kind)).all())
            rows = connection.execute(query.order_by(f.c.library_id, f.c.path, f.c.kind).offset(offset).limit(limit)).all()
        items = tuple(
            Finding(path=row.path, kind=row.kind, message=row.message, library_id=row.library_id, found_at=row.found_at) for row in rows
        )
        return Page(items=items, total=kinds.get(kind, 0) if kind else sum(kinds.values())), kinds

    def counts(self) -> Counts:
        """Of everything present, whoever asks."""
        with self._db.read() as connection:
            n, releases = connection.execute(
                sa.select(sa.func.coalesce(sa.func.sum(s.release.c.track_count), 0), sa.func.count()).where(s.release.c.track_count > 0)
            ).one()
            artists = connection.execute(sa.select(sa.func.count(s.artist_library.c.artist_id.distinct()))).scalar_one()
        return Counts(n, releases, artists)

    def changed_at(self) -> int:
        """When a scan last ended, in milliseconds since 1970; 0 before the first."""
        with self._db.read() as connection:
            return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(s.library.c.scanned_at), 0))).scalar_one())

    # -- inside ------------------------------------------------------------------------------------------------------

    def _within(self, listener: Listener, library: LibraryId | None) -> list[LibraryId]:
        return sorted(listener.libraries if library is None else listener.libraries & {library})

    def _seen(self, listener: Listener, library: LibraryId | None = None) -> sa.ColumnElement[bool]:
        return _pages.seen(self._within(listener, library))

    def _hydrated(self, listener: Listener, query: sa.Select[Any]) -> tuple[Track, ...]:
        with self._db.read() as connection:
            return self._visible(connection, listener, list(connection.execute(query).scalars()))


def _marks(n: int) -> str:
    return ",".join("?" * n) or "NULL"


def _present_artist(granted: list[LibraryId]) -> sa.ColumnElement[bool]:
    a = s.artist_library
    return sa.and_(a.c.library_id.in_(granted), (a.c.release_count > 0) | (a.c.track_count > 0))
