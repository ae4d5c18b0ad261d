"""Programs that open untrusted files so that the server need not: kept warm, spoken to over a pipe, ended when they hang.

A frame is a big-endian length (4 bytes) and a msgpack value. One request frame holds a list; the program answers one frame an entry, in
order. A program that dies or does not answer in time costs the entry it was at, nothing else.
"""

import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

_LARGEST_ANSWER = 64 << 20


class WorkerEnded(Exception):
    """The program gave no answer for one entry. ``hung``: it was ended for taking too long; otherwise it died."""

    def __init__(self, hung: bool) -> None:
        super().__init__("took too long" if hung else "died")
        self.hung = hung


class PipeWorker:
    """One process, started when needed, restarted when it has ended. For one thread at a time."""

    def __init__(self, arguments: Sequence[str], *, answer_s: float, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._arguments = [sys.executable, *arguments]
        self._answer_s = answer_s
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = bytearray()

    def ask(self, entries: Sequence[Any], *, answer_s: float | None = None) -> Iterator[bytes | WorkerEnded]:
        """One answer an entry, in order: the frame's body, or why there is none. ``answer_s``: for these entries, instead of the usual."""
        limit_s = self._answer_s if answer_s is None else answer_s
        done = 0
        while done < len(entries):
            try:
                self._send(entries[done:])
                while done < len(entries):
                    frame = self._frame(limit_s)
                    done += 1
                    yield frame
            except (WorkerEnded, OSError) as error:
                self.close()
                done += 1
                yield error if isinstance(error, WorkerEnded) else WorkerEnded(hung=False)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
            self._process = None
        self._buffer.clear()

    def _send(self, entries: Sequence[Any]) -> None:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LC_ALL": "C.UTF-8"} | self._environment,
                cwd="/",
            )
        body = msgspec.msgpack.encode(list(entries))
        assert self._process.stdin is not None
        view = memoryview(struct.pack(">I", len(body)) + body)
        while view:
            view = view[self._process.stdin.write(view) or 0 :]

    def _frame(self, limit_s: float) -> bytes:
        (length,) = struct.unpack(">I", self._exactly(4, limit_s))
        if length > _LARGEST_ANSWER:
            raise WorkerEnded(hung=False)
        return self._exactly(length, limit_s)

    def _exactly(self, n: int, limit_s: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        deadline = time.monotonic() + limit_s
        while len(self._buffer) < n:
            if not select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise WorkerEnded(hung=True)
            part = os.read(handle, 1 << 16)
            if not part:
                raise WorkerEnded(hung=False)
            self._buffer += part
        out = bytes(self._buffer[:n])
        del self._buffer[:n]
        return out
