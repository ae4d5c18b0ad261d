"""The one place that builds: adapters are named here and nowhere else, and the server process lives here from start to graceful stop."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from granian.constants import Interfaces
from granian.server.embed import Server as Granian

from segue.access import Accounts, Vault
from segue.analyse.kept import Sounds
from segue.commands import run
from segue.config import Config
from segue.control import ControlSocket
from segue.errors import ConfigError
from segue.events import open_log
from segue.flow.asked import Texts
from segue.flow.atlas import Atlas
from segue.flow.described import Descriptions
from segue.flow.forward import Forwarder, Services
from segue.flow.history import History
from segue.flow.imports import Imports
from segue.flow.listen import Listening
from segue.flow.mixes import Mixes
from segue.flow.recordings import Recordings
from segue.flow.similar import Similar
from segue.flow.sound import SoundFlow
from segue.flow.track import TrackFlow
from segue.library import Bookmarks, Catalogue, Libraries, Playlists, Queues, Search
from segue.observe import get_logger, metrics
from segue.play import Artwork, Transcoder
from segue.serve import Parts, build_app
from segue.store import Database, DataDir, open_store

_log = get_logger("app")
_FEW_EVENTS = 2_000
"""What the projections may be behind and still be brought up to date before serving; more is done beside it."""


@contextmanager
def assemble(data: DataDir, config: Config) -> Iterator[Parts]:
    """Every part over an owned data directory; closed in the opposite order when the block ends."""
    with contextlib.ExitStack() as stack:
        db = open_store(data)
        stack.callback(db.close)
        log = open_log(data.events)
        stack.callback(log.close)
        catalogue = Catalogue(db)
        search = Search(data.search, db)
        stack.callback(search.close)
        transcoder = Transcoder(
            data.cache / "transcodes", max_bytes=config.transcode_cache_mib << 20, at_once=config.transcodes_at_once or None
        )
        stack.callback(transcoder.close)
        artwork = Artwork(data.cache / "art", max_bytes=config.art_cache_mib << 20)
        stack.callback(artwork.close)
        sound_db = Database(data.sound)
        stack.callback(sound_db.close)
        sounds = Sounds(sound_db)
        similar = Similar(db, sounds, data.index)
        stack.callback(similar.close)
        listening = Listening(log, db, catalogue, alike=similar, slate_days=config.slate_days)
        if listening.behind() <= _FEW_EVENTS:
            listening.catch_up()
        history = History(listening, db, catalogue)
        stack.callback(history.close)
        accounts = Accounts(db, data.secret)
        imports = Imports(data.imports, history, lambda user_id: accounts.listener(accounts.user(user_id)))
        stack.callback(imports.close)
        services = Services(config.listenbrainz_url, config.lastfm_url, config.lastfm_api_key, config.lastfm_secret)
        forwarder = Forwarder(db, listening, catalogue, Vault(data.secret), services)
        stack.callback(forwarder.close)
        workers = config.analysis_workers or min(4, os.cpu_count() or 1)
        recordings = Recordings(db, sounds, catalogue)
        sound = SoundFlow(
            db,
            sounds,
            similar,
            recordings,
            data.models,
            workers=workers,
            share=config.analysis_share,
            hours=config.analysis_hours,
            priority=config.analysis_priority,
        )
        stack.callback(sound.close)
        texts = Texts(similar, data.models)
        stack.callback(texts.close)

        atlas = Atlas(db, sounds, similar, data.index)
        stack.callback(atlas.close)

        def changed() -> None:
            history.catalogue_changed()
            sound.wake()

        tracks = TrackFlow(db, search, workers=config.tag_workers or None, changed=changed)
        stack.callback(tracks.close)
        yield Parts(
            data=data,
            db=db,
            catalogue=catalogue,
            search=search,
            playlists=Playlists(db),
            queues=Queues(db),
            bookmarks=Bookmarks(db),
            libraries=Libraries(db),
            accounts=accounts,
            listening=listening,
            history=history,
            imports=imports,
            forwarder=forwarder,
            tracks=tracks,
            sound=sound,
            similar=similar,
            texts=texts,
            atlas=atlas,
            recordings=recordings,
            mixes=Mixes(db, catalogue, similar, listening.history.hidden),
            descriptions=Descriptions(db, sound, catalogue),
            transcoder=transcoder,
            artwork=artwork,
            base_path=config.base_url,
            public_url=config.public_url,
        )


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
