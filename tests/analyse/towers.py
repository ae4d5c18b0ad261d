"""Model files of the shapes that real models have, with random weights; and a tokenizer, learnt from a few words."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLAP = """
name = "clap"
version = "htsat-unfused"
licence = "Apache-2.0"
dimension = 512
sample_rate_hz = 48000
window_s = 10.0
excerpts = 2
input = { kind = "mel", tensor = "input_features", axes = ["batch", "one", "frames", "mels"], n_fft = 1024, hop = 480, n_mels = 64, \
frames = 1001, fmin_hz = 50, fmax_hz = 14000, log = "db", pad = "reflect" }
output = { embedding = "audio_embeds" }
text = { model = "clap-text.onnx", mask = "attention_mask", output = "text_embeds", tokens_max = 77 }
"""
MERT = """
name = "mert"
version = "v1-95m"
licence = "CC-BY-NC-4.0"
dimension = 768
sample_rate_hz = 24000
window_s = 5.0
excerpts = 3
input = { kind = "waveform", tensor = "input_values", normalise = "unit-variance" }
output = { embedding = "last_hidden_state" }
"""
STYLES = [f"Genre---Style {n}" for n in range(400)]
EFFNET = f"""
name = "discogs-effnet"
version = "bs64-1"
licence = "CC-BY-NC-SA-4.0"
dimension = 1280
sample_rate_hz = 16000
window_s = 2.06
excerpts = 8
input = {{ kind = "mel", tensor = "melspectrogram", n_fft = 512, hop = 256, n_mels = 96, frames = 128, center = false }}
output = {{ embedding = "embeddings", tags = "activations", tag_names = {json.dumps(STYLES)} }}
"""


def _weights(name: str, *shape: int, seed: int = 1) -> Any:
    values = np.random.default_rng(seed + len(name)).standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)
    return numpy_helper.from_array(values.astype(np.float32), name)


def _whole(name: str, *values: int) -> Any:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def _float(name: str, *shape: int | str) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _saved(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any]) -> Path:
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made)
    onnx.save(made, str(path))
    return path


def _patches(source: str, bands: int, width: int) -> tuple[list[Any], list[Any]]:
    """(batch, 1, frames, bands) -> ``flat`` @ (…, width): patches of 4 x 4, averaged over time."""
    nodes = [
        helper.make_node("Conv", [source, "patch"], ["cut"], strides=[4, 4]),
        helper.make_node("Relu", ["cut"], ["bent"]),
        helper.make_node("ReduceMean", ["bent", "time"], ["still"], keepdims=0),
        helper.make_node("Flatten", ["still"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "wide"], ["spread"]),
    ]
    return nodes, [_weights("patch", 8, 1, 4, 4), _whole("time", 2), _weights("wide", 8 * (bands // 4), width)]


def clap(folder: Path, *, seed: int = 1) -> Path:
    """Audio tower, text tower, tokenizer, description."""
    nodes, constants = _patches("input_features", 64, 512)
    nodes.append(helper.make_node("LpNormalization", ["spread"], ["audio_embeds"], axis=1))
    path = _saved(
        folder / "clap.onnx", nodes, [_float("input_features", "batch", 1, 1001, 64)], [_float("audio_embeds", "batch", 512)], constants
    )
    path.with_suffix(".toml").write_text(CLAP)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()))
    text_tower(folder / "clap-text.onnx", seed=seed)
    return path


def text_tower(path: Path, *, width: int = 512, rows: int = 400, length: int | str = "tokens", scale: float = 1, seed: int = 1) -> Path:
    """Embeddings of the tokens, averaged under the mask, and projected."""
    whole = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", length]) for name in ("input_ids", "attention_mask")]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["held"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["held", "last"], ["deep"]),
        helper.make_node("Mul", ["rows", "deep"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "along"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["held", "along"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
        helper.make_node("MatMul", ["mean", "wide"], ["spread"]),
        helper.make_node("Mul", ["spread", "scale"], ["text_embeds"]),
    ]
    constants = [
        _weights("table", rows, 32, seed=seed), _weights("wide", 32, width, seed=seed), _whole("last", 2), _whole("along", 1),
        numpy_helper.from_array(np.array(scale, np.float32), "scale"),
    ]  # fmt: skip
    return _saved(path, nodes, whole, [_float("text_embeds", "batch", "width")], constants)


def mert(folder: Path) -> Path:
    nodes = [
        helper.make_node("Unsqueeze", ["input_values", "one"], ["deep"]),
        helper.make_node("Conv", ["deep", "filters"], ["cut"], strides=[320]),
        helper.make_node("Relu", ["cut"], ["bent"]),
        helper.make_node("Transpose", ["bent"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["turned", "wide"], ["last_hidden_state"]),
    ]
    constants = [_whole("one", 1), _weights("filters", 32, 1, 400), _weights("wide", 32, 768)]
    path = _saved(
        folder / "mert.onnx",
        nodes,
        [_float("input_values", "batch", "samples")],
        [_float("last_hidden_state", "batch", "time", 768)],
        constants,
    )
    path.with_suffix(".toml").write_text(MERT)
    return path


def effnet(folder: Path) -> Path:
    nodes, constants = _patches("deep", 96, 1280)
    nodes = [
        helper.make_node("Unsqueeze", ["melspectrogram", "one"], ["deep"]),
        *nodes,
        helper.make_node("Relu", ["spread"], ["embeddings"]),
        helper.make_node("MatMul", ["embeddings", "styles"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["activations"]),
    ]
    constants += [_whole("one", 1), _weights("styles", 1280, 400)]
    outputs = [_float("embeddings", 64, 1280), _float("activations", 64, 400)]
    path = _saved(folder / "effnet.onnx", nodes, [_float("melspectrogram", 64, 128, 96)], outputs, constants)
    path.with_suffix(".toml").write_text(EFFNET)
    return path


WORDS = "the sound of a slow piano and a loud drum in the rain, the low hum of a guitar that is not there; don't stop the drums now"


def letters() -> list[str]:
    itself = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in itself]
    return [chr(byte) if byte in itself else chr(256 + others.index(byte)) for byte in range(256)]


def tokenizer(merges: int = 60) -> dict[str, Any]:
    """Byte-level BPE as RoBERTa has it, its merges learnt from a few words."""
    vocab = {name: n for n, name in enumerate(["<s>", "<pad>", "</s>", "<unk>", *letters()])}
    words = [["Ġ", *word] for word in WORDS.replace(",", "").replace(";", "").replace("'", "").split()]
    learnt: list[list[str]] = []
    while len(learnt) < merges:
        counts = Counter(pair for word in words for pair in pairwise(word))
        if not counts:
            break
        (a, b), _ = max(counts.items(), key=lambda item: (item[1], item[0]))
        learnt.append([a, b])
        vocab.setdefault(a + b, len(vocab))
        for word in words:
            at = 0
            while at < len(word) - 1:
                if word[at : at + 2] == [a, b]:
                    word[at : at + 2] = [a + b]
                at += 1
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": n, "content": name, **plain, "special": True} for name, n in vocab.items() if n < 4],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False, "vocab": vocab, "merges": learnt},
    }  # fmt: skip


def wordpiece() -> dict[str, Any]:
    """WordPiece as BERT has it."""
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "slow", "pi", "##ano", "cafe", ",", "!", "drum", "##s", "東"]
    return {
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
            ],
            "pair": [],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {name: n for n, name in enumerate(names)},
        },
    }
