"""Files that can be made again, bounded in bytes; the least recently used go first.

What is under way lies in ``part/`` until it is whole, and is then renamed: a crash leaves nothing that could be mistaken for a result. A
file that is being read may be evicted: who has it open keeps it.
"""

import os
import shutil
import threading
from pathlib import Path

from segue.types import new_id

_TOLERANCE = 0.1
"""Evict down to this much below the bound, so that not every new file evicts one."""


class FileCache:
    def __init__(self, directory: Path, max_bytes: int) -> None:
        self.directory = directory
        self._max_bytes = max_bytes
        self._parts = directory / "part"
        shutil.rmtree(self._parts, ignore_errors=True)
        self._parts.mkdir(parents=True)
        self._lock = threading.Lock()
        self._bytes = sum(file.stat().st_size for file in directory.iterdir() if file.is_file())

    def get(self, name: str) -> Path | None:
        """The file, marked as used now."""
        path = self.directory / name
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def part(self) -> Path:
        """A path of one's own for something under way."""
        return self._parts / new_id()

    def put(self, part: Path, name: str) -> Path:
        """Make a finished part the file ``name``, and evict what is too much."""
        path = self.directory / name
        size = part.stat().st_size
        part.replace(path)
        with self._lock:
            self._bytes += size
            if self._bytes > self._max_bytes:
                self._evict(keep=path)
        return path

    def _evict(self, keep: Path) -> None:
        files = sorted((file.stat().st_mtime_ns, file.stat().st_size, file) for file in self.directory.iterdir() if file.is_file())
        self._bytes = sum(size for _, size, _ in files)
        for _, size, file in files:
            if self._bytes <= self._max_bytes * (1 - _TOLERANCE):
                break
            if file != keep:
                file.unlink(missing_ok=True)
                self._bytes -= size
