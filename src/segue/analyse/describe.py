"""Samples -> a description a person understands. What each value measures, and how far to trust it: ``docs/analysis.md``."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.analyse._harmony import Key, key
from segue.analyse._record import Description, Value
from segue.analyse._rhythm import Rhythm, autocorrelation, rhythm
from segue.analyse._spectra import COARSE, FRAME_RATE_HZ, VOICE_BANDS, Spectra, spectra
from segue.analyse._structure import Structure, structure
from segue.analyse._window import Window

__all__ = ["Window", "describe"]

_HEARD_DB = -50.0
"""Frames this far below the loud ones say nothing about how a track sounds."""


def describe(windows: Sequence[Window], duration_s: float, *, transformed: Spectra | None = None) -> Description:
    """Describe a file of ``duration_s`` by the windows heard of it: one of it all, or several in order. Pass ``transformed`` where the
    windows have been through :func:`spectra` already. Every value is finite, whatever the samples hold."""
    heard = transformed or spectra(windows)
    duration_s = max(0.0, float(duration_s))
    beat = rhythm(heard, autocorrelation(heard))
    tone = key(heard)
    form = structure(heard, beat, duration_s)
    values = _measured(heard, beat, tone, form) | _proxies(heard, beat, tone)
    return Description(
        values={name: _value(*pair) for name, pair in values.items()},
        beats_s=beat.beats_s,
        downbeats_s=beat.downbeats_s,
        sections=form.sections,
    )


def _value(value: float, confidence: float) -> Value:
    if not np.isfinite(value) or not np.isfinite(confidence):
        return Value(value=0.0, confidence=0.0)
    return Value(value=round(float(value), 4), confidence=round(float(np.clip(confidence, 0, 1)), 3))


def _measured(heard: Spectra, beat: Rhythm, tone: Key, form: Structure) -> dict[str, tuple[float, float]]:
    there = 0.0 if heard.silent else 1.0
    tonal = min(1.0, heard.seconds / 5) * there
    return {
        "dynamic_complexity_db": (_complexity(heard), 0.9 * there),
        "tempo_bpm": (beat.bpm, beat.confidence * min(1.0, heard.seconds / 8)),
        "time_signature": (float(beat.metre), beat.metre_confidence * beat.confidence),
        "key": (float(tone.tonic), tone.confidence * tonal),
        "mode": (float(tone.mode), tone.mode_confidence * tonal),
        "silence_head_s": (form.head_s, 0.9 if there else 1.0),
        "silence_tail_s": (form.tail_s, 0.9 if there else 1.0),
        "intro_end_s": (form.intro_end_s, form.part_confidence),
        "outro_start_s": (form.outro_start_s, form.part_confidence),
        "cue_in_s": (form.cue_in_s, form.cue_confidence),
        "cue_out_s": (form.cue_out_s, form.cue_confidence),
    }


def _complexity(heard: Spectra) -> float:
    """Mean distance of the level of 192 ms from its mean, dB (after Streich 2007); silence left out."""
    if heard.silent:
        return 0.0
    span = round(0.2 * FRAME_RATE_HZ)
    power = 10 ** (heard.power_db.astype(np.float64) / 10)
    whole = power[: power.size // span * span].reshape(-1, span).mean(axis=1)
    if not whole.size:
        return 0.0
    level = 10 * np.log10(whole + 1e-9)
    level = level[level > level.max() - 60]
    return float(np.mean(np.abs(level - level.mean())))


def _proxies(heard: Spectra, beat: Rhythm, tone: Key) -> dict[str, tuple[float, float]]:
    """Guesses on 0..1 from few features, each scaled by its mean and deviation over real music."""
    if heard.silent or heard.seconds < 0.1:
        return {name: (0.5 if name == "valence" else 0.0, 0.0) for name in _WEIGHTS}
    features = traits(heard, beat, tone)
    sure = min(1.0, heard.seconds / 10)
    made = {}
    for name, (confidence, offset, weights) in _WEIGHTS.items():
        total = offset
        for feature, weight in weights.items():
            mean, deviation = _SCALES[feature]
            total += weight * float(np.clip((features[feature] - mean) / deviation, -3, 3))
        made[name] = (1 / (1 + np.exp(-total)), confidence * sure)
    return made


def traits(heard: Spectra, beat: Rhythm, tone: Key) -> dict[str, float]:
    """What the proxies are made of; none depends on gain."""
    coarse = heard.power_db[::COARSE]
    loud_db = float(np.percentile(heard.power_db, 95))
    loud = heard.power_db > loud_db + _HEARD_DB
    mel = 10 ** (heard.mel_db[loud].astype(np.float64) / 10) if loud.any() else np.ones((1, heard.mel_db.shape[1]))
    spread = mel.mean(axis=0)
    bands = np.arange(spread.size)
    low, voice = spread[:5].sum() / spread.sum(), spread[VOICE_BANDS].sum() / spread.sum()
    sounding = coarse > loud_db + _HEARD_DB
    flatness = float(np.mean(heard.flatness[: sounding.size][sounding])) if sounding.any() else 0.0
    tonal = float(np.mean(heard.tonal[: sounding.size][sounding])) if sounding.any() else 0.0
    return {
        "onsets": float(np.log(heard.onset.mean() + 0.05)),
        "peaks_s": _peaks_per_second(heard),
        "centroid": float(np.sum(bands * spread) / spread.sum()),
        "flatness": float(np.log10(flatness + 1e-4)),
        "complexity": float(np.log(_complexity(heard) + 0.3)),
        "low": float(low),
        "voice": float(voice),
        "tonal": tonal,
        "pulse": beat.pulse,
        "tempo": abs(float(np.log2(beat.bpm / 118))),
        "fast": float(np.log2(beat.bpm / 100)),
        "major": tone.major,
        "syllables": _syllables(heard),
        "floor": float(np.percentile(heard.power_db[loud], 5)) - loud_db if loud.any() else 0.0,
        "ends": _noisy_ends(heard),
        "glide": _glide(heard),
    }


def _peaks_per_second(heard: Spectra) -> float:
    onset = heard.onset
    if onset.size < 3:
        return 0.0
    peaks = (onset[1:-1] > onset[:-2]) & (onset[1:-1] >= onset[2:]) & (onset[1:-1] > 1.5 * onset.mean())
    return float(peaks.sum() / max(heard.seconds, 0.1))


def _syllables(heard: Spectra) -> float:
    """Share of the slow fluctuation (0.5-12 Hz) of the voice's bands that lies at 3-6 Hz, as syllables do."""
    shares, weights = [], []
    for stretch in heard.stretches:
        level = heard.mel_db[stretch.frames, VOICE_BANDS].mean(axis=1).astype(np.float64)
        if level.size < 4 * FRAME_RATE_HZ:
            continue
        power = np.square(np.abs(np.fft.rfft((level - level.mean()) * np.hanning(level.size))))
        hz = np.fft.rfftfreq(level.size, 1 / FRAME_RATE_HZ)
        within = float(power[(hz >= 0.5) & (hz < 12)].sum())
        shares.append(float(power[(hz >= 3) & (hz < 6)].sum()) / within if within > 0 else 0.0)
        weights.append(level.size)
    return float(np.average(shares, weights=weights)) if shares else 0.15


def _noisy_ends(heard: Spectra) -> float:
    """Flatness of the first and last four seconds beside the whole: applause is noise."""
    if heard.flatness.size < 100:
        return 0.0
    ends: NDArray[np.float32] = np.concatenate([heard.flatness[:32], heard.flatness[-32:]])
    return float(np.log10((ends.mean() + 1e-3) / (heard.flatness.mean() + 1e-3)))


def _glide(heard: Spectra) -> float:
    """Share of peaks off the semitone by more than 30 cents: voices glide, keys and frets do not."""
    steps = heard.pitch.shape[1]
    total = heard.pitch.sum(axis=0).astype(np.float64)
    cents = (np.arange(steps) * (1200 / steps) - heard.tuning_cents + 50) % 100 - 50
    return float(total[np.abs(cents) > 30].sum() / total.sum()) if total.sum() > 1e-6 else 0.4


# Mean and deviation over the files of a small real library; they scale, nothing is learned from them.
_SCALES: dict[str, tuple[float, float]] = {
    "onsets": (0.391, 0.3),
    "peaks_s": (3.83, 0.852),
    "centroid": (5.96, 2.81),
    "flatness": (-1.78, 0.615),
    "complexity": (1.16, 0.492),
    "low": (0.586, 0.209),
    "voice": (0.383, 0.207),
    "tonal": (0.45, 0.164),
    "pulse": (0.363, 0.17),
    "tempo": (0.312, 0.276),
    "fast": (0.125, 0.401),
    "major": (0.458, 0.319),
    "syllables": (0.253, 0.114),
    "floor": (-14.8, 7.7),
    "ends": (0.306, 0.435),
    "glide": (0.105, 0.0665),
}
# Confidence (never high: these are proxies), offset, and weights of the scaled features.
_WEIGHTS: dict[str, tuple[float, float, dict[str, float]]] = {
    "energy": (0.6, 0.0, {"onsets": 0.3, "peaks_s": 0.35, "flatness": 0.45, "centroid": 0.35, "complexity": -0.6, "fast": 0.15}),
    "danceability": (0.5, 0.0, {"pulse": 0.9, "tempo": -0.45, "low": 0.3, "complexity": -0.3}),
    "valence": (0.3, 0.0, {"major": 0.7, "fast": 0.35, "centroid": 0.2, "peaks_s": 0.25}),
    "acousticness": (0.4, 0.0, {"flatness": -0.6, "complexity": 0.5, "centroid": -0.4, "tonal": 0.4, "low": -0.2}),
    "instrumentalness": (0.2, 0.8, {"syllables": -0.6, "voice": -0.4, "glide": -0.4}),
    "liveness": (0.2, -1.2, {"floor": 0.4, "ends": 0.6, "flatness": 0.2}),
}
