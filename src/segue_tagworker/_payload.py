"""Where the sound lies in a file, and its quick hash: what stays the same when a file is moved or its tags change.

The quick hash is 16 bytes of BLAKE2b over the length of the audio payload and its first and last 64 KiB. FLAC: its own MD5 of the
samples, when it has one. Ogg: over packets, since retagging renumbers pages (RFC 3533) and the length is the last granule position.
"""

import struct
from hashlib import blake2b
from typing import BinaryIO

from segue_tagworker._chunks import chunks

EDGE = 64 << 10
_TAIL = 192 << 10


def quick_hash(file: BinaryIO, kind: str, size: int, flac_md5: int | None) -> bytes | None:
    """``kind`` is the container: mp3 flac ogg mp4 riff aiff asf dsf other. None when there is no payload."""
    if kind == "flac" and flac_md5:
        return blake2b(b"flac" + flac_md5.to_bytes(16, "big"), digest_size=16).digest()
    if kind == "ogg":
        return _ogg_hash(file, size)
    start, end = _range(file, kind, size)
    if end <= start:
        return None
    hashed = blake2b(struct.pack(">Q", end - start), digest_size=16)
    file.seek(start)
    hashed.update(file.read(min(EDGE, end - start)))
    if end - start > EDGE:
        file.seek(max(start, end - EDGE))
        hashed.update(file.read(EDGE))
    return hashed.digest()


def _range(file: BinaryIO, kind: str, size: int) -> tuple[int, int]:
    if kind == "mp4":
        return _mp4(file, size)
    if kind == "riff":
        return _chunk(file, size, b"data", 12, "<I")
    if kind == "aiff":
        return _chunk(file, size, b"SSND", 12, ">I")
    if kind == "asf":
        return _asf(file, size)
    if kind == "dsf":
        return _dsf(file, size)
    start = id3_size(file)
    if kind == "flac":
        start = _after_flac_blocks(file, start)
    return start, before_trailers(file, start, size)


def id3_size(file: BinaryIO) -> int:
    """Bytes of an ID3v2 tag at the start (ID3v2.4 structure, section 3.1), 0 if there is none."""
    file.seek(0)
    head = file.read(10)
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    body = (head[6] & 0x7F) << 21 | (head[7] & 0x7F) << 14 | (head[8] & 0x7F) << 7 | (head[9] & 0x7F)
    return 10 + body + (10 if head[5] & 0x10 else 0)


def has_ape(file: BinaryIO) -> bool:
    """Whether an APEv2 tag ends the file, or stands before the ID3v1 tag that does."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 160))
    tail = file.read(160)
    return tail[-32:-24] == b"APETAGEX" or (tail[:8] == b"APETAGEX" and tail[32:35] == b"TAG")


def before_trailers(file: BinaryIO, start: int, end: int) -> int:
    """Without ID3v1 (128 bytes) and APEv2 tags at the end, in either order."""
    for _ in range(3):
        if end - start >= 128:
            file.seek(end - 128)
            if file.read(3) == b"TAG":
                end -= 128
                continue
        if end - start >= 32:
            file.seek(end - 32)
            foot = file.read(32)
            if foot[:8] == b"APETAGEX":
                length, flags = struct.unpack("<I", foot[12:16])[0], struct.unpack("<I", foot[20:24])[0]
                end = max(start, end - length - (32 if flags & 0x80000000 else 0))
                continue
        break
    return end


def _after_flac_blocks(file: BinaryIO, start: int) -> int:
    position = start + 4
    for _ in range(1024):
        file.seek(position)
        head = file.read(4)
        if len(head) < 4:
            break
        position += 4 + int.from_bytes(head[1:4])
        if head[0] & 0x80:
            break
    return position


def _mp4(file: BinaryIO, size: int) -> tuple[int, int]:
    position, best = 0, (0, 0)
    for _ in range(4096):
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            break
        length, name, header = struct.unpack(">I", head[:4])[0], head[4:8], 8
        if length == 1 and len(head) == 16:
            length, header = struct.unpack(">Q", head[8:])[0], 16
        elif length == 0:
            length = size - position
        if length < header:
            break
        if name == b"mdat" and length - header > best[1] - best[0]:
            best = (position + header, min(size, position + length))
        position += length
    return best


def _chunk(file: BinaryIO, size: int, wanted: bytes, position: int, form: str) -> tuple[int, int]:
    for name, at, length in chunks(file, position, form):
        if name == wanted:
            return at, min(size, at + length)
    return 0, 0


def _asf(file: BinaryIO, size: int) -> tuple[int, int]:
    data = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
    position = 0
    for _ in range(256):
        file.seek(position)
        head = file.read(24)
        if len(head) < 24:
            break
        (length,) = struct.unpack("<Q", head[16:])
        if head[:16] == data:
            return position + 50, min(size, position + length)
        if length < 24:
            break
        position += length
    return 0, 0


def _dsf(file: BinaryIO, size: int) -> tuple[int, int]:
    position = 28
    for _ in range(16):
        file.seek(position)
        head = file.read(12)
        if len(head) < 12:
            break
        (length,) = struct.unpack("<Q", head[4:])
        if head[:4] == b"data":
            return position + 12, min(size, position + length)
        if length < 12:
            break
        position += length
    return 0, 0


def _ogg_hash(file: BinaryIO, size: int) -> bytes | None:
    head_packets = _ogg_bodies(_ogg_start(file), skip=3)
    tail_at = max(0, size - _TAIL)
    file.seek(tail_at)
    tail = file.read(_TAIL)
    first = tail.find(b"OggS")
    pages = list(_pages(tail[first:])) if first >= 0 else []
    if not head_packets or not pages:
        return None
    granule = max((granule for granule, _, _ in pages if granule != 2**64 - 1), default=0)
    bodies = b"".join(body for _, _, body in pages)
    hashed = blake2b(b"ogg" + struct.pack(">Q", granule), digest_size=16)
    hashed.update(head_packets[:EDGE])
    if tail_at > 0 or len(bodies) > EDGE:  # a short file's tail is its head again, headers included
        hashed.update(bodies[-EDGE // 2 :])
    return hashed.digest()


def _ogg_start(file: BinaryIO) -> bytes:
    """From the start until the headers (pictures are in them) and some of the sound are read; at most 64 MiB."""
    file.seek(0)
    data = file.read(256 << 10)
    while len(data) < 64 << 20 and len(_ogg_bodies(data, skip=3)) < EDGE:
        more = file.read(4 << 20)
        if not more:
            break
        data += more
    return data


def _ogg_bodies(data: bytes, skip: int) -> bytes:
    """Packet bytes after the header packets: 2 for Opus (RFC 7845, section 3), 3 for Vorbis, by the pages they end."""
    packets_ended = 0
    if data[28:36] == b"OpusHead":
        skip = 2
    out = []
    for _, lacing, body in _pages(data):
        if packets_ended >= skip:
            out.append(body)
            continue
        packets_ended += sum(1 for length in lacing if length < 255)
    return b"".join(out)


def _pages(data: bytes) -> "list[tuple[int, bytes, bytes]]":
    """(granule position, lacing values, body) of each whole page."""
    out, position = [], 0
    while position + 27 <= len(data) and data[position : position + 4] == b"OggS":
        count = data[position + 26]
        lacing = data[position + 27 : position + 27 + count]
        start = position + 27 + count
        end = start + sum(lacing)
        if end > len(data):
            break
        out.append((struct.unpack("<Q", data[position + 6 : position + 14])[0], lacing, data[start:end]))
        position = end
    return out
