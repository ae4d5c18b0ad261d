"""``/api/live``: a WebSocket that keeps one listener's devices in step. docs/live.md describes the protocol."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketException
from litestar.handlers import WebsocketRouteHandler

from segue.errors import Forbidden, SegueError, Throttled, Unauthenticated
from segue.library import LONGEST_MS, Queue
from segue.model import Listener
from segue.observe import get_logger
from segue.parts import Parts
from segue.serve import http
from segue.serve._devices import (
    BAD_GREETING,
    CHECK_S,
    CLOSE_S,
    FORBIDDEN,
    FULL,
    GREETING_S,
    MOST_BYTES,
    MOST_PER_S,
    MOST_SOCKETS,
    SAVING_S,
    SILENT,
    TOO_BIG,
    TOO_FAST,
    UNAUTHENTICATED,
    Auth,
    Closed,
    Command,
    Device,
    Hello,
    Hub,
    Ping,
    State,
    encode,
)
from segue.types import Ms, TrackId, is_id

_log = get_logger("live")

_decoder = msgspec.json.Decoder(Auth | Hello | State | Command | Ping)
_Socket = WebSocket[Any, Any, Any]
_MOST_REASON = 123
"""Bytes of the words with which a WebSocket may be closed."""


class _Pace:
    """A bucket of ``MOST_PER_S`` messages, filled once a second."""

    def __init__(self) -> None:
        self._left, self._at = float(MOST_PER_S), time.monotonic()

    def count(self) -> None:
        at = time.monotonic()
        self._left, self._at = min(MOST_PER_S, self._left + (at - self._at) * MOST_PER_S), at
        self._left -= 1
        if self._left < 0:
            raise Closed(TOO_FAST, f"More than {MOST_PER_S} messages a second.")


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
                raise Closed(FULL, "Too many devices are connected to this server.")
            await _converse(socket, parts, hub)
        except Closed as closed:
            await _close(socket, closed)
        except WebSocketException:
            pass  # it went while it was being written to
        except Exception:
            _log.exception("a live connection failed")
            await _close(socket, Closed(1011, "The server failed at this. Its log says more."))
        finally:
            sockets -= 1

    return [live]


async def _close(socket: _Socket, closed: Closed) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=closed.code, reason=closed.reason.encode()[:_MOST_REASON].decode(errors="ignore"))


async def _converse(socket: _Socket, parts: Parts, hub: Hub) -> None:
    """Until it goes, or raises why it is closed."""
    pace = _Pace()
    try:
        async with asyncio.timeout(GREETING_S):
            listener, stands = await _authenticate(socket, parts, pace)
            hello = await _greeting(socket, pace)
    except TimeoutError as error:
        raise Closed(SILENT, "Say who you are within 10 s.") from error
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
        raise Closed(*device.ending.result())
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
            raise Closed(UNAUTHENTICATED, "Send `Authorization: Bearer SECRET`.")
        return await _by_secret(socket, parts, secret.strip())
    if cookie:
        if not _own_page(socket, parts):
            raise Closed(FORBIDDEN, "This connection comes from a page of another site.")
        session = await anyio.to_thread.run_sync(parts.accounts.session, cookie, limiter=http.threads())
        if session is None:
            raise Closed(UNAUTHENTICATED, "Sign in first.")
        listener = await anyio.to_thread.run_sync(lambda: parts.accounts.listener(session.user, client="player"), limiter=http.threads())
        return listener, lambda: parts.accounts.session(cookie) is not None
    message = await _read(socket, pace)
    if not isinstance(message, Auth):
        raise Closed(UNAUTHENTICATED, "The first message must be of type auth, with a token.")
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
        raise Closed(TOO_FAST, str(error)) from error
    except Unauthenticated as error:
        raise Closed(UNAUTHENTICATED, str(error)) from error
    except Forbidden as error:
        raise Closed(FORBIDDEN, str(error)) from error
    return listener, lambda: accounts.stands(listener.token_id)


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
        raise Closed(BAD_GREETING, "Say hello first, with a device_id and a name.")
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
            raise Closed(UNAUTHENTICATED, "The session or token has ended.")


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
            raise Closed(TOO_BIG, f"A message has at most {MOST_BYTES} bytes.")
        pace.count()
        try:
            message: _Message = _decoder.decode(data)
            return message
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            complaint = {"type": "error", "message": f"This message is not understood: {error}"[:300]}
            if device is not None:
                device.send(complaint)
            else:
                await socket.send_data(encode(complaint).decode())


async def _receive(socket: _Socket, device: Device, parts: Parts, hub: Hub, pace: _Pace) -> None:
    while True:
        try:
            async with asyncio.timeout(hub.idle_s):
                message = await _read(socket, pace, device)
        except TimeoutError as error:
            raise Closed(SILENT, f"Nothing was heard for {hub.idle_s:g} s. Send a ping now and then.") from error
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
    if command.do == "queue":
        queue = await _edit(command, device, target, parts)
        target.send({"type": "command", "from": device.id, "do": "queue", "queue": queue})
        return
    told: dict[str, Any] = {"type": "command", "from": device.id, "do": command.do}
    if command.do == "seek":
        told["position_ms"] = command.position_ms or 0
    if command.do == "volume":
        told["volume"] = 1.0 if command.volume is None else command.volume
    target.send(told)


async def _edit(command: Command, device: Device, target: Device, parts: Parts) -> dict[str, Any]:
    """Store the queue as ``device`` changed it for ``target``, which plays on where it is, if its track is still in it."""
    listener, state = device.listener, target.state or State(False)
    wanted = command.track_ids or []

    def store() -> dict[str, Any]:
        seen = {track.id for track in parts.catalogue.visible_tracks(listener, [TrackId(id) for id in dict.fromkeys(wanted) if is_id(id)])}
        ids = [TrackId(id) for id in wanted if id in seen]
        index = min(sum(1 for id in wanted[: command.index] if id in seen), max(0, len(ids) - 1))
        place = _nearest(ids, state.track_id, index)
        position = 0 if place is None else min(target.position_ms(), LONGEST_MS)
        index = index if place is None else place
        parts.queues.put(listener.user.id, ids, index, Ms(position), changed_by=device.name)
        return {"track_ids": ids, "index": index}

    return await anyio.to_thread.run_sync(store, limiter=http.threads())


def _nearest(ids: list[TrackId], track_id: str | None, index: int) -> int | None:
    """Where a track is in a queue: at ``index`` or after it, else before it; None where it is not."""
    places = [at for at, id in enumerate(ids) if id == track_id]
    return min(places, key=lambda at: (at < index, abs(at - index)), default=None)


async def _take_over(device: Device, parts: Parts, hub: Hub) -> Callable[[], dict[str, Any]]:
    """What the next device goes on with: the stored queue, and where the active one is at the time of the call.

    An active device that is about to store its queue is waited for."""
    listener, source = device.listener, hub.source(device.listener)
    if source is not None and source.state is not None and not source.state.saved:
        source.saved.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SAVING_S):
                await source.saved.wait()
        source = hub.source(listener)
    track_id = source.state.track_id if source and source.state else None

    def stored() -> tuple[Queue | None, int | None]:
        wanted = [TrackId(track_id)] if track_id and is_id(track_id) else []
        tracks = parts.catalogue.visible_tracks(listener, wanted)
        return parts.queues.get(listener.user.id), tracks[0].duration_ms if tracks else None

    queue, duration_ms = await anyio.to_thread.run_sync(stored, limiter=http.threads())
    ids = list(queue.track_ids) if queue else []
    index = queue.current if queue else 0
    if track_id is not None and (index >= len(ids) or ids[index] != track_id):  # it went on since the queue was saved
        place = _nearest(ids, track_id, index)
        ids, index = ([TrackId(track_id)], 0) if place is None else (ids, place)

    def asked() -> dict[str, Any]:
        told: dict[str, Any] = {"queue": {"track_ids": ids, "index": index}, "play_id": None, "played_ms": 0}
        if source is None or source.state is None or track_id is None:
            return told | {"track_id": ids[index] if ids else None, "position_ms": queue.position_ms if queue else 0}
        if source.state.play_id and source.state.track_id == track_id:
            told |= {"play_id": source.state.play_id, "played_ms": source.state.played_ms + source.passed_ms()}
        return told | {"track_id": TrackId(track_id), "position_ms": min(source.position_ms(), duration_ms or LONGEST_MS)}

    return asked


async def _send(socket: _Socket, device: Device) -> None:
    while True:
        await device.told.wait()
        device.told.clear()
        while device.waiting:
            await socket.send_data(device.waiting.pop(next(iter(device.waiting))).decode())
