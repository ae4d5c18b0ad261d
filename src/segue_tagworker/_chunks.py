"""The texts that WAV and AIFF files hold in chunks of their own, beside or instead of an ID3 tag."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from segue_tagworker._tags import Tags

_MOST = 4096
_LONGEST = 1 << 20
_INFO = {
    "INAM": "title", "IART": "artist", "IAAR": "albumartist", "IPRD": "album", "ICRD": "date", "IGNR": "genre", "ITRK": "tracknumber",
    "IPRT": "tracknumber", "TRCK": "tracknumber", "ICMT": "comment", "IMUS": "composer", "IWRI": "lyricist", "IBPM": "bpm",
    "ILYC": "lyrics",
}  # fmt: skip
_AIFF = {b"NAME": "title", b"AUTH": "artist", b"ANNO": "comment"}


def chunks(file: BinaryIO, position: int, form: str) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its content begins, length) of the chunks from ``position``; ``form`` is the length's, as ``struct`` has it."""
    for _ in range(_MOST):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return
        (length,) = struct.unpack(form, head[4:])
        yield head[:4], position + 8, length
        position += 8 + length + (length & 1)


def riff_info(file: BinaryIO) -> Tags:
    """The INFO list of a WAV file (Multimedia Programming Interface and Data Specifications 1.0)."""
    out = Tags()
    for name, at, length in chunks(file, 12, "<I"):
        if name != b"LIST" or not 4 <= length <= _LONGEST:
            continue
        file.seek(at)
        data = file.read(length)
        position = 4
        while data[:4] == b"INFO" and position + 8 <= len(data):
            (size,) = struct.unpack("<I", data[position + 4 : position + 8])
            field = _INFO.get(data[position : position + 4].decode("latin-1").upper())
            if field:
                out.add(field, _text(data[position + 8 : position + 8 + size]))
            position += 8 + size + (size & 1)
    return out


def aiff_texts(file: BinaryIO) -> Tags:
    """Name, author and annotations of an AIFF file (Audio Interchange File Format 1.3, section 9)."""
    out = Tags()
    for name, at, length in chunks(file, 12, ">I"):
        if name in _AIFF and length <= _LONGEST:
            file.seek(at)
            out.add(_AIFF[name], _text(file.read(length)))
    return out


def _text(data: bytes) -> str:
    """No encoding is told: UTF-8 if it is that, else Windows' Western one."""
    data = data.partition(b"\0")[0]
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
