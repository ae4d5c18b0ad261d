"""The five calls about playlists."""

from typing import Any

from segue.errors import Forbidden, NotFound
from segue.model import Playlist
from segue.serve.subsonic import _records as record
from segue.serve.subsonic._call import Call
from segue.serve.subsonic._params import MissingParameter
from segue.types import PlaylistId, TrackId, is_id

_MOST = 100_000


def get_playlists(call: Call) -> dict[str, Any]:
    asked = call.params.text("username", longest=256)
    if asked is not None and asked.casefold() != call.listener.user.name.casefold() and not call.listener.user.admin:
        raise Forbidden("Only an admin may ask for another user's playlists.")
    lists = [one for one in call.parts.playlists.list(call.listener) if asked is None or one.owner.casefold() == asked.casefold()]
    return {"playlists": {"playlist": [record.playlist(one) for one in lists]}}


def get_playlist(call: Call) -> dict[str, Any]:
    return _shown(call, PlaylistId(call.params.id()))


def create_playlist(call: Call) -> dict[str, Any]:
    """With ``name`` a new one; with ``playlistId`` the content of that one replaced."""
    tracks = _songs(call, "songId")
    if "playlistId" in call.params:
        id = PlaylistId(call.params.id("playlistId"))
        call.parts.playlists.replace(call.listener, id, tracks)
        if name := call.params.text("name"):
            call.parts.playlists.update(call.listener, id, name=name)
    else:
        if "name" not in call.params:
            raise MissingParameter("Required parameter 'name' or 'playlistId' is missing.")
        created: Playlist = call.parts.playlists.create(call.listener, call.params.need("name"), track_ids=tracks)
        id = created.id
    return _shown(call, id)


def update_playlist(call: Call) -> None:
    """Rename, comment, publish, append, and remove by index (as the list was before this call)."""
    id = PlaylistId(call.params.id("playlistId"))
    tracks = _songs(call, "songIdToAdd")
    removed = [_index(text) for text in call.params.many("songIndexToRemove")]
    if any(name in call.params for name in ("name", "comment", "public")):
        call.parts.playlists.update(
            call.listener,
            id,
            name=call.params.text("name"),
            comment=call.params.text("comment", longest=10_000),
            public=call.params.flag("public", False) if "public" in call.params else None,
        )
    if removed:
        call.parts.playlists.remove_positions(call.listener, id, removed)
    if tracks:
        call.parts.playlists.append(call.listener, id, tracks)
    if not (removed or tracks):
        call.parts.playlists.get(call.listener, id)  # says so if there is none


def delete_playlist(call: Call) -> None:
    call.parts.playlists.delete(call.listener, PlaylistId(call.params.id()))


def _songs(call: Call, name: str) -> list[TrackId]:
    ids = call.params.ids(name)
    seen = {
        track.id for track in call.parts.catalogue.visible_tracks(call.listener, [TrackId(id) for id in dict.fromkeys(ids) if is_id(id)])
    }
    for id in ids:
        if id not in seen:
            raise NotFound("song", id[:64])
    return [TrackId(id) for id in ids]


def _index(text: str) -> int:
    if not text.isdigit() or int(text) > _MOST:
        raise NotFound("song at index", text[:20])
    return int(text)


def _shown(call: Call, id: PlaylistId) -> dict[str, Any]:
    playlist, tracks = call.parts.playlists.get(call.listener, id)
    return {"playlist": {**record.playlist(playlist), "entry": [record.song(track) for track in tracks]}}
