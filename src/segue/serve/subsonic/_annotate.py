"""Calls that tell what a listener did or thinks. Each becomes events in the log; nothing is written anywhere else."""

from typing import get_args

from segue.errors import BadRequest, NotFound
from segue.flow.reports import Report, State
from segue.model import Subject
from segue.serve.subsonic._call import Call
from segue.serve.subsonic._params import MissingParameter
from segue.types import Instant, Ms, TrackId, is_id

_YEAR_3000 = 32_503_680_000_000
_WEEK_MS = 7 * 86_400_000
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


_STATES: tuple[State, ...] = get_args(State)


def report_playback(call: Call) -> None:
    """Where an app is in a song. With ``ignoreScrobble`` it only tells what plays now: no listen, skip or place to resume follows."""
    id, kind, named = call.params.id("mediaId"), call.params.need("mediaType"), call.params.need("state")
    position = call.params.need_number("positionMs", 0, _WEEK_MS)
    state = next((one for one in _STATES if one == named), None)
    rate, ignored = call.params.decimal("playbackRate", 1.0), call.params.flag("ignoreScrobble", False)
    if state is None:
        raise BadRequest(f"Parameter 'state' must be one of {', '.join(_STATES)}.")
    if kind == "podcast":
        raise NotFound("podcast", id)
    if kind != "song":
        raise BadRequest("Parameter 'mediaType' must be song or podcast.")
    track = call.parts.catalogue.track(call.listener, TrackId(id))
    told = Report(track=track, state=state, position_ms=Ms(position), rate=rate, counts=not ignored, client=call.client)
    call.parts.listening.report(call.listener, told)


def _time(text: str) -> Instant:
    if not text.isdigit() or not 0 < int(text) < _YEAR_3000:
        raise BadRequest("Parameter 'time' must be milliseconds since 1970.")
    return Instant(int(text))
