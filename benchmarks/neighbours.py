"""Neighbours at 100,000 and a million vectors of 64 numbers, k = 1,000: one JSON line a figure.

    python benchmarks/neighbours.py [--rows N] [--flat N] [--queries N] [--data PLAYS.parquet] [--no-peers] [--ten-million]

Vectors: with ``--data``, items learnt from plays (truncated SVD of the square root of how often two tracks share a session, weighted
against chance), each copied to the number asked for with jitter of half the distance to its 20th neighbour; without, a mixture of
2,000 clusters of power-law sizes, each on a plane of 12 dimensions of its own, with a mean all share, as popularity gives. Queries are
such vectors, held out. One core: searches by one thread; peers are told the same. ``cpu_`` figures are processor time of the searching
thread, for machines that do other work. Aims are in docs/benchmarks.md.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from segue.index import Options, open_index

D, K = 64, 1_000
ONE_CORE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
NEVER = Options(merge_rows=1 << 60)
SHORT = Options(merge_rows=1 << 60, memory_bytes=0)


def main() -> None:
    if any(os.environ.get(name) != "1" for name in ONE_CORE):  # read when numpy and Faiss are loaded
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **dict.fromkeys(ONE_CORE, "1")})
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", 1_000_000), ("flat", 100_000), ("queries", 300)):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--data", type=Path)
    options.add_argument("--no-peers", action="store_true")
    options.add_argument("--ten-million", action="store_true")
    asked = options.parse_args()
    make = Maker(asked.data)
    say("vectors", made="learnt from plays" if asked.data else "mixture", dimension=D, k=K)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        exact(folder / "flat", make, asked.flat, asked.queries)
        large(folder / "large", make, asked.rows, asked.queries, peers=not asked.no_peers)
        if asked.ten_million:
            index, rows = built(folder / "ten", make, 10_000_000)
            plain(index, rows, make(asked.queries, 3), "10,000,000")
            index.close()
        index, rows = built(folder / "short", make, asked.rows, SHORT)
        plain(index, rows, make(asked.queries, 3), "short of memory")
        index.close()


class Maker:
    """Makes vectors of one world: ``make(n, seed, kind)``; ``kind`` 1 is of clusters that kind 0 never has."""

    def __init__(self, data: Path | None) -> None:
        chance = np.random.default_rng(7)
        self.items = learnt(data) if data else None
        if self.items is not None:
            self.groups = grouped(self.items, 40)
            near = np.sort(self.items @ self.items.T, axis=1)[:, -21]
            self.jitter = 0.5 * np.sqrt(np.maximum(0, 2 - 2 * near)) / np.sqrt(D)
            return
        self.common = chance.standard_normal(D)
        self.centres = chance.standard_normal((2_000, D)) * (np.arange(1, D + 1) ** -0.4)
        self.planes = chance.standard_normal((2_000, 12, D)) * (np.arange(1, 13) ** -0.5)[:, None] / 3
        self.sizes = np.arange(1, 2_001) ** -0.7

    def __call__(self, n: int, seed: int, kind: int = 0) -> np.ndarray:
        chance = np.random.default_rng(seed)
        parts = [self._some(min(100_000, n - at), chance, kind) for at in range(0, n, 100_000)]
        return np.concatenate(parts)

    def _some(self, n: int, chance: np.random.Generator, kind: int) -> np.ndarray:
        if self.items is not None:
            pool = np.flatnonzero((self.groups >= 36) == bool(kind))
            item = chance.choice(pool, n)
            rows = self.items[item] + chance.standard_normal((n, D)) * self.jitter[item][:, None]
        else:
            pool = np.arange(1_800) if kind == 0 else np.arange(1_800, 2_000)
            part = np.sort(chance.choice(pool, n, p=self.sizes[pool] / self.sizes[pool].sum()))
            rows = chance.standard_normal((n, D)) * 0.08 + self.centres[part] + 0.7 * self.common
            starts = np.searchsorted(part, pool)
            for cluster, first, last in zip(pool, starts, [*starts[1:], n], strict=True):
                rows[first:last] += chance.standard_normal((last - first, 12)) @ self.planes[cluster]
            chance.shuffle(rows)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def learnt(path: Path) -> np.ndarray:
    """Item vectors from sessions: positive pointwise mutual information, reduced by a randomised truncated SVD."""
    from pyarrow import parquet

    table = parquet.read_table(path, columns=["session_id", "item_id"])
    _, session = np.unique(table["session_id"].to_numpy(), return_inverse=True)
    _, item = np.unique(table["item_id"].to_numpy(), return_inverse=True)
    n = int(item.max()) + 1
    together = np.zeros((n, n), np.float32)
    order = np.argsort(session, kind="stable")
    for of_one in np.split(item[order], np.flatnonzero(np.diff(session[order])) + 1):
        own = np.unique(of_one)[:200]
        together[np.ix_(own, own)] += 1
    np.fill_diagonal(together, 0)
    total = together.sum(axis=1) + 1
    scores = np.maximum(0, np.log(np.maximum(together, 1e-9) * total.sum() / np.outer(total, total) ** 0.75 / total.sum() ** 0.25))
    basis = np.random.default_rng(1).standard_normal((n, D + 16)).astype(np.float32)
    for _ in range(4):
        basis, _ = np.linalg.qr(scores @ (scores.T @ basis))
    left, values, _ = np.linalg.svd(basis.T @ scores, full_matrices=False)
    rows = (basis @ left)[:, :D] * np.sqrt(values[:D])
    rows = rows[np.linalg.norm(rows, axis=1) > 1e-6]
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def grouped(rows: np.ndarray, n: int) -> np.ndarray:
    import faiss

    means = faiss.Kmeans(D, n, niter=10, spherical=True, seed=1)
    means.train(rows)
    return means.index.search(rows, 1)[1][:, 0]


def built(folder: Path, make: Maker, n: int, how: Options = NEVER):
    """An index of n rows, merged; says how long that took."""
    rows = make(n, 1)
    index = open_index(folder, D, how)
    began = time.perf_counter()
    for at in range(0, n, 50_000):
        index.add(np.arange(at, min(n, at + 50_000)), rows[at : at + 50_000])
    added, worked = time.perf_counter(), time.process_time()
    index.merge()
    merged = time.perf_counter()
    now = index.status()
    spent = {"build_s": round(merged - added, 2), "build_cpu_s": round(time.process_time() - worked, 2), "add_s": round(added - began, 2)}
    lists = {"lists": now.lists, "probed": now.probed, "recall_at_build": round(now.recall, 4), "refused": index.refused}
    say("build", rows=n, **spent, bytes_a_vector=round(now.bytes / n, 1), **lists)
    return index, rows


def exact(folder: Path, make: Maker, n: int, queries: int) -> None:
    index, rows = built(folder, make, n)
    plain(index, rows, make(queries, 3), "exact")
    index.close()


def plain(index, rows: np.ndarray, asked: np.ndarray, what: str, **more: object) -> float:
    right = truth(rows, None, asked[:100])
    got = recall(lambda query: index.search(query[None], K)[0][0], asked[:100], right)
    say(what, rows=len(rows), recall=got, **spans(lambda query: index.search(query[None], K), asked), **more)
    return got


def truth(rows: np.ndarray, ids: np.ndarray | None, asked: np.ndarray) -> list[np.ndarray]:
    best = []
    for query in asked:
        scores = rows @ query
        top = np.argpartition(scores, len(scores) - K)[-K:]
        best.append(top if ids is None else ids[top])
    return best


def recall(search: Callable[[np.ndarray], np.ndarray], asked: np.ndarray, right: list[np.ndarray]) -> float:
    return round(float(np.mean([len(np.intersect1d(search(query), best)) / K for query, best in zip(asked, right, strict=True)])), 4)


def large(folder: Path, make: Maker, n: int, queries: int, *, peers: bool) -> None:
    index, rows = built(folder, make, n)
    asked = make(queries, 3)
    right = truth(rows, None, asked[:100])
    reached = plain(index, rows, asked, "large")
    chance = np.random.default_rng(5)
    direction = make(1, 9)[0]
    for share in (0.5, 0.05, 0.005):
        side = np.argsort(-(rows @ direction))[: int(share * n)]  # alike, as a genre is: the hardest
        for kind, picked in (("random", chance.choice(n, int(share * n), replace=False)), ("alike", side)):
            allowed = np.sort(picked).astype(np.int64)
            allowed.setflags(write=False)
            among(index, rows, allowed, asked, share=share, kind=kind)
    if peers:
        against(rows, asked, right, reached)
    fresh = make(50_000, 11)
    ids = np.arange(n, n + len(fresh))
    for at in range(0, len(fresh), 1_000):
        index.add(ids[at : at + 1_000], fresh[at : at + 1_000])
    dead = chance.choice(n, 20_000, replace=False)
    index.delete(dead)
    gone = np.zeros(n + len(fresh), bool)
    gone[dead] = True
    every = np.concatenate([rows, fresh])
    left = np.flatnonzero(~gone)
    got = recall(lambda query: index.search(query[None], K)[0][0], asked[:60], truth(every[left], left, asked[:60]))
    say("large, 50,000 fresh, 20,000 deleted", rows=n, recall=got, **spans(lambda query: index.search(query[None], K), asked))
    del every
    freshness(index, make, n + 100_000)
    churn(index, make, n)
    index.close()


def among(index, rows: np.ndarray, allowed: np.ndarray, asked: np.ndarray, **what: object) -> None:
    right = truth(rows[allowed], allowed, asked[:60])
    writeable = allowed.copy()
    got = recall(lambda query: index.search(query[None], K, allowed=allowed)[0][0], asked[:60], right)
    said = spans(lambda query: index.search(query[None], K, allowed=allowed), asked)
    new = spans(lambda query: index.search(query[None], K, allowed=writeable), asked[:40])["p50_ms"]
    say("filtered", recall=got, **what, **said, p50_ms_new_filter=new)


def against(rows: np.ndarray, asked: np.ndarray, right: list[np.ndarray], floor: float) -> None:
    """Peers, each at the first setting whose recall is no lower, or the last."""
    for name, make in (("hnswlib", hnswlib), ("voyager", voyager), ("scann", scann)):
        try:
            importlib.import_module(name)
        except ImportError as error:
            say("peer", name=name, skipped=str(error))
            continue
        before, began = resident(), time.perf_counter()
        settings, tune = make(rows)
        took, size = time.perf_counter() - began, (resident() - before) / len(rows)
        for setting in settings:
            search = tune(setting)
            got = recall(search, asked[:60], right[:60])
            if got >= floor - 0.002 or setting == settings[-1]:
                build = {"build_s": round(took, 1), "bytes_a_vector": round(size)}
                say("peer", name=name, rows=len(rows), setting=setting, recall=got, **build, **spans(search, asked))
                break
        del search, tune


def hnswlib(rows: np.ndarray):
    import hnswlib

    index = hnswlib.Index("ip", D)
    index.init_index(len(rows), M=16, ef_construction=100)
    index.add_items(rows, num_threads=1)

    def tune(ef: int) -> Callable[[np.ndarray], np.ndarray]:
        index.set_ef(ef)
        return lambda query: index.knn_query(query, K, num_threads=1)[0][0].astype(np.int64)

    return (1_000, 1_500, 2_500, 4_000), tune


def voyager(rows: np.ndarray):
    import voyager

    index = voyager.Index(voyager.Space.InnerProduct, D, M=16, ef_construction=100)
    index.add_items(rows, num_threads=1)
    return (1_000, 1_500, 2_500, 4_000), lambda ef: lambda query: index.query(query, K, query_ef=ef)[0].astype(np.int64)


def scann(rows: np.ndarray):
    import scann

    builder = scann.scann_ops_pybind.builder(rows, K, "dot_product").set_n_training_threads(1)
    leaves = int(len(rows) ** 0.5)
    index = builder.tree(leaves, 10, training_sample_size=50_000).score_ah(2, anisotropic_quantization_threshold=0.2).reorder(3_000).build()

    def tune(probed: int) -> Callable[[np.ndarray], np.ndarray]:
        return lambda query: index.search(query, K, pre_reorder_num_neighbors=3_000, leaves_to_search=probed)[0].astype(np.int64)

    return tuple(int(leaves * share) for share in (0.02, 0.03, 0.05, 0.08, 0.12, 0.2)), tune


def freshness(index, make: Maker, first: int) -> None:
    """1,000 vectors a second in batches of 20; after each, is the last found by the very next query?"""
    rows = make(5_000, 21)
    waits, missed = [], 0
    over = threading.Event()
    beside: list[float] = []

    def look() -> None:
        while not over.is_set():
            began = time.perf_counter()
            index.search(rows[:1], K)
            beside.append((time.perf_counter() - began) * 1000)
            time.sleep(0.02)

    thread = threading.Thread(target=look)
    thread.start()
    start = time.perf_counter()
    for turn in range(250):
        at = turn * 20
        time.sleep(max(0.0, start + turn * 0.02 - time.perf_counter()))
        began = time.perf_counter()
        index.add(np.arange(first + at, first + at + 20), rows[at : at + 20])
        found = index.search(rows[at + 19 : at + 20], K)[0][0]
        waits.append((time.perf_counter() - began) * 1000)
        missed += first + at + 19 not in found
    over.set()
    thread.join()
    say("freshness", per_s=round(5_000 / (time.perf_counter() - start)), missed=missed, p50_ms=at_percent(waits, 50),
        p99_ms=at_percent(waits, 99), beside_p50_ms=at_percent(beside, 50), beside_p99_ms=at_percent(beside, 99))  # fmt: skip


def churn(index, make: Maker, n: int) -> None:
    """A fifth replaced, and merged; by the same kind, then by a kind the lists never saw."""
    for kind, name in ((0, "same"), (1, "unseen")):
        fifth = np.random.default_rng(30 + kind).choice(n, n // 5, replace=False)
        rows = make(len(fifth), 40 + kind, kind)
        for at in range(0, len(fifth), 20_000):
            index.add(fifth[at : at + 20_000], rows[at : at + 20_000])
        began = time.perf_counter()
        index.merge()
        took = time.perf_counter() - began
        held = np.arange(n + 50_000)
        kept = index.vectors(held)
        there = np.flatnonzero(np.any(kept != 0, axis=1))
        kept = kept[there]
        for of, asked in (("old", make(60, 50)), ("new", make(60, 51, kind))):
            got = recall(lambda query: index.search(query[None], K)[0][0], asked, truth(kept, held[there], asked))
            now = index.status()
            say(
                "churn",
                kind=name,
                queries=of,
                recall=got,
                merge_s=round(took, 2),
                lists=now.lists,
                probed=now.probed,
                refused=index.refused,
            )


def spans(search: Callable[[np.ndarray], object], asked: np.ndarray) -> dict[str, float]:
    for query in asked[:10]:
        search(query)
    ms, cpu = [], []
    for query in asked:
        began, worked = time.perf_counter(), time.thread_time()
        search(query)
        ms.append((time.perf_counter() - began) * 1000)
        cpu.append((time.thread_time() - worked) * 1000)
    return {
        "p50_ms": at_percent(ms, 50),
        "p99_ms": at_percent(ms, 99),
        "cpu_p50_ms": at_percent(cpu, 50),
        "cpu_p99_ms": at_percent(cpu, 99),
    }


def at_percent(ms: list[float], percent: int) -> float:
    return round(float(np.percentile(ms, percent)), 3)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "neighbours", "what": what, **figures}), flush=True)


if __name__ == "__main__":
    main()
