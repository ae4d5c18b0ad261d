"""Mel spectrograms beside librosa's numbers."""

import msgspec
import numpy as np
import pytest

from segue.analyse._mel import mel_filters, spectrogram
from segue.analyse._modelfile import Mel

MUSICNN = Mel(tensor="x", n_fft=512, hop=256, n_mels=96, frames=9, center=True)
FRAMES = (0, 4, 8)
BANDS = (0, 10, 40, 70, 95)
# librosa 0.11: log10(10000 * melspectrogram(y=sweep(), sr=16000, n_fft=512, hop_length=256, n_mels=96) + 1).T[FRAMES][:, BANDS]
LIBROSA = [[3.64527, 4.63013, 0.53761, 0.02969, 0.00483], [0.0, 0.0, 2e-05, 0.73118, 0.0], [0.81262, 0.8158, 0.83549, 1.27244, 1.13369]]
# librosa 0.11: filters.mel(sr=48000, n_fft=1024, n_mels=64, fmin=50, fmax=14000, htk=True, norm=None), row sums of (0, 20, 63)
HTK_SUMS = [0.7656389474868774, 1.9115208387374878, 13.715835571289062]


def sweep() -> np.ndarray:
    t = np.arange(2048) / 16_000
    return (0.3 * np.sin(2 * np.pi * (200 + 20_000 * t) * t)).astype(np.float32)


def test_mel_as_librosa_computes_it() -> None:
    found = spectrogram(sweep(), MUSICNN, 16_000)
    assert found.shape == (9, 96)
    assert found[np.ix_(FRAMES, BANDS)] == pytest.approx(np.array(LIBROSA), abs=2e-4)


def test_filters_in_htk_mels_as_librosa_makes_them() -> None:
    filters = mel_filters(48_000, 1024, 64, 50, 14_000, "htk", "none")
    assert filters.sum(axis=1)[[0, 20, 63]] == pytest.approx(np.array(HTK_SUMS), rel=1e-5)


def test_decibels_natural_and_none_are_the_same_power() -> None:
    power, ln, db = (spectrogram(sweep(), msgspec.structs.replace(MUSICNN, log=log), 16_000) for log in ("none", "ln", "db"))
    assert np.exp(ln) == pytest.approx(np.maximum(power, 1e-10), rel=1e-4)
    assert 10 ** (db / 10) == pytest.approx(np.maximum(power, 1e-10), rel=1e-4)


def test_frames_without_centring_begin_with_the_first_sample() -> None:
    centred = spectrogram(sweep(), MUSICNN, 16_000)
    plain = spectrogram(sweep(), msgspec.structs.replace(MUSICNN, center=False, frames=7), 16_000)
    assert plain == pytest.approx(centred[1:8], abs=1e-6)


def test_ends_are_padded_with_zeros_or_their_reflection() -> None:
    zeros, reflected = (spectrogram(sweep(), msgspec.structs.replace(MUSICNN, pad=pad), 16_000) for pad in ("zeros", "reflect"))
    assert np.array_equal(zeros[1:8], reflected[1:8])
    mirrored = np.concatenate([sweep()[256:0:-1], sweep()])
    first = spectrogram(mirrored, msgspec.structs.replace(MUSICNN, center=False, frames=1), 16_000)
    assert reflected[0] == pytest.approx(first[0], abs=1e-5)
    assert np.abs(zeros[0] - reflected[0]).max() > 0.1
