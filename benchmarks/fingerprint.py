"""Are the same recordings told from others? One JSON line a measurement.

    python benchmarks/fingerprint.py --audio FOLDER [--tracks N] [--seconds S]

N tracks, spread over the folder, are encoded anew (MP3 128k, Opus 64k, AAC 96k, and MP3 128k after 3 s of silence) and each is compared
with its original, which must match; every two different tracks, in every encoding, must not. ``keys`` says in how many pairs a candidate
is found by the keys alone, and how many other tracks are found with it.
"""

import argparse
import itertools
import json
import os
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from segue.analyse._decode import decode
from segue.analyse._fingerprint import SAME, keys, shared, similarity
from segue.testing.rendering import convert

SUFFIXES = {".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wav"}
ENCODINGS = {
    "mp3_128": ("x.mp3", "-c:a", "libmp3lame", "-b:a", "128k"),
    "opus_64": ("x.opus", "-c:a", "libopus", "-b:a", "64k"),
    "aac_96": ("x.m4a", "-c:a", "aac", "-b:a", "96k"),
    "mp3_128_late": ("y.mp3", "-af", "adelay=3s:all=1", "-c:a", "libmp3lame", "-b:a", "128k"),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--audio", type=Path, help="a folder of real music; nothing is measured without")
    options.add_argument("--tracks", type=int, default=20)
    options.add_argument("--seconds", type=int, default=125)
    asked = options.parse_args()
    if asked.audio is None:
        say("skipped", why="no --audio")
        return
    files = sorted(path for path in asked.audio.rglob("*") if path.suffix in SUFFIXES)
    chosen = files[:: max(1, len(files) // asked.tracks)][: asked.tracks]
    prints: dict[str, dict[Path, bytes]] = defaultdict(dict)
    with tempfile.TemporaryDirectory() as work:
        for path in chosen:
            cut = convert(path, Path(work) / "cut.flac", "-map", "0:a:0", "-vn", "-t", str(asked.seconds))
            prints["original"][path] = of(cut)
            for name, (file, *arguments) in ENCODINGS.items():
                prints[name][path] = of(convert(cut, Path(work) / file, *arguments))
    measure(prints)


def of(path: Path) -> bytes:
    return decode(os.fsencode(path), 0).fingerprint


def measure(prints: dict[str, dict[Path, bytes]]) -> None:
    originals = prints["original"]
    worst = 1.0
    for name in ENCODINGS:
        alike = [similarity(originals[path], other) for path, other in prints[name].items()]
        worst = min(worst, *alike)
        missed = sum(value < SAME for value in alike)
        say(name, n=len(alike), lowest=round(min(alike), 3), median=round(statistics.median(alike), 3), missed=missed)
    other = []
    began = time.perf_counter()
    for by_path in prints.values():
        for one, two in itertools.combinations(originals, 2):
            other.append(similarity(originals[one], by_path[two]))
    took = time.perf_counter() - began
    say(
        "different",
        n=len(other),
        highest=round(max(other), 3),
        p99=round(sorted(other)[int(len(other) * 0.99)], 3),
        matched=sum(value >= SAME for value in other),
        threshold=SAME,
        margin=round(worst - max(other), 3),
        ms_each=round(took * 1000 / len(other), 2),
    )
    found = {path: keys(print_) for path, print_ in originals.items()}
    for name in ENCODINGS:
        same = [shared(found[path], keys(other)) for path, other in prints[name].items()]
        say(f"keys_{name}", n=len(same), lowest=min(same), median=statistics.median(same), missed=sum(value < 2 for value in same))
    by_chance = [shared(found[one], found[two]) for one, two in itertools.combinations(found, 2)]
    say("keys_different", n=len(by_chance), highest=max(by_chance), candidates=sum(value >= 2 for value in by_chance))


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "fingerprint", "what": what, **figures}), flush=True)


if __name__ == "__main__":
    main()
