"""Transcodes: made once, shared by all who listen meanwhile, kept whole for the next.

A transcode from the start is written to the cache as it is made; whoever asks for the same one reads the growing file, and once it is
whole it is a file like any other. One from an offset is shared too, and not kept. It is ended when its last listener leaves, unless most
of it is done.
"""

import asyncio
import contextlib
import os
import subprocess
import threading
from collections.abc import AsyncIterator
from hashlib import blake2b
from pathlib import Path

import anyio.to_thread

from segue.errors import MediaFailed, Unavailable
from segue.model import Track
from segue.observe import get_logger, metrics
from segue.play import _ffmpeg
from segue.play._cache import FileCache
from segue.play._ffmpeg import Format

_log = get_logger("play")
_VERSION = 1
"""Raised when the same request would give other bytes."""
_CHUNK = 64 << 10
_QUEUE_S = 10.0
_FIRST_BYTE_S = 20.0
_LONGEST_S = 3600.0
_LARGEST = 4 << 30
_NEARLY_DONE = 0.6
_LAST_WORDS = 400


class Transcode:
    """One transcode under way or done: a growing file with listeners."""

    def __init__(self, part: Path, file: int, expected_bytes: int) -> None:
        self.part = part
        self.file = file
        """Descriptor of the growing file, for ``pread``: open until it is finished and the last listener has left."""
        self.expected_bytes = expected_bytes
        self.written = 0
        self.done = False
        self.error: str | None = None
        self.listeners = 1
        self.finished = False
        """Nothing will be written any more."""
        self._changed = threading.Condition()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def grow(self, n: int = 0, *, done: bool = False, error: str | None = None) -> None:
        with self._changed:
            self.written += n
            self.done, self.error = self.done or done, self.error or error
            self._changed.notify_all()
            for loop, event in self._waiting:
                with contextlib.suppress(RuntimeError):  # the loop is closing
                    loop.call_soon_threadsafe(event.set)

    def await_first_byte(self) -> None:
        """Raises MediaFailed when there never is one, Unavailable when it takes too long."""
        with self._changed:
            ready = self._changed.wait_for(lambda: self.written or self.done or self.error, _FIRST_BYTE_S)
        if self.error and not self.written:
            raise MediaFailed(f"This file cannot be decoded: {self.error}")
        if not ready:
            raise Unavailable("The transcoder is too busy. Try again in a moment.")

    async def wait_beyond(self, position: int) -> bool:
        """Until there is more than ``position`` bytes (True), or there will never be (False). Raises MediaFailed when it broke off."""
        me = (asyncio.get_running_loop(), asyncio.Event())
        try:
            while True:
                with self._changed:
                    if self.written > position:
                        return True
                    if self.error:
                        raise MediaFailed(self.error)
                    if self.done:
                        return False
                    me[1].clear()
                    self._waiting.add(me)
                await me[1].wait()
        finally:
            with self._changed:
                self._waiting.discard(me)


class Transcoder:
    """``at_once``: processes at a time, by default two per core."""

    def __init__(self, directory: Path, *, max_bytes: int = 1 << 30, at_once: int | None = None) -> None:
        self._cache = FileCache(directory, max_bytes)
        self._slots = threading.BoundedSemaphore(at_once or 2 * (os.cpu_count() or 1))
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Transcode, subprocess.Popen[bytes]]] = {}
        self._closed = False

    def open(self, path: Path, track: Track, *, format: Format, bitrate_kbps: int | None, start_ms: int = 0) -> Path | Transcode:
        """The finished file, or the transcode under way with this caller as a listener, who must :meth:`leave` it.

        Waits for the first byte, so that a file that cannot be decoded is an error and not an empty answer. Raises MediaFailed,
        Unavailable (too busy, or no space on the disk).
        """
        kbps = _ffmpeg.bounded_kbps(format, bitrate_kbps)
        identity = f"{_VERSION} {track.id} {track.size_bytes} {track.changed_at} {format} {kbps} {start_ms}"
        name = f"{blake2b(identity.encode(), digest_size=16).hexdigest()}.{_ffmpeg.SUFFIXES[format]}"
        if not start_ms and (whole := self._cache.get(name)):
            metrics.transcodes.labels("cached").inc()
            return whole
        with self._lock:
            if found := self._running.get(name):
                found[0].listeners += 1
                running = found[0]
            else:
                running = self._start(name, path, track, format, kbps, start_ms)
        try:
            running.await_first_byte()
        except BaseException:
            self.leave(running)
            raise
        return running

    def leave(self, transcode: Transcode) -> None:
        """One listener fewer; the last one ends it, unless most of it is done and will be kept."""
        with self._lock:
            transcode.listeners -= 1
            if transcode.listeners:
                return
            if transcode.finished:
                os.close(transcode.file)
                return
            for name, (running, process) in self._running.items():
                if running is transcode and transcode.written < _NEARLY_DONE * transcode.expected_bytes:
                    process.kill()
                    transcode.grow(error="cancelled")
                    del self._running[name]
                    break

    def close(self) -> None:
        """End every process."""
        with self._lock:
            self._closed = True
            running = list(self._running.values())
        for transcode, process in running:
            transcode.grow(error="the server stops")
            process.kill()

    def _start(self, name: str, path: Path, track: Track, format: Format, kbps: int, start_ms: int) -> Transcode:
        if self._closed:
            raise Unavailable("The server is stopping.")
        if not self._slots.acquire(timeout=_QUEUE_S):
            raise Unavailable("Too many transcodes are under way. Try again in a moment.")
        try:
            part = self._cache.part()
            out = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            process = _ffmpeg.start_transcode(path, track, format, kbps, start_ms)
        except OSError as error:
            self._slots.release()
            raise Unavailable(f"Nothing can be transcoded just now: {error.strerror}.") from error
        except BaseException:
            self._slots.release()
            raise
        left_ms = max(0, track.duration_ms - start_ms)
        rate = kbps or max(track.bitrate_kbps, 700)
        running = Transcode(part, out, expected_bytes=left_ms * rate // 8)
        self._running[name] = (running, process)
        keep = None if start_ms else name
        threading.Thread(target=self._pump, args=(name, keep, running, process), name="transcode", daemon=True).start()
        return running

    def _pump(self, name: str, keep: str | None, running: Transcode, process: "subprocess.Popen[bytes]") -> None:
        """Carry the sound from the process to the file; then make it the cached file, or nothing."""
        assert process.stdout is not None
        assert process.stderr is not None
        watchdog = threading.Timer(_LONGEST_S, process.kill)
        watchdog.daemon = True
        watchdog.start()
        error = None
        metrics.streams_active.labels("transcode").inc()
        try:
            while chunk := process.stdout.read(_CHUNK):
                view = memoryview(chunk)
                while view:
                    view = view[os.write(running.file, view) :]
                running.grow(len(chunk))
                if running.written > _LARGEST:
                    raise OSError(0, "it is too long")
            if process.wait(timeout=30):
                error = process.stderr.read(4096).decode("utf-8", "replace")[-_LAST_WORDS:].strip() or f"exit {process.returncode}"
            elif not running.written:
                error = "it holds no sound"
        except (OSError, subprocess.TimeoutExpired) as failure:
            error = f"it broke off: {getattr(failure, 'strerror', None) or failure}"
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()
            metrics.streams_active.labels("transcode").dec()
            self._slots.release()
        self._finish(name, keep, running, error)

    def _finish(self, name: str, keep: str | None, running: Transcode, error: str | None) -> None:
        if error is None and running.error is None and keep:
            with contextlib.suppress(OSError):
                self._cache.put(running.part, keep)
        running.part.unlink(missing_ok=True)  # who listens has it open
        with self._lock:
            if self._running.get(name, (None,))[0] is running:
                del self._running[name]
            running.finished = True
            if not running.listeners:
                os.close(running.file)
        running.grow(done=error is None, error=error)
        if error and running.error == error:
            _log.warning("a transcode failed", why=error)
        metrics.transcodes.labels("cancelled" if running.error == "cancelled" else "failed" if error else "done").inc()


async def read_growing(transcoder: Transcoder, running: Transcode) -> AsyncIterator[bytes]:
    """The bytes of a transcode as they come, from the first; leaves it when done or abandoned."""
    try:
        position = 0
        while await running.wait_beyond(position):
            chunk = await anyio.to_thread.run_sync(os.pread, running.file, _CHUNK * 2, position)
            position += len(chunk)
            yield chunk
    finally:
        transcoder.leave(running)
