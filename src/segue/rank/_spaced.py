"""The law of a mix: of any ten tracks in a row, at most two by one artist."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

AMONG = 10
MOST = 2
T = TypeVar("T")


def lawful(artists: Sequence[Sequence[str]]) -> bool:
    """Whether tracks in this order, each with the ids of its artists, keep the law."""
    return all(max(_counted(artists[start : start + AMONG]).values(), default=0) <= MOST for start in range(len(artists)))


def spaced(choices: Sequence[tuple[T, Sequence[str]]], n: int, *, before: Sequence[Sequence[str]] = ()) -> list[T]:
    """Up to ``n`` of ``choices`` (each with its artists), best first, in an order that keeps the law after ``before``.

    Takes the best that may come next, one by another artist than the last where there is one, and ends where none may.
    """
    left = list(choices)
    past = [frozenset(one) for one in before]
    out: list[T] = []
    while len(out) < n:
        crowd = {artist for artist, count in _counted(past[-(AMONG - 1) :]).items() if count >= MOST}
        last = past[-1] if past else frozenset()
        first = None
        for place, (_, artists) in enumerate(left):
            if crowd.isdisjoint(artists):
                first = place if first is None else first
                if last.isdisjoint(artists):
                    first = place
                    break
        if first is None:
            break
        chosen, artists = left.pop(first)
        out.append(chosen)
        past.append(frozenset(artists))
    return out


def offender(artists: Sequence[Sequence[str]], kept: frozenset[int]) -> int | None:
    """The place of a track, none of ``kept``, that breaks the law with others; None where nothing can be taken out for it."""
    for start in range(len(artists)):
        window = range(start, min(start + AMONG, len(artists)))
        crowd = {artist for artist, count in _counted([artists[place] for place in window]).items() if count > MOST}
        for place in window:
            if place not in kept and not crowd.isdisjoint(artists[place]):
                return place
    return None


def _counted(window: Sequence[Sequence[str] | frozenset[str]]) -> Counter[str]:
    return Counter(artist for artists in window for artist in set(artists))
