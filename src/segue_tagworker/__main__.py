"""The pipe: frames of a big-endian length (4 bytes) and a msgpack value.

In: ``[{"path": bytes, "lrc": bytes | None, "image": bool, "picture": bytes | None}, …]``, a batch of regular files; ``picture`` asks for
the bytes of the embedded picture with that hash. Out: one frame a file, in order: ``{"record": {…}}``, ``{"picture": bytes}`` or
``{"error": [kind, message]}``, so that whoever waits knows which file it hangs at. Ends when its input ends.

Every file is untrusted: memory is limited for the process, seconds for each file, and what is sent for each field.
"""

import gc
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from typing import Any

import msgspec

from segue_tagworker._read import Unreadable, read_audio, read_image, read_picture

SECONDS_PER_FILE = 10.0
MEMORY_BYTES = 768 << 20
"""Address space: enough for a tag of 50 MB and its pictures, not for a bomb. A guess."""
_LONGEST_BATCH = 16 << 20


class _TooSlow(BaseException):
    """Not an Exception, so that no reader swallows it."""


def _ring(signum: int, frame: object) -> None:
    raise _TooSlow


def _answer(item: dict[str, Any]) -> dict[str, Any]:
    signal.setitimer(signal.ITIMER_REAL, SECONDS_PER_FILE)
    try:
        if item.get("image"):
            return {"record": read_image(item["path"])}
        if item.get("picture"):
            return {"picture": read_picture(item["path"], item["picture"])}
        return {"record": read_audio(item["path"], item.get("lrc"))}
    except _TooSlow:
        return {"error": ["timeout", f"Reading its tags took over {SECONDS_PER_FILE:.0f} s. Write them anew with a tag editor."]}
    except MemoryError:
        return {"error": ["too_large", "Its tags need too much memory. Take out oversized pictures or tags with a tag editor."]}
    except Unreadable as error:
        return {"error": [error.kind, str(error)]}
    except OSError as error:
        return {"error": ["unreadable", f"It cannot be read: {error.strerror or error}. Check permissions and the disk."]}
    except RecursionError:
        return {"error": ["bad_tag", "Its tags are nested too deeply. Write them anew with a tag editor."]}
    except Exception as error:
        return {"error": ["bad_tag", f"Its tags cannot be read ({type(error).__name__}). Write them anew with a tag editor."]}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    signal.signal(signal.SIGALRM, _ring)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides when to end
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with suppress(OSError):
        os.nice(10)
    gc.set_threshold(50_000)  # tags are short-lived and hold no cycles worth looking for at each file
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        (length,) = struct.unpack(">I", head)
        if length > _LONGEST_BATCH:
            sys.exit("a batch is too long")
        for item in msgspec.msgpack.decode(source.read(length)):
            body = msgspec.msgpack.encode(_answer(item))
            sink.write(struct.pack(">I", len(body)) + body)
            sink.flush()


if __name__ == "__main__":
    main()
