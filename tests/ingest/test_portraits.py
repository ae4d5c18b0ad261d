"""Pictures of artists: in the folder above their releases.

music/
  Anna/            artist.jpg
    First/         one.mp3  cover.png
    Second/CD 1/   two.mp3
  Benny/           (nothing) Only/three.mp3
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from segue.errors import NotFound
from segue.library import Libraries
from segue.model import Artist, Listener
from segue.testing.libraries import Scanned, library_over
from segue.testing.server import running_server
from segue.testing.tones import id3, tone
from segue.types import base62


def png(shade: int) -> bytes:
    """Sixteen by sixteen points of one grey."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes([shade]) * 16 for _ in range(16))
    head = struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def art(data: bytes) -> str:
    return base62(int.from_bytes(hashlib.blake2b(data, digest_size=16).digest(), "big"))


COVER, FACE, OTHER_FACE = png(10), png(100), png(200)


def add(path: Path, artist: str, release: str, hz: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(id3([("TIT2", path.stem), ("TPE1", artist), ("TPE2", artist), ("TALB", release)]) + tone("mp3", hz))


@pytest.fixture
def music(tmp_path: Path) -> Path:
    root = tmp_path / "music"
    add(root / "Anna" / "First" / "one.mp3", "Anna", "First", 300)
    add(root / "Anna" / "Second" / "CD 1" / "two.mp3", "Anna", "Second", 400)
    add(root / "Benny" / "Only" / "three.mp3", "Benny", "Only", 500)
    (root / "Anna" / "First" / "cover.png").write_bytes(COVER)
    (root / "Anna" / "artist.png").write_bytes(FACE)
    return root


@pytest.fixture
def scanned(music: Path, tmp_path: Path) -> Iterator[Scanned]:
    with library_over(music, tmp_path / "data") as library:
        library.scan()
        yield library


def artist(library: Scanned, name: str) -> Artist:
    found = library.catalogue.artist_named(library.me, name)
    assert found
    return found


def test_an_artist_has_the_picture_above_their_releases(scanned: Scanned, music: Path) -> None:
    assert artist(scanned, "Anna").art == art(FACE)
    assert artist(scanned, "Benny").art is None
    tracks = scanned.tracks()
    assert {scanned.catalogue.release(scanned.me, track.release_id).art for track in tracks.values()} == {art(COVER), None}
    for id in (art(FACE), artist(scanned, "Anna").id):
        assert scanned.catalogue.art(scanned.me, id).path == music / "Anna" / "artist.png"


def test_it_changes_with_the_file_and_goes_with_it(scanned: Scanned, music: Path) -> None:
    (music / "Anna" / "artist.png").write_bytes(OTHER_FACE)
    scanned.scan()
    assert artist(scanned, "Anna").art == art(OTHER_FACE)
    (music / "Anna" / "artist.png").rename(music / "Anna" / "artist.jpg")
    scanned.scan()
    assert scanned.catalogue.art(scanned.me, artist(scanned, "Anna").id).path == music / "Anna" / "artist.jpg"
    (music / "Anna" / "artist.jpg").unlink()
    scanned.scan()
    assert artist(scanned, "Anna").art == art(COVER), "a release's picture stands in"
    (music / "Benny" / "artist.png").write_bytes(FACE)
    scanned.scan()
    assert artist(scanned, "Benny").art == art(FACE)


def test_whom_it_is_not_given(scanned: Scanned, music: Path) -> None:
    """Not to all of a library for a picture in its own folder, nor to a guest on someone's release."""
    (music / "artist.png").write_bytes(OTHER_FACE)
    add(music / "Loose" / "four.mp3", "Cleo", "Loose", 600)
    add(music / "Anna" / "Third" / "five.mp3", "Anna; Dora", "Third", 700)
    scanned.scan()
    assert artist(scanned, "Cleo").art is None
    assert artist(scanned, "Dora").art is None
    assert artist(scanned, "Anna").art == art(FACE)


def test_a_picture_that_is_none_is_told_of(scanned: Scanned, music: Path) -> None:
    wrong = [music / "Benny" / "Only" / "cover.jpg", music / "Benny" / "artist.jpg"]
    for path in wrong:
        path.write_bytes(b"no picture")
    report = scanned.scan()
    assert {(finding.path, finding.kind) for finding in report.findings} == {(str(path), "bad_picture") for path in wrong}
    assert artist(scanned, "Benny").art is None
    assert scanned.scan().findings == report.findings
    wrong[0].unlink()
    wrong[1].write_bytes(FACE)
    assert scanned.scan().findings == ()
    assert artist(scanned, "Benny").art == art(FACE)


def test_grants_hold_for_it(scanned: Scanned, tmp_path: Path) -> None:
    """The same artist in another library shows nothing of the first to a listener of the second."""
    other = tmp_path / "other"
    add(other / "Anna" / "Fourth" / "six.mp3", "Anna", "Fourth", 800)
    library = Libraries(scanned.db).add(other)
    scanned.scan()
    both = Listener(user=scanned.me.user, libraries=frozenset({scanned.library.id, library.id}))
    second = Listener(user=scanned.me.user, libraries=frozenset({library.id}))
    seen = scanned.catalogue.artist_named(second, "Anna")
    assert seen
    assert seen.art is None
    for id in (seen.id, art(FACE)):
        with pytest.raises(NotFound):
            scanned.catalogue.art(second, id)
    assert scanned.catalogue.artist(both, seen.id).art == art(FACE)


def test_a_server_gives_it(music: Path, tmp_path: Path) -> None:
    with running_server(tmp_path / "data", music) as server:
        http = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token()}"}, timeout=60)
        anna = next(one for one in http.get("/api/artists?limit=50").json()["items"] if one["name"] == "Anna")
        assert anna["art"] == art(FACE)
        answer = http.get(f"/api/art/{anna['art']}?size=64")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("image/")
