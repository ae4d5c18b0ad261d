"""Tag workers: paths go in, records come out. What opens untrusted files is a program of its own (``segue_tagworker``), limited in
memory and seconds; a file it hangs at or dies of becomes a finding, and it goes on with the next.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from segue.ingest._record import Answer, ImageAnswer
from segue.observe import get_logger
from segue.pipe import PipeWorker, WorkerEnded

_log = get_logger("ingest")
ANSWER_S = 30.0
"""Wall-clock seconds for one answer: above the worker's own limit a file, so that it is only reached when the worker hangs."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file to read. ``path`` and ``lrc`` are absolute, with undecodable bytes as surrogates."""

    path: str
    lrc: str | None = None
    image: bool = False


class TagWorker:
    """One worker process. Not shared between threads."""

    def __init__(self) -> None:
        self._pipe = PipeWorker(["-m", "segue_tagworker"], answer_s=ANSWER_S)

    def read(self, items: Sequence[Item]) -> Iterator[Answer | ImageAnswer]:
        """One answer an item, in order."""
        entries = [{"path": os.fsencode(item.path), "lrc": item.lrc and os.fsencode(item.lrc), "image": item.image} for item in items]
        for item, frame in zip(items, self._pipe.ask(entries), strict=True):
            kind: type[Answer] | type[ImageAnswer] = ImageAnswer if item.image else Answer
            try:
                yield kind(error=_ended(item, frame)) if isinstance(frame, WorkerEnded) else msgspec.msgpack.decode(frame, type=kind)
            except msgspec.MsgspecError as error:
                yield kind(error=("bad_tag", f"Its tags make no sense ({error}). Write them anew with a tag editor."))

    def close(self) -> None:
        self._pipe.close()


def _ended(item: Item, ended: WorkerEnded) -> tuple[str, str]:
    _log.warning("a tag worker was ended", path=item.path.encode("utf-8", "replace").decode(), why=str(ended))
    what = "Reading it took too long" if ended.hung else "Reading it ended the reader"
    return ("timeout" if ended.hung else "bad_tag", f"{what}. It may be damaged or made to do harm: check it, or write its tags anew.")
