"""Sounds made by rule, of which tempo, metre, key and mode are known: mono float32 at 16,000 Hz, the same for the same arguments."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
RATE = 16_000
MAJOR_SCALE, MINOR_SCALE = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
PROGRESSIONS: dict[str, tuple[int, ...]] = {
    "I IV V I": (0, 3, 4, 0),
    "I vi IV V": (0, 5, 3, 4),
    "I V vi IV": (0, 4, 5, 3),
    "ii V I I": (1, 4, 0, 0),
}
TIMBRES: dict[str, tuple[float, ...]] = {
    "sine": (1.0,),
    "organ": (1.0, 0.6, 0.3, 0.4, 0.1, 0.2),
    "saw": tuple(1 / n for n in range(1, 11)),
    "square": tuple(1 / n if n % 2 else 0.0 for n in range(1, 11)),
}
LOOPS: dict[str, tuple[int, tuple[tuple[str, float], ...]]] = {
    "clicks": (4, (("click", 0), ("click", 1), ("click", 2), ("click", 3))),
    "rock": (4, (("kick", 0), ("snare", 1), ("kick", 2), ("kick", 2.5), ("snare", 3), *(("hat", b / 2) for b in range(8)))),
    "house": (4, (*(("kick", b) for b in range(4)), *(("hat", b + 0.5) for b in range(4)), ("snare", 1), ("snare", 3))),
    "syncopated": (
        4,
        (("kick", 0), ("kick", 1.5), ("snare", 1), ("kick", 2.75), ("snare", 3), ("hat", 3.5), *(("hat", b / 2) for b in range(7))),
    ),
    "waltz": (3, (("kick", 0), ("hat", 1), ("snare", 1), ("hat", 2), ("snare", 2), ("hat", 0))),
}
"""Beats a bar, and what sounds at which beat."""


def repeated(name: str, bpm: float, seconds: float, seed: int = 0) -> Floats:
    """One of :data:`LOOPS`, from 0.1 s on, each stroke of a slightly other strength."""
    beats, strokes = LOOPS[name]
    rng = np.random.default_rng(seed)
    y = np.zeros(int(seconds * RATE), dtype=np.float32)
    for bar in range(int(seconds * bpm / 60 / beats) + 1):
        for drum, beat in strokes:
            _lay(y, _drum(drum), 0.1 + (bar * beats + beat) * 60 / bpm, float(rng.uniform(0.8, 1)))
    return y


def chords(
    tonic: int,
    major: bool,
    progression: Iterable[int] = (0, 3, 4, 0),
    timbre: str = "organ",
    *,
    chord_s: float = 0.8,
    seconds: float = 20,
    cents: float = 0,
) -> Floats:
    """Triads over their root in the bass, in the scale of a key (0 = C); in minor, the fifth step's chord is major."""
    scale, steps = (MAJOR_SCALE if major else MINOR_SCALE), tuple(progression)
    y = np.zeros(int(seconds * RATE), dtype=np.float32)
    for number in range(int(seconds / chord_s)):
        step = steps[number % len(steps)]
        notes = [scale[(step + by) % 7] + 12 * ((step + by) // 7) for by in (0, 2, 4)]
        if not major and step == 4:
            notes[1] += 1
        for midi in (36 + tonic + notes[0] % 12, *(60 + tonic + note for note in notes)):
            _lay(y, _note(midi + cents / 100, chord_s, timbre), number * chord_s, 0.15)
    return y


def _lay(y: Floats, sound: Floats, at_s: float, gain: float) -> None:
    first = round(at_s * RATE)
    part = sound[: max(0, y.size - first)]
    y[first : first + part.size] += part * np.float32(gain)


@lru_cache(maxsize=256)
def _note(midi: float, seconds: float, timbre: str) -> Floats:
    t = np.arange(int(seconds * RATE)) / RATE
    hz = 440 * 2 ** ((midi - 69) / 12)
    y = sum(a * np.sin(2 * np.pi * hz * n * t) for n, a in enumerate(TIMBRES[timbre], 1) if hz * n < RATE / 2)
    return np.asarray(y * np.minimum(1, t / 0.01) * np.exp(-t / seconds) * np.minimum(1, (seconds - t) / 0.02), dtype=np.float32)


@lru_cache(maxsize=8)
def _drum(name: str) -> Floats:
    t = np.arange(int(0.25 * RATE)) / RATE
    noise = np.random.default_rng(7).normal(0, 1, t.size)
    made = {
        "click": np.sin(2 * np.pi * 1000 * t) * np.exp(-t / 0.01),
        "kick": np.sin(2 * np.pi * (50 * t + 4 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.1),
        "snare": (0.4 * noise + 0.5 * np.sin(2 * np.pi * 190 * t)) * np.exp(-t / 0.05),
        "hat": np.diff(noise, prepend=0) * 0.12 * np.exp(-t / 0.02),
    }
    return np.asarray(made[name] * 0.6, dtype=np.float32)
