"""Embeddings -> a plane: every vector a point, alike beside alike, for a map that people look at.

A neighbour graph laid out by attraction along its edges and repulsion between random pairs, as UMAP does (McInnes, Healy & Melville 2018,
section 3.2; curve parameters for a minimal distance of 0.1), begun from the first two principal components. Differences: edges are weighted
by rank alone, and all edges move together, once an epoch, with a step that shrinks to nothing. Deterministic.

As a program (``python -m segue.index.plane IN OUT``, both ``.npy``) it runs beside the server, at the lowest priority.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_NEIGHBOURS = 12
_A, _B = 1.577, 0.895
"""Of the curve 1 / (1 + a d^2b): UMAP's own fit for min_dist 0.1."""
_REPULSIONS = 4
"""Random pairs for each edge, by each epoch."""
_MOST_EDGES = 4_000_000_000
"""Edges times epochs: what bounds the time, some ten minutes. A guess."""
_EXACT = 20_000
"""Up to here neighbours are found by comparing all with all."""


def plane(vectors: Floats, seed: int = 0) -> Floats:
    """``vectors``: (n, d) float32, unit length. Returns (n, 2) float32, -1..1, centred; none for none."""
    n = len(vectors)
    if n < 4:
        return np.array([[np.cos(turn), np.sin(turn)] for turn in np.arange(n) * 2.1], dtype=np.float32).reshape(n, 2) * np.float32(0.5)
    drawn = np.random.default_rng(seed)
    neighbours = _neighbours(vectors, min(_NEIGHBOURS, n - 1))
    k = neighbours.shape[1]
    source = np.repeat(np.arange(n), k)
    target = neighbours.ravel()
    weight = np.tile((1.0 / (1.0 + np.arange(k))).astype(np.float32) * 0.5 + 0.5, n)
    points = _start(vectors, drawn)
    epochs = int(np.clip(_MOST_EDGES // (n * k * (1 + _REPULSIONS)), 40, 400))
    for epoch in range(epochs):
        step = np.float32(1.0 - epoch / epochs)
        apart = points[source] - points[target]
        far = np.einsum("ij,ij->i", apart, apart) + np.float32(1e-6)
        pull = (-2 * _A * _B * far ** (_B - 1) / (1 + _A * far**_B) * weight).astype(np.float32)
        moved = np.clip(apart * pull[:, None], -4, 4)
        change = _gathered(source, moved, n) - _gathered(target, moved, n)
        for _ in range(_REPULSIONS):
            other = drawn.integers(0, n, n)
            apart = points - points[other]
            far = np.einsum("ij,ij->i", apart, apart) + np.float32(1e-3)
            push = (2 * _B / (far * (1 + _A * far**_B))).astype(np.float32)
            change += np.clip(apart * push[:, None], -4, 4) * np.float32(k / _REPULSIONS / 2)
        points += np.clip(change * (step * np.float32(0.1)), -2, 2)
    return _framed(points)


def place(near: Floats, similarity: Floats) -> Floats:
    """A newcomer among those it is like: ``near`` (k, 2) their points, ``similarity`` (k,). Returns (2,)."""
    weight = np.maximum(similarity, 0) ** 8 + np.float32(1e-9)
    spot: Floats = (near * weight[:, None]).sum(axis=0) / weight.sum()
    return spot


def _start(vectors: Floats, drawn: np.random.Generator) -> Floats:
    some = vectors if len(vectors) <= 20_000 else vectors[drawn.choice(len(vectors), 20_000, replace=False)]
    middle = some.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((some - middle).T.astype(np.float64)))
    flat = (vectors - middle) @ axes[:, -2:][:, ::-1].astype(np.float32)
    flat = flat / np.maximum(np.abs(flat).max(axis=0), 1e-6) * 10
    start: Floats = (flat + drawn.normal(0, 1e-2, flat.shape)).astype(np.float32)
    return start


def _neighbours(vectors: Floats, k: int) -> NDArray[np.int64]:
    import faiss

    faiss.omp_set_num_threads(1)
    n, d = vectors.shape
    if n <= _EXACT:
        index: Any = faiss.IndexFlatIP(d)
    else:
        lists = int(4 * np.sqrt(n))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(d), d, lists, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors[:: max(1, n // (lists * 40))])
        index.nprobe = 16
    index.add(vectors)
    _, found = index.search(vectors, k + 1)
    own = np.arange(n)[:, None]
    order = np.argsort(found == own, axis=1, kind="stable")  # oneself last, and then cut off
    kept = np.take_along_axis(found, order, axis=1)[:, :k]
    return np.where(kept < 0, own, kept)


def _gathered(at: NDArray[np.int64], moved: Floats, n: int) -> Floats:
    return np.stack([np.bincount(at, moved[:, axis], n) for axis in range(2)], axis=1).astype(np.float32)


def _framed(points: Floats) -> Floats:
    """Into -1..1 by one scale, stragglers drawn in."""
    points = points - np.median(points, axis=0).astype(np.float32)
    scale = np.float32(max(1e-6, np.quantile(np.abs(points), 0.995)))
    framed: Floats = np.clip(points / scale * np.float32(0.95), -1, 1).astype(np.float32)
    return framed


def main() -> None:
    os.nice(19)
    source, target = map(Path, sys.argv[1:3])
    np.save(target, plane(np.load(source, allow_pickle=False)))


if __name__ == "__main__":
    main()
