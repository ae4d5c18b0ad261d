"""How much of a track is speech, by the silero-vad model (16 kHz, frames of 32 ms)."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from segue.analyse._record import SAMPLE_RATE_HZ, Value
from segue.analyse._window import Window

MODEL = "silero_vad.onnx"
VOICED = 0.5
"""From this probability on a frame is voiced."""
_FRAME = 512
_CONTEXT = 64
_LANE = 60 * SAMPLE_RATE_HZ // _FRAME  # frames
_WARM = 16  # frames, half a second, that a lane begins early: the model remembers


def model_path(name: str) -> Path | None:
    """The file ``name`` beside the virtual environment, or in the folder that ``SEGUE_MODELS`` names; None where it is in neither."""
    folders = [Path(sys.prefix) / "share" / "segue" / "models"]
    if named := os.environ.get("SEGUE_MODELS"):
        folders.append(Path(named))
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


_EXCERPTS, _EXCERPT = 6, 7 * SAMPLE_RATE_HZ
_SETTLING = 62
"""Frames: 2 s."""
_LEVEL = 0.02
"""Root mean square that all sound is brought to: loud music taken up in the middle otherwise sounds like a voice for many seconds."""


class Speech:
    """The model, loaded. Raises whatever onnxruntime does at a file that is none."""

    def __init__(self, model: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def speechiness(self, windows: Sequence[Window]) -> Value | None:
        """The fraction of frames in which somebody speaks (or sings as if speaking); None under half a second.

        Of what lasts longer than 42 s, six excerpts of 7 s are heard, spread evenly.

        ``confidence`` is how far the frames' probabilities lie from one half on average, so that a model in doubt says so.
        """
        windows = _levelled(windows)
        if sum(len(window.y) for window in windows) > _EXCERPTS * _EXCERPT:
            chances = self.probabilities(_excerpts(windows)).reshape(_EXCERPTS, -1)[:, _SETTLING:].ravel()
        else:
            chances = self.probabilities(windows)
        if chances.size < _WARM:
            return None
        return Value(value=round(float((chances >= VOICED).mean()), 4), confidence=round(float(np.abs(chances - 0.5).mean() * 2), 4))

    def probabilities(self, windows: Sequence[Window]) -> NDArray[np.float32]:
        """That a frame is voiced, one for each whole frame of each window, in order.

        Windows are cut into lanes of a minute that run side by side: many times faster than one after the other.
        """
        framed = [window.y[: len(window.y) // _FRAME * _FRAME].reshape(-1, _FRAME) for window in windows]
        lanes = [(frames, start) for frames in framed for start in range(0, len(frames), _LANE)]
        if not lanes:
            return np.empty(0, np.float32)
        steps = _WARM + _LANE
        state = np.zeros((2, len(lanes), 128), np.float32)
        given = np.zeros((len(lanes), _CONTEXT + _FRAME), np.float32)
        out = np.zeros((len(lanes), steps), np.float32)
        rate = np.array(SAMPLE_RATE_HZ, np.int64)
        for step in range(min(steps, _WARM + max(len(frames) for frames in framed))):
            for number, (frames, start) in enumerate(lanes):
                at = start - _WARM + step
                given[number, :_CONTEXT] = given[number, -_CONTEXT:]
                given[number, _CONTEXT:] = frames[at] if 0 <= at < len(frames) else 0
            chance, state = self._session.run(None, {"input": given, "state": state, "sr": rate})
            out[:, step] = chance[:, 0]
        return np.concatenate(
            [out[number, _WARM : _WARM + min(_LANE, len(frames) - start)] for number, (frames, start) in enumerate(lanes)]
        )


def _levelled(windows: Sequence[Window]) -> Sequence[Window]:
    n = sum(len(window.y) for window in windows)
    power = sum(float(np.dot(window.y, window.y)) for window in windows) / max(1, n)
    gain = np.float32(_LEVEL / max(power**0.5, 1e-4))
    return [Window(window.start_s, window.y * gain) for window in windows]


def _excerpts(windows: Sequence[Window]) -> Sequence[Window]:
    """Of equal length, each with the frames before it in which the model settles: what begins loudly out of nothing sounds like a voice."""
    whole = np.concatenate([window.y for window in windows])
    length = _EXCERPT // _FRAME * _FRAME + _SETTLING * _FRAME
    starts = np.linspace(0, max(0, len(whole) - length), _EXCERPTS + 2)[1:-1].astype(int)
    return [Window(start / SAMPLE_RATE_HZ, whole[start : start + length]) for start in starts.tolist()]
