"""Tag blocks, written here where FFmpeg cannot hold several values, synced words or free names: ID3v2, FLAC metadata, MP4 atoms."""

from collections.abc import Mapping, Sequence

_FRAMES = {
    "TITLE": "TIT2", "ARTIST": "TPE1", "ALBUM": "TALB", "ALBUMARTIST": "TPE2", "GENRE": "TCON", "DATE": "TDRC", "ORIGINALDATE": "TDOR",
    "TRACKNUMBER": "TRCK", "DISCNUMBER": "TPOS", "DISCSUBTITLE": "TSST", "COMPILATION": "TCMP", "ISRC": "TSRC", "COMPOSER": "TCOM",
}  # fmt: skip
_FRAMES_V3 = _FRAMES | {"DATE": "TYER", "ORIGINALDATE": "TORY"}
_FREE = {"MUSICBRAINZ_ALBUMID": "MusicBrainz Album Id", "ARTISTS": "ARTISTS", "ITUNESADVISORY": "ITUNESADVISORY"}


def id3(tags: Mapping[str, Sequence[str]], picture: bytes | None, synced: Sequence[tuple[int, str]], version: int) -> bytes:
    """An ID3v2.3 or 2.4 tag (id3v2.3.0 and id3v2.4.0-structure/-frames). Version 3 joins several values by a slash."""
    frames = b""
    for name, values in tags.items():
        kind = (_FRAMES if version == 4 else _FRAMES_V3).get(name)
        if name == "MUSICBRAINZ_TRACKID":
            frames += _frame("UFID", b"http://musicbrainz.org\0" + values[0].encode(), version)
        elif name == "UNSYNCEDLYRICS":
            frames += _frame("USLT", b"\x01eng" + "\0".encode("utf-16") + values[0].encode("utf-16"), version)
        elif kind:
            frames += _frame(kind, _text("\0" if version == 4 else "/", values, version), version)
        else:
            label = _FREE.get(name, name.lower())
            frames += _frame("TXXX", _text("\0", (label, *values), version), version)
    if synced:
        lines = b"".join(words.encode("latin-1") + b"\0" + at.to_bytes(4) for at, words in synced)
        frames += _frame("SYLT", b"\0eng\x02\x01\0" + lines, version)
    if picture:
        frames += _frame("APIC", b"\0" + _mime(picture).encode() + b"\0\x03\0" + picture, version)
    return b"ID3" + bytes((version, 0, 0)) + _syncsafe(len(frames)) + frames


def _text(separator: str, values: Sequence[str], version: int) -> bytes:
    joined = separator.join(values)
    return b"\x03" + joined.encode() if version == 4 else b"\x01" + joined.encode("utf-16")


def _frame(kind: str, body: bytes, version: int) -> bytes:
    size = _syncsafe(len(body)) if version == 4 else len(body).to_bytes(4)
    return kind.encode() + size + b"\0\0" + body


def _syncsafe(n: int) -> bytes:
    return bytes((n >> shift) & 0x7F for shift in (21, 14, 7, 0))


def _mime(picture: bytes) -> str:
    return "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"


def flac(audio: bytes, tags: Mapping[str, Sequence[str]], picture: bytes | None) -> bytes:
    """A FLAC file with its metadata replaced (RFC 9639, section 8): stream information, comments, picture, then the frames."""
    position, last = 4, False
    while not last:
        last = bool(audio[position] & 0x80)
        position += 4 + int.from_bytes(audio[position + 1 : position + 4])
    lines = [f"{name}={value}".encode() for name, values in tags.items() for value in values]
    comments = _le(5) + b"segue" + _le(len(lines)) + b"".join(_le(len(line)) + line for line in lines)
    blocks = [(0, audio[8:42]), (4, comments)] + ([(6, picture_block(picture))] if picture else [])
    out = b"fLaC"
    for number, (kind, body) in enumerate(blocks):
        out += bytes((kind | (0x80 if number == len(blocks) - 1 else 0),)) + len(body).to_bytes(3) + body
    return out + audio[position:]


def picture_block(picture: bytes) -> bytes:
    """A front cover as FLAC and Ogg hold it."""
    mime = _mime(picture).encode()
    head = (3).to_bytes(4) + len(mime).to_bytes(4) + mime + (0).to_bytes(4)
    return head + bytes(16) + len(picture).to_bytes(4) + picture


def _le(n: int) -> bytes:
    return n.to_bytes(4, "little")


def wav(audio: bytes, tag: bytes) -> bytes:
    """A WAVE file with an ID3 tag in a chunk of its own, which must lie on an even offset."""
    tag += b"\0" * (len(tag) % 2)
    body = audio[8:] + b"\0" * (len(audio) % 2) + b"id3 " + _le(len(tag)) + tag
    return b"RIFF" + _le(len(body)) + body


_MP4_FREE = ("DISCSUBTITLE", "ORIGINALDATE", "ARTISTS", "ISRC")


def mp4(audio: bytes, tags: Mapping[str, Sequence[str]]) -> bytes:
    """An MP4 file with the atoms FFmpeg does not write: the explicit flag, and free names as iTunes has them.

    FFmpeg lays ``moov`` last, so it can grow without any offset into the sound changing; raises ValueError where it does not.
    """
    added = b""
    if "ITUNESADVISORY" in tags:
        added += _atom(b"rtng", _atom(b"data", (21).to_bytes(4) + bytes(4) + bytes((int(tags["ITUNESADVISORY"][0]),))))
    for name in _MP4_FREE:
        if name in tags:
            free = _atom(b"mean", bytes(4) + b"com.apple.iTunes") + _atom(b"name", bytes(4) + name.encode())
            added += _atom(b"----", free + b"".join(_atom(b"data", (1).to_bytes(4) + bytes(4) + v.encode()) for v in tags[name]))
    if not added:
        return audio
    out, start, end = bytearray(audio), 0, len(audio)
    for kind, skipped in ((b"moov", 0), (b"udta", 0), (b"meta", 4), (b"ilst", 0)):
        start = _find_atom(audio, kind, start, end)
        size = int.from_bytes(audio[start : start + 4])
        end = start + size
        if kind == b"moov" and end != len(audio):
            raise ValueError("moov is not last")
        out[start : start + 4] = (size + len(added)).to_bytes(4)
        start += 8 + skipped
    return bytes(out[:end] + added + out[end:])


def _atom(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4) + kind + body


def _find_atom(audio: bytes, kind: bytes, start: int, end: int) -> int:
    while start < end:
        if audio[start + 4 : start + 8] == kind:
            return start
        start += int.from_bytes(audio[start : start + 4]) or end
    raise ValueError(f"no {kind.decode()} atom")
