"""Where a track is silent, how its parts divide it, and where a mix may enter and leave it."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segue.analyse._record import Section
from segue.analyse._rhythm import Rhythm
from segue.analyse._spectra import COARSE_RATE_HZ, FRAME_RATE_HZ, Spectra, Stretch

Doubles = NDArray[np.float64]

_QUIET_DB = -45.0
"""Below the loud frames (95th percentile), where a track counts as silent."""
_ROW = 4
"""Coarse frames in a row of the self-similarity: half a second."""
_ROW_S = _ROW / COARSE_RATE_HZ
_KERNEL_S, _SHORTEST_S = 8.0, 8.0
_LIKE = 0.6
"""Cosine of two parts' means, over which they share a label."""
_INTRO_DB = -6.0
_LONGEST_PART = 0.4
"""Of the track: what is quieter for longer is no intro but how the track is."""


@dataclass(frozen=True)
class Structure:
    head_s: float
    tail_s: float
    intro_end_s: float
    outro_start_s: float
    cue_in_s: float
    cue_out_s: float
    cue_confidence: float
    part_confidence: float
    sections: tuple[Section, ...]


def structure(spectra: Spectra, rhythm: Rhythm, duration_s: float) -> Structure:
    """Silence at both ends, sections, intro and outro, cue points. Silence alone is silent from end to end."""
    if spectra.silent or not spectra.stretches:
        return Structure(duration_s, 0.0, duration_s, duration_s, duration_s, duration_s, 0.0, 0.0, ())
    loud = float(np.percentile(spectra.power_db, 95))
    first, last = spectra.stretches[0], spectra.stretches[-1]
    heard = np.flatnonzero(spectra.power_db[first.frames] > loud + _QUIET_DB)
    head = first.start_s + (max(0.0, heard[0] / FRAME_RATE_HZ) if heard.size else first.seconds)
    heard = np.flatnonzero(spectra.power_db[last.frames] > loud + _QUIET_DB)
    ended = last.start_s + (min(last.seconds, (heard[-1] + 1) / FRAME_RATE_HZ) if heard.size else 0.0)
    head, ended = min(head, duration_s), min(max(ended, head), duration_s)
    intro, outro = _ends(spectra, head, ended)
    downbeats = np.array(rhythm.downbeats_s or rhythm.beats_s)
    entries, exits = downbeats[downbeats >= head - 0.05], downbeats[downbeats <= max(outro, head) + 0.05]
    sure = rhythm.confidence if entries.size and exits.size else 0.2
    return Structure(
        head_s=head,
        tail_s=max(0.0, duration_s - ended),
        intro_end_s=intro,
        outro_start_s=outro,
        cue_in_s=float(entries[0]) if entries.size else head,
        cue_out_s=float(exits[-1]) if exits.size and exits[-1] > (entries[0] if entries.size else head) else outro,
        cue_confidence=sure,
        part_confidence=0.5 if intro > head + 1 or outro < ended - 1 else 0.3,
        sections=_sections(spectra, head, ended),
    )


def _ends(spectra: Spectra, head: float, ended: float) -> tuple[float, float]:
    """When the level over three seconds first reaches, and last holds, 6 dB below its median between."""
    span = int(3 * FRAME_RATE_HZ)
    times, levels = [], []
    for stretch in spectra.stretches:
        power = 10 ** (spectra.power_db[stretch.frames].astype(np.float64) / 10)
        if power.size < span:
            continue
        sums = np.concatenate([[0.0], np.cumsum(power)])
        levels.append(10 * np.log10((sums[span:] - sums[:-span]) / span + 1e-9))
        times.append(stretch.start_s + np.arange(levels[-1].size) / FRAME_RATE_HZ)
    if not levels:
        return head, ended
    at, level = np.concatenate(times), np.concatenate(levels)
    inside = (at >= head - 3) & (at <= ended)
    full = np.flatnonzero(inside & (level > np.median(level[inside] if inside.any() else level) + _INTRO_DB))
    if not full.size:
        return head, ended
    # A second into what is full, less the half of the span that reached it: close to where the level rises.
    intro, outro = float(at[full[0]]) + (1.5 if full[0] else 0.0), float(at[full[-1]]) + (1.5 if full[-1] < at.size - 1 else 3.0)
    longest = _LONGEST_PART * (ended - head)
    intro = intro if head + 1 < intro < head + longest else head
    outro = outro if ended - longest < outro < ended - 1 else ended
    return intro, max(outro, intro)


def _sections(spectra: Spectra, head: float, ended: float) -> tuple[Section, ...]:
    """Cut where a checkerboard over the self-similarity finds novelty (Foote 2000); parts that sound alike share a label."""
    pieces: list[tuple[float, float, Doubles, float]] = []
    rows = [_rows(spectra, stretch) for stretch in spectra.stretches]
    together = np.concatenate(rows)
    scaled = (together - together.mean(axis=0)) / np.maximum(together.std(axis=0), 1e-3)
    first = 0
    for stretch, row in zip(spectra.stretches, rows, strict=True):
        part = scaled[first : first + len(row)]
        first += len(row)
        edges = [0, *_novel(part), len(part)]
        power = 10 ** (spectra.power_db[stretch.frames].astype(np.float64) / 10)
        for begin, end in pairwise(edges):
            start_s, end_s = stretch.start_s + begin * _ROW_S, stretch.start_s + min(end * _ROW_S, stretch.seconds)
            start_s, end_s = max(start_s, head), min(end_s if end < len(part) else stretch.start_s + stretch.seconds, ended)
            if end_s - start_s > 0.1:
                a, b = (round((t - stretch.start_s) * FRAME_RATE_HZ) for t in (start_s, end_s))
                pieces.append((start_s, end_s, part[begin:end].mean(axis=0), float(np.sqrt(power[a : max(b, a + 1)].mean()))))
    labels = _labels([mean for _, _, mean, _ in pieces])
    loudest = max((level for *_, level in pieces), default=1.0)
    return tuple(
        Section(start_s=round(float(start), 3), end_s=round(float(end), 3), label=label, energy=float(min(1.0, level / max(loudest, 1e-9))))
        for (start, end, _, level), label in zip(pieces, labels, strict=True)
    )


def _rows(spectra: Spectra, stretch: Stretch) -> Doubles:
    """(rows, features) of one window: timbre, harmony and level of half seconds."""
    mel = spectra.mel_db[stretch.frames].astype(np.float64)
    chroma = spectra.chroma[stretch.coarse].astype(np.float64)
    count = -(-len(chroma) // _ROW)
    step = len(mel) / count
    starts = (np.arange(count) * step).astype(np.int64)
    lengths = np.diff(np.append(starts, len(mel)))[:, None]
    bands = np.add.reduceat(mel, starts) / lengths
    grouped = bands.reshape(count, 10, -1).mean(axis=2)
    held = np.add.reduceat(chroma, np.arange(count) * _ROW)
    held = held / np.maximum(np.linalg.norm(held, axis=1, keepdims=True), 1e-3)
    return np.hstack([grouped, held])


def _novel(part: Doubles) -> list[int]:
    half, shortest = round(_KERNEL_S / _ROW_S), round(_SHORTEST_S / _ROW_S)
    n = len(part)
    if n < 2 * shortest:
        return []
    unit = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-9)
    alike = unit @ unit.T
    reach = np.arange(-half, half) + 0.5
    taper = np.exp(-0.5 * np.square(reach / (0.5 * half)))
    board = np.outer(np.sign(reach) * taper, np.sign(reach) * taper)
    padded = np.pad(alike, half, mode="edge")
    curve = np.array([np.sum(padded[at : at + 2 * half, at : at + 2 * half] * board) for at in range(n)]) / np.abs(board).sum()
    found: list[int] = []
    threshold = max(0.12, float(curve.mean() + 0.75 * curve.std()))
    for at in np.argsort(-curve, kind="stable"):
        if curve[at] < threshold:
            break
        if shortest <= at <= n - shortest and all(abs(at - other) >= shortest for other in found):
            found.append(int(at))
    return sorted(found)


def _labels(means: list[Doubles]) -> list[str]:
    """A to Z by first appearance; a part joins the most similar one before it."""
    labels: list[int] = []
    for number, mean in enumerate(means):
        best, like = -1, _LIKE
        for other in range(number):
            similar = float(mean @ means[other]) / max(float(np.linalg.norm(mean) * np.linalg.norm(means[other])), 1e-9)
            if similar > like:
                best, like = other, similar
        labels.append(labels[best] if best >= 0 else min(max(labels, default=-1) + 1, 25))
    return [chr(ord("A") + label) for label in labels]
