"""Embeddings -> neighbours: exact in memory, and a folder on disk that grows to millions. See docs/neighbours.md."""

from pathlib import Path
from typing import TYPE_CHECKING

from segue.index._options import Options, Plan

if TYPE_CHECKING:
    from segue.index._exact import Exact
    from segue.index._faiss import FaissIndex

__all__ = ["Options", "Plan", "in_memory", "open_index"]


def in_memory(dimension: int) -> "Exact":
    """Every vector compared, nothing kept on disk."""
    from segue.index._exact import Exact

    return Exact(dimension)


def open_index(folder: Path, dimension: int, options: "Options | None" = None) -> "FaissIndex":
    """Open the folder, or make it. Raises Conflict where it holds vectors of another dimension, Unavailable where it cannot be read or
    another process has it open. What cannot be read back is told by ``FaissIndex.damaged``."""
    from segue.index._faiss import FaissIndex

    return FaissIndex(folder, dimension, options)
