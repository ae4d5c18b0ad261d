"""The event log: the port's contract against both adapters; what only a file can do wrong."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from segue.errors import Unavailable
from segue.events import MemoryEventLog, SqliteEventLog, UnreadableLog, open_log
from segue.testing.eventlog import ADA, EventLogContract, an_event


class TestMemoryEventLog(EventLogContract):
    @pytest.fixture
    def log(self) -> MemoryEventLog:
        return MemoryEventLog()


class TestSqliteEventLog(EventLogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> SqliteEventLog:
        return SqliteEventLog(tmp_path / "events.db")


def test_a_reopened_log_goes_on(tmp_path: Path) -> None:
    log = SqliteEventLog(tmp_path / "events.db")
    log.append([an_event("e")])
    log.erase(ADA)
    last = log.last_offset()
    log.close()
    again = SqliteEventLog(tmp_path / "events.db")
    assert again.last_offset() == last
    again.append([an_event("f")])
    assert again.last_offset() > last


def test_erased_means_absent_from_every_byte_on_disk(tmp_path: Path) -> None:
    log = SqliteEventLog(tmp_path / "events.db")
    log.append([an_event(f"recognisable-{i}") for i in range(500)])
    log.erase(ADA)
    log.close()
    for file in tmp_path.iterdir():
        assert b"recognisable" not in file.read_bytes()


def test_a_backup_holds_what_was_acknowledged(tmp_path: Path) -> None:
    log = SqliteEventLog(tmp_path / "events.db")
    log.append([an_event("e")])
    log.backup(tmp_path / "copy.db")
    assert [event.event_id for _, event in SqliteEventLog(tmp_path / "copy.db").read(0, 10)] == ["e"]


@pytest.mark.parametrize("content", [b"this is no database, " * 500, None])
def test_a_log_that_cannot_be_opened_says_so_on_each_use(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "events.db"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    log = open_log(path)
    assert isinstance(log, UnreadableLog)
    for use in (lambda: log.append([an_event("e")]), lambda: log.read(0, 1), log.last_offset, lambda: log.erase(ADA)):
        with pytest.raises(Unavailable, match="event log"):
            use()


def test_a_damaged_row_is_unavailable_and_not_a_crash(tmp_path: Path) -> None:
    log = SqliteEventLog(tmp_path / "events.db")
    log.append([an_event("e")])
    other = sqlite3.connect(tmp_path / "events.db")
    other.execute("UPDATE event SET body = x'00ff'")
    other.commit()
    with pytest.raises(Unavailable):
        log.read(0, 1)


def test_a_full_disk_keeps_nothing_of_the_batch_and_all_before(tmp_path: Path) -> None:
    log = SqliteEventLog(tmp_path / "events.db")
    log.append([an_event("before")])
    log._writer.execute("PRAGMA max_page_count = 1")  # SQLite's own way to be full
    with pytest.raises(Unavailable, match="full"):
        log.append([an_event(f"{i}-" + "x" * 40) for i in range(900)])
    assert [event.event_id for _, event in log.read(0, 1_000)] == ["before"]
    log._writer.execute("PRAGMA max_page_count = 1000000")
    assert log.append([an_event("after")]).accepted == ("after",)


def test_a_write_the_system_refuses_is_unavailable(tmp_path: Path) -> None:
    """A file-size limit makes the kernel refuse writes, as a quota does."""
    code = (
        "import resource, signal, sys, pathlib\n"
        "from segue.errors import Unavailable\n"
        "from segue.events import SqliteEventLog\n"
        "from segue.testing.eventlog import an_event\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "log = SqliteEventLog(pathlib.Path(sys.argv[1]))\n"
        "log.append([an_event('before')])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    log.append([an_event(f'{i}') for i in range(5000)])\n"
        "except Unavailable: pass\n"
        "else: sys.exit(3)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "log.append([an_event('after')])\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "events.db")], timeout=60, check=False)
    assert done.returncode == 0
    assert [event.event_id for _, event in SqliteEventLog(tmp_path / "events.db").read(0, 9_000)] == ["before", "after"]


_APPENDER = """
import pathlib, sys, threading
from segue.events import SqliteEventLog
from segue.testing.eventlog import an_event
log, start = SqliteEventLog(pathlib.Path(sys.argv[1])), sys.argv[2]
def run(name):
    i = 0
    while True:
        done = log.append([an_event(f"{start}-{name}-{i}-{j}") for j in range(3)])
        sys.stdout.write("\\n".join(done.accepted) + "\\n"); sys.stdout.flush()
        i += 1
for name in range(3):
    threading.Thread(target=run, args=(name,)).start()
"""


def test_kill_9_after_the_acknowledgement_loses_nothing(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for round_ in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", _APPENDER, str(tmp_path / "events.db"), str(round_)], stdout=subprocess.PIPE, preexec_fn=os.setsid
        )
        assert process.stdout is not None
        said = b""
        while said.count(b"\n") < 5 + round_ * 7:
            said += os.read(process.stdout.fileno(), 65536)
        os.killpg(process.pid, signal.SIGKILL)
        said += process.stdout.read()
        process.wait()
        acknowledged += said.decode().rpartition("\n")[0].split()
    log = SqliteEventLog(tmp_path / "events.db")
    kept = [event.event_id for _, event in log.read(0, 10**6)]
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))
    assert len(kept) % 3 == 0, "a batch is kept whole or not at all"
