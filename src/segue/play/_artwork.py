"""Pictures, resized and cached. Two programs do what is dangerous: the tag worker takes the picture out of an audio file, the picture
worker decodes it. What is served is always a JPEG made here, never the bytes a stranger wrote.
"""

import os
import threading
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from segue.errors import MediaFailed, NotFound, Unavailable
from segue.pipe import PipeWorker, WorkerEnded
from segue.play._cache import FileCache
from segue.types import base62, from_base62

SIZES = (64, 128, 256, 300, 512, 600, 800, 1200)
"""Edges in pixels that are made; others are rounded up to the next, and the last is the largest."""
_LARGEST_FILE = 24 << 20
_WAIT_S = 20.0
_REFUSED_S = 600.0
"""So long nobody tries again what could not be decoded."""
_MOST_REFUSED = 1000


class Artwork:
    """Safe from any thread; two pictures are made at a time."""

    def __init__(self, directory: Path, *, max_bytes: int = 256 << 20) -> None:
        self._cache = FileCache(directory, max_bytes)
        self._turns = threading.BoundedSemaphore(2)
        self._idle: list[tuple[PipeWorker, PipeWorker]] = []
        self._refused: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def get(self, art_id: str, path: Path, *, embedded: bool, size: int | None) -> Path:
        """A JPEG whose longer edge is ``size`` (rounded up to one of :data:`SIZES`), or the picture's own if that is less.

        Raises NotFound when the picture is not there any more, MediaFailed when it cannot be decoded, Unavailable when too busy.
        """
        edge = next((one for one in SIZES if one >= size), SIZES[-1]) if size else SIZES[-1]
        name = f"{art_id}-{edge}.jpg"
        if made := self._cache.get(name):
            return made
        with self._lock:
            since, why = self._refused.get(art_id, (-_REFUSED_S, ""))
        if time.monotonic() - since < _REFUSED_S:
            raise MediaFailed(why)
        if not self._turns.acquire(timeout=_WAIT_S):
            raise Unavailable("Too many pictures are asked for at once. Try again in a moment.")
        try:
            if made := self._cache.get(name):
                return made
            with self._lock:
                workers = self._idle.pop() if self._idle else _workers()
            try:
                return self._make(workers, name, art_id, path, embedded, edge)
            except MediaFailed as error:
                with self._lock:
                    while len(self._refused) >= _MOST_REFUSED:
                        del self._refused[next(iter(self._refused))]
                    self._refused[art_id] = (time.monotonic(), str(error))
                raise
            finally:
                with self._lock:
                    self._idle.append(workers)
        finally:
            self._turns.release()

    def close(self) -> None:
        with self._lock:
            for workers in self._idle:
                for worker in workers:
                    worker.close()
            self._idle.clear()

    def _make(self, workers: tuple[PipeWorker, PipeWorker], name: str, art_id: str, path: Path, embedded: bool, edge: int) -> Path:
        tags, pictures = workers
        data = _embedded(tags, path, art_id) if embedded else _beside(path, art_id)
        answer = _asked(pictures, {"data": data, "size": edge})
        if "jpeg" not in answer:
            raise MediaFailed(f"This picture cannot be decoded ({answer.get('error')}).")
        part = self._cache.part()
        try:
            part.write_bytes(answer["jpeg"])
            return self._cache.put(part, name)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise Unavailable(f"The picture cannot be kept: {error.strerror}.") from error


def _workers() -> tuple[PipeWorker, PipeWorker]:
    program = str(Path(__file__).with_name("_artworker.py"))
    return PipeWorker(["-m", "segue_tagworker"], answer_s=20), PipeWorker([program], answer_s=20)


def _asked(worker: PipeWorker, entry: dict[str, Any]) -> dict[str, Any]:
    [frame] = worker.ask([entry])
    if isinstance(frame, WorkerEnded):
        raise MediaFailed(f"This picture cannot be read: its reader {frame}.")
    answer: dict[str, Any] = msgspec.msgpack.decode(frame)
    return answer


def _embedded(tags: PipeWorker, path: Path, art_id: str) -> bytes:
    answer = _asked(tags, {"path": os.fsencode(path), "picture": from_base62(art_id).to_bytes(16, "big")})
    if "picture" not in answer:
        raise NotFound("picture", art_id)
    return bytes(answer["picture"])


def _beside(path: Path, art_id: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise NotFound("picture", art_id) from error
    if len(data) > _LARGEST_FILE or base62(int.from_bytes(blake2b(data, digest_size=16).digest(), "big")) != art_id:
        raise NotFound("picture", art_id)
    return data
