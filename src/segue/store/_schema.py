"""The one schema of the library database, in SQLAlchemy Core. ``segue.db``; the event log has a file of its own.

Ids are 22 base62 characters, instants milliseconds since the epoch, paths text with surrogate-escaped bytes re-encoded as
``\\udcXX`` -> kept in BLOB columns through :class:`PathText`. No foreign key cascades: what vanishes is decided in code, once.
"""

import os

import sqlalchemy as sa
from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint
from sqlalchemy.types import TypeDecorator


class PathText(TypeDecorator[str]):
    """A path as bytes at rest, so that names that are not valid UTF-8 survive; ``str`` with surrogates in Python."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> bytes | None:
        return None if value is None else os.fsencode(value)

    def process_result_value(self, value: bytes | None, dialect: object) -> str | None:
        return None if value is None else os.fsdecode(value)


metadata = sa.MetaData()
SORTED_VALUES = (
    "tempo_bpm", "key", "mode", "energy", "danceability", "valence", "acousticness", "instrumentalness", "speechiness", "liveness",
    "loudness_lufs",
)  # fmt: skip
"""Of an analysis, beside every track: what lists are sorted and filtered by."""
_id = String(22)

# -- accounts --------------------------------------------------------------------------------------------------------

user = Table(
    "user",
    metadata,
    Column("id", _id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),  # argon2id
    Column("admin", Integer, nullable=False, default=0),
    Column("preferences", Text, nullable=False, default="{}"),  # JSON
    Column("created_at", Integer, nullable=False),
)
token = Table(
    "token",
    metadata,
    Column("id", _id, primary_key=True),
    Column("user_id", _id, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),  # app | api
    Column("scopes", Text, nullable=False),  # JSON list
    Column("lookup", LargeBinary, nullable=False, unique=True),  # keyed hash of the secret, for apiKey and Bearer
    Column("sealed", LargeBinary, nullable=False),  # the secret, encrypted: OpenSubsonic's t+s needs it in clear
    Column("created_at", Integer, nullable=False),
    Column("last_used_at", Integer),
    Column("last_client", Text),
    Column("expires_at", Integer),  # refused from then on; NULL: never
)
session = Table(
    "session",
    metadata,
    Column("lookup", LargeBinary, primary_key=True),  # keyed hash of the cookie
    Column("user_id", _id, nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("client", Text),
)
lastfm_app = Table(
    "lastfm_app",
    metadata,
    Column("api_key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the shared secret, encrypted: signatures need it in clear
    Column("created_at", Integer, nullable=False),
    Column("callback", Text),  # where a listener who let it in is sent to; NULL: nowhere
)
lastfm_session = Table(
    "lastfm_session",
    metadata,
    Column("lookup", LargeBinary, primary_key=True),  # keyed hash of the session key
    Column("user_id", _id, nullable=False, index=True),
    Column("token_id", _id, nullable=False, index=True),  # the app password it was got by
    Column("api_key", Text, nullable=False, index=True),  # of the app it was given to, registered here or not
    Column("created_at", Integer, nullable=False),
)
setting = Table(
    "setting", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False)
)  # what the server keeps for itself: JSON

# -- libraries -------------------------------------------------------------------------------------------------------

library = Table(
    "library",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("path", PathText, nullable=False, unique=True),
    Column("everyone", Integer, nullable=False, default=1),
    Column("created_at", Integer, nullable=False),
    Column("scanned_at", Integer),
    sqlite_autoincrement=True,  # an id is never reused
)
library_grant = Table(
    "library_grant",
    metadata,
    Column("library_id", Integer, primary_key=True),
    Column("user_id", _id, primary_key=True),
)
folder = Table(
    "folder",
    metadata,
    Column("id", _id, primary_key=True),
    Column("library_id", Integer, nullable=False),
    Column("parent_id", _id, index=True),
    Column("path", PathText, nullable=False),  # relative to the root; empty for the root
    Column("name", Text, nullable=False),
    Column("art_id", _id),
    Column("image", PathText),  # the picture it was taken from, relative to the library's root
    Column("image_stamp", Text),  # size and time of that picture
    Column("portrait_art_id", _id),
    Column("portrait", PathText),  # a picture of the artist whose releases are in this folder or in those in it
    Column("portrait_stamp", Text),
    Column("track_count", Integer, nullable=False, default=0),  # present tracks directly in it
    UniqueConstraint("library_id", "path"),
)

# -- the catalogue ---------------------------------------------------------------------------------------------------

artist = Table(
    "artist",
    metadata,
    Column("id", _id, primary_key=True),
    Column("mbid", Text, index=True),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False, index=True),
    Column("sort_name", Text, nullable=False),
    Column("sort_key", Text, nullable=False, index=True),  # folded, leading article dropped
    Column("art_id", _id),
)
release = Table(
    "release",
    metadata,
    Column("id", _id, primary_key=True),
    Column("library_id", Integer, nullable=False),
    Column("folder_id", _id, nullable=False, index=True),
    Column("mbid", Text, index=True),
    Column("title", Text, nullable=False),
    Column("title_folded", Text, nullable=False, index=True),
    Column("sort_title", Text, nullable=False),
    Column("sort_key", Text, nullable=False),
    Column("artist", Text, nullable=False),  # as displayed
    Column("artist_folded", Text, nullable=False),  # as tagged; empty where the tags name no release artist
    Column("artist_sort_key", Text, nullable=False),
    Column("art_id", _id),
    Column("year", Integer),  # of original_date, else date
    Column("date", Text),
    Column("original_date", Text),
    Column("compilation", Integer, nullable=False, default=0),
    Column("release_types", Text, nullable=False, default="[]"),  # JSON list
    Column("labels", Text, nullable=False, default="[]"),  # JSON list
    Column("disc_titles", Text, nullable=False, default="{}"),  # JSON {disc: title}
    Column("disc_count", Integer, nullable=False, default=1),
    Column("track_count", Integer, nullable=False, default=0),  # present tracks; 0 hides the release
    Column("duration_ms", Integer, nullable=False, default=0),
    Column("added_at", Integer, nullable=False),
    # Each order holds what decides whether a listener sees the row: a page is read from the index alone.
    Index("ix_release_sort", "sort_key", "id", "library_id", "track_count"),
    Index("ix_release_artist", "artist_sort_key", "sort_key", "id", "library_id", "track_count"),
    Index("ix_release_added", "added_at", "id", "library_id", "track_count"),
    Index("ix_release_year", "year", "sort_key", "id", "library_id", "track_count"),
    Index("ix_release_library", "library_id", "track_count"),
)
track = Table(
    "track",
    metadata,
    Column("id", _id, primary_key=True),
    Column("library_id", Integer, nullable=False),
    Column("folder_id", _id, nullable=False, index=True),
    Column("release_id", _id, nullable=False, index=True),
    Column("path", PathText, nullable=False),  # relative to the library's root
    Column("size_bytes", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("quick_hash", LargeBinary, index=True),  # 16 bytes; NULL where there is no audio payload to hash
    Column("title", Text, nullable=False),
    Column("title_folded", Text, nullable=False, index=True),
    Column("sort_title", Text, nullable=False),
    Column("sort_key", Text, nullable=False),
    Column("artist", Text, nullable=False),  # as displayed
    Column("art_id", _id),
    Column("disc", Integer),
    Column("number", Integer),
    Column("year", Integer),
    Column("duration_ms", Integer, nullable=False),
    Column("suffix", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("codec", Text, nullable=False),
    Column("bitrate_kbps", Integer, nullable=False),
    Column("sample_rate_hz", Integer, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("bit_depth", Integer),
    Column("track_gain_db", Float),
    Column("track_peak", Float),
    Column("album_gain_db", Float),
    Column("album_peak", Float),
    Column("delay_samples", Integer, nullable=False, default=0),
    Column("padding_samples", Integer, nullable=False, default=0),
    Column("has_lyrics", Integer, nullable=False, default=0),
    Column("lrc_mtime_ns", Integer, nullable=False, default=0),  # of the sidecar read with it; 0: none
    Column("explicit", Integer),
    Column("bpm", Float),
    Column("comment", Text),
    Column("mbid", Text, index=True),
    Column("more", Text, nullable=False, default="{}"),  # JSON: isrc, moods, contributors' details, tags seldom asked for
    Column("isrc", Text, sa.Computed("json_extract(more, '$.isrc[0]')", persisted=False), index=True),
    Column("added_at", Integer, nullable=False),
    Column("changed_at", Integer, nullable=False),
    Column("missing_at", Integer),
    UniqueConstraint("library_id", "path"),
    Index("ix_track_sort", "sort_key", "id", "library_id", "missing_at"),
    Index("ix_track_added", "added_at", "id", "library_id", "missing_at"),
    Index("ix_track_seen", "id", "library_id", "missing_at"),  # for counts over lists of ids
    Index("ix_track_year", "year", "id", "library_id", "missing_at"),
)
track_artist = Table(
    "track_artist",
    metadata,
    Column("track_id", _id, primary_key=True),
    Column("role", Text, primary_key=True, default="artist"),
    Column("position", Integer, primary_key=True),
    Column("artist_id", _id, nullable=False, index=True),
    Column("name", Text, nullable=False),  # as credited
    Column("detail", Text),
    sqlite_with_rowid=False,
)
release_artist = Table(
    "release_artist",
    metadata,
    Column("release_id", _id, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("artist_id", _id, nullable=False, index=True),
    Column("name", Text, nullable=False),
    sqlite_with_rowid=False,
)
artist_library = Table(
    # What of an artist is present in a library; what a listener sees of an artist is the sum over granted ones.
    "artist_library",
    metadata,
    Column("artist_id", _id, primary_key=True),
    Column("library_id", Integer, primary_key=True),
    Column("release_count", Integer, nullable=False, default=0),  # credited on the release
    Column("track_count", Integer, nullable=False, default=0),  # credited on the track, role artist
    Index("ix_artist_library_library", "library_id", "artist_id"),
    sqlite_with_rowid=False,
)
genre = Table(
    "genre",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_folded", Text, nullable=False, unique=True),
)
track_genre = Table(
    "track_genre",
    metadata,
    Column("track_id", _id, primary_key=True),
    Column("genre_id", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Index("ix_track_genre_genre", "genre_id", "track_id"),
    sqlite_with_rowid=False,
)
release_genre = Table(
    # The union over a release's present tracks, most frequent first.
    "release_genre",
    metadata,
    Column("release_id", _id, primary_key=True),
    Column("genre_id", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Index("ix_release_genre_genre", "genre_id", "release_id"),
    sqlite_with_rowid=False,
)
lyrics = Table(
    "lyrics",
    metadata,
    Column("track_id", _id, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("body", Text, nullable=False),  # JSON of model.Lyrics
)
art = Table(
    # Where a picture can be read again; the bytes stay in the audio file or beside it.
    "art",
    metadata,
    Column("id", _id, primary_key=True),  # of the picture's content
    Column("library_id", Integer, primary_key=True),  # each library has its own copy, so that grants hold
    Column("path", PathText, nullable=False),  # relative to the library's root
    Column("embedded", Integer, nullable=False),  # 1: inside an audio file, 0: the file itself
    Column("content_type", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
)
finding = Table(
    "finding",
    metadata,
    Column("library_id", Integer, primary_key=True),
    Column("path", PathText, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("message", Text, nullable=False),
    Column("found_at", Integer, nullable=False),
)
failed_file = Table(
    # A file that gave no track, so that an unchanged one is not tried again at each scan.
    "failed_file",
    metadata,
    Column("library_id", Integer, primary_key=True),
    Column("path", PathText, primary_key=True),
    Column("folder_id", _id, nullable=False, index=True),
    Column("size_bytes", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
)

# -- what a track sounds like ----------------------------------------------------------------------------------------

analysis = Table(
    # How far the analysis of a track is, and the values lists are sorted and filtered by, corrections applied. The rest is in sound.db.
    "analysis",
    metadata,
    Column("track_id", _id, primary_key=True),
    Column("quick_hash", LargeBinary),  # of the file as it was: another one is analysed anew
    Column("payload_hash", LargeBinary, index=True),  # of its audio packets: what results are kept by
    Column("number", Integer, index=True),  # of those results in sound.db, and in every index; NULL where there are none
    Column("state", Text, nullable=False),  # done | failed
    Column("version", Integer, nullable=False),
    Column("space_id", Integer),  # the newest space it has a vector of
    Column("error", Text),  # JSON [kind, sentence]
    Column("attempts", Integer, nullable=False, default=1),
    Column("analysed_at", Integer, nullable=False),
    *(Column(name, Float) for name in SORTED_VALUES),
    Index("ix_analysis_tempo", "tempo_bpm", "track_id"),
    Index("ix_analysis_key", "key", "mode", "track_id"),
    Index("ix_analysis_energy", "energy", "track_id"),
    sqlite_with_rowid=False,
)
analysis_correction = Table(
    "analysis_correction",
    metadata,
    Column("payload_hash", LargeBinary, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Float, nullable=False),
    Column("user_id", _id, nullable=False),
    Column("corrected_at", Integer, nullable=False),
    sqlite_with_rowid=False,
)
recording = Table(
    # Tracks that are one recording: those of one group. A track alone is in none.
    "recording",
    metadata,
    Column("track_id", _id, primary_key=True),
    Column("group_id", _id, nullable=False, index=True),
    Column("similarity", Float, nullable=False),  # 0..1, of its fingerprint to the nearest of the group
    Column("preferred", Integer, nullable=False, default=0),
    sqlite_with_rowid=False,
)
recording_choice = Table(
    # What people said of it: this one is to be played rather, or is another recording whatever its sound says.
    "recording_choice",
    metadata,
    Column("track_id", _id, primary_key=True),
    Column("choice", Text, nullable=False),  # preferred | separate
    Column("user_id", _id, nullable=False),
    Column("chosen_at", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# -- playlists and the queue -----------------------------------------------------------------------------------------

playlist = Table(
    "playlist",
    metadata,
    Column("id", _id, primary_key=True),
    Column("owner_id", _id, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("comment", Text, nullable=False, default=""),
    Column("public", Integer, nullable=False, default=0),
    Column("library_id", Integer),  # of an M3U file; visible to whom that library is granted
    Column("source_path", PathText),
    Column("created_at", Integer, nullable=False),
    Column("changed_at", Integer, nullable=False),
    Column("deleted_at", Integer),  # kept for the undo
)
playlist_entry = Table(
    "playlist_entry",
    metadata,
    Column("playlist_id", _id, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("track_id", _id, nullable=False, index=True),
    sqlite_with_rowid=False,
)
play_queue = Table(
    "play_queue",
    metadata,
    Column("user_id", _id, primary_key=True),
    Column("track_ids", Text, nullable=False),  # JSON list
    Column("current", Integer, nullable=False, default=0),
    Column("position_ms", Integer, nullable=False, default=0),
    Column("changed_at", Integer, nullable=False),
    Column("changed_by", Text, nullable=False, default=""),
)
bookmark = Table(
    # A place in a track that a listener marked.
    "bookmark",
    metadata,
    Column("user_id", _id, primary_key=True),
    Column("track_id", _id, primary_key=True),
    Column("position_ms", Integer, nullable=False),
    Column("comment", Text, nullable=False, default=""),
    Column("created_at", Integer, nullable=False),
    Column("changed_at", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# -- projections of the event log ------------------------------------------------------------------------------------

annotation = Table(
    # Stars, ratings, counts. Each register keeps the (at, event_id) that wrote it: the latest wins, in whatever order events come.
    "annotation",
    metadata,
    Column("user_id", _id, primary_key=True),
    Column("type", Text, primary_key=True),  # track | release | artist | playlist | external
    Column("id", _id, primary_key=True),
    Column("liked_at", Integer),
    Column("liked_by", Text),  # "at event_id", at in 15 digits, of the last liked/unliked
    Column("rating", Integer, nullable=False, default=0),
    Column("rated_by", Text),
    Column("hidden", Integer, nullable=False, default=0),
    Column("hidden_by", Text),
    Column("play_count", Integer, nullable=False, default=0),
    Column("skip_count", Integer, nullable=False, default=0),
    Column("first_played_at", Integer),
    Column("last_played_at", Integer),
    Column("facts", LargeBinary),  # JSON, of tracks and externals: what they were of when their listens were last counted
    Index("ix_annotation_liked", "user_id", "type", "liked_at", sqlite_where=sa.text("liked_at IS NOT NULL")),
    Index("ix_annotation_played", "user_id", "type", "last_played_at"),
    Index("ix_annotation_first", "user_id", "first_played_at", "type", sqlite_where=sa.text("first_played_at IS NOT NULL")),
    Index("ix_annotation_count", "user_id", "type", "play_count"),
    Index("ix_annotation_rating", "user_id", "type", "rating", sqlite_where=sa.text("rating > 0")),
    Index("ix_annotation_id", "id", "type"),  # what everyone makes of a thing
    Index("ix_annotation_hidden", "user_id", "type", "id", sqlite_where=sa.text("hidden = 1")),
    sqlite_with_rowid=False,
)
play = Table(
    # What all reports of one play_id on one thing together say. Every column is a minimum, a maximum or a register, so that the order
    # in which events come does not matter. ``segue.state`` tells which rows are one playing.
    "play",
    metadata,
    Column("user_id", _id, primary_key=True),
    Column("play_id", Text, primary_key=True),  # "~", when, and the event_id, where the protocol has none
    Column("told_id", _id, primary_key=True),  # the track or external that was reported
    Column("track_id", _id, nullable=False),  # what that is: told_id, a track it was matched to, or a correction
    Column("until_at", Integer, nullable=False),  # last_at, where a correction left or moved it
    Column("begun_at", Integer),  # earliest "started"
    Column("started_at", Integer, nullable=False),  # earliest event; of an imported play, its start
    Column("last_at", Integer, nullable=False),  # latest event
    Column("scrobbled_at", Integer),  # earliest "scrobbled"
    Column("played_ms", Integer),  # largest told
    Column("reached_ms", Integer),  # furthest position told
    Column("position_ms", Integer),  # latest position told
    Column("position_by", Text),
    Column("outcome", Text),  # of the latest "ended"
    Column("outcome_by", Text),
    Column("private", Integer, nullable=False, default=0),
    Column("imported", Integer, nullable=False, default=1),  # 0 when any report came from an app while it played
    Column("session_id", Text),
    Column("device_id", Text),
    Column("client", Text),
    Column("utc_offset_min", Integer),
    Column("told_by", Text),  # which event told session, device, client and offset
    Column("fix", Text),  # JSON of the latest correction
    Column("fixed_by", Text),
    # A history brought along is in neither: nobody asks what plays in it.
    Index("ix_play_user_last", "user_id", "last_at", sqlite_where=sa.text("imported = 0")),
    Index("ix_play_last", "last_at", sqlite_where=sa.text("imported = 0")),
    Index("ix_play_track", "user_id", "track_id", "until_at"),
    sqlite_with_rowid=False,
)
listen = Table(
    # One playing of one thing, whatever reports it has; no private ones. The id begins with the start, so rows lie in order of time.
    "listen",
    metadata,
    Column("user_id", _id, primary_key=True),
    Column("id", _id, primary_key=True),
    Column("track_id", _id, nullable=False),  # or external
    Column("started_at", Integer, nullable=False),
    Column("last_at", Integer, nullable=False),
    Column("played_ms", Integer),
    Column("outcome", Text),
    Column("counted", Integer, nullable=False),  # 1: a listen by the scrobble convention
    Column("imported", Integer, nullable=False),
    Column("session_id", Text),
    Column("device_id", Text),
    Column("client", Text),
    Column("utc_offset_min", Integer),
    Index("ix_listen_track", "user_id", "track_id", "id"),
    sqlite_with_rowid=False,
)
external = Table(
    # What a listener heard that is not, or was not, in the library; and the artists of such things.
    "external",
    metadata,
    Column("user_id", _id, primary_key=True),
    Column("id", _id, primary_key=True),  # of the folded names
    Column("type", Text, nullable=False),  # track | artist
    Column("artist", Text, nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("album", Text),
    Column("isrc", Text),
    Column("mbid", Text),
    Column("duration_ms", Integer),
    Column("told_by", Text, nullable=False, server_default=""),
    Column("track_id", _id),  # the track it is
    Column("confidence", Float),
    Column("method", Text),  # isrc | mbid | names | hand
    Column("hand_track_id", _id),  # matched by hand; empty: to nothing
    Column("hand_by", Text),
    Index("ix_external_open", "user_id", "type", "track_id"),
    sqlite_with_rowid=False,
)
tally = Table(
    # Sums over listens: exact, so that what is taken away leaves no trace. See ``segue.state`` for what is summed.
    "tally",
    metadata,
    Column("user_id", _id, primary_key=True),
    Column("period", Text, primary_key=True),  # all | days | a year
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("listens", Integer, nullable=False),
    Column("skips", Integer, nullable=False),
    Column("ms", Integer, nullable=False),
    Column("heard", LargeBinary),  # decayed listens and skips, as exact integers
    Column("skipped", LargeBinary),
    Column("log_heard", Float),  # log2 of heard: its order does not change with time
    Index("ix_tally_heard", "user_id", "kind", "log_heard", sqlite_where=sa.text("log_heard IS NOT NULL")),
    sqlite_with_rowid=False,
)
forward_account = Table(
    # Where a listener's listens are sent on to.
    "forward_account",
    metadata,
    Column("user_id", _id, primary_key=True),
    Column("service", Text, primary_key=True),  # listenbrainz | lastfm
    Column("url", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the token or session key, encrypted
    Column("from_at", Integer, nullable=False),  # listens that began before are not looked at
    Column("paused", Text),  # why nothing is sent until the secret is entered anew
    Column("sent", Integer, nullable=False, default=0),
    Column("last_sent_at", Integer),
    Column("created_at", Integer, nullable=False),
    sqlite_with_rowid=False,
)
forward_queue = Table(
    # What is to be sent on, and for some weeks what was, so that nothing is sent twice.
    "forward_queue",
    metadata,
    Column("user_id", _id, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("listen_id", _id, primary_key=True),
    Column("track_id", _id, nullable=False),
    Column("started_at", Integer, nullable=False),
    Column("state", Text, nullable=False),  # waiting | sent | dropped
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", Integer, nullable=False, default=0),
    Column("reason", Text),  # of the last failure, or of dropping
    Index("ix_forward_queue_track", "user_id", "service", "track_id"),
    Index("ix_forward_queue_waiting", "user_id", "service", "attempts", "listen_id", sqlite_where=sa.text("state = 'waiting'")),
    sqlite_with_rowid=False,
)
projection = Table("projection", metadata, Column("name", Text, primary_key=True), Column("offset", Integer, nullable=False))
slate = Table(
    "slate",
    metadata,
    Column("id", _id, primary_key=True),
    Column("user_id", _id, nullable=False),
    Column("at", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # JSON of model.Slate, deflated
    Index("ix_slate_at", "at"),
    Index("ix_slate_user", "user_id", "at"),
)
