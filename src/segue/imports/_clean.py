"""What every service's entries need: text that is fit to keep, instants within reason, ids that stay the same."""

import re
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from segue.types import Instant, Ms

LONGEST = 1_000
"""Characters of a title, name or album."""
_LONGEST_WORD = 100
_WEEK_MS = 7 * 24 * 3_600_000
_LAST = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z."""
_EPOCH = datetime(1970, 1, 1)
_MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_DAY = re.compile(r"(\d{1,2}) ([A-Za-z]{3})[a-z]* (\d{4}),? (\d{1,2}):(\d{2})(?::(\d{2}))?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Unfit(Exception):
    """An entry no play can be made of. The message is for the listener."""


def text(value: Any, longest: int = LONGEST) -> str:
    """Without NUL and outer spaces, shortened; empty for what is no text."""
    return value.replace("\0", "").strip()[:longest] if isinstance(value, str) else ""


def word(value: Any) -> str | None:
    """A short text such as a platform or a reason; None where there is none."""
    return text(value, _LONGEST_WORD) or None


def truth(value: Any) -> bool:
    """Whether a flag is set that services wrote as a boolean, a number or a word."""
    return value.strip().lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value)


def number(value: Any) -> float | None:
    """A number, also one written as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e15 else None  # also leaves out what is no number or infinite


def span(value: Any, unit_ms: int = 1) -> Ms | None:
    """A duration within a week; None for anything else."""
    found = number(value)
    return Ms(round(found * unit_ms)) if found is not None and 0 <= found * unit_ms <= _WEEK_MS else None


def mbid(value: Any) -> str | None:
    """A MusicBrainz id in its one form; None for anything else."""
    found = value.strip().lower() if isinstance(value, str) else ""
    return found if _MBID.fullmatch(found) else None


def isrc(value: Any) -> str | None:
    """An ISRC without hyphens, of a list the first; None for anything else."""
    if isinstance(value, list):
        value = value[0] if value else None
    found = value.replace("-", "").strip().upper() if isinstance(value, str) else ""
    return found if _ISRC.fullmatch(found) else None


def instant(value: Any) -> Instant:
    """Of seconds or milliseconds since 1970, an RFC 3339 date and time, or one such as “12 Mar 2016, 18:03”; UTC where no zone is named.

    Raises Unfit for anything else, and for a moment before 1970 or after 9999.
    """
    found = None if isinstance(value, str) and ("-" in value or " " in value) else number(value)
    if found is not None:
        ms = round(found) if abs(found) > 1e11 else round(found * 1_000)  # 1e11 s is the year 5138, 1e11 ms is 1973
    else:
        ms = _written(value) if isinstance(value, str) and len(value) <= 64 else -1
    if not 0 <= ms <= _LAST:
        raise Unfit("The date of this entry is missing or cannot be right.")
    return Instant(ms)


def _written(value: str) -> int:
    try:
        if named := _DAY.fullmatch(value.strip()):
            day, month, year, hour, minute, second = named.groups("0")
            when = datetime(int(year), _MONTHS.index(month.lower()) + 1, int(day), int(hour), int(minute), int(second))
        else:
            when = datetime.fromisoformat(value.strip().removesuffix(" UTC"))
            if when.tzinfo is not None:
                when = when.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return -1
    gone = when - _EPOCH
    return gone.days * 86_400_000 + gone.seconds * 1_000 + gone.microseconds // 1_000


def entry_id(service: str, *parts: object) -> str:
    """The same for the same parts: 128 bits of BLAKE2b in hexadecimal, after the service's name."""
    return f"{service}:{blake2b(chr(0).join(map(str, parts)).encode('utf-8', 'replace'), digest_size=16).hexdigest()}"


def decoded(data: bytes) -> str:
    """Text of UTF-8, else of Windows-1252. Halves of surrogate pairs are joined, or replaced where one is missing."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


_ESCAPED = re.compile(rb"(\\\\)|(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def mended_json(data: bytes) -> bytes:
    """As sound UTF-8 (see ``decoded``), also for surrogates that are written as escapes."""
    return _ESCAPED.sub(lambda match: match[1] or match[2] or rb"\ufffd", decoded(data).encode())
