"""Where an export's bytes come from: a file, a folder or a zip, read one part at a time and never unpacked to disk."""

import codecs
import io
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

from segue.errors import BadRequest
from segue.model import Record

CHUNK = 256 << 10
MAX_PARTS = 20_000
MAX_BYTES = 8 << 30
"""Of all parts of a zip that are read, unpacked."""
_MAX_RATIO = 200
_RATIO_FROM = 10 << 20
_MAX_READ = 4 << 20
"""Bytes of a zip's directory: ``zipfile`` takes it into memory whole."""
_SEPARATOR = re.compile(r"[\\/]")


class Fault(Exception):
    """A part that could not be read to its end. The message is for the listener."""


class Part(Record, frozen=True, kw_only=True):
    """One file of the export. ``name`` is as the export has it: never a path to open."""

    name: str
    size: int
    packed: int
    encrypted: bool
    place: Path | zipfile.ZipInfo

    @property
    def file_name(self) -> str:
        return _SEPARATOR.split(self.name)[-1]

    @property
    def shown(self) -> str:
        """The file's name, fit for a screen: printable, at most 80 characters."""
        name = self.file_name
        name = name if len(name) <= 80 else f"{name[:40]}…{name[-39:]}"
        return "".join(c if c.isprintable() else "\ufffd" for c in name)


class _Careful(io.BufferedReader):
    """Refuses to take in at once what only a hostile zip would ask for."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_READ:
            raise BadRequest(f"This zip holds too many files (more than {MAX_PARTS}). Choose the export's own zip.")
        return super().read(size)


class Source:
    """An export that is open: its ``parts`` and their bytes. Raises BadRequest for a path that cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip: zipfile.ZipFile | None = None
        self._file: IO[bytes] | None = None
        self.parts: tuple[Part, ...] = ()
        self.single = False
        """Whether the path is one plain file."""

    def __enter__(self) -> "Source":
        try:
            if self._path.is_dir():
                self.parts = tuple(_walk(self._path))
            elif not self._path.is_file():
                raise BadRequest("There is no such file or folder. Give the path of the export.")
            elif self._is_zip():
                self.parts = tuple(self._members())
            else:
                size = self._path.stat().st_size
                self.parts = (Part(name=self._path.name, size=size, packed=size, encrypted=False, place=self._path),)
                self.single = True
        except OSError as error:
            self.__exit__(None, None, None)
            raise BadRequest(f"The export cannot be opened: {error.strerror or 'unreadable'}.") from None
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._zip is not None:
            self._zip.close()
        if self._file is not None:
            self._file.close()

    def chunks(self, part: Part, told: Callable[[int], None]) -> Iterator[bytes]:
        """The part's bytes as UTF-8 (a byte order mark is heeded), ``told`` how many were read. Raises Fault where it breaks off."""
        return _utf8(_told(self._pieces(part), told))

    def _pieces(self, part: Part) -> Iterator[bytes]:
        try:
            with self._open(part) as file:
                while piece := file.read(CHUNK):
                    yield piece
        except OSError as error:
            raise Fault(f"The file cannot be read: {error.strerror or 'unreadable'}.") from None
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError):
            raise Fault("The file is damaged from here on. Download the export again.") from None

    def _open(self, part: Part) -> IO[bytes]:
        if isinstance(part.place, Path):
            return part.place.open("rb")
        if part.encrypted:
            raise Fault("The file is protected by a password. Unpack the zip yourself and choose the folder.")
        if part.place.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or self._zip is None:
            raise Fault("The file is packed in a way that is not read here. Unpack the zip yourself and choose the folder.")
        return self._zip.open(part.place)

    def _is_zip(self) -> bool:
        with self._path.open("rb") as file:
            return file.read(4) in (b"PK\3\4", b"PK\5\6")

    def _members(self) -> Iterator[Part]:
        self._file = _Careful(io.FileIO(self._path))
        try:
            self._zip = zipfile.ZipFile(self._file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError):
            raise BadRequest("This zip is damaged or was not downloaded to its end. Download the export again.") from None
        members = self._zip.infolist()
        if len(members) > MAX_PARTS:
            raise BadRequest(f"This zip holds {len(members)} files, more than {MAX_PARTS}. Choose the export's own zip.")
        for member in members:
            if not member.is_dir():
                encrypted = bool(member.flag_bits & 1)
                yield Part(name=member.filename, size=member.file_size, packed=member.compress_size, encrypted=encrypted, place=member)


def check(parts: tuple[Part, ...]) -> None:
    """Raises BadRequest where these parts of a zip would unpack to more than any export holds."""
    packed = [part for part in parts if isinstance(part.place, zipfile.ZipInfo)]
    for part in packed:
        if part.size > _RATIO_FROM and part.size > _MAX_RATIO * part.packed:
            raise BadRequest(f"{part.shown} in this zip unpacks to over {_MAX_RATIO} times its size, which no export does. It is not read.")
    if sum(part.size for part in packed) > MAX_BYTES:
        raise BadRequest(f"This zip unpacks to more than {MAX_BYTES >> 30} GiB. Unpack it yourself and choose the folder.")


def _walk(root: Path) -> Iterator[Part]:
    seen = 0
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            seen += 1
            if seen > MAX_PARTS:
                raise BadRequest(f"This folder holds more than {MAX_PARTS} files. Choose the folder of the export alone.")
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                continue
            size = path.stat().st_size
            yield Part(name=path.relative_to(root).as_posix(), size=size, packed=size, encrypted=False, place=path)


def _told(pieces: Iterator[bytes], told: Callable[[int], None]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        told(len(piece))


def _utf8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"")
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
        yield decoder.decode(first).encode()
        for piece in pieces:
            yield decoder.decode(piece).encode()
        yield decoder.decode(b"", True).encode()
    else:
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from pieces
