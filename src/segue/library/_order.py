"""Changing an ordered list in the database by as few rows as possible: rows have positions far apart, with room for others between."""

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

STEP = 1 << 30
"""Between two neighbours of a list written whole: room for thirty halvings, and a hundred thousand entries within SQLite's six bytes."""


@dataclass(frozen=True, slots=True)
class Change:
    """First delete the rows at ``gone``, then insert ``(position, value)`` of ``new``."""

    gone: tuple[int, ...]
    new: tuple[tuple[int, str], ...]


def change(old: Sequence[tuple[int, str]], wanted: Sequence[str]) -> Change:
    """What makes ``wanted`` of ``old``, (position, value) by position. Values may repeat. All rows change when there is no room left."""
    kept = _kept([value for _, value in old], wanted)
    new: list[tuple[int, str]] = []
    before: int | None = None
    at = 0
    for absent, group in groupby(kept, key=lambda place: place is None):
        run = list(group)
        if absent:
            following = kept[at + len(run)] if at + len(run) < len(kept) else None
            positions = _between(before, None if following is None else old[following][0], len(run))
            if positions is None:
                return Change(tuple(position for position, _ in old), tuple((n * STEP, value) for n, value in enumerate(wanted)))
            new += zip(positions, wanted[at : at + len(run)], strict=True)
        elif (last := run[-1]) is not None:
            before = old[last][0]
        at += len(run)
    stays = {place for place in kept if place is not None}
    return Change(tuple(position for place, (position, _) in enumerate(old) if place not in stays), tuple(new))


def _between(low: int | None, high: int | None, n: int) -> Sequence[int] | None:
    """``n`` positions in order between two that are taken (None: the list's end); None when they do not fit."""
    if low is None:
        start = 0 if high is None else high - n * STEP
        return range(start, start + n * STEP, STEP)
    if high is None:
        return range(low + STEP, low + (n + 1) * STEP, STEP)
    apart = (high - low) // (n + 1)
    return range(low + apart, low + apart * (n + 1), apart) if apart else None


def _kept(old: Sequence[str], wanted: Sequence[str]) -> list[int | None]:
    """For each wanted value the row of ``old`` that can stay for it: a longest run of rows whose order does not change."""
    kept: list[int | None] = [None] * len(wanted)
    shorter = min(len(old), len(wanted))
    head = next((n for n in range(shorter) if old[n] != wanted[n]), shorter)
    tail = next((n for n in range(shorter - head) if old[-1 - n] != wanted[-1 - n]), shorter - head)
    kept[:head] = range(head)
    kept[len(wanted) - tail :] = range(len(old) - tail, len(old))
    places: dict[str, deque[int]] = defaultdict(deque)
    for place in range(head, len(old) - tail):
        places[old[place]].append(place)
    ends: list[int] = []  # of the best run of each length: its last place in old
    owners: list[int] = []  # and that place's number in wanted
    earlier: dict[int, int | None] = {}
    found: dict[int, int] = {}
    for number in range(head, len(wanted) - tail):
        if not places[wanted[number]]:
            continue
        place = found[number] = places[wanted[number]].popleft()
        length = bisect_left(ends, place)
        earlier[number] = owners[length - 1] if length else None
        ends[length : length + 1] = [place]
        owners[length : length + 1] = [number]
    last = owners[-1] if owners else None
    while last is not None:
        kept[last] = found[last]
        last = earlier[last]
    return kept
