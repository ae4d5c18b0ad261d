"""Kill -9 a process that appends events, at any moment, again and again; then look for what was lost or counted twice.

``python -m segue.testing.crashes PATH`` is the victim: it appends batches to the log at ``PATH`` from several threads, and prints the ids
of each batch once it is acknowledged.
"""

import os
import random
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from segue.events import SqliteEventLog
from segue.model import Event, Subject
from segue.types import Instant, UserId, new_id, now

_USER = UserId("c" * 22)
_THREADS = 4
_PAGE = 5_000


@dataclass
class Toll:
    """What some rounds came to."""

    rounds: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0


def crash(path: Path, rounds: int, *, seed: int = 0, longest_s: float = 0.4) -> Toll:
    """``rounds`` times: let a process append, kill it, and look. Each round goes on with the log of those before."""
    chance = random.Random(seed)
    toll = Toll()
    acknowledged: set[str] = set()
    for _ in range(rounds):
        acknowledged |= _round(path, chance.uniform(0.0, longest_s))
        toll.rounds += 1
    log = SqliteEventLog(path)
    held: list[str] = []
    after = 0
    while rows := log.read(after, _PAGE):
        held += [event.event_id for _, event in rows]
        after = rows[-1][0]
    log.close()
    toll.acknowledged = len(acknowledged)
    toll.lost = len(acknowledged - set(held))
    toll.doubled = len(held) - len(set(held))
    return toll


def _round(path: Path, seconds: float) -> set[str]:
    victim = subprocess.Popen([sys.executable, "-m", "segue.testing.crashes", str(path)], stdout=subprocess.PIPE)
    assert victim.stdout is not None
    said = b""
    try:
        while not said:  # it has begun
            select.select([victim.stdout], [], [], 30)
            said += os.read(victim.stdout.fileno(), 1 << 16)
        time.sleep(seconds)
    finally:
        victim.kill()
    said += victim.stdout.read()
    victim.wait()
    whole = said[: said.rfind(b"\n") + 1]
    return {id for line in whole.decode().splitlines() for id in line.split()}


def _append(log: SqliteEventLog, lock: threading.Lock) -> None:
    while True:
        at = Instant(now())
        subject = Subject(type="track", id="t" * 22)
        events = [
            Event(event_id=new_id(), kind="started", user_id=_USER, at=at, received_at=at, subject=subject)
            for _ in range(random.randrange(1, 20))
        ]
        accepted = log.append(events).accepted
        with lock:
            os.write(1, " ".join(accepted).encode() + b"\n")


if __name__ == "__main__":
    shared, one = SqliteEventLog(Path(sys.argv[1])), threading.Lock()
    for _ in range(_THREADS):
        threading.Thread(target=_append, args=(shared, one)).start()
