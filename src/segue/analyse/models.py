"""Which encoders there are."""

from collections.abc import Sequence
from pathlib import Path

from segue.model import Record


class Model(Record, frozen=True, kw_only=True):
    name: str
    version: str
    digest: str
    dimension: int
    path: Path | None


def models(folder: Path) -> Sequence[Model]:
    return [Model(name="descriptor", version="1", digest="", dimension=128, path=None)]
