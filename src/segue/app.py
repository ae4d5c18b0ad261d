"""The server process, from start to graceful stop."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from granian.constants import Interfaces
from granian.server.embed import Server as Granian

from segue.commands import run
from segue.config import Config
from segue.control import ControlSocket
from segue.errors import ConfigError
from segue.observe import get_logger, metrics
from segue.parts import Parts
from segue.serve import build_app
from segue.store import DataDir

_log = get_logger("app")


def serve(data: DataDir, parts: Parts, config: Config, *, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. ``ready`` is told the address once the port answers.

    Streams under way get a few seconds to end; a running scan stops between two batches and resumes at the next start.
    """
    port = _free_port(config)
    with ControlSocket(data, partial(run, parts)), _in_background(parts.libraries.finish_removals):
        asyncio.run(_run(parts, config, port, ready))
    _log.info("stopped")


@contextmanager
def _in_background(work: Callable[[threading.Event], object]) -> Iterator[None]:
    """Do ``work`` in a thread that is told to stop, and waited for, when the block ends."""
    stop = threading.Event()

    def quietly() -> None:
        try:
            work(stop)
        except Exception:
            _log.exception("work left by an earlier run is not done; it is tried again at the next start")

    thread = threading.Thread(target=quietly, name="left-over", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


async def _run(parts: Parts, config: Config, port: int, ready: Callable[[str], None]) -> None:
    app = build_app(parts, config)
    server = Granian(
        app,
        address=config.host,
        port=port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        runtime_threads=1,
        backlog=1024,
        websockets=True,
    )
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    serving = asyncio.create_task(server.serve())
    await _until_open(config.host, port, serving)
    metrics.gauge_of("segue_tracks", "Tracks present in all libraries.", lambda: parts.catalogue.counts().tracks)
    parts.tracks.start(watch=config.watch, rescan_interval_s=config.rescan_interval_s, poll_interval_s=config.poll_interval_s)
    parts.history.start()
    parts.imports.start()
    parts.forwarder.start()
    if config.analysis:
        parts.sound.start()
    else:
        parts.sound.open()
    ready(f"http://{_shown(config.host)}:{port}{config.base_url}/")
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    _log.info("stopping")
    app.stopping()
    server.stop()  # type: ignore[no-untyped-call]
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(serving), timeout=10)
    waiting.cancel()


async def _until_open(host: str, port: int, serving: "asyncio.Task[None]") -> None:
    for _ in range(200):
        if serving.done():
            serving.result()
            raise ConfigError("The server ended before it could listen.")
        try:
            _, writer = await asyncio.open_connection(_shown(host), port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise ConfigError(f"Nothing answers on port {port} of {host}.")


def _free_port(config: Config) -> int:
    """Ask for the port before anything is built on it, so that a taken one is one clear sentence."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise ConfigError(
                f"Cannot listen on {config.host} port {config.port}: {error.strerror}. Choose another with --port."
            ) from error
        port: int = probe.getsockname()[1]
        return port


def _shown(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
