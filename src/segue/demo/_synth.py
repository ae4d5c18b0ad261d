"""Instruments and a mixing desk, in numpy. Sound is float32 at 44.1 kHz: mono ``(n,)`` from instruments, stereo ``(2, n)`` from the desk.

Every instrument is a function of (midi note, seconds, seed) and is remembered, since music repeats itself.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

SR = 44_100
Sound = npt.NDArray[np.float32]
Instrument = Callable[[int, float], Sound]


def hz(midi: float) -> float:
    """Equal temperament, A4 (69) at 440 Hz."""
    return float(440.0 * 2 ** ((midi - 69) / 12))


def clock(seconds: float) -> Sound:
    return np.asarray(np.arange(int(seconds * SR)) / SR, np.float32)


def envelope(n: int, attack_s: float, release_s: float, decay_s: float | None = None) -> Sound:
    """Rises linearly, falls exponentially with ``decay_s`` if given, and ends in a linear release: (n,), 0..1."""
    t = np.arange(n, dtype=np.float32) / SR
    out: npt.NDArray[np.floating] = np.minimum(1.0, t / max(attack_s, 1e-3))
    if decay_s is not None:
        out = out * np.exp(-t / decay_s)
    left = (n - np.arange(n)) / (max(release_s, 1e-3) * SR)
    return np.asarray(out * np.minimum(1.0, left), np.float32)


def fast_size(n: int) -> int:
    """A size of at least ``n`` that Fourier transforms quickly (a prime takes many times as long): at most an eighth more."""
    step = 1 << max(0, n.bit_length() - 4)
    return -(-n // step) * step


def shaped(y: Sound, low_hz: float = 0, high_hz: float = 20_000, slope: float = 2.0) -> Sound:
    """Band-limited by a smooth curve over the spectrum: about 6 dB an octave for each unit of ``slope``."""
    size = fast_size(len(y))
    spectrum = np.fft.rfft(y, size)
    f = np.fft.rfftfreq(size, 1 / SR) + 1e-3
    curve = 1 / (1 + (f / high_hz) ** (2 * slope)) ** 0.5
    if low_hz:
        curve /= (1 + (low_hz / f) ** (2 * slope)) ** 0.5
    return np.fft.irfft(spectrum * curve.astype(np.float32), size)[: len(y)].astype(np.float32)


def additive(midi: int, seconds: float, partials: tuple[float, ...], detune: float = 0.0) -> Sound:
    """A sum of harmonics with the given strengths, two voices apart by ``detune`` (share of the frequency)."""
    t, base = clock(seconds), hz(midi)
    out = np.zeros_like(t)
    for voice in (-detune, detune) if detune else (0.0,):
        for number, strength in enumerate(partials, 1):
            f = base * number * (1 + voice)
            if strength and f < SR / 2.2:
                out += strength * np.sin(2 * np.pi * f * t + number * 1.7)
    return (out / max(1e-6, sum(map(abs, partials)))).astype(np.float32)


SAW = tuple(1 / k for k in range(1, 15))
SQUARE = tuple((1 / k if k % 2 else 0.0) for k in range(1, 16))
SOFT = (1.0, 0.35, 0.12, 0.05)
ORGAN = (1.0, 0.6, 0.4, 0.3, 0.0, 0.2, 0.0, 0.15)


@lru_cache(512)
def pad(midi: int, seconds: float) -> Sound:
    y = additive(midi, seconds, SAW[:8], detune=0.004)
    return shaped(y, high_hz=900) * envelope(len(y), seconds * 0.3, seconds * 0.4)


@lru_cache(512)
def piano(midi: int, seconds: float) -> Sound:
    """Partials a little sharp of the harmonics, each dying sooner than the one below."""
    t, base = clock(seconds), hz(midi)
    out = np.zeros_like(t)
    for k in range(1, 10):
        f = base * k * (1 + 0.0004 * k * k)
        if f < SR / 2.2:
            out += np.sin(2 * np.pi * f * t) * np.exp(-t * (0.7 + 0.45 * k)) / k**1.3
    return (out * 0.5).astype(np.float32) * envelope(len(t), 0.004, 0.08)


@lru_cache(512)
def rhodes(midi: int, seconds: float) -> Sound:
    """Frequency modulation: a bell that mellows."""
    t, base = clock(seconds), hz(midi)
    y = np.sin(
        2 * np.pi * base * t + 1.8 * np.exp(-t * 3) * np.sin(2 * np.pi * base * t) + 0.3 * np.exp(-t * 9) * np.sin(14 * np.pi * base * t)
    )
    return (y * (1 + 0.15 * np.sin(2 * np.pi * 5 * t))).astype(np.float32) * envelope(len(t), 0.005, 0.1, 1.6) * 0.6


@lru_cache(512)
def pluck(midi: int, seconds: float) -> Sound:
    """A plucked string (Karplus and Strong 1983, section 2): noise that goes round a delay line and is smoothed each time.

    The line is a whole number of samples long and smoothing adds half a sample, so the string is then stretched into tune.
    """
    period = max(2, round(SR / hz(midi) - 0.5))
    n = int(seconds * SR)
    stretch = (period + 0.5) * hz(midi) / SR
    line = np.random.default_rng(midi).uniform(-1, 1, period).astype(np.float32)
    blocks = []
    for _ in range(int(n * stretch) // period + 2):
        blocks.append(line)
        line = np.float32(0.498) * (line + np.roll(line, 1))
    string = np.concatenate(blocks)
    tuned = np.interp(np.arange(n) * stretch, np.arange(len(string)), string).astype(np.float32)
    return tuned * envelope(n, 0.002, 0.1) * 0.7


@lru_cache(512)
def chip(midi: int, seconds: float) -> Sound:
    t = clock(seconds)
    phase = (t * hz(midi)) % 1
    return np.where(phase < 0.25, 0.5, -0.5).astype(np.float32) * envelope(len(t), 0.002, 0.02, 0.6)


@lru_cache(512)
def triangle(midi: int, seconds: float) -> Sound:
    t = clock(seconds)
    return (np.abs(((t * hz(midi)) % 1) * 4 - 2) - 1).astype(np.float32) * envelope(len(t), 0.003, 0.03) * 0.8


@lru_cache(512)
def bass(midi: int, seconds: float) -> Sound:
    y = additive(midi, seconds, SAW[:8], detune=0.002)
    return shaped(y, high_hz=500) * envelope(len(y), 0.006, 0.05, 0.9) * 1.6


@lru_cache(512)
def upright(midi: int, seconds: float) -> Sound:
    """A double bass, plucked: round, and soon gone."""
    y = additive(midi, seconds, (1.0, 0.55, 0.3, 0.16, 0.08, 0.04))
    return shaped(y, high_hz=900) * envelope(len(y), 0.012, 0.06, 0.45) * 1.5


@lru_cache(512)
def lead(midi: int, seconds: float) -> Sound:
    y = additive(midi, seconds, SQUARE, detune=0.003)
    return shaped(y, high_hz=2600) * envelope(len(y), 0.02, 0.1)


@lru_cache(512)
def bow(midi: int, seconds: float) -> Sound:
    t = clock(seconds)
    vibrato = 1 + 0.004 * np.sin(2 * np.pi * 5.2 * t) * np.minimum(1, t * 2)
    phase = 2 * np.pi * np.cumsum(hz(midi) * vibrato) / SR
    y = sum((np.sin(k * phase) / k**1.15 for k in range(1, 12)), np.zeros_like(t))
    return shaped(y.astype(np.float32), high_hz=2400) * envelope(len(t), 0.15, 0.25) * 0.6


@lru_cache(512)
def power(midi: int, seconds: float) -> Sound:
    """A fifth and an octave through a bent curve: an electric guitar, loud."""
    y = additive(midi, seconds, SAW, 0.002) + additive(midi + 7, seconds, SAW, 0.002) + 0.7 * additive(midi + 12, seconds, SAW)
    return shaped(np.tanh(y * 9).astype(np.float32), low_hz=90, high_hz=3800) * envelope(len(y), 0.004, 0.05) * 0.6


@lru_cache(8)
def kick(deep: bool = False) -> Sound:
    t = clock(0.45 if deep else 0.28)
    phase = 2 * np.pi * (48 * t + (9 if deep else 7) * (1 - np.exp(-t * 32)))
    return (np.sin(phase) * np.exp(-t * (7 if deep else 12))).astype(np.float32)


@lru_cache(8)
def snare(soft: bool = False) -> Sound:
    t = clock(0.22)
    noise = shaped(np.random.default_rng(7).normal(0, 0.5, len(t)).astype(np.float32), low_hz=900, high_hz=5000 if soft else 9000)
    return ((noise + 0.4 * np.sin(2 * np.pi * 190 * t)) * np.exp(-t * (22 if soft else 16))).astype(np.float32)


@lru_cache(8)
def hat(open_: bool = False) -> Sound:
    t = clock(0.25 if open_ else 0.06)
    noise = shaped(np.random.default_rng(9).normal(0, 0.5, len(t)).astype(np.float32), low_hz=7000)
    return (noise * np.exp(-t * (14 if open_ else 60))).astype(np.float32)


@lru_cache(8)
def ride() -> Sound:
    """A cymbal touched with a stick: partials that are in no key."""
    t = clock(0.7)
    rng = np.random.default_rng(11)
    ring = sum((np.sin(2 * np.pi * float(f) * t) for f in rng.uniform(3200, 9500, 24)), np.zeros_like(t)) / 24
    noise = shaped(rng.normal(0, 0.3, len(t)).astype(np.float32), low_hz=5500)
    return ((ring * np.exp(-t * 5) + noise * np.exp(-t * 30)) * 0.8).astype(np.float32)


def forget() -> None:
    """Let go of remembered notes: pieces seldom share tempo, and a worker that makes many would grow with each."""
    for instrument in (pad, piano, rhodes, pluck, chip, triangle, bass, upright, lead, bow, power):
        instrument.cache_clear()


class Desk:
    """A stereo buffer that sounds are laid into."""

    def __init__(self, seconds: float) -> None:
        self.y = np.zeros((2, int(seconds * SR)), np.float32)

    def lay(self, sound: Sound, at_s: float, gain: float = 1.0, pan: float = 0.0) -> None:
        """``pan`` -1 left .. 1 right; what runs over the end is cut."""
        start = int(at_s * SR)
        if start >= self.y.shape[1]:
            return
        part = sound[: self.y.shape[1] - start] * np.float32(gain)
        self.y[0, start : start + len(part)] += part * np.float32(min(1.0, 1 - pan))
        self.y[1, start : start + len(part)] += part * np.float32(min(1.0, 1 + pan))

    def echo(self, delay_s: float, feedback: float, times: int = 4) -> None:
        """Echoes that cross from side to side."""
        wet, step = self.y.copy(), int(delay_s * SR)
        for k in range(1, times + 1):
            shift = step * k
            if shift >= wet.shape[1]:
                break
            self.y[:, shift:] += wet[:: -1 if k % 2 else 1, : wet.shape[1] - shift] * np.float32(feedback**k)

    def reverb(self, seconds: float, share: float, seed: int = 3) -> None:
        """Convolution with decaying noise, different on each side."""
        n = int(seconds * SR)
        t = np.arange(n) / SR
        rng = np.random.default_rng(seed)
        size = fast_size(self.y.shape[1] + n)
        for side in (0, 1):
            tail = shaped((rng.normal(0, 1, n) * np.exp(-t * 5 / seconds)).astype(np.float32), low_hz=150, high_hz=5000)
            tail /= np.sqrt((tail**2).sum())
            wet = np.fft.irfft(np.fft.rfft(self.y[side], size) * np.fft.rfft(tail, size), size)[: self.y.shape[1]]
            self.y[side] += np.float32(share) * wet.astype(np.float32)

    def master(self, loudness_rms: float, fade_in_s: float, fade_out_s: float) -> Sound:
        """Brought to a level, gently limited below -1 dBFS, faded at the ends: (2, n), -0.89..0.89."""
        y = self.y * np.float32(loudness_rms / max(1e-6, float(np.sqrt((self.y**2).mean()))))
        y = np.tanh(y / 0.85) * 0.85
        n = y.shape[1]
        ramp = np.minimum(1.0, (n - np.arange(n)) / max(1.0, fade_out_s * SR)) * np.minimum(1.0, np.arange(n) / max(1.0, fade_in_s * SR))
        return (y * ramp.astype(np.float32)).astype(np.float32)
