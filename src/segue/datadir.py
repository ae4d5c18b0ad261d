"""The data directory: one owner at a time, told by a lock file the kernel releases when the owner dies."""

import fcntl
import os
import shutil
from pathlib import Path
from types import TracebackType

from segue.errors import DataDirInUse


class DataDir:
    """Paths inside a data directory; as a context manager, its ownership.

    Raises :class:`~segue.errors.DataDirInUse` on entering while another process owns it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = root / "segue.db"
        self.events = root / "events.db"
        self.sound = root / "sound.db"
        self.index = root / "index"
        self.search = root / "search"
        self.cache = root / "cache"
        self.work = self.cache / "work"  # copies under way; what a killed process left there goes when the next owner comes
        self.backups = root / "backups"
        self.imports = root / "imports"
        self.models = root / "models"  # encoders added by hand
        self.secret = root / "secret.key"
        self.socket = root / "control.sock"
        self.config = root / "segue.toml"
        self._lock = root / "lock"
        self._handle: int | None = None

    def create(self) -> None:
        """Make the directory, readable by its owner alone."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.cache.mkdir(exist_ok=True)
        self.backups.mkdir(exist_ok=True)

    def __enter__(self) -> "DataDir":
        self.create()
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise DataDirInUse(
                f"Another Segue process (pid {owner}) owns {self.root}. Stop it, or point --data at another directory."
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._handle = handle
        shutil.rmtree(self.work, ignore_errors=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
