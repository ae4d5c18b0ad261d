"""The analysis worker: ``python -m segue.analyse [idle|low|normal] [text]``.

The pipe carries frames of a big-endian length (4 bytes) and a msgpack value.

In: a list of :class:`~segue.analyse.Ask`. Out: one :class:`~segue.analyse.Heard` for each, in order. Ends when its input ends.

It runs when nothing else wants the processor or the disk (``--eager``: like any program), on one thread. Memory is limited for the process,
processor seconds for each file: at the lowest priority a clock on the wall says nothing about a file. One for ``text`` may take more
memory: what it runs is larger, and runs seldom.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from segue.analyse._record import Ask, Heard

if TYPE_CHECKING:
    from segue.analyse._hear import Ear

MEMORY_BYTES = 1 << 30
"""Of private memory (RLIMIT_DATA), which counts what is set aside and not only what is used."""
TEXT_MEMORY_BYTES = 3 << 30
"""Of one that reads text: text towers are several times as large as audio towers, and are held twice while they are loaded."""
_LONGEST_BATCH = 16 << 20
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_IDLE_CLASS = 3 << 13
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class _TooSlow(BaseException):
    """Not an Exception, so that nothing on the way swallows it."""


def cpu_seconds(duration_ms: int) -> float:
    """Processor seconds for a file, FFmpeg's own not counted: at worst 10 × real time, and never under a minute."""
    return 60 + max(0, min(duration_ms, 86_400_000)) / 10_000


def _ring(signum: int, frame: object) -> None:
    raise _TooSlow


def _answer(ear: "Ear", ask: Ask) -> Heard:
    from segue.analyse._decode import DecodeFailed

    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds(ask.duration_ms))
        return ear.hear(ask)
    except _TooSlow:
        return Heard(error=("timeout", "Hearing it took too long. It may be damaged or made to do harm: check it."))
    except MemoryError:
        return Heard(error=("too_large", "Hearing it needs too much memory. It may be damaged or made to do harm: check it."))
    except DecodeFailed as error:
        return Heard(error=(error.kind, error.sentence))
    except OSError as error:
        return Heard(error=("unreadable", f"It cannot be read: {error.strerror or error}. Check permissions and the disk."))
    except Exception as error:
        return Heard(error=("failed", f"It could not be analysed ({type(error).__name__}: {str(error)[:200]})."))
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _step_back(priority: str) -> None:
    """Behind what listeners wait for."""
    if priority != "normal":
        with suppress(OSError):
            os.nice(19)
    if priority == "idle":
        with suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        if (number := _IOPRIO_SET.get(platform.machine())) and sys.platform == "linux":
            ctypes.CDLL(None).syscall(number, 1, 0, _IDLE_CLASS)


def _limit(memory_bytes: int) -> None:
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    signal.signal(signal.SIGVTALRM, _ring)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides when to end
    _step_back(sys.argv[1] if len(sys.argv) > 1 else "idle")
    _limit(TEXT_MEMORY_BYTES if "text" in sys.argv[2:] else MEMORY_BYTES)
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    from segue.analyse._hear import Ear  # numpy reads the number of threads when it is loaded

    ear = Ear()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        (length,) = struct.unpack(">I", head)
        if length > _LONGEST_BATCH:
            sys.exit("a batch is too long")
        for ask in msgspec.msgpack.decode(source.read(length), type=list[Ask]):
            body = msgspec.msgpack.encode(_answer(ear, ask))
            sink.write(struct.pack(">I", len(body)) + body)
            sink.flush()


if __name__ == "__main__":
    main()
