"""Commands to a running server, through a socket in its data directory.

One process owns a data directory, so a command that writes while a server runs is sent to it: one JSON line with the command and its
arguments, answered by JSON lines ``{"progress": …}`` and at last ``{"result": …}`` or ``{"error": {"kind", "message"}}``. Who may open
the socket (the directory's owner) may do anything. A caller that goes away stops its command at the next progress report.
"""

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from segue import errors
from segue.datadir import DataDir
from segue.errors import SegueError, Unavailable

Answer = Callable[[str, dict[str, Any], Callable[[dict[str, Any]], None]], Any]
"""Does a command with its arguments, telling progress."""
_LONGEST = 1 << 20
"""Bytes of a request: a guess, far above any command."""


class _Address:
    """The socket's address, short enough for the kernel however deep the directory lies (``sun_path`` holds 108 bytes; unix(7))."""

    def __init__(self, path: Path) -> None:
        self._directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        deep = len(os.fsencode(path)) > 100
        self.text = f"/proc/self/fd/{self._directory}/{path.name}" if deep else str(path)

    def close(self) -> None:
        os.close(self._directory)


class ControlSocket:
    """As a context manager: listens while the block runs, one thread a caller."""

    def __init__(self, data: DataDir, run: Answer) -> None:
        self._path = data.socket
        self._run = run
        self._stopped = False

    def __enter__(self) -> "ControlSocket":
        self._path.unlink(missing_ok=True)  # we own the directory, so whoever left it is gone
        self._address = _Address(self._path)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self._server.bind(self._address.text)
        finally:
            os.umask(before)
        self._server.listen(8)
        threading.Thread(target=self._accept, name="control", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped = True
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._path.unlink(missing_ok=True)
        self._address.close()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                caller, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(caller,), name="control-call", daemon=True).start()

    def _answer(self, caller: socket.socket) -> None:
        def send(message: dict[str, Any]) -> None:
            caller.sendall(msgspec.json.encode(message) + b"\n")

        with caller, suppress(OSError):
            try:
                with caller.makefile("rb") as lines:
                    request = msgspec.json.decode(lines.readline(_LONGEST), type=dict[str, Any])
                result = self._run(str(request["command"]), request.get("args", {}), lambda report: send({"progress": report}))
                send({"result": result})
            except (SegueError, msgspec.MsgspecError, KeyError) as error:
                send({"error": {"kind": type(error).__name__, "message": str(error)}})
            except OSError:
                raise
            except Exception as error:
                from segue.observe import get_logger  # late: whoever only calls needs none of it

                get_logger("control").exception("command failed")
                send({"error": {"kind": "SegueError", "message": f"The server failed: {error!r}. Its log says more."}})


def call(data: DataDir, command: str, args: dict[str, Any], progress: Callable[[dict[str, Any]], None]) -> Any:
    """Have the running server do ``command``.

    Raises what the command raised, or :class:`~segue.errors.Unavailable` when the owner of the directory does not listen.
    """
    address = _Address(data.socket)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.connect(address.text)
            except OSError as error:
                raise Unavailable(
                    f"Another Segue process owns {data.root} and takes no commands just now. Try again when it is done."
                ) from error
            connection.sendall(msgspec.json.encode({"command": command, "args": args}) + b"\n")
            with connection.makefile("rb") as lines:
                for line in lines:
                    message = msgspec.json.decode(line, type=dict[str, Any])
                    if "progress" in message:
                        progress(message["progress"])
                    elif "error" in message:
                        kind = getattr(errors, message["error"]["kind"], SegueError)
                        raised: SegueError = SegueError.__new__(kind)
                        raised.args = (message["error"]["message"],)  # written already: not to be built again
                        raise raised
                    else:
                        return message["result"]
    finally:
        address.close()
    raise Unavailable("The server went away before it answered. Its log says why.")
