"""How long sound is where no header says it: MPEG audio without a count of its frames, MP4 in fragments, WAV beyond 4 GiB or compressed."""

import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import BinaryIO

from segue_tagworker._chunks import chunks

_V1 = (
    (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
_V2 = (
    (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_BLOCK = 1 << 20
_MOST_BYTES = 512 << 20
_MOST_LOST = 20_000
"""Places in one block that look like a frame and are none: beyond, the block is junk made to cost time."""


def _headers() -> dict[int, tuple[int, float, int, int]]:
    """Bytes 2 and 3 of a frame's header, without protection and private bits → bytes, seconds, bit/s, and what a stream keeps."""
    out = {}
    for version, rates in _RATES.items():
        for layer in (1, 2, 3):
            for rate_n, rate in enumerate(rates):
                for n, kbps in enumerate((_V1 if version == 3 else _V2)[layer - 1], 1):
                    samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
                    for pad in (0, 1):
                        slots = samples // 8 * kbps * 1000 // rate + pad if layer > 1 else (12 * kbps * 1000 // rate + pad) * 4
                        head = (0xE0 | version << 3 | (4 - layer) << 1) << 8 | n << 4 | rate_n << 2 | pad << 1
                        out[head] = (slots, samples / rate, kbps * 1000, head & 0xFE0C)
    return out


_FRAMES = _headers()


def _frames(data: bytes, keeps: int | None = None) -> Iterator[tuple[int, tuple[int, float, int, int]]]:
    """(where, header) of the MPEG frames in ``data``; the first is one that another follows."""
    at, end, lost = 0, len(data) - 3, 0
    while at < end:
        head = _FRAMES.get((data[at + 1] & 0xFE) << 8 | data[at + 2] & 0xFE) if data[at] == 0xFF else None
        if head is not None and keeps is None:
            after = at + head[0]
            followed = after >= end or (
                data[after] == 0xFF and (_FRAMES.get((data[after + 1] & 0xFE) << 8 | data[after + 2] & 0xFE) or head)[3] == head[3]
            )
            if followed:
                keeps = head[3]
        if head is not None and head[3] == keeps:
            yield at, head
            at += head[0]
        else:
            at, lost = data.find(b"\xff", at + 1), lost + 1
            if at < 0 or lost > _MOST_LOST:
                return


def mpeg(file: BinaryIO, start: int, end: int) -> tuple[float, int] | None:
    """(seconds, bit/s) of MPEG audio between two offsets. One rate at the start, middle and end is taken for the rate of all;
    else every frame is counted. None when there are no frames."""
    rates, keeps = set(), None
    for place in (start, start + (end - start) // 2, max(start, end - (64 << 10))):
        file.seek(place)
        found = [head for _, head in _frames(file.read(min(32 << 10, end - place)), keeps)]
        if found:
            keeps = keeps or found[0][3]
            rates |= {head[2] for head in found}
    if len(rates) == 1:
        rate = rates.pop()
        return (end - start) * 8 / rate, rate
    seconds, at = 0.0, start
    while keeps is not None and at < min(end, start + _MOST_BYTES):
        file.seek(at)
        data = file.read(min(_BLOCK, end - at))
        here = 0
        for here, head in _frames(data, keeps):
            if here + head[0] > len(data) and at + len(data) < end:
                break  # it goes on in the next block
            seconds += head[1]
            here += head[0]
        at += here if 4 < here <= len(data) else len(data)
    return (seconds, int((end - start) * 8 / seconds)) if seconds else None


def fragments(file: BinaryIO) -> float:
    """Seconds of an MP4 file in fragments (ISO/IEC 14496-12, section 8.8), 0 when it has none. Of the first track alone."""
    scale, default, total = 0, 0, 0
    track = b""
    for name, at, length in _boxes(file):
        if name not in {b"moov", b"moof"} or length > 16 << 20:
            continue
        file.seek(at)
        data = file.read(length)
        if name == b"moov":
            header = _inside(data, b"trak", b"mdia", b"mdhd")
            scale = struct.unpack_from(">I", header, 20 if header[:1] == b"\x01" else 12)[0] if len(header) >= 24 else 0
            extends = _inside(data, b"mvex", b"trex")
            track, default = (extends[4:8], struct.unpack_from(">I", extends, 12)[0]) if len(extends) >= 24 else (b"", 0)
            continue
        heads = _inside(data, b"traf", b"tfhd")
        if len(heads) < 8 or (track and heads[4:8] != track):
            continue
        flags, offset = int.from_bytes(heads[1:4]), 8
        offset += (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
        each = struct.unpack_from(">I", heads, offset)[0] if flags & 8 and len(heads) >= offset + 4 else default
        run = _inside(data, b"traf", b"trun")
        if len(run) < 8:
            continue
        flags, count = int.from_bytes(run[1:4]), struct.unpack_from(">I", run, 4)[0]
        if not flags & 0x100:
            total += count * each
            continue
        offset = 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
        step = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
        total += sum(struct.unpack_from(">I", run, place)[0] for place in range(offset, min(len(run) - 3, offset + count * step), step))
    return total / scale if scale else 0.0


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its content begins, length) of a file's outermost MP4 boxes."""
    size, position = file.seek(0, 2), 0
    for _ in range(100_000):
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            return
        length, header = struct.unpack(">I", head[:4])[0], 8
        if length == 1 and len(head) == 16:
            length, header = struct.unpack(">Q", head[8:])[0], 16
        elif length == 0:
            length = size - position
        if length < header:
            return
        yield head[4:8], position + header, length - header
        position += length


def _inside(data: bytes, *path: bytes) -> bytes:
    """The content of the first box at a path of names; empty when there is none."""
    for name in path:
        at = 0
        while at + 8 <= len(data):
            (length,) = struct.unpack_from(">I", data, at)
            if length < 8:
                return b""
            if data[at + 4 : at + 8] == name:
                data = data[at + 8 : at + length]
                break
            at += length
        else:
            return b""
    return data


def wav(file: BinaryIO) -> SimpleNamespace:
    """What ``fmt``, ``data`` and ``ds64`` (EBU Tech 3306) of a WAV file say, named as mutagen names it; its length by bytes a second, for
    what is not plain samples. Raises ValueError."""
    data_bytes, form = 0, b""
    for name, at, length in chunks(file, 12, "<I"):
        file.seek(at)
        if name == b"ds64":
            data_bytes = struct.unpack("<Q", file.read(24)[8:16])[0]
        elif name == b"fmt ":
            form = file.read(16)
        elif name == b"data":
            data_bytes = data_bytes if length == 0xFFFFFFFF else length
            break
    if len(form) < 16:
        raise ValueError("no fmt chunk")
    tag, channels, rate, byte_rate, _, bits = struct.unpack("<HHIIHH", form)
    seconds = data_bytes / byte_rate if byte_rate else 0.0
    about = {"bitrate": byte_rate * 8, "sample_rate": rate, "channels": channels, "bits_per_sample": bits, "audio_format": tag}
    return SimpleNamespace(length=seconds, **about)
