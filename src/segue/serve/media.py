"""Bytes over HTTP, for every protocol: files by range, transcodes as they grow, pictures.

Ranges, validators and conditional requests follow RFC 9110, sections 8.8, 13 and 14. One range is served; a request for several gets the
whole file, as the RFC allows. A whole file goes through the server's own path (ASGI extension ``http.response.pathsend``) where it offers
one, and never through Python chunk by chunk.
"""

import errno
import os
import re
import stat
from collections.abc import Awaitable, Callable
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio
import anyio.to_thread
from litestar import Response

from segue.errors import BadRequest, NotFound
from segue.library import ArtSource
from segue.model import Track
from segue.observe import get_logger, metrics
from segue.play import CONTENT_TYPES, Artwork, Format, Transcode, Transcoder, read_growing

_log = get_logger("media")
_CHUNK = 256 << 10
_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*\Z", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[^A-Za-z0-9 ._()\[\]-]")

WHOLE = "whole"
UNSATISFIABLE = "unsatisfiable"


def parse_range(header: str | None, size: int) -> tuple[int, int] | str:
    """First byte and the one after the last, of ``size``; :data:`WHOLE` when the header is absent, not understood or names several ranges
    (it is then ignored, RFC 9110 section 14.2); :data:`UNSATISFIABLE`."""
    match = _RANGE.match(header.strip()) if header else None
    if match is None or not (match[1] or match[2]):
        return WHOLE
    if not match[1]:  # the last N bytes
        last = int(match[2])
        return (max(0, size - last), size) if last and size else UNSATISFIABLE
    first = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < first:
        return WHOLE
    return (first, end) if first < size else UNSATISFIABLE


class Bytes(Response[bytes]):
    """A Litestar response that is an ASGI application of its own."""

    def __init__(self, application: Any) -> None:
        super().__init__(b"")
        self._application = application

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> Any:
        return self._application


def file_response(path: Path, track: Track, *, attachment: bool = False) -> Bytes:
    """A track's file as it is: ``GET`` and ``HEAD``, ranges, ``If-Range``, ``If-None-Match``, a strong ``ETag``, 416.

    Raises NotFound when the file is gone or is no regular file.
    """
    headers = {"X-Content-Duration": f"{track.duration_ms / 1000:.3f}"}
    if attachment:
        headers["Content-Disposition"] = _disposition(track.path.rpartition("/")[2])
    return Bytes(_File(path, track.content_type, track.id, headers, "private, max-age=0, must-revalidate"))


def transcode_response(
    transcoder: Transcoder,
    path: Path,
    track: Track,
    *,
    format: Format,
    bitrate_kbps: int | None = None,
    start_ms: int = 0,
    estimate_length: bool = False,
) -> Bytes:
    """The track in another format, from ``start_ms``: by range once it is whole, else as it grows.

    ``estimate_length`` states a length before it is known, as some old clients need. Blocks until the first byte: call it from a thread.
    Raises NotFound, BadRequest (a start beyond the end), MediaFailed, Unavailable.
    """
    if not path.is_file():
        raise NotFound("file", track.id)
    if start_ms >= track.duration_ms > 0:
        raise BadRequest(f"The start, {start_ms} ms, lies beyond the end of the track, {track.duration_ms} ms.")
    made = transcoder.open(path, track, format=format, bitrate_kbps=bitrate_kbps, start_ms=start_ms)
    headers = {"X-Content-Duration": f"{max(0, track.duration_ms - start_ms) / 1000:.3f}"}
    if isinstance(made, Path):
        return Bytes(_File(made, CONTENT_TYPES[format], made.stem, headers, "private, max-age=86400"))
    if estimate_length:
        headers["Content-Length"] = str(max(made.expected_bytes, 1))
    return Bytes(_Growing(transcoder, made, CONTENT_TYPES[format], headers))


def art_response(artwork: Artwork, source: ArtSource, size: int | None) -> Bytes:
    """A picture whose longer edge is about ``size`` pixels. Its id changes with it, so it may be cached for good."""
    path = artwork.get(source.art_id, source.path, embedded=source.embedded, size=size)
    return Bytes(_File(path, "image/jpeg", path.stem, {"X-Content-Type-Options": "nosniff"}, "private, max-age=31536000, immutable"))


class _File:
    """An ASGI application that serves one regular file."""

    def __init__(self, path: Path, content_type: str, tag: str, headers: dict[str, str], cache_control: str) -> None:
        try:
            # Not followed into a pipe or a device, should the file have become one.
            self._handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE, errno.EIO}:
                _log.warning("a file cannot be opened", why=error.strerror)
            raise NotFound("file", tag) from error
        about = os.fstat(self._handle)
        if not stat.S_ISREG(about.st_mode):
            os.close(self._handle)
            raise NotFound("file", tag)
        self._path = path
        self._size = about.st_size
        self._modified_s = int(about.st_mtime)
        self._etag = f'"{tag}-{about.st_size:x}-{about.st_mtime_ns:x}"'
        self._headers = {
            "Content-Type": content_type,
            "Accept-Ranges": "bytes",
            "ETag": self._etag,
            "Last-Modified": formatdate(self._modified_s, usegmt=True),
            "Cache-Control": cache_control,
            **headers,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            with metrics.streams_active.labels("file").track_inprogress():
                await _while_listening(receive, lambda: self._serve(scope, send))
        finally:
            os.close(self._handle)

    async def _serve(self, scope: Any, send: Any) -> None:
        asked = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        method = scope["method"]
        if not self._as_expected(asked):
            await _start(send, 412, {"ETag": self._etag, "Content-Length": "0"})
            await send({"type": "http.response.body", "body": b""})
            return
        if self._not_modified(asked):
            await _start(send, 304, {name: value for name, value in self._headers.items() if name != "Content-Type"})
            await send({"type": "http.response.body", "body": b""})
            return
        wanted = parse_range(asked.get(b"range"), self._size) if self._range_counts(asked) and method == "GET" else WHOLE
        if wanted == UNSATISFIABLE:
            await _start(send, 416, {**self._headers, "Content-Range": f"bytes */{self._size}", "Content-Length": "0"})
            await send({"type": "http.response.body", "body": b""})
            return
        first, end = (0, self._size) if isinstance(wanted, str) else wanted
        headers = {**self._headers, "Content-Length": str(end - first)}
        if not isinstance(wanted, str):
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{self._size}"
        await _start(send, 200 if isinstance(wanted, str) else 206, headers)
        if method == "HEAD" or not end - first:
            await send({"type": "http.response.body", "body": b""})
        elif isinstance(wanted, str) and "http.response.pathsend" in (scope.get("extensions") or {}) and _utf8(self._path):
            await send({"type": "http.response.pathsend", "path": str(self._path)})
        else:
            await self._send_part(send, first, end)

    async def _send_part(self, send: Any, first: int, end: int) -> None:
        while first < end:
            chunk = await anyio.to_thread.run_sync(os.pread, self._handle, min(_CHUNK, end - first), first)
            if not chunk:  # cut short meanwhile: less than was promised closes the connection, which the client notices
                raise ConnectionAbortedError(f"{self._etag} became shorter")
            first += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": first < end})

    def _as_expected(self, asked: dict[bytes, str]) -> bool:
        """``If-Match``, else ``If-Unmodified-Since`` (RFC 9110, section 13.2.2)."""
        if (tags := asked.get(b"if-match")) is not None:
            return tags.strip() == "*" or self._etag in [tag.strip() for tag in tags.split(",")]
        until = _date(asked.get(b"if-unmodified-since"))
        return until is None or self._modified_s <= until

    def _not_modified(self, asked: dict[bytes, str]) -> bool:
        if (tags := asked.get(b"if-none-match")) is not None:
            return tags.strip() == "*" or self._etag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        since = _date(asked.get(b"if-modified-since"))
        return since is not None and self._modified_s <= since

    def _range_counts(self, asked: dict[bytes, str]) -> bool:
        """Whether ``If-Range`` lets the range stand (RFC 9110, section 13.1.5): strong validators only."""
        condition = asked.get(b"if-range")
        if condition is None:
            return True
        if condition.strip().startswith(('"', "W/")):
            return condition.strip() == self._etag
        return _date(condition) == self._modified_s


class _Growing:
    """An ASGI application that serves a transcode while it is made."""

    def __init__(self, transcoder: Transcoder, running: Transcode, content_type: str, headers: dict[str, str]) -> None:
        self._transcoder = transcoder
        self._running = running
        self._headers = {"Content-Type": content_type, "Accept-Ranges": "none", "Cache-Control": "no-store", **headers}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await _while_listening(receive, lambda: self._serve(scope, send))
        finally:
            self._transcoder.leave(self._running)

    async def _serve(self, scope: Any, send: Any) -> None:
        await _start(send, 200, self._headers)
        if scope["method"] != "HEAD":
            async for chunk in read_growing(self._running):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _while_listening(receive: Any, serve: Callable[[], Awaitable[None]]) -> None:
    """Serve, and stop when the client goes: what is sent to nobody is dropped without a word, so it has to be asked."""
    failure = None

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        try:
            await serve()
        except Exception as error:  # bare, not in a group, so that it is told as what it is
            failure = error
        tasks.cancel_scope.cancel()
    if failure:
        raise failure


async def _start(send: Any, status: int, headers: dict[str, str]) -> None:
    encoded = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


def _date(text: str | None) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp()) if text else None
    except (ValueError, TypeError, OverflowError):
        return None


def _utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _disposition(name: str) -> str:
    """``attachment`` with the file's name in both spellings (RFC 6266, section 4.3); nothing in a name can end the header."""
    plain = _PLAIN_NAME.sub("_", name)[:150] or "track"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name.encode('utf-8', 'replace')[:300], safe='')}"
