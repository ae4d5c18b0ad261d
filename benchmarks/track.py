"""The path of a track, by the clock: a file dropped into a watched folder -> listed, playable, searchable, alike. One JSON line a figure.

    python benchmarks/track.py [--files N] [--seconds S]

Each file (three minutes, FLAC, made here) is moved into the folder of a running server and nothing else is done until it is whole: what is
measured is the wait of whoever looks. ``playable``: the first byte of its stream; ``searchable``: found by its title; ``alike``: it has
neighbours, so it can be recommended by its sound. ``first``: the first file after the start, when no worker is warm. Aim: alike in 2 s.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from segue.testing.rendering import MUSIC, convert, render
from segue.testing.server import running_server

LOOK_S = 0.01
PATIENCE_S = 120
SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "ra", "so", "ti", "vu", "za")


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "track", "what": what, **figures}), flush=True)


def made(folder: Path, number: int, seconds: int, base: Path) -> Path:
    """Another sound and another name each: pitch and tempo of one sound changed, for making it anew takes longer."""
    chance = random.Random(number)
    title = "".join(chance.choice(SYLLABLES) for _ in range(5)) + f" {number}"
    rate = 44_100 * 2 ** chance.uniform(-0.4, 0.4)
    tags = ("-metadata", f"title={title}", "-metadata", f"artist=Artist {number}", "-metadata", f"album=Release {number}")
    sound = f"asetrate={rate:.0f},aresample=44100,apad,atrim=end={seconds},volume={chance.uniform(-9, 0):.1f}dB"
    return convert(base, folder / f"{title}.flac", "-af", sound, *tags)


def until(look: Callable[[], Any]) -> Any:
    deadline = time.perf_counter() + PATIENCE_S
    while not (found := look()):
        if time.perf_counter() > deadline:
            raise SystemExit("it never came")
        time.sleep(LOOK_S)
    return found


def dropped(client: httpx.Client, secret: str, file: Path, folder: Path) -> dict[str, float]:
    who = {"u": "admin", "p": secret, "c": "bench", "v": "1.16.1", "f": "json"}
    title = file.stem

    def rest(call: str, **more: object) -> dict[str, Any]:
        body: dict[str, Any] = client.get(f"/rest/{call}", params=who | more).json()["subsonic-response"]
        return body

    def listed() -> str | None:
        page = client.get("/api/tracks", params={"sort": "added", "limit": 200}).json()["items"]
        return next((one["id"] for one in page if one["title"] == title), None)

    def playable() -> bool:
        with client.stream("GET", "/rest/stream", params=who | {"id": id}) as answer:
            return answer.status_code == 200 and bool(next(answer.iter_raw(1), b""))

    began = time.perf_counter()
    os.rename(file, folder / file.name)
    spans: dict[str, float] = {}
    id = until(listed)
    spans["listed"] = time.perf_counter() - began
    until(playable)
    spans["playable"] = time.perf_counter() - began
    until(lambda: rest("search3", query=title).get("searchResult3", {}).get("song"))
    spans["searchable"] = time.perf_counter() - began
    until(lambda: client.get(f"/api/similar/{id}").json()["items"])
    spans["alike"] = time.perf_counter() - began
    return spans


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=25)
    options.add_argument("--seconds", type=int, default=180)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as work:
        music, waiting = Path(work) / "music", Path(work) / "waiting"
        music.mkdir()
        waiting.mkdir()
        base = render(Path(work) / "base.wav", MUSIC, "-ac", "2", seconds=asked.seconds)
        files = [made(waiting, number, asked.seconds, base) for number in range(asked.files + 1)]
        made(music, 10_000, asked.seconds, base)
        with running_server(Path(work) / "data", music, analysis=True) as server:
            secret = server.token()
            with httpx.Client(base_url=server.url, timeout=60) as client:
                client.post("/api/session", json={"name": server.admin, "password": server.password}).raise_for_status()
                until(lambda: not server.do("analyse.status")["left"])
            # Once more from the start: what is due is done, and nothing is warm.
        with (
            running_server(Path(work) / "data", music, analysis=True, scan=False) as server,
            httpx.Client(timeout=60) as client,
        ):
            client.base_url = httpx.URL(server.url)
            client.post("/api/session", json={"name": server.admin, "password": server.password}).raise_for_status()
            until(lambda: server.do("analyse.status")["serving"])
            time.sleep(5)
            first = dropped(client, secret, files[0], music)
            say("first", load=os.getloadavg()[0], seconds=asked.seconds, **{name: round(span, 3) for name, span in first.items()})
            every = []
            for file in files[1:]:
                time.sleep(0.5)
                every.append(dropped(client, secret, file, music))
            for name in every[0]:
                cuts = statistics.quantiles([one[name] for one in every], n=100, method="inclusive")
                figures = {"p50_s": round(cuts[49], 3), "p99_s": round(cuts[98], 3), "least_s": round(cuts[0], 3)}
                say(name, n=len(every), seconds=asked.seconds, load=round(os.getloadavg()[0], 2), **figures)


if __name__ == "__main__":
    main()
