"""Backups: whole or not there at all; put back only when there is nothing else in them."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from segue.errors import BadRequest
from segue.keeping import restore_archive
from segue.store import DataDir
from segue.testing.server import run_segue

_BACKUP = """
import os, resource, signal, sys
from pathlib import Path
from segue.parts import assemble
from segue.commands import run
from segue.config import Config
from segue.errors import Unavailable
from segue.store import DataDir

root, target, ends = sys.argv[1:]

def die(event, arguments):
    copying = event == "open" and str(arguments[0]).endswith("events.db") and "/cache/work/" in str(arguments[0])
    renaming = event == "os.rename" and str(arguments[0]).endswith(".part")
    if (ends == "copying" and copying) or (ends == "renaming" and renaming):
        os.kill(os.getpid(), signal.SIGKILL)

with DataDir(Path(root)) as data, assemble(data, Config()) as parts:
    sys.addaudithook(die)
    if ends.isdigit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(ends), resource.RLIM_INFINITY))
    try:
        run(parts, "backup", {"target": target}, lambda report: None)
    except Unavailable as error:
        sys.stderr.write(str(error))
        os._exit(1)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with one user, ``kept``."""
    directory = tmp_path_factory.mktemp("backups") / "data"
    run_segue("user", "add", "kept", "--password-stdin", "--data", str(directory), stdin="kept-password\n")
    return directory


@pytest.fixture(scope="module")
def archive(data: Path) -> Path:
    """A compressed backup of it."""
    target = data.parent / "kept.tar.gz"
    run_segue("backup", str(target), "--data", str(data))
    return target


def test_a_backup_is_compressed_unless_its_name_says_not(data: Path, archive: Path, tmp_path: Path) -> None:
    run_segue("backup", str(tmp_path), "--data", str(data))
    [dated] = tmp_path.iterdir()
    assert dated.name.endswith(".tar.gz")
    plain = tmp_path / "plain.tar"
    run_segue("backup", str(plain), "--data", str(data))
    assert archive.stat().st_size < plain.stat().st_size / 2
    for number, made in enumerate((dated, plain)):
        assert made.stat().st_mode & 0o077 == 0
        with tarfile.open(made, "r:gz" if made is dated else "r:") as members:
            assert {"segue.db", "events.db", "secret.key", "manifest.json"} <= set(members.getnames())
        other = tmp_path / f"other-{number}"
        run_segue("restore", str(made), "--data", str(other))
        assert "kept" in run_segue("user", "list", "--data", str(other)).stdout


def hostile(archive: Path, target: Path, **member: object) -> Path:
    """The archive with one member more, before the others."""
    with tarfile.open(archive) as good, tarfile.open(target, "w:gz") as out:
        info = tarfile.TarInfo()
        for name, value in member.items():
            setattr(info, name, value)
        out.addfile(info, io.BytesIO(b"x" * info.size))
        for one in good:
            out.addfile(one, good.extractfile(one))
    return target


@pytest.mark.parametrize(
    "member",
    [
        {"name": "/tmp/segue-hostile", "size": 1},
        {"name": "../segue.toml", "size": 1},
        {"name": "x/../../segue.db", "size": 1},
        {"name": "surprise", "size": 1},
        {"name": "segue.toml", "type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"name": "segue.db", "type": tarfile.LNKTYPE, "linkname": "/etc/passwd"},
        {"name": "secret.key", "type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5},
        {"name": "segue.toml", "type": tarfile.FIFOTYPE},
        {"name": "segue.db", "type": tarfile.DIRTYPE},
    ],
    ids=lambda member: f"{member['name']}-{member.get('type', b'0').decode()}",
)
def test_hostile_members_are_refused(archive: Path, tmp_path: Path, member: dict[str, object]) -> None:
    root = tmp_path / "data"
    with pytest.raises(BadRequest, match="Nothing was changed"):
        restore_archive(DataDir(root), hostile(archive, tmp_path / "hostile.tar.gz", **member))
    assert {file.name for file in root.iterdir()} <= {"cache", "backups", "lock"}
    assert {file.name for file in tmp_path.iterdir()} == {"data", "hostile.tar.gz"}
    assert not Path("/tmp/segue-hostile").exists()


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.999])
def test_half_an_archive_changes_nothing(archive: Path, data: Path, tmp_path: Path, share: float) -> None:
    content = archive.read_bytes()
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(content[: int(len(content) * share)])
    before = (data / "segue.db").read_bytes()
    with pytest.raises(BadRequest):
        restore_archive(DataDir(data), cut)
    assert (data / "segue.db").read_bytes() == before
    garbage = tmp_path / "garbage.tar.gz"
    garbage.write_bytes(b"\x1f\x8b\x08" + content[::-1])
    with pytest.raises(BadRequest):
        restore_archive(DataDir(data), garbage)


@pytest.mark.parametrize("ends", ["copying", "renaming", "4096", "20000"])
def test_a_backup_that_does_not_end_leaves_the_older(archive: Path, data: Path, tmp_path: Path, ends: str) -> None:
    older = tmp_path / "older.tar.gz"
    older.write_bytes(archive.read_bytes())
    target = tmp_path / "new.tar.gz"
    done = subprocess.run(
        [sys.executable, "-c", _BACKUP, str(data), str(target), ends], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == (1 if ends.isdigit() else -9), done.stderr
    assert not target.exists()
    assert older.read_bytes() == archive.read_bytes()
    if ends.isdigit():
        assert "could not be written" in done.stderr
        assert not list(tmp_path.glob("*.part"))
    run_segue("backup", str(target), "--data", str(data))  # whatever was left is in nobody's way
    assert not list((data / "cache" / "work").iterdir())
    other = tmp_path / "other"
    restore_archive(DataDir(other), target)
    assert "kept" in run_segue("user", "list", "--data", str(other)).stdout
