"""Listening histories that other services exported, read as a stream of past plays.

Nothing is kept, looked up or written here. An entry that cannot be read is told of in its place and the rest goes on; entries that are
identical have one ``entry_id`` and may come more than once, as exports overlap. What is left out is described in ``docs/import.md``.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from segue.errors import BadRequest
from segue.imports import _lastfm, _listenbrainz, _spotify
from segue.imports._choose import SERVICES, Service, choose, head_of, is_table, recognise
from segue.imports._clean import Unfit, mended_json
from segue.imports._source import Fault, Part, Source
from segue.imports._split import objects
from segue.model import PastPlay, Record

__all__ = ["Service", "Unreadable", "detect", "read_export"]


class Unreadable(Record, frozen=True, kw_only=True):
    """An entry, or the rest of a file, of which no play could be made."""

    where: str
    """The file's name, shortened, and the number of the entry or row in it, from 1."""
    why: str


Progress = Callable[[int, int], None]


def read_export(
    service: Literal["spotify", "listenbrainz", "lastfm"], path: Path, progress: Progress | None = None
) -> Iterator[PastPlay | Unreadable]:
    """Each play of the export at ``path`` (a file, folder or zip), in the order of its files. ``progress`` is told bytes read and in all.

    Raises BadRequest, at once, where the whole is not an export of this service or cannot be opened.
    """
    if service not in SERVICES:
        raise BadRequest(f"There is no import from {str(service)[:40]!r}. Choose one of {', '.join(SERVICES)}.")
    with Source(path) as source:
        choose(source, service)
    return _read(service, path, progress or (lambda done, total: None))


def detect(path: Path) -> Service:
    """Which service's export this is, by the names and first bytes of its files. Raises BadRequest where it is none that is known."""
    with Source(path) as source:
        return recognise(source)


def _read(service: Service, path: Path, progress: Progress) -> Iterator[PastPlay | Unreadable]:
    done = 0

    def told(n: int) -> None:
        nonlocal done
        done += n
        progress(min(done, total), total)

    with Source(path) as source:
        parts, left_out = choose(source, service)
        total = sum(part.size for part in parts)
        progress(0, total)
        for part in parts:
            n = 0
            try:
                for n, found in enumerate(_entries(service, source, part, told), 1):
                    if isinstance(found, str):
                        yield Unreadable(where=f"{part.shown}, entry {n}", why=found)
                    elif found is not None:
                        yield found
            except Fault as fault:
                yield Unreadable(where=f"{part.shown}, after entry {n}" if n else part.shown, why=str(fault))
            if not part.size:
                yield Unreadable(where=part.shown, why="The file is empty.")
        for part in left_out:
            yield Unreadable(where=part.shown, why="Left out: the extended history beside it tells of the same plays.")
        progress(total, total)


def _entries(service: Service, source: Source, part: Part, told: Callable[[int], None]) -> Iterator[PastPlay | str | None]:
    chunks = source.chunks(part, told)
    if service == "spotify":
        video = "video" in part.file_name.lower()
        return _decoded(objects(chunks), lambda element: _spotify.read(element, video))
    if service == "listenbrainz":
        return _decoded(objects(chunks, _listenbrainz.KEYS), _listenbrainz.read)
    if is_table(head_of(source, part)):
        return _lastfm.rows(chunks)
    return _decoded(objects(chunks, _lastfm.KEYS), _lastfm.read)


def _decoded(elements: Iterable[bytes | str], read: Callable[[bytes], PastPlay | None]) -> Iterator[PastPlay | str | None]:
    for element in elements:
        yield element if isinstance(element, str) else _attempt(element, read)


def _attempt(element: bytes, read: Callable[[bytes], PastPlay | None]) -> PastPlay | str | None:
    for mend in (False, True):
        try:
            return read(mended_json(element) if mend else element)
        except Unfit as unfit:
            return str(unfit)
        except msgspec.ValidationError as error:
            return f"A field is missing or of another kind than expected: {error}."
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        except RecursionError:
            break
    return "This entry is not sound JSON."
