"""Selecting against brute force: no artist twice in a row where that can be avoided."""

import itertools
import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from segue.model import Candidate
from segue.rank import Choice, Signals, conflicts, score, select
from segue.types import TrackId

_artists = st.sampled_from("abcd")
_one_each = st.lists(st.tuples(_artists.map(lambda artist: (artist,)), st.floats(0, 1)), max_size=6)
_several = st.lists(st.tuples(st.lists(_artists, max_size=2, unique=True).map(tuple), st.floats(0, 1)), max_size=6)


def _choices(told: list[tuple[tuple[str, ...], float]]) -> list[Choice]:
    return [Choice(id=str(i), score=score, artists=artists, release=f"r{i % 2}") for i, (artists, score) in enumerate(told)]


def _fewest(choices: list[Choice], n: int, after: frozenset[str]) -> int:
    return min(conflicts(order, after) for order in itertools.permutations(choices, min(n, len(choices))))


@settings(max_examples=300, deadline=None)
@given(_one_each, st.integers(1, 6), st.sampled_from([(), ("a",), ("z",)]))
def test_as_few_neighbours_as_there_can_be(told: list[tuple[tuple[str, ...], float]], n: int, after: tuple[str, ...]) -> None:
    choices = _choices(told)
    chosen = select(choices, n, after=after)
    assert len(chosen) == min(n, len(choices))
    assert len({choice.id for choice in chosen}) == len(chosen)
    assert conflicts(chosen, frozenset(after)) == _fewest(choices, n, frozenset(after))


@settings(max_examples=200, deadline=None)
@given(_several, st.integers(1, 6), st.sampled_from([(), ("a",), ("a", "b")]))
def test_shared_credits_are_kept_apart_where_they_can_be(told: list[tuple[tuple[str, ...], float]], n: int, after: tuple[str, ...]) -> None:
    choices = _choices(told)
    if _fewest(choices, n, frozenset(after)) == 0:
        assert conflicts(select(choices, n, after=after), frozenset(after)) == 0


def test_the_best_come_first_where_nothing_forbids() -> None:
    choices = [Choice(id=str(i), score=i / 10, artists=(f"a{i}",)) for i in range(10)]
    random.Random(1).shuffle(choices)
    assert [choice.id for choice in select(choices, 4)] == ["9", "8", "7", "6"]


def test_releases_are_spread() -> None:
    choices = [Choice(id=str(i), score=1 - i / 100, artists=(f"a{i}",), release="same" if i < 4 else f"r{i}") for i in range(12)]
    first = [choice.release for choice in select(choices, 5)]
    assert first.count("same") == 1


def test_selecting_is_quick_for_a_hundred_of_three_hundred() -> None:
    import time

    chance = random.Random(3)
    choices = [
        Choice(id=f"{i:03d}", score=chance.random(), artists=(f"a{chance.randrange(9)}", f"b{chance.randrange(9)}")) for i in range(300)
    ]
    started = time.perf_counter()
    chosen = select(choices, 100)
    assert time.perf_counter() - started < 1
    assert conflicts(chosen) == 0


def _candidate(id_: str, score: float, source: str = "familiar") -> Candidate:
    return Candidate(track_id=TrackId(id_), source=source, score=score)


def test_what_has_no_finite_score_sinks() -> None:
    given_ = [(_candidate("a", math.nan), Signals()), (_candidate("b", 0.1), Signals()), (_candidate("c", math.inf), Signals())]
    ranked = score(given_, discovery=0.5, seed=1)
    assert ranked[0].candidate.track_id == "b"
    assert all(math.isfinite(one.score) for one in ranked)


def test_the_order_of_candidates_does_not_matter() -> None:
    given_ = [(_candidate(str(i), i / 50), Signals(liked=i % 2 == 0)) for i in range(20)]
    assert score(given_, discovery=0.3, seed=7) == score(given_[::-1], discovery=0.3, seed=7)


def test_the_dial_turns_from_familiar_to_new() -> None:
    pair = [(_candidate("old", 0.5, "familiar"), Signals()), (_candidate("new", 0.5, "unplayed"), Signals())]
    assert score(pair, discovery=0.0, seed=1)[0].candidate.track_id == "old"
    assert score(pair, discovery=1.0, seed=1)[0].candidate.track_id == "new"
