"""What the tag worker says of a file: the shape of its answers, checked as they come in. The worker is a program of its own."""

import msgspec


class Person(msgspec.Struct, frozen=True):
    name: str
    mbid: str | None = None


class Contributor(msgspec.Struct, frozen=True):
    role: str
    name: str
    detail: str | None = None


class Picture(msgspec.Struct, frozen=True):
    """``hash``: 16 bytes over the picture's content."""

    hash: bytes
    content_type: str
    size: int


class Words(msgspec.Struct, frozen=True):
    language: str
    synced: bool
    offset_ms: int
    lines: list[tuple[int | None, str]]
    origin: str


class TagRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One audio file: its stream, its tags as they were meant, and what was wrong. Durations in ms, gains in dB, sizes in bytes."""

    size: int
    mtime_ns: int
    quick_hash: bytes | None
    suffix: str
    content_type: str
    duration_ms: int
    codec: str
    bitrate_kbps: int
    sample_rate_hz: int
    channels: int
    bit_depth: int | None
    delay_samples: int
    padding_samples: int
    title: str | None
    title_sort: str | None
    artist: str | None
    artists: list[Person]
    artist_sort: str | None
    release: str | None
    release_sort: str | None
    release_artist: str | None
    release_artists: list[Person]
    release_artist_sort: str | None
    contributors: list[Contributor]
    genres: list[str]
    moods: list[str]
    disc: int | None
    disc_title: str | None
    number: int | None
    date: str | None
    original_date: str | None
    compilation: bool
    release_types: list[str]
    labels: list[str]
    isrc: list[str]
    mbid: str | None
    release_mbid: str | None
    track_gain_db: float | None
    track_peak: float | None
    album_gain_db: float | None
    album_peak: float | None
    explicit: bool | None
    bpm: float | None
    comment: str | None
    lyrics: list[Words]
    picture: Picture | None
    findings: list[tuple[str, str]]


class Answer(msgspec.Struct, frozen=True):
    """Of an audio file: a record or an error (kind, message)."""

    record: TagRecord | None = None
    error: tuple[str, str] | None = None


class ImageAnswer(msgspec.Struct, frozen=True):
    record: Picture | None = None
    error: tuple[str, str] | None = None
