"""A device of ``/api/live`` over a real socket, byte by byte, so that a test sees what the server says."""

import base64
import json
import os
import socket
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
WAIT_S = 20.0


class Live:
    """A WebSocket client: text frames, no extensions. ``closed`` is the code once the server has closed it, ``reason`` its words."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.address = urlsplit(url)
        self.closed: int | None = None
        self.reason = ""
        self.seen: list[Json] = []
        self.socket = socket.create_connection((self.address.hostname, self.address.port), timeout=WAIT_S)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {self.address.path}/api/live HTTP/1.1",
            f"Host: {self.address.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        status = self.file.readline()
        assert b" 101 " in status, status
        while self.file.readline().strip():
            pass

    def frame(self, opcode: int, data: bytes) -> None:
        mask = os.urandom(4)
        size = len(data)
        length = (
            bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size)
        )
        repeated = (mask * (size // 4 + 1))[:size]
        masked = (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def say(self, **message: object) -> None:
        self.frame(1, json.dumps(message).encode())

    def read(self) -> Json | None:
        """The next message; None once the server closed."""
        while self.closed is None:
            try:
                first, second = self.file.read(2)
                size = second & 0x7F
                if size > 125:
                    size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
                data = self.file.read(size)
            except (ConnectionError, ValueError):
                self.closed = 1006
                break
            if first & 0xF == 8:
                self.closed = int.from_bytes(data[:2], "big") if data else 1005
                self.reason = data[2:].decode()
            elif first & 0xF == 1:
                message: Json = json.loads(data)
                self.seen.append(message)
                return message
        return None

    def get(self, type: str, wanted: Callable[[Json], object] = lambda message: True) -> Json:
        """The next message of this type for which ``wanted`` holds."""
        while (message := self.read()) is not None:
            if message["type"] == type and wanted(message):
                return message
        raise AssertionError(f"closed with {self.closed} while waiting for {type}; seen {self.seen}")

    def code(self) -> int:
        """Reads to the end: how the server closed."""
        while self.read() is not None:
            pass
        assert self.closed is not None
        return self.closed

    def hello(self, id: str, name: str = "Test") -> Json:
        self.say(type="hello", device_id=id, name=name, kind="test")
        return self.get("welcome")

    def in_step(self) -> list[Json]:
        """Everything that came before now."""
        self.say(type="ping")
        before = len(self.seen)
        self.get("pong")
        return self.seen[before:-1]

    def close(self) -> None:
        self.file.close()
        self.socket.close()
