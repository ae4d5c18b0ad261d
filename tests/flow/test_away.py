"""A library whose disk is away for a while: nothing of it fails, nothing is lost, nobody is kept busy, and it goes on when it is back."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx

from segue.testing.rendering import render
from segue.testing.server import RunningServer, running_server

WAIT_S = 240


def until(holds: Callable[[], object], told: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)


def music(folder: Path, names: str, first_hz: int) -> None:
    for number, name in enumerate(names):
        render(folder / f"{name}.flac", f"0.2*sin(2*PI*{first_hz + 70 * number}*t)", seconds=5)


def test_a_library_that_is_away_for_a_while(tmp_path: Path) -> None:
    folder, away = tmp_path / "music", tmp_path / "elsewhere"
    folder.mkdir()
    music(folder, "ab", 300)
    with running_server(tmp_path / "data", folder, analysis=True) as server, httpx.Client(base_url=server.url, timeout=60) as client:

        def status() -> dict[str, object]:
            return dict(server.do("analyse.status"))

        client.post("/api/session", json={"name": server.admin, "password": server.password}).raise_for_status()
        until(lambda: status()["done"] == 2 and status()["serving"], status)
        server.do("analyse.pause", paused=True)
        music(folder, "cdefgh", 600)
        scan(server)
        assert status()["total"] == 8
        folder.rename(away)
        folder.mkdir()  # as a disk's folder is without the disk
        server.do("analyse.pause", paused=False)
        until(lambda: status()["left"] == 0, status)
        scan(server)  # a rescan finds nothing, and keeps what was there
        until(lambda: status()["left"] == 0 and "mounted" in str(status()["note"]), status)
        told = status()
        assert (told["total"], told["done"], told["failed"], told["state"]) == (8, 2, 0, "idle")
        assert not [one for one in client.get("/api/tracks?limit=50").json()["items"] if one.get("missing")]
        opened = metric(client)
        time.sleep(3)
        assert metric(client) - opened <= 3, "it is not tried again and again"
        folder.rmdir()
        away.rename(folder)
        until(lambda: status()["done"] == 8, status)  # without a scan
        told = status()
        assert (told["failed"], told["left"], told["note"]) == (0, 0, "")
        heard = [client.get(f"/api/tracks/{one['id']}/analysis").json()["state"] for one in client.get("/api/tracks").json()["items"]]
        assert heard == ["done"] * 8


def scan(server: RunningServer) -> None:
    server.do("scan", folders=[])


def metric(client: httpx.Client) -> float:
    """Tracks that were tried and not heard."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("segue_") and "analysed" in line and '"failed"' in line)
