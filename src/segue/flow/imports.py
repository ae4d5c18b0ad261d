"""Histories that listeners bring along: an export becomes listens, one after the other, in the background, across restarts.

An upload is kept in the data directory until it is read; beside it lies what became of it so far. Reading begins anew after a restart:
entries known already are passed over, so nothing counts twice.
"""

import contextlib
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import anyio
import anyio.to_thread
import msgspec

from segue.access import zone_of
from segue.errors import BadRequest, Conflict, NotFound, SegueError, TooLarge, Unavailable
from segue.flow.history import History, Imported
from segue.imports import Service, Unreadable, read_export
from segue.model import Listener, PastPlay
from segue.observe import get_logger
from segue.ports import Progress
from segue.types import Instant, UserId, is_id, new_id, now

_log = get_logger("imports")
LARGEST_BYTES = 4 << 30
_SPARE_BYTES = 200_000_000
"""Left free on the disk by an upload."""
_MOST_WAITING = 5
_KEPT = 20
"""Finished imports of a listener that are remembered."""
_EXAMPLES = 5
State = Literal["uploading", "waiting", "running", "done", "failed", "cancelled"]


class ImportJob(msgspec.Struct, kw_only=True):
    """One export that a listener gave us, and what became of it."""

    id: str
    user_id: UserId
    service: Service
    state: State = "waiting"
    read: int = 0
    new: int = 0
    matched: int = 0
    unmatched: int = 0
    refused: int = 0
    examples: list[str] = []
    """Of what was refused, and why."""
    bytes_done: int = 0
    bytes_total: int = 0
    error: str | None = None
    timezone: str | None = None
    """By whose clock hours and days count; None: UTC's."""
    started_at: Instant
    ended_at: Instant | None = None


class Stopped(SegueError):
    """The import was cancelled, or the server ends."""


def bring_export(
    history: History,
    listener: Listener,
    service: Service,
    path: Path,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    *,
    timezone: str | None = None,
) -> tuple[Imported, list[str]]:
    """Take in an export file or folder. ``progress`` is told (“reading”, bytes, of bytes). Returns the summary, and examples of what was
    refused. Hours and days are those of ``timezone`` (an IANA name; None: UTC); a play that was brought before keeps those it has.
    Raises BadRequest where it is no such export or zone, Unavailable on a full disk; what was read until then is kept.
    """
    zone = None if timezone is None else zone_of(timezone)
    examples: list[str] = []

    def told(done: int, total: int) -> None:
        if progress is not None:
            progress("reading", done, total)
        if stop is not None and stop():
            raise Stopped("The import was stopped. What was read is kept; run it again to go on.")

    def plays() -> Iterator[PastPlay | None]:
        for entry in read_export(service, path, told):
            if isinstance(entry, Unreadable):
                if len(examples) < _EXAMPLES:
                    examples.append(f"{entry.where}: {entry.why}")
                yield None
            else:
                yield entry if zone is None else msgspec.structs.replace(entry, utc_offset_min=_offset_min(zone, entry.started_at))

    done = history.bring(listener, plays())
    return msgspec.structs.replace(done, timezone=timezone), examples


def _offset_min(zone: ZoneInfo, at: Instant) -> int | None:
    try:
        offset = datetime.fromtimestamp(at / 1000, zone).utcoffset()
    except (ValueError, OverflowError):  # the last hours of the year 9999
        return None
    return None if offset is None else round(offset.total_seconds() / 60)


class Imports:
    """Uploads and their jobs, in ``directory``. One is read at a time. Thread-safe."""

    def __init__(self, directory: Path, history: History, listener_of: Callable[[UserId], Listener]) -> None:
        self._directory = directory
        self._history = history
        self._listener_of = listener_of
        self._lock = threading.Condition()
        self._jobs: dict[str, ImportJob] = {}
        self._ending = False
        self._thread: threading.Thread | None = None
        for path in sorted(directory.glob("*.json")) if directory.is_dir() else ():
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                job = msgspec.json.decode(path.read_bytes(), type=ImportJob)
                if job.state == "running":
                    job.state = "waiting"
                self._jobs[job.id] = job
        if directory.is_dir():
            for left in (path for path in directory.glob("*.upload") if path.stem not in self._jobs):
                left.unlink(missing_ok=True)  # of an upload that ended half-way

    def start(self) -> None:
        """Read what waits, in the background, until :meth:`close`."""
        self._thread = threading.Thread(target=self._run, name="imports", daemon=True)
        self._thread.start()

    def close(self) -> None:
        with self._lock:
            self._ending = True
            self._lock.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def jobs(self, user_id: UserId) -> list[ImportJob]:
        """A listener's own, latest first."""
        with self._lock:
            return sorted((job for job in self._jobs.values() if job.user_id == user_id), key=lambda job: job.id, reverse=True)

    async def upload(self, listener: Listener, service: Service, content: AsyncIterator[bytes], timezone: str | None = None) -> ImportJob:
        """Keep what is sent, and read it soon. Raises TooLarge, Conflict when too many wait, Unavailable when the disk is too full."""
        if sum(job.state in {"waiting", "running"} for job in self.jobs(listener.user.id)) >= _MOST_WAITING:
            raise Conflict("Several imports wait already. Try again when they are done.")
        id = new_id()
        path = self._directory / f"{id}.upload"
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = 0
        try:
            async with await anyio.open_file(path, "wb") as file:
                async for chunk in content:
                    size += len(chunk)
                    if size > LARGEST_BYTES:
                        raise TooLarge(f"An export may have {LARGEST_BYTES >> 30} GiB. Run `segue import` on the server for a larger one.")
                    if shutil.disk_usage(self._directory).free < _SPARE_BYTES:
                        raise Unavailable("The disk that holds the data directory is nearly full. Free some space, then try again.")
                    await file.write(chunk)
            if not size:
                raise BadRequest("Nothing was sent: the body is the export file itself.")
            path.chmod(0o600)
            job = ImportJob(id=id, user_id=listener.user.id, service=service, bytes_total=size, timezone=timezone, started_at=now())
            await anyio.to_thread.run_sync(self._keep, job)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        with self._lock:
            self._jobs[id] = job
            self._lock.notify_all()
        return job

    def cancel(self, user_id: UserId, id: str) -> None:
        """Stop it where it is (what was read is kept), or forget a finished one. Raises NotFound."""
        with self._lock:
            job = self._jobs.get(id)
            if job is None or job.user_id != user_id or not is_id(id):
                raise NotFound("import", id)
            if job.state in {"done", "failed", "cancelled"}:
                self._forget(job)
            else:
                self._end(job, "cancelled")

    def forget(self, user_id: UserId) -> None:
        """All of a listener's: what runs is stopped."""
        with self._lock:
            for job in [one for one in self._jobs.values() if one.user_id == user_id]:
                job.state = "cancelled"
                self._forget(job)

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._ending and self._next() is None:
                    self._lock.wait()
                job = self._next()
                if self._ending or job is None:
                    return
                job.state = "running"
            try:
                self._read(job)
            except Exception:
                _log.exception("import_failed", service=job.service)
                with self._lock:
                    self._end(job, "failed", "The server failed at this. Its log says more.")

    def _next(self) -> ImportJob | None:
        waiting = [job for job in self._jobs.values() if job.state == "waiting"]
        return min(waiting, key=lambda job: job.id, default=None)

    def _read(self, job: ImportJob) -> None:
        def progress(phase: str, done: int, total: int | None) -> None:
            job.bytes_done, job.bytes_total = done, total or job.bytes_total

        try:
            done, job.examples = bring_export(
                self._history,
                self._listener_of(job.user_id),
                job.service,
                self._directory / f"{job.id}.upload",
                progress,
                lambda: self._ending or job.state == "cancelled",
                timezone=job.timezone,
            )
        except Stopped:
            return  # the state says why: cancelled, or to be gone on with after a restart
        except SegueError as error:
            with self._lock:
                self._end(job, "failed", str(error))
            return
        job.read, job.new, job.matched, job.unmatched, job.refused = done.read, done.new, done.matched, done.unmatched, done.refused
        with self._lock:
            self._end(job, "done")
        _log.info("imported", service=job.service, read=done.read, new=done.new, matched=done.matched, refused=done.refused)

    def _end(self, job: ImportJob, state: State, error: str | None = None) -> None:
        if job.id not in self._jobs:
            return  # forgotten meanwhile
        job.state, job.error, job.ended_at = state, error, now()
        (self._directory / f"{job.id}.upload").unlink(missing_ok=True)
        self._keep(job)
        ended = sorted(
            (one for one in self._jobs.values() if one.user_id == job.user_id and one.ended_at is not None), key=lambda one: one.id
        )
        for old in ended[:-_KEPT]:
            self._forget(old)

    def _forget(self, job: ImportJob) -> None:
        del self._jobs[job.id]
        for suffix in ("json", "upload"):
            (self._directory / f"{job.id}.{suffix}").unlink(missing_ok=True)

    def _keep(self, job: ImportJob) -> None:
        part = self._directory / f"{job.id}.part"
        try:
            part.write_bytes(msgspec.json.encode(job))
            os.replace(part, self._directory / f"{job.id}.json")
        except OSError as error:
            raise Unavailable(f"The import cannot be kept in {self._directory}: {error}.") from error
