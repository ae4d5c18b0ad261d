"""``/api``: playing, telling, and what comes next."""

from typing import Annotated, Any

import anyio.to_thread
import msgspec
from litestar import Request, get, post, put, route
from litestar.params import Parameter

from segue.errors import BadRequest
from segue.model import Listener, Slate
from segue.parts import Parts
from segue.play import Format
from segue.serve import http, media
from segue.serve.api import _shapes as shape
from segue.serve.api._parameters import Limit, ids
from segue.types import Ms, SlateId, TrackId, is_id

_LONGEST_MS = 7 * 86_400_000


class Rejected(msgspec.Struct):
    event_id: str
    error: str


class Accepted(msgspec.Struct):
    accepted: list[str]
    rejected: list[Rejected]


class Events(msgspec.Struct):
    events: list[dict[str, Any]]
    next: int


class NextContext(msgspec.Struct):
    queue: list[str] = []
    skipped: list[str] = []
    session_id: str | None = None


class NextQuery(msgspec.Struct):
    n: int = 10
    seeds: list[str] = []
    context: NextContext | None = None
    discovery: float | None = None
    exclude: list[str] = []


class SavedQueue(msgspec.Struct):
    track_ids: list[str]
    index: int = 0
    position_ms: int = 0
    changed_by: str = "player"


class Queue(msgspec.Struct):
    track_ids: list[str]
    index: int
    position_ms: int
    changed_at: str | None
    changed_by: str
    tracks: list[shape.Track]


def handlers(parts: Parts) -> list[Any]:
    catalogue, listening = parts.catalogue, parts.listening

    @route("/tracks/{id:str}/stream", http_method=["GET", "HEAD"], status_code=200)
    async def stream(
        me: Listener,
        id: str,
        format: Format | None = None,
        bitrate_kbps: Annotated[int | None, Parameter(ge=1, le=10_000)] = None,
        start_ms: Annotated[int, Parameter(ge=0, le=_LONGEST_MS)] = 0,
    ) -> media.Bytes:
        """The file as it is, or (with ``format``) transcoded, from ``start_ms``."""

        def open_it() -> media.Bytes:
            track, path = catalogue.file(me, TrackId(id))
            if format is None:
                return media.file_response(path, track)
            return media.transcode_response(parts.transcoder, path, track, format=format, bitrate_kbps=bitrate_kbps, start_ms=start_ms)

        return await anyio.to_thread.run_sync(open_it, limiter=http.threads(slow=format is not None))

    @route("/tracks/{id:str}/file", http_method=["GET", "HEAD"], sync_to_thread=True, status_code=200)
    def file(me: Listener, id: str) -> media.Bytes:
        """The file as a download."""
        track, path = catalogue.file(me, TrackId(id))
        return media.file_response(path, track, attachment=True)

    @post("/events", status_code=200, opt={"scope": "listen"})
    async def tell(request: Request[Any, Any, Any], me: Listener) -> Accepted:
        """Append events to one's log. Valid ones commit together; repeating is harmless."""
        appended = await anyio.to_thread.run_sync(listening.record_wire, me, await request.body())
        return Accepted(list(appended.accepted), [Rejected(id, why) for id, why in appended.rejected])

    @get("/events", sync_to_thread=True)
    def events(me: Listener, after: Annotated[int, Parameter(ge=0, le=2**62)] = 0, limit: Limit = 100) -> Events:
        """One's own log from an offset, in order."""
        found, following = listening.events(me, after, limit)
        return Events(list(found), following)

    @post("/next", sync_to_thread=True, status_code=200, opt={"scope": "listen"})
    def next_(data: NextQuery, me: Listener) -> shape.Slate:
        """What comes next, with reasons."""
        context = data.context or NextContext()
        query = listening.query(
            me,
            n=data.n,
            seeds=[TrackId(id) for id in data.seeds],
            queue=[TrackId(id) for id in context.queue],
            skipped=[TrackId(id) for id in context.skipped],
            exclude=[TrackId(id) for id in data.exclude],
            session_id=context.session_id,
            discovery=parts.accounts.preferences(me.user.id).discovery if data.discovery is None else data.discovery,
        )
        slate = listening.next(me, query)
        return shape.Slate(
            id=slate.id, generation=slate.generation, degraded=list(slate.degraded), message=slate.message, items=items(me, slate)
        )

    @get("/slates/{id:str}", sync_to_thread=True)
    def slate(me: Listener, id: str) -> shape.SlateTrace:
        """An answer once more, with what each stage removed and why."""
        found = listening.slate(me, SlateId(id))
        known = catalogue.tracks([one.track_id for one in found.removed], me.user.id)
        removed = [
            shape.Removed(
                shape.track(track) if (track := known.get(one.track_id)) and track.library_id in me.libraries else None,
                one.stage,
                one.reason,
            )
            for one in found.removed
        ]
        return shape.SlateTrace(
            id=found.id,
            generation=found.generation,
            degraded=list(found.degraded),
            message=found.message,
            items=items(me, found),
            at=shape.instant(found.at) or "",
            query=msgspec.to_builtins(found.query),
            removed=removed,
            timings=[shape.Timing(one.stage, one.ms, one.n_in, one.n_out) for one in found.timings],
        )

    def items(me: Listener, slate: Slate) -> list[shape.SlateItem]:
        tracks = {track.id: track for track in catalogue.visible_tracks(me, [item.track_id for item in slate.items])}
        return [
            shape.SlateItem(
                shape.track(tracks[item.track_id]),
                item.score,
                item.source,
                [shape.Reason(reason.code, reason.text, reason.evidence) for reason in item.reasons],
            )
            for item in slate.items
            if item.track_id in tracks
        ]

    @get("/queue", sync_to_thread=True)
    def queue(me: Listener) -> Queue:
        """The queue as whichever device saved it last."""
        held = parts.queues.get(me.user.id)
        if held is None:
            return Queue([], 0, 0, None, "", [])
        tracks = catalogue.visible_tracks(me, held.track_ids)
        seen = {track.id for track in tracks}
        index = sum(1 for id in held.track_ids[: held.current] if id in seen)
        current_is_there = bool(held.track_ids) and held.track_ids[held.current] in seen
        return Queue(
            [track.id for track in tracks],
            min(index, max(0, len(tracks) - 1)),
            held.position_ms if current_is_there else 0,
            shape.instant(held.changed_at),
            held.changed_by,
            [shape.track(track) for track in tracks],
        )

    @put("/queue", sync_to_thread=True, opt={"scope": "listen"})
    def save_queue(data: SavedQueue, me: Listener) -> Queue:
        if not 0 <= data.position_ms <= _LONGEST_MS:
            raise BadRequest("position_ms is out of range.")
        wanted = ids(data.track_ids, 10_000)
        seen = {track.id for track in catalogue.visible_tracks(me, [TrackId(id) for id in dict.fromkeys(wanted) if is_id(id)])}
        kept = [TrackId(id) for id in wanted if id in seen]
        index = sum(1 for id in wanted[: max(0, data.index)] if id in seen)
        held = parts.queues.put(me.user.id, kept, min(index, max(0, len(kept) - 1)), Ms(data.position_ms), changed_by=data.changed_by[:64])
        return Queue(list(kept), held.current, held.position_ms, shape.instant(held.changed_at), held.changed_by, [])

    return [stream, file, tell, events, next_, slate, queue, save_queue]
