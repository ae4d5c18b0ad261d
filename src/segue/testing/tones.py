"""Small real audio files: tones, encoded once per format and pitch, then copied with tags of their own. Thousands a second."""

import os
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import imageio_ffmpeg

_ENCODERS: dict[str, tuple[str, ...]] = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "64k", "-id3v2_version", "0", "-f", "mp3"),
    "flac": ("-c:a", "flac", "-f", "flac"),
    "ogg": ("-c:a", "libvorbis", "-f", "ogg"),
    "opus": ("-c:a", "libopus", "-b:a", "48k", "-f", "ogg"),
    "m4a": ("-c:a", "aac", "-b:a", "64k", "-f", "ipod"),
    "alac": ("-c:a", "alac", "-f", "ipod"),
    "wav": ("-c:a", "pcm_s16le", "-f", "wav"),
    "aiff": ("-c:a", "pcm_s16be", "-f", "aiff"),
    "wv": ("-c:a", "wavpack", "-f", "wv"),
    "wma": ("-c:a", "wmav2", "-f", "asf"),
}
FORMATS = tuple(_ENCODERS)


@cache
def tone(format: str, hz: int = 440, seconds: float = 1.0, channels: int = 2) -> bytes:
    """The bytes of a file that holds a sine tone. ``format`` is one of :data:`FORMATS`."""
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "tone"
        sine = f"sine=frequency={hz}:duration={seconds}:sample_rate=44100"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", sine, "-ac", str(channels)]
        subprocess.run([*command, "-map_metadata", "-1", *_ENCODERS[format], str(out)], check=True, timeout=60)
        return out.read_bytes()


def suffix(format: str) -> str:
    return "m4a" if format == "alac" else format


def id3(frames: Iterable[tuple[str, str]]) -> bytes:
    """An ID3v2.4 tag of text frames in UTF-8 (id3v2.4.0-structure, sections 3 and 4)."""
    body = b""
    for name, text in frames:
        data = b"\x03" + text.encode() + b"\0"
        body += name.encode() + _syncsafe(len(data)) + b"\0\0" + data
    return b"ID3\x04\0\0" + _syncsafe(len(body)) + body


def _syncsafe(n: int) -> bytes:
    return bytes((n >> shift) & 0x7F for shift in (21, 14, 7, 0))


def vorbis_comments(pairs: Iterable[tuple[str, str]]) -> bytes:
    """A Vorbis comment block's content (Vorbis I specification, section 5)."""
    lines = [f"{name}={value}".encode() for name, value in pairs]
    out = (5).to_bytes(4, "little") + b"segue" + len(lines).to_bytes(4, "little")
    return out + b"".join(len(line).to_bytes(4, "little") + line for line in lines)


def tagged_flac(audio: bytes, pairs: Iterable[tuple[str, str]]) -> bytes:
    """A FLAC file with its comments replaced: marker, STREAMINFO, comments, frames (RFC 9639, section 8)."""
    position, frames = 4, 0
    while True:
        last, length = audio[position] & 0x80, int.from_bytes(audio[position + 1 : position + 4])
        position += 4 + length
        if last:
            frames = position
            break
    comments = vorbis_comments(pairs)
    stream_info = b"\0" + audio[5:8] + audio[8:42]
    return b"fLaC" + stream_info + b"\x84" + len(comments).to_bytes(3) + comments + audio[frames:]


def write_many(target: Path, n: int, *, per_release: int = 12) -> None:
    """``n`` small tagged files, MP3 and FLAC in turn, in folders Artist/Release: a library of any size for benchmarks."""
    sounds = {"mp3": tone("mp3", seconds=0.5), "flac": tone("flac", seconds=0.5)}
    for release in range(0, n, per_release):
        number = release // per_release
        artist, title = f"Artist {number // 4:05}", f"Release {number:06}"
        folder = target / artist / title
        folder.mkdir(parents=True, exist_ok=True)
        for track in range(min(per_release, n - release)):
            facts = (f"Track {release + track:07}", artist, title, str(track + 1), str(1970 + number % 55), f"Genre {number % 40}")
            if track % 2:
                names = ("TITLE", "ARTIST", "ALBUM", "TRACKNUMBER", "DATE", "GENRE")
                data, kind = tagged_flac(sounds["flac"], zip(names, facts, strict=True)), "flac"
            else:
                names = ("TIT2", "TPE1", "TALB", "TRCK", "TDRC", "TCON")
                # The last bytes differ, so that no two files have one payload.
                data, kind = id3(zip(names, facts, strict=True)) + sounds["mp3"] + f"{release + track:08}".encode(), "mp3"
            with open(os.path.join(folder, f"{track + 1:02} - {facts[0]}.{kind}"), "wb") as out:
                out.write(data)
