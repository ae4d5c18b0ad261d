"""Spotify: the extended streaming history (``Streaming_History_*.json``, once ``endsong_*.json``) and the short one of the last year.

The IP address, user agent and user name of an entry have no field here, so that they never leave the bytes of the file.

How a play ended, of ``reason_end`` and ``skipped``:

====================================================================== =====================================
``trackdone``                                                          finished, whatever ``skipped`` says
``trackerror``                                                         error, whatever ``skipped`` says
any other with ``skipped`` true (old files: a number other than 0)     skipped
``fwdbtn``, ``backbtn``, ``nextbtn``, ``prevbtn``, ``clickrow``,       skipped
``clickside``, ``playbtn``, ``popup``, ``uriopen``
``endplay``, ``logout``, ``unexpected-exit``,                          stopped
``unexpected-exit-while-paused``, ``appload``, ``reload``
``remote``, ``unknown``, none, any other                               unknown
the short history, which keeps no ends                                 None
====================================================================== =====================================

A play began ``ms_played`` before ``ts``: pauses are not known.
"""

from typing import Any, Literal

import msgspec

from segue.imports._clean import Unfit, entry_id, instant, span, text, truth, word
from segue.model import Outcome, PastPlay
from segue.types import Instant

_ENDS: dict[str | None, Outcome] = {
    "trackdone": "finished",
    "trackerror": "error",
    **dict.fromkeys(("fwdbtn", "backbtn", "nextbtn", "prevbtn", "clickrow", "clickside", "playbtn", "popup", "uriopen"), "skipped"),
    **dict.fromkeys(("endplay", "logout", "unexpected-exit", "unexpected-exit-while-paused", "appload", "reload"), "stopped"),
}
_NAMELESS = frozenset({"", "unknown track", "unknown artist"})


class _Entry(msgspec.Struct):
    ts: str
    ms_played: int
    platform: Any = None
    conn_country: Any = None
    master_metadata_track_name: str | None = None
    master_metadata_album_artist_name: str | None = None
    master_metadata_album_album_name: str | None = None
    spotify_track_uri: str | None = None
    episode_name: str | None = None
    episode_show_name: str | None = None
    spotify_episode_uri: str | None = None
    audiobook_title: str | None = None
    audiobook_chapter_title: str | None = None
    audiobook_chapter_uri: str | None = None
    reason_start: Any = None
    reason_end: Any = None
    shuffle: Any = None
    skipped: Any = None
    offline: Any = None
    incognito_mode: Any = None


class _Short(msgspec.Struct, rename="camel"):
    end_time: str
    ms_played: int
    artist_name: str | None = None
    track_name: str | None = None
    podcast_name: str | None = None
    episode_name: str | None = None


_entry = msgspec.json.Decoder(_Entry).decode
_short = msgspec.json.Decoder(_Short).decode


def read(element: bytes, video: bool) -> PastPlay:
    """The play of one entry; ``video`` where it stands in a file of videos. Raises Unfit or msgspec's errors."""
    return _of_short(_short(element)) if b'"endTime"' in element and b'"ts"' not in element else _of_entry(_entry(element), video)


def _of_entry(entry: _Entry, video: bool) -> PastPlay:
    type: Literal["music", "episode", "video"] = "video" if video else "music"
    artist, title = text(entry.master_metadata_album_artist_name), text(entry.master_metadata_track_name)
    uri, album = entry.spotify_track_uri, text(entry.master_metadata_album_album_name)
    if not title and entry.episode_name:
        artist, title, uri, album, type = text(entry.episode_show_name), text(entry.episode_name), entry.spotify_episode_uri, "", "episode"
    elif not title and entry.audiobook_chapter_title:
        artist, title, uri = text(entry.audiobook_title), text(entry.audiobook_chapter_title), entry.audiobook_chapter_uri
        album, type = "", "episode"
    _named(artist, title)
    ended, reason = instant(entry.ts), word(entry.reason_end)
    outcome = _ENDS.get(reason, "unknown")
    if outcome not in ("finished", "error") and truth(entry.skipped):
        outcome = "skipped"
    context: dict[str, Any] = {}
    if start := word(entry.reason_start):
        context["reason_start"] = start
    if reason:
        context["reason_end"] = reason
    if entry.shuffle is not None:
        context["shuffle"] = truth(entry.shuffle)
    if entry.offline is not None:
        context["offline"] = truth(entry.offline)
    if platform := word(entry.platform):
        context["platform"] = platform
    if country := word(entry.conn_country):
        context["country"] = country
    played = span(entry.ms_played)
    return PastPlay(
        service="spotify",
        entry_id=entry_id("spotify", ended, text(uri) or f"{artist}\0{title}", entry.ms_played),
        started_at=Instant(max(0, ended - (played or 0))),
        artist=artist,
        title=title,
        album=album or None,
        played_ms=played,
        outcome=outcome,
        private=truth(entry.incognito_mode),
        type=type,
        context=context or None,
    )


def _of_short(entry: _Short) -> PastPlay:
    episode = not entry.track_name and bool(entry.episode_name)
    artist = text(entry.podcast_name if episode else entry.artist_name)
    title = text(entry.episode_name if episode else entry.track_name)
    _named(artist, title)
    ended, played = instant(entry.end_time), span(entry.ms_played)
    return PastPlay(
        service="spotify",
        entry_id=entry_id("spotify", ended, f"{artist}\0{title}", entry.ms_played),
        started_at=Instant(max(0, ended - (played or 0))),
        artist=artist,
        title=title,
        played_ms=played,
        type="episode" if episode else "music",
    )


def _named(artist: str, title: str) -> None:
    if title.lower() in _NAMELESS or artist.lower() in _NAMELESS:
        raise Unfit("The entry does not name what was played.")
