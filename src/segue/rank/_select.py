"""Choose and order: the best first, no artist twice in a row where that can be avoided, releases spread out.

Greedy by score, but a choice that would force two neighbours by one artist later is not made. With one artist a track this is exact: of the
sequences of ``n`` from the candidates, one with the fewest such neighbours is built. A sequence of length r after artist p without
neighbours exists just when the sum over artists of min(count, cap) reaches r, cap being floor(r/2) for p and ceil(r/2) for the others
(a fixed first place, then the usual bound for arranging a multiset). Tracks with several artists are counted by their first and never put
beside a shared one while another choice remains; where that fails, a bounded search looks for an order without such neighbours.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_RELEASE_GAP = 4
_RELEASE_COST = 0.25
"""Off the score of a track whose release was chosen within the last ``_RELEASE_GAP``: a guess."""
_ARTIST_COST = 0.1
"""Off the score, for each earlier track of the artist in the slate: a guess."""
_NODES = 6_000
"""Steps of the search before it gives up; all orders of seven tracks fit."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What selecting needs to know of a scored candidate. ``artists``: ids, the first credited first; empty when unknown."""

    id: str
    score: float
    artists: tuple[str, ...]
    release: str | None = None

    @property
    def artist(self) -> str:
        """Whom it counts for; a track with no artist counts for itself alone."""
        return self.artists[0] if self.artists else f"?{self.id}"


def conflicts(ordered: Sequence[Choice], after: frozenset[str] = frozenset()) -> int:
    """How many tracks share an artist with the one before them; ``after``: the artists of the track before the first."""
    count, before = 0, after
    for choice in ordered:
        count += not before.isdisjoint(choice.artists)
        before = frozenset(choice.artists)
    return count


def select(choices: Sequence[Choice], n: int, *, after: tuple[str, ...] = ()) -> list[Choice]:
    """Up to ``n`` of ``choices`` in the order to play them. ``after``: artists of the track that plays before."""
    wanted = min(n, len(choices))
    chosen = _greedy(choices, wanted, after)
    if conflicts(chosen, frozenset(after)) and any(len(choice.artists) != 1 for choice in choices):
        return _search(choices, wanted, frozenset(after)) or chosen
    return chosen


def _greedy(choices: Sequence[Choice], n: int, after: tuple[str, ...]) -> list[Choice]:
    left = sorted(choices, key=lambda choice: (-choice.score, choice.id))
    counts = Counter(choice.artist for choice in left)
    out: list[Choice] = []
    used: dict[str, int] = {}
    before = frozenset(after)
    last = after[0] if after else ""
    while len(out) < n:
        near = frozenset(choice.release for choice in out[-_RELEASE_GAP:] if choice.release)
        best = _best(left, counts, n - len(out), used, near, before, last)
        left.remove(best)
        counts[best.artist] -= 1
        used[best.artist] = used.get(best.artist, 0) + 1
        out.append(best)
        before, last = frozenset(best.artists), best.artist
    return out


def _best(
    left: list[Choice],
    counts: Counter[str],
    places: int,
    used: dict[str, int],
    near: frozenset[str],
    before: frozenset[str],
    last: str,
) -> Choice:
    """``used``: how many of each artist were chosen; ``near``: the releases chosen last."""

    def worth(choice: Choice) -> tuple[float, str]:
        return choice.score - _ARTIST_COST * used.get(choice.artist, 0) - _RELEASE_COST * (choice.release in near), choice.id

    feasible = _feasible(counts, places, last)
    if feasible:
        best: Choice | None = None
        value: tuple[float, str] = (0.0, "")
        for choice in left:  # by score, and nothing is worth more than its score: few are looked at
            if best is not None and choice.score < value[0]:
                break
            if before.isdisjoint(choice.artists) and (best is None or worth(choice) > value):
                best, value = choice, worth(choice)
        if best is not None and _feasible_after(counts, best.artist, places - 1):
            return best
    free = [choice for choice in left if before.isdisjoint(choice.artists)]
    if not feasible:
        # One artist has too many of the tracks: put them wherever they can stand, and others between.
        crowd = max(counts, key=lambda artist: (counts[artist], artist))
        free = [choice for choice in free if choice.artist == crowd] or free
        return max(free or left, key=worth)
    ranked = sorted(free, key=worth, reverse=True)
    return next((choice for choice in ranked if _feasible_after(counts, choice.artist, places - 1)), None) or max(free or left, key=worth)


def _feasible(counts: Counter[str], places: int, last: str) -> bool:
    half, rest = places // 2, places - places // 2
    total = 0
    for artist, count in counts.items():
        total += min(count, half if artist == last else rest)
        if total >= places:
            return True
    return total >= places


def _feasible_after(counts: Counter[str], artist: str, places: int) -> bool:
    counts[artist] -= 1
    possible = _feasible(counts, places, artist)
    counts[artist] += 1
    return possible


def _search(choices: Sequence[Choice], n: int, after: frozenset[str]) -> list[Choice] | None:
    """Depth first, best first: an order of ``n`` with no shared artist between neighbours; None when none was found in time."""
    ordered = sorted(choices, key=lambda choice: (-choice.score, choice.id))
    steps = 0
    out: list[Choice] = []
    taken: set[str] = set()

    def extend(before: frozenset[str]) -> bool:
        nonlocal steps
        if len(out) == n:
            return True
        for choice in ordered:
            if choice.id in taken or not before.isdisjoint(choice.artists):
                continue
            steps += 1
            if steps > _NODES:
                return False
            out.append(choice)
            taken.add(choice.id)
            if extend(frozenset(choice.artists)):
                return True
            out.pop()
            taken.discard(choice.id)
        return False

    return out if extend(after) else None
