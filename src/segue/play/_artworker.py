"""The picture worker: a program that decodes and resizes untrusted pictures, so that the server need not. Run by its path, alone.

In, over standard input, frames of a big-endian length and msgpack: ``[{"data": bytes, "size": int}, …]``. Out, one frame each:
``{"jpeg": bytes}`` or ``{"error": str}``. A picture is refused by its header before it is decoded when it has too many pixels.
"""

import io
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from typing import Any

import msgspec
from PIL import Image, ImageOps

MOST_PIXELS = 50_000_000
_MEMORY_BYTES = 1 << 30
_SECONDS = 10.0
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


class _TooSlow(BaseException):
    pass


def _ring(signum: int, frame: object) -> None:
    raise _TooSlow


def _resized(data: bytes, size: int) -> bytes:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise ValueError("too many pixels")
        picture.draft("RGB", (size, size))
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith("I"):  # 16 bits of grey, which a plain conversion would clip to white
            upright = upright.convert("I").point(lambda grey: grey / 256).convert("L")
        upright.thumbnail((size, size), Image.Resampling.LANCZOS)
        if upright.mode in {"RGBA", "LA", "P", "PA"}:
            layer = upright.convert("RGBA")
            ground = Image.new("RGB", layer.size, (255, 255, 255))
            ground.paste(layer, mask=layer.getchannel("A"))
            upright = ground
        out = io.BytesIO()
        upright.convert("RGB").save(out, "JPEG", quality=86, optimize=True, progressive=size > 300)
        return out.getvalue()


def _answer(entry: dict[str, Any]) -> dict[str, Any]:
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    try:
        return {"jpeg": _resized(entry["data"], int(entry["size"]))}
    except _TooSlow:
        return {"error": "it takes too long to decode"}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:200]}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    signal.signal(signal.SIGALRM, _ring)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    with suppress(OSError):
        os.nice(5)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(4):
        for entry in msgspec.msgpack.decode(source.read(struct.unpack(">I", head)[0])):
            body = msgspec.msgpack.encode(_answer(entry))
            sink.write(struct.pack(">I", len(body)) + body)
            sink.flush()


if __name__ == "__main__":
    main()
