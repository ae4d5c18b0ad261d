"""Calls that answer with what sounds alike, here and without asking anyone."""

from typing import Any

from segue.errors import NotFound
from segue.flow.mixes import Mixed
from segue.serve.subsonic import _records as record
from segue.serve.subsonic._call import Call
from segue.serve.subsonic._params import MissingParameter
from segue.types import TrackId

_SONGS = 500
_PATH = 200


def get_similar_songs(call: Call) -> dict[str, Any]:
    return {"similarSongs": {"song": _songs(call)}}


def get_similar_songs2(call: Call) -> dict[str, Any]:
    return {"similarSongs2": {"song": _songs(call)}}


def _songs(call: Call) -> list[dict[str, Any]]:
    """An instant mix from an artist, album or song; where nothing was heard, from their tags."""
    id, n = call.params.id(), call.params.count("count", 50, _SONGS)
    kind = call.parts.catalogue.kind_of(call.listener, id)
    if kind not in {"track", "release", "artist", "folder"}:
        raise NotFound("artist, album or song", id)
    if n == 0:
        return []
    return [record.song(track) for track in call.parts.mixes.mix(call.listener, kind, id, n).tracks]


def get_sonic_similar_tracks(call: Call) -> dict[str, Any]:
    """By sound alone: empty until the song was heard. ``similarity`` is (1 + cosine) / 2."""
    seed = call.parts.catalogue.track(call.listener, TrackId(call.params.id()))
    n = call.params.count("count", 10, _SONGS)
    near = call.parts.mixes.near(call.listener, seed.id, n)
    return {"sonicMatch": _matches(near)}


def find_sonic_path(call: Call) -> dict[str, Any]:
    """From one song to another, both in it; empty where one of them was not heard."""
    ids = []
    for name in ("startSongId", "endSongId"):
        if name not in call.params:
            raise MissingParameter(f"Required parameter {name!r} is missing.")
        ids.append(TrackId(call.params.id(name)))
    n = call.params.number("count", 25, 1, 2**31 - 1)
    path = call.parts.mixes.path(call.listener, ids[0], ids[1], max(2, min(n, _PATH)))
    return {"sonicMatch": [] if path.fell_back else _matches(path)[:n]}


def _matches(mixed: Mixed) -> list[dict[str, Any]]:
    likeness = mixed.similarities
    return [
        {"entry": record.song(track), "similarity": round((1 + likeness[track.id]) / 2, 4) if track.id in likeness else -1}
        for track in mixed.tracks
    ]
