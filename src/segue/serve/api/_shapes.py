"""What ``/api`` answers with: ``docs/api.md`` in types. Instants are RFC 3339 in UTC; what is unknown is null."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from segue import model


def instant(ms: int | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _known_instant(ms: int) -> str:
    return instant(ms) or ""


def text(value: str) -> str:
    """A path or name as JSON can carry it: undecodable bytes become the replacement character."""
    return value.encode("utf-8", "replace").decode() if not value.isascii() else value


class Credit(msgspec.Struct):
    id: str
    name: str


class ReplayGain(msgspec.Struct):
    track_gain_db: float | None
    track_peak: float | None
    album_gain_db: float | None
    album_peak: float | None


class Track(msgspec.Struct, kw_only=True):
    id: str
    title: str
    artist: str
    artists: list[Credit]
    release: str
    release_id: str
    release_artist: str
    art: str | None
    disc: int | None
    number: int | None
    year: int | None
    genres: list[str]
    duration_ms: int
    suffix: str
    content_type: str
    codec: str
    bitrate_kbps: int
    sample_rate_hz: int
    channels: int
    bit_depth: int | None
    size_bytes: int
    replaygain: ReplayGain
    delay_samples: int
    padding_samples: int
    has_lyrics: bool
    explicit: bool | None
    isrc: str | None
    mbid: str | None
    path: str
    library_id: int
    folder_id: str
    added_at: str
    missing: bool
    liked_at: str | None
    rating: int
    play_count: int
    last_played_at: str | None


class Release(msgspec.Struct, kw_only=True):
    id: str
    title: str
    artist: str
    artists: list[Credit]
    art: str | None
    year: int | None
    date: str | None
    original_date: str | None
    genres: list[str]
    track_count: int
    duration_ms: int
    compilation: bool
    disc_count: int
    library_id: int
    folder_id: str
    mbid: str | None
    added_at: str
    liked_at: str | None
    rating: int
    play_count: int
    last_played_at: str | None


class Artist(msgspec.Struct, kw_only=True):
    id: str
    name: str
    sort_name: str
    art: str | None
    release_count: int
    track_count: int
    mbid: str | None
    liked_at: str | None
    rating: int


class Playlist(msgspec.Struct, kw_only=True):
    id: str
    name: str
    comment: str
    public: bool
    owner: str
    owner_id: str
    editable: bool
    track_count: int
    duration_ms: int
    art: str | None
    created_at: str
    changed_at: str


class Reason(msgspec.Struct):
    code: str
    text: str
    evidence: dict[str, Any]


class SlateItem(msgspec.Struct):
    track: Track
    score: float
    source: str
    reasons: list[Reason]


class Removed(msgspec.Struct):
    track: Track | None
    stage: str
    reason: str


class Timing(msgspec.Struct, rename={"n_in": "in", "n_out": "out"}):
    stage: str
    ms: float
    n_in: int
    n_out: int


class Slate(msgspec.Struct, kw_only=True):
    id: str
    generation: str | None
    degraded: list[str]
    message: str | None
    items: list[SlateItem]


class SlateTrace(Slate, kw_only=True):
    at: str
    query: dict[str, Any]
    removed: list[Removed]
    timings: list[Timing]


class Tracks(msgspec.Struct):
    items: list[Track]
    total: int


class Releases(msgspec.Struct):
    items: list[Release]
    total: int


class Artists(msgspec.Struct):
    items: list[Artist]
    total: int


class Playlists(msgspec.Struct):
    items: list[Playlist]
    total: int


def track(of: model.Track) -> Track:
    gain, note = of.replaygain, of.annotation
    return Track(
        id=of.id,
        title=of.title,
        artist=of.artist,
        artists=[Credit(credit.artist_id, credit.name) for credit in of.artists],
        release=of.release,
        release_id=of.release_id,
        release_artist=of.release_artist,
        art=of.art,
        disc=of.disc,
        number=of.number,
        year=of.year,
        genres=list(of.genres),
        duration_ms=of.duration_ms,
        suffix=of.suffix,
        content_type=of.content_type,
        codec=of.codec,
        bitrate_kbps=of.bitrate_kbps,
        sample_rate_hz=of.sample_rate_hz,
        channels=of.channels,
        bit_depth=of.bit_depth,
        size_bytes=of.size_bytes,
        replaygain=ReplayGain(gain.track_gain_db, gain.track_peak, gain.album_gain_db, gain.album_peak),
        delay_samples=of.delay_samples,
        padding_samples=of.padding_samples,
        has_lyrics=of.has_lyrics,
        explicit=of.explicit,
        isrc=of.isrc[0] if of.isrc else None,
        mbid=of.mbid,
        path=text(of.path),
        library_id=of.library_id,
        folder_id=of.folder_id,
        added_at=_known_instant(of.added_at),
        missing=of.missing_at is not None,
        liked_at=instant(note.liked_at),
        rating=note.rating,
        play_count=note.play_count,
        last_played_at=instant(note.last_played_at),
    )


def release(of: model.Release) -> Release:
    note = of.annotation
    return Release(
        id=of.id,
        title=of.title,
        artist=of.artist,
        artists=[Credit(credit.artist_id, credit.name) for credit in of.artists],
        art=of.art,
        year=of.year,
        date=of.date,
        original_date=of.original_date,
        genres=list(of.genres),
        track_count=of.track_count,
        duration_ms=of.duration_ms,
        compilation=of.compilation,
        disc_count=of.disc_count,
        library_id=of.library_id,
        folder_id=of.folder_id,
        mbid=of.mbid,
        added_at=_known_instant(of.added_at),
        liked_at=instant(note.liked_at),
        rating=note.rating,
        play_count=note.play_count,
        last_played_at=instant(note.last_played_at),
    )


def artist(of: model.Artist) -> Artist:
    return Artist(
        id=of.id,
        name=of.name,
        sort_name=of.sort_name,
        art=of.art,
        release_count=of.release_count,
        track_count=of.track_count,
        mbid=of.mbid,
        liked_at=instant(of.annotation.liked_at),
        rating=of.annotation.rating,
    )


def playlist(of: model.Playlist, asks: str) -> Playlist:
    return Playlist(
        id=of.id,
        name=of.name,
        comment=of.comment,
        public=of.public,
        owner=of.owner,
        owner_id=of.owner_id,
        editable=of.owner_id == asks and of.source_path is None,
        track_count=of.track_count,
        duration_ms=of.duration_ms,
        art=of.art,
        created_at=_known_instant(of.created_at),
        changed_at=_known_instant(of.changed_at),
    )
