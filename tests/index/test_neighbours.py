"""Neighbours: the port's contract against both adapters, and both against a dictionary."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.index import in_memory, open_index
from segue.ports import Neighbours
from segue.testing.neighbours import DIMENSION, NEAR, SHORT, SMALL, NeighboursContract, crash, some_vectors


class TestExact(NeighboursContract):
    @pytest.fixture
    def empty(self) -> Callable[[], Neighbours]:
        return lambda: in_memory(DIMENSION)


class TestFaissIndex(NeighboursContract):
    OPTIONS = SMALL

    @pytest.fixture
    def empty(self, tmp_path: Path) -> Iterator[Callable[[], Neighbours]]:
        opened: list[Neighbours] = []

        def make() -> Neighbours:
            opened.append(open_index(tmp_path / str(len(opened)), DIMENSION, self.OPTIONS))
            return opened[-1]

        yield make
        for index in opened:
            index.close()


class TestFaissIndexShortOfMemory(TestFaissIndex):
    OPTIONS = SHORT


def test_short_of_memory_half_the_room_holds_the_same_neighbours(tmp_path: Path) -> None:
    vectors = some_vectors(4_000, seed=2)
    indexes = {options: open_index(tmp_path / str(number), DIMENSION, options) for number, options in enumerate((SMALL, SHORT))}
    for index in indexes.values():
        index.add(np.arange(4_000), vectors)
        index.merge()
        assert index.refused is None
        assert index.status().recall >= 0.98
    assert indexes[SHORT].status().bytes < indexes[SMALL].status().bytes - 0.8 * DIMENSION * 4_000
    for _ in range(2):
        for query in vectors[:40]:
            ids, near = indexes[SHORT].search(query[None], 50)
            true = np.sort(vectors @ query)[::-1][:50]
            assert near[0] == pytest.approx(vectors[ids[0]] @ query, abs=NEAR)
            assert np.mean(near[0] >= true[-1] - NEAR) >= 0.9
        indexes[SHORT].close()
        indexes[SHORT] = open_index(tmp_path / "1", DIMENSION, SHORT)
    nearest = np.argsort(-(vectors @ vectors[0]))[:900]
    assert indexes[SHORT].delete(nearest) == 900  # more than a search looks at anew
    ids, _ = indexes[SHORT].search(vectors[:1], 50)
    assert ids.min() >= 0
    assert not np.isin(ids, nearest).any()
    some = np.sort(nearest[::2])
    indexes[SHORT].add(some, vectors[some])
    ids, near = indexes[SHORT].search(vectors[:1], 450)
    assert np.isin(ids, some).mean() > 0.9
    for index in indexes.values():
        index.close()


POOL = some_vectors(200, seed=5)
IDS = st.lists(st.integers(0, 60), min_size=1, max_size=40)
STEPS = st.one_of(
    st.tuples(st.just("add"), IDS, st.integers(0, 150)),
    st.tuples(st.just("delete"), IDS),
    st.tuples(st.just("search"), st.integers(0, 199), st.sampled_from([1, 3, 10, 100])),
    st.tuples(st.just("search among"), st.integers(0, 199), st.sampled_from([3, 100]), IDS),
    st.tuples(st.just("merge")),
    st.tuples(st.just("reopen")),
)


def check(index: Neighbours, model: dict[int, np.ndarray], query: np.ndarray, k: int, allowed: list[int] | None) -> None:
    given = None if allowed is None else np.array(allowed, np.int64)
    found, near = index.search(query[None], k, allowed=given)
    right = sorted((float(vector @ query) for id, vector in model.items() if allowed is None or id in allowed), reverse=True)[:k]
    n = len(right)
    assert np.all(found[0, n:] == -1)
    assert np.allclose(near[0, :n], right, atol=NEAR)
    assert len(set(found[0, :n].tolist())) == n
    for id, similarity in zip(found[0, :n].tolist(), near[0, :n].tolist(), strict=True):
        assert id in model
        assert allowed is None or id in allowed
        assert float(model[id] @ query) == pytest.approx(similarity, abs=NEAR)


@given(st.booleans(), st.lists(STEPS, min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_any_history_is_as_a_dictionary(kept: bool, steps: list[tuple]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        index = open_index(Path(directory), DIMENSION, SMALL) if kept else in_memory(DIMENSION)
        model: dict[int, np.ndarray] = {}
        for what, *with_what in steps:
            if what == "add":
                ids, first = with_what
                index.add(np.array(ids), POOL[first : first + len(ids)])
                model.update(zip(ids, POOL[first : first + len(ids)], strict=True))
            elif what == "delete":
                assert index.delete(np.array(with_what[0])) == sum(model.pop(id, None) is not None for id in set(with_what[0]))
            elif what == "search":
                check(index, model, POOL[with_what[0]], with_what[1], None)
            elif what == "search among":
                check(index, model, POOL[with_what[0]], with_what[1], sorted(set(with_what[2])))
            elif kept and what == "merge":
                index.merge()  # type: ignore[union-attr]
                assert index.refused is None  # type: ignore[union-attr]
            elif kept:
                index.close()
                index = open_index(Path(directory), DIMENSION, SMALL)
                assert index.damaged is None
            assert len(index) == len(model)
        check(index, model, POOL[0], 100, None)
        index.close()


def test_fifteen_crashes_lose_nothing(tmp_path: Path) -> None:
    acknowledged, wrong = crash(tmp_path, 15, seed=3, longest_s=0.5)
    assert not wrong
    assert acknowledged > 50


def test_the_package_is_cheap_to_import() -> None:
    asked = "import sys, segue.index; sys.exit('faiss' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked]).returncode == 0
