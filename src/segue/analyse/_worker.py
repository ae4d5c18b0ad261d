"""Analysis workers as the server sees them: a file goes in, what was heard comes out. What opens it is a program of its own
(``python -m segue.analyse``), limited in memory and seconds; a file it hangs at or dies of becomes an error, and it goes on with the next.
"""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from segue.analyse._record import Ask, Heard, Priority
from segue.observe import get_logger
from segue.pipe import PipeWorker, WorkerEnded

_log = get_logger("analyse")
ANSWER_S = 900.0
"""Wall-clock seconds for one file, beside its own length. Long, because a worker runs only when nothing else wants the processor; its own
limits, which count processor seconds, come first unless it hangs."""


class AnalysisWorker:
    """One worker process, started when first asked. For one thread at a time."""

    def __init__(self, *, models: Path | None = None, priority: Priority = "idle", text: bool = False, answer_s: float = ANSWER_S) -> None:
        """``models``: a folder looked into for the model that tells speech, beside the one of the environment. ``text``: it will read
        text, and may take more memory."""
        self._answer_s = answer_s
        self._pipe = PipeWorker(
            ["-m", "segue.analyse", priority, *(["text"] if text else [])],
            answer_s=answer_s,
            environment={} if models is None else {"SEGUE_MODELS": str(models)},
        )

    @property
    def pid(self) -> int | None:
        """Of the process, where one runs."""
        return self._pipe.pid

    def hear(self, ask: Ask) -> Heard:
        """Never raises for what a file does."""
        (frame,) = self._pipe.ask([ask], answer_s=self._answer_s + max(0, ask.duration_ms) / 1000)
        if isinstance(frame, WorkerEnded):
            _log.warning("an analysis worker was ended", path=ask.path.decode("utf-8", "replace"), why=str(frame))
            doing = "Hearing it" if ask.text is None else "Reading it"
            what = f"{doing} took too long" if frame.hung else f"{doing} ended the worker"
            return Heard(error=("timeout" if frame.hung else "died", f"{what}. It may be damaged or made to do harm: check it."))
        try:
            return msgspec.msgpack.decode(frame, type=Heard)
        except msgspec.MsgspecError as error:
            return Heard(error=("failed", f"What was heard makes no sense ({error})."))

    def warm(self, encoders: Sequence[str] = ()) -> None:
        """Start it and have it load what it will need, some seconds on a busy machine. Never raises."""
        answer = self.hear(Ask(path=b"", duration_ms=0, encoders=tuple(encoders), warm=True))
        if answer.error is not None:
            _log.warning("an analysis worker could not be made ready", why=answer.error[1])

    def end(self) -> None:
        """End the process, from any thread: whoever waits for an answer is told that it died."""
        if (pid := self.pid) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self._pipe.close()
