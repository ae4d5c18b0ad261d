"""Excerpts of samples -> what a model takes: mel spectrograms as librosa computes them."""

from functools import lru_cache

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
        y = np.pad(y, spec.n_fft // 2, mode="reflect" if spec.pad == "reflect" else "constant")
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
