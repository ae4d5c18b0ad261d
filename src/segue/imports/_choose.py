"""What an export is, and which of its parts hold plays: by the parts' names, else by how they begin."""

import re
from collections.abc import Callable
from typing import Literal

from segue.errors import BadRequest
from segue.imports._clean import decoded
from segue.imports._lastfm import separator_of
from segue.imports._source import Fault, Part, Source, check

Service = Literal["spotify", "listenbrainz", "lastfm"]
SERVICES: tuple[Service, ...] = ("spotify", "listenbrainz", "lastfm")
TITLES = {"spotify": "Spotify", "listenbrainz": "ListenBrainz", "lastfm": "Last.fm"}
_MAX_SNIFFED = 500
_HEAD = 64 << 10
_NAMED: dict[Service, re.Pattern[str]] = {
    "spotify": re.compile(r"(?:Streaming_History_(?:Audio|Video)|endsong|endvideo|StreamingHistory).*\.json", re.IGNORECASE),
    "listenbrainz": re.compile(r"(?:.*/)?listens(?:/.*)?\.jsonl?", re.IGNORECASE | re.DOTALL),
}
_NUMBER = re.compile(r"\d+")
_SHORT = re.compile(r"StreamingHistory", re.IGNORECASE)
_ACCOUNT = frozenset({"userdata.json", "yourlibrary.json", "playlist1.json", "follow.json", "identity.json", "payments.json"})
_MARKS: dict[Service, tuple[bytes, ...]] = {
    "spotify": (b'"ms_played"', b'"msPlayed"'),
    "listenbrainz": (b'"listened_at"', b'"track_metadata"'),
    "lastfm": (b'"recenttracks"', b'"scrobbles"', b'"uts"', b'"nowplaying"'),
}
_HOW = {
    "spotify": "Expected the zip that Spotify sends for “Extended streaming history”, or one of its Streaming_History_*.json files.",
    "listenbrainz": "Expected the zip that ListenBrainz makes under Settings, Export data, or one of its listens files.",
    "lastfm": "Expected a CSV or JSON file that an exporter of Last.fm scrobbles wrote.",
}


def choose(source: Source, service: Service) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The parts to read, in order, and those left out as they tell of the same plays. Raises BadRequest where there is nothing to read."""
    parts = source.parts if source.single else tuple(sorted(filter(_candidate, source.parts), key=_order))
    named = () if source.single or service not in _NAMED else tuple(p for p in parts if _is_named(p, service))
    chosen = named or tuple(p for p in parts[:_MAX_SNIFFED] if not p.encrypted and _sniff(source, p) == service)
    if not chosen:
        raise BadRequest(_nothing(source, parts, service))
    if all(part.encrypted for part in chosen):
        raise BadRequest("This zip is protected by a password. Unpack it yourself and choose the folder.")
    long = tuple(p for p in chosen if not _SHORT.match(p.file_name)) if service == "spotify" else chosen
    left_out = tuple(p for p in chosen if p not in long) if long else ()
    check(long or chosen)
    return long or chosen, left_out


def recognise(source: Source) -> Service:
    """Which service's export this is. Raises BadRequest where it is none that is known."""
    for service in SERVICES:
        if not source.single and service in _NAMED and any(_candidate(p) and _is_named(p, service) for p in source.parts):
            return service
    for part in [p for p in source.parts if source.single or _candidate(p)][:_MAX_SNIFFED]:
        if not part.encrypted and (found := _sniff(source, part)):
            return found
    raise BadRequest(_account(source) or "This is no export that is known here. Spotify, ListenBrainz and Last.fm exports are.")


def is_table(head: bytes) -> bool:
    """Whether a file that begins like this is a table of scrobbles (CSV)."""
    first = decoded(head).lstrip().partition("\n")[0].rstrip("\r")
    return first[:1] not in ("{", "[") and separator_of(first) is not None


def head_of(source: Source, part: Part) -> bytes:
    """The first bytes of a part, as UTF-8; empty where it cannot be read."""
    try:
        return next(source.chunks(part, _untold), b"")[:_HEAD]
    except Fault:
        return b""


_untold: Callable[[int], None] = lambda _: None  # noqa: E731


def _order(part: Part) -> str:
    return _NUMBER.sub(lambda number: number[0].zfill(8), part.name)


def _candidate(part: Part) -> bool:
    name = part.file_name
    return name.lower().endswith((".json", ".jsonl", ".csv", ".txt")) and not name.startswith(".") and "__MACOSX" not in part.name


def _is_named(part: Part, service: Service) -> bool:
    pattern = _NAMED[service]
    return bool(pattern.fullmatch(part.name.replace("\\", "/") if service == "listenbrainz" else part.file_name))


def _sniff(source: Source, part: Part) -> Service | None:
    head = head_of(source, part)
    if head.lstrip()[:1] in (b"{", b"["):
        for service in SERVICES:
            if any(mark in head for mark in _MARKS[service]):
                return service
        return None
    return "lastfm" if is_table(head) else None


def _nothing(source: Source, parts: tuple[Part, ...], service: Service) -> str:
    if service == "spotify" and (account := _account(source)):
        return account
    for part in parts[:_MAX_SNIFFED]:
        if not part.encrypted and (found := _sniff(source, part)):
            return f"This is an export of {TITLES[found]}, not of {TITLES[service]}. Choose {TITLES[found]} instead."
    if any(part.name.lower().endswith(".zip") for part in source.parts):
        return f"There are zips in here, which are not looked into. Choose one of them by itself. {_HOW[service]}"
    return f"There is no listening history of {TITLES[service]} in here. {_HOW[service]}"


def _account(source: Source) -> str | None:
    if not any(part.file_name.lower() in _ACCOUNT for part in source.parts):
        return None
    return (
        "This is the account data, not the extended streaming history, and it holds no plays. On Spotify's privacy page, ask for "
        "“Extended streaming history” (it takes up to 30 days) and choose the zip that comes."
    )
