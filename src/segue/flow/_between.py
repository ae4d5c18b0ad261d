"""Geometry of mixes on the unit sphere: seeds that stand for many, and the way from one point to another."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

_PLACED = 4.0
"""Worth of a place on the way that is filled, beside any similarity (-1..1): as many are filled as can be."""


def unit(vector: "Vectors") -> "Vectors":
    import numpy as np

    out: Vectors = (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)
    return out


def centres(vectors: "Vectors", most: int) -> "Vectors":
    """At most ``most`` unit vectors that stand for ``vectors`` (n, dimension), n > 0: spread out, each the middle of those near it."""
    import numpy as np

    if len(vectors) <= most:
        return vectors
    middle = unit(vectors.mean(axis=0))
    chosen = [int(np.argmax(vectors @ middle))]
    nearest = vectors @ vectors[chosen[0]]
    while len(chosen) < most:
        furthest = int(np.argmin(nearest))
        if nearest[furthest] > 1 - 1e-6:
            break
        chosen.append(furthest)
        nearest = np.maximum(nearest, vectors @ vectors[furthest])
    own = np.argmax(vectors @ vectors[chosen].T, axis=1)
    return np.stack([unit(vectors[own == part].mean(axis=0)) for part in range(len(chosen))])


def waypoints(start: "Vectors", end: "Vectors", n: int) -> "Vectors":
    """(n, dimension): evenly spaced on the great circle from ``start`` to ``end``, both left out; n > 0."""
    import numpy as np

    angle = math.acos(max(-1.0, min(1.0, float(start @ end))))
    shares = np.arange(1, n + 1, dtype=np.float64)[:, None] / (n + 1)
    if angle > math.pi - 1e-3:  # opposite: every great circle leads there; one of them is taken
        aside = np.eye(1, len(start), int(np.argmin(np.abs(start))))[0]
        aside = unit(aside - start * float(aside @ start))
        return (np.cos(shares * angle) * start + np.sin(shares * angle) * aside).astype(np.float32)
    if angle < 1e-6:
        return np.repeat(start[None], n, axis=0)
    points = (np.sin((1 - shares) * angle) * start + np.sin(shares * angle) * end) / math.sin(angle)
    return points.astype(np.float32)


def progress(vectors: "Vectors", start: "Vectors", end: "Vectors") -> "NDArray[np.float64]":
    """How far on the way each is: 0 at the start, 1 at the end, the share that the angle to the start has of both angles."""
    import numpy as np

    from_start = np.arccos(np.clip(vectors @ start, -1, 1)).astype(np.float64)
    from_end = np.arccos(np.clip(vectors @ end, -1, 1)).astype(np.float64)
    share: NDArray[np.float64] = from_start / np.maximum(from_start + from_end, 1e-9)
    return share


def monotone(points: "Vectors", vectors: "Vectors", along: "NDArray[np.float64]") -> list[int]:
    """One of ``vectors`` for each of ``points``, no two the same, each further ``along`` than the one before: as many as can be, and of
    those choices the one most similar in sum. Places among ``vectors``, in order."""
    import numpy as np

    if not len(vectors) or not len(points):
        return []
    order = np.argsort(along, kind="stable")
    worth = (points @ vectors[order].T).astype(np.float64) + _PLACED
    best = np.zeros((len(points) + 1, len(order) + 1))
    for row, gains in enumerate(worth, start=1):
        best[row, 1:] = np.maximum(best[row - 1, 1:], best[row - 1, :-1] + gains)
        best[row] = np.maximum.accumulate(best[row])
    chosen: list[int] = []
    row, column = len(points), len(order)
    while row and column:
        if best[row, column] == best[row, column - 1]:
            column -= 1
        elif best[row, column] == best[row - 1, column]:
            row -= 1
        else:
            chosen.append(int(order[column - 1]))
            row, column = row - 1, column - 1
    return chosen[::-1]


def shares(gaps: Sequence[float], total: int) -> list[int]:
    """``total`` dealt out over ``gaps`` in proportion to their width, by largest remainder."""
    width = sum(gaps)
    exact = [total * gap / width if width > 0 else total / len(gaps) for gap in gaps] if gaps else []
    out = [int(one) for one in exact]
    for place in sorted(range(len(exact)), key=lambda place: out[place] - exact[place])[: total - sum(out)]:
        out[place] += 1
    return out
