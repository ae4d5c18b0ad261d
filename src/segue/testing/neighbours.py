"""The contract of the port Neighbours, as tests any adapter can be held to, and a victim for crash tests.

Make a subclass of :class:`NeighboursContract` whose name begins with ``Test`` and give it a fixture ``empty``: a function that makes an
index of ``DIMENSION``, empty, and ``reopened``: one that closes an index and opens it again (or returns it, where nothing is kept).

``python -m segue.testing.neighbours FOLDER SEED`` is the victim: it adds and deletes and merges, and says each line before and after.
"""

import os
import random
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from segue.errors import BadRequest
from segue.index import Options, Plan, open_index
from segue.ports import Neighbours

if TYPE_CHECKING:
    from segue.ports import Ids, Vectors

DIMENSION = 16
SMALL = Options(merge_rows=300, plan=Plan(flat_rows=600, measured_k=50))
"""Merges and lists after a few hundred rows."""
SHORT = replace(SMALL, memory_bytes=0)
"""The same where memory is short."""
NEAR = 2e-3
"""What half precision may change of a similarity."""


def some_vectors(n: int, seed: int = 0, dimension: int = DIMENSION) -> "Vectors":
    """Of unit length; clustered, as real ones are."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((12, dimension))
    rows = centres[chance.integers(0, 12, n)] + 0.6 * chance.standard_normal((n, dimension)) * np.linspace(1.5, 0.3, dimension)
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def ids_of(*ids: int) -> "Ids":
    return np.array(ids, np.int64)


def overlap(found: "Ids", right: "Ids") -> float:
    """The share of the right ids that were found, over all queries."""
    shares = [len(np.intersect1d(a, b[b >= 0])) / max(1, int((b >= 0).sum())) for a, b in zip(found, right, strict=True)]
    return float(np.mean(shares))


class NeighboursContract:
    """What every adapter must hold, but for durability through a crash."""

    def test_what_is_added_is_found_nearest_first(self, empty: Callable[[], Neighbours]) -> None:
        index, vectors = empty(), some_vectors(50)
        ids = np.arange(50) * 7 + 3
        index.add(ids, vectors)
        assert len(index) == 50
        found, near = index.search(vectors[:5], 50)
        assert found[:, 0].tolist() == ids[:5].tolist()
        assert np.all(np.diff(near, axis=1) <= 0)
        assert sorted(found[0].tolist()) == ids.tolist()
        assert np.allclose(near[0], np.sort(vectors @ vectors[0])[::-1], atol=NEAR)
        assert found.dtype == np.int64
        assert near.dtype == np.float32

    def test_what_is_missing_is_padded(self, empty: Callable[[], Neighbours]) -> None:
        index, vectors = empty(), some_vectors(3)
        for answer in (index.search(vectors, 4), index.search(vectors[:0], 4), index.search(vectors, 0)):
            assert np.all(answer[0] == -1)
            assert np.all(answer[1] == -2)
        index.add(np.arange(3), vectors)
        found, near = index.search(vectors[:1], 5)
        assert found[0, 3:].tolist() == [-1, -1]
        assert near[0, 3:].tolist() == [-2, -2]

    def test_an_id_added_again_has_its_new_vector_only(self, empty: Callable[[], Neighbours]) -> None:
        index, vectors = empty(), some_vectors(4)
        index.add(ids_of(5, 6, 5), vectors[:3])
        assert len(index) == 2
        assert np.allclose(index.vectors(ids_of(5)), vectors[2:3], atol=NEAR)
        index.add(ids_of(5), vectors[3:])
        found, near = index.search(vectors[3:], 10)
        assert found[0].tolist() == [5, 6] + [-1] * 8
        assert near[0, 0] == pytest.approx(1, abs=NEAR)

    def test_deleted_is_returned_by_no_search(self, empty: Callable[[], Neighbours]) -> None:
        index, vectors = empty(), some_vectors(40)
        index.add(np.arange(40), vectors)
        assert index.delete(np.arange(0, 60, 2)) == 20
        assert index.delete(ids_of(0, 2, 2)) == 0
        assert len(index) == 20
        for k in (1, 20, 1_000):
            found, _ = index.search(vectors, k)
            assert not np.any((found >= 0) & (found % 2 == 0))
        assert not np.any(index.vectors(np.arange(0, 40, 2)))
        index.add(ids_of(0), vectors[:1])
        assert index.search(vectors[:1], 1)[0].tolist() == [[0]]

    def test_only_allowed_ids_are_returned(self, empty: Callable[[], Neighbours]) -> None:
        index, vectors = empty(), some_vectors(60)
        index.add(np.arange(60), vectors)
        index.delete(ids_of(9))
        for allowed in (ids_of(), ids_of(3), ids_of(9), ids_of(3, 9, 44, 1_000), np.arange(30), np.arange(500)):
            found, _ = index.search(vectors[:4], 70, allowed=allowed)
            right = [id for id in allowed.tolist() if id < 60 and id != 9]
            assert [sorted(row[row >= 0].tolist()) for row in found] == [right] * 4

    def test_a_filter_nobody_can_write_to_stays_true(self, empty: Callable[[], Neighbours]) -> None:
        index, vectors = empty(), some_vectors(30)
        index.add(np.arange(20), vectors[:20])
        allowed = np.arange(5, 25)
        allowed.setflags(write=False)
        assert set(index.search(vectors[:1], 30, allowed=allowed)[0][0].tolist()) == {*range(5, 20), -1}
        index.delete(ids_of(7))
        index.add(np.arange(20, 30), vectors[20:])
        assert set(index.search(vectors[:1], 30, allowed=allowed)[0][0].tolist()) == {*range(5, 25), -1} - {7}

    def test_vectors_are_given_back(self, empty: Callable[[], Neighbours]) -> None:
        index, vectors = empty(), some_vectors(10)
        index.add(np.arange(10), vectors)
        kept = index.vectors(ids_of(3, 77, 3, 0))
        assert kept.dtype == np.float32
        assert np.allclose(kept, vectors[[3, 3, 3, 0]] * [[1], [0], [1], [1]], atol=NEAR)

    def test_what_is_not_vectors_is_refused_and_changes_nothing(self, empty: Callable[[], Neighbours]) -> None:
        index, vectors = empty(), some_vectors(2)
        broken = vectors.copy()
        broken[1, 3] = np.nan
        endless = vectors.copy()
        endless[0, 0] = np.inf
        words = np.array([["a"] * DIMENSION] * 2)
        for wrong in (vectors[:1], vectors[:, 1:], vectors[0], broken, endless, vectors * 3, words):
            with pytest.raises(BadRequest):
                index.add(np.arange(2), wrong)
        for ids in (ids_of(-1, 2), np.array([0.5, 1]), np.arange(2)[None]):
            with pytest.raises(BadRequest):
                index.add(ids, vectors)
        for query in (broken, vectors[0], vectors[:, 1:]):
            with pytest.raises(BadRequest):
                index.search(query, 3)
        with pytest.raises(BadRequest):
            index.search(vectors, -1)
        index.add(ids_of(), vectors[:0])
        assert index.delete(ids_of()) == 0
        assert len(index) == 0

    def test_it_agrees_with_every_vector_compared(self, empty: Callable[[], Neighbours]) -> None:
        index, vectors = empty(), some_vectors(3_000, seed=1)
        for at in range(0, 3_000, 250):
            index.add(np.arange(at, at + 250), vectors[at : at + 250])
        asked = vectors[::100]
        right = np.argsort(-(asked @ vectors.T), axis=1)[:, :50]
        assert overlap(index.search(asked, 50)[0], right) > 0.97
        allowed = np.arange(0, 3_000, 3)
        right = allowed[np.argsort(-(asked @ vectors[allowed].T), axis=1)[:, :50]]
        assert overlap(index.search(asked, 50, allowed=allowed)[0], right) > 0.97

    def test_searches_run_beside_writes(self, empty: Callable[[], Neighbours]) -> None:
        """An id that is only ever replaced is found once by every search; one deleted before, by none."""
        index, vectors = empty(), some_vectors(1_000)
        index.add(np.arange(1_000), vectors)
        index.delete(np.arange(500, 600))
        over = threading.Event()
        wrong: list[str] = []

        def look() -> None:
            while not over.is_set():
                found = index.search(vectors[:1], 2_000)[0][0].tolist()
                if found.count(0) != 1:
                    wrong.append(f"found {found.count(0)} times")
                if any(500 <= id < 600 for id in found):
                    wrong.append("a deleted one was found")

        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for turn in range(60):
            index.add(np.arange(20), vectors[turn : turn + 20])
            index.add(np.arange(1_000 + 10 * turn, 1_010 + 10 * turn), vectors[:10])
        over.set()
        for thread in threads:
            thread.join()
        assert not wrong
        assert len(index) == 1_500


# Crashes


def vector_of(id: int, version: int) -> "Vectors":
    """What the victim adds under an id."""
    return some_vectors(1, seed=id * 1_000 + version)


def crash(folder: Path, rounds: int, *, seed: int = 0, longest_s: float = 1.0) -> tuple[int, list[str]]:
    """``rounds`` times: let a process write, kill it at any moment, and look. How many writes were acknowledged, and what was wrong."""
    chance = random.Random(seed)
    wrong: list[str] = []
    known: dict[int, set[int]] = {}
    acknowledged = 0
    for number in range(rounds):
        lines = _victim(folder, seed * 1_000 + number, chance.uniform(0.0, longest_s))
        for word, *rest in lines:
            first, last, version = map(int, rest)
            acknowledged += word == "did"
            for id in range(first, last):
                known[id] = {version} if word == "did" else known.get(id, {0}) | {version}
        index = open_index(folder, DIMENSION, SHORT if number % 3 else SMALL)
        if index.damaged:
            wrong.append(index.damaged)
        kept = index.vectors(np.arange(200))
        for id in range(200):
            held = [version for version in known.get(id, {0}) if _is(kept[id], id, version)]
            if not held:
                wrong.append(f"round {number}: {id} is none of {known.get(id)}")
            known[id] = set(held)
        there = np.flatnonzero(np.any(kept != 0, axis=1))
        if len(index) != len(there):
            wrong.append(f"round {number}: {len(index)} rows, {len(there)} known")
        found = index.search(some_vectors(1), 300)[0][0]
        if sorted(found[found >= 0].tolist()) != there.tolist():
            wrong.append(f"round {number}: a search finds {int((found >= 0).sum())} of {len(there)}")
        index.close()
    return acknowledged, wrong


def _is(kept: "Vectors", id: int, version: int) -> bool:
    return bool(np.allclose(kept, vector_of(id, version)[0] if version else 0, atol=NEAR))


def _victim(folder: Path, seed: int, seconds: float) -> list[list[str]]:
    command = [sys.executable, "-m", "segue.testing.neighbours", str(folder), str(seed)]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert victim.stdout is not None
    said = b""
    try:
        while not said:  # it has begun
            select.select([victim.stdout], [], [], 60)
            said += os.read(victim.stdout.fileno(), 1 << 16)
        threading.Timer(seconds, victim.kill).start()
        said += victim.stdout.read()
    finally:
        victim.kill()
        victim.wait()
    return [line.decode().split() for line in said[: said.rfind(b"\n") + 1].splitlines()]


def _live(folder: Path, seed: int) -> None:
    options = Options(merge_rows=60, plan=Plan(flat_rows=120, measured_k=10), memory_bytes=0 if seed % 2 else None)
    index = open_index(folder, DIMENSION, options)
    chance = random.Random(seed)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        first = chance.randrange(0, 180)
        last = first + chance.randrange(1, 20)
        version = chance.randrange(1, 900) if chance.random() < 0.7 else 0
        os.write(1, f"will {first} {last} {version}\n".encode())
        ids = np.arange(first, last)
        if version:
            index.add(ids, np.concatenate([vector_of(id, version) for id in range(first, last)]))
        else:
            index.delete(ids)
        os.write(1, f"did {first} {last} {version}\n".encode())


if __name__ == "__main__":
    _live(Path(sys.argv[1]), int(sys.argv[2]))
