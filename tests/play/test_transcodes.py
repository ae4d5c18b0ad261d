"""How long a transcode is, and how long its process lives."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from segue.testing.server import RunningServer, running_server

from .listening import client, decoded_ms, ffmpeg, sparse_wav, tracks

SOURCE_MS = 12_345
START_MS = 6_000
SOURCES = {"wav": "pcm_s16le", "flac": "flac", "mp3": "libmp3lame", "m4a": "aac"}
TOLERANCE_MS = {
    "flac": 25,  # a start within an AAC source is known to its frame of 1,024 samples
    "opus": 25,
    "mp3": 60,  # two formats that say nothing in a stream of the silence their encoders add at both ends
    "aac": 60,
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server over tones of a known length, and three hours of silence."""
    work = tmp_path_factory.mktemp("transcodes")
    music = work / "music"
    music.mkdir()
    for rate in (44_100, 48_000):
        sine = f"sine=duration={SOURCE_MS / 1000}:sample_rate={rate}:frequency={rate // 100}"
        for suffix, codec in SOURCES.items():
            ffmpeg("-f", "lavfi", "-i", sine, "-c:a", codec, str(music / f"{rate}.{suffix}"))
    sparse_wav(music / "long.wav", 3 * 3600)
    with running_server(work / "data", music) as server:
        yield server


@pytest.fixture(scope="module")
def http(own: RunningServer) -> httpx.Client:
    return client(own)


@pytest.fixture(scope="module")
def found(http: httpx.Client) -> dict[str, dict[str, Any]]:
    return tracks(http)


def processes(server: RunningServer) -> list[psutil.Process]:
    """The server's FFmpeg processes that run."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    running = []
    for child in children:
        try:
            if "ffmpeg" in child.exe() and child.status() != psutil.STATUS_ZOMBIE:
                running.append(child)
        except psutil.Error:
            continue
    return running


def ends(server: RunningServer, seconds: float = 10) -> bool:
    """Whether no FFmpeg process of the server is left within that time."""
    deadline = time.monotonic() + seconds
    while processes(server):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("format", list(TOLERANCE_MS))
def test_a_transcode_is_as_long_as_what_remains_of_its_source(
    http: httpx.Client, found: dict[str, dict[str, Any]], rate: int, format: str
) -> None:
    for suffix in SOURCES:
        track = found[f"{rate}.{suffix}"]
        for start in (0, START_MS):
            answer = http.get(f"/api/tracks/{track['id']}/stream?format={format}&start_ms={start}")
            assert answer.status_code == 200
            off = decoded_ms(answer.content) - (SOURCE_MS - start)
            assert abs(off) <= TOLERANCE_MS[format], f"{suffix} from {start} ms: {off:+.1f} ms"


@pytest.mark.parametrize("start_ms", [0, 3_600_000])
def test_a_transcode_ends_when_its_last_listener_leaves(
    own: RunningServer, http: httpx.Client, found: dict[str, dict[str, Any]], start_ms: int
) -> None:
    url = f"/api/tracks/{found['long.wav']['id']}/stream?format=opus&bitrate_kbps=256&start_ms={start_ms}"
    with http.stream("GET", url) as first:
        first_bytes = first.iter_raw(64)
        next(first_bytes)
        [process] = processes(own)
        with http.stream("GET", url) as second:
            second_bytes = second.iter_raw(1024)
            next(second_bytes)
            assert processes(own) == [process]  # joined, not begun anew
            first.close()
            worked, deadline = process.cpu_times().user, time.monotonic() + 30
            while process.cpu_times().user < worked + 0.5:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            next(second_bytes)
            assert processes(own) == [process]
    assert ends(own)
    assert http.get("/healthz").status_code == 200


def test_asking_for_the_head_of_a_transcode_leaves_no_process(
    own: RunningServer, http: httpx.Client, found: dict[str, dict[str, Any]]
) -> None:
    answer = http.head(f"/api/tracks/{found['long.wav']['id']}/stream?format=opus")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", "audio/ogg")
    assert ends(own)
