"""What comes next, at 100,000 tracks and 100,000 events: one JSON line a measurement.

    python benchmarks/next.py [--tracks N] [--events N] [--rounds N]

``record`` is one event, durable and projected; ``next`` is asked right after it, so every answer stands on a changed state. Aims: record
p99 < 10 ms, next p99 < 30 ms. The peer is the plainest answer there is: ten ids drawn by ``ORDER BY random()`` from the same database.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from segue.events import SqliteEventLog
from segue.flow.listen import Listening
from segue.library import Catalogue
from segue.model import Event, Subject
from segue.store import Database
from segue.store import schema as t
from segue.testing.listening import fill_world
from segue.types import Instant, new_id, now

KINDS = ["scrobbled"] * 12 + ["liked", "rated"]
ENDS = ["skipped", "finished"]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("tracks", 100_000), ("events", 100_000), ("rounds", 200)):
        options.add_argument(f"--{name}", type=int, default=default)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        measure(Path(directory), asked.tracks, asked.events, asked.rounds)


def measure(path: Path, tracks: int, events: int, rounds: int) -> None:
    db = Database(path / "segue.db")
    with db.write() as connection:
        t.metadata.create_all(connection)
    world = fill_world(db, tracks=tracks, per_artist=10)
    log = SqliteEventLog(path / "events.db")
    listening = Listening(log, db, Catalogue(db))
    listener, chance = world.listener, random.Random(1)
    start = now() - 300 * 86_400_000
    popular = world.tracks[: max(10, tracks // 10)]

    def event(kind: str, at: int, **more: object) -> Event:
        subject = Subject(type="track", id=chance.choice(popular))
        fields = {"event_id": new_id(), "kind": kind, "user_id": listener.user.id, "subject": subject, **more}
        return Event(at=Instant(at), received_at=Instant(at), **fields)  # type: ignore[arg-type]

    history = [event(chance.choice(KINDS), start + number * 200_000, rating=4) for number in range(events)]
    began = time.perf_counter()
    for first in range(0, events, 1_000):
        log.append(history[first : first + 1_000])
    appended = time.perf_counter()
    listening.catch_up()
    projected = time.perf_counter()
    say("append", events=events, per_s=round(events / (appended - began)))
    say("project", events=events, per_s=round(events / (projected - appended)))

    def play() -> None:
        listening.record(listener, [event("ended", now(), play_id=new_id(), outcome=chance.choice(ENDS), played_ms=150_000)])

    def ask() -> None:
        listening.next(listener, listening.query(listener, n=10, queue=[chance.choice(world.tracks)], session_id="s"))

    def shuffle() -> None:
        with db.read() as connection:
            connection.execute(sa.select(t.track.c.id).order_by(sa.func.random()).limit(10)).all()

    for _ in range(10):
        play(), ask()
    spans: dict[str, list[float]] = {"record": [], "next": [], "peer_order_by_random": []}
    for number in range(rounds):
        spans["record"].append(timed(play))
        spans["next"].append(timed(ask))
        if number < 30:
            spans["peer_order_by_random"].append(timed(shuffle))
    for what, ms in spans.items():
        say(what, tracks=tracks, events=events, n=len(ms), p50_ms=at(ms, 50), p99_ms=at(ms, 99))
    slate = listening.next(listener, listening.query(listener))
    say("stages", ms={timing.stage: timing.ms for timing in slate.timings}, candidates=len(slate.removed) + len(slate.items))


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def at(ms: list[float], percent: int) -> float:
    return round(statistics.quantiles(ms, n=100, method="inclusive")[percent - 1], 2)


def say(what: str, **figures: object) -> None:
    print(json.dumps({"benchmark": "next", "what": what, **figures}), flush=True)


if __name__ == "__main__":
    main()
