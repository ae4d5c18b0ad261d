"""``/api``: instant mixes and paths by sound."""

from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import Parameter

from segue.errors import BadRequest
from segue.flow.mixes import Mixed, SeedKind
from segue.model import Listener
from segue.parts import Parts
from segue.serve.api import _shapes as shape
from segue.serve.api._parameters import Short, ids
from segue.types import TrackId

_DRAWN = 100


class MixItem(msgspec.Struct):
    track: shape.Track
    similarity: float | None


class Mix(msgspec.Struct):
    fell_back: bool
    items: list[MixItem]


class DrawnPath(msgspec.Struct, forbid_unknown_fields=True):
    tracks: list[str]
    n: int = 50


def _told(mixed: Mixed) -> Mix:
    return Mix(mixed.fell_back, [MixItem(shape.track(track), mixed.similarities.get(track.id)) for track in mixed.tracks])


def _given(name: str, value: str | None) -> str:
    if not value:
        raise BadRequest(f"{name} is missing.")
    return value


def handlers(parts: Parts) -> list[Any]:
    @get("/mix", sync_to_thread=True)
    def mix(
        me: Listener,
        kind: Annotated[SeedKind, Parameter(query="type")] = "track",
        id: Short = None,
        n: Annotated[int, Parameter(ge=1, le=500)] = 50,
    ) -> Mix:
        """What sounds like a track, release, artist, genre (``id`` is its name) or folder: at most two by one artist of ten in a row."""
        return _told(parts.mixes.mix(me, kind, _given("id", id), n))

    @get("/path", sync_to_thread=True)
    def path(
        me: Listener,
        start: Annotated[str | None, Parameter(query="from", max_length=64)] = None,
        end: Annotated[str | None, Parameter(query="to", max_length=64)] = None,
        n: Annotated[int, Parameter(ge=2, le=200)] = 25,
    ) -> Mix:
        """From one track to another in even steps, both in it. ``similarity`` is to the first."""
        return _told(parts.mixes.path(me, TrackId(_given("from", start)), TrackId(_given("to", end)), n))

    @post("/path", sync_to_thread=True, status_code=200, opt={"scope": "listen"})
    def along(me: Listener, data: DrawnPath) -> Mix:
        """Along a drawn path: the given tracks in order, near ones between, ``n`` in all."""
        return _told(parts.mixes.along(me, [TrackId(id) for id in ids(data.tracks, _DRAWN)], data.n))

    return [mix, path, along]
