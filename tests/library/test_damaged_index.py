"""A search index whose files were damaged: no query fails, and it is made again from the database."""

import random
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from segue.library import Search
from segue.types import TrackId

from .conftest import Invented

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "garbage": lambda content: random.Random(1).randbytes(len(content)),
    "zeros inside": lambda content: content[: len(content) // 3] + bytes(len(content) // 3) + content[len(content) // 3 * 2 :],
}
FILES = ("meta.json", "*.store", "*.term", "*.idx", "*.pos")


@pytest.fixture(scope="module")
def sound(invented: Invented, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole index over the invented catalogue, at rest."""
    directory = tmp_path_factory.mktemp("sound")
    search = Search(directory, invented.db)
    until_ready(search)
    search.close()
    return directory


def until_ready(search: Search) -> None:
    for _ in range(600):
        if search.ready:
            return
        time.sleep(0.05)
    raise AssertionError("the index is not made again")


def found(search: Search, invented: Invented, text: str) -> list[TrackId]:
    return [track.id for track in search.query(invented.me, text).tracks]


def heal(directory: Path, invented: Invented, texts: Sequence[str], expected: Sequence[Sequence[TrackId]]) -> None:
    """Open it: every query is answered at once, and as before once the index is made again."""
    search = Search(directory, invented.db)
    try:
        for text in texts:
            search.query(invented.me, text)
        search.update(invented.filled.tracks[:5])
        for _ in range(600):
            until_ready(search)
            if [found(search, invented, text) for text in texts] == expected:
                break
            time.sleep(0.05)
        assert [found(search, invented, text) for text in texts] == expected
        assert len(list(directory.glob("v*-*"))) <= 2
    finally:
        search.close()


@pytest.mark.parametrize("how", ["gone", *DAMAGE])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_index_is_made_again(invented: Invented, sound: Path, tmp_path: Path, name: str, how: str) -> None:
    tracks = invented.catalogue.tracks_page(invented.me, limit=5).items
    texts = [track.title for track in tracks]
    expected = [found(invented.search, invented, text) for text in texts]
    assert any(expected)
    directory = tmp_path / "search"
    shutil.copytree(sound, directory)
    [place] = directory.glob("v*-*")
    files = list(place.glob(name))
    assert files
    for file in files:
        if how == "gone":
            file.unlink()
        else:
            file.write_bytes(DAMAGE[how](file.read_bytes()))
    heal(directory, invented, texts, expected)


def test_a_whole_index_is_kept(invented: Invented, sound: Path, tmp_path: Path) -> None:
    directory = tmp_path / "search"
    shutil.copytree(sound, directory)
    marker = (directory / "current").read_text()
    for _ in range(3):
        search = Search(directory, invented.db)
        assert search.ready
        search.update(invented.filled.tracks[:5])
        for thread in threading.enumerate():
            if thread.name == "search-rebuild":
                thread.join()  # the look at its files
        search.close()
        assert (directory / "current").read_text() == marker


def test_an_index_damaged_while_it_is_open_is_made_again(invented: Invented, sound: Path, tmp_path: Path) -> None:
    directory = tmp_path / "search"
    shutil.copytree(sound, directory)
    search = Search(directory, invented.db)
    try:
        until_ready(search)
        [place] = directory.glob("v*-*")
        shutil.rmtree(place)
        search.update(invented.filled.tracks)
        until_ready(search)
        assert not place.exists()
        title = invented.catalogue.tracks_page(invented.me, limit=1).items[0].title
        for _ in range(600):
            if found(search, invented, title) == found(invented.search, invented, title):
                break
            time.sleep(0.05)
        assert found(search, invented, title) == found(invented.search, invented, title)
    finally:
        search.close()
