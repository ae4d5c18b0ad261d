"""Model files: musicnn beside TensorFlow's numbers, other models as described, and what is refused."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from segue.analyse._encoders import excerpts, load
from segue.analyse._modelfile import METADATA_KEY, Described, Mel, Output, Waveform, embedded, read
from segue.analyse._window import Window
from segue.errors import BadRequest, MediaFailed

from . import towers

RATE = 16_000
WAVE = Described(
    name="wave",
    version="1",
    licence="CC0-1.0",
    dimension=8,
    sample_rate_hz=24_000,
    window_s=0.5,
    excerpts=4,
    input=Waveform(tensor="in", normalise="unit-variance"),
    output=Output(embedding="out", tags="said", tag_names=("a", "b")),
)
MEL = Described(
    name="mel",
    version="2",
    licence="CC0-1.0",
    dimension=16,
    sample_rate_hz=16_000,
    window_s=0.5,
    input=Mel(tensor="in", axes=("batch", "one", "mels", "frames"), n_fft=512, hop=256, n_mels=16, frames=32, log="db", fmax_hz=7_000),
    output=Output(embedding="out"),
)


def noise(seconds: float, seed: int = 1, rate: int = RATE) -> Window:
    return Window(0.0, (np.random.default_rng(seed).standard_normal(round(seconds * rate)) * 0.1).astype(np.float32))


def model(described: Described | None, *, batch: int | str = "n", broken: float | None = None, samples: int = 12_000) -> onnx.ModelProto:
    """A waveform model (means of eight stretches and a fixed part) or a mel model (means over the frames), as described."""

    def info(name: str, *shape: int | str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *shape])

    axis = numpy_helper.from_array(np.array([2], np.int64), "axis")
    if described is not None and described.name == "mel":
        axis = numpy_helper.from_array(np.array([1, 3], np.int64), "axis")
        nodes = [helper.make_node("ReduceMean", ["in", "axis"], ["out"], keepdims=0)]
        graph = helper.make_graph(nodes, "g", [info("in", 1, 16, 32)], [info("out", 16)], [axis])
    else:
        shape = numpy_helper.from_array(np.array([-1, 8, samples // 8], np.int64), "shape")
        added = numpy_helper.from_array(np.full(8, 1 if broken is None else broken, np.float32), "added")
        parts = numpy_helper.from_array(np.arange(16, dtype=np.float32).reshape(8, 2) / 100, "parts")
        nodes = [
            helper.make_node("Reshape", ["in", "shape"], ["stretches"]),
            helper.make_node("ReduceMean", ["stretches", "axis"], ["means"], keepdims=0),
            helper.make_node("Add", ["means", "added"], ["out"]),
            helper.make_node("MatMul", ["out", "parts"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["said"]),
        ]
        graph = helper.make_graph(nodes, "g", [info("in", samples)], [info("out", 8), info("said", 2)], [axis, shape, added, parts])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if described is not None:
        helper.set_model_props(made, {METADATA_KEY: msgspec.json.encode(described).decode()})
    return made


def saved(made: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(made.SerializeToString())
    return path


def vector(encoder: Any, *windows: Window) -> np.ndarray:
    return np.frombuffer(encoder.encode(windows).vector, "<f4")


# -- musicnn -----------------------------------------------------------------------------------------------------------


def test_musicnn_answers_as_tensorflow_did(musicnn: Path, shared: Path) -> None:
    golden = np.load(shared / "specs" / "musicnn" / "golden.npz")
    tags, dense, channels = load(musicnn).session.run(["tags", "dense", "channels"], {"mel": golden["x"]})
    assert np.abs(tags - golden["tags"]).max() < 1e-5
    assert np.abs(dense - golden["dense"]).max() < 1e-5
    assert channels.shape == (2, 753)


def test_musicnn_embeds_any_sound_and_the_same_alike(musicnn: Path) -> None:
    encoder = load(musicnn)
    odd = np.full(20_000, np.nan, np.float32)
    odd[::2] = 1e30
    for window in (noise(40), noise(0.5), Window(0, np.zeros(48_000, np.float32)), Window(0, odd), Window(0, np.ones(1, np.float32))):
        embedded = encoder.encode([window])
        found = np.frombuffer(embedded.vector, "<f4")
        assert found.shape == (200,)
        assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
        assert len(embedded.tags) == 50
        assert [each for _, each in embedded.tags] == sorted((each for _, each in embedded.tags), reverse=True)
        assert encoder.encode([window]) == embedded
    with pytest.raises(MediaFailed):
        encoder.encode([Window(0, np.empty(0, np.float32))])


def test_musicnn_hears_a_trumpet_and_metal(musicnn: Path, shared: Path) -> None:
    import imageio_ffmpeg

    encoder = load(musicnn)
    library = shared / "audio" / "library"
    for tag, path in (
        ("jazz", "Mihai Sorohan/Jazz Trumpet Loops in F/06 - Solo Trumpet 06.ogg"),
        ("metal", "Muldjord/Frets on Fire Songs/01 - Armygeddon.mp3"),
    ):
        if not (library / path).is_file():
            pytest.skip("no shared library")
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", library / path, "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
        y = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)
        (first, probability), *_ = encoder.encode([Window(0, y)]).tags
        assert first == tag
        assert probability > 0.5


def test_a_worker_with_musicnn_stays_small(musicnn: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nimport numpy as np\n"
        "from segue.analyse._encoders import load\nfrom segue.analyse._window import Window\n"
        "load(Path(sys.argv[1])).encode([Window(0, np.random.default_rng(1).standard_normal(16000 * 210).astype(np.float32))])\n"
        "print(next(int(line.split()[1]) // 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", program, musicnn], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300


# -- any model ---------------------------------------------------------------------------------------------------------


def test_excerpts_are_spread_and_never_reach_across_windows() -> None:
    parts = [np.full(100, number, np.float32) for number in range(3)]
    chosen = excerpts(parts, 20, 6)
    assert [set(each) for each in chosen] == [{0.0}, {0.0}, {1.0}, {1.0}, {2.0}, {2.0}]
    assert [len(each) for each in excerpts([np.arange(7, dtype=np.float32)], 20, 6)] == [20]
    assert excerpts([], 20, 6) == excerpts([np.empty(0, np.float32)], 20, 6) == []
    assert len(excerpts([np.zeros(45, np.float32)], 20, 6)) == 2


def test_a_waveform_model_is_fed_at_its_rate(tmp_path: Path) -> None:
    encoder = load(saved(model(WAVE), tmp_path / "wave.onnx"))
    answer = encoder.encode([noise(3, rate=24_000)])
    assert np.frombuffer(answer.vector, "<f4") == pytest.approx(np.full(8, 8**-0.5), abs=0.02)
    assert [name for name, _ in answer.tags] == ["b", "a"]
    assert encoder.digest == hashlib.sha256((tmp_path / "wave.onnx").read_bytes()).hexdigest()


def test_a_mel_model_tells_low_from_high_whatever_its_axes_and_batch(tmp_path: Path) -> None:
    t = np.arange(RATE) / RATE
    sines = [Window(0, (0.5 * np.sin(2 * np.pi * hz * t)).astype(np.float32)) for hz in (300, 5_000)]
    encoder = load(saved(model(MEL), tmp_path / "mel.onnx"))
    low, high = (vector(encoder, sine) for sine in sines)
    assert low.argmax() < 4 < 10 < high.argmax()
    fixed = load(saved(model(MEL, batch=3), tmp_path / "fixed.onnx"))
    assert vector(fixed, *sines) == pytest.approx(vector(encoder, *sines), abs=1e-6)


def test_a_projection_is_applied(tmp_path: Path) -> None:
    matrix = np.random.default_rng(2).standard_normal((16, 8)).astype("<f4")
    plain = load(saved(model(MEL), tmp_path / "plain.onnx"))
    described = msgspec.structs.replace(MEL, dimension=8, projection=matrix.tobytes())
    projected = load(saved(model(described), tmp_path / "projected.onnx"))
    expected = vector(plain, noise(2)) @ matrix
    assert vector(projected, noise(2)) == pytest.approx(expected / np.linalg.norm(expected), abs=1e-5)


def test_a_description_beside_the_file_is_as_good_as_one_inside(tmp_path: Path) -> None:
    path = saved(model(None), tmp_path / "beside.onnx")
    with pytest.raises(BadRequest, match=r"beside\.toml"):
        load(path)
    path.with_suffix(".toml").write_text(TOML)
    beside = load(path)
    inside = tmp_path / "inside.onnx"
    inside.write_bytes(path.read_bytes() + embedded(WAVE))
    onnx.checker.check_model(inside.read_bytes())
    assert read(inside).described == beside.described == WAVE
    assert vector(load(inside), noise(2)) == pytest.approx(vector(beside, noise(2)))
    assert load(inside).digest != beside.digest


TOML = """
name = "wave"
version = "1"
licence = "CC0-1.0"
dimension = 8
sample_rate_hz = 24000
window_s = 0.5
excerpts = 4
input = { kind = "waveform", tensor = "in", normalise = "unit-variance" }
output = { embedding = "out", tags = "said", tag_names = ["a", "b"] }
"""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"dimension": 4}, "dimension"),
        ({"dimension": 4096}, "dimension"),
        ({"sample_rate_hz": 11_025}, "sample_rate_hz"),
        ({"window_s": 1e9}, "window_s"),
        ({"name": "../up"}, "name"),
        ({"name": "descriptor"}, "built in"),
        ({"more": 1}, "unknown field"),
        ({"excerpts": 0}, "excerpts"),
        ({"projection": "AAAA"}, "projection"),
        ({"input": {"kind": "waveform", "tensor": "in", "axes": ["samples", "batch"]}}, "batch"),
        ({"input": {"kind": "picture", "tensor": "in"}}, "kind"),
        ({"output": {"embedding": "out", "tags": "said"}}, "come together"),
        ({"output": {"embedding": "out", "tags": "said", "tag_names": ["a"]}}, "2 places, not 1"),
        ({"output": {"embedding": "other"}}, "no output other"),
        ({"dimension": 9}, "8 places, not 9"),
        ({"window_s": 0.6}, "12000 places"),
        ({"input": {"kind": "waveform", "tensor": "other"}}, "should have other alone"),
        ({"input": {"kind": "waveform", "tensor": "in", "axes": ["batch", "one", "samples"]}}, "2 axes, not 3"),
        ({"input": {"kind": "mel", "tensor": "in", "n_fft": 512, "hop": 1024, "n_mels": 16, "frames": 12}}, "hop"),
        ({"input": {"kind": "mel", "tensor": "in", "n_fft": 512, "hop": 256, "n_mels": 16, "frames": 9}}, "window_s does not fit"),
    ],
)
def test_a_description_that_does_not_hold_is_refused(changed: dict[str, Any], why: str, tmp_path: Path) -> None:
    made = model(None)
    text = msgspec.json.encode({**msgspec.to_builtins(WAVE), **changed}).decode()
    helper.set_model_props(made, {METADATA_KEY: text})
    with pytest.raises(BadRequest, match=why):
        load(saved(made, tmp_path / "wrong.onnx"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_that_answers_no_numbers_is_refused(value: float, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no numbers"):
        load(saved(model(WAVE, broken=value), tmp_path / "nan.onnx"))


def test_no_part_of_a_file_and_no_other_file_is_taken_for_a_model(tmp_path: Path) -> None:
    whole = model(WAVE).SerializeToString()
    path = tmp_path / "part.onnx"
    lengths = [*range(0, len(whole), 7), len(whole) - 1]
    for length in lengths:
        path.write_bytes(whole[:length])
        with pytest.raises(BadRequest):
            load(path)
    chance = np.random.default_rng(1)
    for data in (b"\x00" * 100, b"PK\x03\x04 no model", b"\xff" * 4096, chance.bytes(4096)):
        path.write_bytes(data)
        with pytest.raises(BadRequest):
            load(path)
    with pytest.raises(BadRequest):
        load(tmp_path / "absent.onnx")
    path.write_bytes(b"")
    with path.open("r+b") as file:
        file.truncate(2**31 + 1)
    with pytest.raises(BadRequest, match="2 GB"):
        read(path)


def test_damaged_bytes_never_end_but_in_a_refusal_or_an_encoder(tmp_path: Path) -> None:
    whole = bytearray(model(WAVE).SerializeToString())
    chance = np.random.default_rng(3)
    path = tmp_path / "damaged.onnx"
    for _ in range(60):
        data = bytearray(whole)
        for at in chance.integers(0, len(data), 3):
            data[at] = chance.integers(256)
        path.write_bytes(data)
        try:
            read(path)
        except BadRequest:
            continue


@pytest.mark.parametrize("location", ["/etc/passwd", "../weights.bin", "weights.bin"])
def test_weights_in_other_files_are_refused(location: str, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(32))
    made = model(WAVE)
    added = next(each for each in made.graph.initializer if each.name == "added")
    added.ClearField("raw_data")
    added.data_location = TensorProto.EXTERNAL
    added.external_data.add(key="location", value=location)
    with pytest.raises(BadRequest, match="other files"):
        load(saved(made, tmp_path / "outside.onnx"))


def test_weights_in_other_files_are_refused_within_a_constant(tmp_path: Path) -> None:
    made = model(WAVE)
    value = numpy_helper.from_array(np.zeros(8, np.float32), "v")
    value.ClearField("raw_data")
    value.data_location = TensorProto.EXTERNAL
    value.external_data.add(key="location", value="/etc/passwd")
    made.graph.node.append(helper.make_node("Constant", [], ["hidden"], value=value))
    with pytest.raises(BadRequest, match="other files"):
        load(saved(made, tmp_path / "outside.onnx"))


def test_the_descriptions_in_the_docs_hold() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "encoders.md").read_text()
    described = [msgspec.toml.decode(each, type=Described) for each in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)]
    assert [each.name for each in described] == ["clap", "mert", "discogs-effnet"]
    for told, run in zip(described, (towers.CLAP, towers.MERT, towers.EFFNET), strict=True):
        made = msgspec.toml.decode(run, type=Described)
        output = msgspec.structs.replace(made.output, tag_names=told.output.tag_names)
        assert told == msgspec.structs.replace(made, excerpts=told.excerpts, output=output), "what the docs say is what the tests run"
