"""The path of a listen under load: acknowledged events, replay, an import of a million plays, lists and statistics over them.

One JSON line a figure. `python benchmarks/listens.py [--plays N] [--tracks N]`: the full size takes some minutes and 2 GB of disk.
`--listens N` instead writes a past of N listens straight into the tables, and measures lists and statistics over it alone.
"""

import argparse
import json
import random
import resource
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import structlog

from segue.events import SqliteEventLog
from segue.flow.history import History
from segue.flow.imports import bring_export
from segue.flow.listen import Listening
from segue.library import Catalogue
from segue.model import Event, Listener, Subject
from segue.state import Projections, _facts, _sums
from segue.state._features import ListenRow, Sums
from segue.state._project import raw_of
from segue.store import Database, DataDir, open_store
from segue.testing.listening import World, fill_world
from segue.types import Instant, base62, new_id, now

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
T0 = 1_500_000_000_000


def figure(name: str, value: float, unit: str, **more: Any) -> None:
    print(json.dumps({"benchmark": "listens", "figure": name, "value": round(value, 3), "unit": unit, **more}), flush=True)


def p99(samples: list[float]) -> float:
    return sorted(samples)[int(len(samples) * 0.99)]


def acknowledged(log: SqliteEventLog, seconds: float, batch: int, clients: int, user_id: str) -> float:
    """Events a second that are on the disk: ``clients`` threads, each waiting for its batch."""
    done = [0] * clients
    until = time.perf_counter() + seconds

    def post(number: int) -> None:
        while time.perf_counter() < until:
            at = Instant(T0)
            subject = Subject(type="track", id="0" * 22)
            events = [
                Event(event_id=new_id(), kind="progressed", user_id=user_id, at=at, received_at=at, subject=subject)  # type: ignore[arg-type]
                for _ in range(batch)
            ]
            log.append(events)
            done[number] += batch

    threads = [threading.Thread(target=post, args=(number,)) for number in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)


def write_export(path: Path, plays: int, names: list[tuple[str, str]], seed: int = 1) -> None:
    """An extended streaming history: three of four plays are of the library, by Zipf's law; one of five is a skip."""
    chance = random.Random(seed)
    away = [(f"Artist {number // 8}", f"Song {number}") for number in range(len(names) // 2)]
    weights = [1 / (rank + 10) for rank in range(len(names))]
    here = chance.choices(names, weights, k=plays)
    gone = chance.choices(away, weights[: len(away)], k=plays)
    at = T0 // 1000
    with path.open("w") as file:
        file.write("[")
        for number in range(plays):
            artist, title = here[number] if number % 4 else gone[number]
            skipped = number % 5 == 0
            at += 200 + chance.randrange(100)
            row = {
                "ts": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)),
                "platform": "linux",
                "ms_played": 7_000 if skipped else 180_000,
                "master_metadata_track_name": title,
                "master_metadata_album_artist_name": artist,
                "master_metadata_album_album_name": None,
                "spotify_track_uri": f"spotify:track:{number}",
                "reason_start": "trackdone",
                "reason_end": "fwdbtn" if skipped else "trackdone",
                "shuffle": False,
                "skipped": skipped,
                "offline": False,
                "incognito_mode": False,
            }
            file.write(("," if number else "") + json.dumps(row))
        file.write("]")


def write_past(db: Database, world: World, listens: int, seed: int = 1) -> None:
    """Listens of one listener, one each 10 minutes until now, with all that is summed over them: as if they had been projected."""
    chance = random.Random(seed)
    user_id = str(world.listener.user.id)
    tracks = sorted(world.tracks)
    weights = [1 / (rank + 10) for rank in range(len(tracks))]
    chance.shuffle(tracks)
    start = now() - listens * 600_000
    sums = Sums()
    counts: dict[str, list[int]] = {}
    with db.read() as connection:
        facts = _facts.read(raw_of(connection), user_id, tracks)
    for first in range(0, listens, 2_000):
        rows = []
        for number, track in enumerate(chance.choices(tracks, weights, k=min(2_000, listens - first)), first):
            at = start + number * 600_000
            skipped = number % 5 == 0
            id = base62(at << 80 | number)
            played_ms = 7_000 if skipped else 180_000
            outcome = "skipped" if skipped else "finished"
            listen = ListenRow(id, track, at, at + played_ms, played_ms, outcome, int(not skipped), 1, None, None, "spotify", None)
            sums.add(listen, facts[track], 1)
            note = counts.setdefault(track, [0, 0, at, at])
            note[skipped] += 1
            note[3] = at
            rows.append((user_id, *msgspec.structs.astuple(listen)))
        with db.write() as connection:
            raw_of(connection).executemany(f"INSERT INTO listen VALUES ({','.join('?' * 13)})", rows)
    add_note = (
        "INSERT INTO annotation (user_id, type, id, rating, hidden, play_count, skip_count, first_played_at, last_played_at, facts)"
        " VALUES (?, 'track', ?, 0, 0, ?, ?, ?, ?, ?)"
    )
    with db.write() as connection:
        raw_of(connection).executemany(add_note, [(user_id, id, *note, _facts.encode(facts[id])) for id, note in counts.items()])
        _sums.store(raw_of(connection), user_id, sums.by_key())


def looked_at(history: History, listening: Listening, listener: Listener, listens: int, middle: str) -> None:
    """What lists and statistics take, each asked 60 times. ``middle``: the month in the midst of the past."""
    deep = history.listens(listener, limit=1)[0].listen.id
    for _ in range(20):
        page = history.listens(listener, before=deep, limit=500)
        deep = page[-1].listen.id if page else deep
    calls = {
        "listens_50": lambda: history.listens(listener, limit=50),
        "listens_deep_50": lambda: history.listens(listener, before=deep, limit=50),
        "listens_search": lambda: history.listens(listener, text="12", limit=50),
        "stats_30d": lambda: history.stats(listener, "30d"),
        "stats_month": lambda: history.stats(listener, middle),
        "stats_year": lambda: history.stats(listener, middle[:4]),
        "stats_all": lambda: history.stats(listener, "all"),
        "externals_50": lambda: history.externals(listener),
        "next_10": lambda: listening.next(listener, listening.query(listener, n=10)),
    }
    for name, call in calls.items():
        call()
        samples = []
        cpu = time.process_time()
        for _ in range(60):
            began = time.perf_counter()
            call()
            samples.append((time.perf_counter() - began) * 1000)
        cpu_ms = (time.process_time() - cpu) / 60 * 1000
        figure(name, p99(samples), "ms p99", p50=round(statistics.median(samples), 2), cpu_ms=round(cpu_ms, 2), listens=listens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plays", type=int, default=1_000_000)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--listens", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, DataDir(Path(folder) / "data") as data:
        db = open_store(data)
        world = fill_world(db, tracks=asked.tracks)
        log = SqliteEventLog(data.events)
        catalogue = Catalogue(db)
        listening = Listening(log, db, catalogue)
        history = History(listening, db, catalogue)

        if asked.listens:
            write_past(db, world, asked.listens)
            db.analyse()
            middle = time.strftime("%Y-%m", time.gmtime(now() / 1000 - asked.listens * 300))
            looked_at(history, listening, world.listener, asked.listens, middle)
            log.close()
            db.close()
            return

        lone = SqliteEventLog(Path(folder) / "lone.db")
        figure("acknowledged_batches_of_50", acknowledged(lone, 5, 50, 32, world.listener.user.id), "events/s", clients=32)
        figure("acknowledged_single", acknowledged(lone, 5, 1, 32, world.listener.user.id), "events/s", clients=32)
        lone.close()

        with db.read() as connection:
            names = [(row[0], row[1]) for row in connection.exec_driver_sql("SELECT artist, title FROM track ORDER BY id")]
        export = Path(folder) / "Streaming_History_Audio_2020_1.json"
        write_export(export, asked.plays, names)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, cpu = time.perf_counter(), time.process_time()
        done, _ = bring_export(history, world.listener, "spotify", export)
        spent = time.perf_counter() - started
        figure(
            "import",
            spent,
            "s",
            plays=done.read,
            matched=done.matched,
            plays_per_s=round(done.read / spent),
            cpu_s=round(time.process_time() - cpu, 1),
        )
        figure("import_peak_memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB", before_mib=round(before / 1024))
        db.analyse()

        looked_at(history, listening, world.listener, asked.plays, "2019-06")

        samples = []
        cpu = time.process_time()
        for number in range(200):
            track = world.tracks[number * 37 % len(world.tracks)]
            began = time.perf_counter()
            listening.scrobble(world.listener, track, Instant(T0 - number * 1_000_000))
            listening.next(world.listener, listening.query(world.listener, n=10))
            samples.append((time.perf_counter() - began) * 1000)
        figure(
            "event_then_slate",
            p99(samples),
            "ms p99",
            p50=round(statistics.median(samples), 2),
            cpu_ms=round((time.process_time() - cpu) * 5, 1),
            events=asked.plays,
        )

        started, cpu = time.perf_counter(), time.process_time()
        Projections(db, log).rebuild()
        spent, cpu = time.perf_counter() - started, time.process_time() - cpu
        figure("replay", log.last_offset() / spent, "events/s", events=log.last_offset(), cpu_s=round(cpu, 1))
        log.close()
        db.close()


if __name__ == "__main__":
    main()
