"""What is asked of an analysis worker and what it answers: plain records, so that the server knows them without numpy or a decoder.

Samples are mono float32 at :data:`SAMPLE_RATE_HZ`, -1..1, for everything but loudness, peak and fingerprint, which FFmpeg measures over the
whole file at its own rate. Times are seconds from the start of the file. Every confidence is 0..1.
"""

from typing import Literal

from segue.model import Record

VERSION = 1
"""Of the analysis: raised when the same audio would give other values; everything is then analysed anew, in the background."""
SAMPLE_RATE_HZ = 16_000
DESCRIPTOR_VERSION, DESCRIPTOR_DIMENSION = 1, 208
"""Of the embedding that needs no model."""


Priority = Literal["idle", "low", "normal"]
"""Of a worker process: only when nothing else wants the processor, after what does, or as anything else."""


class Ask(Record, frozen=True, kw_only=True):
    """One file. ``hash_only`` asks for the payload hash alone: it costs a read, not a decode."""

    path: bytes
    duration_ms: int
    hash_only: bool = False
    encoders: tuple[str, ...] = ()
    """Model files to embed with, beside the descriptor, which is always there."""
    only_encoders: bool = False
    """Embed alone: a new space is being filled, the description stands."""
    descriptor: bool = True
    text: str | None = None
    """No file: what the text towers of ``encoders`` make of it."""
    warm: bool = False
    """No file: load what will be needed, so that the first file need not wait for it."""


class Value(Record, frozen=True, kw_only=True):
    value: float
    confidence: float


class Section(Record, frozen=True, kw_only=True):
    """A stretch that sounds of a piece. Sections of one ``label`` (A, B, C …, by first appearance) sound alike."""

    start_s: float
    end_s: float
    label: str
    energy: float
    """0..1, beside the loudest of the track."""


class Description(Record, frozen=True, kw_only=True):
    """What can be said of samples alone; see ``docs/analysis.md`` for what each value measures."""

    values: dict[str, Value]
    beats_s: tuple[float, ...] = ()
    downbeats_s: tuple[float, ...] = ()
    sections: tuple[Section, ...] = ()


class Embedded(Record, frozen=True, kw_only=True):
    """One vector of a space (float32, little-endian, unit length) and what the model says in words, most likely first."""

    vector: bytes
    tags: tuple[tuple[str, float], ...] = ()


class Heard(Record, frozen=True, kw_only=True):
    """The answer for one file. With ``error`` (kind, what to do about it), nothing else holds."""

    payload_hash: bytes = b""
    """16 bytes over the audio packets: the same after a move or new tags."""
    duration_ms: int = 0
    """As decoded."""
    description: Description | None = None
    waveform: bytes = b""
    """Up to 800 peaks of equal stretches of the whole file, 0..255."""
    fingerprint: bytes = b""
    """Chromaprint of the first two minutes, raw: little-endian uint32, some 8 a second. Empty where the sound is too short."""
    embedded: dict[str, Embedded] = {}
    """By space: ``descriptor``, or the model file's path."""
    findings: tuple[tuple[str, str], ...] = ()
    """(kind, sentence): silent, clipped, one channel empty, samples that are no numbers, …"""
    error: tuple[str, str] | None = None
