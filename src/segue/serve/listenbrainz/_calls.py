"""The calls, each over a listener who is known by then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from segue.errors import BadRequest, NotFound
from segue.flow.history import HeardListen
from segue.model import Listener, Subject, Track
from segue.parts import Parts
from segue.serve.listenbrainz import _wire as wire
from segue.serve.listenbrainz._now import NowPlaying
from segue.types import Instant, TrackId, now

_MOST_LISTENS = 1_000
_LATEST_S = 253_402_300_799
"""The end of the year 9999."""
_OK = {"status": "ok"}


@dataclass(frozen=True, slots=True)
class Call:
    parts: Parts
    playing: NowPlaying
    listener: Listener
    token_name: str
    query: Mapping[str, str]
    body: bytes

    def number(self, name: str, default: int | None, least: int, most: int) -> int | None:
        """A parameter in digits. Raises BadRequest."""
        text = self.query.get(name, "")
        if not text:
            return default
        try:
            value = int(text)
        except ValueError:
            raise BadRequest(f"Invalid {name} argument: {text[:20]!r}. It is a whole number.") from None
        if not least <= value <= most:
            raise BadRequest(f"Invalid {name} argument: it lies between {least} and {most}.")
        return value


Handler = Callable[[Call], dict[str, Any]]


# -- told ----------------------------------------------------------------------------------------------------------------


def submit_listens(call: Call) -> dict[str, Any]:
    told = wire.submission(call.body, now())
    if told.listen_type == "playing_now":
        _play_now(call, told.payload[0].track_metadata)
    else:
        plays = [wire.past_play(entry, call.token_name) for entry in told.payload]
        call.parts.history.submit(call.listener, plays, origin="reported" if told.listen_type == "single" else "imported")
    return _OK


def _play_now(call: Call, told: wire.Metadata) -> None:
    listener, history = call.listener, call.parts.history
    track = history.find_track(
        listener, told.artist_name, told.track_name, mbid=wire.mbid(told), isrc=wire.isrc(told), duration_ms=wire.duration_ms(told)
    )
    app = wire.app(told, call.token_name)
    if call.playing.put(listener.user.id, told, app, track) and track is not None:
        call.parts.listening.scrobble(listener, track, submission=False, client=app)


def delete_listen(call: Call) -> dict[str, Any]:
    """What is not there is deleted already."""
    told: wire.Deletion = wire.decode(call.body, wire.Deletion)
    id = wire.id_of(told.recording_msid)
    if id is None:
        raise BadRequest("recording_msid is no MSID.")
    if not 0 <= told.listened_at <= _LATEST_S:
        raise BadRequest("listened_at is a Unix time in seconds.")
    first = told.listened_at * 1000
    for heard in call.parts.history.between(call.listener, Instant(first), Instant(first + 999), limit=_MOST_LISTENS):
        if heard.listen.track_id == id:
            call.parts.history.delete(call.listener, heard.listen.id)
    return _OK


def give_feedback(call: Call) -> dict[str, Any]:
    told: wire.Feedback = wire.decode(call.body, wire.Feedback)
    if told.score not in (-1, 0, 1):
        raise BadRequest("score is 1, 0 or -1.")
    subject = [Subject(type="track", id=_track_of(call, told))]
    listening, listener = call.parts.listening, call.listener
    if told.score == 1:
        listening.unhide(listener, subject, client=call.token_name)
        listening.like(listener, subject, client=call.token_name)
    elif told.score == -1:
        listening.unlike(listener, subject, client=call.token_name)
        listening.hide(listener, subject, client=call.token_name)
    else:
        listening.unlike(listener, subject, client=call.token_name)
        listening.unhide(listener, subject, client=call.token_name)
    return _OK


def _track_of(call: Call, told: wire.Feedback) -> TrackId:
    """Raises BadRequest without a usable id, NotFound where no track of the library is meant."""
    history, listener = call.parts.history, call.listener
    if told.recording_msid:
        id = wire.id_of(told.recording_msid)
        if id is None:
            raise BadRequest("recording_msid is no MSID.")
        if call.parts.catalogue.visible_tracks(listener, [TrackId(id)]):
            return TrackId(id)
        heard = history.external(listener, id)
        if heard is not None and heard.track_id and call.parts.catalogue.visible_tracks(listener, [TrackId(heard.track_id)]):
            return TrackId(heard.track_id)
    elif not told.recording_mbid:
        raise BadRequest("Give recording_mbid or recording_msid.")
    if told.recording_mbid:
        mbid = wire.uuid_of(told.recording_mbid)
        if mbid is None:
            raise BadRequest("recording_mbid is no MBID.")
        if found := history.find_track(listener, "", "", mbid=str(mbid)):
            return found
    raise NotFound("recording", told.recording_mbid or told.recording_msid or "")


# -- read ----------------------------------------------------------------------------------------------------------------


def get_listens(call: Call) -> dict[str, Any]:
    max_ts = call.number("max_ts", None, 0, _LATEST_S)
    min_ts = call.number("min_ts", None, 0, _LATEST_S)
    count = call.number("count", 25, 1, _MOST_LISTENS) or 25
    if max_ts is not None and min_ts is not None and min_ts >= max_ts:
        raise BadRequest("max_ts must be greater than min_ts.")
    first = 0 if min_ts is None else (min_ts + 1) * 1000
    last = _LATEST_S * 1000 if max_ts is None else max_ts * 1000 - 1
    name = call.listener.user.name
    found = call.parts.history.between(
        call.listener, Instant(first), Instant(last), limit=count, earliest=min_ts is not None and max_ts is None
    )
    listens = [shown for heard in found if (shown := _listen(heard, name))]
    extent = call.parts.history.extent(call.listener) or (0, 0)
    return {
        "payload": {
            "count": len(listens),
            "latest_listen_ts": extent[1] // 1000,
            "oldest_listen_ts": extent[0] // 1000,
            "user_id": name,
            "listens": listens,
        }
    }


def _listen(heard: HeardListen, name: str) -> dict[str, Any] | None:
    metadata = _metadata(heard)
    if metadata is None:
        return None
    at = heard.listen.started_at // 1000
    return {
        "listened_at": at,
        "recording_msid": wire.msid_of(heard.listen.track_id),
        "inserted_at": at,
        "user_name": name,
        "track_metadata": metadata,
    }


def _metadata(heard: HeardListen) -> dict[str, Any] | None:
    """None where the track is gone, or not granted any more."""
    listen = heard.listen
    info: dict[str, Any] = {"recording_msid": wire.msid_of(listen.track_id)}
    if listen.client:
        info["submission_client"] = listen.client
    if heard.track is not None:
        return _of_track(heard.track, info)
    if listen.external is None:
        return None
    return {
        "artist_name": listen.external.artist,
        "track_name": listen.external.title,
        "release_name": listen.external.album,
        "additional_info": info,
    }


def _of_track(track: Track, info: dict[str, Any]) -> dict[str, Any]:
    info |= {"duration_ms": track.duration_ms}
    if track.mbid:
        info["recording_mbid"] = track.mbid
    if track.isrc:
        info["isrc"] = track.isrc[0]
    return {"artist_name": track.artist, "track_name": track.title, "release_name": track.release, "additional_info": info}


def get_listen_count(call: Call) -> dict[str, Any]:
    return {"payload": {"count": call.parts.history.count(call.listener)}}


def get_playing_now(call: Call) -> dict[str, Any]:
    """The latest of what apps and players told: of something in the library, or what this edge alone knows."""
    listener = call.listener
    playing = next((one for one in call.parts.listening.now_playing(listener) if one.user_id == listener.user.id), None)
    here = call.playing.get(listener.user.id)
    found: list[dict[str, Any]] = []
    if here is not None and here.track_id is None and (playing is None or playing.reported_at <= here.at):
        info = {"submission_client": here.app, **(here.told.additional_info or {})}
        told = {"artist_name": here.told.artist_name, "track_name": here.told.track_name, "release_name": here.told.release_name}
        found = [{"playing_now": True, "track_metadata": {**told, "additional_info": info}}]
    elif playing is not None:
        info = {"recording_msid": wire.msid_of(playing.track.id)}
        if playing.client:
            info["submission_client"] = playing.client
        found = [{"playing_now": True, "track_metadata": _of_track(playing.track, info)}]
    return {"payload": {"count": len(found), "user_id": listener.user.name, "playing_now": True, "listens": found}}


def get_feedback(call: Call) -> dict[str, Any]:
    score = call.number("score", None, -1, 1)
    count = call.number("count", 25, 0, _MOST_LISTENS)
    offset = call.number("offset", 0, 0, 2**31 - 1) or 0
    if score == 0:
        raise BadRequest("score is 1 or -1.")
    past, listener = call.parts.listening.history, call.listener
    marked = [(id, at, 1) for id, at in (past.marked(listener, "liked") if score != -1 else ())]
    marked += [(id, at, -1) for id, at in (past.marked(listener, "hidden") if score != 1 else ())]
    marked.sort(key=lambda one: one[1], reverse=True)
    page = marked[offset : offset + (25 if count is None else count)]
    tracks = {track.id: track for track in call.parts.catalogue.visible_tracks(listener, [id for id, _, _ in page])}
    with_metadata = call.query.get("metadata", "").lower() == "true"
    feedback = [
        {
            "created": at // 1000,
            "recording_mbid": tracks[id].mbid,
            "recording_msid": wire.msid_of(id),
            "score": one,
            "track_metadata": _of_track(tracks[id], {}) if with_metadata else None,
            "user_id": listener.user.name,
        }
        for id, at, one in page
        if id in tracks
    ]
    return {"count": len(feedback), "feedback": feedback, "offset": offset, "total_count": len(marked)}
