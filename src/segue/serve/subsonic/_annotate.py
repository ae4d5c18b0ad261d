"""Calls that tell what a listener did or thinks. Each becomes events in the log; nothing is written anywhere else."""

from typing import Any

from segue.errors import BadRequest, NotFound
from segue.model import Subject
from segue.serve.subsonic import _records as record
from segue.serve.subsonic._call import Call
from segue.serve.subsonic._params import MissingParameter
from segue.serve.subsonic._wire import instant, known
from segue.types import Instant, Ms, TrackId, is_id

_YEAR_3000 = 32_503_680_000_000
_KINDS = {"id": ("track", "release", "artist"), "albumId": ("release",), "artistId": ("artist",)}


def _subjects(call: Call) -> list[Subject]:
    """Everything named; all must exist for the listener before any is changed. Raises NotFound otherwise."""
    found = []
    for name, kinds in _KINDS.items():
        for id in call.params.ids(name):
            kind = call.parts.catalogue.kind_of(call.listener, id) if is_id(id) else None
            if kind not in kinds:
                raise NotFound(" or ".join(kinds), id[:64])
            found.append(Subject(type=kind, id=id))  # type: ignore[arg-type]  # narrowed by kinds
    if not found:
        raise MissingParameter("Required parameter 'id', 'albumId' or 'artistId' is missing.")
    return found


def star(call: Call) -> None:
    call.parts.listening.like(call.listener, _subjects(call), client=call.client)


def unstar(call: Call) -> None:
    call.parts.listening.unlike(call.listener, _subjects(call), client=call.client)


def set_rating(call: Call) -> None:
    rating = call.params.number("rating", -1, 0, 5) if "rating" in call.params else None
    if rating is None:
        raise MissingParameter("Required parameter 'rating' is missing.")
    call.parts.listening.rate(call.listener, _subjects(call)[0], rating, client=call.client)


def scrobble(call: Call) -> None:
    """A listen (``submission``) or what plays now; several at once with a ``time`` each."""
    ids = call.params.ids("id")
    if not ids:
        raise MissingParameter("Required parameter 'id' is missing.")
    tracks = [call.parts.catalogue.track(call.listener, TrackId(id if is_id(id) else "-")).id for id in ids]
    times = [_time(text) for text in call.params.many("time")]
    submission = call.params.flag("submission", True)
    for number, track in enumerate(tracks):
        at = times[number] if number < len(times) else None
        call.parts.listening.scrobble(call.listener, track, at=at, submission=submission, client=call.client)


def _time(text: str) -> Instant:
    if not text.isdigit() or not 0 < int(text) < _YEAR_3000:
        raise BadRequest("Parameter 'time' must be milliseconds since 1970.")
    return Instant(int(text))


def get_play_queue(call: Call) -> dict[str, Any] | None:
    queue = call.parts.queues.get(call.listener.user.id)
    if queue is None or not queue.track_ids:
        return None
    tracks = call.parts.catalogue.visible_tracks(call.listener, queue.track_ids)
    if not tracks:
        return None
    current = queue.track_ids[queue.current] if 0 <= queue.current < len(queue.track_ids) else None
    return {
        "playQueue": known(
            current=current if current in {track.id for track in tracks} else None,
            position=queue.position_ms,
            username=call.listener.user.name,
            changed=instant(queue.changed_at),
            changedBy=queue.changed_by,
            entry=[record.song(track) for track in tracks],
        )
    }


def save_play_queue(call: Call) -> None:
    ids = call.params.ids("id")
    tracks = [track.id for track in call.parts.catalogue.visible_tracks(call.listener, [TrackId(id) for id in ids if is_id(id)])]
    if ids and not tracks:
        raise NotFound("song", ids[0][:64])
    current = call.params.text("current")
    position = call.params.number("position", 0, 0, 7 * 86_400_000)
    index = tracks.index(TrackId(current)) if current in tracks else 0
    call.parts.queues.put(call.listener.user.id, tracks, index, Ms(position), changed_by=call.client)
