"""``/api/me/imports`` and ``/api/me/export``: a history brought along, and taken away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import anyio.to_thread
import msgspec
from litestar import Request, delete, get, post
from litestar.response import Stream

from segue.access import zone_of
from segue.errors import BadRequest, Forbidden
from segue.flow.export import event_lines, listen_lines, parquet_file
from segue.flow.imports import ImportJob
from segue.imports import Service
from segue.model import Listener
from segue.parts import Parts
from segue.serve import http
from segue.serve.api import _shapes as shape
from segue.serve.api._parameters import Limit

_CHUNK = 1 << 18


class ImportAnswer(msgspec.Struct, kw_only=True):
    id: str
    service: str
    state: str
    read: int
    new: int
    matched: int
    unmatched: int
    refused: int
    examples: list[str]
    """Of what could not be read, and why."""
    bytes_done: int
    bytes_total: int
    error: str | None
    timezone: str | None
    started_at: str
    ended_at: str | None


class Proof(msgspec.Struct):
    password: str


class Erased(msgspec.Struct):
    events: int


class Position(msgspec.Struct):
    track: shape.Track
    position_ms: int
    at: str


class Positions(msgspec.Struct):
    items: list[Position]


class ImportList(msgspec.Struct):
    items: list[ImportAnswer]


def handlers(parts: Parts) -> list[Any]:
    @post("/me/imports", status_code=202, request_max_body_size=None)
    async def upload(
        request: Request[Any, Any, Any], me: Listener, service: Service | None = None, timezone: str | None = None
    ) -> ImportAnswer:
        """The export file itself as body, up to 4 GiB; ``service`` says whose. It is read in the background. Hours and days count by the
        clock of ``timezone`` (IANA; kept where the listener has none yet), else the listener's, else UTC."""
        if service is None:  # not a required parameter, since those are checked before who asks
            raise BadRequest("Say whose export it is: service=spotify, listenbrainz or lastfm.")
        zone = await anyio.to_thread.run_sync(clock_of, me, timezone)
        return _answer(await parts.imports.upload(me, service, request.stream(), zone))

    def clock_of(me: Listener, named: str | None) -> str | None:
        kept = parts.accounts.preferences(me.user.id).timezone
        if named:
            zone_of(named)
            if kept is None:
                parts.accounts.set_preferences(me.user.id, {"timezone": named})
        return named or kept

    @get("/me/imports", sync_to_thread=True)
    def imports(me: Listener) -> ImportList:
        """What one brought along, latest first."""
        return ImportList([_answer(job) for job in parts.imports.jobs(me.user.id)])

    @delete("/me/imports/{id:str}", sync_to_thread=True)
    def cancel(me: Listener, id: str) -> None:
        """Stop an import where it is, or forget an ended one. What was read is kept."""
        parts.imports.cancel(me.user.id, id)

    @get("/me/export", media_type="application/x-ndjson")
    async def export(me: Listener, format: Literal["jsonl", "parquet"] = "jsonl", what: Literal["listens", "events"] = "listens") -> Stream:
        """One's whole history: every listen with names, or the log of events as it was told."""
        headers = {"Content-Disposition": f'attachment; filename="segue-{what}.{format}"'}
        if format == "jsonl":
            lines = event_lines(parts.listening, me) if what == "events" else listen_lines(parts.history, me)
            return Stream(_joined(lines), media_type="application/x-ndjson", headers=headers)
        if what == "events":
            raise BadRequest("Parquet holds listens; ask for the events as jsonl.")
        path = await anyio.to_thread.run_sync(parquet_file, parts.history, me, parts.data.work)
        return Stream(_file(path), media_type="application/vnd.apache.parquet", headers=headers)

    def prove(request: Request[Any, Any, Any], me: Listener, password: str) -> None:
        if me.token_id is not None:
            raise Forbidden("A token cannot erase a history. Sign in to the player.")
        parts.accounts.check_password(me.user.id, password, http.client_address(request))

    @delete("/me/history", sync_to_thread=True, status_code=200)
    def erase(request: Request[Any, Any, Any], data: Proof, me: Listener) -> Erased:
        """Delete all one ever played, liked, rated and was shown, for good; the account and playlists stay. Needs the login password."""
        prove(request, me, data.password)
        return Erased(parts.history.erase(me.user.id))

    @delete("/me", sync_to_thread=True, status_code=204)
    def leave(request: Request[Any, Any, Any], data: Proof, me: Listener) -> None:
        """Delete one's account and all that is known of one, for good. Needs the login password. The only admin cannot leave."""
        prove(request, me, data.password)
        parts.accounts.check_removable(me.user.id)
        parts.imports.forget(me.user.id)
        parts.history.erase(me.user.id)
        parts.accounts.remove_user(me.user.id)

    @get("/me/positions", sync_to_thread=True)
    def positions(me: Listener, limit: Limit = 50) -> Positions:
        """Where tracks were left in their midst, latest first."""
        found = parts.history.positions(me, limit)
        return Positions([Position(shape.track(track), position, shape.instant(at) or "") for track, position, at in found])

    return [upload, imports, cancel, export, erase, leave, positions]


def _joined(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Lines in pieces worth sending."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _file(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    finally:
        path.unlink(missing_ok=True)


def _answer(job: ImportJob) -> ImportAnswer:
    return ImportAnswer(
        id=job.id,
        service=job.service,
        state=job.state,
        read=job.read,
        new=job.new,
        matched=job.matched,
        unmatched=job.unmatched,
        refused=job.refused,
        examples=[shape.text(example) for example in job.examples],
        bytes_done=job.bytes_done,
        bytes_total=job.bytes_total,
        error=job.error,
        timezone=job.timezone,
        started_at=shape.instant(job.started_at) or "",
        ended_at=shape.instant(job.ended_at),
    )
