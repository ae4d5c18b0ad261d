"""What lies in a library's folders: regular files only, each looked at once, nothing opened.

``lstat`` comes first (a fifo hangs every reader). Links are followed as long as they lead to a folder not met before, so that loops end.
A folder with a file ``.segueignore`` is left out with all below it; names that begin with a dot are left out.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

AUDIO = frozenset(
    ["mp3", "flac", "ogg", "oga", "opus", "m4a", "m4b", "mp4", "wav", "wave", "aif", "aiff", "aifc", "wv", "ape", "wma", "asf", "dsf"]
)
_IMAGES = frozenset(("jpg", "jpeg", "png", "webp", "gif"))
_COVER = re.compile(r"(cover|folder|front|album|albumart|artwork)\.", re.IGNORECASE)
_COVER_ORDER = ("cover", "folder", "front", "album", "albumart", "artwork")
_PORTRAIT = "artist"
_IGNORE = ".segueignore"
_DEEPEST = 64
"""Levels of folders: beyond any real library."""


@dataclass(slots=True)
class Seen:
    """A file as its folder showed it."""

    name: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class FolderSeen:
    """One folder: ``path`` relative to the root (empty for the root), its audio files, the picture that stands for it, its playlists."""

    path: str
    audio: list[Seen] = field(default_factory=list)
    image: Seen | None = None
    portrait: Seen | None = None
    """A picture of the artist: of several, the first by name."""
    lrc: dict[str, Seen] = field(default_factory=dict)
    """Lyrics files by name without extension."""
    playlists: list[Seen] = field(default_factory=list)


Found = Callable[[str, str, str], None]
"""Told (path relative to the root, kind, message) of what is wrong."""


def walk(root: str, start: str, found: Found, *, deep: bool = True) -> Iterator[FolderSeen]:
    """``start`` and the folders below it, each before its own; ``deep=False`` gives ``start`` alone. Paths are relative to ``root``."""
    met: set[tuple[int, int]] = set()
    waiting: list[tuple[str, int]] = [(start, 0)]
    while waiting:
        path, depth = waiting.pop()
        seen, inner = _folder(root, path, met, found)
        if seen is None:
            continue
        yield seen
        if deep and depth < _DEEPEST:
            waiting += [(one, depth + 1) for one in sorted(inner, reverse=True)]
        elif deep and inner:
            found(path, "loop", f"Folders more than {_DEEPEST} deep are not looked into.")


def _folder(root: str, path: str, met: set[tuple[int, int]], found: Found) -> tuple[FolderSeen | None, list[str]]:
    full = os.path.join(root, path) if path else root
    out, inner = FolderSeen(path), []
    images: list[Seen] = []
    try:
        here = os.stat(full)
        if (here.st_dev, here.st_ino) in met:
            found(path, "loop", "This folder is a link to one that is scanned already; it was left out.")
            return None, []
        met.add((here.st_dev, here.st_ino))
        with os.scandir(full) as entries:
            for entry in entries:
                name = entry.name
                if name == _IGNORE:
                    return None, []
                if name.startswith("."):
                    continue
                try:
                    about = entry.stat(follow_symlinks=False)
                    if stat.S_ISLNK(about.st_mode):
                        about = entry.stat()
                except OSError as error:
                    if _suffix(name) in AUDIO:
                        found(_join(path, name), "unreadable", f"It cannot be looked at: {error.strerror}. A link may lead nowhere.")
                    continue
                if stat.S_ISDIR(about.st_mode):
                    inner.append(_join(path, name))
                elif not stat.S_ISREG(about.st_mode):
                    if _suffix(name) in AUDIO:
                        found(_join(path, name), "not_audio", "It is no regular file (a pipe, socket or device). Remove it.")
                else:
                    _sort(Seen(name, about.st_size, about.st_mtime_ns), out, images)
    except OSError as error:
        found(path, "unreadable", f"This folder cannot be read: {error.strerror}. Check its permissions.")
        return None, []
    out.image = min(images, key=lambda image: (_COVER_ORDER.index(image.name.split(".")[0].lower()), image.name), default=None)
    return out, inner


def _sort(seen: Seen, out: FolderSeen, images: list[Seen]) -> None:
    suffix = _suffix(seen.name)
    if suffix in AUDIO:
        out.audio.append(seen)
    elif suffix in _IMAGES:
        if seen.name.rpartition(".")[0].lower() == _PORTRAIT:
            out.portrait = min(out.portrait or seen, seen, key=lambda one: one.name)
        elif _COVER.match(seen.name) and seen.name.split(".")[0].lower() in _COVER_ORDER:
            images.append(seen)
    elif suffix == "lrc":
        out.lrc[seen.name[:-4]] = seen
    elif suffix in {"m3u", "m3u8"}:
        out.playlists.append(seen)


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
