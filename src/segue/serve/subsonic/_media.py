"""Calls answered by bytes or words of a recording: stream, download, pictures, lyrics."""

from typing import Any

from segue.errors import BadRequest, NotFound
from segue.play import Format
from segue.serve import media
from segue.serve.subsonic import _records as record
from segue.serve.subsonic._call import Call
from segue.types import TrackId

_FORMATS: dict[str, Format] = {"mp3": "mp3", "opus": "opus", "ogg": "opus", "oga": "opus", "aac": "aac", "m4a": "aac", "flac": "flac"}
_DEFAULT_FORMAT: Format = "mp3"
"""What every client can play, for those that ask for a bit rate and name no format."""
_DEFAULT_KBPS = {"mp3": 192, "opus": 128, "aac": 192, "flac": 0}


def stream(call: Call) -> Any:
    """The file as it is, or transcoded when a format or a lower bit rate is asked for."""
    track, path = call.parts.catalogue.file(call.listener, TrackId(call.params.id()))
    asked = (call.params.text("format", "") or "").lower()
    most = call.params.number("maxBitRate", 0, 0, 10_000)
    start_ms = call.params.number("timeOffset", 0, 0, 7 * 86_400) * 1000
    estimate = call.params.flag("estimateContentLength", False)
    if asked and asked != "raw" and asked not in _FORMATS:
        raise BadRequest(f"Parameter 'format' must be raw, {', '.join(sorted(set(_FORMATS)))}.")
    lower = bool(most) and (track.bitrate_kbps == 0 or most < track.bitrate_kbps)
    other = bool(asked) and asked != "raw" and _FORMATS[asked] != track.codec
    if asked == "raw" or not (lower or other or start_ms):
        return media.file_response(path, track)
    format = _FORMATS.get(asked, _DEFAULT_FORMAT)
    kbps = min(most, _DEFAULT_KBPS[format]) if most and not other else (most or _DEFAULT_KBPS[format])
    return media.transcode_response(
        call.parts.transcoder, path, track, format=format, bitrate_kbps=kbps or None, start_ms=start_ms, estimate_length=estimate
    )


def download(call: Call) -> Any:
    track, path = call.parts.catalogue.file(call.listener, TrackId(call.params.id()))
    return media.file_response(path, track, attachment=True)


def get_cover_art(call: Call) -> Any:
    """By a picture's id, or by that of a track, album, artist, folder or playlist that has one."""
    source = call.parts.catalogue.art(call.listener, call.params.id())
    size = call.params.maybe_number("size", 1, 10_000)
    return media.art_response(call.parts.artwork, source, size)


def get_lyrics(call: Call) -> dict[str, Any]:
    """By artist and title, as clients from before ids ask. What is not known is empty, not an error."""
    artist, title = call.params.text("artist", "") or "", call.params.text("title", "") or ""
    found = call.parts.search.query(call.listener, f"{artist} {title}"[:256], artists=(0, 0), releases=(0, 0), tracks=(0, 20))
    for track in found.tracks if title else ():
        if track.title.casefold() == title.casefold() and artist.casefold() in track.artist.casefold() and track.has_lyrics:
            for words in call.parts.catalogue.lyrics(call.listener, track.id):
                text = "\n".join(line.text for line in words.lines)
                return {"lyrics": {"artist": track.artist, "title": track.title, "value": text}}
    return {"lyrics": {"artist": artist, "title": title, "value": ""}}


def get_lyrics_by_song_id(call: Call) -> dict[str, Any]:
    track = call.parts.catalogue.track(call.listener, TrackId(call.params.id()))
    words = call.parts.catalogue.lyrics(call.listener, track.id)
    return {"lyricsList": {"structuredLyrics": [record.lyrics(one, track) for one in words]}}


def get_avatar(call: Call) -> Any:
    raise NotFound("avatar", call.params.need("username", longest=256)[:64])
