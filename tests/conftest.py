"""What every test may use: the demo library (made once), the shared material (or a skip), a data directory, a free port."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.testing.server import RunningServer, running_server

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real music and protocol specifications, beside the repository or where ``SEGUE_SHARED`` says; skips where absent."""
    path = Path(os.environ.get("SEGUE_SHARED", ROOT.parent / "shared"))
    if not (path / "specs").is_dir():
        pytest.skip(f"no shared material at {path} (set SEGUE_SHARED)")
    return path


@pytest.fixture(scope="session")
def demo_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo library, synthesised once per machine (about half a minute), then reused. Treat as read-only: copy to change.

    Kept under a name made of the code that makes it, so that checkouts of different ages on one machine do not meet.
    """
    import segue.demo

    code = hashlib.sha256()
    for path in sorted(Path(segue.demo.__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    cache = Path(os.environ.get("SEGUE_TEST_CACHE", Path.home() / ".cache" / "segue-tests"))
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"demo-{code.hexdigest()[:12]}"
    with (cache / f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        segue.demo.make_demo_library(target, seed=1)
    return target


@pytest.fixture(scope="session")
def server(demo_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One real server over the demo library for all read-mostly tests. Admin ``admin``, password ``admin-password``."""
    with running_server(tmp_path_factory.mktemp("server") / "data", demo_library) as running:
        yield running
