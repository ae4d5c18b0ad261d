"""The one place that builds: adapters are named here and nowhere else. What comes of it is handed to every command and route."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from segue.access import Accounts, Vault
from segue.analyse.kept import Sounds
from segue.config import Config
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
from segue.play import Artwork, Transcoder
from segue.store import Database, DataDir, open_store

_FEW_EVENTS = 2_000
"""What the projections may be behind and still be brought up to date before serving; more is done beside it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Synchronous and safe from any thread: handlers call them in worker threads, never in the event loop."""

    data: DataDir
    db: Database
    catalogue: Catalogue
    search: Search
    playlists: Playlists
    queues: Queues
    bookmarks: Bookmarks
    libraries: Libraries
    accounts: Accounts
    listening: Listening
    history: History
    imports: Imports
    forwarder: Forwarder
    tracks: TrackFlow
    sound: SoundFlow
    similar: Similar
    texts: Texts
    atlas: Atlas
    recordings: Recordings
    mixes: Mixes
    descriptions: Descriptions
    transcoder: Transcoder
    artwork: Artwork
    base_path: str = ""
    """Where the server is mounted: empty, or ``/music``."""
    public_url: str = ""
    """The address listeners use, when an operator set one; else that of the request."""


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
