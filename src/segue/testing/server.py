"""A real server for tests: its own process, its own data directory, a free port on loopback."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from segue.access import Accounts
from segue.control import call
from segue.store import DataDir, open_store

_QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""For the one password everybody knows: to sign in takes a fifth of a second otherwise."""


@dataclass
class RunningServer:
    """``url`` ends without a slash. ``admin`` and ``password`` sign in; :meth:`token` makes an app password."""

    url: str
    data: Path
    process: "subprocess.Popen[bytes]"
    admin: str = "admin"
    password: str = "admin-password"  # noqa: S105

    def segue(self, *arguments: str, stdin: str = "", check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run the command line against this server's data directory."""
        return run_segue(*arguments, "--data", str(self.data), stdin=stdin, check=check)

    def do(self, command: str, **arguments: Any) -> Any:
        """Have the server do one of ``segue.commands``, as the command line would, without starting a process."""
        return call(DataDir(self.data), command, arguments, lambda report: None)

    def token(self, user: str = "admin", name: str = "test") -> str:
        """The secret of a new app password."""
        return str(self.do("token.create", user=user, name=name)["secret"])

    def kill(self) -> None:
        """kill -9, as a power cut."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def run_segue(*arguments: str, stdin: str = "", check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Run ``segue`` in a process of its own. Raises with what it said when it fails and ``check`` is set."""
    done = subprocess.run(
        [sys.executable, "-m", "segue", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        env=_environment(),
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"segue {' '.join(arguments)} exited {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


@contextmanager
def running_server(
    data: Path, *folders: Path, options: tuple[str, ...] = (), scan: bool = True, admin: bool = True, port: int = 0, analysis: bool = False
) -> Iterator[RunningServer]:
    """Start ``segue serve`` and wait until it answers; stop it gracefully when the block ends.

    With ``scan``, the folders are scanned before the block begins. With ``admin``, an admin is made first, password ``admin-password``.
    ``port`` 0 is any free one. With ``analysis``, it listens to the tracks in the background, as it does for a user.
    """
    if admin and not (data / "segue.db").exists():
        with DataDir(data) as owned, closing(open_store(owned)) as db:
            Accounts(db, owned.secret, hasher=_QUICK).add_user("admin", "admin-password", admin=True)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "segue",
            "serve",
            *map(str, folders),
            "--data",
            str(data),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            *options,
        ],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**_environment(), "COLUMNS": "300", "SEGUE_ANALYSIS": str(analysis).lower(), "SEGUE_ANALYSIS_PRIORITY": "normal"},
    )
    log = data.parent / f"{data.name}.log"
    try:
        url = _await_url(process, log)
        server = RunningServer(url=url, data=data, process=process)
        if scan and folders:
            server.do("scan", folders=[str(folder.absolute()) for folder in folders], full=False)
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Read the address from what the server prints; the rest of its words go to a file beside the data directory."""
    assert process.stderr is not None
    seen = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if select.select([process.stderr], [], [], 0.2)[0]:
            seen += os.read(process.stderr.fileno(), 65536)
            if match := re.search(rb"Player\S*\s+(http://\S+?)/?\s", seen):
                _drain(process, log, seen)
                return match[1].decode()
    raise AssertionError(f"The server did not start:\n{seen.decode(errors='replace')}")


def _drain(process: "subprocess.Popen[bytes]", log: Path, seen: bytes) -> None:
    import threading

    def copy() -> None:
        assert process.stderr is not None
        with log.open("ab") as out:
            out.write(seen)
            while chunk := os.read(process.stderr.fileno(), 65536):
                out.write(chunk)
                out.flush()

    threading.Thread(target=copy, daemon=True).start()


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("SEGUE_")} | {"NO_COLOR": "1"}
