"""ListenBrainz: the export zip (``listens/YYYY/MM.jsonl``), the older single JSON array, and pages of its web interface."""

from typing import Any

import msgspec

from segue.imports._clean import Unfit, entry_id, instant, isrc, mbid, span, text, truth, word
from segue.imports._split import key_pattern
from segue.model import PastPlay

KEYS = key_pattern("payload:{ listens:[")


class _Info(msgspec.Struct):
    recording_mbid: Any = None
    isrc: Any = None
    duration_ms: Any = None
    duration: Any = None
    duration_played: Any = None
    music_service: Any = None
    submission_client: Any = None
    media_player: Any = None


class _Mapping(msgspec.Struct):
    recording_mbid: Any = None


class _Track(msgspec.Struct):
    artist_name: str
    track_name: str
    release_name: Any = None
    additional_info: _Info | None = None
    mbid_mapping: _Mapping | None = None


class _Listen(msgspec.Struct):
    track_metadata: _Track
    listened_at: int | float | str | None = None
    playing_now: Any = None


_listen = msgspec.json.Decoder(_Listen).decode


def read(element: bytes) -> PastPlay | None:
    """The play of one listen; None for what plays right now. Raises Unfit or msgspec's errors."""
    listen = _listen(element)
    if truth(listen.playing_now):
        return None
    track, info = listen.track_metadata, listen.track_metadata.additional_info or _Info()
    artist, title, at = text(track.artist_name), text(track.track_name), instant(listen.listened_at)
    if not artist or not title:
        raise Unfit("The entry does not name what was played.")
    told = {"music_service": info.music_service, "submission_client": info.submission_client, "media_player": info.media_player}
    context = {name: found for name, value in told.items() if (found := word(value))}
    return PastPlay(
        service="listenbrainz",
        entry_id=entry_id("listenbrainz", at, artist, title),
        started_at=at,
        artist=artist,
        title=title,
        album=text(track.release_name) or None,
        isrc=isrc(info.isrc),
        mbid=mbid(info.recording_mbid) or (mbid(track.mbid_mapping.recording_mbid) if track.mbid_mapping else None),
        duration_ms=span(info.duration_ms) or span(info.duration, 1_000) or None,
        played_ms=span(info.duration_played, 1_000),
        context=context or None,
    )
