"""Loudness against signals whose loudness is known by rule (EBU Tech 3341 cases 1-6 and a true peak, Tech 3342 cases 1-4), and beside
pyloudnorm where that is installed. One JSON line a case.

    python benchmarks/loudness.py [--audio FOLDER]

Aim: within 0.1 LU (range: 1 LU, as Tech 3342 allows). With ``--audio``, files of that folder are measured by both.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from segue.analyse._decode import Decoded, decode
from segue.testing.rendering import convert, render

Steps = Sequence[tuple[float, float]]
CASES: dict[str, tuple[Steps, float]] = {
    "3341 case 1": ([(-23, 20)], -23),
    "3341 case 2": ([(-33, 20)], -33),
    "3341 case 3": ([(-36, 10), (-23, 60), (-36, 10)], -23),
    "3341 case 4": ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
    "3341 case 5": ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
}
RANGES: dict[str, tuple[Steps, float]] = {
    "3342 case 1": ([(-20, 20), (-30, 20)], 10),
    "3342 case 2": ([(-20, 20), (-15, 20)], 5),
    "3342 case 3": ([(-40, 20), (-20, 20)], 20),
    "3342 case 4": ([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--audio", type=Path)
    options.add_argument("--files", type=int, default=20)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        for name, (steps, expected) in CASES.items():
            case("integrated_lufs", name, of(tone(work / "case.wav", steps)).loudness_lufs, expected, 0.1)
        levels = "|".join(sine(level) for level in (-28, -28, -24, -30, -30))
        surround = of(render(work / "five.wav", f"{levels}:c=5.0", "-c:a", "pcm_f32le", seconds=20, rate=48000))
        case("integrated_lufs", "3341 case 6", surround.loudness_lufs, -23, 0.1)
        for name, (steps, expected) in RANGES.items():
            case("range_lu", name, of(tone(work / "case.wav", steps)).range_lu, expected, 1)
        peak = of(render(work / "peak.wav", "0.5*sin(2*PI*12000*t+PI/4)*min(1,5*min(t,2-t))", "-c:a", "pcm_f32le", seconds=2, rate=48000))
        case("true_peak_db", "3341 case 16", peak.true_peak_db, -6, 0.4)
        beside(work, asked.audio, asked.files)


def beside(work: Path, audio: Path | None, most: int) -> None:
    try:
        import numpy as np
        import pyloudnorm
    except ImportError:
        say("skipped", why="pyloudnorm is not installed")
        return
    files = [tone(work / f"{number}.wav", steps) for number, (steps, _) in enumerate(CASES.values())]
    if audio:
        found = sorted(path for path in audio.rglob("*") if path.suffix in {".mp3", ".flac", ".ogg", ".opus", ".m4a"})
        files += [
            convert(path, work / f"f{number}.wav", "-map", "0:a:0", "-vn", "-t", "120", "-ac", "2", "-ar", "48000", "-c:a", "pcm_f32le")
            for number, path in enumerate(found[:: max(1, len(found) // most)][:most])
        ]
    differences = []
    for path in files:
        raw = convert(path, work / "raw.f32", "-f", "f32le")
        samples = np.fromfile(raw, "<f4").reshape(-1, 2).astype(np.float64)
        ours = of(path).loudness_lufs
        if ours is not None:
            differences.append(abs(ours - pyloudnorm.Meter(48000).integrated_loudness(samples)))
    say("beside_pyloudnorm", files=len(differences), largest_lu=round(max(differences), 3), mean_lu=round(float(np.mean(differences)), 3))


def sine(level_db: float) -> str:
    return f"{10 ** (level_db / 20):.6f}*sin(2*PI*1000*t)"


def tone(path: Path, steps: Steps) -> Path:
    """Both channels, one level after another (dBFS, seconds)."""
    terms, start = [], 0.0
    for level, seconds in steps:
        terms.append(f"gte(t,{start})*lt(t,{start + seconds})*{10 ** (level / 20):.6f}")
        start += seconds
    both = f"({'+'.join(terms)})*sin(2*PI*1000*t)"
    return render(path, f"{both}|{both}", "-c:a", "pcm_f32le", seconds=start, rate=48000)


def of(path: Path) -> Decoded:
    return decode(os.fsencode(path), 0)


def case(what: str, name: str, measured: float | None, expected: float, within: float) -> None:
    difference = None if measured is None else round(measured - expected, 3)
    holds = difference is not None and abs(difference) <= within
    say(what, case=name, measured=measured and round(measured, 3), expected=expected, difference=difference, holds=holds)


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "loudness", "what": what, **figures}), flush=True)


if __name__ == "__main__":
    main()
