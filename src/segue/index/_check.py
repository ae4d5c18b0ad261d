"""What comes in: shapes, types and numbers."""

from typing import TYPE_CHECKING

import numpy as np

from segue.errors import BadRequest

if TYPE_CHECKING:
    from segue.ports import Ids, Vectors

LONGEST = 1.01
"""A unit vector after rounding."""


def ids_of(ids: "Ids") -> "Ids":
    found = np.asarray(ids)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise BadRequest("Ids are one row of whole numbers.")
    found = np.ascontiguousarray(found, np.int64)
    if found.size and int(found.min()) < 0:
        raise BadRequest("Ids are 0 or more.")
    return found


def vectors_of(vectors: "Vectors", dimension: int) -> "Vectors":
    found = np.asarray(vectors)
    if found.ndim != 2 or found.shape[1] != dimension or found.dtype.kind not in "fiu":
        raise BadRequest(f"Vectors are rows of {dimension} numbers.")
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(found, np.float32)
        lengths = np.einsum("ij,ij->i", found, found)
    if not np.all(lengths <= LONGEST**2):  # false for NaN, too
        raise BadRequest("Vectors are of unit length, without NaN.")
    return found


def batch_of(ids: "Ids", vectors: "Vectors", dimension: int) -> "tuple[Ids, Vectors]":
    """Checked; of an id that is there twice, the last."""
    ids, vectors = ids_of(ids), vectors_of(vectors, dimension)
    if len(ids) != len(vectors):
        raise BadRequest(f"There are {len(ids)} ids and {len(vectors)} vectors.")
    unique, last = np.unique(ids[::-1], return_index=True)
    if len(unique) < len(ids):
        keep = np.sort(len(ids) - 1 - last)
        return ids[keep], vectors[keep]
    return ids, vectors


def k_of(k: int) -> int:
    if k < 0:
        raise BadRequest("k is 0 or more.")
    return k
