"""The main tier where memory is short: 8-bit codes in memory are scanned, the best of them compared anew by the half-precision rows, and
those lie in a mapped file that the system may forget and read again."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import faiss
import numpy as np
from numpy.typing import NDArray

from segue.index._codes import BLOCK, Codec, empty_lists
from segue.index._tier import Lists, Tier

if TYPE_CHECKING:
    from segue.index._codes import Codes
    from segue.ports import Ids, Vectors

_CGROUP = Path("/sys/fs/cgroup")


def free_bytes() -> int:
    """What this process may still take of memory: of the machine's, or of its control group's where that is less."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
        most, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return free if most == "max" else min(free, int(most) - int(used))
    except (OSError, ValueError):
        return free


@dataclass(frozen=True)
class Room:
    """Where a merge lays rows: in memory, or in files of ``folder`` that nobody else sees."""

    folder: Path | None = None

    def rows(self, n: int, dimension: int) -> "Codes":
        if self.folder is None or not n:
            return np.empty((n, dimension), np.float16)
        with tempfile.TemporaryFile(dir=self.folder) as file:
            os.posix_fallocate(file.fileno(), 0, n * dimension * 2)  # a full disk is told here, not by a signal later
            return np.memmap(file, np.float16, "r+", shape=(n, dimension))

    @property
    def tier(self) -> type[Tier]:
        return Tier if self.folder is None else MappedTier


class MappedTier(Tier):
    """Of many lists. ``codes`` are never written to: dead rows are told by a mask."""

    def _prepare(self) -> None:
        self._dead = np.zeros(len(self.codes), np.bool_)
        self._small = SmallLists(self.codec, self.codes, self.offsets)

    def bytes(self) -> int:
        return super().bytes() - self.codes.nbytes + self._small.codes.nbytes + self._dead.nbytes

    def alive(self, rows: "NDArray[np.int64] | slice" = slice(None)) -> NDArray[np.bool_]:
        return ~self._dead[rows]

    def _bury(self, rows: "NDArray[np.int64]") -> None:
        self._dead[rows] = True

    def _probe(self, query: "Vectors", k: int, parts: "NDArray[np.int64]") -> "tuple[NDArray[np.int64], Vectors]":
        wide = k + k // 4 + 64
        while True:
            candidates = self._small.best(query, wide, parts)
            rows, similarities = self._gathered(query, k, np.sort(candidates))
            if len(rows) >= k or len(candidates) < wide:
                return rows, similarities
            wide *= 2  # many of the nearest are dead

    def _gathered(self, query: "Vectors", k: int, rows: "NDArray[np.int64]") -> "tuple[NDArray[np.int64], Vectors]":
        return super()._gathered(query, k, rows[self.alive(rows)])


class SmallLists:
    """Lists of rows in one byte a number, each number between the least and the greatest of its place."""

    def __init__(self, codec: Codec, codes: "Codes", offsets: "NDArray[np.int64]") -> None:
        blocks = [slice(at, at + BLOCK) for at in range(0, len(codes), BLOCK)]
        ends = np.array([[part.min(0), part.max(0)] for part in (codes[block] for block in blocks)], np.float32)
        ends = np.stack([ends[:, 0].min(0), ends[:, 1].max(0)])
        index = empty_lists(codec.dimension, len(offsets) - 1, faiss.ScalarQuantizer.QT_8bit)
        index.sq.train(ends)
        self.codes = np.empty((len(codes), codec.dimension), np.uint8)
        for block in blocks:
            self.codes[block] = index.sq.compute_codes(codec.decode(codes[block]))
        self._lists = Lists(self.codes, offsets, index)

    def best(self, query: "Vectors", k: int, parts: "NDArray[np.int64]") -> "Ids":
        return self._lists.best(query, k, parts)[0]
