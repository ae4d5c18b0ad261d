"""What was added and deleted since the main tier was saved: records of kind, count and CRC-32, appended and synced.

A record is ``<BII`` (kind, rows, CRC-32 of kind, rows and payload) and its payload: ids as int64, then, of an addition, the codes.
Numbers are little-endian.
"""

import os
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segue.errors import Unavailable

if TYPE_CHECKING:
    from segue.index._codes import Codes
    from segue.ports import Ids

ADD, DELETE = 1, 2
_MAGIC = b"SGNJ0001"
_HEAD = struct.Struct("<8sI")
_RECORD = struct.Struct("<BII")
_MOST = 65_536


class Journal:
    """Open for appending. ``append`` by one thread at a time, ``sync`` by any: one sync serves all that waited."""

    def __init__(self, path: Path, dimension: int) -> None:
        self.path = path
        self._syncing = threading.Lock()
        self._synced = 0
        self._broken = False
        fresh = not path.exists() or path.stat().st_size < _HEAD.size
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if fresh:
            os.ftruncate(self._fd, 0)
            os.write(self._fd, _HEAD.pack(_MAGIC, dimension))
            os.fsync(self._fd)
            sync_folder(path.parent)
        self._end = os.fstat(self._fd).st_size

    def append(self, kind: int, ids: "Ids", codes: "Codes | None" = None) -> int:
        """Returns what to pass to ``sync``. Raises Unavailable, with nothing appended."""
        parts = []
        for first in range(0, len(ids), _MOST):
            rows = ids[first : first + _MOST]
            payload = rows.tobytes() + (codes[first : first + _MOST].tobytes() if codes is not None else b"")
            head = struct.pack("<BI", kind, len(rows))
            parts += [_RECORD.pack(kind, len(rows), zlib.crc32(payload, zlib.crc32(head))), payload]
        whole = memoryview(b"".join(parts))
        if self._broken:
            raise Unavailable("The journal of the index cannot be written; see the disk, then restart.")
        try:
            done = 0
            while done < len(whole):
                done += os.write(self._fd, whole[done:])
        except OSError as error:
            try:
                os.ftruncate(self._fd, self._end)
            except OSError:
                self._broken = True
            raise Unavailable(f"The journal of the index cannot be written: {error.strerror}.") from error
        self._end += len(whole)
        return self._end

    def sync(self, end: int) -> None:
        """Returns once everything up to ``end`` is on the disk."""
        with self._syncing:
            if self._synced >= end:
                return
            reached = self._end
            try:
                os.fdatasync(self._fd)
            except OSError as error:
                self._broken = True
                raise Unavailable(f"The journal of the index cannot be kept: {error.strerror}.") from error
            self._synced = reached

    def close(self) -> None:
        """Syncs first."""
        with self._syncing:
            if self._fd >= 0:
                try:
                    if not self._broken:
                        os.fdatasync(self._fd)
                        self._synced = self._end
                finally:
                    os.close(self._fd)
                    self._fd = -1


class Replay:
    """Reads a journal. A record cut short at its end, which nobody was told is there, is cut off; another that is wrong is told of."""

    def __init__(self, path: Path, dimension: int) -> None:
        self._path = path
        self._dimension = dimension
        self.damaged: str | None = None

    def __iter__(self) -> "Iterator[tuple[int, Ids, Codes]]":
        size = self._path.stat().st_size
        if size < _HEAD.size:
            return
        with self._path.open("r+b") as file:
            if _HEAD.unpack(file.read(_HEAD.size)) != (_MAGIC, self._dimension):
                self.damaged = f"{self._path.name} is no journal of {self._dimension} dimensions"
                return
            good = _HEAD.size
            while head := file.read(_RECORD.size):
                length = self._length(head)
                record = self._record(head, file.read(max(length, 0)))
                if record is None:
                    break
                good += _RECORD.size + length
                yield record
            if good < size:
                file.seek(good)
                rest = file.read(_RECORD.size + max(length, 0) + 1)
                torn = len(rest) <= _RECORD.size + length if length >= 0 else not any(rest + file.read())
                if not torn:
                    self.damaged = f"{self._path.name} cannot be read after byte {good}"
                    return
                file.truncate(good)
                os.fsync(file.fileno())

    def _length(self, head: bytes) -> int:
        if len(head) < _RECORD.size:
            return 0
        kind, rows, _ = _RECORD.unpack(head)
        if kind not in (ADD, DELETE) or not 0 < rows <= _MOST:
            return -1
        return int(rows * (8 + (2 * self._dimension if kind == ADD else 0)))

    def _record(self, head: bytes, payload: bytes) -> "tuple[int, Ids, Codes] | None":
        if len(head) < _RECORD.size:
            return None
        kind, rows, crc = _RECORD.unpack(head)
        if not payload or len(payload) != self._length(head) or zlib.crc32(payload, zlib.crc32(struct.pack("<BI", kind, rows))) != crc:
            return None
        ids = np.frombuffer(payload, "<i8", rows).astype(np.int64)
        codes = np.frombuffer(payload, "<f2", offset=8 * rows).astype(np.float16).reshape(-1, self._dimension)
        return kind, ids, codes


def sync_folder(folder: Path) -> None:
    """A new or renamed name survives power loss."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
