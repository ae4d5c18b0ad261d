"""FFmpeg as a program of its own: what it is asked, and what it may take.

It opens one local file with one demuxer, named by what the file is: a playlist, a session description or a ``concat`` script dressed as
audio is never followed. It reads no network, no standard input, no second file.
"""

import contextlib
import os
import resource
import subprocess
from functools import cache
from pathlib import Path
from typing import Literal

import imageio_ffmpeg

from segue.errors import MediaFailed
from segue.model import Track

Format = Literal["opus", "mp3", "aac", "flac"]
CONTENT_TYPES: dict[str, str] = {"opus": "audio/ogg", "mp3": "audio/mpeg", "aac": "audio/aac", "flac": "audio/flac"}
SUFFIXES: dict[str, str] = {"opus": "opus", "mp3": "mp3", "aac": "aac", "flac": "flac"}
_DEFAULT_KBPS = {"opus": 128, "mp3": 192, "aac": 192}
_BOUNDS_KBPS = {"opus": (24, 256), "mp3": (32, 320), "aac": (32, 320)}
_DEMUXERS = {
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mp4": "mov",
    "audio/wav": "wav",
    "audio/aiff": "aiff",
    "audio/x-wavpack": "wv",
    "audio/x-ape": "ape",
    "audio/x-ms-wma": "asf",
    "audio/x-dsf": "dsf",
}
_MEMORY_BYTES = 2 << 30
_CPU_S = 900
"""Ten hours of sound at 40 times real time: beyond any honest track."""


@cache
def executable() -> str:
    """The FFmpeg that comes with the Python dependencies. Raises MediaFailed when it is not there."""
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise MediaFailed(f"FFmpeg is not installed: {error}") from error


def version() -> str:
    """Its first line. Raises MediaFailed."""
    done = subprocess.run([executable(), "-version"], capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        raise MediaFailed(done.stderr[:300])
    return done.stdout.splitlines()[0]


def bounded_kbps(format: Format, kbps: int | None) -> int:
    """A bit rate that the format's encoder takes well; 0 for FLAC, which has none."""
    if format == "flac":
        return 0
    low, high = _BOUNDS_KBPS[format]
    return min(max(kbps or _DEFAULT_KBPS[format], low), high)


def transcode_command(path: Path, track: Track, format: Format, kbps: int, start_ms: int) -> list[str]:
    """What to run: it writes the transcoded sound to its standard output, and complaints to its standard error. Raises MediaFailed."""
    demuxer = _DEMUXERS.get(track.content_type)
    if demuxer is None:
        raise MediaFailed(f"Files of type {track.content_type} are not transcoded.")
    command = [executable(), "-nostdin", "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file,pipe", "-threads", "1"]
    command += ["-ss", f"{start_ms / 1000:.3f}"] if start_ms else []
    command += ["-f", demuxer, "-i", f"file:{path}", "-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]
    command += ["-ac", "2"] if track.channels > 2 else []
    return [*command, *_encoder(format, kbps, track), "pipe:1"]


def start(command: list[str]) -> "subprocess.Popen[bytes]":
    """Run it under limits, with nothing of this process but two pipes; in a group of its own, so that Ctrl-C is the server's alone to
    hear. Raises OSError."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd="/",
        env={"LC_ALL": "C.UTF-8"},
        process_group=0,
    )
    _limit(process.pid)
    return process


def holds_sound(format: Format, written: bytes) -> bool:
    """Whether a stream's beginning goes beyond the headers that its format begins with, also where nothing follows them."""
    at = 0
    if format == "flac":  # metadata blocks (RFC 9639, section 8.1)
        at, last = 4, False
        while not last:
            if len(written) < at + 4:
                return False
            last = bool(written[at] & 0x80)
            at += 4 + int.from_bytes(written[at + 1 : at + 4])
    elif format == "opus":  # the identification and the comments, each on a page of its own (RFC 7845, section 3)
        for _ in range(2):
            if len(written) < at + 27:
                return False
            segments = written[at + 26]
            at += 27 + segments + sum(written[at + 27 : at + 27 + segments])
    return len(written) > at


def _encoder(format: Format, kbps: int, track: Track) -> list[str]:
    fast = track.sample_rate_hz > 48_000
    if format == "opus":
        return ["-c:a", "libopus", "-b:a", f"{kbps}k", "-ar", "48000", "-page_duration", "200000", "-f", "ogg"]
    if format == "mp3":
        # No Xing frame: it could not be completed in a stream, and a constant bit rate needs none.
        return [
            "-c:a",
            "libmp3lame",
            "-b:a",
            f"{kbps}k",
            *(["-ar", "48000"] if fast else []),
            "-write_xing",
            "0",
            "-id3v2_version",
            "0",
            "-f",
            "mp3",
        ]
    if format == "aac":
        return ["-c:a", "aac", "-b:a", f"{kbps}k", *(["-ar", "48000"] if fast else []), "-f", "adts"]
    return ["-c:a", "flac", *(["-ar", "96000"] if track.sample_rate_hz > 192_000 else []), "-f", "flac"]


def _limit(pid: int) -> None:
    """Bounds from outside: it starts within them a moment later, before it has read anything of note. It dies with the pipe."""
    with contextlib.suppress(OSError, AttributeError):
        resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.prlimit(pid, resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (16, 16))
        os.setpriority(os.PRIO_PROCESS, pid, 5)
