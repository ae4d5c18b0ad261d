"""Watching libraries for changes: the kernel's notices on local disks, looks at intervals on network mounts, where there are none."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from watchfiles import watch

from segue.model import Library
from segue.observe import get_logger
from segue.types import LibraryId

_log = get_logger("watch")
_NETWORK = ("nfs", "cifs", "smb", "fuse", "9p", "afs", "ceph", "gluster", "davfs", "virtiofs")
_DEBOUNCE_MS = 250
"""How long a folder must be quiet before it is scanned; a file that is still being written keeps its folder busy."""
_STEP_MS = 50

Changed = Callable[[LibraryId, Sequence[str]], None]
"""Told a library and the folders in it (relative paths) where something changed."""


def on_network(path: str, mounts: str = "/proc/mounts") -> bool:
    """Whether a path lies on a network or user-space file system. False where that cannot be told."""
    try:
        lines = Path(mounts).read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    best, kind = "", ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].encode().decode("unicode_escape", "replace")
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind.startswith(_NETWORK)


class Watcher:
    """One thread a library, until closed."""

    def __init__(self, libraries: Sequence[Library], changed: Changed, *, poll_interval_s: int) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(library, changed, poll_interval_s), name=f"watch-{library.id}", daemon=True)
            for library in libraries
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(5)

    def _run(self, library: Library, changed: Changed, poll_interval_s: int) -> None:
        if on_network(library.path):
            while not self._stop.wait(poll_interval_s):
                changed(library.id, [""])
            return
        while not self._stop.is_set():
            try:
                for changes in watch(
                    library.path, stop_event=self._stop, debounce=_DEBOUNCE_MS, step=_STEP_MS, recursive=True, raise_interrupt=False,
                    ignore_permission_denied=True, watch_filter=None, rust_timeout=1000,
                ):  # fmt: skip
                    folders = {os.path.relpath(os.path.dirname(path), library.path) for _, path in changes}
                    changed(library.id, ["" if folder == "." else folder for folder in folders if not folder.startswith("..")])
            except (OSError, RuntimeError) as error:
                _log.warning("this library cannot be watched; it is looked at in intervals", library=library.name, why=str(error))
                if self._stop.wait(poll_interval_s):
                    return
                changed(library.id, [""])
