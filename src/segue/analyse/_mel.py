"""Excerpts of samples -> what a model takes: mel spectrograms as librosa computes them, and other sample rates."""

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from segue.analyse._modelfile import Mel

Array = NDArray[np.float32]


def spectrogram(y: Array, spec: Mel, sample_rate_hz: int) -> Array:
    """(…, samples) -> (…, frames, mels), with the logarithm the model wants. Memory goes with one excerpt, not with their number."""
    if y.ndim > 1:
        return np.stack([spectrogram(each, spec, sample_rate_hz) for each in y])
    if spec.center:
        y = np.pad(y, spec.n_fft // 2)
    frames = sliding_window_view(y, spec.n_fft)[:: spec.hop][: spec.frames]
    spectrum = np.abs(np.fft.rfft(frames * _hann(spec.n_fft))).astype(np.float32, copy=False)
    if spec.power == 2:
        spectrum *= spectrum
    filters = mel_filters(sample_rate_hz, spec.n_fft, spec.n_mels, spec.fmin_hz, spec.fmax_hz, spec.scale, spec.norm)
    mel = spectrum @ filters.T
    if spec.log == "log10(10000x+1)":
        mel = np.log10(10_000 * mel + 1)
    elif spec.log != "none":
        mel = np.log(np.maximum(mel, 1e-10))
        if spec.log == "db":
            mel *= 10 / np.log(10)
    return ((mel - spec.mean) / spec.std).astype(np.float32)


@lru_cache(maxsize=8)
def _hann(n: int) -> Array:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)).astype(np.float32)


@lru_cache(maxsize=8)
def mel_filters(
    sample_rate_hz: int,
    n_fft: int,
    n_mels: int,
    fmin_hz: float = 0.0,
    fmax_hz: float | None = None,
    scale: str = "slaney",
    norm: str = "slaney",
) -> Array:
    """Triangles over the bins of a spectrum: (mels, 1 + n_fft / 2). Norm ``slaney``: each of unit area over Hz."""
    fmax_hz = sample_rate_hz / 2 if fmax_hz is None else fmax_hz
    low, high = _to_mel(np.array([fmin_hz, fmax_hz]), scale)
    edges = _to_hz(np.linspace(low, high, n_mels + 2), scale)
    bins = np.arange(1 + n_fft // 2) * (sample_rate_hz / n_fft)
    widths = np.diff(edges)
    slopes = edges[:, None] - bins[None, :]
    filters = np.maximum(0, np.minimum(-slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]))
    if norm == "slaney":
        filters *= (2 / (edges[2:] - edges[:-2]))[:, None]
    return filters.astype(np.float32)


# Slaney's scale: linear to 1 kHz (3 mels for 200 Hz), then 27 steps for a factor of 6.4.
_LINEAR_HZ, _KNEE_HZ, _STEP = 200 / 3, 1000.0, np.log(6.4) / 27


def _to_mel(hz: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    if scale == "htk":
        return 2595 * np.log10(1 + hz / 700)
    above = _KNEE_HZ / _LINEAR_HZ + np.log(np.maximum(hz, _KNEE_HZ) / _KNEE_HZ) / _STEP
    return np.where(hz < _KNEE_HZ, hz / _LINEAR_HZ, above)


def _to_hz(mel: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    if scale == "htk":
        return np.asarray(700 * (10 ** (mel / 2595) - 1))
    knee = _KNEE_HZ / _LINEAR_HZ
    return np.where(mel < knee, mel * _LINEAR_HZ, _KNEE_HZ * np.exp(_STEP * (np.maximum(mel, knee) - knee)))


_ZEROS = 24  # zero crossings of the sinc on each side: some 90 dB of stop band with the window below


def resample(y: Array, from_hz: int, to_hz: int) -> Array:
    """(samples,) at another rate by a windowed sinc, phase by phase: ceil(n * to / from) samples. Ends as if zeros lay beyond them."""
    if from_hz == to_hz:
        return y
    common = gcd(from_hz, to_hz)
    up, down = to_hz // common, from_hz // common
    kernels, half = _kernels(up, down)
    n = -(-len(y) * up // down)
    windows = sliding_window_view(np.pad(y, (half, half + down + 1)), 2 * half + 1)
    out = np.empty(-(-n // up) * up, np.float32)
    for phase in range(up):
        rows = windows[phase * down // up :: down][: len(out) // up]
        out[phase::up][: len(rows)] = rows @ kernels[phase]
        out[phase::up][len(rows) :] = 0
    return out[:n]


@lru_cache(maxsize=4)
def _kernels(up: int, down: int) -> tuple[Array, int]:
    cutoff = min(1.0, up / down) * 0.95
    half = int(np.ceil(_ZEROS / cutoff))
    times = np.arange(-half, half + 1)[None, :] - ((np.arange(up) * down % up) / up)[:, None]
    window = np.i0(9 * np.sqrt(np.maximum(0, 1 - (times / (half + 1)) ** 2))) / np.i0(9)
    return (cutoff * np.sinc(cutoff * times) * window).astype(np.float32), half
