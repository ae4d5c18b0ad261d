"""Files waiting to be read, on disk rather than in memory."""

import os
import struct
import tempfile
import threading
from collections.abc import Sequence
from typing import IO, Any

import msgspec

from segue.ingest._images import Kind

BATCH_FILES = 48
"""Files read and written at once: about 20 ms of writing, under the 50 ms a write may hold the database."""


class Job(msgspec.Struct, array_like=True):
    """One file waiting to be read."""

    path: str
    folder_id: str
    size: int
    mtime_ns: int
    known_id: str | None = None
    was_missing: bool = False
    lrc: str | None = None
    lrc_mtime_ns: int = 0
    image: Kind | None = None


class Spool:
    """Jobs on disk, first in, first out, in batches."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._lock = threading.Lock()
        self._waiting: list[Job] = []
        self.files = 0

    def add(self, jobs: Sequence[Job]) -> None:
        """The jobs of one folder; a batch ends between folders where it can, so that a release is written at once."""
        if self._waiting and len(self._waiting) + len(jobs) > BATCH_FILES:
            self.flush()
        for job in jobs:
            self._waiting.append(job)
            if len(self._waiting) >= BATCH_FILES:
                self.flush()
        self.files += len(jobs)

    def flush(self) -> None:
        if self._waiting:
            # Paths may hold surrogates: as bytes they survive any encoder.
            body = msgspec.msgpack.encode([_packed(job) for job in self._waiting])
            self._file.write(struct.pack(">I", len(body)) + body)
            self._waiting.clear()

    def rewind(self) -> None:
        self.flush()
        self._file.seek(0)

    def take(self) -> list[Job]:
        """The next batch; empty when there are no more. Safe from several threads."""
        with self._lock:
            head = self._file.read(4)
            body = self._file.read(struct.unpack(">I", head)[0]) if head else b""
        return [_unpacked(one) for one in msgspec.msgpack.decode(body)] if body else []

    def close(self) -> None:
        self._file.close()


def _packed(job: Job) -> list[Any]:
    fields = list(msgspec.structs.astuple(job))
    fields[0], fields[6] = os.fsencode(job.path), job.lrc and os.fsencode(job.lrc)
    return fields


def _unpacked(fields: list[Any]) -> Job:
    fields[0], fields[6] = os.fsdecode(fields[0]), fields[6] and os.fsdecode(fields[6])
    return Job(*fields)
