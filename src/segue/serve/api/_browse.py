"""``/api``: walking the library."""

from math import isfinite
from typing import Annotated, Any, Literal

import anyio.to_thread
import msgspec
from litestar import get, post
from litestar.params import Parameter

from segue.errors import BadRequest
from segue.library import ReleaseSort, TrackSort
from segue.model import Listener
from segue.parts import Parts
from segue.serve import http, media
from segue.serve.api import _shapes as shape
from segue.serve.api._parameters import LibraryFilter, Limit, Offset, Short, Year
from segue.types import ArtistId, FolderId, LibraryId, ReleaseId, TrackId

_SHELF = 20


class Home(msgspec.Struct, rename={"continue_": "continue"}):
    continue_: list[shape.Release]
    recent: list[shape.Release]
    newest: list[shape.Release]
    favourites: list[shape.Release]
    frequent: list[shape.Release]
    random: list[shape.Release]


class ArtistPage(msgspec.Struct):
    artist: shape.Artist
    releases: list[shape.Release]
    appearances: list[shape.Release]
    top: list[shape.Track]
    related: list[shape.Artist]


class ReleasePage(msgspec.Struct):
    release: shape.Release
    tracks: list[shape.Track]
    disc_titles: dict[str, str]


class LyricLine(msgspec.Struct):
    start_ms: int | None
    text: str


class Lyrics(msgspec.Struct):
    language: str
    synced: bool
    offset_ms: int
    lines: list[LyricLine]


class LyricsList(msgspec.Struct):
    items: list[Lyrics]


class Genre(msgspec.Struct):
    name: str
    release_count: int
    track_count: int


class Genres(msgspec.Struct):
    items: list[Genre]
    total: int


class Root(msgspec.Struct):
    library_id: int
    name: str
    folder_id: str


class Roots(msgspec.Struct):
    items: list[Root]


class Folder(msgspec.Struct):
    id: str
    name: str
    path: str
    parent_id: str | None
    library_id: int


class Inner(msgspec.Struct):
    id: str
    name: str
    track_count: int


class FolderPage(msgspec.Struct):
    folder: Folder
    folders: list[Inner]
    tracks: list[shape.Track]
    total: int


class Found(msgspec.Struct):
    artists: list[shape.Artist]
    releases: list[shape.Release]
    tracks: list[shape.Track]


class ListedSound(msgspec.Struct):
    tempo_bpm: float | None
    key: float | None
    mode: float | None
    energy: float | None


class ListedTrack(shape.Track, kw_only=True):
    sound: ListedSound | None
    """What lists are sorted and filtered by; null until the track has been analysed."""


class ListedTracks(msgspec.Struct):
    items: list[ListedTrack]
    total: int


class TrackIds(msgspec.Struct, forbid_unknown_fields=True):
    ids: Annotated[list[str], msgspec.Meta(max_length=500)]


Bounds = Annotated[str | None, Parameter(max_length=40)]


def _range(name: str, text: str | None) -> tuple[float | None, float | None]:
    """``90..120``, ``90..`` or ``..120``; None for no bounds. Raises BadRequest."""
    low, dots, high = (text or "..").partition("..")
    try:
        bounds = float(low) if low else None, float(high) if high else None
    except ValueError:
        dots = ""
    if not dots or not all(bound is None or isfinite(bound) for bound in bounds):
        raise BadRequest(f"{name} is a range such as 90..120, 90.. or ..120.")
    return bounds


def _library(value: int | None) -> LibraryId | None:
    return None if value is None else LibraryId(value)


def handlers(parts: Parts) -> list[Any]:
    catalogue = parts.catalogue

    @get("/home", sync_to_thread=True)
    def home(me: Listener) -> Home:
        """Shelves of the first page."""

        def shelf(sort: ReleaseSort) -> list[shape.Release]:
            return [shape.release(one) for one in catalogue.releases(me, sort=sort, limit=_SHELF).items]

        recent = shelf("recent")
        queue = parts.queues.get(me.user.id)
        waiting = catalogue.visible_tracks(me, queue.track_ids[queue.current :][:50]) if queue else ()
        first = list(dict.fromkeys(track.release_id for track in waiting))[:_SHELF]
        going_on = [shape.release(catalogue.release(me, id)) for id in first]
        return Home(going_on or recent[:6], recent, shelf("newest"), shelf("liked"), shelf("frequent"), shelf("random"))

    @get("/artists", sync_to_thread=True)
    def artists(
        me: Listener,
        offset: Offset = 0,
        limit: Limit = 50,
        library: LibraryFilter = None,
        sort: Literal["name"] = "name",
        initial: Annotated[str | None, Parameter(max_length=4)] = None,
    ) -> shape.Artists:
        """Artists that have releases of their own, by sorting name."""
        page = catalogue.artists(me, library=_library(library), initial=initial, offset=offset, limit=limit)
        return shape.Artists([shape.artist(one) for one in page.items], page.total)

    @get("/artists/{id:str}", sync_to_thread=True)
    def artist(me: Listener, id: str) -> ArtistPage:
        """One artist with their releases, what they appear on, their most played tracks, and artists alike."""
        found = catalogue.artist(me, ArtistId(id))
        own, others = catalogue.artist_releases(me, found.id)
        top = catalogue.top_tracks(me, found.id, 10)
        return ArtistPage(
            shape.artist(found),
            [shape.release(one) for one in own],
            [shape.release(one) for one in others],
            [shape.track(one) for one in top],
            [shape.artist(one) for one in parts.mixes.related(me, found.id, 12)],
        )

    @get("/releases", sync_to_thread=True)
    def releases(
        me: Listener,
        offset: Offset = 0,
        limit: Limit = 50,
        sort: ReleaseSort = "name",
        genre: Short = None,
        from_year: Year = None,
        to_year: Year = None,
        library: LibraryFilter = None,
    ) -> shape.Releases:
        """Releases in an order, filtered. ``from_year`` after ``to_year`` gives the years backwards."""
        page = catalogue.releases(
            me, sort=sort, genre=genre, from_year=from_year, to_year=to_year, library=_library(library), offset=offset, limit=limit
        )
        return shape.Releases([shape.release(one) for one in page.items], page.total)

    @get("/releases/{id:str}", sync_to_thread=True)
    def release(me: Listener, id: str) -> ReleasePage:
        """One release with its tracks in order."""
        found = catalogue.release(me, ReleaseId(id))
        titles = {str(disc): title for disc, title in found.disc_titles}
        return ReleasePage(shape.release(found), [shape.track(one) for one in catalogue.release_tracks(me, found.id)], titles)

    @get("/tracks", sync_to_thread=True)
    def tracks(
        me: Listener,
        offset: Offset = 0,
        limit: Limit = 50,
        sort: TrackSort = "title",
        genre: Short = None,
        liked: bool = False,
        tempo: Bounds = None,
        energy: Bounds = None,
        key: Annotated[int | None, Parameter(ge=0, le=11)] = None,
        mode: Annotated[int | None, Parameter(ge=0, le=1)] = None,
        library: LibraryFilter = None,
    ) -> ListedTracks:
        """Tracks in an order, filtered. ``tempo=90..120`` (BPM), ``energy=0.5..``, ``key``, ``mode`` keep analysed tracks within."""
        sound = {"tempo_bpm": _range("tempo", tempo), "energy": _range("energy", energy), "key": (key, key), "mode": (mode, mode)}
        page = catalogue.tracks_page(
            me,
            sort=sort,
            genre=genre,
            liked=liked,
            sound={name: bounds for name, bounds in sound.items() if bounds != (None, None)},
            library=_library(library),
            offset=offset,
            limit=limit,
        )
        heard = parts.descriptions.listed([one.id for one in page.items])
        items = [
            ListedTrack(
                **msgspec.structs.asdict(shape.track(one)),
                sound=ListedSound(*(heard[one.id][name] for name in ("tempo_bpm", "key", "mode", "energy"))) if one.id in heard else None,
            )
            for one in page.items
        ]
        return ListedTracks(items, page.total)

    @post("/tracks/by-id", sync_to_thread=True, status_code=200)
    def by_id(me: Listener, data: TrackIds) -> shape.Tracks:
        """Those of these tracks that this listener may hear, in the order asked for. At most 500."""
        found = catalogue.visible_tracks(me, [TrackId(id) for id in data.ids])
        return shape.Tracks([shape.track(one) for one in found], len(found))

    @get("/tracks/{id:str}", sync_to_thread=True)
    def track(me: Listener, id: str) -> shape.Track:
        return shape.track(catalogue.track(me, TrackId(id)))

    @get("/tracks/{id:str}/lyrics", sync_to_thread=True)
    def lyrics(me: Listener, id: str) -> LyricsList:
        """Every text of a track, synced ones first."""
        return LyricsList(
            [
                Lyrics(one.language, one.synced, one.offset_ms, [LyricLine(line.start_ms, line.text) for line in one.lines])
                for one in catalogue.lyrics(me, TrackId(id))
            ]
        )

    @get("/genres", sync_to_thread=True)
    def genres(me: Listener) -> Genres:
        found = [Genre(one.name, one.release_count, one.track_count) for one in catalogue.genres(me)]
        return Genres(found, len(found))

    @get("/folders", sync_to_thread=True)
    def roots(me: Listener) -> Roots:
        """The root folder of each library."""
        return Roots([Root(one.library_id, one.name, one.id) for one in catalogue.roots(me)])

    @get("/folders/{id:str}", sync_to_thread=True)
    def folder(me: Listener, id: str, offset: Offset = 0, limit: Limit = 500) -> FolderPage:
        """A real folder: its folders, and a window of its own tracks."""
        view = catalogue.folder(me, FolderId(id), offset=offset, limit=limit)
        of = view.folder
        name = of.name
        return FolderPage(
            Folder(of.id, name, shape.text(of.path), of.parent_id, of.library_id),
            [Inner(one.id, one.name, one.track_count) for one in view.folders],
            [shape.track(one) for one in view.tracks],
            view.total,
        )

    @get("/search", sync_to_thread=True)
    def search(me: Listener, q: Annotated[str, Parameter(max_length=1024)] = "", limit: Limit = 20) -> Found:
        """Best first; prefixes, folded accents and one typing error."""
        found = parts.search.query(me, q, artists=(0, limit), releases=(0, limit), tracks=(0, limit))
        return Found(
            [shape.artist(one) for one in found.artists],
            [shape.release(one) for one in found.releases],
            [shape.track(one) for one in found.tracks],
        )

    @get("/favourites", sync_to_thread=True)
    def favourites(me: Listener) -> Found:
        """What this listener likes, the latest first."""
        liked = catalogue.liked(me)
        return Found(
            [shape.artist(one) for one in liked.artists],
            [shape.release(one) for one in liked.releases],
            [shape.track(one) for one in liked.tracks],
        )

    @get("/art/{id:str}")
    async def art(me: Listener, id: str, size: Annotated[int | None, Parameter(ge=1, le=10_000)] = None) -> media.Bytes:
        """A picture as JPEG, its longer edge about ``size`` pixels."""

        def make() -> media.Bytes:
            return media.art_response(parts.artwork, catalogue.art(me, id), size)

        return await anyio.to_thread.run_sync(make, limiter=http.threads(slow=True))

    return [
        home, artists, artist, releases, release, tracks, by_id, track, lyrics, genres, roots, folder, search, favourites, art,
    ]  # fmt: skip
