"""Vectors as rows of half-precision numbers, and the nearest of such rows. All the Faiss there is, is here and in ``_tier``.

A dead row has NaN as its first number: its similarity is NaN, which no comparison finds larger than any other.
"""

import functools
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from segue.ports import Ids, Vectors

    Codes = NDArray[np.float16]

_SAMPLE = 16
BLOCK = 65_536
"""Rows taken at a time where all are taken."""
_DEAD = np.float16(np.nan)


class Codec:
    """Encodes, decodes and scans rows of one dimension. Any thread, each on one core."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._sq = faiss.ScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16)
        self._scanners = scanners(dimension)

    def encode(self, vectors: "Vectors") -> "Codes":
        if not len(vectors):
            return np.empty((0, self.dimension), np.float16)
        codes: Codes = self._sq.compute_codes(vectors).view(np.float16)
        return codes

    def decode(self, codes: "Codes") -> "Vectors":
        if not len(codes):
            return np.empty((0, self.dimension), np.float32)
        vectors: Vectors = self._sq.decode(np.ascontiguousarray(codes).view(np.uint8))
        return vectors

    def best(self, codes: "Codes", query: "Vectors", k: int, above: float = -np.inf) -> "tuple[Ids, Vectors]":
        """Positions and similarities of the at most ``k`` nearest live rows more similar than ``above``, in no order."""
        k = min(k, len(codes))
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if above == -np.inf and len(codes) > 4 * _SAMPLE * 64 and k * _SAMPLE < len(codes):
            sample = np.ascontiguousarray(codes[::_SAMPLE])
            wanted = k // _SAMPLE + 2 * int((k / _SAMPLE) ** 0.5) + 8
            _, similarities = self._scan(sample, query, wanted, above)
            if len(similarities) == wanted:  # a guess that spares the heap; checked below
                positions, similarities = self._scan(codes, query, k, float(similarities.min()))
                if len(positions) == k:
                    return positions, similarities
        return self._scan(codes, query, k, above)

    def _scan(self, codes: "Codes", query: "Vectors", k: int, above: float) -> "tuple[Ids, Vectors]":
        scanner = self._scanners.take()
        positions = np.full(k, -1, np.int64)
        similarities = np.full(k, above, np.float32)
        scanner.set_query(faiss.swig_ptr(query))
        scanner.set_list(0, 0.0)
        rows = faiss.swig_ptr(codes.view(np.uint8))
        scanner.scan_codes(len(codes), rows, None, faiss.swig_ptr(similarities), faiss.swig_ptr(positions), k)
        self._scanners.give(scanner)
        found = positions >= 0
        return positions[found], similarities[found]


class Scanners:
    """Faiss's scanners, as many as searches ever ran at once. They are kept as long as the process: Faiss gives them away unowned, and
    owning them afterwards upsets its count of what Python holds."""

    def __init__(self, dimension: int) -> None:
        self._none = empty_lists(dimension, 1)
        self._idle: list[Any] = []

    def take(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return self._none.get_InvertedListScanner(True, None, None)

    def give(self, scanner: Any) -> None:
        self._idle.append(scanner)


@functools.cache
def scanners(dimension: int) -> Scanners:
    return Scanners(dimension)


def empty_lists(dimension: int, lists: int, kind: int = faiss.ScalarQuantizer.QT_fp16) -> Any:
    """An index of inverted lists with nothing in them."""
    coarse = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFScalarQuantizer(coarse, dimension, lists, kind, faiss.METRIC_INNER_PRODUCT, False)
    index.is_trained = True
    return index


def one_core() -> None:
    """For this thread's Faiss only."""
    faiss.omp_set_num_threads(1)


def kill(codes: "Codes", rows: "Ids") -> None:
    codes[rows, 0] = _DEAD


def live(codes: "Codes") -> NDArray[np.bool_]:
    return ~np.isnan(codes[:, 0])
