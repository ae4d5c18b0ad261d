"""Last.fm, which has no export of its own: what the common exporters write, told apart by content.

CSV: ``artist,album,track,date`` without a header; a header with ``uts`` or ``utc_time``; ``Artist;Album;AlbumId;Track;Date#user``. JSON: an
object with ``scrobbles``; pages of the web interface, one, many or merged. What plays right now has no date and is left out.

Some exporters keep no seconds, so an entry's id is made of the minute: the same scrobble has one id in all formats.
"""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from segue.imports._clean import Unfit, decoded, entry_id, instant, mbid, text, truth
from segue.imports._split import key_pattern, lines
from segue.model import PastPlay

KEYS = key_pattern("recenttracks:{ track:[ scrobbles:[", take="track:{")
_MINUTE = 60_000
_NAMES = {
    "artist": ("artist", "artist_name", "artist name"),
    "album": ("album", "album_name", "album name"),
    "title": ("track", "title", "name", "track_name", "track name", "song"),
    "mbid": ("track_mbid", "mbid", "recording_mbid"),
    "date": ("uts", "date", "timestamp", "utc_time", "time", "datetime", "played_at"),
}
_BARE = {"artist": 0, "album": 1, "title": 2, "date": 3}


class _Scrobble(msgspec.Struct):
    artist: Any = None
    album: Any = None
    name: Any = None
    track: Any = None
    mbid: Any = None
    date: Any = None
    attr: Any = msgspec.field(name="@attr", default=None)


_scrobble = msgspec.json.Decoder(_Scrobble).decode


def read(element: bytes) -> PastPlay | None:
    """The play of one scrobble; None for what plays right now. Raises Unfit or msgspec's errors."""
    entry = _scrobble(element)
    if isinstance(entry.attr, dict) and truth(entry.attr.get("nowplaying")):
        return None
    date = entry.date
    if isinstance(date, dict):
        date = date.get("uts") or date.get("#text")
    return _play(_named(entry.artist), _named(entry.name) or _named(entry.track), _named(entry.album), date, entry.mbid)


def rows(chunks: Iterable[bytes]) -> Iterator[PastPlay | str | None]:
    """Of a CSV file: each row's play, why there is none, or None for what plays right now or has no content."""
    source = (decoded(line).replace("\0", "") for line in lines(chunks))
    first = next(source, "")

    def again() -> Iterator[str]:
        yield first
        yield from source

    reader = csv.reader(again(), delimiter=separator_of(first) or ",")
    columns: dict[str, int] | None = None
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield "This row cannot be read: a field is too long or a quote is missing."
            continue
        if columns is None:
            columns = _header(row)
            if columns:
                yield None
                continue
            columns = _BARE
        yield _row(row, columns)


def separator_of(line: str) -> str | None:
    """What separates the columns, if a table of scrobbles begins with this line: a header, or four columns with a date at last."""
    for separator in ",;\t":
        row = next(csv.reader([line[:4_096]], delimiter=separator), [])
        try:
            if _header(row) or (len(row) == 4 and (not row[3].strip() or instant(row[3]))):
                return separator
        except Unfit:
            continue
    return None


def _header(row: list[str]) -> dict[str, int]:
    """Which column holds what, if this is a header with an artist, a title and a date; else empty."""
    names = [name.strip().lower().split("#")[0] for name in row[:64]]
    found = {key: names.index(name) for key, known in _NAMES.items() if (name := next((n for n in known if n in names), None))}
    return found if found.keys() >= {"artist", "title", "date"} else {}


def _row(row: list[str], columns: dict[str, int]) -> PastPlay | str | None:
    if not any(row):
        return None
    if len(row) <= max(columns[key] for key in ("artist", "title", "date")):
        return "This row has too few columns."
    fields = {key: row[column] for key, column in columns.items() if column < len(row)}
    if not fields["date"].strip():
        return None
    try:
        return _play(text(fields["artist"]), text(fields["title"]), text(fields.get("album")), fields["date"], fields.get("mbid"))
    except Unfit as unfit:
        return str(unfit)


def _play(artist: str, title: str, album: str, date: Any, recording: Any) -> PastPlay:
    if not artist or not title:
        raise Unfit("The entry does not name what was played.")
    at = instant(date)
    return PastPlay(
        service="lastfm",
        entry_id=entry_id("lastfm", at // _MINUTE, artist, title),
        started_at=at,
        artist=artist,
        title=title,
        album=album or None,
        mbid=mbid(recording),
    )


def _named(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("#text") or value.get("name")
    return text(value)
