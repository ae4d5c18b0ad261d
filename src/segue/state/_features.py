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


class ListenRow(msgspec.Struct, frozen=True, gc=False):
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
    number = (listen.started_at // 1000 + (listen.utc_offset_min or 0) * 60) // 3600
    return Hour(*_day(number // 24), number % 24)


@lru_cache(16384)
def _day(number: int) -> tuple[str, str, int]:
    at = datetime(1970, 1, 1) + timedelta(days=number)
    return f"{at.year:04d}", f"{at:%Y-%m-%d}", at.weekday()


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
    by: Literal["thing", "day", "moment", "both"] = "thing"
    """What the keys depend on: the thing (and the year), the day, the year, weekday, hour and device, or the thing and the part of the
    day. Listens alike in it are summed before they are summed by key."""


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
    Feature("days", "day", lambda listen, facts, at: (at.day,), None, False, "day"),
)
_HALF_LIFE_DAYS = {(one.period, one.kind): one.half_life_days for one in FEATURES if one.half_life_days}
_HALF_LIVES = tuple(sorted(set(_HALF_LIFE_DAYS.values())))
_FEATURES_BY = {
    (by, music): [one for one in FEATURES if one.by == by and (music or not one.music)]
    for by in ("thing", "day", "moment", "both")
    for music in (True, False)
}
_FADING_BY = {
    by: [half_life for half_life in _HALF_LIVES if any(one.half_life_days == half_life for one in own)]
    for (by, music), own in _FEATURES_BY.items()
    if music
}
"""The half-lives of the features that depend on the same, in days."""


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


class _Alike:
    """The sums over listens that are alike in what some features depend on; ``listen`` is one of them."""

    __slots__ = ("at", "by", "facts", "heard", "listen", "listens", "ms", "skipped", "skips")

    def __init__(self, by: str, listen: ListenRow, facts: Facts, at: Hour) -> None:
        self.by = by
        self.listen = listen
        self.facts = facts
        self.at = at
        self.listens = self.skips = self.ms = 0
        self.heard = dict.fromkeys(_FADING_BY[by], 0)
        self.skipped = dict.fromkeys(_FADING_BY[by], 0)


class Sums:
    """Contributions of one listener, gathered to be stored."""

    def __init__(self) -> None:
        self._alike: dict[tuple[Any, ...], _Alike] = {}

    def __len__(self) -> int:
        return len(self._alike)

    def add(self, listen: ListenRow, facts: Facts, sign: int) -> None:
        """Add (``sign`` 1) or take away (-1) what a listen contributes."""
        skip = listen.outcome == "skipped" and not listen.counted
        if not listen.counted and not skip:
            return
        at = local(listen)
        one = id(facts)  # which the sums keep, so that no others get their number
        ms = sign * min(listen.played_ms or 0, _LONGEST_MS)
        weights = {half_life: sign * weight(listen.started_at, half_life) for half_life in _HALF_LIVES}
        for key in (
            ("thing", listen.track_id, one, at.year),
            ("day", at.day, facts.music),
            ("moment", at.year, at.weekday, at.hour, listen.device_id, listen.client, facts.music),
            ("both", one, at.hour // 4),
        ):
            own = self._alike.get(key)
            if own is None:
                own = self._alike[key] = _Alike(key[0], listen, facts, at)
            if skip:
                own.skips += sign
                faded = own.skipped
            else:
                own.listens += sign
                own.ms += ms
                faded = own.heard
            for half_life in faded:
                faded[half_life] += weights[half_life]

    def by_key(self) -> dict[tuple[str, str, str], list[int]]:
        """``{(period, kind, key): [listens, skips, ms, heard, skipped]}``."""
        out: dict[tuple[str, str, str], list[int]] = {}
        for own in self._alike.values():
            at = own.at
            for feature in _FEATURES_BY[own.by, own.facts.music]:
                period = at.year if feature.period == "year" else feature.period
                half_life = feature.half_life_days
                for key in feature.keys(own.listen, own.facts, at):
                    place = period, feature.kind, key
                    sums = out.get(place)
                    if sums is None:
                        sums = out[place] = [0, 0, 0, 0, 0]
                    sums[0] += own.listens
                    sums[1] += own.skips
                    sums[2] += own.ms
                    if half_life:
                        sums[3] += own.heard[half_life]
                        sums[4] += own.skipped[half_life]
        return out
