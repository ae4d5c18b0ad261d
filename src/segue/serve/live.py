"""``/api/live``: a WebSocket that keeps one listener's devices in step. docs/live.md describes the protocol.

All state lives in the server's event loop and in memory: who is connected, what each device plays, and which one is active.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import anyio.to_thread
import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketException
from litestar.handlers import WebsocketRouteHandler
from msgspec import Meta

from segue.errors import Forbidden, SegueError, Throttled, Unauthenticated
from segue.library import Queue
from segue.model import Listener
from segue.observe import get_logger
from segue.serve import http
from segue.serve.parts import Parts
from segue.types import TrackId, UserId, is_id

_log = get_logger("live")

GREETING_S = 10.0
IDLE_S = 60.0
CHECK_S = 3.0
"""How often it is seen whether the session or token still stands."""
CLOSE_S = 2.0
MOST_BYTES = 64 << 10
MOST_PER_S = 20
MOST_DEVICES = 16
MOST_WAITING = 32
"""Messages a device may be behind before it is let go."""
MOST_SOCKETS = 1_000

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
_Position = Annotated[int, Meta(ge=0, le=7 * 86_400_000)]
_Volume = Annotated[float, Meta(ge=0, le=1)]
_Act = Literal["play", "pause", "next", "previous", "seek", "volume", "take_over", "hand_over"]


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


class Command(msgspec.Struct, tag_field="type", tag="command"):
    do: _Act
    to: _Text | None = None
    position_ms: _Position | None = None
    volume: _Volume | None = None


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    pass


_decoder = msgspec.json.Decoder(Auth | Hello | State | Command | Ping)
_encode = msgspec.json.encode
_Socket = WebSocket[Any, Any, Any]


class _Closed(Exception):
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
        self.waiting[latest or object()] = message if isinstance(message, bytes) else _encode(message)
        self.told.set()

    def end(self, code: int, reason: str) -> None:
        if not self.ending.done():
            self.ending.set_result((code, reason))

    def position_ms(self) -> int:
        """Where it is now, by what it said last."""
        if self.state is None:
            return 0
        passed = (time.monotonic() - self.state_at) * 1000 if self.state.playing else 0
        return self.state.position_ms + round(passed)

    def playing_now(self) -> dict[str, Any]:
        state = self.state or State(False)
        return {
            "playing": state.playing,
            "track_id": state.track_id,
            "position_ms": self.position_ms(),
            "queue_revision": state.queue_revision,
            "volume": state.volume,
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

    def __init__(self) -> None:
        self._rooms: dict[UserId, _Room] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def join(self, device: Device) -> None:
        """Takes the place of an older socket of the same device. Raises when there are too many."""
        self._loop = asyncio.get_running_loop()
        room = self._rooms.setdefault(device.listener.user.id, _Room())
        old = room.devices.get(device.key)
        if old is None and len(room.devices) >= MOST_DEVICES:
            raise _Closed(TOO_MANY, f"There are {MOST_DEVICES} devices already.")
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
        started = state.playing and (room.active is None or (before is not None and not before.playing))
        if started and room.active != device.id:
            room.active = device.id
            _tell_devices(room)
        elif before is None or (before.playing, before.track_id) != (state.playing, state.track_id):
            _tell_devices(room)
        if room.active == device.id:
            told = _encode({"type": "now_playing", "device_id": device.id, **device.playing_now()})
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
        told = _encode({"type": "queue", "changed_by": queue.changed_by, "changed_at": at})
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
    told = _encode({"type": "devices", "devices": _listed(room)})
    for device in room.devices.values():
        if device is not but:
            device.send(told, latest="devices")


class _Pace:
    """A bucket of ``MOST_PER_S`` messages, filled once a second."""

    def __init__(self) -> None:
        self._left, self._at = float(MOST_PER_S), time.monotonic()

    def count(self) -> None:
        at = time.monotonic()
        self._left, self._at = min(MOST_PER_S, self._left + (at - self._at) * MOST_PER_S), at
        self._left -= 1
        if self._left < 0:
            raise _Closed(TOO_FAST, f"More than {MOST_PER_S} messages a second.")


def routes(parts: Parts, hub: Hub) -> list[WebsocketRouteHandler]:
    parts.queues.watch(hub.queue_changed)
    sockets = 0

    @websocket("/api/live")
    async def live(socket: WebSocket[Any, Any, Any]) -> None:
        nonlocal sockets
        await socket.accept()
        sockets += 1
        try:
            if sockets > MOST_SOCKETS:
                raise _Closed(FULL, "Too many devices are connected to this server.")
            await _converse(socket, parts, hub)
        except _Closed as closed:
            await _close(socket, closed)
        except WebSocketException:
            pass  # it went while it was being written to
        except Exception:
            _log.exception("a live connection failed")
            await _close(socket, _Closed(1011, "The server failed at this. Its log says more."))
        finally:
            sockets -= 1

    return [live]


async def _close(socket: _Socket, closed: _Closed) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=closed.code, reason=closed.reason[:120])


async def _converse(socket: _Socket, parts: Parts, hub: Hub) -> None:
    """Until it goes, or raises why it is closed."""
    pace = _Pace()
    try:
        async with asyncio.timeout(GREETING_S):
            listener, stands = await _authenticate(socket, parts, pace)
            hello = await _greeting(socket, pace)
    except TimeoutError as error:
        raise _Closed(SILENT, "Say who you are within 10 s.") from error
    if hello is None:
        return
    name = "".join(c for c in hello.name if c.isprintable()).strip() or "Device"
    plays = "listen" in listener.scopes or "*" in listener.scopes
    device = Device(hello.device_id, name, hello.kind, listener, plays)
    hub.join(device)
    tasks = [
        asyncio.create_task(work) for work in (_receive(socket, device, parts, hub, pace), _send(socket, device), _guard(device, stands))
    ]
    try:
        watched: set[asyncio.Future[Any]] = {*tasks, device.ending}
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hub.leave(device)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    if device.ending.done():
        raise _Closed(*device.ending.result())
    for result in results:
        if isinstance(result, Exception):
            raise result


# -- who it is -----------------------------------------------------------------------------------------------------------


async def _authenticate(socket: _Socket, parts: Parts, pace: _Pace) -> tuple[Listener, Callable[[], bool]]:
    """Who asks, and what says (in a worker thread) whether they still may."""
    header = socket.headers.get("authorization", "")
    cookie = socket.cookies.get(http.COOKIE, "")
    if header:
        kind, _, secret = header.partition(" ")
        if kind.lower() != "bearer":
            raise _Closed(UNAUTHENTICATED, "Send `Authorization: Bearer SECRET`.")
        return await _by_secret(socket, parts, secret.strip())
    if cookie:
        if not _own_page(socket, parts):
            raise _Closed(FORBIDDEN, "This connection comes from a page of another site.")
        session = await anyio.to_thread.run_sync(parts.accounts.session, cookie, limiter=http.threads())
        if session is None:
            raise _Closed(UNAUTHENTICATED, "Sign in first.")
        listener = await anyio.to_thread.run_sync(lambda: parts.accounts.listener(session.user, client="player"), limiter=http.threads())
        return listener, lambda: parts.accounts.session(cookie) is not None
    message = await _read(socket, pace)
    if not isinstance(message, Auth):
        raise _Closed(UNAUTHENTICATED, "The first message must be of type auth, with a token.")
    return await _by_secret(socket, parts, message.token)


async def _by_secret(socket: _Socket, parts: Parts, secret: str) -> tuple[Listener, Callable[[], bool]]:
    accounts = parts.accounts

    def known() -> Listener:
        client = socket.headers.get("user-agent", "")[:64] or None
        listener = accounts.authenticate_secret(secret, address=http.client_address(socket), client=client)
        http.check_scope(listener, "read")
        return listener

    try:
        listener = await anyio.to_thread.run_sync(known, limiter=http.threads())
    except Throttled as error:
        raise _Closed(TOO_FAST, str(error)) from error
    except Unauthenticated as error:
        raise _Closed(UNAUTHENTICATED, str(error)) from error
    except Forbidden as error:
        raise _Closed(FORBIDDEN, str(error)) from error
    return listener, lambda: any(one.id == listener.token_id for one in accounts.tokens(listener.user.id))


def _own_page(socket: _Socket, parts: Parts) -> bool:
    """Whether ``Origin`` names the host asked for, or the server's public address. A port counts where ``Host`` has one."""
    origin = socket.headers.get("origin", "")
    asked: str = socket.scope["segue"]["host"]  # type: ignore[typeddict-item]
    try:
        page, host = urlsplit(origin), urlsplit(f"//{asked}")
        if page.hostname is None:
            return False
        if parts.public_url and page.netloc == urlsplit(parts.public_url).netloc:
            return True
        port = page.port or {"http": 80, "https": 443}.get(page.scheme)
        return page.hostname == host.hostname and host.port in (None, port)
    except ValueError:
        return False


async def _greeting(socket: _Socket, pace: _Pace) -> Hello | None:
    message = await _read(socket, pace)
    if message is not None and not isinstance(message, Hello):
        raise _Closed(BAD_GREETING, "Say hello first, with a device_id and a name.")
    return message


async def _guard(device: Device, stands: Callable[[], bool]) -> None:
    """Ends when the session or token does."""
    while True:
        await asyncio.sleep(CHECK_S)
        try:
            still = await anyio.to_thread.run_sync(stands, limiter=http.threads())
        except SegueError:
            continue  # a busy database: asked again soon
        if not still:
            raise _Closed(UNAUTHENTICATED, "The session or token has ended.")


# -- what is said --------------------------------------------------------------------------------------------------------

_Message = Auth | Hello | State | Command | Ping


async def _read(socket: _Socket, pace: _Pace, device: Device | None = None) -> _Message | None:
    """The next message that makes sense; None once it is gone. What makes none is answered, and counted."""
    while True:
        event: Any = await socket.receive()
        if event["type"] != "websocket.receive":
            return None
        data: str | bytes = event.get("text") if event.get("text") is not None else event.get("bytes") or b""
        if len(data) > MOST_BYTES:
            raise _Closed(TOO_BIG, f"A message has at most {MOST_BYTES} bytes.")
        pace.count()
        try:
            message: _Message = _decoder.decode(data)
            return message
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            complaint = {"type": "error", "message": f"This message is not understood: {error}"[:300]}
            if device is not None:
                device.send(complaint)
            else:
                await socket.send_data(_encode(complaint).decode())


async def _receive(socket: _Socket, device: Device, parts: Parts, hub: Hub, pace: _Pace) -> None:
    while True:
        try:
            async with asyncio.timeout(IDLE_S):
                message = await _read(socket, pace, device)
        except TimeoutError as error:
            raise _Closed(SILENT, "Nothing was heard for a minute. Send a ping now and then.") from error
        if message is None:
            return
        try:
            await _answer(message, device, parts, hub)
        except KeyError:
            device.send({"type": "error", "message": "There is no such device."})
        except SegueError as error:
            device.send({"type": "error", "message": str(error)})


async def _answer(message: _Message, device: Device, parts: Parts, hub: Hub) -> None:
    match message:
        case Ping():
            device.send({"type": "pong"})
        case State():
            http.check_scope(device.listener, "listen")
            hub.report(device, message)
        case Command():
            http.check_scope(device.listener, "listen")
            await _command(message, device, parts, hub)
        case _:
            device.send({"type": "error", "message": "You are known already."})


async def _command(command: Command, device: Device, parts: Parts, hub: Hub) -> None:
    """Raises KeyError when the addressed device is not there."""
    if command.do in ("take_over", "hand_over"):
        default = device.id if command.do == "take_over" else None
        target = hub.player(device.listener, command.to or default)
        asked = await _take_over(device, parts, hub)
        target.send({"type": "command", "from": device.id, "do": "take_over", **asked()})
        return
    source = hub.source(device.listener)
    target = hub.player(device.listener, command.to or (source.id if source else None))
    told: dict[str, Any] = {"type": "command", "from": device.id, "do": command.do}
    if command.do == "seek":
        told["position_ms"] = command.position_ms or 0
    if command.do == "volume":
        told["volume"] = 1.0 if command.volume is None else command.volume
    target.send(told)


async def _take_over(device: Device, parts: Parts, hub: Hub) -> Callable[[], dict[str, Any]]:
    """What the next device goes on with: the stored queue, and where the active one is at the time of the call."""
    listener, source = device.listener, hub.source(device.listener)
    track_id = source.state.track_id if source and source.state else None

    def stored() -> tuple[Queue | None, int | None]:
        wanted = [TrackId(track_id)] if track_id and is_id(track_id) else []
        tracks = parts.catalogue.visible_tracks(listener, wanted)
        return parts.queues.get(listener.user.id), tracks[0].duration_ms if tracks else None

    queue, duration_ms = await anyio.to_thread.run_sync(stored, limiter=http.threads())
    ids = list(queue.track_ids) if queue else []
    index = queue.current if queue else 0
    if track_id is not None and (index >= len(ids) or ids[index] != track_id):  # it went on since the queue was saved
        places = [at for at, id in enumerate(ids) if id == track_id]
        if not places:
            ids, places = [TrackId(track_id)], [0]
        index = min(places, key=lambda at: (at < index, abs(at - index)))

    def asked() -> dict[str, Any]:
        if source is None or track_id is None:
            track, position = (ids[index] if ids else None), (queue.position_ms if queue else 0)
        else:
            track, position = TrackId(track_id), min(source.position_ms(), duration_ms or 7 * 86_400_000)
        return {"track_id": track, "position_ms": position, "queue": {"track_ids": ids, "index": index}}

    return asked


async def _send(socket: _Socket, device: Device) -> None:
    while True:
        await device.told.wait()
        device.told.clear()
        while device.waiting:
            await socket.send_data(device.waiting.pop(next(iter(device.waiting))).decode())
