"""What is counted of listens, each defined once: where it is kept, by which keys, and how it fades.

A feature is a sum over a listener's listens. Sums are exact integers: adding a listen and taking it away again leaves nothing, so the
order of events cannot matter, and a sum that was kept live equals one that was made anew, bit for bit.

**Fading.** A listen at ``t`` weighs ``2 ** ((t - EPOCH) / half-life)``, as an integer with 32 binary places. What a sum is worth now is the
sum divided by a listen's weight now. All of a kind fade alike, so their order does not change as time passes, and is kept as ``log2``.

Change a definition, and raise :data:`VERSION`: every listener's sums are then made anew from their listens.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec

VERSION = 1
EPOCH_MS = 946_684_800_000
"""2000-01-01: older listens weigh next to nothing."""
_PLACES = 32
_STEPS = 1 << 16
_DAY_MS = 86_400_000
_LONGEST_MS = 4 * 3_600_000
"""Of one listen, in sums of time: a longer one is a wrong report or a mix."""


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """What a thing is of, as counted."""

    release: str | None
    artists: tuple[str, ...]
    genres: tuple[str, ...]
    duration_ms: int | None
    music: bool = True
    external: bool = False
    length_ms: int | None = None
    """Where nobody told a duration: as long as its longest play."""


@dataclass(frozen=True, slots=True)
class ListenRow:
    """One row of table ``listen``, without its listener."""

    id: str
    track_id: str
    started_at: int
    last_at: int
    played_ms: int | None
    outcome: str | None
    counted: int
    imported: int
    session_id: str | None
    device_id: str | None
    client: str | None
    utc_offset_min: int | None


class Hour(NamedTuple):
    """When a listen began, to the hour."""

    year: str
    day: str
    """``2026-11-21``."""
    weekday: int
    """0: Monday."""
    hour: int


def local(listen: ListenRow) -> Hour:
    """When it began, by the listener's clock where that is known, else UTC."""
    return _hour((listen.started_at // 1000 + (listen.utc_offset_min or 0) * 60) // 3600)


@lru_cache(4096)
def _hour(number: int) -> Hour:
    at = datetime(1970, 1, 1) + timedelta(hours=number)
    return Hour(f"{at.year:04d}", f"{at:%Y-%m-%d}", at.weekday(), at.hour)


def part_of_day(hour: int) -> str:
    """Six parts of four hours: ``0`` is midnight to 4, ``5`` 20 to midnight."""
    return str(hour // 4)


@dataclass(frozen=True)
class Feature:
    """``keys`` of a listen; ``half_life_days`` None: it is not asked how recent it is. ``music``: nothing spoken counts."""

    period: str
    kind: str
    keys: Callable[[ListenRow, Facts, Hour], Iterable[str]]
    half_life_days: float | None = None
    music: bool = True
    by: Literal["thing", "moment", "both"] = "thing"
    """What the keys depend on: the thing (and the year), the hour and the device, or the thing and the part of the day."""


FEATURES = (
    # What taste is read from. Half-lives are guesses until there is a log to search them on.
    Feature("all", "track", lambda listen, facts, at: (listen.track_id,), 60),
    Feature("all", "artist", lambda listen, facts, at: facts.artists, 120),
    Feature("all", "release", lambda listen, facts, at: (facts.release,) if facts.release else (), 60),
    Feature("all", "genre", lambda listen, facts, at: facts.genres, 180),
    Feature("all", "hour", lambda listen, facts, at: (f"{at.hour:02d}",), 180, by="moment"),
    Feature("all", "device", lambda listen, facts, at: (listen.device_id or listen.client or "",), 180, False, "moment"),
    Feature("all", "part_genre", lambda listen, facts, at: [f"{part_of_day(at.hour)} {genre}" for genre in facts.genres], 180, by="both"),
    # What statistics are read from.
    Feature("all", "total", lambda listen, facts, at: ("",), None, False, "moment"),
    Feature("year", "total", lambda listen, facts, at: ("",), None, False, "moment"),
    Feature("year", "track", lambda listen, facts, at: (listen.track_id,)),
    Feature("year", "artist", lambda listen, facts, at: facts.artists),
    Feature("year", "release", lambda listen, facts, at: (facts.release,) if facts.release else ()),
    Feature("year", "genre", lambda listen, facts, at: facts.genres),
    Feature("year", "hour", lambda listen, facts, at: (f"{at.weekday}{at.hour:02d}",), None, False, "moment"),
    Feature("days", "day", lambda listen, facts, at: (at.day,), None, False, "moment"),
)
_HALF_LIFE_DAYS = {(one.period, one.kind): one.half_life_days for one in FEATURES if one.half_life_days}
_HALF_LIVES = tuple(sorted(set(_HALF_LIFE_DAYS.values())))
_BY = {
    (by, music): [
        (one, 1 + _HALF_LIVES.index(one.half_life_days) if one.half_life_days else 0)
        for one in FEATURES
        if one.by == by and (music or not one.music)
    ]
    for by in ("thing", "moment", "both")
    for music in (True, False)
}
"""Features by what their keys depend on, each with the number of its half-life, 0 for none."""


@lru_cache(65536)
def _power(step: int) -> int:
    return round(math.exp2(_PLACES + step / _STEPS))


def weight(at: int, half_life_days: float) -> int:
    """What one listen at an instant weighs: an exact integer, 0 for one too old to matter."""
    steps = (at - EPOCH_MS) * _STEPS // int(half_life_days * _DAY_MS)
    whole, step = divmod(steps, _STEPS)
    return _power(step) << whole if whole >= 0 else _power(step) >> min(-whole, 2 * _PLACES)


def fades(period: str, kind: str) -> bool:
    """Whether it is asked how recent a sum is."""
    return (period, kind) in _HALF_LIFE_DAYS


def half_life_days(kind: str) -> float:
    """Of a kind that fades and is of all time."""
    return _HALF_LIFE_DAYS["all", kind]


def log_weight(total: int) -> float | None:
    return math.log2(total) if total > 0 else None


def worth(log_heard: float | None, kind: str, now: int) -> float:
    """What a faded sum is worth now: 1.0 is one listen of this moment."""
    if log_heard is None:
        return 0.0
    half_life_ms = _HALF_LIFE_DAYS["all", kind] * _DAY_MS
    return float(2.0 ** (log_heard - _PLACES - (now - EPOCH_MS) / half_life_ms))


class Sums:
    """Contributions of one listener, gathered to be stored: ``{(period, kind, key): [listens, skips, ms, heard, skipped]}``."""

    def __init__(self) -> None:
        self.by_key: dict[tuple[str, str, str], list[int]] = {}
        self._slots: dict[tuple[Any, ...], tuple[Facts, list[tuple[list[int], int]]]] = {}

    def add(self, listen: ListenRow, facts: Facts, sign: int) -> None:
        """Add (``sign`` 1) or take away (-1) what a listen contributes."""
        skip = listen.outcome == "skipped" and not listen.counted
        if not listen.counted and not skip:
            return
        at = local(listen)
        began = listen.started_at
        amounts = (0, *(sign * weight(began, days) for days in _HALF_LIVES))
        one = id(facts)
        slots = (
            self._of("thing", (listen.track_id, one, at.year), listen, facts, at),
            self._of("moment", (at, listen.device_id, listen.client, facts.music), listen, facts, at),
            self._of("both", (one, at.hour // 4), listen, facts, at),
        )
        if skip:
            for own in slots:
                for sums, fading in own:
                    sums[1] += sign
                    sums[4] += amounts[fading]
        else:
            ms = sign * min(listen.played_ms or 0, _LONGEST_MS)
            for own in slots:
                for sums, fading in own:
                    sums[0] += sign
                    sums[2] += ms
                    sums[3] += amounts[fading]

    def _of(self, by: str, key: tuple[Any, ...], listen: ListenRow, facts: Facts, at: Hour) -> list[tuple[list[int], int]]:
        """The sums that a listen adds to, each with the number of its half-life: found once for all listens alike in ``key``."""
        known = self._slots.get(key)
        if known is None:
            slots: list[tuple[list[int], int]] = []
            for feature, fading in _BY[by, facts.music]:
                period = at.year if feature.period == "year" else feature.period
                slots += [
                    (self.by_key.setdefault((period, feature.kind, k), [0, 0, 0, 0, 0]), fading) for k in feature.keys(listen, facts, at)
                ]
            known = self._slots[key] = facts, slots  # which keeps the facts, so that no others get their number
        return known[1]
