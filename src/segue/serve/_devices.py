"""The devices of each listener that are connected, what each plays, and which one is active. docs/live.md describes what is said.

All of it lives in memory and belongs to the server's event loop.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from segue.library import LONGEST_MS, Queue
from segue.model import Listener
from segue.types import UserId

GREETING_S = 10.0
CHECK_S = 3.0
"""How often it is seen whether the session or token still stands."""
CLOSE_S = 2.0
MOST_BYTES = 64 << 10
MOST_PER_S = 20
MOST_DEVICES = 16
MOST_WAITING = 32
"""Messages a device may be behind before it is let go."""
MOST_SOCKETS = 1_000
SAVING_S = 3.0
"""How long a hand-over waits for the device that plays to store its queue."""

GOING = 1001
TOO_BIG = 1009
BAD_GREETING = 4400
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
SILENT = 4408
REPLACED = 4409
TOO_MANY = 4410
TOO_FAST = 4429
FULL = 4503
TOO_SLOW = 4504

_Text = Annotated[str, Meta(min_length=1, max_length=64)]
_Position = Annotated[int, Meta(ge=0, le=LONGEST_MS)]
_Volume = Annotated[float, Meta(ge=0, le=1)]
_Act = Literal["play", "pause", "next", "previous", "seek", "volume", "queue", "take_over", "hand_over"]


class Auth(msgspec.Struct, tag_field="type", tag="auth"):
    token: Annotated[str, Meta(max_length=256)]


class Hello(msgspec.Struct, tag_field="type", tag="hello"):
    device_id: _Text
    name: _Text
    kind: _Text = "other"


class State(msgspec.Struct, tag_field="type", tag="state"):
    playing: bool
    track_id: _Text | None = None
    position_ms: _Position = 0
    queue_revision: Annotated[str, Meta(max_length=64)] | int | None = None
    volume: _Volume | None = None
    play_id: _Text | None = None
    """Of the play that its events tell of, and ``played_ms``: how much of it was heard so far."""
    played_ms: _Position = 0
    saved: bool = True
    """False while the stored queue is not yet the one it plays."""


class Command(msgspec.Struct, tag_field="type", tag="command"):
    do: _Act
    to: _Text | None = None
    position_ms: _Position | None = None
    volume: _Volume | None = None
    track_ids: Annotated[list[_Text], Meta(max_length=2_000)] | None = None
    index: Annotated[int, Meta(ge=0)] = 0


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    pass


encode = msgspec.json.encode


class Closed(Exception):
    """The socket is to be closed with ``code``."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass(eq=False)
class Device:
    """One connected device. Made and used in the event loop only. ``plays``: it may report and control, not only watch."""

    id: str
    name: str
    kind: str
    listener: Listener
    plays: bool = True
    state: State | None = None
    state_at: float = 0.0
    waiting: dict[object, bytes] = field(default_factory=dict)
    """What it was not sent yet, oldest first. Of the messages that tell how things stand, only the latest of each type."""
    told: asyncio.Event = field(default_factory=asyncio.Event)
    saved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by its next report of a stored queue, and when it goes."""
    ending: "asyncio.Future[tuple[int, str]]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def key(self) -> tuple[bool, str]:
        """Those who only watch never take the place of one that plays."""
        return self.plays, self.id

    def send(self, message: dict[str, Any] | bytes, latest: str | None = None) -> None:
        """Never waits: a device that does not read is let go. What waits under the same name ``latest`` is replaced."""
        self.waiting.pop(latest, None)
        if len(self.waiting) >= MOST_WAITING:
            self.end(TOO_SLOW, "This device does not read what it is sent.")
            return
        self.waiting[latest or object()] = message if isinstance(message, bytes) else encode(message)
        self.told.set()

    def end(self, code: int, reason: str) -> None:
        if not self.ending.done():
            self.ending.set_result((code, reason))

    def passed_ms(self) -> int:
        """How long it has played since its last report."""
        return round((time.monotonic() - self.state_at) * 1000) if self.state and self.state.playing else 0

    def position_ms(self) -> int:
        """Where it is now, by what it said last."""
        return self.state.position_ms + self.passed_ms() if self.state else 0

    def playing_now(self) -> dict[str, Any]:
        state = self.state or State(False)
        return {
            "playing": state.playing,
            "track_id": state.track_id,
            "position_ms": self.position_ms(),
            "queue_revision": state.queue_revision,
            "volume": state.volume,
            "play_id": state.play_id,
        }


@dataclass(eq=False)
class _Room:
    """The devices of one listener."""

    devices: dict[tuple[bool, str], Device] = field(default_factory=dict)
    active: str | None = None

    def player(self, id: str | None) -> Device | None:
        return self.devices.get((True, id)) if id is not None else None


class Hub:
    """Who is connected. Everything but :meth:`queue_changed` belongs to the event loop."""

    def __init__(self, idle_s: float = 60) -> None:
        """``idle_s``: seconds without a message after which a device is let go."""
        self.idle_s = idle_s
        self._rooms: dict[UserId, _Room] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def join(self, device: Device) -> None:
        """Takes the place of an older socket of the same device. Raises when there are too many."""
        self._loop = asyncio.get_running_loop()
        room = self._rooms.setdefault(device.listener.user.id, _Room())
        old = room.devices.get(device.key)
        if old is None and len(room.devices) >= MOST_DEVICES:
            raise Closed(TOO_MANY, f"There are {MOST_DEVICES} devices already.")
        room.devices[device.key] = device
        if old is not None:
            device.state, device.state_at = old.state, old.state_at
            old.end(REPLACED, "This device has connected anew.")
        device.send({"type": "welcome", "device_id": device.id, "devices": _listed(room)})
        _tell_devices(room, but=device)

    def leave(self, device: Device) -> None:
        room = self._rooms.get(device.listener.user.id)
        if room is None or room.devices.get(device.key) is not device:
            return
        del room.devices[device.key]
        device.saved.set()
        if not room.devices:
            del self._rooms[device.listener.user.id]
            return
        if device.plays:
            room.active = None if room.active == device.id else room.active
            _tell_devices(room)

    def report(self, device: Device, state: State) -> None:
        """One that starts to play is the active one from then on. The first report of a socket takes nothing from another."""
        room = self._rooms.get(device.listener.user.id)
        if room is None or room.devices.get(device.key) is not device:
            return  # replaced this very moment
        before, device.state, device.state_at = device.state, state, time.monotonic()
        if state.saved:
            device.saved.set()
        started = state.playing and (room.active is None or (before is not None and not before.playing))
        if started and room.active != device.id:
            room.active = device.id
            _tell_devices(room)
        elif before is None or (before.playing, before.track_id, before.play_id) != (state.playing, state.track_id, state.play_id):
            _tell_devices(room)
        if room.active == device.id:
            told = encode({"type": "now_playing", "device_id": device.id, **device.playing_now()})
            for other in room.devices.values():
                if other is not device:
                    other.send(told, latest="now_playing")

    def source(self, listener: Listener) -> Device | None:
        """The active device."""
        room = self._rooms.get(listener.user.id)
        return room.player(room.active) if room else None

    def player(self, listener: Listener, id: str | None) -> Device:
        """Raises KeyError when this listener has no such device."""
        room = self._rooms.get(listener.user.id)
        found = room.player(id) if room else None
        if found is None:
            raise KeyError(id)
        return found

    def queue_changed(self, user_id: UserId, queue: Queue) -> None:
        """From any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it stops this very moment
                loop.call_soon_threadsafe(self._tell_queue, user_id, queue)

    def _tell_queue(self, user_id: UserId, queue: Queue) -> None:
        room = self._rooms.get(user_id)
        if room is None:
            return
        at = datetime.fromtimestamp(queue.changed_at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = encode({"type": "queue", "changed_by": queue.changed_by, "changed_at": at})
        for device in room.devices.values():
            device.send(told)

    def close(self) -> None:
        """The server stops: everyone is told."""
        for room in self._rooms.values():
            for device in room.devices.values():
                device.end(GOING, "The server stops.")


def _listed(room: _Room) -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "name": one.name,
            "kind": one.kind,
            "state": one.playing_now() if one.state else None,
            "active": one.id == room.active,
        }
        for one in room.devices.values()
        if one.plays
    ]


def _tell_devices(room: _Room, but: Device | None = None) -> None:
    told = encode({"type": "devices", "devices": _listed(room)})
    for device in room.devices.values():
        if device is not but:
            device.send(told, latest="devices")
