"""What the protocols serve: the assembled parts, built once by ``segue.app`` and handed to every route."""

from dataclasses import dataclass

from segue.access import Accounts
from segue.flow.asked import Texts
from segue.flow.atlas import Atlas
from segue.flow.described import Descriptions
from segue.flow.forward import Forwarder
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
from segue.store import Database, DataDir


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
