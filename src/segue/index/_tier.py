"""The main tier: rows of codes that lie list by list, and the lists' centres. With one list it is flat, and exact.

The rows of all lists are one array. Faiss scans it where it lies: its class for lists in a mapped file is given our array as the map.
"""

import ctypes
import weakref
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np
from numpy.typing import NDArray

from segue.index._codes import Codec, empty_lists, kill, live

if TYPE_CHECKING:
    from segue.index._codes import Codes
    from segue.ports import Ids, Vectors

GATHER_ROWS = 50_000
GATHER_SHARE = 0.02
_REMEMBERED = 8


@dataclass(frozen=True)
class Probes:
    """How many lists to probe to find the ``depth`` nearest rows: measured when the tier was built."""

    depths: tuple[int, ...] = ()
    lists: tuple[int, ...] = ()
    recall: float = 1.0
    """Measured by real searches of the tier as built, at ``measured_k``."""
    measured_k: int = 0

    def to_find(self, depth: float, of: int) -> int:
        if not self.depths or depth > self.depths[-1]:
            return of
        return min(of, max(1, int(np.ceil(np.interp(depth, self.depths, self.lists)))))


@dataclass(frozen=True, eq=False)
class Chosen:
    """The rows a filter allows, in order, and where those of each list begin."""

    rows: "NDArray[np.int64]"
    starts: "NDArray[np.int64]"


@dataclass(eq=False)
class Tier:
    codec: Codec
    ids: "Ids"
    """Of each row."""
    codes: "Codes"
    offsets: "NDArray[np.int64]"
    """Where each list begins; one more at the end."""
    centres: "Vectors"
    probes: Probes = Probes()
    trained_on: int = 0
    """Rows when the centres were learnt."""
    live: int = field(init=False)

    def __post_init__(self) -> None:
        order = np.argsort(self.ids, kind="stable")
        self._sorted = self.ids[order]
        self._row = order.astype(np.uint32)
        rank = np.empty(len(order), np.uint32)
        rank[order] = np.arange(len(order), dtype=np.uint32)
        self._rank = rank
        self.ids = self._sorted[:0]  # told by the two above, in half the room
        self._prepare()
        self.live = int(self.alive().sum())
        self._filters: dict[int, tuple[weakref.ref[Any], Chosen]] = {}

    def _prepare(self) -> None:
        lists = self.lists
        self._scan = Lists(self.codes, self.offsets, empty_lists(self.codec.dimension, lists)) if lists > 1 else None

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def lists(self) -> int:
        return len(self.offsets) - 1

    def bytes(self) -> int:
        """In memory."""
        arrays = (self.codes, self._sorted, self._row, self._rank, self.offsets, self.centres)
        return sum(array.nbytes for array in arrays)

    def ids_of(self, rows: "NDArray[np.int64]") -> "Ids":
        found: Ids = self._sorted[self._rank[rows]]
        return found

    def all_ids(self) -> "Ids":
        """In the order of the rows."""
        return self.ids_of(np.arange(len(self)))

    def find(self, ids: "Ids") -> "NDArray[np.int64]":
        """The row of each id, -1 where there is none; dead rows too."""
        if not len(self):
            return np.full(len(ids), -1, np.int64)
        at = np.minimum(np.searchsorted(self._sorted, ids), len(self) - 1)
        return np.where(self._sorted[at] == ids, self._row[at].astype(np.int64), -1)

    def alive(self, rows: "NDArray[np.int64] | slice" = slice(None)) -> NDArray[np.bool_]:
        return live(self.codes[rows])

    def _bury(self, rows: "NDArray[np.int64]") -> None:
        kill(self.codes, rows)

    def kill(self, ids: "Ids") -> "Ids":
        """Those that were here, and alive."""
        rows = self.find(ids)
        there = rows >= 0
        there[there] = self.alive(rows[there])
        self._bury(rows[there])
        self.live -= int(there.sum())
        return ids[there]

    def vectors(self, ids: "Ids", into: "Vectors") -> None:
        rows = self.find(ids)
        there = np.flatnonzero(rows >= 0)
        there = there[self.alive(rows[there])]
        into[there] = self.codec.decode(self.codes[rows[there]])

    def chosen(self, allowed: "Ids") -> Chosen:
        """Remembered for arrays nobody can write to."""
        kept = self._filters.get(id(allowed))
        if kept is not None and kept[0]() is allowed:
            return kept[1]
        if len(allowed) * 16 < len(self):
            rows = np.unique(self.find(allowed))
            rows = rows[np.searchsorted(rows, 0) :]
        else:
            mask = np.zeros(len(self), np.bool_)
            mask[self._row[np.isin(self._sorted, allowed)]] = True
            rows = np.flatnonzero(mask)
        chosen = Chosen(rows, np.searchsorted(rows, self.offsets))
        if not allowed.flags.writeable and allowed.base is None:
            filters = dict(list(self._filters.items())[1 - _REMEMBERED :])
            filters[id(allowed)] = (weakref.ref(allowed), chosen)
            self._filters = filters
        return chosen

    def best(self, query: "Vectors", k: int, chosen: Chosen | None) -> "tuple[Ids, Vectors]":
        rows, similarities = self._best(query, k, chosen)
        return self.ids_of(rows), similarities

    def exact(self, query: "Vectors", k: int) -> "tuple[Ids, Vectors]":
        """Every row compared. Of a tier as built: none is dead."""
        rows, similarities = self.codec.best(self.codes, query, k)
        return self.ids_of(rows), similarities

    def _probe(self, query: "Vectors", k: int, parts: "NDArray[np.int64]") -> "tuple[NDArray[np.int64], Vectors]":
        assert self._scan is not None
        return self._scan.best(query, k, parts)

    def _best(self, query: "Vectors", k: int, chosen: Chosen | None) -> "tuple[NDArray[np.int64], Vectors]":
        if chosen is not None:
            return self._best_of(query, k, chosen)
        if self.lists == 1:
            return self.codec.best(self.codes, query, k)
        near = self.centres @ query
        probes = self.probes.to_find(k, self.lists)
        rows, similarities = self._probe(query, k, first(near, probes))
        if len(rows) < min(k, self.live) and probes < self.lists:
            return self._probe(query, k, np.arange(self.lists))
        return rows, similarities

    def _best_of(self, query: "Vectors", k: int, chosen: Chosen) -> "tuple[NDArray[np.int64], Vectors]":
        """An exact scan of what is allowed where that is little. Else lists are probed by nearness: as many as find ``k`` allowed rows
        at the depth the filter's share asks for, or its share around the query where that is smaller; but for the latter no more than
        bring as many allowed rows as a search without a filter compares."""
        n = len(chosen.rows)
        if self.lists == 1 or n <= max(GATHER_ROWS, GATHER_SHARE * len(self)):
            return self._gathered(query, k, chosen.rows)
        near = self.centres @ query
        order = np.argsort(-near)
        seen = np.cumsum((chosen.starts[1:] - chosen.starts[:-1])[order])
        plain = self.probes.to_find(k, self.lists)
        deep = self.probes.to_find(k * len(self) / n, self.lists)
        enough = int(np.searchsorted(seen, _ENOUGH * plain * len(self) / self.lists)) + 1
        compared = self.offsets[order[:plain] + 1] - self.offsets[order[:plain]]
        about_here = self.probes.to_find(
            k * compared.sum() / max(1, int(seen[plain - 1])), self.lists
        )  # fewer may be allowed near the query
        enough = min(enough, about_here)
        while True:
            probes = min(self.lists, max(deep, enough))
            parts = np.sort(order[:probes])
            rows = np.concatenate([chosen.rows[chosen.starts[part] : chosen.starts[part + 1]] for part in parts])
            found, similarities = self._gathered(query, k, rows)
            if len(found) >= min(k, n) or probes == self.lists:
                return found, similarities
            enough = 2 * probes

    def _gathered(self, query: "Vectors", k: int, rows: "NDArray[np.int64]") -> "tuple[NDArray[np.int64], Vectors]":
        at, similarities = self.codec.best(self.codes.take(rows, 0), query, k)
        return rows[at], similarities


_ENOUGH = 1.2
"""Of the rows that a search without a filter compares: measured on filters that allow one side of all vectors."""


def first(near: "Vectors", n: int) -> "NDArray[np.int64]":
    """The nearest lists."""
    if n >= len(near):
        return np.arange(len(near))
    return np.argpartition(near, len(near) - n)[len(near) - n :]


class Lists:
    """Faiss's search of the given lists in one call (one that lets other threads run), over memory that is ours."""

    def __init__(self, codes: "NDArray[Any]", offsets: "NDArray[np.int64]", index: Any) -> None:
        """``index`` is empty, of as many lists, and of the kind of the codes."""
        lists = len(offsets) - 1
        size = codes.shape[1] * codes.itemsize
        self._codes = codes
        self._offsets = offsets[:-1]
        self._index = index
        held: Any = faiss.OnDiskInvertedLists()
        held.thisown = False  # its destructor would unmap our memory
        self._held = held
        held.nlist, held.code_size, held.prefetch_nthread, held.read_only = lists, size, 0, True
        held.lists.resize(lists)
        sizes = np.diff(offsets)
        # size, capacity, offset of each list, as C++ has them
        table = np.stack([sizes, sizes, offsets[:-1] * size], axis=1).astype(np.uint64)
        ctypes.memmove(int(held.lists.data().this), table.ctypes.data, table.nbytes)
        held.ptr, held.totsize = faiss.swig_ptr(codes.view(np.uint8)), codes.nbytes
        self._index.replace_invlists(held, False)
        for part in (0, lists // 2, lists - 1):
            if held.list_size(part) != sizes[part]:
                raise RuntimeError("This Faiss lays lists out in another way.")

    def best(self, query: "Vectors", k: int, parts: "NDArray[np.int64]") -> "tuple[NDArray[np.int64], Vectors]":
        k = min(k, len(self._codes))
        parts = np.ascontiguousarray(parts, np.int64)
        near = np.zeros(len(parts), np.float32)
        similarities = np.empty(k, np.float32)
        found = np.empty(k, np.int64)
        how: Any = faiss.SearchParametersIVF()
        how.nprobe = len(parts)
        pointer = faiss.swig_ptr
        self._index.search_preassigned_c(
            1, pointer(query), k, pointer(parts), pointer(near), pointer(similarities), pointer(found), True, how, None
        )
        there = found >= 0
        found = found[there]
        return self._offsets[found >> 32] + (found & 0xFFFFFFFF), similarities[there]

    def __del__(self) -> None:
        held = getattr(self, "_held", None)
        if held is not None:
            held.ptr = None
            held.thisown = True


def spans(offsets: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """The list of each row."""
    return np.repeat(np.arange(len(offsets) - 1), [b - a for a, b in pairwise(offsets.tolist())])
