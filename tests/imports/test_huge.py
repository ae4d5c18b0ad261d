"""An export that is larger than memory is read, or refused with words, in little memory: the benchmark of it, small."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "huge_json.py"
MIB = 40


def test_what_is_huge_or_never_ends_takes_little_memory(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARK), "--mb", str(MIB), "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    told = {one["shape"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert set(told) == {"padded", "string", "nested", "deep"}
    for one in told.values():
        assert one["mib"] >= MIB
        assert one["grown_mib"] < MIB / 2, one
    assert (told["padded"]["plays"] > 40, told["padded"]["refused"]) == (True, 0)
    for shape, words in (("string", "longer than 1 MiB"), ("nested", "ends in the middle"), ("deep", "nested deeper")):
        assert (told[shape]["plays"], told[shape]["refused"]) == (1, 1), told[shape]
        assert words in told[shape]["words"][0]
    assert not list(tmp_path.iterdir()), "nothing is left behind"
