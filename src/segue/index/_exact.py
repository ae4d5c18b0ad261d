"""In memory, exact."""

import numpy as np
from numpy.typing import NDArray


class Exact:
    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._rows: dict[int, NDArray[np.float32]] = {}

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        self._rows |= dict(zip(ids.tolist(), vectors, strict=True))

    def delete(self, ids: NDArray[np.int64]) -> int:
        return sum(self._rows.pop(id, None) is not None for id in ids.tolist())

    def search(
        self, queries: NDArray[np.float32], k: int, *, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        known = np.array([id for id in self._rows if allowed is None or id in set(allowed.tolist())], dtype=np.int64)
        ids = np.full((len(queries), k), -1, np.int64)
        similarities = np.full((len(queries), k), -2, np.float32)
        if len(known):
            scores = queries @ np.array([self._rows[id] for id in known.tolist()]).T
            order = np.argsort(-scores, axis=1)[:, :k]
            ids[:, : order.shape[1]] = known[order]
            similarities[:, : order.shape[1]] = np.take_along_axis(scores, order, axis=1)
        return ids, similarities

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.array([self._rows.get(id, np.zeros(self.dimension)) for id in ids.tolist()], dtype=np.float32)

    def ids(self) -> NDArray[np.int64]:
        return np.array(list(self._rows), dtype=np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def close(self) -> None:
        self._rows.clear()
