"""Adding models: known wheels to the byte, described files, and nothing left behind of what is refused."""

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from segue.analyse import _models
from segue.errors import BadRequest, Unavailable
from segue.testing.server import run_segue, running_server

from .test_encoders import MEL, TOML, WAVE, model, saved

ROOT = Path(__file__).parent.parent.parent


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_listing_models_needs_no_numpy_and_no_onnx() -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom segue.analyse import models\n"
        "models(Path('nowhere'))\nprint([name for name in ('numpy', 'onnx', 'onnxruntime') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_what_setup_fetches_is_what_the_code_knows() -> None:
    locked = (ROOT / "locks" / "models.txt").read_text()
    assert dict(re.findall(r"(\S+==\S+) \\\n\s+--hash=sha256:(\w+)", locked)) == {
        wheel.requirement: wheel.sha256 for wheel in _models.KNOWN.values()
    }


def test_a_file_is_added_with_its_description_inside(tmp_path: Path) -> None:
    path = saved(model(None), tmp_path / "any name.onnx")
    target = tmp_path / "models"
    with pytest.raises(BadRequest, match="does not say how it is fed"):
        _models.add(str(path), target)
    path.with_suffix(".toml").write_text(TOML)
    made = _models.add(str(path), target)
    assert left(target) == ["wave.onnx"]
    builtin, *found = _models.models(target)
    assert builtin.name == "descriptor"
    added = next(each for each in found if each.path == made)
    assert (added.name, added.version, added.dimension, added.tags) == ("wave", "1", 8, 2)
    assert added.digest == hashlib.sha256(made.read_bytes()).hexdigest()
    assert _models.add(str(made), tmp_path / "again").read_bytes() == made.read_bytes()
    assert _models.in_use([builtin, added], "wave") is added
    assert _models.in_use([builtin, added], "gone") is builtin


def test_another_file_of_a_name_is_another_space(tmp_path: Path) -> None:
    spaces = set()
    for number, described in enumerate((MEL, MEL, WAVE)):
        made = model(described, batch="n" if number else "other")
        path = saved(made, tmp_path / f"{number}.onnx")
        _models.add(str(path), tmp_path / "models")
        spaces |= {each.space for each in _models.models(tmp_path / "models") if each.name in ("mel", "wave")}
    assert len(spaces) == 3


def test_what_cannot_be_used_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "models"
    whole = model(WAVE).SerializeToString()
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(whole[:-30])
    false = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(false, "w") as archive:
        archive.writestr("musicnn/MSD_musicnn/.data-00000-of-00001", b"weights")
    strange = tmp_path / "strange-1.whl"
    strange.write_bytes(false.read_bytes())
    for path in (cut, saved(model(WAVE, broken=float("nan")), tmp_path / "nan.onnx"), false, strange, tmp_path / "absent"):
        with pytest.raises(BadRequest):
            _models.add(str(path), target)
        assert left(target) == []
    target.mkdir()
    (target / "cut.onnx").write_bytes(whole[:-30])
    assert [each.path.name for each in _models.broken(target)] == ["cut.onnx"]
    assert "cut" not in {each.name for each in _models.models(target)}


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "models"
    blocked.write_text("a file, not a folder")
    with pytest.raises(Unavailable, match="cannot be written"):
        _models.add(str(saved(model(WAVE), tmp_path / "wave.onnx")), blocked)


def test_without_a_network_nothing_is_changed_and_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Unavailable, match=r"musicnn-0\.1\.0-py3-none-any\.whl elsewhere"):
        _models.add("musicnn", tmp_path / "models")
    assert left(tmp_path / "models") == []


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The musicnn wheel, as `make setup` fetched it."""
    path = Path(sys.prefix) / "model-wheels" / _models.KNOWN["musicnn"].file
    if not path.is_file():
        pytest.skip("`make setup` could not fetch the musicnn wheel")
    return path


def test_the_wheel_makes_the_same_file_each_time_and_no_other_wheel_makes_any(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "models"
    first = _models.add(str(wheel), target).read_bytes()
    assert _models.add(str(wheel), tmp_path / "second").read_bytes() == first
    [made] = [each for each in _models.models(target) if each.name == "musicnn"]
    assert (made.dimension, made.tags, made.licence) == (200, 50, "ISC")
    whole = wheel.read_bytes()
    other = tmp_path / wheel.name
    for data in (whole[:-1], whole[: len(whole) // 2], b"", whole[:1_000_000] + b"\x00" + whole[1_000_001:]):
        other.write_bytes(data)
        with pytest.raises(BadRequest, match="cut short or changed"):
            _models.add(str(other), tmp_path / "third")
        assert left(tmp_path / "third") == []


def test_the_command_line_adds_lists_and_chooses_beside_a_running_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    path = saved(model(WAVE), tmp_path / "wave.onnx")
    music = tmp_path / "music"
    music.mkdir()
    with running_server(data, music, scan=False):
        assert "wave.onnx" in run_segue("encoder", "add", str(path), "--data", str(data)).stdout
        assert '"space": "wave-1-' in run_segue("encoder", "use", "wave", "--data", str(data), "--json").stdout
        listed = run_segue("encoder", "list", "--data", str(data), "--json").stdout
    assert '"name": "wave"' in listed
    assert run_segue("encoder", "list", "--data", str(data), "--json").stdout == listed
    refused = run_segue("encoder", "use", "absent", "--data", str(data), check=False)
    assert (refused.returncode, "absent" in refused.stderr) == (1, True)
    assert run_segue("encoder", "add", "absent", "--data", str(data), check=False).returncode == 1
    assert run_segue("encoder", "add", check=False).returncode == 2
