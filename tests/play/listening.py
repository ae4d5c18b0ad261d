"""What the tests of playing share: speaking to a server, and measuring what it answers."""

import subprocess
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg

from segue.testing.server import RunningServer


def client(server: RunningServer) -> httpx.Client:
    """Speaks to ``/api`` as the admin."""
    headers = {"Authorization": f"Bearer {server.token(name='playing')}"}
    return httpx.Client(base_url=server.url, headers=headers, timeout=60)


def tracks(http: httpx.Client) -> dict[str, dict[str, Any]]:
    """Every track by its path."""
    return {one["path"]: one for one in http.get("/api/tracks?limit=500").json()["items"]}


def ffmpeg(*arguments: str, stdin: bytes = b"") -> bytes:
    """Its standard output. Raises when it fails."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=60).stdout


def decoded_ms(data: bytes) -> float:
    """How long the sound is that FFmpeg decodes from it, in milliseconds."""
    return len(ffmpeg("-i", "pipe:0", "-f", "s16le", "-ac", "1", "-ar", "48000", "pipe:1", stdin=data)) / 2 / 48


def sparse_wav(path: Path, seconds: int) -> None:
    """A WAV file of silence at 44.1 kHz in stereo that takes no room on the disk: a header, and a hole."""
    n = seconds * 44_100 * 4
    head = b"RIFF" + (n + 36).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    head += b"\x01\0\x02\0" + (44_100).to_bytes(4, "little") + (176_400).to_bytes(4, "little") + b"\x04\0\x10\0"
    with path.open("wb") as file:
        file.write(head + b"data" + n.to_bytes(4, "little"))
        file.truncate(n + 44)
