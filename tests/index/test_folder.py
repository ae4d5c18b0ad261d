"""What only a folder can do wrong: torn and damaged files, builds refused, data of a new kind."""

import resource
import shutil
from pathlib import Path

import numpy as np
import pytest

from segue.errors import Conflict, Unavailable
from segue.index import Options, Plan, open_index
from segue.testing.neighbours import DIMENSION, SMALL, ids_of, overlap, some_vectors

NEVER = Options(merge_rows=1 << 60, plan=Plan(flat_rows=600, measured_k=50))


def nearest(vectors: np.ndarray, asked: np.ndarray, k: int = 50) -> np.ndarray:
    return np.argsort(-(asked @ vectors.T), axis=1)[:, :k]


def test_a_journal_cut_anywhere_opens_with_what_is_whole(tmp_path: Path) -> None:
    index = open_index(tmp_path / "a", DIMENSION, NEVER)
    index.add(np.arange(5), some_vectors(5))
    index.add(np.arange(5, 8), some_vectors(3))
    index.close()
    journal = tmp_path / "a" / "journal-00000001"
    whole = journal.read_bytes()
    for length in {*range(0, len(whole), 13), len(whole) - 1}:
        journal.write_bytes(whole[:length])
        index = open_index(tmp_path / "a", DIMENSION, NEVER)
        assert index.damaged is None
        assert len(index) in (0, 5)
        index.add(ids_of(100), some_vectors(1))
        index.close()
        index = open_index(tmp_path / "a", DIMENSION, NEVER)
        assert 100 in index.search(some_vectors(1), 10)[0]
        index.close()


def test_a_journal_damaged_in_its_middle_is_told_of(tmp_path: Path) -> None:
    index = open_index(tmp_path, DIMENSION, NEVER)
    for at in range(3):
        index.add(ids_of(at), some_vectors(1))
    index.close()
    journal = tmp_path / "journal-00000001"
    raw = bytearray(journal.read_bytes())
    raw[40] ^= 1
    journal.write_bytes(raw)
    index = open_index(tmp_path, DIMENSION, NEVER)
    assert index.damaged is not None
    index.add(np.arange(3), some_vectors(3))
    index.close()
    index = open_index(tmp_path, DIMENSION, NEVER)
    assert index.damaged is not None
    assert len(index) == 3
    index.merge()
    index.rebuilt()
    index.close()
    index = open_index(tmp_path, DIMENSION, NEVER)
    assert (index.damaged, len(index)) == (None, 3)
    index.close()


@pytest.mark.parametrize("how", ["flipped", "cut", "gone", "manifest", "no manifest"])
def test_a_damaged_main_file_is_told_of_and_what_came_after_it_is_there(tmp_path: Path, how: str) -> None:
    vectors = some_vectors(1_000)
    index = open_index(tmp_path, DIMENSION, NEVER)
    index.add(np.arange(1_000), vectors)
    index.merge()
    index.add(ids_of(2_000), vectors[:1])
    index.close()
    main = next(tmp_path.glob("main-*"))
    raw = bytearray(main.read_bytes())
    if how == "gone":
        main.unlink()
    elif how == "cut":
        main.write_bytes(raw[:-1])
    elif how == "flipped":
        raw[5_000] ^= 4
        main.write_bytes(raw)
    elif how == "manifest":
        (tmp_path / "manifest.json").write_bytes(b"\0" * 300)
    else:
        (tmp_path / "manifest.json").unlink()
    for _ in range(2):  # it is not forgotten
        index = open_index(tmp_path, DIMENSION, NEVER)
        assert index.damaged
        assert index.search(vectors[:1], 3)[0].tolist() == [[2_000, -1, -1]]
        index.close()
    index = open_index(tmp_path, DIMENSION, NEVER)
    index.add(np.arange(1_000), vectors)
    index.rebuilt()
    index.merge()
    index.close()
    index = open_index(tmp_path, DIMENSION, NEVER)
    assert index.damaged is None
    assert len(index) == 1_001
    index.close()


def test_a_build_below_the_floor_is_refused_and_the_old_tier_serves(tmp_path: Path) -> None:
    vectors = some_vectors(1_500)
    options = Options(merge_rows=1 << 60, plan=Plan(flat_rows=600, measured_k=50, floor=1.01))
    index = open_index(tmp_path, DIMENSION, options)
    index.add(np.arange(500), vectors[:500])
    index.merge()
    index.add(np.arange(500, 1_500), vectors[500:])
    index.delete(np.arange(100))
    index.merge()
    assert index.refused
    for _ in range(2):
        assert len(index) == 1_400
        found, _ = index.search(vectors[::50], 50)
        assert overlap(found, nearest(vectors[100:], vectors[::50]) + 100) > 0.99
        index.close()
        index = open_index(tmp_path, DIMENSION, options)
        assert index.damaged is None
    index.close()
    index = open_index(tmp_path, DIMENSION, NEVER)
    index.merge()
    assert (index.refused, len(index), index.status().fresh) == (None, 1_400, 0)
    index.close()


def test_vectors_of_an_unseen_kind_are_found_at_the_floor(tmp_path: Path) -> None:
    """The lists were learnt on a quarter of the directions; what comes then is of all the others."""
    chance = np.random.default_rng(4)
    old, new = (chance.standard_normal((4_000, DIMENSION)) for _ in range(2))
    old[:, 4:] *= 0.05
    new[:, :4] *= 0.05
    vectors = np.concatenate([rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (old, new)]).astype(np.float32)
    index = open_index(tmp_path, DIMENSION, NEVER)
    index.add(np.arange(4_000), vectors[:4_000])
    index.merge()
    assert index.status().lists > 1
    index.add(np.arange(4_000, 8_000), vectors[4_000:])
    index.merge()
    assert index.refused is None
    for part in (slice(0, 4_000, 40), slice(4_000, 8_000, 40)):
        assert overlap(index.search(vectors[part], 50)[0], nearest(vectors, vectors[part])) > 0.965
    index.close()


def test_filters_hold_their_recall_over_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from segue.index import _tier

    monkeypatch.setattr(_tier, "GATHER_ROWS", 100)  # so that lists are probed at this size
    vectors = some_vectors(12_000, seed=8)
    index = open_index(tmp_path, DIMENSION, NEVER)
    index.add(np.arange(12_000), vectors)
    index.merge()
    assert index.status().lists > 1
    asked = vectors[::200]
    alike = np.sort(np.argsort(-(vectors @ vectors[0]))[:6_000])
    for allowed in (np.arange(0, 12_000, 2), np.arange(0, 12_000, 20), alike):
        for writeable in (True, False):
            allowed.setflags(write=writeable)
            found, _ = index.search(asked, 50, allowed=allowed)
            assert overlap(found, allowed[nearest(vectors[allowed], asked)]) > 0.97
            assert np.isin(found, allowed).all()
    index.close()


def test_deleted_rows_never_return_from_lists(tmp_path: Path) -> None:
    vectors = some_vectors(3_000)
    index = open_index(tmp_path, DIMENSION, NEVER)
    index.add(np.arange(3_000), vectors)
    index.merge()
    gone = np.argsort(-(vectors @ vectors[0]))[:1_500]
    assert index.delete(gone) == 1_500
    for k in (10, 1_500, 5_000):
        found, _ = index.search(vectors[:3], k)
        assert not np.isin(found, gone).any()
        assert np.all((found >= 0).sum(axis=1) == min(k, 1_500))
    index.merge()
    assert (len(index), index.status().dead) == (1_500, 0)
    index.close()


def test_what_a_crash_left_aside_is_cleared_away(tmp_path: Path) -> None:
    index = open_index(tmp_path, DIMENSION, SMALL)
    index.add(np.arange(10), some_vectors(10))
    index.merge()
    index.close()
    for name in ("main-00000099.tmp", "manifest.json.tmp", "main-00000077", "journal-00000000"):
        shutil.copy(tmp_path / "manifest.json", tmp_path / name)
    index = open_index(tmp_path, DIMENSION, SMALL)
    assert (len(index), index.damaged) == (10, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal-00000002", "lock", "main-00000002", "manifest.json"]
    index.close()


def test_another_dimension_and_a_second_owner_are_refused(tmp_path: Path) -> None:
    index = open_index(tmp_path, DIMENSION)
    with pytest.raises(Unavailable):
        open_index(tmp_path, DIMENSION)
    index.close()
    with pytest.raises(Conflict):
        open_index(tmp_path, DIMENSION + 1)
    with pytest.raises(Unavailable):
        index.add(ids_of(1), some_vectors(1))
    open_index(tmp_path, DIMENSION).close()


def test_a_write_cut_short_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """As on a full disk: the file may grow by ten bytes only."""
    index = open_index(tmp_path, DIMENSION)
    index.add(ids_of(1), some_vectors(1))
    size = (tmp_path / "journal-00000001").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
    try:
        with pytest.raises(Unavailable):
            index.add(ids_of(2), some_vectors(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(index) == 1
    index.add(ids_of(3), some_vectors(1))
    index.close()
    index = open_index(tmp_path, DIMENSION)
    assert index.damaged is None
    assert np.flatnonzero(index.vectors(np.arange(5))[:, 0]).tolist() == [1, 3]
    index.close()
