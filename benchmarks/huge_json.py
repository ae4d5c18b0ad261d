"""An export of gigabytes never sits in memory: imports files of `--mb` MiB each and tells the most memory (resident) each took, and time.

One JSON line a shape. `padded`: sound plays, each with unknown fields of nearly 1 MiB; `string`: one entry that is
one text; `nested`: one object that holds small ones without end; `deep`: objects within objects without end. The last three must be
refused with words.
`python benchmarks/huge_json.py [--mb 2048] [--shape SHAPE] [--folder DIR]`: needs as much disk as one file, which is deleted.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import structlog

from segue.events import SqliteEventLog
from segue.flow.history import History
from segue.flow.imports import bring_export
from segue.flow.listen import Listening
from segue.library import Catalogue
from segue.store import DataDir, open_store
from segue.testing.listening import fill_world

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
SHAPES = ("padded", "string", "nested", "deep")
NAME = "Streaming_History_Audio_2020_1.json"
PAD = b"x" * 900_000


def play(number: int) -> bytes:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_577_836_800 + number * 300))
    entry = {"ts": at, "ms_played": 200_000, "master_metadata_track_name": f"Title {number}", "master_metadata_album_artist_name": "Artist"}
    return json.dumps(entry | {"reason_end": "trackdone"}).encode()


def write(path: Path, shape: str, size: int) -> int:
    """Write about ``size`` bytes. Returns how many plays are in it that can be read."""
    with path.open("wb") as file:
        file.write(b"[" + play(0))
        number = 0
        if shape == "padded":
            while file.tell() < size:
                number += 1
                file.write(b"," + play(number)[:-1] + b', "unknown": ["%s", {"more": 1}]}' % PAD)
            file.write(b"]")
            return number + 1
        begun, more = {
            "string": (b',{"ts": "', PAD),
            "nested": (b',{"more": [', b'{"a": 1},' * 100_000),
            "deep": (b",", b'{"a": ' * 150_000),
        }[shape]
        file.write(begun)
        while file.tell() < size:
            file.write(more)
        file.write(b'"}]' if shape == "string" else b"")
        return 1


def memory_mib(field: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def measure(folder: Path, export: Path, shape: str, plays: int) -> None:
    with DataDir(folder / "data") as data:
        db = open_store(data)
        world = fill_world(db, tracks=100)
        log = SqliteEventLog(data.events)
        catalogue = Catalogue(db)
        history = History(Listening(log, db, catalogue), db, catalogue)
        small = folder / "small.json"
        small.write_bytes(b"[" + play(-1) + b"]")
        bring_export(history, world.listener, "spotify", small)
        before = memory_mib("VmRSS")
        started, cpu = time.perf_counter(), time.process_time()
        done, refused = bring_export(history, world.listener, "spotify", export)
        spent, cpu = time.perf_counter() - started, time.process_time() - cpu
        peak = memory_mib("VmHWM")
        log.close()
        db.close()
    told: dict[str, object] = {"benchmark": "huge_json", "shape": shape, "mib": export.stat().st_size >> 20, "peak_rss_mib": round(peak, 1)}
    told |= {"grown_mib": round(peak - before, 1), "seconds": round(spent, 2), "cpu_s": round(cpu, 2)}
    print(json.dumps(told | {"plays": done.read, "refused": done.refused, "words": refused}), flush=True)
    assert done.read == plays, f"{done.read} of {plays} plays were read"
    assert shape == "padded" or refused, "what never ends was not refused"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--mb", type=int, default=2048)
    parser.add_argument("--shape", choices=SHAPES, help="only this one")
    parser.add_argument("--folder", type=Path, help="where the files are written; else the system's temporary folder")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        folder, shape, plays = asked.measure
        measure(Path(folder), Path(folder) / NAME, shape, int(plays))
        return
    for shape in [asked.shape] if asked.shape else SHAPES:
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            plays = write(Path(folder) / NAME, shape, asked.mb << 20)
            subprocess.run([sys.executable, __file__, "--measure", folder, shape, str(plays)], check=True)  # so that each begins anew


if __name__ == "__main__":
    main()
