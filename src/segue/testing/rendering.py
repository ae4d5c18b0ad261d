"""Sounds made by FFmpeg from a line of arithmetic, in any format: for tests and benchmarks of what is heard."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

MUSIC = "0.2*sin(2*PI*t*110*pow(2,floor(mod(t*2,12))/12))+0.15*sin(2*PI*t*(330+110*floor(mod(t*1.5,7))))*exp(-4*mod(t,0.5))"
"""Notes that change: something for a fingerprint to hold on to."""


def render(path: Path, sound: str, *arguments: str, seconds: float = 5, rate: int = 44100) -> Path:
    """``sound``: an expression in ``t`` for each channel (FFmpeg's ``aevalsrc``), or a whole source, as ``anullsrc``. The suffix names the
    format."""
    expressions, _, layout = sound.partition(":c=")
    quoted = f"'{expressions}'" + (f":c={layout}" if layout else "")
    source = sound if sound.startswith(("anull", "sine", "anoise")) else f"aevalsrc={quoted}:s={rate}:d={seconds}"
    return convert(None, path, "-f", "lavfi", "-i", source, "-t", str(seconds), *arguments)


def convert(source: Path | None, path: Path, *arguments: str) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", "-threads", "1"]
    command += ["-i", str(source)] if source else []
    subprocess.run([*command, *arguments, str(path)], check=True, timeout=300)
    return path
