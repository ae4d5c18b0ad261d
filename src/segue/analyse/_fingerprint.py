"""Are two recordings the same? Raw chromaprint fingerprints compared: 32 bits for each 0.1238 s, the bits of two encodings of one sound
mostly alike, those of two sounds like thrown coins."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

SECONDS_PER_ITEM = 1365 / 11025
SAME = 0.5
"""From this similarity on two fingerprints are of one recording; see ``docs/analysis.md`` for the error rates."""
_MOST_OFFSET = round(20 / SECONDS_PER_ITEM)
_LEAST_OVERLAP = round(5 / SECONDS_PER_ITEM)
_KEY_BITS = 20
_KEYS = 48


def similarity(a: bytes, b: bytes) -> float:
    """1 for equal sound, about 0 for other sound: 1 - 2 × the share of differing bits where the two lie best upon one another, shifted
    by up to 20 s. Below 5 s of overlap nothing can be said: 0."""
    one, two = _items(a), _items(b)
    if min(one.size, two.size) < _LEAST_OVERLAP:
        return 0.0
    best = 0.0
    for offset in range(-_MOST_OFFSET, _MOST_OFFSET + 1):
        left, right = one[max(0, offset) :], two[max(0, -offset) :]
        n = min(left.size, right.size)
        if n >= _LEAST_OVERLAP and n * 2 >= min(one.size, two.size):
            wrong = int(np.bitwise_count(left[:n] ^ right[:n]).sum()) / (32 * n)
            best = max(best, 1 - 2 * wrong)
    return best


def keys(fingerprint: bytes) -> frozenset[int]:
    """A few numbers that another encoding of the same sound shares some of, and another sound hardly any: the upper 20 bits of items,
    thinned by their hash so that the same ones are picked whatever the offset. At most 48."""
    items = np.unique(_items(fingerprint) >> np.uint32(32 - _KEY_BITS))
    order = np.argsort((items.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40), kind="stable")
    return frozenset(items[order[:_KEYS]].tolist())


def shared(a: Iterable[int], b: Iterable[int]) -> int:
    return len(set(a) & set(b))


def _items(fingerprint: bytes) -> NDArray[np.uint32]:
    return np.frombuffer(fingerprint[: len(fingerprint) & ~3], "<u4")
