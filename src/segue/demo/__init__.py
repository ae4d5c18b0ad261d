"""The demo library: a small, whole collection by artists who do not exist, synthesised from a seed and dedicated to the public domain.

It shows what Segue does before anyone points it at their own music, and it is the tests' library: several formats, tags in each format's
own way, pictures, synced words, and the oddities of real collections.
"""

import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import msgspec

from segue.demo._catalogue import Plan, TrackPlan, make_plan
from segue.demo._write import cover_jpeg, write_track
from segue.errors import BadRequest, Unavailable

__all__ = ["DemoReport", "make_demo_library"]
_VERSION = 2
"""Of what is made: raised when any file of a seed comes out differently."""
_MARKER = ".segue-demo.json"
_MAKING = ".making-"
_NEEDED_BYTES = 200_000_000
_ABANDONED_S = 3600


class DemoReport(msgspec.Struct):
    """``made`` of ``tracks`` were not there already, or were of an older version."""

    folder: str
    seed: int
    tracks: int
    made: int


class _Marker(msgspec.Struct):
    version: int
    seed: int
    files: tuple[str, ...] = ()
    """What was made here, once all of it is."""


def make_demo_library(target: Path, *, seed: int = 1, progress: Callable[[int, int], None] | None = None) -> DemoReport:
    """Make the demo library of a seed in ``target``; files that are there are kept, so that it can be stopped and begun again.

    One that an older Segue made is brought up to date in place. ``progress`` is told how many of how many tracks are done. Raises
    BadRequest when the folder holds anything else, Unavailable when the disk is too full or the library cannot be written.
    """
    try:
        return _make(target, seed, progress)
    except (OSError, BrokenProcessPool) as error:
        raise Unavailable(f"The demo library cannot be written: {error}. What is made is kept; run it again.") from error


def _make(target: Path, seed: int, progress: Callable[[int, int], None] | None) -> DemoReport:
    if target.exists() and not target.is_dir():
        raise BadRequest(f"{target} is not a folder.")
    target.mkdir(parents=True, exist_ok=True)
    held = _held(target, seed)
    plan = make_plan(seed)
    current = held is not None and held.version == _VERSION
    # While an older version is brought up to date its marker stays, so that stopping half-way leaves no mixture called new.
    upgrade = held is not None and not current
    missing = [track for track in plan.tracks if upgrade or not (target / track.path).exists()]
    if missing and shutil.disk_usage(target).free < _NEEDED_BYTES:
        raise Unavailable(f"The demo library needs 200 MB, and the disk of {target} has less. Free some space.")
    if held is None:
        _put(target, _MARKER, msgspec.json.encode(_Marker(_VERSION, seed)))
    _write_small(target, plan, anew=upgrade)
    if missing:
        _clear_abandoned(target)
        _write_tracks(target, missing, len(plan.tracks), progress)
    whole = _Marker(_VERSION, seed, tuple(sorted((*(track.path for track in plan.tracks), *plan.texts, *plan.covers))))
    if held != whole:
        _put(target, _MARKER, msgspec.json.encode(whole))
    return DemoReport(str(target), seed, len(plan.tracks), len(missing))


def _held(target: Path, seed: int) -> _Marker | None:
    """What the folder's marker says; None in an empty folder."""
    marker = target / _MARKER
    if not marker.exists():
        if any(target.iterdir()):
            raise BadRequest(f"{target} is not empty. Choose an empty folder, so that nothing of yours is mixed with the demo.")
        return None
    try:
        held = msgspec.json.decode(marker.read_bytes(), type=_Marker)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"{marker} cannot be read ({error}). Choose an empty folder.") from error
    if held.seed != seed:
        raise BadRequest(f"{target} holds the demo library of seed {held.seed}. Choose an empty folder.")
    if held.version > _VERSION:
        raise BadRequest(f"{target} holds the demo library of a newer Segue. Choose an empty folder.")
    return held


def _write_tracks(target: Path, missing: list[TrackPlan], total: int, progress: Callable[[int, int], None] | None) -> None:
    done = total - len(missing)
    # Started afresh: forking a process that has threads is a gamble. Longest first, so that no worker ends alone with it.
    pool = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    try:
        tasks = [pool.submit(write_track, target, track) for track in sorted(missing, key=lambda track: -track.sound[1])]
        for task in as_completed(tasks):
            task.result()
            done += 1
            if progress:
                progress(done, total)
    finally:
        pool.shutdown(cancel_futures=True)


def _write_small(target: Path, plan: Plan, *, anew: bool) -> None:
    for path, seed in plan.covers.items():
        if anew or not (target / path).exists():
            _put(target, path, cover_jpeg(seed))
    for path, text in plan.texts.items():
        if anew or not (target / path).exists():
            _put(target, path, text.encode())


def _put(target: Path, path: str, content: bytes) -> None:
    """A small file, whole or not at all."""
    file = target / path
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.parent / f"{_MAKING}{os.getpid()}-{file.name}"
    part.write_bytes(content)
    part.replace(file)


def _clear_abandoned(target: Path) -> None:
    """What a killed run left; another run may be at work here, so only what is old."""
    for left in target.glob(f"{_MAKING}*/"):
        if time.time() - left.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(left, ignore_errors=True)
