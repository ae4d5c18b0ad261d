"""The main tier as a file, and the manifest that names it: each written aside, synced, and renamed.

The file: ids, codes, offsets and centres, one after another, in little-endian. All else is in the manifest, with the file's CRC-32.
"""

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue.index._codes import Codec
from segue.index._journal import sync_folder
from segue.index._mapped import MappedTier
from segue.index._tier import Probes, Tier

MANIFEST = "manifest.json"
_PIECE = 1 << 22


class Damaged(Exception):
    """A file that is not what the manifest says."""


def write_tier(folder: Path, name: str, tier: Tier) -> dict[str, Any]:
    """Returns what the manifest must say of it."""
    crc = size = 0
    path = folder / name
    with (folder / f"{name}.tmp").open("wb") as file:
        arrays: list[NDArray[Any]] = [tier.all_ids(), tier.codes, tier.offsets, tier.centres]
        for array in arrays:
            raw = memoryview(np.ascontiguousarray(array).data).cast("B") if array.size else memoryview(b"")
            for at in range(0, len(raw), _PIECE):
                piece = raw[at : at + _PIECE]
                crc = zlib.crc32(piece, crc)
                file.write(piece)
            size += len(raw)
        file.flush()
        os.fsync(file.fileno())
    (folder / f"{name}.tmp").replace(path)
    sync_folder(folder)
    probes = tier.probes
    return {
        "file": name,
        "bytes": size,
        "crc32": crc,
        "rows": len(tier),
        "lists": tier.lists,
        "trained_on": tier.trained_on,
        "depths": probes.depths,
        "probes": probes.lists,
        "recall": probes.recall,
        "measured_k": probes.measured_k,
    }


def read_tier(folder: Path, said: dict[str, Any], codec: Codec, *, mapped: bool = False) -> Tier:
    """``mapped``: the codes stay in the file. Raises Damaged."""
    try:
        n, lists, dimension = int(said["rows"]), int(said["lists"]), codec.dimension
        probes = Probes(tuple(said["depths"]), tuple(said["probes"]), float(said["recall"]), int(said["measured_k"]))
        shapes = [("<i8", (n,)), ("<f2", (n, dimension)), ("<i8", (lists + 1,)), ("<f4", (lists, dimension))]
        arrays: list[NDArray[Any]] = []
        crc = 0
        with (folder / str(said["file"])).open("rb") as file:
            if os.fstat(file.fileno()).st_size != said["bytes"]:
                raise Damaged(f"{said['file']} is not as long as it was")
            for kind, shape in shapes:
                if mapped and kind == "<f2":
                    begin = file.tell()
                    arrays.append(np.memmap(file, kind, "r", begin, shape))
                    file.seek(begin)
                    for _ in range(0, arrays[-1].nbytes, _PIECE):
                        crc = zlib.crc32(file.read(min(_PIECE, begin + arrays[-1].nbytes - file.tell())), crc)
                    continue
                array = np.empty(shape, kind)
                if array.size:
                    raw = memoryview(array.data).cast("B")
                    if file.readinto(raw) != len(raw):
                        raise Damaged(f"{said['file']} is cut short")
                    crc = zlib.crc32(raw, crc)
                arrays.append(array)
        if crc != said["crc32"]:
            raise Damaged(f"{said['file']} is not what was written")
        ids, codes, offsets, centres = arrays
        kind_of = MappedTier if mapped else Tier
        return kind_of(codec, ids, codes, offsets, centres, probes, int(said["trained_on"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise Damaged(f"{said.get('file')} cannot be read: {error}") from error


def write_manifest(folder: Path, said: dict[str, Any]) -> None:
    words = json.dumps(said, sort_keys=True)
    aside = folder / f"{MANIFEST}.tmp"
    with aside.open("w") as file:
        file.write(f"{zlib.crc32(words.encode()):08x}\n{words}\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / MANIFEST)
    sync_folder(folder)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """None where there is none. Raises Damaged."""
    try:
        crc, words, _ = (folder / MANIFEST).read_bytes().split(b"\n", 2)
        if int(crc, 16) != zlib.crc32(words):
            raise Damaged("the manifest is not what was written")
        said: dict[str, Any] = json.loads(words)
        return said
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Damaged("the manifest cannot be read") from error
