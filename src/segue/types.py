"""Ids and units as types, so that a signature says what it takes.

An id is a UUIDv7 (RFC 9562, section 5.7) written as 22 base62 characters in ASCII order (``0-9A-Za-z``): ids made later sort
later, and every client's alphabet accepts them. A library's id alone is a small integer, as the OpenSubsonic schema of
``MusicFolder`` demands.
"""

import os
import threading
import time
from typing import Literal, NewType

TrackId = NewType("TrackId", str)
ReleaseId = NewType("ReleaseId", str)
ArtistId = NewType("ArtistId", str)
FolderId = NewType("FolderId", str)
PlaylistId = NewType("PlaylistId", str)
UserId = NewType("UserId", str)
TokenId = NewType("TokenId", str)
SlateId = NewType("SlateId", str)
LibraryId = NewType("LibraryId", int)
ArtId = NewType("ArtId", str)
"""Of a picture: derived from its content, so that a changed picture has another id. Not a UUID: 22 base62 characters all the same."""

Ms = NewType("Ms", int)
"""Milliseconds: a duration or a position."""
Instant = NewType("Instant", int)
"""A moment: milliseconds since 1970-01-01T00:00:00Z."""
Db = NewType("Db", float)

SubjectType = Literal["track", "episode", "release", "artist", "playlist", "slate", "external"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS = frozenset(_ALPHABET)
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_LENGTH = 22
_FOUR_DIGITS, _TEN_DIGITS = 62**4, 62**10
_lock = threading.Lock()
_last = 0


def base62(value: int) -> str:
    """Write ``value`` (0 .. 2**128 - 1) as 22 base62 characters, most significant first."""
    value, low = divmod(value, _TEN_DIGITS)
    high, middle = divmod(value, _TEN_DIGITS)
    return _PAIRS[high] + _ten_digits(middle) + _ten_digits(low)


def _ten_digits(value: int) -> str:
    value, low = divmod(value, _FOUR_DIGITS)  # small numbers divide several times faster than large ones
    high, middle = divmod(value, _FOUR_DIGITS)
    return f"{_PAIRS[high]}{_PAIRS[middle // 3844]}{_PAIRS[middle % 3844]}{_PAIRS[low // 3844]}{_PAIRS[low % 3844]}"


def from_base62(text: str) -> int:
    """The number that :func:`base62` wrote. Raises ValueError for another character."""
    value = 0
    for character in text:
        value = value * 62 + _ALPHABET.index(character)
    return value


def new_id() -> str:
    """A fresh UUIDv7 in base62. Strictly increasing within a process, whatever the clock does."""
    global _last
    ms = time.time_ns() // 1_000_000
    # 48 bits of time, version 7, 12 bits of random, variant 2, 62 bits of random.
    rand = int.from_bytes(os.urandom(10))
    value = (ms << 80) | (7 << 76) | ((rand >> 68) & 0xFFF) << 64 | (2 << 62) | (rand & ((1 << 62) - 1))
    with _lock:
        if value <= _last:
            value = _last + 1
        _last = value
    return base62(value)


def is_id(text: str) -> bool:
    """Whether ``text`` has the form of an id. Says nothing about its existence."""
    return len(text) == _LENGTH and _DIGITS.issuperset(text)


def now() -> Instant:
    """The wall clock."""
    return Instant(time.time_ns() // 1_000_000)
