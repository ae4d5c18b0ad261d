"""Embeddings -> neighbours: exact, approximate, save, swap."""

from pathlib import Path

from segue.ports import Neighbours


def open_index(folder: Path, dimension: int) -> Neighbours:
    from segue.index._exact import Exact

    return Exact(dimension)
