"""From starting the server to its first answers, where many listeners are known: one JSON line a figure.

    python benchmarks/start.py [--listeners N] [--starts N]

Each listener has ten tracks played, written straight into the tables; nobody has asked yet. ``ready``: from the process's start to the
first answer of ``/healthz``; ``slate``: from then to the first ``/api/next`` of one listener. By the clock, beside a server with nobody.
Aim: ready within 5 s with 100,000 listeners.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from segue.store import Database, DataDir
from segue.store import schema as s
from segue.testing.catalogue import fill
from segue.testing.server import running_server
from segue.types import new_id

PLAYED = 10
CHUNK = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=100_000)
    parser.add_argument("--starts", type=int, default=5)
    asked = parser.parse_args()
    for listeners in (0, asked.listeners):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            with running_server(data):
                pass
            write(data, listeners)
            spans = [start(data) for _ in range(asked.starts)]
        figures = {name: round(statistics.median(span[name] for span in spans), 2) for name in spans[0]}
        print(json.dumps({"benchmark": "start", "listeners": listeners, "starts": len(spans), **figures}), flush=True)


def write(data: Path, listeners: int) -> None:
    """A catalogue of 20,000 tracks, and the listeners."""
    chance = random.Random(1)
    db = Database(DataDir(data).database)
    tracks = fill(db, 20_000).tracks
    for first in range(0, listeners, CHUNK):
        users = [new_id() for _ in range(min(CHUNK, listeners - first))]
        people = [
            {"id": id, "name": f"listener {id}", "name_folded": f"listener {id}", "password_hash": "", "created_at": 0} for id in users
        ]
        notes: list[dict[str, Any]] = []
        sums: list[dict[str, Any]] = []
        for id in users:
            for track in chance.sample(tracks, PLAYED):
                at = 1_700_000_000_000 + chance.randrange(10**10)
                notes.append({"user_id": id, "type": "track", "id": track, "play_count": 3, "first_played_at": at, "last_played_at": at})
                sums.append({"user_id": id, "period": "all", "kind": "track", "key": track, "listens": 3, "skips": 0, "ms": 600_000})
        with db.write() as connection:
            connection.execute(s.user.insert(), people)
            connection.execute(s.annotation.insert(), notes)
            connection.execute(s.tally.insert(), sums)
    db.close()


def start(data: Path) -> dict[str, float]:
    began = time.perf_counter()
    with running_server(data, scan=False) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        client.get("/healthz").raise_for_status()
        ready = time.perf_counter()
        client.headers["Authorization"] = f"Bearer {server.token()}"
        asked = time.perf_counter()
        client.post("/api/next", json={}).raise_for_status()
        return {"ready_s": ready - began, "slate_s": time.perf_counter() - asked}


if __name__ == "__main__":
    main()
