"""Every vector compared with every query: the reference, and enough where vectors are few."""

import threading
from typing import TYPE_CHECKING

import numpy as np

from segue.index._check import batch_of, ids_of, k_of, vectors_of

if TYPE_CHECKING:
    from segue.ports import Ids, Vectors


class Exact:
    """In memory only; float32 as given. Each write makes a new array, so searches never see half of one."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._lock = threading.Lock()
        self._held: tuple[Ids, Vectors] = (np.empty(0, np.int64), np.empty((0, dimension), np.float32))

    def add(self, ids: "Ids", vectors: "Vectors") -> None:
        ids, vectors = batch_of(ids, vectors, self.dimension)
        with self._lock:
            had, rows = self._held
            keep = ~np.isin(had, ids)
            joined = np.concatenate([had[keep], ids])
            order = np.argsort(joined)
            self._held = joined[order], np.concatenate([rows[keep], vectors])[order]

    def delete(self, ids: "Ids") -> int:
        ids = ids_of(ids)
        with self._lock:
            had, rows = self._held
            keep = ~np.isin(had, ids)
            self._held = had[keep], rows[keep]
            return len(had) - int(keep.sum())

    def search(self, queries: "Vectors", k: int, *, allowed: "Ids | None" = None) -> "tuple[Ids, Vectors]":
        queries, k = vectors_of(queries, self.dimension), k_of(k)
        ids, rows = self._held
        if allowed is not None:
            keep = np.isin(ids, ids_of(allowed))
            ids, rows = ids[keep], rows[keep]
        found = np.full((len(queries), k), -1, np.int64)
        similarities = np.full((len(queries), k), -2, np.float32)
        n = min(k, len(ids))
        for number, query in enumerate(queries):
            scores = rows @ query
            best = np.argsort(-scores, kind="stable")[:n]
            found[number, :n], similarities[number, :n] = ids[best], scores[best]
        return found, similarities

    def vectors(self, ids: "Ids") -> "Vectors":
        ids = ids_of(ids)
        had, rows = self._held
        kept = np.zeros((len(ids), self.dimension), np.float32)
        if len(had):
            at = np.minimum(np.searchsorted(had, ids), len(had) - 1)
            there = had[at] == ids
            kept[there] = rows[at[there]]
        return kept

    def __len__(self) -> int:
        return len(self._held[0])

    def close(self) -> None:
        pass
