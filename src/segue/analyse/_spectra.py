"""One short-time Fourier transform over the samples, and all that describes them, computed from it in blocks.

Frames are 128 ms long (2048 samples, Hann), one every 16 ms; what needs no such detail in time (pitch, tonality) is computed from the mean
of 8 frames. Levels are relative to the whole of what was heard, so that a gain changes nothing but ``level``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.analyse._record import SAMPLE_RATE_HZ
from segue.analyse._window import Window

Floats = NDArray[np.float32]
FRAME = 2048
HOP = 256
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP
COARSE = 8
"""Frames in one coarse frame (128 ms)."""
COARSE_RATE_HZ = FRAME_RATE_HZ / COARSE
BANDS = 40
FLOOR_DB = -80.0
SILENT = 1e-5
"""Root mean square, without the mean, below which there is no sound (-100 dBFS)."""
PITCHES = 120
"""Steps of an octave (10 cents) that peaks are sorted into before the tuning is known."""
LOW_BANDS, VOICE_BANDS = slice(0, 4), slice(5, 26)
"""Mel bands of kick and bass (30-250 Hz) and of the voice (about 300-3,400 Hz)."""

_BLOCK = 16 * COARSE
_LOW_HZ = 30.0
_LOUDEST = np.float32(1000)
"""Samples beyond (+60 dBFS) are held here, so that squares stay finite."""
_PEAK_BINS = slice(8, 280)
"""Where pitches are looked for: 62-2,190 Hz."""
_RISE = 3
"""Frames over which a rise in level counts as an onset."""
_HARMONICS, _DECAY = 5, 0.6
_AROUND, _CLEAR = 25, 1.6
"""A peak stands 7 dB (1.6 in natural logarithm of power) above the mean of the 25 bins (200 Hz) about it."""


@dataclass(frozen=True)
class Stretch:
    """The frames of one window within the arrays of :class:`Spectra`."""

    start_s: float
    frames: slice
    coarse: slice
    seconds: float


@dataclass(frozen=True)
class Spectra:
    """What one transform gives, all windows after one another. ``T`` frames, ``N`` coarse frames."""

    stretches: tuple[Stretch, ...]
    level: float
    """Root mean square of the samples, 0 where there is no sound; everything below is beside it."""
    seconds: float
    power_db: Floats
    """(T,) level of a frame, dB, not below :data:`FLOOR_DB`."""
    mel_db: Floats
    """(T, BANDS) the same in bands of equal pitch distance as heard, 30-8,000 Hz."""
    onset: Floats
    """(T,) how much the bands rise, mean dB."""
    onset_low: Floats
    """(T,) the same in the bands of kick and bass."""
    pitch: Floats
    """(N, PITCHES) strength of spectral peaks by pitch within the octave, from C at 440 Hz tuning."""
    flatness: Floats
    """(N,) 0 tone … 1 noise: geometric over arithmetic mean of the power spectrum."""
    tonal: Floats
    """(N,) share of the magnitude in 62-2,190 Hz that stands 7 dB above its surroundings."""
    tuning_cents: float
    chroma: Floats
    """(N, 12) strength of pitch classes, C first, tuned, overtones counted towards their fundamental."""

    @property
    def silent(self) -> bool:
        return self.level < SILENT


def spectra(windows: Sequence[Window]) -> Spectra:
    """Transform the windows once. Never raises for what samples hold: numbers that are none count as 0, silence gives a level of 0."""
    heard = [Window(window.start_s, _clean(window.y)) for window in windows if window.y.size]
    samples = sum(window.y.size for window in heard)
    energy = sum(float(np.dot(window.y, window.y)) for window in heard)
    level = float(np.sqrt(energy / samples)) if samples else 0.0
    gain = 1.0 / level if level >= SILENT else 0.0
    parts = [_transform(window.y, gain) for window in heard]
    stretches: list[Stretch] = []
    frame = coarse = 0
    for window, part in zip(heard, parts, strict=True):
        frames, rows = len(part.power_db), len(part.flatness)
        seconds = window.y.size / SAMPLE_RATE_HZ
        stretches.append(Stretch(window.start_s, slice(frame, frame + frames), slice(coarse, coarse + rows), seconds))
        frame, coarse = frame + frames, coarse + rows
    if not parts:
        parts = [_Part.empty()]
    pitch = np.concatenate([part.pitch for part in parts])
    tuning = _tuning(pitch)
    return Spectra(
        stretches=tuple(stretches),
        level=level if level >= SILENT else 0.0,
        seconds=samples / SAMPLE_RATE_HZ,
        power_db=np.concatenate([part.power_db for part in parts]),
        mel_db=np.concatenate([part.mel_db for part in parts]),
        onset=np.concatenate([_rise(part.mel_db) for part in parts]),
        onset_low=np.concatenate([_rise(part.mel_db[:, LOW_BANDS]) for part in parts]),
        pitch=pitch,
        flatness=np.concatenate([part.flatness for part in parts]),
        tonal=np.concatenate([part.tonal for part in parts]),
        tuning_cents=tuning,
        chroma=pitch @ _fold(tuning),
    )


def _clean(y: Floats) -> Floats:
    y = np.asarray(y, dtype=np.float32).ravel()
    if not np.isfinite(y.sum()) or np.abs(y).max(initial=0) > _LOUDEST:
        y = np.clip(np.nan_to_num(y, nan=0.0, posinf=0.0, neginf=0.0), -_LOUDEST, _LOUDEST)
    return np.asarray(y - np.float32(y.mean(dtype=np.float64)), dtype=np.float32)


@dataclass(frozen=True)
class _Part:
    power_db: Floats
    mel_db: Floats
    pitch: Floats
    flatness: Floats
    tonal: Floats

    @classmethod
    def empty(cls, frames: int = 0) -> "_Part":
        rows = -(-frames // COARSE)
        return cls(_blank(frames), _blank(frames, BANDS), _blank(rows, PITCHES), _blank(rows), _blank(rows))


def _blank(*shape: int) -> Floats:
    return np.zeros(shape, dtype=np.float32)


def _transform(y: Floats, gain: float) -> _Part:
    frames = 1 + y.size // HOP
    made = _Part.empty(frames)
    padded = np.zeros(((frames + COARSE) // COARSE * COARSE + COARSE) * HOP + FRAME, dtype=np.float32)
    padded[FRAME // 2 : FRAME // 2 + y.size] = y
    all_frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    taper = _TAPER * np.float32(gain)
    for first in range(0, frames, _BLOCK):
        count = min(_BLOCK, frames - first)
        rows = -(-count // COARSE)
        spectrum = np.fft.rfft(all_frames[first : first + rows * COARSE] * taper)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        here, coarse = slice(first, first + count), slice(first // COARSE, first // COARSE + rows)
        made.mel_db[here] = _db(power[:count] @ _MEL)
        made.power_db[here] = _db(power[:count, 3:].sum(axis=1))
        smooth = power.reshape(rows, COARSE, -1).mean(axis=1)
        _pitches(smooth[:, _PEAK_BINS], made.pitch[coarse], made.tonal[coarse])
        audible = smooth[:, 4:] + np.float32(1e-9)
        made.flatness[coarse] = np.exp(np.log(audible).mean(axis=1)) / audible.mean(axis=1)
    silent = made.power_db.reshape(-1) <= FLOOR_DB
    made.flatness[np.flatnonzero(silent[::COARSE])] = 0
    return made


def _db(power: Floats) -> Floats:
    return np.asarray(10 * np.log10(np.maximum(power, np.float32(10 ** (FLOOR_DB / 10)))), dtype=np.float32)


def _pitches(power: Floats, pitch: Floats, tonal: Floats) -> None:
    """Sort spectral peaks, located between bins by a parabola through the logarithm, into steps of the octave."""
    logs = np.log(power + np.float32(1e-12))
    left, middle, right = logs[:, :-2], logs[:, 1:-1], logs[:, 2:]
    loudest = logs.max(axis=1, keepdims=True)
    around = _smoothed(logs)
    clear = logs > around + _CLEAR
    peaks = (middle > left) & (middle >= right) & clear[:, 1:-1] & (middle > np.maximum(loudest - 9.2, np.log(_PEAK_FLOOR)))
    row, column = np.nonzero(peaks)
    a, b, c = left[row, column], middle[row, column], right[row, column]
    shift = 0.5 * (a - c) / np.minimum(a - 2 * b + c, np.float32(-1e-6))
    hz = (column + 1 + _PEAK_BINS.start + shift) * (SAMPLE_RATE_HZ / FRAME)
    step = np.rint(PITCHES * (np.log2(hz / 440.0) + 9 / 12)).astype(np.int64) % PITCHES
    # The square root of magnitude: the quiet notes of a chord count, the loud do not drown them.
    weight = np.exp(0.25 * (b - loudest[row, 0]))
    cells = np.bincount(row * PITCHES + step, weights=weight, minlength=pitch.size)
    share = np.exp(0.25 * (loudest[:, 0] - np.float32(np.log(_FULL))))
    pitch[:] = cells.reshape(pitch.shape) * np.minimum(share, 1)[:, None]
    magnitude = np.sqrt(power)
    total = magnitude.sum(axis=1)
    tonal[:] = np.where(total > 1e-4, (magnitude * clear).sum(axis=1) / np.maximum(total, 1e-4), 0)


def _smoothed(logs: Floats) -> Floats:
    """Mean over :data:`_AROUND` bins about each."""
    half = _AROUND // 2
    sums = np.cumsum(np.pad(logs, ((0, 0), (half + 1, half)), mode="reflect"), axis=1, dtype=np.float64)
    return np.asarray((sums[:, _AROUND:] - sums[:, :-_AROUND]) / _AROUND, dtype=np.float32)


def _rise(mel_db: Floats) -> Floats:
    """Half-wave rectified rise over :data:`_RISE` frames, mean over bands; what lies 50 dB below the whole is no onset."""
    made = np.zeros(len(mel_db), dtype=np.float32)
    if len(mel_db) > 2 * _RISE:
        heard = np.maximum(mel_db, np.float32(-60))
        np.maximum(heard[_RISE:] - heard[:-_RISE], 0).mean(axis=1, out=made[_RISE:])
        made[: 2 * _RISE] = 0
    return made


def _tuning(pitch: Floats) -> float:
    """How far the pitches stand from 440 Hz tuning, -50..50 cents: circular mean over the semitone."""
    total = pitch.sum(axis=0).astype(np.float64)
    steps = PITCHES // 12
    turn = np.sum(total * np.exp(2j * np.pi * np.arange(PITCHES) / steps))
    if abs(turn) <= 1e-6 * max(float(total.sum()), 1e-9):
        return 0.0
    return float(np.angle(turn) / (2 * np.pi) * 100)


def _fold(tuning_cents: float) -> Floats:
    """(PITCHES, 12): each step counts towards the pitch classes it may be an overtone of (Gómez 2006)."""
    step = np.arange(PITCHES)[:, None]
    folded = np.zeros((PITCHES, 12))
    for harmonic in range(1, _HARMONICS + 1):
        at = step / PITCHES * 12 - 12 * np.log2(harmonic) - tuning_cents / 100
        distance = (at - np.arange(12) + 6) % 12 - 6
        folded += _DECAY ** (harmonic - 1) * np.where(np.abs(distance) < 0.75, np.cos(np.pi * distance / 1.5) ** 2, 0)
    return folded.astype(np.float32)


def _mel() -> Floats:
    """(bins, BANDS): triangles of equal width in mel (2595 log10(1 + f/700))."""
    top = 2595 * np.log10(1 + SAMPLE_RATE_HZ / 2 / 700)
    low = 2595 * np.log10(1 + _LOW_HZ / 700)
    edges = 700 * (10 ** (np.linspace(low, top, BANDS + 2) / 2595) - 1)
    hz = np.arange(FRAME // 2 + 1)[:, None] * SAMPLE_RATE_HZ / FRAME
    rising = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


# A frame of the mean level has a power of 1 (0 dB): Parseval, one side of the spectrum, the taper's mean square.
_HANN = np.hanning(FRAME + 1)[:-1]
_TAPER = (_HANN * np.sqrt(2 / (FRAME * np.sum(_HANN**2)))).astype(np.float32)
_MEL = _mel()
_PEAK_FLOOR = 1e-7
_FULL = 1e-3
