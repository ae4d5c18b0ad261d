"""What there is: the catalogue as one listener sees it, search over it, playlists, queues, bookmarks, and the libraries themselves."""

from segue.library._bookmarks import Bookmark, Bookmarks
from segue.library._catalogue import ArtSource, Catalogue, Counts, FolderView, Liked
from segue.library._libraries import Libraries
from segue.library._pages import ReleaseSort, TrackSort
from segue.library._playlists import Playlists
from segue.library._queues import LONGEST_MS, Queue, Queues
from segue.library._search import Found, Search

__all__ = [
    "LONGEST_MS",
    "ArtSource",
    "Bookmark",
    "Bookmarks",
    "Catalogue",
    "Counts",
    "FolderView",
    "Found",
    "Libraries",
    "Liked",
    "Playlists",
    "Queue",
    "Queues",
    "ReleaseSort",
    "Search",
    "TrackSort",
]
