"""Files that say they hold sound, and hold none: an error, and not an empty answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from segue.testing.server import RunningServer, running_server
from segue.testing.tones import tone

from .listening import client, ffmpeg, tracks

FORMATS = ("opus", "mp3", "aac", "flac")


def _ogg_headers(data: bytes) -> bytes:
    """The pages before the first that ends a packet of sound (RFC 3533, section 6: the position says so)."""
    at = 0
    while int.from_bytes(data[at + 6 : at + 14], "little") == 0:
        segments = data[at + 26]
        at += 27 + segments + sum(data[at + 27 : at + 27 + segments])
    return data[:at]


def _flac_headers(data: bytes) -> bytes:
    at, last = 4, False
    while not last:
        last = bool(data[at] & 0x80)
        at += 4 + int.from_bytes(data[at + 1 : at + 4])
    return data[:at]


def _mp3_xing_frame(path: Path) -> bytes:
    """The first frame, which says how many follow: up to the sync word of the second."""
    ffmpeg("-f", "lavfi", "-i", "sine=duration=2", "-c:a", "libmp3lame", "-b:a", "64k", "-id3v2_version", "0", str(path))
    data = path.read_bytes()
    return data[: data.index(data[:2], 4)]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    work = tmp_path_factory.mktemp("silent")
    music = work / "music"
    music.mkdir()
    flac, wav = _flac_headers(tone("flac", seconds=2)), tone("wav", seconds=2)
    (music / "headers.flac").write_bytes(flac)
    (music / "headers of no length.flac").write_bytes(flac[:21] + bytes([flac[21] & 0xF0, 0, 0, 0, 0]) + flac[26:])
    (music / "headers.wav").write_bytes(wav[: wav.index(b"data") + 8])
    (music / "headers of no length.wav").write_bytes(wav[: wav.index(b"data") + 4] + bytes(4))
    (music / "headers.mp3").write_bytes(_mp3_xing_frame(work / "two seconds.mp3"))
    (music / "headers.ogg").write_bytes(_ogg_headers(tone("ogg", seconds=2)))
    (music / "headers.opus").write_bytes(_ogg_headers(tone("opus", seconds=2)))
    ffmpeg("-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac", "-movflags", "faststart", str(work / "whole.m4a"))
    whole = (work / "whole.m4a").read_bytes()
    (music / "headers.m4a").write_bytes(whole[: whole.index(b"mdat") + 4])
    for format in ("flac", "mp3", "wav", "ogg"):
        (music / f"emptied.{format}").write_bytes(tone(format, hz=660, seconds=2))
    (work / "data").mkdir()
    (work / "data" / "segue.toml").write_text("watch = false\n")
    with running_server(work / "data", music) as server:
        for path in music.glob("emptied.*"):
            path.write_bytes(b"")
        yield server


@pytest.fixture(scope="module")
def http(own: RunningServer) -> httpx.Client:
    return client(own)


@pytest.fixture(scope="module")
def found(http: httpx.Client) -> dict[str, dict[str, Any]]:
    return tracks(http)


@pytest.mark.parametrize("format", FORMATS)
def test_no_sound_is_an_error(own: RunningServer, http: httpx.Client, found: dict[str, dict[str, Any]], format: str) -> None:
    assert {path for path, track in found.items() if track["duration_ms"] == 0} >= {"headers.ogg", "headers of no length.wav"}
    assert sum(path.startswith("headers") and track["duration_ms"] > 1000 for path, track in found.items()) >= 4
    for path, track in found.items():
        for start_ms in (0, 1000):
            answer = http.get(f"/api/tracks/{track['id']}/stream?format={format}&start_ms={start_ms}")
            assert answer.status_code == 422, f"{path} from {start_ms} ms: {answer.status_code}, {len(answer.content)} bytes"
            assert answer.json()["error"]["code"] == "media_failed"


def test_no_sound_is_an_error_for_opensubsonic_clients(own: RunningServer, found: dict[str, dict[str, Any]]) -> None:
    who = {"u": "admin", "p": own.token(name="opensubsonic"), "v": "1.16.1", "c": "tests", "f": "json"}
    for path, track in found.items():
        for format in FORMATS:
            if format == track["codec"]:
                continue  # the file as it is
            answer = httpx.get(f"{own.url}/rest/stream", params={**who, "id": track["id"], "format": format}, timeout=60)
            assert answer.headers["content-type"].startswith("application/json"), f"{path} as {format}"
            inside = answer.json()["subsonic-response"]
            assert (inside["status"], inside["error"]["code"]) == ("failed", 0)
            assert "cannot be decoded" in inside["error"]["message"]
