"""What a request may ask besides the bytes: conditions, names, starts; and pictures that are none, or of another depth."""

import io
import struct
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from PIL import Image, ImageStat

from segue.testing.server import RunningServer, running_server
from segue.testing.tones import tone

from .listening import client, tracks

NAME = 'a "quoted" one; filename=b\r\nSet-Cookie: x=y \\ ü 音\u202e.flac'


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    music = tmp_path_factory.mktemp("conditions") / "music"
    for number, folder in enumerate(("plain", "broken", "grey")):
        (music / folder).mkdir(parents=True)
        (music / folder / "one.flac").write_bytes(tone("flac", hz=300 + number, seconds=2))
    (music / NAME).write_bytes(tone("flac", hz=500))
    (music / "broken" / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
    Image.frombytes("I;16", (64, 64), struct.pack("<H", 32768) * 64 * 64).save(music / "grey" / "cover.png")
    return music


@pytest.fixture(scope="module")
def own(music: Path) -> Iterator[RunningServer]:
    data = music.parent / "data"
    data.mkdir()
    (data / "segue.toml").write_text("watch = false\n")
    with running_server(data, music) as server:
        yield server


@pytest.fixture(scope="module")
def http(own: RunningServer) -> httpx.Client:
    return client(own)


@pytest.fixture(scope="module")
def found(http: httpx.Client) -> dict[str, dict[str, Any]]:
    return tracks(http)


def test_what_changed_meanwhile_is_412(http: httpx.Client, music: Path, found: dict[str, dict[str, Any]]) -> None:
    url = f"/api/tracks/{found['plain/one.flac']['id']}/stream"
    etag = http.head(url).headers["etag"]
    modified_s = (music / "plain" / "one.flac").stat().st_mtime
    before, after = formatdate(modified_s - 60, usegmt=True), formatdate(modified_s + 60, usegmt=True)
    for headers, status in (
        ({"If-Match": '"stale"'}, 412),
        ({"If-Match": f'"stale", {etag}'}, 200),
        ({"If-Match": f"W/{etag}"}, 412),  # strong comparison
        ({"If-Match": "*"}, 200),
        ({"If-Match": etag, "Range": "bytes=0-3"}, 206),
        ({"If-Match": '"stale"', "Range": "bytes=0-3"}, 412),
        ({"If-Unmodified-Since": before}, 412),
        ({"If-Unmodified-Since": after}, 200),
        ({"If-Unmodified-Since": "no date"}, 200),
        ({"If-Match": etag, "If-Unmodified-Since": before}, 200),  # the date counts only without tags
        ({"If-Match": '"stale"', "If-None-Match": etag}, 412),  # asked first
        ({"If-Match": etag, "If-None-Match": etag}, 304),
    ):
        answer = http.get(url, headers=headers)
        assert answer.status_code == status, headers
        if status in {304, 412}:
            assert (answer.content, answer.headers["etag"]) == (b"", etag)


def test_a_start_beyond_the_end_is_told_so(own: RunningServer, http: httpx.Client, found: dict[str, dict[str, Any]]) -> None:
    id = found["plain/one.flac"]["id"]
    for start_ms in (2_000, 2_001, 3_600_000):
        answer = http.get(f"/api/tracks/{id}/stream?format=opus&start_ms={start_ms}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
        assert "2000 ms" in answer.json()["error"]["message"]
    assert http.get(f"/api/tracks/{id}/stream?format=opus&start_ms=1900").status_code == 200
    who = {"u": "admin", "p": own.token(name="opensubsonic"), "v": "1.16.1", "c": "tests", "f": "json"}
    answer = httpx.get(f"{own.url}/rest/stream", params={**who, "id": id, "timeOffset": 5}, timeout=60)
    assert answer.json()["subsonic-response"]["status"] == "failed"


def test_no_file_name_says_more_than_a_name(http: httpx.Client, found: dict[str, dict[str, Any]]) -> None:
    answer = http.get(f"/api/tracks/{found[NAME]['id']}/file")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    [said] = answer.headers.get_list("content-disposition")
    plain, _, extended = said.removeprefix('attachment; filename="').partition("\"; filename*=UTF-8''")
    assert said.isascii()
    assert not set(plain) & set('"\\;\r\n')
    assert plain.endswith(".flac")
    assert not set(extended) & set("\"\\; \r\n'")
    assert unquote(extended) == NAME


def test_a_picture_that_cannot_be_decoded_is_an_error_and_not_tried_again_at_once(
    http: httpx.Client, music: Path, found: dict[str, dict[str, Any]]
) -> None:
    url = f"/api/art/{found['broken/one.flac']['art']}"
    first = http.get(url)
    assert (first.status_code, first.json()["error"]["code"]) == (422, "media_failed")
    assert "cannot be decoded" in first.json()["error"]["message"]
    (music / "broken" / "cover.jpg").unlink()  # who looks again does not find it
    for size in ("", "?size=64"):
        again = http.get(url + size)
        assert (again.status_code, again.json()) == (422, first.json())


def test_sixteen_bits_of_mid_grey_are_mid_grey(http: httpx.Client, found: dict[str, dict[str, Any]]) -> None:
    answer = http.get(f"/api/art/{found['grey/one.flac']['art']}?size=64")
    assert answer.headers["content-type"] == "image/jpeg"
    [mean] = ImageStat.Stat(Image.open(io.BytesIO(answer.content)).convert("L")).mean
    assert abs(mean - 128) < 10
