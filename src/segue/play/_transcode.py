"""Transcodes: made once, shared by all who listen meanwhile, kept whole for the next.

A transcode from the start is written to the cache as it is made; whoever asks for the same one reads the growing file, and once it is
whole it is a file like any other. One from an offset is shared too, and not kept. It is ended when its last listener leaves, unless most
of it is done and will be kept. Where the disk takes no more, it goes on in memory, within a bound, and is not kept.
"""

import asyncio
import contextlib
import errno
import os
import selectors
import subprocess
import threading
import time
from collections.abc import AsyncIterator
from hashlib import blake2b
from pathlib import Path

import anyio.to_thread

from segue.errors import MediaFailed, SegueError, Unavailable
from segue.model import Track
from segue.observe import get_logger, metrics
from segue.play import _ffmpeg
from segue.play._cache import FileCache
from segue.play._ffmpeg import Format

_log = get_logger("play")
_VERSION = 2
"""Raised when the same request would give other bytes."""
_CHUNK = 64 << 10
_QUEUE_S = 10.0
_QUEUE_LENGTH = 12
"""Who waits holds one of the server's threads: more than this are told to come again at once."""
_FIRST_BYTE_S = 20.0
_SILENCE_S = 60.0
_LONGEST_S = 3600.0
_LARGEST = 4 << 30
_LARGEST_IN_MEMORY = 64 << 20
_NEARLY_DONE = 0.6
_LAST_WORDS = 400


class Transcode:
    """One transcode under way or done: a growing file with listeners."""

    def __init__(self, expected_bytes: int, *, keep: bool) -> None:
        self.expected_bytes = expected_bytes
        self.keep = keep
        """Whether it goes to the cache when it is whole."""
        self.file = -1
        """Descriptor of the growing file, for ``pread``: open from the first byte until it is finished and the last listener has left."""
        self.in_memory = False
        self.process: subprocess.Popen[bytes] | None = None
        self.written = 0
        self.done = False
        self.failure: SegueError | None = None
        self.listeners = 1
        self.finished = False
        """Nothing will be written any more."""
        self._changed = threading.Condition()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def grow(self, n: int = 0, *, done: bool = False, failure: SegueError | None = None) -> None:
        with self._changed:
            self.written += n
            self.done, self.failure = self.done or done, self.failure or failure
            self._changed.notify_all()
            for loop, event in self._waiting:
                with contextlib.suppress(RuntimeError):  # the loop is closing
                    loop.call_soon_threadsafe(event.set)

    def await_first_byte(self) -> None:
        """Raises MediaFailed when there never is one, Unavailable when it takes too long."""
        with self._changed:
            ready = self._changed.wait_for(lambda: self.written or self.done or self.failure, _FIRST_BYTE_S)
        if self.failure and not self.written:
            raise self.failure
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
                    if self.failure:
                        raise self.failure
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
        self._free = at_once or 2 * (os.cpu_count() or 1)
        self._queued = 0
        self._turn = threading.Condition()
        """Guards all below, and tells who waits that a process has ended. Nothing slow is done while it is held."""
        self._running: dict[str, Transcode] = {}
        self._closed = False

    def open(self, path: Path, track: Track, *, format: Format, bitrate_kbps: int | None, start_ms: int = 0) -> Path | Transcode:
        """The finished file, or the transcode under way with this caller as a listener, who must :meth:`leave` it.

        Waits for the first sound, so that a file that holds none, or none that can be decoded, is an error and not an empty answer.
        Raises MediaFailed, Unavailable (too busy).
        """
        kbps = _ffmpeg.bounded_kbps(format, bitrate_kbps)
        identity = f"{_VERSION} {track.id} {track.size_bytes} {track.changed_at} {format} {kbps} {start_ms}"
        name = f"{blake2b(identity.encode(), digest_size=16).hexdigest()}.{_ffmpeg.SUFFIXES[format]}"
        if not start_ms and (whole := self._cache.get(name)):
            metrics.transcodes.labels("cached").inc()
            return whole
        command = _ffmpeg.transcode_command(path, track, format, kbps, start_ms)
        rate = kbps or max(track.bitrate_kbps, 700)
        running = self._join(name, format, command, expected_bytes=max(0, track.duration_ms - start_ms) * rate // 8, keep=not start_ms)
        try:
            running.await_first_byte()
        except BaseException:
            self.leave(running)
            raise
        return running

    def leave(self, transcode: Transcode) -> None:
        """One listener fewer; the last one ends it, unless most of it is done and will be kept. Does not block."""
        with self._turn:
            transcode.listeners -= 1
            if transcode.listeners:
                return
            if transcode.finished:
                if transcode.file >= 0:
                    os.close(transcode.file)
                return
            if transcode.keep and transcode.written >= _NEARLY_DONE * transcode.expected_bytes > 0:
                return
            for name, running in self._running.items():
                if running is transcode:
                    del self._running[name]
                    break
            transcode.grow(failure=Unavailable("Nobody listened any more."))
            if transcode.process:
                transcode.process.kill()

    def close(self) -> None:
        """End every process."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
            for transcode in self._running.values():
                transcode.grow(failure=Unavailable("The server is stopping."))
                if transcode.process:
                    transcode.process.kill()

    def _join(self, name: str, format: Format, command: list[str], *, expected_bytes: int, keep: bool) -> Transcode:
        """The transcode of that name, begun when its turn comes if it is not under way."""
        with self._turn:
            if name not in self._running and not self._free and self._queued >= _QUEUE_LENGTH:
                raise Unavailable("Too many transcodes are waiting. Try again in a moment.")
            self._queued += 1
            try:
                ready = self._turn.wait_for(lambda: name in self._running or self._free or self._closed, _QUEUE_S)
            finally:
                self._queued -= 1
            if self._closed:
                raise Unavailable("The server is stopping.")
            if found := self._running.get(name):
                found.listeners += 1
                return found
            if not ready:
                raise Unavailable("Too many transcodes are under way. Try again in a moment.")
            self._free -= 1
            running = self._running[name] = Transcode(expected_bytes, keep=keep)
        threading.Thread(target=self._make, args=(name, running, format, command), name="transcode", daemon=True).start()
        return running

    def _make(self, name: str, running: Transcode, format: Format, command: list[str]) -> None:
        part = self._cache.part()
        metrics.streams_active.labels("transcode").inc()
        failure: SegueError | None = None
        try:
            running.file = _created(part, running)
            process = _ffmpeg.start(command)
            try:
                with self._turn:
                    running.process = process
                if running.failure is None:
                    _pump(running, process, format)
            finally:
                process.kill()
                process.wait()
                for pipe in (process.stdout, process.stderr):
                    if pipe:
                        pipe.close()
        except SegueError as error:
            failure = error
        except OSError as error:
            failure = Unavailable(f"Nothing can be transcoded just now: {error.strerror or error}.")
        finally:
            metrics.streams_active.labels("transcode").dec()
            self._finish(name, running, part, failure)

    def _finish(self, name: str, running: Transcode, part: Path, failure: SegueError | None) -> None:
        whole = failure is None and running.failure is None
        if whole and running.keep:
            with contextlib.suppress(OSError):
                self._cache.put(part, name)
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)  # who listens has it open
        abandoned = running.failure is not None
        running.grow(done=whole, failure=failure)
        with self._turn:
            if self._running.get(name) is running:
                del self._running[name]
            running.finished = True
            if not running.listeners and running.file >= 0:
                os.close(running.file)
            self._free += 1
            self._turn.notify_all()
        if failure and not abandoned:
            _log.warning("a transcode failed", why=str(failure))
        metrics.transcodes.labels("cancelled" if abandoned else "failed" if failure else "done").inc()


async def read_growing(running: Transcode) -> AsyncIterator[bytes]:
    """The bytes of a transcode as they come, from the first. Raises MediaFailed or Unavailable when it breaks off."""
    position = 0
    while await running.wait_beyond(position):
        chunk = await anyio.to_thread.run_sync(os.pread, running.file, _CHUNK * 2, position)
        position += len(chunk)
        yield chunk


def _pump(running: Transcode, process: "subprocess.Popen[bytes]", format: Format) -> None:
    """Carry the sound from the process to the file, and headers only with sound.

    Raises MediaFailed with the process's last words when it fails.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    words = held = b""
    deadline = time.monotonic() + _LONGEST_S
    with selectors.DefaultSelector() as pipes:
        pipes.register(process.stdout, selectors.EVENT_READ)
        pipes.register(process.stderr, selectors.EVENT_READ)
        while pipes.get_map():
            ready = pipes.select(_SILENCE_S)
            if not ready or time.monotonic() > deadline:
                raise MediaFailed("This file takes too long to transcode.")
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    pipes.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    held += chunk
                    if running.written or _ffmpeg.holds_sound(format, held):
                        _append(running, held)
                        held = b""
                else:  # read even if nobody wants it: a process whose words are not taken stands still
                    words = (words + chunk)[-_LAST_WORDS:]
    code = process.wait(timeout=30)
    if code or not running.written:
        why = words.decode("utf-8", "replace").strip() or (f"exit {code}" if code else "it holds no sound")
        raise MediaFailed(f"This file cannot be decoded: {why}")


def _created(part: Path, running: Transcode) -> int:
    try:
        return os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        _log.warning("a transcode is not kept", why=error.strerror)
        running.keep, running.in_memory = False, True
        return _memory()


def _append(running: Transcode, chunk: bytes) -> None:
    """Write all of it, to memory if the disk takes no more. Raises MediaFailed past what either may hold."""
    if running.written + len(chunk) > (_LARGEST_IN_MEMORY if running.in_memory else _LARGEST):
        raise MediaFailed("This file is too long to transcode, or there is no space left on the disk.")
    position = running.written
    view = memoryview(chunk)
    while view:
        try:
            n = os.write(running.file, view)
        except OSError as error:
            if running.in_memory or position > _LARGEST_IN_MEMORY:
                raise
            _log.warning("a transcode is not kept", why=error.strerror)
            running.keep, running.in_memory = False, True
            _move_to_memory(running.file, position)
            continue
        position += n
        view = view[n:]
    running.grow(len(chunk))


def _move_to_memory(file: int, length: int) -> None:
    """Put a file in memory with the same content in place of an open one: readers notice nothing."""
    memory = _memory()
    try:
        for at in range(0, length, 1 << 20):
            os.write(memory, os.pread(file, min(1 << 20, length - at), at))
        os.dup2(memory, file, inheritable=False)
    finally:
        os.close(memory)


def _memory() -> int:
    if not hasattr(os, "memfd_create"):
        raise OSError(errno.ENOSPC, "no space left, and no file in memory on this system")
    return os.memfd_create("transcode")
