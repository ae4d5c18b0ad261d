"""Sound over HTTP, from a real server: ranges, conditions, transcodes, pictures."""

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.serve.media import UNSATISFIABLE, WHOLE, _disposition, parse_range
from segue.testing.server import RunningServer


@pytest.fixture(scope="module")
def http(server: RunningServer) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token(name='streams')}"}, timeout=60)


@pytest.fixture(scope="module")
def track(http: httpx.Client) -> dict[str, Any]:
    return next(one for one in http.get("/api/tracks?limit=200").json()["items"] if one["suffix"] == "flac" and one["duration_ms"] > 10_000)


@pytest.fixture(scope="module")
def content(demo_library: Path, track: dict[str, Any]) -> bytes:
    return (demo_library / track["path"]).read_bytes()


def samples(data: bytes) -> int:
    """Samples at 48 kHz that FFmpeg decodes."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-nostdin",
        "-loglevel",
        "error",
        "-i",
        "pipe:0",
        "-f",
        "s16le",
        "-ac",
        "1",
        "-ar",
        "48000",
        "pipe:1",
    ]
    return len(subprocess.run(command, input=data, capture_output=True, check=True, timeout=60).stdout) // 2


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_a_slice(size: int, first: int, last: int) -> None:
    body = bytes(range(size))
    found = parse_range(f"bytes={first}-{last}", size)
    if first > last:
        assert found == WHOLE
    elif first >= size:
        assert found == UNSATISFIABLE
    else:
        assert not isinstance(found, str)
        assert body[slice(*found)] == body[first : last + 1]
    tail = parse_range(f"bytes=-{last}", size)
    assert tail == UNSATISFIABLE if not last or not size else body[slice(*tail)] == body[-last:]  # type: ignore[misc]


@given(st.text(max_size=40))
def test_any_range_header_is_answered(header: str) -> None:
    found = parse_range(header, 100)
    assert found in {WHOLE, UNSATISFIABLE} or 0 <= found[0] < found[1] <= 100  # type: ignore[operator]


@given(st.text(max_size=80))
def test_no_name_ends_a_header(name: str) -> None:
    written = _disposition(name)
    assert written.isascii()
    assert not set(written) & set("\r\n\0")


def test_ranges_conditions_and_heads(http: httpx.Client, track: dict[str, Any], content: bytes) -> None:
    url = f"/api/tracks/{track['id']}/stream"
    whole = http.get(url)
    assert whole.content == content
    assert (whole.headers["accept-ranges"], whole.headers["content-type"]) == ("bytes", "audio/flac")
    etag, size = whole.headers["etag"], len(content)
    for header, part in [
        ("bytes=0-0", content[:1]),
        ("bytes=5-104", content[5:105]),
        (f"bytes={size - 3}-", content[-3:]),
        ("bytes=-10", content[-10:]),
    ]:
        answer = http.get(url, headers={"Range": header})
        assert (answer.status_code, answer.content) == (206, part), header
        assert answer.headers["content-range"].endswith(f"/{size}")
    refused = http.get(url, headers={"Range": f"bytes={size}-"})
    assert (refused.status_code, refused.headers["content-range"]) == (416, f"bytes */{size}")
    assert http.get(url, headers={"Range": "bytes=0-1,5-6"}).content == content
    assert http.get(url, headers={"Range": "bytes=0-9", "If-Range": etag}).status_code == 206
    assert http.get(url, headers={"Range": "bytes=0-9", "If-Range": '"stale"'}).content == content
    assert http.get(url, headers={"Range": "bytes=0-9", "If-Range": whole.headers["last-modified"]}).status_code == 206
    assert http.get(url, headers={"If-None-Match": etag}).status_code == 304
    head = http.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))
    download = http.get(f"/api/tracks/{track['id']}/file", headers={"Range": "bytes=0-3"})
    assert download.headers["content-disposition"].startswith("attachment; filename=")


@pytest.mark.parametrize(("format", "kbps"), [("opus", 64), ("mp3", 96), ("aac", 96), ("flac", None)])
def test_a_transcode_is_as_long_as_its_source_and_then_served_by_range(
    http: httpx.Client, track: dict[str, Any], format: str, kbps: int | None
) -> None:
    url = f"/api/tracks/{track['id']}/stream?format={format}" + (f"&bitrate_kbps={kbps}" if kbps else "")
    first = http.get(url)
    assert first.status_code == 200
    # MP3 and AAC add up to two frames of encoder delay and padding that no header of a stream can tell.
    assert abs(samples(first.content) / 48 - track["duration_ms"]) < 100
    assert float(first.headers["x-content-duration"]) == track["duration_ms"] / 1000
    for _ in range(50):
        again = http.get(url, headers={"Range": "bytes=10-19"})
        if again.status_code == 206:
            break
        time.sleep(0.1)
    assert again.content == first.content[10:20]
    later = http.get(url + "&start_ms=5000")
    assert abs(samples(later.content) / 48 - (track["duration_ms"] - 5000)) < 150


def test_every_format_of_the_library_transcodes(http: httpx.Client) -> None:
    by_codec = {one["codec"]: one for one in http.get("/api/tracks?limit=200").json()["items"]}
    assert {"alac", "wma", "wavpack", "pcm", "mp3", "vorbis", "opus", "aac", "flac"} <= set(by_codec)
    for codec, one in by_codec.items():
        answer = http.get(f"/api/tracks/{one['id']}/stream?format=opus&bitrate_kbps=48")
        assert answer.status_code == 200, codec
        assert abs(samples(answer.content) / 48 - one["duration_ms"]) < 150, codec


def test_eight_listeners_of_one_transcode_get_the_same_bytes(http: httpx.Client, track: dict[str, Any]) -> None:
    url = f"/api/tracks/{track['id']}/stream?format=mp3&bitrate_kbps=101"
    got: list[bytes] = []
    threads = [threading.Thread(target=lambda: got.append(http.get(url).content)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(set(got)) == 1


def test_a_transcode_ends_when_its_last_listener_leaves(http: httpx.Client, server: RunningServer) -> None:
    longest = max(http.get("/api/tracks?limit=200").json()["items"], key=lambda one: one["duration_ms"])
    with http.stream("GET", f"/api/tracks/{longest['id']}/stream?format=flac&start_ms=1") as answer:
        next(answer.iter_raw(64))
    for _ in range(100):
        children = psutil.Process(server.process.pid).children()
        if not any("ffmpeg" in _name(child) for child in children):
            return
        time.sleep(0.1)
    raise AssertionError(children)


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.NoSuchProcess:  # it ended while it was looked at
        return ""


def test_pictures_are_small_jpegs_with_ids_of_their_own(http: httpx.Client, track: dict[str, Any]) -> None:
    small, large = (http.get(f"/api/art/{track['art']}?size={size}") for size in (100, 5000))
    assert small.headers["content-type"] == large.headers["content-type"] == "image/jpeg"
    assert small.content[:3] == b"\xff\xd8\xff"
    assert len(small.content) < len(large.content)
    assert "immutable" in small.headers["cache-control"]


def test_bad_requests_are_told_so(http: httpx.Client, track: dict[str, Any]) -> None:
    for query in ("format=exe", "format=mp3&bitrate_kbps=0", "format=mp3&start_ms=-1", "format=mp3&bitrate_kbps=x"):
        answer = http.get(f"/api/tracks/{track['id']}/stream?{query}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert http.get(f"/api/tracks/{'0' * 22}/stream").status_code == 404
    assert http.get("/api/art/nonsense").status_code == 404


def test_a_script_dressed_as_sound_opens_nothing(tmp_path: Path) -> None:
    """A file that FFmpeg would follow elsewhere, with a name and first bytes that let it into the library."""
    from segue.errors import MediaFailed
    from segue.model import Track
    from segue.play import Transcoder

    secret = tmp_path / "secret.wav"
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "sine=duration=2", str(secret)], check=True
    )
    transcoder = Transcoder(tmp_path / "cache")
    for number, text in enumerate(
        (f"ffconcat version 1.0\nfile '{secret}'\n", f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{secret}\n")
    ):
        for content_type in ("audio/mpeg", "audio/flac", "audio/ogg", "audio/mp4", "audio/wav", "audio/x-ms-wma"):
            dressed = tmp_path / f"{number}.mp3"
            dressed.write_text(text)
            track = Track(
                id="0" * 22, library_id=1, folder_id="", path="", title="", sort_title="", artist="", release_id="", release="",  # type: ignore[arg-type]
                release_artist="", duration_ms=1000, suffix="mp3", content_type=content_type, codec="mp3", bitrate_kbps=1,  # type: ignore[arg-type]
                sample_rate_hz=1, channels=2, size_bytes=number, added_at=0, changed_at=os.getpid() + hash(content_type),  # type: ignore[arg-type]
            )  # fmt: skip
            with pytest.raises(MediaFailed):
                transcoder.open(dressed, track, format="flac", bitrate_kbps=None)
    transcoder.close()
    assert list((tmp_path / "cache").glob("*.flac")) == []
