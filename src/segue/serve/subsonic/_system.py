"""Calls about the server itself: what it is, who asks, scanning."""

import contextlib
from typing import Any

from segue.errors import Conflict, Forbidden, NotFound
from segue.serve.subsonic._call import Call
from segue.serve.subsonic._wire import known

_NAMES = (
    *("apiKeyAuthentication", "formPost", "indexBasedQueue", "playbackReport"),
    *("songLyrics", "sonicSimilarity", "transcodeOffset"),
)
EXTENSIONS = {name: [1] for name in _NAMES}


def ping(call: Call) -> None:
    return None


def get_license(call: Call) -> dict[str, Any]:
    """Segue is free; old clients ask before they play."""
    return {"license": {"valid": True}}


def get_extensions(call: Call | None = None) -> dict[str, Any]:
    return {"openSubsonicExtensions": [{"name": name, "versions": versions} for name, versions in EXTENSIONS.items()]}


def token_info(call: Call) -> dict[str, Any]:
    return {"tokenInfo": {"username": call.listener.user.name}}


def get_user(call: Call) -> dict[str, Any]:
    """Oneself; an admin may ask for others. For anyone else, other users do not exist."""
    asked = call.params.text("username", call.listener.user.name, longest=256) or ""
    listener = call.listener
    if asked.casefold() != listener.user.name.casefold():
        if not listener.user.admin:
            raise Forbidden("Only an admin may ask for another user.")
        users = [user for user in call.parts.accounts.users() if user.name.casefold() == asked.casefold()]
        if not users:
            raise NotFound("user", asked[:64])
        listener = call.parts.accounts.listener(users[0])
    admin = listener.user.admin
    return {
        "user": known(
            username=listener.user.name,
            scrobblingEnabled=True,
            adminRole=admin,
            settingsRole=True,
            downloadRole=True,
            uploadRole=False,
            playlistRole=True,
            coverArtRole=False,
            commentRole=False,
            podcastRole=False,
            streamRole=True,
            jukeboxRole=False,
            shareRole=False,
            videoConversionRole=False,
            folder=sorted(listener.libraries),
        )
    }


def get_scan_status(call: Call) -> dict[str, Any]:
    status = call.parts.tracks.status()
    count = status.files_done if status else call.parts.catalogue.counts().tracks
    return {"scanStatus": {"scanning": status is not None, "count": count}}


def start_scan(call: Call) -> dict[str, Any]:
    if not call.listener.user.admin:
        raise Forbidden("Only an admin may start a scan.")
    full = call.params.flag("fullScan", False)
    with contextlib.suppress(Conflict):  # one is under way, as the answer says
        call.parts.tracks.start_scan(full=full)
    return get_scan_status(call)
