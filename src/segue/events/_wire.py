"""The wire form of events (``docs/api.md``) and its checks: a stranger's batch in, trusted records out.

Each event stands or falls by itself. A clock that is wrong is corrected by the batch's ``sent_at``; what then still lies in the future
happened when it was received.
"""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta

from segue.errors import BadRequest, TooLarge
from segue.model import Event, EventKind, Outcome, Subject
from segue.types import Instant, Ms, SubjectType, UserId, is_id

MAX_EVENTS = 1_000
MAX_BYTES = 1 << 20
_MAX_OBJECT_BYTES = 8 << 10
_MAX_DEPTH = 8
_MAX_SKEW_MS = 2_000
"""A batch travels for a while: a smaller difference between the clocks is left alone."""
_WEEK_MS = 7 * 24 * 3_600_000
_KINDS = frozenset(get_args(EventKind)) - {"corrected", "matched", "erased"}
_PLAYING = frozenset({"started", "paused", "resumed", "seeked", "progressed", "ended", "scrobbled"})
_MARKING = frozenset({"liked", "unliked", "rated", "hidden", "unhidden", "saved", "removed"})
_EXTERNAL = frozenset({"artist", "title", "album", "isrc", "mbid", "duration_ms"})

_Short = Annotated[str, Meta(min_length=1, max_length=64)]
_Text = Annotated[str, Meta(max_length=256)]
_Span = Annotated[int, Meta(ge=0, le=_WEEK_MS)]


class _WireSubject(msgspec.Struct):
    type: SubjectType
    id: Annotated[str, Meta(max_length=64)] | None = None
    external: dict[_Short, Annotated[str, Meta(max_length=1024)]] | None = None


class _WireEvent(msgspec.Struct):
    event_id: _Short
    kind: str
    at: datetime
    subject: _WireSubject | None = None
    device_id: _Short | None = None
    session_id: _Short | None = None
    play_id: _Short | None = None
    utc_offset_min: Annotated[int, Meta(ge=-18 * 60, le=18 * 60)] | None = None
    position_ms: _Span | None = None
    played_ms: _Span | None = None
    outcome: Outcome | None = None
    rating: Annotated[int, Meta(ge=0, le=5)] | None = None
    reason: _Text | None = None
    context: dict[str, Any] | None = None
    client: _Text | None = None
    private: bool = False
    data: dict[str, Any] | None = None


class _WireBatch(msgspec.Struct):
    events: list[msgspec.Raw]
    sent_at: datetime | None = None


class Parsed(msgspec.Struct, frozen=True):
    """What of a batch may be appended, and what was refused, with why: ``(event_id, error)``."""

    events: tuple[Event, ...]
    rejected: tuple[tuple[str, str], ...]


_batch_decoder = msgspec.json.Decoder(_WireBatch)
_event_decoder = msgspec.json.Decoder(_WireEvent)


def parse_events(body: bytes, *, user_id: UserId, received_at: Instant, client: str | None = None) -> Parsed:
    """Read the body of ``POST /api/events``.

    ``received_at`` is the server's clock; ``client`` names the app where the event does not. Raises
    :class:`~segue.errors.TooLarge` above 1 MiB or 1,000 events, :class:`~segue.errors.BadRequest` when the body is no batch at all.
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(f"A batch of events may have {MAX_BYTES:,} bytes; this one has {len(body):,}. Send it in parts.")
    try:
        batch = _batch(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f'The body must be {{"sent_at", "events": […]}}: {error}') from None
    if len(batch.events) > MAX_EVENTS:
        raise TooLarge(f"A batch may hold {MAX_EVENTS:,} events; this one holds {len(batch.events):,}. Send it in parts.")
    skew = _skew(batch.sent_at, received_at)
    events: list[Event] = []
    rejected: list[tuple[str, str]] = []
    for raw in batch.events:
        try:
            events.append(_checked(_event_decoder.decode(raw), user_id, received_at, skew, client))
        except (ValueError, RecursionError, BadRequest) as error:
            rejected.append((_claimed_id(raw), str(error)))
    return Parsed(events=tuple(events), rejected=tuple(rejected))


def _batch(body: bytes) -> _WireBatch:
    try:
        return _batch_decoder.decode(body)
    except ValueError:
        # Half a surrogate pair, which browsers write when a text was cut in its middle, is no reason to refuse the other events.
        loose = json.loads(body)
        if not isinstance(loose, dict) or not isinstance(loose.get("events"), list):
            raise
        events = [msgspec.Raw(json.dumps(event).encode()) for event in loose["events"]]
        return _WireBatch(events=events, sent_at=msgspec.convert(loose.get("sent_at"), datetime | None))


def _skew(sent_at: datetime | None, received_at: Instant) -> int:
    """Milliseconds to add to the client's instants; 0 where its clock is about right or unknown."""
    if sent_at is None or sent_at.tzinfo is None:
        return 0
    skew = received_at - _instant(sent_at)
    return skew if abs(skew) > _MAX_SKEW_MS else 0


def _instant(moment: datetime) -> int:
    # Not timestamp(): a float cannot hold the year 9999 to the millisecond.
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def _checked(wire: _WireEvent, user_id: UserId, received_at: Instant, skew: int, client: str | None) -> Event:
    if wire.kind not in _KINDS:
        raise BadRequest(f"Unknown kind {wire.kind[:64]!r}. Known: {' '.join(sorted(_KINDS))}.")
    if wire.at.tzinfo is None:
        raise BadRequest("at needs an offset: 2026-11-21T10:00:00Z.")
    at = min(_instant(wire.at) + skew, received_at)
    if at < 0:
        raise BadRequest("at lies before 1970.")
    if wire.play_id is not None and wire.play_id.startswith(("~", "report:")):
        raise BadRequest("A play_id may not begin with ~ or report: those are the server's.")
    _check_kind(wire)
    return Event(
        event_id=wire.event_id,
        kind=wire.kind,  # type: ignore[arg-type]
        user_id=user_id,
        at=Instant(at),
        received_at=received_at,
        subject=_subject(wire.subject),
        device_id=wire.device_id,
        session_id=wire.session_id,
        play_id=wire.play_id,
        utc_offset_min=wire.utc_offset_min,
        position_ms=None if wire.position_ms is None else Ms(wire.position_ms),
        played_ms=None if wire.played_ms is None else Ms(wire.played_ms),
        outcome=wire.outcome,
        rating=wire.rating,
        reason=wire.reason,
        context=_bounded("context", wire.context),
        client=wire.client or (client[:256] if client else None),
        private=wire.private,
        data=_bounded("data", wire.data),
    )


def _check_kind(wire: _WireEvent) -> None:
    """What one kind needs or may not have."""
    subject, kind = wire.subject, wire.kind
    if subject is None and kind != "searched":
        raise BadRequest(f"{kind} needs a subject.")
    if kind == "ended" and wire.outcome is None:
        raise BadRequest(f"ended needs an outcome: {' '.join(get_args(Outcome))}.")
    if kind == "rated" and wire.rating is None:
        raise BadRequest("rated needs a rating, 0..5.")
    if subject is None:
        return
    if kind in _PLAYING and subject.type not in ("track", "episode", "external"):
        raise BadRequest(f"A {subject.type} cannot be {kind}: name the track.")
    if kind in _MARKING and subject.type not in ("track", "episode", "release", "artist", "playlist", "external"):
        raise BadRequest(f"A {subject.type} cannot be {kind}.")
    if kind == "shown" and subject.type != "slate":
        raise BadRequest("shown needs a slate.")


def _subject(wire: _WireSubject | None) -> Subject | None:
    if wire is None:
        return None
    if wire.type == "external":
        if not wire.external or not _EXTERNAL.issuperset(wire.external):
            raise BadRequest(f"An external subject carries some of {' '.join(sorted(_EXTERNAL))}.")
        if not any(wire.external.get(name) for name in ("title", "isrc", "mbid")):
            raise BadRequest("An external subject needs a title (and its artist), an isrc or an mbid.")
        return Subject(type="external", external=dict(wire.external))
    if wire.id is None or not is_id(wire.id):
        raise BadRequest(f"{wire.id!r} is not the id of a {wire.type}: 22 characters of 0-9A-Za-z.")
    return Subject(type=wire.type, id=wire.id)


def _bounded(name: str, value: dict[str, Any] | None) -> dict[str, Any] | None:
    if value is None:
        return None
    if _deeper(value, _MAX_DEPTH):
        raise BadRequest(f"{name} may be nested {_MAX_DEPTH} deep.")
    if len(msgspec.json.encode(value)) > _MAX_OBJECT_BYTES:
        raise BadRequest(f"{name} may have {_MAX_OBJECT_BYTES:,} bytes.")
    return value


def _deeper(value: Any, depth: int) -> bool:
    """Whether ``value`` nests deeper than ``depth``: what is kept must be readable by everything that reads it later."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(_deeper(one, depth - 1) for one in inner)


_ID = re.compile(rb'"event_id"\s*:\s*("(?:[^"\\]|\\.){0,200}")')


def _claimed_id(raw: msgspec.Raw) -> str:
    """The id a refused event claims, so that its sender can tell which it was; empty when it has none."""
    match = _ID.search(bytes(raw))
    try:
        return str(msgspec.json.decode(match[1]))[:64] if match else ""
    except ValueError:
        return ""


def wire_event(event: Event) -> dict[str, Any]:
    """An event in the form of ``GET /api/events``: every field, absent ones ``None``, instants in RFC 3339."""
    out: dict[str, Any] = msgspec.to_builtins(event)
    del out["user_id"]
    for name in ("at", "received_at"):
        out[name] = _rfc3339(out[name])
    return out


def _rfc3339(at: int) -> str:
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"
