"""A model file: ONNX, and what must be known to feed it. Read without ``onnx`` or a runtime, so that the server may ask what there is.

The description lies in the file itself (``metadata_props``, key ``segue``, as JSON), or beside it as ``NAME.toml``. An ONNX file is one
protocol buffer message; only its frame is walked here, the weights are passed over.
"""

import hashlib
import mmap
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from segue.errors import BadRequest
from segue.model import Record

METADATA_KEY = "segue"
FILE_MAX = 2**31 - 1
DESCRIPTION_MAX = 24 * 2**20
TOKENIZER_MAX = 32 * 2**20

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Tensor = Annotated[str, Meta(min_length=1, max_length=200)]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._ -]{0,149}$")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Hertz = Annotated[float, Meta(ge=0, le=24_000)]


class Mel(Record, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="mel"):
    """A mel spectrogram: Hann window, filters as librosa makes them. ``axes`` is the order of the input tensor; ``one`` an axis of 1."""

    tensor: Tensor
    axes: tuple[Literal["batch", "frames", "mels", "one"], ...] = ("batch", "frames", "mels")
    n_fft: Annotated[int, Meta(ge=64, le=8192)]
    hop: Annotated[int, Meta(ge=16, le=8192)]
    n_mels: Annotated[int, Meta(ge=8, le=512)]
    frames: Annotated[int, Meta(ge=1, le=8192)]
    fmin_hz: Hertz = 0.0
    fmax_hz: Hertz | None = None
    """None: half the sample rate."""
    scale: Literal["slaney", "htk"] = "slaney"
    norm: Literal["slaney", "none"] = "slaney"
    power: Annotated[int, Meta(ge=1, le=2)] = 2
    log: Literal["log10(10000x+1)", "db", "ln", "none"] = "log10(10000x+1)"
    """``db`` is 10 log10(max(x, 1e-10)), ``ln`` the natural logarithm of the same."""
    center: bool = True
    """Frames are centred on their times."""
    pad: Literal["zeros", "reflect"] = "zeros"
    """What lies before the first and behind the last sample, where frames are centred."""
    mean: float = 0.0
    std: Annotated[float, Meta(gt=0)] = 1.0
    """Taken off, and divided by, after the logarithm."""


class Waveform(Record, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="waveform"):
    """Samples, -1..1."""

    tensor: Tensor
    axes: tuple[Literal["batch", "samples", "one"], ...] = ("batch", "samples")
    normalise: Literal["none", "unit-variance"] = "none"


class Output(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``embedding`` is (batch, dimension), or (batch, time, dimension), which is averaged over time; ``tags`` are probabilities."""

    embedding: Tensor
    tags: Tensor | None = None
    tag_names: Annotated[tuple[Text, ...], Meta(max_length=2000)] = ()


class TextTower(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second ONNX file, which puts text into the space of the first, and its ``tokenizer.json``; both lie beside the first.

    Whole numbers in, (batch, tokens); ``output`` is (batch, dimension). It is always brought to unit length, as vectors of audio are.
    """

    model: FileName
    tokenizer: FileName = "tokenizer.json"
    ids: Tensor = "input_ids"
    mask: Tensor | None = None
    """Attention: 1 for a token, 0 for what fills up."""
    types: Tensor | None = None
    """Token types, all of them 0."""
    output: Tensor
    tokens_max: Annotated[int, Meta(ge=4, le=512)]
    """With the special ones; what is longer is cut."""
    model_sha256: Sha256 | None = None
    tokenizer_sha256: Sha256 | None = None
    """Put there when a model is added, and held against the files ever after."""


class Described(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must be known of an ONNX file to embed with it. See ``docs/encoders.md``."""

    name: Name
    version: Text
    licence: Text
    dimension: Annotated[int, Meta(ge=8, le=2048)]
    sample_rate_hz: Literal[16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
    window_s: Annotated[float, Meta(ge=0.25, le=60)]
    input: Mel | Waveform
    output: Output
    excerpts: Annotated[int, Meta(ge=1, le=64)] = 12
    """Of ``window_s`` each, spread over the track."""
    pooling: Literal["mean"] = "mean"
    projection: Annotated[bytes, Meta(max_length=4 * 2048 * 2048)] | None = None
    """(width of the embedding, dimension) float32, little-endian, row by row: the mean is multiplied by it. In base64."""
    text: TextTower | None = None

    def __post_init__(self) -> None:
        axes = [axis for axis in self.input.axes if axis != "one"]
        if sorted(axes) != sorted(["batch", "frames", "mels"] if isinstance(self.input, Mel) else ["batch", "samples"]):
            raise ValueError("input.axes must name each axis once")
        if len(self.input.axes) > 6 or self.input.axes[0] != "batch":
            raise ValueError("input.axes begins with batch, and has at most 6 axes")
        if bool(self.output.tags) != bool(self.output.tag_names):
            raise ValueError("output.tags and output.tag_names come together")
        if self.projection is not None and (not self.projection or len(self.projection) % (4 * self.dimension)):
            raise ValueError("projection must hold rows of 4 x dimension bytes")
        if self.name == "descriptor":
            raise ValueError("descriptor is the name of the encoder that is built in")
        if isinstance(self.input, Mel):
            half = self.sample_rate_hz / 2
            if not self.input.fmin_hz < (self.input.fmax_hz or half) <= half:
                raise ValueError("fmin_hz must lie below fmax_hz, and that at or below half the sample rate")
            if self.input.pad == "reflect" and self.input.center and self.samples <= self.input.n_fft // 2:
                raise ValueError("a window must be longer than half of n_fft to be padded with its reflection")
            if self.input.hop > self.input.n_fft:
                raise ValueError("hop must not be above n_fft")
        if not abs(self.samples / self.sample_rate_hz - self.window_s) <= 0.1 * self.window_s:
            raise ValueError(f"window_s does not fit the input, which takes {self.samples / self.sample_rate_hz:.3f} s")

    @property
    def samples(self) -> int:
        """Of one excerpt, at the model's rate."""
        mel = self.input
        if isinstance(mel, Mel):
            return max(1, (mel.frames - 1) * mel.hop) if mel.center else (mel.frames - 1) * mel.hop + mel.n_fft
        return round(self.window_s * self.sample_rate_hz)


class TextFiles(Record, frozen=True, kw_only=True):
    """The files of a text tower, and the SHA-256 of each in hex."""

    model: Path
    tokenizer: Path
    model_sha256: str
    tokenizer_sha256: str


class ModelFile(Record, frozen=True, kw_only=True):
    """A described model file on the disk."""

    path: Path
    described: Described
    digest: str
    """SHA-256 of the file (and of the description beside it, if it lies there; with a text tower, over the hashes of all), in hex."""
    inside: tuple[int, int] | None
    """Where the description lies in the file: its first byte, and that behind its last."""
    text: TextFiles | None = None


def read(path: Path) -> ModelFile:
    """Check the file's frame and read its description. Raises BadRequest, which says what is wrong."""
    try:
        status = path.stat()
        beside = path.with_suffix(".toml")
        stamp = beside.stat().st_mtime_ns if beside.is_file() else 0
        file = _read(path, status.st_size, status.st_mtime_ns, stamp)
        return file if file.described.text is None else _with_text(file, file.described.text)
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror or error}.") from error


def _with_text(file: ModelFile, tower: TextTower) -> ModelFile:
    found = []
    for name, most, hash, said in (
        (tower.model, FILE_MAX, _graph_hash, tower.model_sha256),
        (tower.tokenizer, TOKENIZER_MAX, _plain_hash, tower.tokenizer_sha256),
    ):
        path = file.path.parent / name
        if not path.is_file():
            raise BadRequest(f"{file.path} has a text tower, and {name} is not beside it.")
        status = path.stat()
        if not 0 < status.st_size <= most:
            raise BadRequest(f"{path} has {status.st_size:,} bytes: it may have 1 to {most:,}.")
        found.append((path, hash(path, status.st_size, status.st_mtime_ns)))
        if said not in (None, found[-1][1]):
            raise BadRequest(f"{path} is not the file that {file.path.name} was added with. Add the encoder again.")
    (model, model_hash), (tokenizer, tokenizer_hash) = found
    return msgspec.structs.replace(
        file,
        digest=hashlib.sha256(f"{file.digest} {model_hash} {tokenizer_hash}".encode()).hexdigest(),
        text=TextFiles(model=model, tokenizer=tokenizer, model_sha256=model_hash, tokenizer_sha256=tokenizer_hash),
    )


def bytes_of(path: Path, most: int) -> bytes:
    """The whole file. Raises BadRequest when it cannot be read, or has more than ``most`` bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(data) > most:
        raise BadRequest(f"{path} is longer than {most // 2**20} MB: it is not what it should be.")
    return data


@lru_cache(maxsize=64)
def _graph_hash(path: Path, size: int, changed_ns: int) -> str:
    return _framed(path, size)[1].hexdigest()


@lru_cache(maxsize=64)
def _plain_hash(path: Path, size: int, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _framed(path: Path, size: int) -> "tuple[tuple[bytes, int, int] | None, hashlib._Hash]":
    """Walk an ONNX file: its description and where that lies, and its hash."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            inside = _walk(data, size)
        except (ValueError, IndexError) as error:
            raise BadRequest(f"{path} is no whole ONNX file: {error}. Fetch it again.") from error
        return inside, hashlib.sha256(data)


@lru_cache(maxsize=64)
def _read(path: Path, size: int, changed_ns: int, beside_ns: int) -> ModelFile:
    if not 0 < size <= FILE_MAX:
        raise BadRequest(f"{path} is no ONNX file Segue reads: it must have 1 byte to 2 GB, it has {size:,}.")
    inside, digest = _framed(path, size)
    if inside is None:
        beside = path.with_suffix(".toml")
        if not beside.is_file():
            raise BadRequest(
                f"{path} does not say how it is fed. Put a description beside it, as {beside.name}; docs/encoders.md shows how."
            )
        with beside.open("rb") as text:
            told = text.read(DESCRIPTION_MAX + 1)
        digest.update(told)
        return ModelFile(path=path, described=_described(told, beside, msgspec.toml.decode), digest=digest.hexdigest(), inside=None)
    told, first, last = inside
    return ModelFile(path=path, described=_described(told, path, msgspec.json.decode), digest=digest.hexdigest(), inside=(first, last))


def _described(text: bytes, path: Path, decode: Any) -> Described:
    if len(text) > DESCRIPTION_MAX:
        raise BadRequest(f"The description in {path} is longer than {DESCRIPTION_MAX // 2**20} MB.")
    try:
        return decode(text, type=Described)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The description in {path} cannot be used: {error}.") from error


def embedded(described: Described) -> bytes:
    """What, put behind an ONNX file without a description, gives it this one: messages that follow one another are one message."""
    entry = _field(1, METADATA_KEY.encode()) + _field(2, msgspec.json.encode(described))
    return _field(14, entry)


# -- protocol buffers --------------------------------------------------------------------------------------------------

_MODEL, _GRAPH, _FUNCTION, _TRAINING, _NODE, _ATTRIBUTE, _SPARSE, _TENSOR = range(8)
# By message: the fields that hold messages in which a tensor may lie.
_WITHIN = {
    _MODEL: {7: _GRAPH, 20: _TRAINING, 25: _FUNCTION},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _FUNCTION: {7: _NODE, 11: _ATTRIBUTE},
    _TRAINING: {1: _GRAPH, 2: _GRAPH},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {},
}
_DEPTH_MAX = 64
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14


def _walk(data: Any, size: int) -> tuple[bytes, int, int] | None:
    """Walk the whole frame; the description and where its entry lies, if there is one.

    ValueError: truncated, no ONNX, or with weights in other files.
    """
    description = None
    graph = False
    pending = [(_MODEL, 0, size, 0)]
    while pending:
        kind, start, end, depth = pending.pop()
        if depth > _DEPTH_MAX:
            raise ValueError("its graphs are nested too deep")
        for number, wire, first, last, begin in _fields(data, start, end):
            graph |= kind == _MODEL and number == 7
            if kind == _TENSOR and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and first)):
                raise ValueError("it keeps weights in other files")
            if wire != 2:
                continue
            if number in _WITHIN[kind]:
                pending.append((_WITHIN[kind][number], first, last, depth + 1))
            elif kind == _MODEL and number == 14:
                entry = {key: data[a:b] for key, type_, a, b, _ in _fields(data, first, last) if type_ == 2}
                if entry.get(1) == METADATA_KEY.encode():
                    if description is not None:
                        raise ValueError("it is described twice")
                    description = entry.get(2, b""), begin, last
    if not graph:
        raise ValueError("it holds no graph")
    return description


def _fields(data: Any, position: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    """(number, wire type, first byte, behind the last, begin of its key) of each field of a message; of a number, (…, value, 0, begin)."""
    while position < end:
        begin = position
        key, position = _varint(data, position, end)
        number, wire = key >> 3, key & 7
        if not number:
            raise ValueError("it is damaged")
        if wire == 0:
            value, position = _varint(data, position, end)
            yield number, wire, value, 0, begin
            continue
        if wire == 2:
            length, position = _varint(data, position, end)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError("it is damaged")
        if length > end - position:
            raise ValueError("it ends early")
        yield number, wire, position, position + length, begin
        position += length


def _varint(data: Any, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= end or shift > 63:
            raise ValueError("it ends early" if position >= end else "it is damaged")
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position


def _field(number: int, content: bytes) -> bytes:
    return _bytes(number << 3 | 2) + _bytes(len(content)) + content


def _bytes(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
