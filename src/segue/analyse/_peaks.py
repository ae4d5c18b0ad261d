"""Peaks of the samples as the file has them: of each channel, between samples (ITU-R BS.1770-5, annex 2), and where they are cut off."""

import struct

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_PART_FRAMES = 1 << 15
_HEADER_BYTES = 1 << 12
_FULL = 32_766.5 / 32_768
"""What rounds to full scale in 16 bits."""
_REACH = 16
"""Samples on each side that a value between samples is computed from."""
_ABOVE = 1.42
"""How much higher than the sample beside it a peak may be and is still found: of a sine, at most the square root of 2."""


class Peaks:
    """A WAV stream of float32 in, peaks out. Some megabytes, whatever its length.

    Values between samples, three or (from 50 kHz) one, are computed about local maxima alone, and only where they may be the highest yet.
    """

    def __init__(self) -> None:
        self.channels: NDArray[np.float32] = np.zeros(0, np.float32)
        """The greatest absolute value of each channel; empty until samples have come."""
        self.between = 0.0
        """The greatest of all channels between samples, or at one."""
        self._frames = self._cut = 0
        self._arrived = bytearray()
        self._kernels: Array | None = None
        self._tail: Array | None = None

    @property
    def clipped(self) -> float:
        """The share of samples of the first channel at full scale within runs of three and more."""
        return self._cut / self._frames if self._frames else 0.0

    def feed(self, data: bytes) -> None:
        """Call :meth:`end` after the last."""
        self._arrived += data
        if not len(self.channels) and not self._begin():
            del self._arrived[_HEADER_BYTES:]  # of what has no header nothing more is kept
            return
        size = 4 * len(self.channels) * _PART_FRAMES
        whole = len(self._arrived) // size * size
        for at in range(0, whole, size):  # always the same parts, for what is searched goes by the parts before
            self._take(self._arrived[at : at + size])
        del self._arrived[:whole]

    def end(self) -> None:
        """Nothing more comes."""
        if len(self.channels):
            width = 4 * len(self.channels)
            self._take(self._arrived[: len(self._arrived) // width * width])
            if self._tail is not None:  # the last samples, as if silence followed
                last = np.pad(self._tail, ((0, 0), (0, _REACH)))
                self._search(last, np.abs(last))

    def _begin(self) -> bool:
        """Whether the header has come, and been taken off."""
        head = bytes(self._arrived[:_HEADER_BYTES])
        at, channels, rate = 12, 0, 0
        while at + 8 <= len(head):
            name, size = struct.unpack_from("<4sI", head, at)
            if name == b"fmt " and at + 16 <= len(head):
                channels, rate = struct.unpack_from("<HI", head, at + 10)
            if name == b"data" and channels:
                del self._arrived[: at + 8]
                self.channels = np.zeros(channels, np.float32)
                self._kernels = _kernels(4 if rate < 50_000 else 2 if rate < 100_000 else 1)
                return True
            at += 8 + size + size % 2
        return False

    def _take(self, data: bytearray) -> None:
        channels = len(self.channels)
        part = np.frombuffer(data, "<f4").reshape(-1, channels)
        if not len(part):
            return
        before = self._tail if self._tail is not None else np.zeros((channels, _REACH), np.float32)
        joined = np.concatenate([before, part.T], axis=1)
        sizes = np.abs(joined)
        self.channels = np.maximum(self.channels, sizes[:, before.shape[1] :].max(axis=1))
        self.between = max(self.between, float(self.channels.max()))
        self._count_cut(sizes[0, before.shape[1] :])
        self._search(joined, sizes)
        self._tail = joined[:, -2 * _REACH :]

    def _count_cut(self, size: Array) -> None:
        self._frames += len(size)
        if len(size) < 3 or not self.channels[0] >= _FULL:
            return
        full = size >= _FULL
        inner = full[:-2] & full[1:-1] & full[2:]
        flat = np.zeros(len(size), np.bool_)
        for shift in range(3):
            flat[shift : len(size) - 2 + shift] |= inner
        self._cut += int(flat.sum())

    def _search(self, samples: Array, sizes: Array) -> None:
        """Between samples, but for the first and last ``_REACH`` of each channel."""
        if self._kernels is None or samples.shape[1] <= 2 * _REACH:
            return
        for y, size in zip(samples, sizes, strict=True):
            high = np.flatnonzero(size[_REACH:-_REACH] > self.between / _ABOVE) + _REACH
            high = high[(size[high] >= size[high - 1]) & (size[high] >= size[high + 1])]
            if len(high):
                around = np.lib.stride_tricks.sliding_window_view(y, 2 * _REACH + 1)[high - _REACH]
                self.between = max(self.between, float(np.abs(around @ self._kernels).max()))


def _kernels(times: int) -> Array | None:
    """(samples, phases) to interpolate at each 1/``times`` of a sample before and behind the middle one; None where none lies between."""
    phases = np.array([phase / times for phase in range(1 - times, times) if phase])
    if not len(phases):
        return None
    distance = np.arange(-_REACH, _REACH + 1)[:, None] - phases
    window = np.i0(6 * np.sqrt(np.maximum(0, 1 - (distance / (_REACH + 1)) ** 2))) / np.i0(6)
    return np.asarray(np.sinc(distance) * window, np.float32)
