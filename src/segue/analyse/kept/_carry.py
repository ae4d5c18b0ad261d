"""Analyses from one server to another, so that the same audio is not heard twice: one file, checked whole before anything of it is kept.

Gzip over frames of a big-endian length (4 bytes) and a msgpack value: a :class:`_Head`, a :class:`_Entry` a payload, a :class:`_Tail` with
the SHA-256 of all frames before it. What it holds is keyed by the hash of the audio alone: no path, no name, no listener.
"""

import gzip
import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from segue.analyse._record import VERSION, Embedded, Heard
from segue.analyse.kept._sounds import Sounds
from segue.errors import BadRequest, Unavailable
from segue.model import Record, Space
from segue.types import Instant

_FORMAT = "segue-analysis-1"
_LARGEST_FRAME = 4 << 20
_MOST_SPACES = 64


class _SpaceHead(Record, frozen=True, kw_only=True):
    encoder: str
    version: str
    digest: str
    dimension: int


class _Head(Record, frozen=True, kw_only=True, tag="head"):
    format: str
    spaces: tuple[_SpaceHead, ...]


class _Entry(Record, frozen=True, kw_only=True, tag="sound"):
    version: int
    heard_at: int
    heard: Heard
    """With ``embedded`` by the place of the space in the head, as text."""


class _Tail(Record, frozen=True, kw_only=True, tag="tail"):
    count: int
    sha256: bytes


_Frame = _Head | _Entry | _Tail


def export_sounds(sounds: Sounds, target: Path) -> int:
    """Write every analysis to a new file. Returns how many. Raises :class:`~segue.errors.Unavailable` when it cannot be written."""
    part = target.with_name(f".{target.name}.part")
    spaces = sounds.spaces()
    count, digest = 0, hashlib.sha256()
    try:
        with gzip.open(part, "wb", compresslevel=1) as out:

            def put(frame: _Frame) -> None:
                body = msgspec.msgpack.encode(frame)
                out.write(struct.pack(">I", len(body)) + body)
                digest.update(body)

            heads = tuple(
                _SpaceHead(encoder=one.encoder, version=one.version, digest=one.digest, dimension=one.dimension) for one in spaces
            )
            put(_Head(format=_FORMAT, spaces=heads))
            for number in sounds.numbers():
                sound = sounds.get(number)
                if sound is None:
                    continue
                held = sounds.embeddings_of(number)
                heard = Heard(
                    payload_hash=sound.payload_hash,
                    duration_ms=sound.duration_ms,
                    description=sound.description,
                    waveform=sound.waveform,
                    fingerprint=sound.fingerprint,
                    findings=sound.findings,
                    embedded={str(place): held[space.id] for place, space in enumerate(spaces) if space.id in held},
                )
                put(_Entry(version=sound.version, heard_at=sound.heard_at, heard=heard))
                count += 1
            put(_Tail(count=count, sha256=digest.digest()))
        part.replace(target)
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def import_sounds(sounds: Sounds, source: Path) -> tuple[int, int]:
    """Keep every analysis of an exported file that is not known, or known by an older version. Returns how many were kept, and met.

    Raises :class:`~segue.errors.BadRequest` when it is no export, is cut short or damaged: nothing is then kept.
    """
    met = sum(isinstance(frame, _Entry) for frame in _frames(source))
    kept = 0
    spaces: list[Space] = []
    for frame in _frames(source):
        if isinstance(frame, _Head):
            spaces = [sounds.space(one.encoder, one.version, one.digest, one.dimension) for one in frame.spaces]
        elif isinstance(frame, _Entry):
            known = sounds.find(frame.heard.payload_hash)
            vectors = {spaces[int(place)].id: one for place, one in frame.heard.embedded.items()}
            if known is None or known.version < frame.version <= VERSION:
                number = sounds.keep(frame.heard, frame.version, Instant(frame.heard_at))
                kept += 1
            else:
                number = known.number
                there = sounds.spaces_of(number)
                vectors = {space: one for space, one in vectors.items() if space not in there}
            if vectors:
                sounds.embed(number, vectors)
    return kept, met


def _frames(source: Path) -> Iterator[_Frame]:
    """Every frame, checked as far as it goes; the tail proves the rest."""
    digest = hashlib.sha256()
    spaces: tuple[_SpaceHead, ...] | None = None
    count = 0
    tail: _Tail | None = None
    try:
        with gzip.open(source, "rb") as opened:
            while length := opened.read(4):
                (size,) = struct.unpack(">I", length)
                body = opened.read(size) if size <= _LARGEST_FRAME else b""
                if len(body) != size or tail is not None:
                    raise BadRequest(_bad(source))
                frame = msgspec.msgpack.decode(body, type=_Frame)
                if isinstance(frame, _Head) and spaces is None and _good_head(frame):
                    spaces = frame.spaces
                elif isinstance(frame, _Entry) and spaces is not None and _good_entry(frame, spaces):
                    count += 1
                elif isinstance(frame, _Tail) and spaces is not None:
                    tail = frame
                else:
                    raise BadRequest(_bad(source))
                if tail is None:
                    digest.update(body)
                yield frame
    except (OSError, EOFError, zlib.error, struct.error, msgspec.MsgspecError) as error:
        raise BadRequest(_bad(source)) from error
    if tail is None or tail.count != count or tail.sha256 != digest.digest():
        raise BadRequest(_bad(source))


def _good_head(head: _Head) -> bool:
    return head.format == _FORMAT and len(head.spaces) <= _MOST_SPACES and all(8 <= one.dimension <= 4096 for one in head.spaces)


def _good_entry(entry: _Entry, spaces: tuple[_SpaceHead, ...]) -> bool:
    heard = entry.heard
    if len(heard.payload_hash) != 16 or heard.description is None or heard.error is not None:
        return False
    if not all(_finite(one.value) and _finite(one.confidence) for one in heard.description.values.values()):
        return False
    return all(
        place.isdecimal() and int(place) < len(spaces) and _fits(one, spaces[int(place)].dimension) for place, one in heard.embedded.items()
    )


def _fits(one: Embedded, dimension: int) -> bool:
    return len(one.vector) == 4 * dimension and all(map(_finite, struct.unpack(f"<{dimension}f", one.vector)))


def _finite(value: float) -> bool:
    return value - value == 0


def _bad(source: Path) -> str:
    return f"{source} is not an export of analyses, or is cut short or damaged. Nothing of it was kept. `segue analyse export` makes one."
