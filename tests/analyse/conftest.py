"""The musicnn model file, made by ``make setup``, and small ONNX models built here."""

from pathlib import Path

import pytest

from segue.analyse import models


@pytest.fixture(scope="session")
def musicnn() -> Path:
    """The converted model; skips where it was not fetched."""
    found = next((model.path for model in models(Path("nowhere")) if model.name == "musicnn" and model.path), None)
    if found is None:
        pytest.skip("musicnn is not set up: `segue encoder add --shared musicnn`")
    return found
