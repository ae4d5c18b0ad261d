"""Onsets -> tempo, beats, metre."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.analyse._spectra import COARSE, FRAME_RATE_HZ, Spectra, Stretch

Doubles = NDArray[np.float64]
SLOWEST_BPM, FASTEST_BPM = 50.0, 200.0
LAGS = int(5 * 60 / SLOWEST_BPM * FRAME_RATE_HZ)
"""Frames of the autocorrelation: five of the longest beats."""

_USUAL_BPM, _SPREAD_OCTAVES = 115.0, 0.8
_FIRST, _BASS = 0.4, 0.4
_TEMPI = SLOWEST_BPM * 2 ** np.linspace(0, np.log2(FASTEST_BPM / SLOWEST_BPM), 601)
_ALIKE, _ALIKE_BASS = 0.85, 0.7
_FASTEST_BY_BASS_BPM = 182.0
"""A bass in even quavers is as common as a beat faster than this."""
_TIGHTNESS = 100.0
_LATE_S = 0.018
"""From the frame whose rise is largest to the stroke itself, measured on click tracks."""


@dataclass(frozen=True)
class Rhythm:
    """``confidence`` and ``metre_confidence`` are 0..1; without a beat to be found, ``beats_s`` is empty."""

    bpm: float
    confidence: float
    pulse: float
    """0..1, how far the onsets repeat after a beat: the autocorrelation there."""
    beats_s: tuple[float, ...] = ()
    downbeats_s: tuple[float, ...] = ()
    metre: int = 4
    metre_confidence: float = 0.0


def autocorrelation(spectra: Spectra) -> Doubles:
    """(2, LAGS) of the onset strength, in all bands and in the bass: 1 at lag 0, each window by its length; zeros where nothing rises."""
    return np.stack([_correlated(spectra, spectra.onset), _correlated(spectra, spectra.onset_low)])


def _correlated(spectra: Spectra, onsets: NDArray[np.float32]) -> Doubles:
    total, weight = np.zeros(LAGS), 0.0
    for stretch in spectra.stretches:
        onset = _levelled(onsets[stretch.frames])
        n = onset.size
        if n < 16:
            continue
        size = 1 << int(n + LAGS - 1).bit_length()
        spectrum = np.fft.rfft(onset, size)
        r = np.fft.irfft(np.square(np.abs(spectrum)), size)[: min(LAGS, n)]
        total[: r.size] += r * (n / np.maximum(n - np.arange(r.size), n / 4))
        weight += float(r[0])
    return total / weight if weight > 1e-6 else total * 0


def rhythm(spectra: Spectra, correlated: Doubles) -> Rhythm:
    bpm, confidence, pulse = _tempo(correlated)
    if spectra.silent or pulse <= 0:
        return Rhythm(bpm, 0.0, 0.0)
    period = 60 / bpm * FRAME_RATE_HZ
    beats = [(stretch, _beats(_levelled(spectra.onset[stretch.frames]), period)) for stretch in spectra.stretches]
    if sum(found.size for _, found in beats) < 4:
        return Rhythm(bpm, confidence * 0.5, pulse)
    metre, metre_confidence, downbeats = _metre(spectra, beats)
    return Rhythm(
        bpm,
        confidence,
        pulse,
        tuple(t for stretch, found in beats for t in _seconds(stretch, found)),
        tuple(t for (stretch, _), found in zip(beats, downbeats, strict=True) for t in _seconds(stretch, found)),
        metre,
        metre_confidence,
    )


def _seconds(stretch: Stretch, frames: NDArray[np.int64]) -> Iterator[float]:
    for frame in frames:
        yield round(stretch.start_s + min(max(0.0, float(frame) / FRAME_RATE_HZ + _LATE_S), stretch.seconds), 3)


def _levelled(onset: NDArray[np.float32]) -> Doubles:
    """Less its own mean over one second about; what is below counts as nothing."""
    span = int(FRAME_RATE_HZ)
    if onset.size <= span:
        return np.maximum(onset.astype(np.float64) - (onset.mean() if onset.size else 0), 0)
    sums = np.cumsum(np.pad(onset.astype(np.float64), (span // 2 + 1, span - span // 2 - 1), mode="reflect"))
    mean = (sums[span:] - sums[:-span]) / span
    return np.maximum(onset - np.resize(mean, onset.size), 0)


def _tempo(correlated: Doubles) -> tuple[float, float, float]:
    """(bpm, confidence, pulse). A beat's multiples up to four repeat as well and its half does not; among octaves the usual tempo leads
    (log-normal about 115 bpm, 0.8 octaves wide)."""
    if correlated[0, 0] <= 0:
        return _USUAL_BPM, 0.0, 0.0
    # Even noise correlates where there are no negative numbers: what is everywhere counts nowhere.
    r = correlated - np.median(correlated[:, int(0.2 * FRAME_RATE_HZ) :], axis=1, keepdims=True)
    lags = np.arange(LAGS)
    periods = 60 / _TEMPI * FRAME_RATE_HZ

    def at(times: float, row: int = 0) -> Doubles:
        return np.asarray(np.interp(periods * times, lags, r[row]))

    comb = (at(1) + at(2) + at(3) + at(4)) / 4
    low = (at(1, 1) + at(2, 1) + at(3, 1) + at(4, 1)) / 4
    evidence = (1 - _FIRST - _BASS) * comb + _FIRST * at(1) + _BASS * low
    prior = np.exp(-0.5 * np.square(np.log2(_TEMPI / _USUAL_BPM) / _SPREAD_OCTAVES))
    score = np.maximum(evidence, 0) * prior
    best = int(np.argmax(score))
    if score[best] <= 0:
        return _USUAL_BPM, 0.0, 0.0
    top = float(score[best])
    # A bass that repeats after half the beat as it does after the whole, or strokes that are all alike where there is no bass, leave
    # nothing by which the slower beat could be told: the faster it is.
    half, low_half = (_kept(at(0.5, row)[best], at(1, row)[best]) for row in (0, 1))
    bass = bool(at(1, 1)[best] > 0.1)
    alike = half > _ALIKE and (low_half > _ALIKE or not bass)
    driven = bass and low_half > _ALIKE_BASS and half > 0.1 and 2 * _TEMPI[best] <= _FASTEST_BY_BASS_BPM
    if (alike or driven) and 2 * _TEMPI[best] <= FASTEST_BPM * 1.01:
        twice = int(np.argmin(np.abs(_TEMPI - 2 * _TEMPI[best])))
        near = slice(max(0, twice - 8), twice + 9)
        best = near.start + int(np.argmax(evidence[near]))
    bpm = _refined(best, evidence)
    pulse = float(np.clip(at(1)[best], 0, 1))
    apart = np.abs(np.log2(_TEMPI / bpm)) > 0.06
    related = np.min([np.abs(np.log2(_TEMPI / bpm) - by) for by in (-1.0, 1.0)], axis=0) < 0.06
    rival = float((np.maximum(evidence, 0) * prior)[apart & ~related].max(initial=0.0))
    lead = 1 - min(1.0, rival / max(top, 1e-9))
    return bpm, float(np.clip(np.sqrt(max(0.0, lead)) * min(1.0, pulse / 0.4), 0, 1)), pulse


def _kept(half: float, whole: float) -> float:
    return half / whole if whole > 0.05 else 1.0


def _refined(best: int, evidence: Doubles) -> float:
    """Between the tempi tried, by a parabola."""
    if not 0 < best < evidence.size - 1:
        return float(_TEMPI[best])
    a, b, c = evidence[best - 1 : best + 2]
    bend = a - 2 * b + c
    shift = float(np.clip(0.5 * (a - c) / bend, -0.5, 0.5)) if bend < 0 else 0.0
    return float(_TEMPI[best] * (_TEMPI[1] / _TEMPI[0]) ** shift)


def _beats(onset: Doubles, period: float) -> NDArray[np.int64]:
    """Frames of beats: the path that gathers most onset strength at a steady step (Ellis 2007)."""
    n = onset.size
    none = np.zeros(0, dtype=np.int64)
    if n < 2 * period or onset.max(initial=0) <= 0:
        return none
    reach = np.arange(-int(period / 2), int(period / 2) + 1)
    taper = np.exp(-0.5 * np.square(reach * 32.0 / period))
    local = np.convolve(onset / onset.std(), taper, "same")
    back = np.arange(-round(2 * period), -round(period / 2) + 1)
    cost = -_TIGHTNESS * np.square(np.log(-back / period))
    span = -int(back[-1])
    before = -int(back[0])
    total = np.zeros(before + n)
    origin = np.full(n, -1, dtype=np.int64)
    begun = 0.01 * local.max()
    started = False
    for first in range(0, n, span):
        count = min(span, n - first)
        views = np.lib.stride_tricks.sliding_window_view(total[first : first + count + back.size - 1], back.size)
        scores = views + cost
        pick = scores.argmax(axis=1)
        here = slice(before + first, before + first + count)
        total[here] = local[first : first + count] + scores[np.arange(count), pick]
        if not started:
            # The first beats are no continuation of anything.
            loud = np.flatnonzero(local[first : first + count] >= begun)
            fresh = np.arange(count) <= (loud[0] if loud.size else count)
            total[here] = np.where(fresh, local[first : first + count], total[here])
            started = bool(loud.size)
            origin[first : first + count] = np.where(fresh, -1, first + np.arange(count) + back[pick])
        else:
            origin[first : first + count] = first + np.arange(count) + back[pick]
    score = total[before:]
    peaks = np.flatnonzero((score[1:-1] > score[:-2]) & (score[1:-1] >= score[2:])) + 1
    if not peaks.size:
        return none
    last = int(peaks[np.flatnonzero(score[peaks] >= 0.5 * np.median(score[peaks]))[-1]])
    path = []
    while last >= 0:
        path.append(last)
        last = int(origin[last])
    found = np.array(path[::-1], dtype=np.int64)
    strong = local[found]
    floor = 0.5 * np.sqrt(np.mean(np.square(strong)))
    loud = np.flatnonzero(np.convolve(strong, [0.25, 0.5, 0.25], "same") > floor)
    return found[loud[0] : loud[-1] + 1] if loud.size else none


def _metre(spectra: Spectra, beats: list[tuple[Stretch, NDArray[np.int64]]]) -> tuple[int, float, list[NDArray[np.int64]]]:
    """(3 or 4, confidence, downbeats): where in a bar do bass strokes and changes of harmony fall?"""
    accents = [_accents(spectra, stretch, found) for stretch, found in beats]
    scores: dict[int, float] = {}
    phases: dict[int, list[int]] = {}
    for metre in (3, 4):
        phases[metre], scores[metre], weight = [], 0.0, 0
        for accent in accents:
            means = np.array([accent[phase::metre].mean() if accent.size >= 2 * metre else 0.0 for phase in range(metre)])
            phases[metre].append(int(np.argmax(means)))
            scores[metre] += _repeats(accent, metre) * accent.size
            weight += accent.size
        scores[metre] /= max(weight, 1)
    lead = scores[3] - scores[4]
    metre = 3 if lead > 0.1 else 4
    confidence = float(np.clip(abs(lead - 0.1) * 1.5, 0, 1)) if max(scores.values()) > 0.1 else 0.1
    downbeats = [found[phase::metre] for (_, found), phase in zip(beats, phases[metre], strict=True)]
    return metre, confidence, downbeats


def _repeats(accent: Doubles, metre: int) -> float:
    """How like a bar is to the next, less how like it is when cut a beat short or long."""
    if accent.size < 4 * metre:
        return 0.0
    spread = float(accent.var())
    if spread <= 1e-9:
        return 0.0
    centred = accent - accent.mean()

    def like(lag: int) -> float:
        return float(np.mean(centred[lag:] * centred[:-lag])) / spread if lag < accent.size else 0.0

    return (like(metre) + like(2 * metre)) / 2


def _accents(spectra: Spectra, stretch: Stretch, beats: NDArray[np.int64]) -> Doubles:
    """(beats,) of one window: rise of the bass, of everything, and change of harmony, each in standard deviations."""
    if beats.size < 2:
        return np.zeros(beats.size)
    low, whole = spectra.onset_low[stretch.frames], spectra.onset[stretch.frames]
    chroma = spectra.chroma[stretch.coarse].astype(np.float64)
    near = np.clip(beats[:, None] + np.arange(-3, 4), 0, low.size - 1)
    sums = np.vstack([np.zeros(12), np.cumsum(chroma, axis=0)])
    edges = np.clip(np.append(beats, 2 * beats[-1] - beats[-2]) // COARSE, 0, len(chroma))
    held = sums[np.maximum(edges[1:], np.minimum(edges[:-1] + 1, len(chroma)))] - sums[edges[:-1]]
    held /= np.maximum(np.linalg.norm(held, axis=1, keepdims=True), 1e-9)
    change = np.append(0.0, 1 - np.sum(held[1:] * held[:-1], axis=1))
    return _standard(low[near].max(axis=1)) + 0.5 * _standard(whole[near].max(axis=1)) + _standard(change)


def _standard(values: NDArray[np.floating]) -> Doubles:
    wide = np.asarray(values, dtype=np.float64)
    spread = float(wide.std())
    return (wide - wide.mean()) / spread if spread > 1e-6 else np.zeros(wide.size)
