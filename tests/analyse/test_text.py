"""Text towers: what a tokenizer makes of a text, what a tower makes of that, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.analyse import AnalysisWorker, Ask, _models
from segue.analyse._modelfile import TOKENIZER_MAX, read
from segue.analyse._text import load_text
from segue.analyse._tokens import Tokenizer, pieces
from segue.errors import BadRequest

from . import towers


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_words_are_cut_as_gpt2_cuts_them() -> None:
    assert pieces("I don't  know\t 12x,  ok ") == ["I", " don", "'t", " ", " know", "\t", " 12", "x", ",", " ", " ok", " "]
    assert pieces("") == []
    assert "".join(pieces("naïve 東京²³ \n\x1c ½ ")) == "naïve 東京²³ \n\x1c ½ "


# Both as `tokenizers` 0.23.3 (Hugging Face) reads the same files.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a slow piano", [0, 101, 287, 309, 2]),
        ("The drums don't stop!", [0, 88, 108, 105, 296, 298, 43, 120, 283, 37, 2]),
        (
            "naïve café ½ 東京",
            [0, 114, 101, 199, 179, 122, 105, 36, 103, 101, 106, 199, 173, 36, 198, 193, 36, 234, 161, 181, 232, 190, 176, 2],
        ),
        ("  two  spaces\n", [0, 36, 260, 123, 115, 36, 264, 116, 101, 103, 105, 119, 14, 2]),
        ("🥁 12x,", [0, 244, 163, 169, 133, 36, 53, 54, 124, 48, 2]),
    ],
)
def test_byte_level_bpe_gives_the_tokens_that_hugging_face_gives(text: str, expected: list[int], tmp_path: Path) -> None:
    assert Tokenizer(written(tmp_path / "t.json", towers.tokenizer())).encode(text, 77) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A slow piano, drums!", [2, 4, 5, 6, 7, 9, 11, 12, 10, 3]),
        ("Café 東東 xyz", [2, 8, 13, 13, 1, 3]),
        ("á \x00pi\tano", [2, 4, 6, 1, 3]),
    ],
)
def test_word_piece_gives_the_tokens_that_hugging_face_gives(text: str, expected: list[int], tmp_path: Path) -> None:
    assert Tokenizer(written(tmp_path / "t.json", towers.wordpiece())).encode(text, 77) == expected


def test_a_long_text_is_cut_and_keeps_its_ends_and_a_special_token_in_it_is_text(tmp_path: Path) -> None:
    tokenizer = Tokenizer(written(tmp_path / "t.json", towers.tokenizer()))
    long = tokenizer.encode("drum " * 400, 77)
    assert (len(long), long[0], long[-1]) == (77, 0, 2)
    assert tokenizer.encode("", 77) == [0, 2]
    within = tokenizer.encode("</s><s>", 77)
    assert (within.count(0), within.count(2)) == (1, 1)
    for odd in ("\ud800", "\x00", "🥁" * 400, "x" * 4_000, " " * 400):
        assert 2 <= len(tokenizer.encode(odd, 77)) <= 77


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    made = towers.tokenizer()
    change(made)
    return made


@pytest.mark.parametrize(
    "content",
    [
        [], {}, "text", {"model": {"type": "Unigram", "vocab": [["a", -1.0]]}},
        changed(lambda t: t["model"].update(type="Other")),
        changed(lambda t: t["model"].update(vocab={})),
        changed(lambda t: t["model"].update(vocab={"a": -1})),
        changed(lambda t: t["model"].update(vocab={"a": 2**40})),
        changed(lambda t: t["model"].update(merges=[["a", "no such"]])),
        changed(lambda t: t["model"].update(merges=[["a"]])),
        changed(lambda t: t["model"].update(end_of_word_suffix="</w>")),
        changed(lambda t: t.update(pre_tokenizer=None)),
        changed(lambda t: t.update(pre_tokenizer={"type": "Metaspace"})),
        changed(lambda t: t.update(normalizer={"type": "Precompiled"})),
        changed(lambda t: t.update(post_processor={"type": "TemplateProcessing", "single": [], "special_tokens": {}})),
        changed(lambda t: t.update(post_processor={
            "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "?"}}, {"Sequence": {"id": "A"}}], "special_tokens": {},
        })),
    ],
)  # fmt: skip
def test_what_is_no_tokenizer_is_refused(content: Any, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="is no tokenizer Segue reads"):
        Tokenizer(written(tmp_path / "t.json", content))


def test_nonsense_for_a_tokenizer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    whole = json.dumps(towers.tokenizer()).encode()
    for data in (b"", b"\xff\xfe", b"[" * 200_000, whole[:-1], whole[: len(whole) // 2], b"\x08\x07onnx"):
        path.write_bytes(data)
        with pytest.raises(BadRequest):
            Tokenizer(path)
    with path.open("wb") as file:
        file.truncate(TOKENIZER_MAX + 1)
    with pytest.raises(BadRequest, match="longer than"):
        Tokenizer(path)
    with pytest.raises(BadRequest, match="cannot be read"):
        Tokenizer(tmp_path / "absent.json")


# -- towers ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def clap(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    return towers.clap(folder)


def vector(path: Path, text: str) -> np.ndarray:
    return np.frombuffer(load_text(path).encode(text).vector, "<f4")


def test_a_text_has_a_unit_vector_of_the_audios_dimension_whatever_fills_it_up(clap: Path) -> None:
    found = vector(clap, "a slow piano")
    assert found.shape == (512,)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(found, vector(clap, "a loud drum"), atol=0.01)
    towers.text_tower(clap.with_name("clap-text.onnx"), length=77)
    assert vector(clap, "a slow piano") == pytest.approx(found, abs=1e-5)


def test_another_tower_or_another_tokenizer_is_another_space(clap: Path) -> None:
    digests = [read(clap).digest]
    towers.text_tower(clap.with_name("clap-text.onnx"), seed=2)
    digests.append(read(clap).digest)
    written(clap.with_name("tokenizer.json"), towers.tokenizer(merges=20))
    digests.append(read(clap).digest)
    assert len(set(digests)) == 3


def test_a_tower_and_its_tokenizer_are_copied_along_and_held_to_their_hashes(clap: Path, tmp_path: Path) -> None:
    target = tmp_path / "models"
    before = vector(clap, "rain")
    made = _models.add(str(clap), target)
    names = sorted(path.name for path in target.iterdir())
    assert len(names) == 3
    assert names[-1] == "clap.onnx"
    shutil.rmtree(clap.parent)
    assert vector(made, "rain") == pytest.approx(before)
    [found] = [one for one in _models.models(target) if one.name == "clap"]
    assert (found.text, found.digest) == (True, read(made).digest)
    again = _models.add(str(made), tmp_path / "again")
    assert {path.name: path.read_bytes() for path in again.parent.iterdir()} == {path.name: path.read_bytes() for path in target.iterdir()}
    assert _models.add(str(made), target) == made  # onto itself
    assert vector(made, "rain") == pytest.approx(before)
    tokenizer = next(path for path in target.iterdir() if path.suffix == ".json")
    tokenizer.write_text(json.dumps(towers.tokenizer(merges=20)))
    with pytest.raises(BadRequest, match="Add the encoder again"):
        read(made)
    assert "clap" not in {one.name for one in _models.models(target)}
    assert [one.path.name for one in _models.broken(target)] == ["clap.onnx"]


def test_a_new_tower_takes_the_place_of_the_old(clap: Path, tmp_path: Path) -> None:
    target = tmp_path / "models"
    made = _models.add(str(clap), target)
    old = read(made)
    assert old.text is not None
    towers.text_tower(clap.with_name("clap-text.onnx"), seed=2)
    new = read(_models.add(str(clap), target))
    assert new.text is not None
    assert new.digest != old.digest
    assert not old.text.model.exists()
    assert sorted(path.name for path in target.iterdir()) == sorted(["clap.onnx", new.text.model.name, new.text.tokenizer.name])


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda tower, tokenizer: cut(tower, 1_000), "no whole ONNX file"),
        (lambda tower, tokenizer: tower.write_bytes(b""), "0 bytes"),
        (lambda tower, tokenizer: tower.unlink(), "not beside it"),
        (lambda tower, tokenizer: tokenizer.unlink(), "not beside it"),
        (lambda tower, tokenizer: cut(tokenizer, 500), "no tokenizer"),
        (lambda tower, tokenizer: written(tokenizer, {"a": "picture"}), "no tokenizer"),
        (lambda tower, tokenizer: tokenizer.write_bytes(bytes(TOKENIZER_MAX + 1)), "bytes: it may have"),
        (lambda tower, tokenizer: towers.text_tower(tower, width=256), "256 places, not 512"),
        (lambda tower, tokenizer: towers.text_tower(tower, rows=200), "failed"),
        (lambda tower, tokenizer: towers.text_tower(tower, scale=float("nan")), "no numbers"),
        (lambda tower, tokenizer: towers.text_tower(tower, scale=0), "no numbers"),
        (lambda tower, tokenizer: towers.text_tower(tower, length=64), "takes 64 tokens, not 77"),
        (lambda tower, tokenizer: shutil.copy(tower.with_name("clap.onnx"), tower), "its inputs are input_features"),
    ],
)
def test_a_tower_that_does_not_hold_is_refused_and_nothing_is_left(
    harm: Callable[[Path, Path], Any], why: str, clap: Path, tmp_path: Path
) -> None:
    harm(clap.with_name("clap-text.onnx"), clap.with_name("tokenizer.json"))
    target = tmp_path / "models"
    with pytest.raises(BadRequest, match=why):
        _models.add(str(clap), target)
    assert not target.exists() or not list(target.iterdir())


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"clap-text.onnx"', '"../clap-text.onnx"', "text"),
        ("tokens_max = 77", "tokens_max = 9999", "tokens_max"),
        ('"text_embeds"', '"other"', "no output other"),
        ('mask = "attention_mask"', 'mask = "other"', "they should be input_ids, other"),
        (', mask = "attention_mask"', "", "they should be input_ids"),
    ],
)
def test_a_description_of_a_tower_that_does_not_hold_is_refused(old: str, new: str, why: str, clap: Path) -> None:
    description = clap.with_suffix(".toml")
    assert old in description.read_text()
    description.write_text(description.read_text().replace(old, new))
    with pytest.raises(BadRequest, match=why):
        load_text(clap)


def test_a_worker_reads_text_and_goes_on_after_what_it_cannot_read(clap: Path, tmp_path: Path) -> None:
    plain = towers.mert(tmp_path)
    worker = AnalysisWorker(priority="normal", text=True)
    try:
        for text in ("a slow piano", "", "'; DROP TABLE track; --", "\x00🥁" * 100):
            answer = worker.hear(Ask(path=b"", duration_ms=0, encoders=(str(clap),), text=text))
            assert answer.error is None
            assert np.frombuffer(answer.embedded[str(clap)].vector, "<f4") == pytest.approx(vector(clap, text))
        pid = worker.pid
        refused = worker.hear(Ask(path=b"", duration_ms=0, encoders=(str(plain),), text="rain"))
        assert refused.error == ("model", "mert has no text tower.")
        towers.text_tower(clap.with_name("clap-text.onnx"), seed=2)
        again = worker.hear(Ask(path=b"", duration_ms=0, encoders=(str(clap),), text="rain"))
        assert np.frombuffer(again.embedded[str(clap)].vector, "<f4") == pytest.approx(vector(clap, "rain"))
        assert worker.pid == pid
    finally:
        worker.close()
