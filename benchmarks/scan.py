"""Scanning small tagged files: one JSON line a figure.

    python benchmarks/scan.py [--files N] [--large N]

``new`` is a first scan from a warm page cache, ``unchanged`` the next one; peak memory is that of a process that scans ``--files`` and of
another that scans ``--large``. The peers, in the same run over the same files, are a bare loop with mutagen, which keeps nothing, and,
where ``--supysonic`` names its command (``supysonic-cli`` in an environment of its own), that server's scan, with its start taken off.
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


def supysonic(command: Path, work: Path) -> float:
    """Files a second of its first scan, into SQLite."""
    (work / ".supysonic").write_text(f"[base]\ndatabase_uri = sqlite:///{work}/supysonic.db\n[webapp]\ncache_dir = {work}/cache\n")

    def timed(*arguments: str) -> float:
        began = time.perf_counter()
        subprocess.run([command, "folder", *arguments], env={"HOME": str(work)}, capture_output=True, check=True)
        return time.perf_counter() - began

    timed("add", "music", f"{work}/music")
    (work / "none").mkdir()
    timed("add", "none", f"{work}/none")
    start_s = timed("scan", "--foreground", "none")
    files = sum(1 for path in (work / "music").rglob("*.*") if path.is_file())
    return files / (timed("scan", "--foreground", "music") - start_s)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--large", type=int, default=0)
    options.add_argument("--supysonic", type=Path, help="supysonic-cli, to be compared with")
    asked = options.parse_args()
    for files in filter(None, (asked.files, asked.large)):
        with tempfile.TemporaryDirectory() as work:
            began = time.perf_counter()
            write_many(Path(work) / "music", files)
            say("made", files=files, per_s=round(files / (time.perf_counter() - began)))
            say("segue", files=files, **json.loads(run(SCAN, f"{work}/music", f"{work}/data")))
            if files == asked.files:
                say("peer_mutagen_loop", files=files, per_s=round(float(run(MUTAGEN, f"{work}/music"))))
                if asked.supysonic:
                    say("peer_supysonic", files=files, per_s=round(supysonic(asked.supysonic, Path(work))))


if __name__ == "__main__":
    main()
