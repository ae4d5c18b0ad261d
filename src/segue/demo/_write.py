"""Plans into files: synthesised, encoded by FFmpeg over a pipe, tagged, renamed into place."""

import base64
import os
import subprocess
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from segue.demo import _tags
from segue.demo._art import cover_png
from segue.demo._catalogue import TrackPlan
from segue.demo._styles import compose
from segue.demo._synth import SR, Sound

_ENCODERS: dict[str, tuple[str, ...]] = {
    "mp3": ("-c:a", "libmp3lame", "-q:a", "4", "-id3v2_version", "0", "-write_xing", "1", "-f", "mp3"),
    "flac": ("-c:a", "flac", "-compression_level", "5", "-f", "flac"),
    "ogg": ("-c:a", "libvorbis", "-q:a", "4", "-f", "ogg"),
    "opus": ("-c:a", "libopus", "-b:a", "96k", "-ar", "48000", "-f", "opus"),
    "m4a": ("-c:a", "aac", "-b:a", "128k", "-f", "ipod"),
    "alac": ("-c:a", "alac", "-f", "ipod"),
    "wav": ("-c:a", "pcm_s16le", "-bitexact", "-f", "wav"),
    "aiff": ("-c:a", "pcm_s16be", "-write_id3v2", "1", "-f", "aiff"),
    "wv": ("-c:a", "wavpack", "-f", "wv"),
    "wma": ("-c:a", "wmav2", "-b:a", "128k", "-f", "asf"),
}
_OWN_TAGS = frozenset(("mp3", "flac", "wav"))
_FFMPEG_NAMES = {"ALBUMARTIST": "album_artist", "TRACKNUMBER": "track", "DISCNUMBER": "disc"}
_APE_NAMES = {"ALBUMARTIST": "Album Artist", "TRACKNUMBER": "Track", "DISCNUMBER": "Disc"}
"""WavPack's: FFmpeg writes an APE tag's names as they are given."""
_TIMEOUT_S = 120


def write_track(target: Path, plan: TrackPlan) -> None:
    """Make one file, whole or not at all. A file that comes out as it was is left alone. Raises OSError."""
    sound = compose(*plan.sound)
    tags = dict(plan.tags)
    if plan.format in {"mp3", "flac"} and tags:
        tags |= _replaygain(sound)
    picture = None if plan.cover is None else cover_png(plan.cover, grain=0) if plan.png else cover_jpeg(plan.cover)
    path = target / plan.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".making-") as work:
        out = Path(work) / "out"
        _encode(sound, plan.format, {} if plan.format in _OWN_TAGS else tags, picture, Path(work), out)
        if plan.format == "mp3" and tags:
            out.write_bytes(_tags.id3(tags, picture, plan.synced, plan.id3_version) + out.read_bytes())
        elif plan.format == "flac":
            out.write_bytes(_tags.flac(out.read_bytes(), tags, picture))
        elif plan.format == "wav":
            out.write_bytes(_tags.wav(out.read_bytes(), _tags.id3(tags, picture, (), 4)))
        elif plan.format in {"m4a", "alac"}:
            out.write_bytes(_tags.mp4(out.read_bytes(), tags))
        if not (path.is_file() and path.stat().st_size == out.stat().st_size and path.read_bytes() == out.read_bytes()):
            out.replace(path)


def _replaygain(sound: Sound) -> dict[str, tuple[str, ...]]:
    """A gain from the level (not the loudness) to ReplayGain's -18 dB, and the peak: near enough for invented music."""
    level_db = 20 * np.log10(max(1e-6, float(np.sqrt((sound**2).mean()))))
    return {"REPLAYGAIN_TRACK_GAIN": (f"{-18 - level_db:.2f} dB",), "REPLAYGAIN_TRACK_PEAK": (f"{float(np.abs(sound).max()):.6f}",)}


def _encode(sound: Sound, format: str, tags: dict[str, tuple[str, ...]], picture: bytes | None, work: Path, out: Path) -> None:
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    command = [ffmpeg, "-nostdin", "-loglevel", "error", "-f", "s16le", "-ar", str(SR), "-ac", "2", "-i", "pipe:0"]
    names = _APE_NAMES if format == "wv" else _FFMPEG_NAMES
    facts = {names.get(name, name): "; ".join(values) for name, values in tags.items()}
    if format in {"ogg", "opus"} and picture:
        facts["METADATA_BLOCK_PICTURE"] = base64.b64encode(_tags.picture_block(picture)).decode()
    if format == "opus":
        facts["R128_TRACK_GAIN"] = str(round(256 * (-23 - 20 * np.log10(max(1e-6, float(np.sqrt((sound**2).mean())))))))
    (work / "facts").write_text(_ffmetadata(facts), "utf-8")
    command += ["-f", "ffmetadata", "-i", str(work / "facts")]
    attached = picture is not None and format in {"m4a", "alac", "aiff"}
    if attached and picture:
        (work / "cover.jpg").write_bytes(picture)
        command += ["-i", str(work / "cover.jpg")]
    command += [
        "-map",
        "0:a",
        "-map_metadata",
        "1",
        *(("-map", "2:v", "-c:v", "copy", "-disposition:v:0", "attached_pic") if attached else ()),
    ]
    command += ["-fflags", "+bitexact", "-flags:a", "+bitexact", *_ENCODERS[format], str(out)]
    pcm = (np.clip(sound, -1, 1).T * 32767).astype("<i2").tobytes()
    _run(command, pcm)


def _ffmetadata(facts: dict[str, str]) -> str:
    escaped = {name: "".join(f"\\{c}" if c in "=;#\\\n" else c for c in value) for name, value in facts.items()}
    return ";FFMETADATA1\n" + "".join(f"{name}={value}\n" for name, value in escaped.items())


@lru_cache(64)
def cover_jpeg(seed: int) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-f", "png_pipe", "-i", "pipe:0"]
    return _run([*command, "-c:v", "mjpeg", "-q:v", "4", "-bitexact", "-f", "image2pipe", "pipe:1"], cover_png(seed))


def _run(command: Sequence[str], stdin: bytes) -> bytes:
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=_TIMEOUT_S, check=False, cwd=os.sep)
    except subprocess.TimeoutExpired as error:
        raise OSError(f"FFmpeg took longer than {_TIMEOUT_S} s") from error
    if done.returncode:
        raise OSError(f"FFmpeg failed: {done.stderr.decode('utf-8', 'replace')[-300:]}")
    return done.stdout
