"""``/api/me/forwarding``: where one's listens are sent on to."""

from datetime import datetime
from typing import Annotated, Any

import anyio.to_thread
import msgspec
from litestar import delete, get, put
from msgspec import Meta

from segue.errors import BadRequest
from segue.flow.forward import Forwarding
from segue.model import Listener
from segue.parts import Parts
from segue.serve import http
from segue.serve.api import _shapes as shape
from segue.types import Instant

_Short = Annotated[str, Meta(max_length=512)]


class ForwardingAnswer(msgspec.Struct, kw_only=True):
    service: str
    url: str
    since: str
    state: str
    """``on`` or ``paused``."""
    message: str | None
    """Why it is paused, or what went wrong last while listens wait."""
    waiting: int
    sent: int
    last_sent_at: str | None


class NewForwarding(msgspec.Struct):
    token: _Short = ""
    """Of ListenBrainz: the user token. Of Last.fm: a session key; or give ``name`` and ``password``, which are not kept."""
    name: _Short = ""
    password: _Short = ""
    url: _Short | None = None
    since: datetime | None = None


def handlers(parts: Parts) -> list[Any]:
    forwarder = parts.forwarder

    @get("/me/forwarding/{id:str}", sync_to_thread=True)
    def forwarding(me: Listener, id: str) -> ForwardingAnswer:
        """How sending one's listens on goes; 404 when nothing is sent there."""
        return _answer(forwarder.get(me, id))

    @put("/me/forwarding/{id:str}")
    async def forward(data: NewForwarding, me: Listener, id: str) -> ForwardingAnswer:
        """Send one's listens on to ``listenbrainz`` or ``lastfm``. The secret is never shown again."""
        if data.since is not None and data.since.tzinfo is None:
            raise BadRequest("since needs an offset: 2026-11-21T10:00:00Z.")
        since = Instant(int(data.since.timestamp() * 1000)) if data.since else None

        def put_it() -> Forwarding:
            return forwarder.put(me, id, token=data.token, name=data.name, password=data.password, url=data.url, since=since)

        return _answer(await anyio.to_thread.run_sync(put_it, limiter=http.threads(slow=True)))  # may ask Last.fm

    @delete("/me/forwarding/{id:str}", sync_to_thread=True)
    def forget(me: Listener, id: str) -> None:
        """Send nothing more there; the secret and what waits are forgotten."""
        forwarder.remove(me, id)

    return [forwarding, forward, forget]


def _answer(found: Forwarding) -> ForwardingAnswer:
    return ForwardingAnswer(
        service=found.service,
        url=found.url,
        since=shape.instant(found.since) or "",
        state="paused" if found.paused else "on",
        message=found.paused or found.trouble,
        waiting=found.waiting,
        sent=found.sent,
        last_sent_at=shape.instant(found.last_sent_at),
    )
