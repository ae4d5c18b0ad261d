"""A real server over a library of many tracks, asked 50 times a second whatever it answers (open loop): one JSON line a figure.

    python benchmarks/serve.py [--tracks N] [--seconds S]

Lateness counts: a span begins when the request was due. Aims at 100,000 tracks: p99 < 50 ms; first byte 30 ms direct, 300 ms transcoded
with two cold starts at once. ``during a scan`` asks the same while every file is read again.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from segue.testing.server import RunningServer, running_server
from segue.testing.tones import write_many

RATE = 50


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "serve", "what": what, **figures}), flush=True)


def spread(spans: list[float]) -> dict[str, object]:
    cuts = statistics.quantiles(spans, n=100, method="inclusive")
    return {"n": len(spans), "p50_ms": round(cuts[49] * 1000, 1), "p99_ms": round(cuts[98] * 1000, 1)}


async def open_loop(client: httpx.AsyncClient, urls: list[str], seconds: float) -> list[float]:
    began, spans = time.perf_counter(), []

    async def one(number: int) -> None:
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        answer = await client.get(urls[number % len(urls)])
        assert answer.status_code == 200, answer.text
        spans.append(time.perf_counter() - due)

    await asyncio.gather(*(one(number) for number in range(int(seconds * RATE))))
    return spans


async def first_byte(client: httpx.AsyncClient, url: str) -> float:
    began = time.perf_counter()
    async with client.stream("GET", url) as answer:
        assert answer.status_code == 200
        async for _ in answer.aiter_raw(1):
            break
    return time.perf_counter() - began


async def measure(server: RunningServer, secret: str, seconds: float, when: str) -> None:
    who = f"u=admin&p={secret}&c=bench&v=1.16.1&f=json"
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=60) as client:

        async def ask(call: str) -> dict[str, Any]:
            body: dict[str, Any] = (await client.get(f"/rest/{call}&{who}")).json()["subsonic-response"]
            return body

        chance = random.Random(3)
        artists = [one["id"] for index in (await ask("getArtists?"))["artists"]["index"] for one in index["artist"]]
        songs = (await ask("getRandomSongs?size=200"))["randomSongs"]["song"]
        calls = {
            "album_list": [f"/rest/getAlbumList2?type=alphabeticalByName&size=50&offset={n * 50}&{who}" for n in range(20)],
            "newest": [f"/rest/getAlbumList2?type=newest&size=50&{who}"],
            "artist": [f"/rest/getArtist?id={id}&{who}" for id in chance.sample(artists, min(50, len(artists)))],
            "search": [f"/rest/search3?query={song['title'].rsplit(' ', 1)[-1][:6]}&{who}" for song in songs[:50]],
        }
        for name, urls in calls.items():
            say(name, when=when, **spread(await open_loop(client, urls, seconds)))
        direct = [await first_byte(client, f"/rest/stream?id={song['id']}&{who}") for song in songs[:60]]
        say("first_byte_direct", when=when, **spread(direct))
        cold = []
        for one, two in zip(songs[60:80:2], songs[61:80:2], strict=False):
            at_once = (first_byte(client, f"/rest/stream?id={song['id']}&format=opus&maxBitRate=64&{who}") for song in (one, two))
            cold += await asyncio.gather(*at_once)
        say("first_byte_transcoded_two_cold_at_once", when=when, **spread(cold))
        warm = [await first_byte(client, f"/rest/stream?id={song['id']}&format=opus&maxBitRate=64&{who}") for song in songs[60:80]]
        say("first_byte_transcoded_warm", when=when, **spread(warm))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tracks", type=int, default=100_000)
    options.add_argument("--seconds", type=float, default=6)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as work:
        music = Path(work) / "music"
        write_many(music, asked.tracks)
        with running_server(Path(work) / "data", music, options=()) as server:
            secret = server.token()
            asyncio.run(measure(server, secret, asked.seconds, "idle"))
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            resident = next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS"))
            say("memory", tracks=asked.tracks, resident_mib=resident)
            admin = httpx.Client(base_url=server.url)
            csrf = admin.post("/api/session", json={"name": server.admin, "password": server.password}).json()["csrf"]
            admin.post("/api/scan", json={"full": True}, headers={"X-Segue-CSRF": csrf}).raise_for_status()
            asyncio.run(measure(server, secret, asked.seconds, "during a scan"))


if __name__ == "__main__":
    main()
