"""The fresh tier: rows in the order they came, all compared at each search."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segue.index._codes import Codec, kill

if TYPE_CHECKING:
    from segue.index._codes import Codes
    from segue.ports import Ids, Vectors


class Fresh:
    """One writer at a time; any number of searches beside it."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.count = 0
        """Rows, dead ones too."""
        self._ids = np.empty(256, np.int64)
        self._codes = np.empty((256, codec.dimension), np.float16)
        self._row: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._row)

    def add(self, ids: "Ids", codes: "Codes") -> None:
        """Ids that are not here."""
        n = self.count + len(ids)
        if n > len(self._ids):
            room = max(n, len(self._ids) * 3 // 2)
            grown_ids = np.empty(room, np.int64)
            grown = np.empty((room, self._codec.dimension), np.float16)
            grown_ids[: self.count], grown[: self.count] = self._ids[: self.count], self._codes[: self.count]
            self._ids, self._codes = grown_ids, grown
        self._ids[self.count : n], self._codes[self.count : n] = ids, codes
        self._row.update(zip(ids.tolist(), range(self.count, n), strict=True))
        self.count = n

    def kill(self, ids: "Ids") -> "Ids":
        """Those that were here."""
        if not self._row:
            return ids[:0]
        rows = [self._row.pop(id, -1) for id in ids.tolist()]
        at = np.array(rows, np.int64)
        there = at >= 0
        kill(self._codes, at[there])
        return ids[there]

    def rows(self) -> "tuple[Ids, Codes]":
        """All, dead ones too."""
        n = self.count
        return self._ids[:n], self._codes[:n]

    def vectors(self, ids: "Ids", into: "Vectors") -> None:
        wanted = [(place, row) for place, id in enumerate(ids.tolist()) if (row := self._row.get(id, -1)) >= 0]
        if wanted:
            places, rows = np.array(wanted, np.int64).T
            into[places] = self._codec.decode(self._codes[rows])

    def best(self, query: "Vectors", k: int, above: float, chosen: "NDArray[np.int64] | None") -> "tuple[Ids, Vectors]":
        """``chosen``: the only rows to compare."""
        ids, codes = self.rows()
        if chosen is None:
            at, similarities = self._codec.best(codes, query, k, above)
            return ids[at], similarities
        at, similarities = self._codec.best(codes.take(chosen, 0), query, k, above)
        return ids[chosen[at]], similarities

    def chosen(self, allowed: "Ids") -> NDArray[np.int64]:
        """The rows whose ids are allowed."""
        n = self.count
        if len(allowed) * 8 < n:
            rows = [row for id in allowed.tolist() if (row := self._row.get(id, -1)) >= 0]
            return np.unique(np.array(rows, np.int64))
        return np.flatnonzero(np.isin(self._ids[:n], allowed))
