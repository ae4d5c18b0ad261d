"""A disk with no room: what is played goes on, and what cannot is told so. Needs to mount a small file system: skipped where it may not."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.testing.server import run_segue, running_server
from segue.testing.tones import write_many

from .listening import client, decoded_ms, ffmpeg, tracks


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, check=False).returncode
    ):
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path, but: int = 0) -> Path:
    """Take all the room there is, but so many bytes. Returns the file that holds it."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
        file.truncate(file.tell() - but)
    return ballast


def test_a_transcode_is_whole_where_the_cache_has_no_room(tmp_path: Path, small: Path) -> None:
    music, cache = tmp_path / "music", tmp_path / "data" / "cache"
    music.mkdir()
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=duration=40:color=white:sample_rate=44100", "-ac", "2", str(music / "noise.flac"))
    cache.parent.mkdir()
    cache.symlink_to(small)
    with running_server(tmp_path / "data", music) as server, client(server) as http:
        url = f"/api/tracks/{tracks(http)['noise.flac']['id']}/stream"
        growing = http.get(url + "?format=flac")  # more than the 4 MiB that are there: it is full midway
        assert growing.status_code == 200
        assert len(growing.content) > 5 << 20
        assert abs(decoded_ms(growing.content) - 40_000) < 60
        ballast = fill(small)
        for query in ("?format=opus", "?format=mp3&start_ms=10000"):
            answer = http.get(url + query)
            assert answer.status_code == 200
            assert abs(decoded_ms(answer.content) - (30_000 if "start_ms" in query else 40_000)) < 60
        assert not list(small.glob("transcodes/*.*"))  # what is not whole on the disk is not kept
        assert http.get("/healthz").status_code == 200
        ballast.unlink()
        assert http.get(url + "?format=opus").status_code == 200
        assert [path.suffix for path in small.glob("transcodes/*.*")] == [".opus"]


def test_a_scan_on_a_full_disk_says_so_and_the_next_one_is_whole(tmp_path: Path, small: Path) -> None:
    music = tmp_path / "music"
    write_many(music, 200)
    data = small / "data"
    run_segue("user", "add", "admin", "--admin", "--password-stdin", "--data", str(data), stdin="admin-password\n")
    for room in (0, 200 << 10):  # no room to begin, and none to go on
        ballast = fill(small, but=room)
        refused = run_segue("scan", str(music), "--data", str(data), check=False)
        assert refused.returncode == 1, f"{room} bytes: {refused.stdout}{refused.stderr}"
        assert "full" in refused.stderr
        assert "Traceback" not in refused.stderr, refused.stderr
        ballast.unlink()
    assert "200 tracks" in run_segue("scan", str(music), "--data", str(data)).stdout
    assert '"unchanged": 200' in run_segue("scan", "--json", "--data", str(data)).stdout
