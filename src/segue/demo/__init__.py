"""The demo library: a small, whole collection by artists who do not exist, synthesised from a seed and dedicated to the public domain.

It shows what Segue does before anyone points it at their own music, and it is the tests' library: several formats, tags in each format's
own way, pictures, synced words, and the oddities of real collections.
"""

import multiprocessing
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import msgspec

from segue.demo._catalogue import Plan, make_plan
from segue.demo._write import cover_jpeg, write_track
from segue.errors import BadRequest, Unavailable

__all__ = ["DemoReport", "make_demo_library"]
_VERSION = 1
_MARKER = ".segue-demo.json"
_NEEDED_BYTES = 200_000_000


class DemoReport(msgspec.Struct):
    """``made`` of ``tracks`` were not there already."""

    folder: str
    seed: int
    tracks: int
    made: int


class _Marker(msgspec.Struct):
    version: int
    seed: int


def make_demo_library(target: Path, *, seed: int = 1, progress: Callable[[int, int], None] | None = None) -> DemoReport:
    """Make the demo library of a seed in ``target``; files that are there are kept, so that it can be stopped and begun again.

    ``progress`` is told how many of how many tracks are done. Raises BadRequest when the folder holds another library, Unavailable when
    the disk is too full.
    """
    target.mkdir(parents=True, exist_ok=True)
    marker = target / _MARKER
    wanted = _Marker(_VERSION, seed)
    if marker.exists():
        if msgspec.json.decode(marker.read_bytes(), type=_Marker) != wanted:
            raise BadRequest(f"{target} holds the demo library of another seed or version. Choose an empty folder.")
    elif any(target.iterdir()):
        raise BadRequest(f"{target} is not empty. Choose an empty folder, so that nothing of yours is mixed with the demo.")
    marker.write_bytes(msgspec.json.encode(wanted))
    plan = make_plan(seed)
    missing = [track for track in plan.tracks if not (target / track.path).exists()]
    if missing and shutil.disk_usage(target).free < _NEEDED_BYTES:
        raise Unavailable(f"The demo library needs 200 MB, and the disk of {target} has less. Free some space.")
    done = len(plan.tracks) - len(missing)
    try:
        _write_small(target, plan)
        if missing:
            # Started afresh: forking a process that has threads is a gamble.
            with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
                for future in as_completed([pool.submit(write_track, target, track) for track in missing]):
                    future.result()
                    done += 1
                    if progress:
                        progress(done, len(plan.tracks))
    except OSError as error:
        raise Unavailable(f"The demo library cannot be written: {error}. What is made is kept; run it again.") from error
    return DemoReport(str(target), seed, len(plan.tracks), len(missing))


def _write_small(target: Path, plan: Plan) -> None:
    for path, seed in plan.covers.items():
        file = target / path
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(cover_jpeg(seed))
    for path, text in plan.texts.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_text(text, "utf-8")
