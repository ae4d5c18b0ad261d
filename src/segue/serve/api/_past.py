"""``/api/me`` and ``/api/stats``: one's listens, what is wrong with them, and what they sum up to."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import delete, get, patch, put
from litestar.params import Parameter

from segue.errors import BadRequest
from segue.flow.history import Stats
from segue.model import ExternalTrack, Listener
from segue.parts import Parts
from segue.serve.api import _shapes as shape
from segue.serve.api._parameters import Limit, Offset, Short
from segue.types import Instant, TrackId

_Id = Annotated[str | None, Parameter(max_length=64)]
_UtcOffset = Annotated[int, Parameter(ge=-18 * 60, le=18 * 60)]


class External(msgspec.Struct):
    """Something heard that is not in the library, or was found there later."""

    id: str
    artist: str
    title: str
    release: str | None
    type: str
    track_id: str | None
    confidence: float | None
    method: str | None
    listens: int


class ListenAnswer(msgspec.Struct, kw_only=True):
    id: str
    track: shape.Track | None
    external: External | None
    listened_at: str
    played_ms: int | None
    outcome: str | None
    counted: bool
    imported: bool
    device_id: str | None
    client: str | None
    utc_offset_min: int | None


class Listens(msgspec.Struct):
    items: list[ListenAnswer]
    next: str | None
    """To be given as ``before``; null at the end."""
    total: int
    """Listens ever, whatever the search."""


class Correction(msgspec.Struct):
    correction: str
    """``DELETE /api/me/corrections/{correction}`` takes it back."""


class ListenChange(msgspec.Struct):
    track_id: str | None = None
    listened_at: datetime | None = None


class Externals(msgspec.Struct):
    items: list[External]
    total: int


class Match(msgspec.Struct):
    track_id: str | None
    """null: it is none of the tracks here."""


class Top(msgspec.Struct, kw_only=True):
    id: str | None
    """Of a track, artist or release one may see; null for others and for genres."""
    name: str
    artist: str | None
    art: str | None
    track: shape.Track | None = None
    external_id: str | None = None
    listens: int
    ms: int


class Tops(msgspec.Struct):
    tracks: list[Top]
    artists: list[Top]
    releases: list[Top]
    genres: list[Top]


class Day(msgspec.Struct):
    date: str
    listens: int
    ms: int


class YearOf(msgspec.Struct):
    year: str
    listens: int


class Streak(msgspec.Struct):
    current: int
    longest: int


class StatsAnswer(msgspec.Struct, kw_only=True):
    period: str
    first: str
    last: str
    listens: int
    skips: int
    ms: int
    distinct: dict[str, int]
    discoveries: dict[str, int]
    streak: Streak
    top: Tops
    hours: list[int]
    """Listens by hour of the week: 168, Monday midnight first."""
    days: list[Day]
    years: list[YearOf]
    """All years with listens, latest first."""


def external(one: ExternalTrack) -> External:
    return External(
        id=one.id,
        artist=shape.text(one.artist),
        title=shape.text(one.title),
        release=one.album,
        type=one.type,
        track_id=one.track_id,
        confidence=one.confidence,
        method=one.method,
        listens=one.listens,
    )


def handlers(parts: Parts) -> list[Any]:
    history = parts.history

    @get("/me/listens", sync_to_thread=True)
    def listens(me: Listener, before: _Id = None, limit: Limit = 50, q: Short = None, track: _Id = None) -> Listens:
        """One's own, latest first; ``q``: words of title or artist. Private plays are not kept here."""
        found = history.listens(me, before=before, limit=limit, text=q or "", track_id=track)
        items = [
            ListenAnswer(
                id=one.listen.id,
                track=shape.track(one.track) if one.track else None,
                external=external(one.listen.external) if one.listen.external else None,
                listened_at=shape.instant(one.listen.started_at) or "",
                played_ms=one.listen.played_ms,
                outcome=one.listen.outcome,
                counted=one.listen.counted,
                imported=one.listen.imported,
                device_id=one.listen.device_id,
                client=one.listen.client,
                utc_offset_min=one.listen.utc_offset_min,
            )
            for one in found
        ]
        return Listens(items, items[-1].id if len(items) == limit else None, history.count(me))

    @delete("/me/listens/{id:str}", sync_to_thread=True, status_code=200)
    def remove(me: Listener, id: str) -> Correction:
        """As if it had never been: counts, statistics and taste follow at once."""
        return Correction(history.delete(me, id))

    @patch("/me/listens/{id:str}", sync_to_thread=True)
    def correct(data: ListenChange, me: Listener, id: str) -> Correction:
        """It was of another track, or at another time."""
        at = None
        if data.listened_at is not None:
            if data.listened_at.tzinfo is None:
                raise BadRequest("listened_at needs an offset: 2026-11-21T10:00:00Z.")
            at = Instant(int(data.listened_at.timestamp() * 1000))
        return Correction(history.correct(me, id, track_id=TrackId(data.track_id) if data.track_id else None, started_at=at))

    @delete("/me/corrections/{id:str}", sync_to_thread=True)
    def undo(me: Listener, id: str) -> None:
        """Take a correction or deletion back."""
        history.undo(me, id)

    @get("/me/externals", sync_to_thread=True)
    def externals(me: Listener, matched: bool = False, offset: Offset = 0, limit: Limit = 50) -> Externals:
        """What one heard elsewhere and is not in the library, most listens first; ``matched``: what was found there."""
        found, total = history.externals(me, matched=matched, offset=offset, limit=limit)
        return Externals([external(one) for one in found], total)

    @put("/me/externals/{id:str}", sync_to_thread=True, status_code=204)
    def match(data: Match, me: Listener, id: str) -> None:
        """Say by hand which track it is."""
        history.match(me, id, TrackId(data.track_id) if data.track_id else None)

    @get("/stats", sync_to_thread=True)
    def stats(
        me: Listener,
        period: Annotated[str, Parameter(max_length=32)] = "30d",
        n: Annotated[int, Parameter(ge=1, le=100)] = 10,
        utc_offset_min: _UtcOffset = 0,
    ) -> StatsAnswer:
        """``period``: all, a year, a month (2026-11), a day, or the last days (30d), by the listener's clock."""
        found = history.stats(me, period, n=n, utc_offset_min=utc_offset_min)
        numbers = found.numbers
        return StatsAnswer(
            period=period,
            first=found.first.isoformat(),
            last=found.last.isoformat(),
            listens=numbers.listens,
            skips=numbers.skips,
            ms=numbers.ms,
            distinct={f"{kind}s": count for kind, count in numbers.distinct.items()},
            discoveries=numbers.new,
            streak=Streak(numbers.current_streak, numbers.longest_streak),
            top=_tops(found),
            hours=numbers.hours,
            days=[Day(date, count, ms) for date, (count, ms) in numbers.days.items()],
            years=[YearOf(year, count) for year, count in found.years],
        )

    return [listens, remove, correct, undo, externals, match, stats]


def _tops(found: Stats) -> Tops:
    top = found.numbers.top
    tracks = []
    for key, count, ms in top["track"]:
        if one := found.tracks.get(key):
            shown = shape.track(one)
            tracks.append(Top(id=one.id, name=shown.title, artist=shown.artist, art=shown.art, track=shown, listens=count, ms=ms))
        elif other := found.externals.get(key):
            tracks.append(
                Top(id=None, name=shape.text(other.title), artist=shape.text(other.artist), art=None, external_id=key, listens=count, ms=ms)
            )
    artists = []
    for key, count, ms in top["artist"]:
        if artist := found.artists.get(key):
            artists.append(Top(id=artist.id, name=shape.text(artist.name), artist=None, art=artist.art, listens=count, ms=ms))
        elif name := found.artist_names.get(key):
            artists.append(Top(id=None, name=shape.text(name), artist=None, art=None, listens=count, ms=ms))
    releases = [
        Top(id=release.id, name=shape.text(release.title), artist=shape.text(release.artist), art=release.art, listens=count, ms=ms)
        for key, count, ms in top["release"]
        if (release := found.releases.get(key))
    ]
    genres = [Top(id=None, name=shape.text(key), artist=None, art=None, listens=count, ms=ms) for key, count, ms in top["genre"]]
    return Tops(tracks, artists, releases, genres)
