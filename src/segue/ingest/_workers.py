"""Tag workers: processes that open untrusted files so that the server need not. Paths go in, records come out, over a pipe.

A worker limits itself (memory, seconds a file); its owner limits the worker: an answer that does not come in time kills it, the file it
was at becomes a finding, and another worker goes on with the next.
"""

import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from segue.ingest._record import Answer, ImageAnswer
from segue.observe import get_logger

_log = get_logger("ingest")
ANSWER_S = 30.0
"""Wall-clock seconds for one answer: above the worker's own limit a file, so that it is only reached when the worker hangs."""
_LARGEST_ANSWER = 8 << 20


@dataclass(frozen=True, slots=True)
class Item:
    """One file to read. ``path`` and ``lrc`` are absolute, with undecodable bytes as surrogates."""

    path: str
    lrc: str | None = None
    image: bool = False


class _WorkerDied(Exception):  # noqa: N818 - private
    def __init__(self, hung: bool) -> None:
        super().__init__("hung" if hung else "died")
        self.hung = hung


class TagWorker:
    """One worker process, started when needed and restarted when it dies. Not shared between threads."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = bytearray()

    def read(self, items: Sequence[Item]) -> Iterator[Answer | ImageAnswer]:
        """One answer an item, in order."""
        done = 0
        while done < len(items):
            try:
                self._send(items[done:])
                while done < len(items):
                    frame = self._frame()
                    kind = ImageAnswer if items[done].image else Answer
                    yield msgspec.msgpack.decode(frame, type=kind)
                    done += 1
            except (_WorkerDied, OSError, msgspec.MsgspecError) as error:
                self.close()
                hung = isinstance(error, _WorkerDied) and error.hung
                _log.warning("a tag worker was ended", path=items[done].path, why=str(error))
                what = "Reading it took too long" if hung else "Reading it ended the reader"
                message = f"{what}. It may be damaged or made to do harm: check it, or write its tags anew."
                yield (ImageAnswer if items[done].image else Answer)(error=("timeout" if hung else "bad_tag", message))
                done += 1

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
            self._process = None
        self._buffer.clear()

    def _send(self, items: Sequence[Item]) -> None:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "segue_tagworker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path), "LC_ALL": "C.UTF-8"},
                cwd="/",
            )
        body = msgspec.msgpack.encode(
            [{"path": os.fsencode(item.path), "lrc": item.lrc and os.fsencode(item.lrc), "image": item.image} for item in items]
        )
        assert self._process.stdin is not None
        view = memoryview(struct.pack(">I", len(body)) + body)
        while view:
            view = view[self._process.stdin.write(view) or 0 :]

    def _frame(self) -> bytes:
        head = self._exactly(4)
        (length,) = struct.unpack(">I", head)
        if length > _LARGEST_ANSWER:
            raise _WorkerDied(hung=False)
        return self._exactly(length)

    def _exactly(self, n: int) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        deadline = time.monotonic() + ANSWER_S
        while len(self._buffer) < n:
            if not select.select([handle], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise _WorkerDied(hung=True)
            part = os.read(handle, 1 << 16)
            if not part:
                raise _WorkerDied(hung=False)
            self._buffer += part
        out = bytes(self._buffer[:n])
        del self._buffer[:n]
        return out
