"""Samples as they arrive, kept so that memory is bounded by windows and never by length."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from segue.analyse._record import SAMPLE_RATE_HZ
from segue.analyse._window import Window

WINDOW_S = 60
WHOLE_S = 300
"""Up to here a track is one window."""
PEAKS = 800
STRETCHES_BYTES = 80 << 20
"""For everything held at other rates than :data:`~segue.analyse.SAMPLE_RATE_HZ`."""
_BLOCK = WINDOW_S * SAMPLE_RATE_HZ
_MOST_BLOCKS = 16
_PART_BYTES = 1 << 18
_FINEST = 64  # samples under one peak at first; doubled as often as needed
_MOST_PEAKS = 16 * PEAKS


class Samples:
    """Mono float32 samples in, windows and waveform out, whatever the length turns out to be.

    Blocks of 60 s are kept on a grid whose step doubles whenever more than 16 are held, beside the last two: some 70 MB at most.
    """

    def __init__(self) -> None:
        self.total = 0
        self.not_finite = 0
        self.peak = 0.0
        self._sum = 0.0
        self._block = np.empty(_BLOCK, np.float32)
        self._filled = 0
        self._last: NDArray[np.float32] | None = None
        self._kept: dict[int, NDArray[np.float32]] = {}
        self._step = 1
        self._arrived = bytearray()
        self._peaks = _Peaks()

    @property
    def duration_s(self) -> float:
        return self.total / SAMPLE_RATE_HZ

    @property
    def mean(self) -> float:
        return self._sum / self.total if self.total else 0.0

    def feed(self, data: bytes) -> None:
        """Little-endian float32; a sample may be cut anywhere. Taken in by the quarter of a megabyte: call :meth:`end` after the last."""
        self._arrived += data
        if len(self._arrived) >= _PART_BYTES:
            self._take()

    def end(self) -> None:
        """Nothing more comes."""
        self._take()

    def _take(self) -> None:
        whole = len(self._arrived) & ~3
        part = np.frombuffer(bytes(self._arrived[:whole]), "<f4")
        del self._arrived[:whole]
        if not part.size:
            return
        finite = np.isfinite(part)
        if not finite.all():
            self.not_finite += int(part.size - finite.sum())
            part = np.where(finite, part, np.float32(0))
        part = np.clip(part, -1, 1).astype(np.float32, copy=False)
        self.total += part.size
        self._sum += float(part.sum(dtype=np.float64))
        self._peaks.feed(part)
        self.peak = max(self.peak, float(np.abs(part).max()))
        while part.size:
            n = min(part.size, _BLOCK - self._filled)
            self._block[self._filled : self._filled + n] = part[:n]
            self._filled += n
            part = part[n:]
            if self._filled == _BLOCK:
                self._commit(self.total // _BLOCK - 1 if not part.size else (self.total - part.size) // _BLOCK - 1)

    def windows(self) -> tuple[Window, ...]:
        """The whole of up to 5 minutes; of longer tracks the first 60 s, three of 60 s evenly between (each begins at the grid's step
        before its ideal place) and the last 60 s."""
        tail = self._block[: self._filled]
        if self.total <= WHOLE_S * SAMPLE_RATE_HZ:
            blocks = [self._kept[number] for number in sorted(self._kept)]
            return (Window(0.0, np.concatenate([*blocks, tail])),)
        last_start = self.total - _BLOCK
        between = [(last_start * part // 4) // (self._step * _BLOCK) * self._step for part in (1, 2, 3)]
        assert self._last is not None
        last = np.concatenate([self._last[self._filled :], tail])
        kept = [Window(float(number * WINDOW_S), self._kept[number]) for number in (0, *between)]
        return (*kept, Window(last_start / SAMPLE_RATE_HZ, last))

    def waveform(self) -> bytes:
        """Up to 800 peaks of equal stretches, 0..255."""
        return self._peaks.done()

    def _commit(self, number: int) -> None:
        self._last = self._block
        if number % self._step == 0:
            self._kept[number] = self._block
            if len(self._kept) > _MOST_BLOCKS:
                self._step *= 2
                self._kept = {n: block for n, block in self._kept.items() if n % self._step == 0}
        self._block, self._filled = np.empty(_BLOCK, np.float32), 0


class Stretches:
    """Mono float32 samples at one rate in, stretches of one length out, spread over the file whatever its length turns out to be.

    At most ``2 * most`` are held, and one more: a grid of them, whose step doubles when it is full. What is too much for
    :data:`STRETCHES_BYTES` is held in fewer.
    """

    def __init__(self, length: int, most: int, rate_hz: int, budget_bytes: int) -> None:
        self._length, self._rate_hz = length, rate_hz
        self._most = max(1, min(most, budget_bytes // (8 * length) - 1))
        self._block = np.empty(length, np.float32)
        self._filled = self._number = 0
        self._step = 1
        self._kept: dict[int, NDArray[np.float32]] = {}

    def feed(self, part: NDArray[np.float32]) -> None:
        while part.size:
            n = min(part.size, self._length - self._filled)
            self._block[self._filled : self._filled + n] = part[:n]
            self._filled += n
            part = part[n:]
            if self._filled == self._length:
                self._commit()

    def windows(self) -> tuple[Window, ...]:
        """All of a file that was short enough; stretches of ``length`` of any other."""
        if self._step == 1:
            whole = [*self._kept.values(), self._block[: self._filled]]
            return (Window(0.0, np.concatenate(whole)),)
        return tuple(Window(number * self._length / self._rate_hz, block) for number, block in self._kept.items())

    def _commit(self) -> None:
        if self._number % self._step == 0:
            self._kept[self._number] = self._block
            if len(self._kept) > 2 * self._most:
                self._step *= 2
                self._kept = {n: block for n, block in self._kept.items() if n % self._step == 0}
            self._block = np.empty(self._length, np.float32)
        self._number += 1
        self._filled = 0


class Further:
    """What arrives at one rate, as stretches of each length asked for."""

    def __init__(self, rate_hz: int, lengths: Mapping[int, int], budget_bytes: int) -> None:
        """``lengths``: samples -> how many stretches of them."""
        share = budget_bytes // len(lengths)
        self.rate_hz = rate_hz
        self._of = {length: Stretches(length, most, rate_hz, share) for length, most in lengths.items()}
        self._arrived = bytearray()

    def feed(self, data: bytes) -> None:
        """Little-endian float32, cut anywhere; :meth:`windows` after the last."""
        self._arrived += data
        if len(self._arrived) >= _PART_BYTES:
            self._take()

    def windows(self) -> dict[int, tuple[Window, ...]]:
        """By length."""
        self._take()
        return {length: stretches.windows() for length, stretches in self._of.items()}

    def _take(self) -> None:
        whole = len(self._arrived) & ~3
        part = np.frombuffer(bytes(self._arrived[:whole]), "<f4")
        del self._arrived[:whole]
        part = np.clip(np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0), -1, 1)
        for stretches in self._of.values():
            stretches.feed(part)


class _Peaks:
    def __init__(self) -> None:
        self._width = _FINEST
        self._peaks = np.zeros(_MOST_PEAKS, np.float32)
        self._count = 0
        self._rest = np.empty(0, np.float32)

    def feed(self, part: NDArray[np.float32]) -> None:
        part = np.concatenate([self._rest, np.abs(part)])
        while part.size >= self._width:
            if self._count == _MOST_PEAKS:
                self._count //= 2
                self._peaks[: self._count] = self._peaks.reshape(-1, 2).max(axis=1)
                self._width *= 2
                continue
            n = min(part.size // self._width, _MOST_PEAKS - self._count)
            self._peaks[self._count : self._count + n] = part[: n * self._width].reshape(n, self._width).max(axis=1)
            self._count += n
            part = part[n * self._width :]
        self._rest = part.copy()

    def done(self) -> bytes:
        peaks = self._peaks[: self._count]
        if self._rest.size:
            peaks = np.append(peaks, self._rest.max())
        if not peaks.size:
            return b""
        if peaks.size > PEAKS:
            peaks = np.maximum.reduceat(peaks, np.arange(PEAKS) * peaks.size // PEAKS)
        return bytes(np.rint(np.minimum(peaks, 1) * 255).astype(np.uint8))
