"""What a scrobbler sends, checked whole: a request with one bad entry is refused with the entry named, and nothing of it is kept."""

import re
from typing import Any, Literal
from uuid import UUID

import msgspec

from segue.errors import BadRequest
from segue.model import PastPlay
from segue.state import external_id
from segue.types import Instant, Ms, base62, from_base62

MAX_BYTES = 10_240_000
MAX_LISTENS = 1_000
OLDEST_S = 1_033_430_400
"""2002-10-01: there were no scrobbles before."""
_AHEAD_S = 60
"""How far a scrobbler's clock may be ahead of ours: a guess."""
_LONGEST_MS = 7 * 86_400_000
_ISRC = re.compile(r"[A-Za-z]{2}-?[A-Za-z0-9]{3}-?\d{2}-?\d{5}\Z")


class Metadata(msgspec.Struct):
    artist_name: str
    track_name: str
    release_name: str | None = None
    additional_info: dict[str, Any] | None = None


class Entry(msgspec.Struct):
    track_metadata: Metadata
    listened_at: int | float | str | None = None


class Submission(msgspec.Struct):
    listen_type: Literal["single", "playing_now", "import"]
    payload: list[Entry]


class Feedback(msgspec.Struct):
    score: int
    recording_mbid: str | None = None
    recording_msid: str | None = None


class Deletion(msgspec.Struct):
    listened_at: int
    recording_msid: str


def decode(body: bytes, type: Any) -> Any:
    """Raises BadRequest that says where."""
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        raise BadRequest(f"JSON document is invalid: {error}") from None
    except RecursionError:
        raise BadRequest("Cannot parse JSON document: it nests too deeply.") from None
    except ValueError as error:
        raise BadRequest(f"Cannot parse JSON document: {error}") from None


def submission(body: bytes, now: Instant) -> Submission:
    """Raises BadRequest that names the entry."""
    found: Submission = decode(body, Submission)
    if len(found.payload) > MAX_LISTENS:
        raise BadRequest(f"Too many listens. You may submit at most {MAX_LISTENS:,} at once.")
    if found.listen_type != "import" and len(found.payload) != 1:
        raise BadRequest(f"A request of type {found.listen_type} has exactly one listen in its payload.")
    for number, entry in enumerate(found.payload):
        try:
            _check(entry, found.listen_type == "playing_now", now)
        except BadRequest as error:
            raise BadRequest(f"payload[{number}]: {error}") from None
    return found


def _check(entry: Entry, playing_now: bool, now: Instant) -> None:
    told = entry.track_metadata
    for name, text in (("artist_name", told.artist_name), ("track_name", told.track_name), ("release_name", told.release_name or "")):
        if "\0" in text:
            raise BadRequest(f"track_metadata.{name} contains a null character.")
        if not text.strip() and name != "release_name":
            raise BadRequest(f"track_metadata.{name} is empty.")
    mbid = (told.additional_info or {}).get("recording_mbid")
    if mbid is not None and mbid != "" and uuid_of(mbid) is None:
        raise BadRequest("track_metadata.additional_info.recording_mbid is no MBID.")
    if playing_now:
        if entry.listened_at is not None:
            raise BadRequest("listened_at does not belong into a listen of type playing_now.")
        return
    if entry.listened_at is None:
        raise BadRequest("listened_at is missing.")
    try:
        at = int(entry.listened_at)
    except (ValueError, OverflowError):
        raise BadRequest("listened_at must be a Unix time in whole seconds.") from None
    if at < OLDEST_S:
        raise BadRequest("listened_at is before 2002-10-01.")
    if at > now // 1000 + _AHEAD_S:
        raise BadRequest("listened_at is in the future. It is a Unix time in seconds.")
    entry.listened_at = at


def uuid_of(text: object) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) and len(text) == 36 else None
    except ValueError:
        return None


def msid_of(id: str) -> str:
    """``recording_msid``: the UUID that the id of a track or external is, written as one."""
    return str(UUID(int=from_base62(id)))


def id_of(msid: str) -> str | None:
    """What :func:`msid_of` made of an id, back."""
    found = uuid_of(msid)
    return base62(found.int) if found else None


# -- of additional_info, only what can be used; the rest is free for all and not ours to judge ---------------------------


def mbid(told: Metadata) -> str | None:
    found = uuid_of((told.additional_info or {}).get("recording_mbid"))
    return str(found) if found else None


def isrc(told: Metadata) -> str | None:
    found = (told.additional_info or {}).get("isrc")
    return found.replace("-", "").upper() if isinstance(found, str) and _ISRC.match(found) else None


def duration_ms(told: Metadata) -> Ms | None:
    return _span(told, "duration_ms", 1) or _span(told, "duration", 1000)


def _span(told: Metadata, name: str, unit: int) -> Ms | None:
    found = (told.additional_info or {}).get(name)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        value = round(float(found) * unit)
    except (ValueError, OverflowError):
        return None
    return Ms(value) if 0 < value <= _LONGEST_MS else None


def app(told: Metadata, otherwise: str) -> str:
    """Who says so."""
    info = told.additional_info or {}
    names = (info.get("submission_client"), info.get("media_player"), info.get("music_service_name"), otherwise)
    clean = ("".join(c for c in name if c.isprintable()).strip() for name in names if isinstance(name, str))
    return next((name[:64] for name in clean if name), "listenbrainz")


def past_play(entry: Entry, otherwise: str) -> PastPlay:
    """A checked entry as what was heard. Its id is the same however often and by whomever it is told."""
    told = entry.track_metadata
    artist, title = told.artist_name.strip(), told.track_name.strip()
    at = int(entry.listened_at or 0)
    id = external_id({"artist": f"{at} {artist}", "title": title})
    return PastPlay(
        service=app(told, otherwise),
        entry_id=f"lb:{id}",
        started_at=Instant(at * 1000),
        artist=artist,
        title=title,
        album=(told.release_name or "").strip() or None,
        isrc=isrc(told),
        mbid=mbid(told),
        duration_ms=duration_ms(told),
        played_ms=_span(told, "duration_played", 1000),
    )
