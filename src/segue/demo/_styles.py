"""Eleven styles: each a function that writes one piece of given length, key and seed. They differ in tempo, timbre, dynamics and form."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segue.demo import _synth as s
from segue.demo._synth import Desk, Instrument, Sound

MAJOR, MINOR, DORIAN, PENTATONIC = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 3, 5, 7, 10)


@dataclass
class Piece:
    """What a composer works with. ``root`` is a MIDI note between C3 and B3; beats are counted from 0."""

    seconds: float
    bpm: float
    root: int
    scale: tuple[int, ...]
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self.desk = Desk(self.seconds)
        self.beat_s = 60 / self.bpm
        self.bars = int(self.seconds / self.beat_s / 4) + 1
        starts = ((0, 5, 3, 4), (0, 3, 4, 3), (5, 3, 0, 4), (0, 4, 5, 3), (0, 2, 3, 4))
        self.chords = starts[int(self.rng.integers(len(starts)))]

    def note(self, degree: int, octave: int = 0) -> int:
        turns, step = divmod(degree, len(self.scale))
        return self.root + 12 * (octave + turns) + self.scale[step]

    def chord(self, bar: int, octave: int = 0, size: int = 3) -> list[int]:
        degree = self.chords[bar % 4]
        return [self.note(degree + 2 * k, octave) for k in range(size)]

    def part(self, bar: int) -> float:
        """How far into the piece a bar is: 0..1, for layers that come and go."""
        return bar / max(1, self.bars - 1)

    def play(self, instrument: Instrument, midi: int, beat: float, beats: float, gain: float, pan: float = 0.0, swing: float = 0.0) -> None:
        late = swing * self.beat_s if round(beat * 2) % 2 else 0.0
        self.desk.lay(instrument(midi, round(beats * self.beat_s, 3)), beat * self.beat_s + late, gain, pan)

    def hit(self, sound: Sound, beat: float, gain: float, pan: float = 0.0, swing: float = 0.0) -> None:
        late = swing * self.beat_s if round(beat * 4) % 2 else 0.0
        self.desk.lay(sound, beat * self.beat_s + late, gain, pan)

    def melody(
        self, instrument: Instrument, bar: int, octave: int, gain: float, density: float, pan: float = 0.0, swing: float = 0.0
    ) -> None:
        """Four beats that lean on the chord; the same figure every second bar, so that it is a tune and not noise."""
        rng = np.random.default_rng([int(self.root), bar % 2, int(bar / 4) % 2, len(self.scale), int(self.bpm)])
        degree, beat = self.chords[bar % 4] + int(rng.integers(0, 3)), 0.0
        while beat < 4:
            length = float(rng.choice([0.5, 1.0, 1.5], p=[0.5, 0.35, 0.15]))
            if rng.random() < density:
                self.play(instrument, self.note(degree, octave), bar * 4 + beat, length * 0.95, gain, pan, swing)
            degree += int(rng.choice([-2, -1, 1, 2]))
            beat += length


def ambient(p: Piece) -> Sound:
    for bar in range(0, p.bars, 2):
        for k, midi in enumerate(p.chord(bar // 2, 0, 4)):
            p.play(s.pad, midi, bar * 4, 11, 0.5, (k - 1.5) / 3)
        p.play(s.pad, p.chord(bar // 2, -1)[0], bar * 4, 10, 0.7)
        if 0.15 < p.part(bar) < 0.9:
            p.melody(s.rhodes, bar, 1, 0.14, 0.35, float(p.rng.uniform(-0.6, 0.6)))
    p.desk.echo(p.beat_s * 1.5, 0.45)
    p.desk.reverb(4.0, 0.7)
    return p.desk.master(0.07, 3.0, 5.0)


def house(p: Piece) -> Sound:
    for bar in range(p.bars):
        for beat in range(4):
            p.hit(s.kick(), bar * 4 + beat, 1.0)
            if p.part(bar) > 0.1:
                p.hit(s.hat(open_=True), bar * 4 + beat + 0.5, 0.32)
            if beat % 2:
                p.hit(s.snare(), bar * 4 + beat, 0.5)
        if p.part(bar) > 0.2:
            for step in (0.75, 1.5, 2.75, 3.5):
                p.play(s.bass, p.chord(bar, -1)[0], bar * 4 + step, 0.4, 0.8)
        for step in (0.5, 1.5, 2.25, 3.5):
            for midi in p.chord(bar, 1, 4):
                p.play(s.rhodes, midi, bar * 4 + step, 0.5, 0.2, 0.2)
        if 0.45 < p.part(bar) < 0.85:
            p.melody(s.lead, bar, 1, 0.13, 0.7)
    p.desk.reverb(1.0, 0.16)
    return p.desk.master(0.19, 0.02, 2.0)


def drum_and_bass(p: Piece) -> Sound:
    for bar in range(p.bars):
        for beat in (0, 2.5):
            p.hit(s.kick(), bar * 4 + beat, 1.0)
        for beat in (1, 3):
            p.hit(s.snare(), bar * 4 + beat, 0.8)
        for ghost in (1.75, 2.25, 3.75):
            p.hit(s.snare(soft=True), bar * 4 + ghost, 0.22)
        for step in range(8):
            p.hit(s.hat(), bar * 4 + step / 2, 0.35 if step % 2 else 0.22, 0.2)
        if p.part(bar) > 0.15:
            for late, beats in ((0.0, 1.4), (1.5, 0.5), (2.5, 1.4)):
                p.play(s.bass, p.chord(bar // 2, -1)[0], bar * 4 + late, beats, 1.0)
        if bar % 2 == 0:
            for midi in p.chord(bar // 2, 1, 3):
                p.play(s.pad, midi, bar * 4, 8, 0.4)
        if p.part(bar) > 0.4:
            p.melody(s.lead, bar, 1, 0.1, 0.6, -0.2)
    p.desk.reverb(1.4, 0.14)
    return p.desk.master(0.2, 0.02, 1.5)


def chiptune(p: Piece) -> Sound:
    for bar in range(p.bars):
        chord = p.chord(bar, 1)
        for step in range(16):
            p.play(s.chip, chord[step % 3], bar * 4 + step / 4, 0.22, 0.2, -0.3)
        for step in range(8):
            p.play(s.triangle, p.chord(bar, -1)[0] + (12 if step % 2 else 0), bar * 4 + step / 2, 0.42, 0.6)
        p.melody(s.chip, bar, 2, 0.3, 0.95, 0.3)
        for beat in range(4):
            p.hit(s.snare(soft=True) if beat % 2 else s.kick(), bar * 4 + beat, 0.45)
    return p.desk.master(0.16, 0.005, 0.5)


def solo_piano(p: Piece) -> Sound:
    for bar in range(p.bars):
        chord = p.chord(bar, 0, 3)
        for step, midi in enumerate((chord[0] - 12, chord[1], chord[2], chord[0] + 12, chord[2], chord[1])):
            p.play(s.piano, midi, bar * 4 + step * 2 / 3, 3, 0.3 + 0.05 * float(p.rng.random()), -0.15)
        p.melody(s.piano, bar, 1, 0.5 + 0.25 * np.sin(np.pi * p.part(bar)), 0.7, 0.15)
    p.desk.reverb(2.2, 0.3)
    return p.desk.master(0.08, 0.01, 3.0)


def folk(p: Piece) -> Sound:
    for bar in range(p.bars):
        chord = p.chord(bar, 0, 3)
        for step, index in enumerate((0, 2, 1, 2, 0, 2, 1, 2)):
            p.play(s.pluck, chord[index] + (0 if step % 4 else -12), bar * 4 + step / 2, 1.8, 0.5, -0.25)
        if p.part(bar) > 0.15:
            p.melody(s.pluck, bar, 1, 0.5, 0.75, 0.3)
        if p.part(bar) > 0.5:
            p.play(s.bow, chord[0], bar * 4, 4, 0.16)
    p.desk.reverb(0.9, 0.16)
    return p.desk.master(0.1, 0.01, 2.0)


def lofi(p: Piece) -> Sound:
    swing = 0.12
    for bar in range(p.bars):
        for beat, gain in ((0, 0.9), (2.5, 0.7)):
            p.hit(s.kick(), bar * 4 + beat, gain)
        for beat in (1, 3):
            p.hit(s.snare(soft=True), bar * 4 + beat, 0.5)
        for step in range(8):
            p.hit(s.hat(), bar * 4 + step / 2, 0.16, 0.1, swing)
        for midi in p.chord(bar, 0, 4):
            p.play(s.rhodes, midi, bar * 4, 3.5, 0.3)
        p.play(s.bass, p.chord(bar, -1)[0], bar * 4, 1.5, 0.7)
        if 0.2 < p.part(bar) < 0.9:
            p.melody(s.rhodes, bar, 1, 0.22, 0.5, 0.2, swing)
    crackle = np.where(p.rng.random(p.desk.y.shape[1]) > 0.9997, p.rng.normal(0, 0.25, p.desk.y.shape[1]), 0).astype(np.float32)
    p.desk.lay(crackle, 0, 0.5)
    for side in (0, 1):
        p.desk.y[side] = s.shaped(p.desk.y[side], low_hz=60, high_hz=3200)
    return p.desk.master(0.12, 0.3, 2.5)


def rock(p: Piece) -> Sound:
    for bar in range(p.bars):
        for beat in (0, 1.5, 2):
            p.hit(s.kick(), bar * 4 + beat, 0.9)
        for beat in (1, 3):
            p.hit(s.snare(), bar * 4 + beat, 0.85)
        for step in range(8):
            p.hit(s.hat(open_=step == 7), bar * 4 + step / 2, 0.3, 0.25)
        low = p.chord(bar, -1)[0]
        for step in range(8):
            if step not in {3, 6} or bar % 2:
                p.play(s.power, low, bar * 4 + step / 2, 0.45, 0.5, -0.5 if step % 2 else 0.5)
            p.play(s.bass, low, bar * 4 + step / 2, 0.45, 0.5)
        if p.part(bar) > 0.35:
            p.melody(s.lead, bar, 1, 0.3, 0.85, 0.1)
    p.desk.reverb(0.7, 0.12)
    return p.desk.master(0.24, 0.005, 1.0)


def dub_techno(p: Piece) -> Sound:
    stabs = Desk(p.seconds)
    kept, p.desk = p.desk, stabs
    for bar in range(p.bars):
        for step in (0.75, 2.75) if bar % 2 else (1.25,):
            for midi in p.chord(bar // 4, 0, 3):
                p.play(s.rhodes, midi, bar * 4 + step, 0.3, 0.35)
    stabs.echo(p.beat_s * 0.75, 0.62, 8)
    stabs.reverb(3.0, 0.6)
    p.desk = kept
    p.desk.y += stabs.y
    for bar in range(p.bars):
        for beat in range(4):
            if p.part(bar) > 0.08:
                p.hit(s.kick(deep=True), bar * 4 + beat, 1.0)
            p.hit(s.hat(), bar * 4 + beat + 0.5, 0.25, 0.3)
        p.play(s.bass, p.chord(bar // 4, -2)[0] + 12, bar * 4 + 0.5, 1.2, 0.8)
    return p.desk.master(0.15, 0.5, 3.0)


def strings(p: Piece) -> Sound:
    for bar in range(p.bars):
        swell = 0.25 + 0.5 * np.sin(np.pi * p.part(bar))
        for k, midi in enumerate(p.chord(bar, 0, 3)):
            p.play(s.bow, midi, bar * 4, 4.4, swell * 0.5, (k - 1) * 0.5)
        p.play(s.bow, p.chord(bar, -1)[0], bar * 4, 4.4, swell * 0.7)
        p.melody(s.bow, bar, 1, swell * 0.7, 0.8, -0.3)
    p.desk.reverb(2.6, 0.4)
    return p.desk.master(0.1, 0.4, 3.0)


def jazz_trio(p: Piece) -> Sound:
    """Piano, double bass and brushes: the bass walks, the ride swings, the right hand answers."""
    swing = 1 / 6  # the second of two eighths comes on the third triplet
    for bar in range(p.bars):
        walk = (p.chord(bar, -1)[0], p.chord(bar, -1)[1], p.chord(bar, -1)[2], p.chord(bar + 1, -1)[0] + 1)
        for beat, midi in enumerate(walk):
            p.play(s.upright, midi - 12 if midi > 50 else midi, bar * 4 + beat, 0.95, 0.75, 0.1)
            p.hit(s.ride(), bar * 4 + beat, 0.3, 0.35)
            if beat % 2:
                p.hit(s.ride(), bar * 4 + beat + 0.5 + swing, 0.2, 0.35)
                p.hit(s.snare(soft=True), bar * 4 + beat, 0.13, -0.1)
        for offbeat in ((0, 1.5), (0.5, 3.5))[bar % 2]:
            for midi in p.chord(bar, 0, 4)[1:]:
                p.play(s.piano, midi, bar * 4 + offbeat, 0.8, 0.24 + 0.05 * float(p.rng.random()), -0.3, swing)
        if 0.12 < p.part(bar) < 0.9:
            p.melody(s.piano, bar, 1, 0.42, 0.72, -0.15, swing)
    p.desk.reverb(1.2, 0.18)
    return p.desk.master(0.1, 0.01, 2.0)


@dataclass(frozen=True)
class Style:
    """``bpm`` is the range a piece's tempo is drawn from."""

    compose: Callable[[Piece], Sound]
    bpm: tuple[int, int]
    scale: tuple[int, ...]


STYLES: dict[str, Style] = {
    "ambient": Style(ambient, (56, 66), MAJOR),
    "house": Style(house, (120, 126), DORIAN),
    "drum and bass": Style(drum_and_bass, (170, 176), MINOR),
    "chiptune": Style(chiptune, (140, 156), MAJOR),
    "piano": Style(solo_piano, (66, 84), MINOR),
    "folk": Style(folk, (92, 108), MAJOR),
    "lo-fi": Style(lofi, (76, 86), DORIAN),
    "rock": Style(rock, (128, 144), PENTATONIC),
    "dub techno": Style(dub_techno, (116, 120), MINOR),
    "strings": Style(strings, (60, 76), MINOR),
    "jazz": Style(jazz_trio, (104, 116), DORIAN),
}


def compose(style: str, seconds: float, seed: int) -> Sound:
    """A piece in a style: (2, n) float32 at 44.1 kHz, peaks below -1 dBFS; the same for the same seed."""
    rng = np.random.default_rng([seed, *style.encode()])
    how = STYLES[style]
    piece = Piece(seconds, float(rng.integers(how.bpm[0], how.bpm[1] + 1)), 48 + int(rng.integers(12)), how.scale, rng)
    try:
        return how.compose(piece)
    finally:
        s.forget()
