"""A listener's words -> a vector in the space that is served, where its encoder has a text tower.

A worker process of its own reads them; it is kept for a minute after the last text, because a text tower fills some hundred megabytes.
"""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from segue.analyse import AnalysisWorker, Ask, models
from segue.errors import BadRequest, Unavailable
from segue.flow.similar import Similar
from segue.model import Space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WARM_S = 60.0
TEXT_MAX = 400
"""Characters."""
_WAIT_S = 60.0
_KEPT = 128


class Texts:
    """Synchronous; any thread may call it. One text is read at a time."""

    def __init__(self, similar: Similar, model_folder: Path, *, warm_s: float = WARM_S) -> None:
        self._similar = similar
        self._folder = model_folder
        self._warm_s = warm_s
        self._turn = threading.Lock()
        self._worker = AnalysisWorker(priority="normal", text=True, answer_s=2 * _WAIT_S)
        self._cooling: threading.Timer | None = None
        self._closed = False
        self._known: OrderedDict[tuple[int, str], bytes] = OrderedDict()

    @property
    def pid(self) -> int | None:
        """Of the worker, while one is warm."""
        return self._worker.pid

    def vector(self, text: str) -> "tuple[Space, NDArray[np.float32]]":
        """The space served, and the text in it: (1, dimension), of unit length.

        Raises BadRequest for a text of another length than 1..400, where nothing was heard, and where the encoder has no text tower;
        Unavailable while the index is being opened, or when the tower cannot be run.
        """
        import numpy as np

        text = " ".join(text.split())
        if not 1 <= len(text) <= TEXT_MAX:
            raise BadRequest(f"A text has 1..{TEXT_MAX} characters.")
        space = self._similar.space
        if space is None:
            if self._similar.opening:
                raise Unavailable("What was heard cannot be searched yet.")
            raise BadRequest("Nothing was heard yet: turn analysis on, or run `segue analyse`.")
        found = self._known.get((space.id, text))
        if found is None:
            found = self._read(space, text)
        vector = np.frombuffer(found, "<f4")
        if vector.shape != (space.dimension,) or not np.isfinite(vector).all():
            raise Unavailable(f"The text tower of {space.encoder} gives no vector of its space.")
        self._known[space.id, text] = found
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return space, vector[None].astype(np.float32)

    def close(self) -> None:
        self._closed = True
        self._worker.end()
        with self._turn:
            self._cool()

    def _read(self, space: Space, text: str) -> bytes:
        model = next((one for one in models(self._folder) if one.name == space.encoder), None)
        if model is None or model.digest != space.digest:
            raise Unavailable(f"The file of the encoder {space.encoder} that serves is gone or another: choose with `segue encoder use`.")
        if not model.text or model.path is None:
            raise BadRequest(
                f"The encoder {space.encoder} has no text tower: it cannot be asked in words. docs/encoders.md tells of others."
            )
        if not self._turn.acquire(timeout=_WAIT_S):
            raise Unavailable("Too many texts are being read. Try again soon.")
        try:
            if self._closed:
                raise Unavailable("The server is stopping.")
            if self._cooling is not None:
                self._cooling.cancel()
            answer = self._worker.hear(Ask(path=b"", duration_ms=0, encoders=(str(model.path),), text=text))
            self._cooling = threading.Timer(self._warm_s, self._cold)
            self._cooling.daemon = True
            self._cooling.start()
        finally:
            self._turn.release()
        if answer.error is not None:
            raise Unavailable(f"The text could not be read: {answer.error[1]}")
        return answer.embedded[str(model.path)].vector

    def _cold(self) -> None:
        with self._turn:
            if self._cooling is threading.current_thread():
                self._cool()

    def _cool(self) -> None:
        if self._cooling is not None:
            self._cooling.cancel()
            self._cooling = None
        self._worker.close()
