"""A described ONNX file run by ONNX Runtime on one thread: windows of a track -> one vector and tags. For worker processes.

Excerpts are run one after another: they cost the same as in a batch, or less, and memory is bounded by one of them.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from segue.analyse._mel import spectrogram
from segue.analyse._modelfile import Mel, ModelFile, read
from segue.analyse._record import Embedded
from segue.analyse._window import Window
from segue.errors import BadRequest, MediaFailed

Array = NDArray[np.float32]

_TAGS_KEPT = 50


def load(path: Path, excerpts: int | None = None) -> "OnnxEncoder":
    """The encoder of a model file, tried once on noise. ``excerpts`` overrides the file's own number of them.

    Raises BadRequest when the file is damaged, does not fit its description, or answers with what is no number.
    """
    file = read(path)
    encoder = OnnxEncoder(file, open_session(path), excerpts)
    encoder.check()
    return encoder


def open_session(path: Path) -> Any:
    """The model of a file, on one thread. Raises BadRequest."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    options.enable_mem_pattern = False  # as fast, and keeps less
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BadRequest(f"{path} cannot be run: {first_line(error)}") from error


class OnnxEncoder:
    """One model. ``space`` names what its vectors may be compared with: vectors of the same file only."""

    def __init__(self, file: ModelFile, session: Any, excerpts: int | None) -> None:
        self.described = file.described
        self.digest = file.digest
        self._path = file.path
        self.session = session
        self.most = excerpts or file.described.excerpts
        self._batch = _check_shapes(file, session)
        output = file.described.output
        self._wanted = [output.embedding, *([output.tags] if output.tags else [])]
        self._projection = _projection(file)

    @property
    def dimension(self) -> int:
        return self.described.dimension

    def check(self) -> None:
        """Embed noise and silence. Raises BadRequest when the answer is none."""
        length = self.described.samples
        noise = np.random.default_rng(1).standard_normal(length).astype(np.float32) * 0.1
        try:
            for y in (noise, np.zeros(length, np.float32)):
                self._run([y])
        except MediaFailed as error:
            raise BadRequest(str(error)) from error

    def encode(self, windows: Sequence[Window]) -> Embedded:
        """Embed excerpts spread evenly over the windows, which are at the model's rate, and average. The same windows always give the same
        vector.

        Raises MediaFailed when there are no samples, or when the model cannot make numbers of them.
        """
        described = self.described
        chosen = excerpts([window.y for window in windows], described.samples, self.most)
        if not chosen:
            raise MediaFailed("There is no sound to embed.")
        vector, tags = self._run(chosen)
        size = float(np.linalg.norm(vector))
        if not 1e-12 < size < 1e30:
            raise MediaFailed(f"{described.name} finds nothing to tell this sound by.")
        vector /= size
        named: tuple[tuple[str, float], ...] = ()
        if tags is not None:
            likeliest = np.argsort(-tags, kind="stable")[:_TAGS_KEPT]
            named = tuple((described.output.tag_names[i], round(float(tags[i]), 4)) for i in likeliest)
        return Embedded(vector=vector.astype("<f4").tobytes(), tags=named)

    def _run(self, chosen: Sequence[Array]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """The mean embedding, projected, and the mean of the tags."""
        described = self.described
        sums: list[NDArray[np.float64]] = []
        for start in range(0, len(chosen), self._batch):
            group = [self.prepare(y) for y in chosen[start : start + self._batch]]
            fed = np.stack(group + [np.zeros_like(group[0])] * (self._batch - len(group)))
            try:
                found = self.session.run(self._wanted, {described.input.tensor: fed})
            except Exception as error:
                raise MediaFailed(f"{described.name} failed: {first_line(error)}") from error
            pooled = [_pooled(np.asarray(values), len(fed))[: len(group)].astype(np.float64) for values in found]
            added = [values.sum(axis=0) for values in pooled]
            sums = [a + b for a, b in zip(sums, added, strict=True)] if sums else added
        vector = sums[0] / len(chosen)
        if self._projection is not None:
            if vector.shape[0] != self._projection.shape[0]:
                raise MediaFailed(f"{described.name} gives {vector.shape[0]} numbers, its projection takes {self._projection.shape[0]}.")
            vector = vector @ self._projection
        if vector.shape != (described.dimension,):
            raise MediaFailed(f"{described.name} gives {vector.shape[0]} numbers instead of {described.dimension}.")
        tags = sums[1] / len(chosen) if len(sums) > 1 else None
        if tags is not None and tags.shape != (len(described.output.tag_names),):
            raise MediaFailed(f"{described.name} gives {tags.shape[0]} tags instead of {len(described.output.tag_names)}.")
        if not np.isfinite(vector).all() or (tags is not None and not np.isfinite(tags).all()):
            raise MediaFailed(f"{described.name} answers with values that are no numbers.")
        return vector, tags

    def prepare(self, y: Array) -> Array:
        """One excerpt as the model takes it, without the batch."""
        described = self.described
        y = np.clip(np.nan_to_num(y, nan=0.0, posinf=1.0, neginf=-1.0), -4, 4).astype(np.float32, copy=False)
        source = described.input
        if isinstance(source, Mel):
            prepared = spectrogram(y, source, described.sample_rate_hz)
            order = [axis for axis in source.axes if axis in ("frames", "mels")]
            if order == ["mels", "frames"]:
                prepared = prepared.T
        else:
            prepared = (y - y.mean()) / np.sqrt(y.var() + 1e-7) if source.normalise == "unit-variance" else y
        for position, axis in enumerate(source.axes[1:]):
            if axis == "one":
                prepared = np.expand_dims(prepared, position)
        return np.ascontiguousarray(prepared, dtype=np.float32)


def excerpts(parts: Sequence[Array], length: int, most: int) -> list[Array]:
    """Up to ``most`` excerpts of ``length`` samples, evenly spread over the parts one after another; none reaches from one into the next.

    A part shorter than that is repeated to fill it: a jingle is not made of silence.
    """
    parts = [part for part in parts if len(part)]
    total = sum(map(len, parts))
    if not total:
        return []
    ends = np.cumsum([len(part) for part in parts])
    n = max(1, min(most, round(total / length)))
    chosen: dict[tuple[int, int], Array] = {}
    for middle in ((np.arange(n) + 0.5) * total / n).astype(int):
        which = int(np.searchsorted(ends, middle, side="right"))
        part = parts[which]
        start = int(np.clip(middle - (ends[which] - len(part)) - length // 2, 0, max(0, len(part) - length)))
        excerpt = part[start : start + length]
        chosen[which, start] = excerpt if len(excerpt) == length else np.resize(excerpt, length)
    return list(chosen.values())


def _check_shapes(file: ModelFile, session: Any) -> int:
    """Hold the graph's inputs and outputs against the description; the size of the batches it takes."""
    described = file.described
    source = described.input

    def refuse(why: str) -> BadRequest:
        return BadRequest(f"{file.path} does not fit its description: {why}.")

    inputs = {each.name: each for each in session.get_inputs()}
    if list(inputs) != [source.tensor]:
        raise refuse(f"its inputs are {', '.join(sorted(inputs)) or 'none'}, it should have {source.tensor} alone")
    taken = inputs[source.tensor]
    if taken.type != "tensor(float)":
        raise refuse(f"{source.tensor} is {taken.type}, not tensor(float)")
    sizes = {"one": 1, **({"frames": source.frames, "mels": source.n_mels} if isinstance(source, Mel) else {"samples": described.samples})}
    if len(taken.shape) != len(source.axes):
        raise refuse(f"{source.tensor} has {len(taken.shape)} axes, not {len(source.axes)}")
    for axis, size in zip(source.axes[1:], taken.shape[1:], strict=True):
        if isinstance(size, int) and size != sizes[axis]:
            raise refuse(f"its axis {axis} has {size} places, not {sizes[axis]}")
    outputs = {each.name: each for each in session.get_outputs()}
    width = described.dimension if described.projection is None else len(described.projection) // (4 * described.dimension)
    widths = [(described.output.embedding, width)]
    if described.output.tags:
        widths.append((described.output.tags, len(described.output.tag_names)))
    for name, width in widths:
        if name not in outputs:
            raise refuse(f"it has no output {name}, only {', '.join(sorted(outputs))}")
        shape = outputs[name].shape
        if outputs[name].type != "tensor(float)":
            raise refuse(f"{name} is {outputs[name].type}, not tensor(float)")
        if len(shape) not in (2, 3):
            raise refuse(f"{name} has {len(shape)} axes, not 2 or 3")
        if isinstance(shape[-1], int) and shape[-1] != width:
            raise refuse(f"{name} has {shape[-1]} places, not {width}")
    batch = taken.shape[0]
    if not isinstance(batch, int):
        return 1
    if not 1 <= batch <= 256:
        raise refuse(f"its batches are of {batch}")
    return batch


def _projection(file: ModelFile) -> NDArray[np.float64] | None:
    described = file.described
    if described.projection is None:
        return None
    matrix = np.frombuffer(described.projection, "<f4").reshape(-1, described.dimension).astype(np.float64)
    if not np.isfinite(matrix).all():
        raise BadRequest(f"The projection of {file.path} holds values that are no numbers.")
    return matrix


def _pooled(values: NDArray[Any], batch: int) -> NDArray[Any]:
    """(batch, width): what has a time axis is averaged over it."""
    if values.ndim not in (2, 3) or values.shape[0] != batch or 0 in values.shape:
        raise MediaFailed(f"The model answers in the shape {values.shape}.")
    return values.mean(axis=1) if values.ndim == 3 else values


def first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
