"""Tempo on sounds made by rule, and beside librosa on real files: one JSON line a measurement.

    python benchmarks/tempo.py [--audio FOLDER] [--seconds N]

``made`` is right within 4 %; an octave error (half or double within 4 %) is counted apart: what is played at 170 may be felt at 85.
``agree`` is how often librosa's ``beat_track`` says the same, same octave and any; neither is the truth. Beats count within 70 ms.
``windows`` is the error of hearing five stretches, half of a file in all, instead of the whole.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from segue.analyse._record import SAMPLE_RATE_HZ, Description
from segue.analyse.describe import Window, describe
from segue.testing.sounds import LOOPS, Floats, repeated

SUFFIXES = {".mp3", ".opus", ".ogg", ".flac", ".m4a"}
WITHIN = np.log2(1.04)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--audio", type=Path, help="folder of real music to hold against librosa")
    options.add_argument("--seconds", type=int, default=30, help="length of each made sound")
    asked = options.parse_args()
    if asked.audio:
        files = music(asked.audio)
        by_windows(files)
        beside_librosa(files)
    made(asked.seconds)


def made(seconds: int) -> None:
    for loop, (metre, _) in LOOPS.items():
        right = octave = metres = 0
        found, wrong, tempi = [], [], range(50, 201, 5)
        for bpm in tempi:
            heard = whole(repeated(loop, bpm, seconds))
            off = float(np.log2(heard.values["tempo_bpm"].value / bpm))
            if abs(off) < WITHIN:
                right += 1
                metres += heard.values["time_signature"].value == metre
                found.append(recall(heard.beats_s, 0.1 + np.arange(0, seconds - 0.2, 60 / bpm)))
            elif abs(abs(off) - 1) < WITHIN:
                octave += 1
            else:
                wrong.append(bpm)
        n = len(tempi)
        say(
            "made", loop=loop, n=n, right=share(right, n), octave=share(octave, n), wrong=wrong,
            metre_right=share(metres, right), beats_found=round(float(np.mean(found)), 3),
        )  # fmt: skip


def recall(beats: tuple[float, ...], true: Floats) -> float:
    return float(np.mean(np.abs(true[:, None] - np.array(beats or (-9.0,))).min(axis=1) < 0.07))


def beside_librosa(files: list[Path]) -> None:
    import librosa

    same = any_octave = 0
    ours = theirs = heard_s = 0.0
    agreed: list[float] = []
    sure: list[tuple[float, bool]] = []
    for path in files:
        y = decoded(path)
        heard_s += y.size / SAMPLE_RATE_HZ
        began = time.process_time()
        heard = whole(y)
        turned = time.process_time()
        tempo, frames = librosa.beat.beat_track(y=y, sr=SAMPLE_RATE_HZ)
        theirs += time.process_time() - turned
        ours += turned - began
        off = float(np.log2(heard.values["tempo_bpm"].value / max(float(np.atleast_1d(tempo)[0]), 1)))
        same += abs(off) < WITHIN
        alike = any(abs(off - by) < WITHIN for by in (-1, 0, 1))
        any_octave += alike
        sure.append((heard.values["tempo_bpm"].confidence, alike))
        if abs(off) < WITHIN:
            agreed.append(recall(heard.beats_s, librosa.frames_to_time(frames, sr=SAMPLE_RATE_HZ)))
    n = len(files)
    half = sorted(sure, reverse=True)[: n // 2]
    say(
        "agree", peer=f"librosa {librosa.__version__}", files=n, same=share(same, n), any_octave=share(any_octave, n),
        any_octave_of_surer_half=share(sum(alike for _, alike in half), len(half)),
        beats_shared=round(float(np.mean(agreed or [0])), 3),
    )  # fmt: skip
    say("speed", files=n, describe_x_real_time=round(heard_s / ours), librosa_beat_track_x_real_time=round(heard_s / theirs))


def by_windows(files: list[Path]) -> None:
    """Five windows of a tenth of the file each, as long tracks are heard by five windows of a minute."""
    long = [(path, y) for path in files if (y := decoded(path)).size >= 180 * SAMPLE_RATE_HZ]
    same = keys = 0
    differ: dict[str, list[float]] = {}
    for _, y in long:
        one, other = whole(y), describe(windows(y), y.size / SAMPLE_RATE_HZ)
        same += abs(float(np.log2(one.values["tempo_bpm"].value / other.values["tempo_bpm"].value))) < WITHIN
        keys += all(one.values[name].value == other.values[name].value for name in ("key", "mode"))
        for name in ("energy", "danceability", "valence", "acousticness", "instrumentalness", "liveness", "dynamic_complexity_db"):
            differ.setdefault(name, []).append(abs(one.values[name].value - other.values[name].value))
    n = len(long)
    means = {name: round(float(np.mean(values)), 3) for name, values in differ.items()}
    say("windows", files=n, heard="half, in five windows", tempo_same=share(same, n), key_same=share(keys, n), mean_difference=means)


def windows(y: Floats) -> list[Window]:
    length = y.size // 10
    starts = [round(k * (y.size - length) / 4) for k in range(5)]
    return [Window(start / SAMPLE_RATE_HZ, y[start : start + length]) for start in starts]


def whole(y: Floats) -> Description:
    return describe([Window(0.0, y)], y.size / SAMPLE_RATE_HZ)


def music(folder: Path) -> list[Path]:
    """Files of music: no folder called speech or podcast."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return [path for path in found if not {"speech", "podcast"} & {part.lower() for part in path.parts}]


def decoded(path: Path) -> Floats:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(SAMPLE_RATE_HZ)]
    done = subprocess.run([*command, "-f", "f32le", "-"], capture_output=True, check=True)
    return np.frombuffer(done.stdout, dtype=np.float32)


def share(part: int, of: int) -> float:
    return round(int(part) / max(of, 1), 3)


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "tempo", "what": what, **figures}), flush=True)


if __name__ == "__main__":
    main()
