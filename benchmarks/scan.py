"""Scanning small tagged files: one JSON line a figure.

    python benchmarks/scan.py [--files N] [--large N]

``new`` is a first scan from a warm page cache, ``unchanged`` the next one; peak memory is that of a process that scans ``--files`` and of
another that scans ``--large``. The peer, in the same run, is a bare loop over the same files with mutagen, which reads and keeps nothing.
Aims: over 5,000 new tracks/s, over 100,000 unchanged files/s, memory that does not grow by more than a fifth.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from segue.testing.tones import write_many

SCAN = """
import json, resource, sys
from pathlib import Path
from segue.observe import configure_logging
from segue.testing.libraries import library_over
configure_logging("warning")
with library_over(Path(sys.argv[1]), Path(sys.argv[2]), workers=2) as library:
    new, unchanged = library.scan(), library.scan()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
rates = {"new_per_s": round(new.tracks / new.seconds), "unchanged_per_s": round(unchanged.unchanged / unchanged.seconds)}
print(json.dumps(rates | {"peak_mib": peak}))
"""
MUTAGEN = """
import sys, time
from pathlib import Path
import mutagen
files = [path for path in Path(sys.argv[1]).rglob("*.*") if path.is_file()]
began = time.perf_counter()
for path in files:
    mutagen.File(path)
print(len(files) / (time.perf_counter() - began))
"""


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "scan", "what": what, **figures}), flush=True)


def run(program: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True).stdout


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--large", type=int, default=0)
    asked = options.parse_args()
    for files in filter(None, (asked.files, asked.large)):
        with tempfile.TemporaryDirectory() as work:
            began = time.perf_counter()
            write_many(Path(work) / "music", files)
            say("made", files=files, per_s=round(files / (time.perf_counter() - began)))
            say("segue", files=files, **json.loads(run(SCAN, f"{work}/music", f"{work}/data")))
            if files == asked.files:
                say("peer_mutagen_loop", files=files, per_s=round(float(run(MUTAGEN, f"{work}/music"))))


if __name__ == "__main__":
    main()
