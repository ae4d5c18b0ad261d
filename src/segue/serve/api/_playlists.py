"""``/api/playlists``."""

from typing import Any

import msgspec
from litestar import delete, get, patch, post, put

from segue.library._playlists import MOST_ENTRIES
from segue.model import Listener
from segue.parts import Parts
from segue.serve.api import _shapes as shape
from segue.serve.api._parameters import ids
from segue.types import PlaylistId, TrackId


class NewPlaylist(msgspec.Struct):
    name: str
    comment: str = ""
    public: bool = False
    track_ids: list[str] = []


class PlaylistChange(msgspec.Struct):
    name: str | None = None
    comment: str | None = None
    public: bool | None = None


class TrackIds(msgspec.Struct):
    track_ids: list[str]


class PlaylistPage(msgspec.Struct):
    playlist: shape.Playlist
    tracks: list[shape.Track]


def _tracks(data: list[str]) -> list[TrackId]:
    return [TrackId(id) for id in ids(data, MOST_ENTRIES)]


def handlers(parts: Parts) -> list[Any]:
    playlists = parts.playlists

    @get("/playlists", sync_to_thread=True)
    def every(me: Listener) -> shape.Playlists:
        """One's own, public ones of others, and those found in libraries."""
        found = [shape.playlist(one, me.user.id) for one in playlists.list(me)]
        return shape.Playlists(found, len(found))

    @post("/playlists", sync_to_thread=True)
    def create(data: NewPlaylist, me: Listener) -> shape.Playlist:
        made = playlists.create(me, data.name, comment=data.comment, public=data.public, track_ids=_tracks(data.track_ids))
        return shape.playlist(made, me.user.id)

    @get("/playlists/{id:str}", sync_to_thread=True)
    def one(me: Listener, id: str) -> PlaylistPage:
        found, tracks = playlists.get(me, PlaylistId(id))
        return PlaylistPage(shape.playlist(found, me.user.id), [shape.track(track) for track in tracks])

    @patch("/playlists/{id:str}", sync_to_thread=True)
    def change(data: PlaylistChange, me: Listener, id: str) -> shape.Playlist:
        changed = playlists.update(me, PlaylistId(id), name=data.name, comment=data.comment, public=data.public)
        return shape.playlist(changed, me.user.id)

    @put("/playlists/{id:str}/tracks", sync_to_thread=True)
    def replace(data: TrackIds, me: Listener, id: str) -> shape.Playlist:
        """The whole order replaced."""
        return shape.playlist(playlists.replace(me, PlaylistId(id), _tracks(data.track_ids)), me.user.id)

    @post("/playlists/{id:str}/tracks", sync_to_thread=True, status_code=200)
    def append(data: TrackIds, me: Listener, id: str) -> shape.Playlist:
        return shape.playlist(playlists.append(me, PlaylistId(id), _tracks(data.track_ids)), me.user.id)

    @delete("/playlists/{id:str}", sync_to_thread=True)
    def remove(me: Listener, id: str) -> None:
        """Kept for 30 days: ``restore`` undoes it."""
        playlists.delete(me, PlaylistId(id))

    @post("/playlists/{id:str}/restore", sync_to_thread=True, status_code=200)
    def restore(me: Listener, id: str) -> shape.Playlist:
        return shape.playlist(playlists.restore(me, PlaylistId(id)), me.user.id)

    return [every, create, one, change, replace, append, remove, restore]
