"""Lyrics: LRC text into timed lines."""

import re
from typing import Any

LONGEST = 256 << 10
MOST_LINES = 5000
_STAMP = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]")
_META = re.compile(r"\[([a-zA-Z#]+):([^\]]*)\]\s*$")
_INNER = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>")


def parse(text: str, language: str, origin: str) -> dict[str, Any] | None:
    """LRC or plain text as ``{"language", "synced", "offset_ms", "lines": [[start_ms or None, text]], "origin"}``; None if empty.

    A line may have several time stamps; lines come back in order of time. ``[offset:…]`` is kept in milliseconds.
    """
    timed: list[tuple[int, str]] = []
    plain: list[str] = []
    offset = 0
    for line in text[:LONGEST].replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MOST_LINES]:
        stamps, at = [], 0
        stripped = line.strip()
        while match := _STAMP.match(stripped, at):
            minutes, seconds, fraction = match.groups()
            stamps.append(int(minutes) * 60_000 + int(seconds) * 1000 + int((fraction or "0").ljust(3, "0")))
            at = match.end()
        words = _INNER.sub("", stripped[at:]).strip()
        if stamps:
            timed += [(stamp, words) for stamp in stamps]
        elif meta := _META.match(stripped):
            if meta[1].lower() == "offset" and re.fullmatch(r"\s*[+-]?\d{1,7}\s*", meta[2]):
                offset = int(meta[2])
        else:
            plain.append(stripped)
    if timed:
        lines: list[list[Any]] = [[start, words] for start, words in sorted(timed, key=lambda one: one[0])]
        return {"language": language, "synced": True, "offset_ms": offset, "lines": lines[:MOST_LINES], "origin": origin}
    while plain and not plain[-1]:
        plain.pop()
    while plain and not plain[0]:
        plain.pop(0)
    if not plain:
        return None
    return {"language": language, "synced": False, "offset_ms": 0, "lines": [[None, words] for words in plain], "origin": origin}
