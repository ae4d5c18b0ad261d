"""The records that cross between parts. Frozen; built once at the edge, trusted inside.

Instants are milliseconds since the epoch, durations and positions are milliseconds, gains are dB, sizes are bytes.
Optional means unknown; an empty string or list means known to be empty.
"""

from typing import Any, Generic, Literal, TypeVar

import msgspec

from segue.types import (
    ArtId,
    ArtistId,
    FolderId,
    Instant,
    LibraryId,
    Ms,
    PlaylistId,
    ReleaseId,
    SlateId,
    SubjectType,
    TokenId,
    TrackId,
    UserId,
)

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every record: immutable, compared by value, no behaviour."""


# -- what there is ---------------------------------------------------------------------------------------------------


class Credit(Record, frozen=True, kw_only=True):
    """One artist's part in a track or release, in the order credited."""

    artist_id: ArtistId
    name: str
    role: str = "artist"
    """``artist``, ``composer``, ``conductor``, ``remixer``, ``lyricist``, ``producer``, ``performer``, …"""
    detail: str | None = None
    """The instrument of a performer."""


class Annotation(Record, frozen=True, kw_only=True):
    """What one listener made of a track, release, artist or playlist: a projection of the log."""

    liked_at: Instant | None = None
    rating: int = 0
    """1..5; 0 is none."""
    play_count: int = 0
    last_played_at: Instant | None = None


class ReplayGain(Record, frozen=True, kw_only=True):
    """Gains to a reference of -18 LUFS (ReplayGain 2.0). R128 gains (-23 LUFS) are converted at ingest by adding 5 dB."""

    track_gain_db: float | None = None
    track_peak: float | None = None
    album_gain_db: float | None = None
    album_peak: float | None = None


class Sketch(Record, frozen=True, kw_only=True):
    """The little of a track that choosing and explaining need: hundreds are looked at for each answer. Names as in :class:`Track`."""

    id: TrackId
    library_id: LibraryId
    title: str
    artists: tuple[Credit, ...] = ()
    release_id: ReleaseId
    year: int | None = None
    genres: tuple[str, ...] = ()
    missing_at: Instant | None = None


class Track(Record, frozen=True, kw_only=True):
    """One recording at one place on one release, in one file."""

    id: TrackId
    library_id: LibraryId
    folder_id: FolderId
    path: str
    """Relative to the library's root, ``/`` between parts, undecodable bytes as surrogates."""
    title: str
    sort_title: str
    artist: str
    """Credited artists as the release shows them, one string."""
    artists: tuple[Credit, ...] = ()
    contributors: tuple[Credit, ...] = ()
    release_id: ReleaseId
    release: str
    release_artist: str
    release_artists: tuple[Credit, ...] = ()
    art: ArtId | None = None
    disc: int | None = None
    disc_title: str | None = None
    number: int | None = None
    year: int | None = None
    genres: tuple[str, ...] = ()
    moods: tuple[str, ...] = ()
    duration_ms: Ms
    suffix: str
    content_type: str
    codec: str
    bitrate_kbps: int
    sample_rate_hz: int
    channels: int
    bit_depth: int | None = None
    size_bytes: int
    replaygain: ReplayGain = ReplayGain()
    delay_samples: int = 0
    padding_samples: int = 0
    has_lyrics: bool = False
    explicit: bool | None = None
    bpm: float | None = None
    comment: str | None = None
    isrc: tuple[str, ...] = ()
    mbid: str | None = None
    """MusicBrainz recording id."""
    added_at: Instant
    changed_at: Instant
    missing_at: Instant | None = None
    annotation: Annotation = Annotation()


class Release(Record, frozen=True, kw_only=True):
    """An album, EP, single or compilation: what its tracks say of it."""

    id: ReleaseId
    library_id: LibraryId
    folder_id: FolderId
    title: str
    sort_title: str
    artist: str
    artists: tuple[Credit, ...] = ()
    art: ArtId | None = None
    year: int | None = None
    date: str | None = None
    """Of this release: ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``."""
    original_date: str | None = None
    genres: tuple[str, ...] = ()
    track_count: int
    duration_ms: Ms
    disc_count: int = 1
    disc_titles: tuple[tuple[int, str], ...] = ()
    compilation: bool = False
    release_types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    mbid: str | None = None
    added_at: Instant
    annotation: Annotation = Annotation()


class Artist(Record, frozen=True, kw_only=True):
    """A person or group, merged over releases by MusicBrainz id, else by folded name."""

    id: ArtistId
    name: str
    sort_name: str
    art: ArtId | None = None
    release_count: int = 0
    """Releases of their own that this listener may see."""
    track_count: int = 0
    mbid: str | None = None
    roles: tuple[str, ...] = ()
    annotation: Annotation = Annotation()


class Genre(Record, frozen=True, kw_only=True):
    name: str
    release_count: int
    track_count: int


class Folder(Record, frozen=True, kw_only=True):
    """A real folder below a library's root; the root itself has ``parent_id`` None."""

    id: FolderId
    library_id: LibraryId
    parent_id: FolderId | None
    name: str
    path: str
    track_count: int = 0


class LyricLine(Record, frozen=True, kw_only=True):
    text: str
    start_ms: Ms | None = None


class Lyrics(Record, frozen=True, kw_only=True):
    language: str = "xxx"
    """ISO 639; ``xxx`` unknown."""
    synced: bool = False
    offset_ms: int = 0
    lines: tuple[LyricLine, ...] = ()
    origin: str = "embedded"


class Library(Record, frozen=True, kw_only=True):
    """A root folder of audio, granted to everyone or to chosen users."""

    id: LibraryId
    name: str
    path: str
    everyone: bool = True
    user_ids: tuple[UserId, ...] = ()
    track_count: int = 0
    missing_count: int = 0
    scanned_at: Instant | None = None


class Space(Record, frozen=True, kw_only=True):
    """What vectors can be compared in: those of one encoder, by cosine."""

    id: int
    encoder: str
    version: str
    digest: str
    """SHA-256 of the model file; empty for what is built in."""
    dimension: int


class Traits(Record, frozen=True, kw_only=True):
    """What is known of the sound of a track, besides its vector."""

    tempo_bpm: float | None = None
    tags: tuple[str, ...] = ()
    """What the tagger heard with some certainty, most certain first: guesses."""
    spoken: bool = False
    """Speech, audiobook or podcast: nobody's taste in music is read from it."""


class Playlist(Record, frozen=True, kw_only=True):
    id: PlaylistId
    owner_id: UserId
    owner: str
    name: str
    comment: str = ""
    public: bool = False
    track_count: int = 0
    """Tracks this listener may see."""
    duration_ms: Ms = Ms(0)
    art: ArtId | None = None
    source_path: str | None = None
    """Of the M3U file it was read from, if any."""
    created_at: Instant
    changed_at: Instant
    annotation: Annotation = Annotation()


class Page(Record, Generic[T], frozen=True, kw_only=True):
    """A window of a list, and how long the whole list is."""

    items: tuple[T, ...]
    total: int


class Finding(Record, frozen=True, kw_only=True):
    """Something wrong with a file or folder, and what to do about it."""

    path: str
    kind: str
    """``unreadable``, ``empty``, ``truncated``, ``not_audio``, ``mislabelled``, ``too_large``, ``timeout``, ``bad_tag``, ``bad_picture``,
    ``loop``, ``missing_reference``."""
    message: str
    library_id: LibraryId | None = None
    found_at: Instant | None = None


class ScanReport(Record, frozen=True, kw_only=True):
    """``segue scan --json``: counts of files with audio; ``findings`` are all that stand, not only the new."""

    tracks: int
    added: int
    changed: int
    moved: int
    missing: int
    unchanged: int
    seconds: float
    findings: tuple[Finding, ...] = ()


class ScanProgress(Record, frozen=True, kw_only=True):
    library: str
    phase: str
    """``walking``, ``reading``, ``matching``, ``indexing``."""
    files_seen: int
    files_done: int
    files_total: int | None
    rate_per_s: float
    eta_s: float | None


# -- who is here -----------------------------------------------------------------------------------------------------


class User(Record, frozen=True, kw_only=True):
    id: UserId
    name: str
    admin: bool = False
    created_at: Instant


class Listener(Record, frozen=True, kw_only=True):
    """Who asks, and which libraries exist for them: every catalogue call takes one. The only place grants are decided is
    ``access``; the only thing a query needs is ``libraries``."""

    user: User
    libraries: frozenset[LibraryId]
    scopes: frozenset[str] = frozenset({"*"})
    token_id: TokenId | None = None
    client: str | None = None


class Token(Record, frozen=True, kw_only=True):
    id: TokenId
    user_id: UserId
    name: str
    kind: Literal["app", "api"]
    scopes: tuple[str, ...]
    created_at: Instant
    last_used_at: Instant | None = None
    last_client: str | None = None
    expires_at: Instant | None = None
    """Refused from then on; None: never."""


# -- what was heard --------------------------------------------------------------------------------------------------

EventKind = Literal[
    "started", "paused", "resumed", "seeked", "progressed", "ended", "scrobbled", "liked", "unliked", "rated", "saved",
    "removed", "hidden", "unhidden", "searched", "shown", "corrected", "matched", "erased",
]  # fmt: skip
"""No client may send the last three. ``corrected``: what ``data`` says of the plays it names replaces what they told (``deleted``,
``track_id``, ``started_at``). ``matched``: the external is ``data``'s track, by hand. ``erased`` is the tombstone the log itself leaves:
everything of this listener before it is gone."""
Outcome = Literal["finished", "skipped", "stopped", "error", "unknown"]


class Subject(Record, frozen=True, kw_only=True):
    type: SubjectType
    id: str | None = None
    external: dict[str, str] | None = None
    """For ``external``: any of artist, title, album, isrc, mbid, duration_ms (in digits)."""


class Event(Record, frozen=True, kw_only=True):
    """One act of one listener, as the map's section 5 has it. Ordered within a listener by ``(at, event_id)``."""

    event_id: str
    kind: EventKind
    user_id: UserId
    at: Instant
    received_at: Instant
    subject: Subject | None = None
    device_id: str | None = None
    session_id: str | None = None
    play_id: str | None = None
    utc_offset_min: int | None = None
    position_ms: Ms | None = None
    played_ms: Ms | None = None
    outcome: Outcome | None = None
    rating: int | None = None
    reason: str | None = None
    context: dict[str, Any] | None = None
    client: str | None = None
    origin: Literal["live", "reported", "imported"] = "live"
    private: bool = False
    data: dict[str, Any] | None = None
    """What only one kind has: the items of ``shown``, the words of ``searched``."""


class Appended(Record, frozen=True, kw_only=True):
    """The answer to a batch: what is now in the log (repeats included) and what was refused, with why."""

    accepted: tuple[str, ...]
    rejected: tuple[tuple[str, str], ...] = ()


class Play(Record, frozen=True, kw_only=True):
    """One playing of one track, as its reports told it: a projection of the log."""

    user_id: UserId
    track_id: TrackId
    play_id: str
    started_at: Instant
    last_at: Instant
    position_ms: Ms | None = None
    played_ms: Ms | None = None
    outcome: Outcome | None = None
    """None while it goes on, or while nobody said how it ended."""
    private: bool = False
    session_id: str | None = None
    client: str | None = None


class ExternalTrack(Record, frozen=True, kw_only=True):
    """Something heard that is not, or was not, in the library, and the track it is thought to be."""

    id: str
    artist: str
    title: str
    album: str | None = None
    type: Literal["track", "artist", "episode"] = "track"
    track_id: TrackId | None = None
    confidence: float | None = None
    """0..1; None where nothing was found, or a person said."""
    method: Literal["isrc", "mbid", "names", "hand"] | None = None
    listens: int = 0


class Listen(Record, frozen=True, kw_only=True):
    """One playing of one thing, whatever number of reports told of it. Ids sort as listens do."""

    id: str
    track_id: str
    """Of a track, or of an external."""
    external: ExternalTrack | None = None
    started_at: Instant
    played_ms: Ms | None = None
    outcome: Outcome | None = None
    """None while it goes on."""
    counted: bool
    """Whether it is a listen by the scrobble convention."""
    imported: bool = False
    device_id: str | None = None
    client: str | None = None
    utc_offset_min: int | None = None


class PastPlay(Record, frozen=True, kw_only=True):
    """One play as another service recorded it. It may name nothing that is in the library."""

    service: str
    """``spotify``, ``listenbrainz``, ``lastfm``, or the name of the app that told it."""
    entry_id: str
    """The same for the same entry of the same export, however often it is read: at most 64 characters."""
    started_at: Instant
    artist: str
    title: str
    album: str | None = None
    isrc: str | None = None
    mbid: str | None = None
    """MusicBrainz recording id."""
    duration_ms: Ms | None = None
    played_ms: Ms | None = None
    outcome: Outcome | None = None
    """None where the service keeps no ends."""
    private: bool = False
    utc_offset_min: int | None = None
    """Of the listener's clock at that instant, where it is known."""
    type: Literal["music", "episode", "video"] = "music"
    context: dict[str, Any] | None = None
    """What else it kept of how one listened: ``reason_start``, ``reason_end``, ``shuffle``, ``offline``, ``platform``, ``country``."""


class Acquaintance(Record, frozen=True, kw_only=True):
    """What one listener made of one track, release or artist, with what taste is read from."""

    id: str
    liked_at: Instant | None = None
    rating: int = 0
    play_count: int = 0
    skip_count: int = 0
    last_played_at: Instant | None = None
    heard: float = 0.0
    """Listens, each worth less the longer ago it was: 1.0 is one of this moment."""
    skipped: float = 0.0
    """Skips, likewise."""


# -- what comes next -------------------------------------------------------------------------------------------------


class Query(Record, frozen=True, kw_only=True):
    """Who asks for what comes next, and in what context."""

    user_id: UserId
    libraries: frozenset[LibraryId]
    n: int
    seeds: tuple[TrackId, ...] = ()
    queue: tuple[TrackId, ...] = ()
    skipped: tuple[TrackId, ...] = ()
    exclude: tuple[TrackId, ...] = ()
    session_id: str | None = None
    discovery: float = 0.3
    """0 only the familiar .. 1 only the new: the listener's dial."""
    at: Instant


class Reason(Record, frozen=True, kw_only=True):
    """Why an item is there: a code for programs, a sentence for people, and the log or tag entries it rests on."""

    code: str
    text: str
    evidence: dict[str, Any]


class Candidate(Record, frozen=True, kw_only=True):
    """A track a source proposes. ``score`` is higher-is-better within its source, 0..1."""

    track_id: TrackId
    source: str
    score: float
    evidence: dict[str, Any] = {}


class Removed(Record, frozen=True, kw_only=True):
    track_id: TrackId
    stage: str
    reason: str


class SlateItem(Record, frozen=True, kw_only=True):
    track_id: TrackId
    score: float
    source: str
    reasons: tuple[Reason, ...] = ()
    propensity: float | None = None


class StageTiming(Record, frozen=True, kw_only=True):
    stage: str
    ms: float
    n_in: int
    n_out: int


class Slate(Record, frozen=True, kw_only=True):
    """What was answered, and the trace of how."""

    id: SlateId
    user_id: UserId
    query: Query
    at: Instant
    generation: str | None = None
    degraded: tuple[str, ...] = ()
    """What failed or was not there, by name (``log_unreadable``, ``source:kindred``). Empty: whole."""
    message: str | None = None
    items: tuple[SlateItem, ...] = ()
    removed: tuple[Removed, ...] = ()
    timings: tuple[StageTiming, ...] = ()
