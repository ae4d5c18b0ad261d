"""Speech is told from music, where the model is there (``SEGUE_MODELS``)."""

import os
from pathlib import Path

import pytest

from segue.analyse._decode import decode
from segue.analyse._speech import MODEL, Speech, model_path


def test_a_model_is_sought_where_it_may_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_MODELS", str(tmp_path))
    assert model_path("none.onnx") is None
    (tmp_path / "none.onnx").write_bytes(b"")
    assert model_path("none.onnx") == tmp_path / "none.onnx"


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / MODEL).write_bytes(b"no model")
    with pytest.raises(Exception, match=r"model|INVALID|protobuf"):
        Speech(tmp_path / MODEL)


def test_speech_is_told_from_music(shared: Path) -> None:
    model = model_path(MODEL)
    if model is None:
        pytest.skip(f"no {MODEL}")
    speech = Speech(model)
    library = shared / "audio" / "library"
    read = next((library / "speech").glob("*.ogg"))
    music = next((library / "Muldjord").rglob("*.opus"))
    said, sung = (speech.speechiness(decode(os.fsencode(path), 0, samples_only=True).windows) for path in (read, music))
    assert said is not None
    assert said.value > 0.7
    assert sung is not None
    assert sung.value < 0.1
