"""Key on chords made by rule in all 24 keys, and beside a key from librosa's chroma on real files: one JSON line a measurement.

    python benchmarks/key.py [--audio FOLDER] [--seconds N]

``made`` counts tonic and mode both right; ``near`` those a fifth, the relative or the parallel key away (MIREX's lesser errors). librosa
has no key: its peer is the mean of ``chroma_cqt`` against Krumhansl and Kessler's profiles, on the same sounds (of one progression) and on
the middle of the same files. On real files ``same`` is agreement; neither is the truth.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from tempo import decoded, music, share, whole

from segue.analyse._record import SAMPLE_RATE_HZ
from segue.testing.sounds import PROGRESSIONS, TIMBRES, Floats, chords, repeated

MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
Key = tuple[int, int]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--audio", type=Path, help="folder of real music to hold against librosa's chroma")
    options.add_argument("--seconds", type=int, default=12, help="length of each made sound")
    options.add_argument("--excerpt", type=int, default=60, help="seconds of each file's middle to hear")
    options.add_argument("--no-peer", action="store_true", help="leave librosa out on made sounds")
    asked = options.parse_args()
    if asked.audio:
        beside_librosa(music(asked.audio), asked.excerpt * SAMPLE_RATE_HZ)
    made(asked.seconds, peer=not asked.no_peer)


def made(seconds: int, *, peer: bool) -> None:
    keys = [(tonic, mode) for tonic in range(12) for mode in (0, 1)]
    drums = repeated("rock", 120, seconds)
    for timbre in TIMBRES:
        for drummed in (False, True):
            ours: list[tuple[Key, Key]] = []
            theirs: list[tuple[Key, Key]] = []
            for steps in PROGRESSIONS.values():
                for true in keys:
                    y = chords(true[0], bool(true[1]), steps, timbre, seconds=seconds) + np.float32(drummed) * drums
                    ours.append((true, key_of(y)))
                    if peer and steps == (0, 5, 3, 4):
                        theirs.append((true, librosa_key(y)))
            say("made", timbre=timbre, drums=drummed, progressions=len(PROGRESSIONS), **scored(ours))
            if theirs:
                say("made", peer="librosa chroma_cqt", timbre=timbre, drums=drummed, progressions=1, **scored(theirs))


def beside_librosa(files: list[Path], samples: int) -> None:
    pairs = []
    for path in files:
        y = decoded(path)
        y = y[max(0, (y.size - samples) // 2) :][:samples]
        heard = whole(y)
        one = (int(heard.values["key"].value), int(heard.values["mode"].value))
        pairs.append((one, librosa_key(y), heard.values["key"].confidence))
    n = len(pairs)
    half = sorted(pairs, key=lambda pair: -pair[2])[: n // 2]
    same, near = sum(a == b for a, b, _ in pairs), sum(a != b and related(a, b) for a, b, _ in pairs)
    surer = sum(a == b for a, b, _ in half)
    say("agree", peer="librosa chroma_cqt", files=n, same=share(same, n), near=share(near, n), same_of_surer_half=share(surer, len(half)))


def scored(pairs: list[tuple[Key, Key]]) -> dict[str, object]:
    n = len(pairs)
    right, near = sum(a == b for a, b in pairs), sum(a != b and related(a, b) for a, b in pairs)
    return {"n": n, "right": share(right, n), "near": share(near, n), "wrong": share(n - right - near, n)}


def related(a: Key, b: Key) -> bool:
    by = (b[0] - a[0]) % 12
    if a[1] == b[1]:
        return by in (5, 7)
    return by == 0 or by == (9 if a[1] else 3)


def key_of(y: Floats) -> Key:
    heard = whole(y)
    return int(heard.values["key"].value), int(heard.values["mode"].value)


def librosa_key(y: Floats) -> Key:
    import librosa

    profile = librosa.feature.chroma_cqt(y=y, sr=SAMPLE_RATE_HZ).mean(axis=1)
    fits = {
        (tonic, mode): np.corrcoef(profile, np.roll(shape, tonic))[0, 1] for mode, shape in ((1, MAJOR), (0, MINOR)) for tonic in range(12)
    }
    return max(fits, key=lambda key: float(fits[key]))


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "key", "what": what, **figures}), flush=True)


if __name__ == "__main__":
    main()
