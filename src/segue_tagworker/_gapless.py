"""Encoder delay and padding in samples, read from the few bytes that hold them: no library gives them as numbers."""

import struct
from typing import BinaryIO


def lame(file: BinaryIO, start: int) -> tuple[int, int, int]:
    """(delay, padding, samples between them) of the LAME tag in the first MPEG frame at or after ``start``; zeros if there is none.

    The layout is that of the Xing header with the LAME extension: side information, ``Xing`` or ``Info``, flags, the fields they
    announce, then 9 bytes of encoder name, and 12 + 12 bits at offset 21 of the extension.
    """
    file.seek(start)
    data = file.read(8192)
    at = data.find(b"\xff")
    while 0 <= at < len(data) - 200 and (data[at + 1] & 0xE0) != 0xE0:
        at = data.find(b"\xff", at + 1)
    if not 0 <= at < len(data) - 200:
        return 0, 0, 0
    mpeg1 = (data[at + 1] >> 3) & 3 == 3
    mono = data[at + 3] >> 6 == 3
    xing = at + 4 + ((17 if mono else 32) if mpeg1 else (9 if mono else 17))
    if data[xing : xing + 4] not in {b"Xing", b"Info"}:
        return 0, 0, 0
    (flags,) = struct.unpack(">I", data[xing + 4 : xing + 8])
    extension = xing + 8 + (4 if flags & 1 else 0) + (4 if flags & 2 else 0) + (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
    name, three = data[extension : extension + 4], data[extension + 21 : extension + 24]
    if name not in {b"LAME", b"Lavc", b"Lavf", b"GOGO"} or len(three) < 3:
        return 0, 0, 0
    delay, padding = three[0] << 4 | three[1] >> 4, (three[1] & 0x0F) << 8 | three[2]
    frames = struct.unpack(">I", data[xing + 8 : xing + 12])[0] if flags & 1 else 0
    return delay, padding, max(0, frames * (1152 if mpeg1 else 576) - delay - padding)


def itunsmpb(text: str) -> tuple[int, int]:
    """(delay, padding) of an ``iTunSMPB`` comment: the second and third hexadecimal number."""
    fields = text.split()
    try:
        delay, padding = int(fields[1], 16), int(fields[2], 16)
    except (IndexError, ValueError):
        return 0, 0
    return (delay, padding) if delay < 1 << 16 and padding < 1 << 16 else (0, 0)


def opus_pre_skip(file: BinaryIO) -> int:
    """Pre-skip at 48 kHz (RFC 7845, section 5.1)."""
    file.seek(0)
    head = file.read(64)
    at = head.find(b"OpusHead")
    return struct.unpack("<H", head[at + 10 : at + 12])[0] if at >= 0 and len(head) >= at + 12 else 0
