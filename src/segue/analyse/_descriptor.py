"""The embedding that is always there: statistics of timbre, modulation, harmony and rhythm from the shared transform.

Every number is scaled by its mean and deviation over real music (:mod:`._scales`), held within three deviations, and divided by the root of
its group's size and weight, so that no group leads by having more numbers. Tuning, key and gain leave it as it is.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segue.analyse._record import DESCRIPTOR_DIMENSION
from segue.analyse._rhythm import LAGS, autocorrelation
from segue.analyse._scales import DEVIATIONS, MEANS
from segue.analyse._spectra import BANDS, COARSE_RATE_HZ, FRAME_RATE_HZ, Floats, Spectra

Doubles = NDArray[np.float64]

NAME = "descriptor"
GROUPS: dict[str, tuple[int, float]] = {"timbre": (80, 1.0), "modulation": (48, 0.7), "harmony": (40, 0.4), "rhythm": (40, 0.5)}
"""How many numbers, and the weight of a group's share of the distance."""
DIMENSION = DESCRIPTOR_DIMENSION
"""The sum of all groups."""

_COEFFICIENTS = 20
_HELD = 3.0
_MODULATIONS_HZ = (0.25, 0.75, 1.5, 3.0, 6.0, 12.0, 24.0)
_MODULATED = 512
"""Frames of a modulation spectrum (8.2 s), half overlapping."""
_QUIET_DB = -50.0


def descriptor(spectra: Spectra) -> Floats:
    """(DIMENSION,) of unit length. Silence, and what is too short to say anything about, is the first axis."""
    raw = measures(spectra)
    scaled = np.clip((raw - np.array(MEANS)) / np.array(DEVIATIONS), -_HELD, _HELD) if not spectra.silent else np.zeros(DIMENSION)
    vector = np.nan_to_num(scaled) * _WEIGHTS
    length = float(np.linalg.norm(vector))
    if not length > 1e-6:
        vector, length = np.eye(1, DIMENSION)[0], 1.0
    return np.asarray(vector / length, dtype=np.float32)


def measures(spectra: Spectra) -> Doubles:
    """(DIMENSION,) before scaling."""
    return np.concatenate([_timbre(spectra), _modulation(spectra), _harmony(spectra), _rhythm(spectra)])


def _loud(spectra: Spectra) -> NDArray[np.bool_]:
    if not spectra.power_db.size:
        return np.zeros(0, dtype=bool)
    return np.asarray(spectra.power_db > np.percentile(spectra.power_db, 95) + _QUIET_DB)


def _timbre(spectra: Spectra) -> Doubles:
    """Mel cepstrum: means without the level (19), deviations (20), of the change over 48 ms (20), skewness (20); mean flatness."""
    loud = _loud(spectra)
    if np.count_nonzero(loud) < 8:
        return np.zeros(GROUPS["timbre"][0])
    cepstrum = spectra.mel_db @ _COSINES
    heard = cepstrum[loud].astype(np.float64)
    change = (cepstrum[3:] - cepstrum[:-3])[loud[3:] & loud[:-3]].astype(np.float64)
    mean, deviation = heard.mean(axis=0), heard.std(axis=0)
    skew = np.mean(((heard - mean) / np.maximum(deviation, 1e-6)) ** 3, axis=0)
    moves = change.std(axis=0) if len(change) else np.zeros(_COEFFICIENTS)
    flat = np.log10(spectra.flatness.mean(dtype=np.float64) + 1e-4)
    return np.concatenate([mean[1:], np.log(deviation + 0.1), np.log(moves + 0.1), np.clip(skew, -5, 5), [flat]])


def _modulation(spectra: Spectra) -> Doubles:
    """How fast eight groups of bands fluctuate: logarithm of the share of each of six octaves of modulation, 0.25-24 Hz."""
    total = np.zeros((len(_MODULATIONS_HZ) - 1, 8))
    for stretch in spectra.stretches:
        level = spectra.mel_db[stretch.frames].reshape(-1, 8, BANDS // 8).mean(axis=2)
        level = np.maximum(level, -60)
        if len(level) < 32:
            continue
        if len(level) < _MODULATED:
            level = np.pad(level, ((0, _MODULATED - len(level)), (0, 0)), mode="reflect" if len(level) > _MODULATED // 2 else "wrap")
        frames = np.lib.stride_tricks.sliding_window_view(level, _MODULATED, axis=0)[:: _MODULATED // 2]
        centred = (frames - frames.mean(axis=2, keepdims=True)) * np.hanning(_MODULATED)
        power = np.square(np.abs(np.fft.rfft(centred, axis=2))).sum(axis=0)
        hz = np.fft.rfftfreq(_MODULATED, 1 / FRAME_RATE_HZ)
        for row, (low, high) in enumerate(pairwise(_MODULATIONS_HZ)):
            total[row] += power[:, (hz >= low) & (hz < high)].sum(axis=1)
    sums = total.sum(axis=0)
    return np.log(total / np.maximum(sums, 1e-9) + 1e-3).ravel() if sums.min() > 0 else np.full(48, np.log(1 / 6))


def _harmony(spectra: Spectra) -> Doubles:
    """What transposition leaves as it is: Fourier magnitudes of the pitch classes (6 means, 6 deviations, 6 of the whole), the whole
    profile from its strongest class on (11) and correlated with itself (6), movement between frames and seconds (3), entropy, tonality."""
    chroma = spectra.chroma.astype(np.float64)
    strength = chroma.sum(axis=1)
    loud = strength > 0.05 * max(float(strength.max(initial=0)), 1e-9)
    if np.count_nonzero(loud) < 4:
        return np.zeros(GROUPS["harmony"][0])
    share = chroma[loud] / strength[loud, None]
    turned = np.abs(np.fft.rfft(share, axis=1))[:, 1:]
    whole = share.mean(axis=0)
    turned_whole = np.fft.rfft(whole)
    correlated = np.fft.irfft(np.square(np.abs(turned_whole)), 12)
    correlated = correlated[1:7] / max(float(correlated[0]), 1e-12)
    change = np.abs(np.diff(share, axis=0)).sum(axis=1)
    span = max(1, round(COARSE_RATE_HZ))
    seconds = share[: len(share) // span * span].reshape(-1, span, 12).mean(axis=1)
    slow = np.abs(np.diff(seconds, axis=0)).sum(axis=1)
    moves = [change.mean() if change.size else 0.0, change.std() if change.size else 0.0, slow.mean() if slow.size else 0.0]
    entropy = -np.sum(whole * np.log(whole + 1e-9))
    from_top = np.roll(whole, -int(np.argmax(whole)))
    tonal = spectra.tonal[loud].astype(np.float64)
    parts = [turned.mean(axis=0), turned.std(axis=0), np.abs(turned_whole)[1:], from_top[1:], correlated, moves, [entropy]]
    return np.concatenate([*parts, [tonal.mean()]]).astype(np.float64)


def _rhythm(spectra: Spectra) -> Doubles:
    """Repetition of the onsets by lag, all bands (20) and bass (12), lags a constant ratio apart; strength, peakedness, density (8)."""
    correlated = autocorrelation(spectra)
    onset, low = spectra.onset.astype(np.float64), spectra.onset_low.astype(np.float64)
    lags = np.arange(LAGS)

    def repeats(row: int, count: int) -> Doubles:
        # Between neighbouring lags the largest counts, so that a tempo between them is not lost.
        edges = FRAME_RATE_HZ * 0.15 * (4.0 / 0.15) ** (np.arange(count + 1) / count)
        return np.array([correlated[row][(lags >= a) & (lags < max(b, a + 1))].max() for a, b in pairwise(edges)])

    def shape(of: Doubles) -> list[float]:
        if of.size < 8 or of.std() < 1e-6:
            return [0.0, 0.0, 0.0]
        z = (of - of.mean()) / of.std()
        return [float(np.log(of.mean() + 0.05)), float(np.clip(np.mean(z**3), -5, 10)), float(np.log(np.percentile(of, 90) + 0.05))]

    ratio = float(np.log((low.mean() + 0.05) / (onset.mean() + 0.05))) if onset.size else 0.0
    peaks = (onset[1:-1] > onset[:-2]) & (onset[1:-1] >= onset[2:]) & (onset[1:-1] > 1.5 * onset.mean()) if onset.size > 2 else np.zeros(1)
    density = float(np.sum(peaks)) / max(spectra.seconds, 0.1)
    return np.concatenate([repeats(0, 20), repeats(1, 12), shape(onset), shape(low), [ratio, density]])


def _cosines() -> Floats:
    """(BANDS, coefficients) of the cosine transform, orthonormal."""
    band = (np.arange(BANDS) + 0.5)[:, None]
    made = np.cos(np.pi / BANDS * band * np.arange(_COEFFICIENTS)) * np.sqrt(2 / BANDS)
    made[:, 0] /= np.sqrt(2)
    return np.asarray(made, dtype=np.float32)


_COSINES = _cosines()
_WEIGHTS = np.concatenate([np.full(size, np.sqrt(weight / size)) for size, weight in GROUPS.values()])
