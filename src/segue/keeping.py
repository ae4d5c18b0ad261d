"""Putting a backup back: checked whole before anything is touched, and what was there is moved aside."""

import sqlite3
import tarfile
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

from segue.errors import BadRequest
from segue.store import DataDir

_FILES = ("segue.db", "events.db", "secret.key", "segue.toml")
_CHUNK = 1 << 20
_LARGEST = 1 << 40
"""Bytes of one member: beyond any real library; a guess."""


def restore_archive(data: DataDir, archive: Path) -> dict[str, Any]:
    """Replace what the data directory holds by ``archive``.

    Raises :class:`~segue.errors.BadRequest` when it is not a whole backup, :class:`~segue.errors.DataDirInUse` while a server runs.
    """
    with data, tempfile.TemporaryDirectory(dir=data.root, prefix="restore-") as work:
        found = _unpack(archive, Path(work))
        previous = data.backups / f"before-restore-{time.strftime('%Y%m%dT%H%M%S')}"
        previous.mkdir()
        for name in (*_FILES, "segue.db-wal", "segue.db-shm", "events.db-wal", "events.db-shm", "search"):
            if (data.root / name).exists():
                (data.root / name).rename(previous / name)
        for file in found:
            file.rename(data.root / file.name)
            (data.root / file.name).chmod(0o600)
    return {"files": [file.name for file in found], "previous": str(previous)}


def _is_gzip(archive: Path) -> bool:
    with archive.open("rb") as opened:
        return opened.read(2) == b"\x1f\x8b"


def _unpack(archive: Path, work: Path) -> list[Path]:
    try:
        with tarfile.open(archive, "r:gz" if _is_gzip(archive) else "r:") as members:
            for member in members:
                if member.name not in (*_FILES, "manifest.json") or not member.isreg() or member.size > _LARGEST:
                    raise BadRequest(f"{archive} is not a backup of Segue: it holds {member.name!r}. Nothing was changed.")
                if member.name in _FILES:
                    members.extract(member, work, filter="data")
            while members.fileobj and members.fileobj.read(_CHUNK):  # to the end, where gzip keeps its checksum
                pass
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise BadRequest(f"{archive} is not a backup of Segue, or is cut short: {error}") from error
    found = [work / name for name in _FILES if (work / name).exists()]
    if not {"segue.db", "events.db"} <= {file.name for file in found}:
        raise BadRequest(f"{archive} is not a backup of Segue: it lacks segue.db or events.db.")
    for file in found[:2]:
        try:
            connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
            with connection:
                verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            connection.close()
        except sqlite3.DatabaseError as error:
            verdict = str(error)
        if verdict != "ok":
            raise BadRequest(f"{archive}: {file.name} in it is damaged ({verdict}). Nothing was changed.")
    return found
