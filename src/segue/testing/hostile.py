"""Files made to break whoever reads them, and what is wrong with each."""

import os
import struct
import subprocess
import zlib
from pathlib import Path

import imageio_ffmpeg

from segue.testing.tones import id3, tagged_flac, tone


def _syncsafe(n: int) -> bytes:
    return bytes((n >> shift) & 0x7F for shift in (21, 14, 7, 0))


def _tag(body: bytes, version: int = 4) -> bytes:
    return b"ID3" + bytes((version, 0, 0)) + _syncsafe(len(body)) + body


def _frame(name: bytes, data: bytes, flags: bytes = b"\0\0") -> bytes:
    return name + _syncsafe(len(data)) + flags + data


def png_bomb() -> bytes:
    """A PNG of a few kilobytes that declares 60,000 × 60,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")


def _sox(arguments: list[str], target: Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", *arguments, str(target)]
    subprocess.run(command, check=True, timeout=120)


def make_hostile_folder(target: Path) -> dict[str, str]:
    """Write them below ``target``. Returns path → what is wrong; those that begin with ``fine`` must become tracks all the same."""
    target.mkdir(parents=True, exist_ok=True)
    mp3, flac = tone("mp3", seconds=3), tone("flac", seconds=3)
    title = [("TIT2", "Title"), ("TPE1", "Artist"), ("TALB", "Hostile")]
    compressed = _frame(b"TIT2", struct.pack(">I", 50_000_000) + zlib.compress(b"\x03" + b"A" * 50_000_000), b"\0\x08")
    picture = b"\0image/png\0\x03\0" + png_bomb()
    files: dict[str, tuple[bytes, str]] = {
        "empty.mp3": (b"", "empty"),
        "truncated.flac": (flac[:100], "cut short in its header"),
        "fine cut short.mp3": (id3(title) + mp3[: len(mp3) // 2], "cut short in its sound"),
        "zeros.ogg": (bytes(5000), "zeros"),
        "picture.mp3": (png_bomb(), "a picture named as sound"),
        "fine mislabelled.flac": (id3(title) + mp3, "an MP3 named FLAC"),
        "only a tag.mp3": (id3(title), "a tag and no sound"),
        "fine large tag.mp3": (_tag(_frame(b"PRIV", bytes(50_000_000))) + mp3, "a tag of 50 MB"),
        "many frames.mp3": (_tag(b"".join(_frame(b"TXXX", b"\x03%d\0x" % n) for n in range(300_000))) + mp3, "300,000 frames"),
        "zip bomb.mp3": (_tag(compressed) + mp3, "a compressed frame of 50 MB"),
        "fine many genres.flac": (tagged_flac(flac, [("GENRE", f"Genre {n}") for n in range(10_000)]), "10,000 genres"),
        "fine controls.flac": (
            tagged_flac(flac, [("TITLE", "a\0b\x1b[31m\u202etxet\u202c\n"), ("ARTIST", "x" * 100_000)]),
            "NUL, escapes, RTL, length",
        ),
        "fine markup.flac": (
            tagged_flac(flac, [("TITLE", "<script>alert(1)</script>"), ("ALBUM", "'; DROP TABLE track; --")]),
            "markup and SQL",
        ),
        "fine bad utf-8.mp3": (_tag(_frame(b"TIT2", b"\x03\xff\xfe\x80bad")) + mp3, "text that is no UTF-8"),
        "fine picture bomb.mp3": (_tag(_frame(b"APIC", picture) + _frame(b"TIT2", b"\x03Bomb")) + mp3, "a picture of 3.6 billion pixels"),
        "playlist.mp3": (b"#EXTM3U\nfile:///etc/passwd\n", "a playlist named as sound"),
        "sdp.wav": (b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n", "a session description named as sound"),
        "concat.m4a": (b"ffconcat version 1.0\nfile /etc/passwd\n", "a script named as sound"),
        "lying size.m4a": (b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42" + b"\xff\xff\xff\xffmoov" + bytes(100), "an atom longer than the file"),
        "lying size.wav": (b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\x7f" + bytes(50), "a chunk longer than the file"),
    }
    out = {}
    for name, (data, wrong) in files.items():
        (target / name).write_bytes(data)
        out[name] = wrong
    _sox(["-i", "anullsrc=r=44100:cl=mono", "-frames:a", "1", "-af", "atrim=end_sample=1", "-c:a", "pcm_s16le"], target / "one sample.wav")
    _sox(["-i", "sine=duration=1", "-ac", "8", "-c:a", "pcm_s16le"], target / "fine eight channels.wav")
    _sox(["-i", "anullsrc=r=8000:cl=mono", "-t", "10800", "-c:a", "pcm_u8"], target / "fine three hours.wav")
    out |= {"one sample.wav": "one sample", "fine eight channels.wav": "8 channels", "fine three hours.wav": "3 hours"}
    (target / os.fsdecode(b"fine \xff\xfe.mp3")).write_bytes(id3(title) + mp3)
    (target / "fine new\nline.mp3").write_bytes(id3(title) + mp3 + b"x")
    os.mkfifo(target / "fifo.mp3")
    os.symlink(".", target / "loop")
    os.symlink("/nowhere", target / "dangling.mp3")
    out |= {
        os.fsdecode(b"fine \xff\xfe.mp3"): "a name that is no UTF-8", "fine new\nline.mp3": "a name of two lines",
        "fifo.mp3": "a pipe", "loop": "a link to its own folder", "dangling.mp3": "a link to nowhere",
    }  # fmt: skip
    return out
