"""The OpenAPI document at ``/api/openapi.json``: what Litestar reads off the handlers, and what it cannot see there.

Added here: how one proves who one is, the one shape of every error, the body of ``POST /api/events`` (whose handler takes bytes), and that
sound and pictures are bytes. No pages that load scripts from elsewhere.
"""

import copy
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin
from msgspec import Meta

from segue.model import EventKind, Outcome

_REF = "#/components/schemas/{name}"
_BYTES = {"type": "string", "format": "binary"}
_OPEN = {("post", "/session")}
"""Calls that need no proof of who asks."""


class ErrorDetail(msgspec.Struct):
    code: Literal[
        "bad_request",
        "unauthenticated",
        "forbidden",
        "not_found",
        "conflict",
        "too_large",
        "media_failed",
        "throttled",
        "unavailable",
        "error",
    ]
    message: str


class Error(msgspec.Struct):
    """Every error, at every status."""

    error: ErrorDetail


class EventSubject(msgspec.Struct):
    type: Literal["track", "episode", "release", "artist", "playlist", "slate", "external"]
    id: str | None = None
    external: dict[str, str] | None = None


class EventIn(msgspec.Struct):
    """One act of a listener. Instants are RFC 3339."""

    event_id: Annotated[str, Meta(min_length=1, max_length=64)]
    kind: EventKind
    at: str
    subject: EventSubject | None = None
    session_id: str | None = None
    device_id: str | None = None
    play_id: str | None = None
    utc_offset_min: int | None = None
    position_ms: int | None = None
    played_ms: int | None = None
    outcome: Outcome | None = None
    rating: Annotated[int, Meta(ge=0, le=5)] | None = None
    reason: str | None = None
    context: dict[str, Any] | None = None
    client: str | None = None
    private: bool = False


class EventBatch(msgspec.Struct):
    events: Annotated[list[EventIn], Meta(max_length=1000)]
    sent_at: str | None = None


class Document(JsonRenderPlugin):
    """Renders the completed document; made once, at the first request."""

    def __init__(self) -> None:
        # Litestar answers every unknown path beside the document with a page of its own: so nothing else is beside it.
        super().__init__(path="/", media_type="application/json")  # type: ignore[arg-type]
        self._rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        if self._rendered is None:
            self._rendered = msgspec.json.encode(complete(openapi_schema))
        return self._rendered


def complete(found: dict[str, Any]) -> dict[str, Any]:
    """A copy of Litestar's document with what it cannot see."""
    document = copy.deepcopy(found)
    _, schemas = msgspec.json.schema_components([Error, EventBatch], ref_template=_REF)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas)
    components["securitySchemes"] = {
        "secret": {"type": "http", "scheme": "bearer", "description": "An app password, or a token made with `segue token create`."},
        "session": {"type": "apiKey", "in": "cookie", "name": "segue_session"},
        "csrf": {"type": "apiKey", "in": "header", "name": "X-Segue-CSRF", "description": "With a session, for every unsafe method."},
    }
    for path, methods in document["paths"].items():
        short = "/" + path.partition("/api/")[2]
        for method, call in methods.items():
            _complete_call(method, short, call)
    return document


def _complete_call(method: str, path: str, call: dict[str, Any]) -> None:
    responses = call["responses"]
    responses.pop("400", None)
    if "204" in responses:
        responses["204"] = {"description": "Done; nothing to say."}
    responses["default"] = {
        "description": "Any error, in the one shape of errors.",
        "content": {"application/json": {"schema": {"$ref": _REF.format(name="Error")}}},
    }
    if (method, path) not in _OPEN:
        call["security"] = [{"secret": []}, {"session": []} if method in {"get", "head"} else {"session": [], "csrf": []}]
    if path.endswith(("/stream", "/file")):
        responses["200"] = {"description": "The whole of it.", "content": {"audio/*": {"schema": _BYTES}}}
        responses["206"] = {"description": "The range asked for.", "content": {"audio/*": {"schema": _BYTES}}}
        responses["416"] = {"description": "The range lies outside."}
    elif path.startswith("/art/"):
        responses["200"] = {"description": "The picture.", "content": {"image/jpeg": {"schema": _BYTES}}}
    elif path == "/me/export":
        responses["200"] = {
            "description": "One JSON object a line, or a Parquet file.",
            "content": {"application/x-ndjson": {"schema": _BYTES}},
        }
    elif (method, path) == ("post", "/me/imports"):
        call["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": _BYTES}}}
    elif (method, path) == ("post", "/events"):
        content = {"application/json": {"schema": {"$ref": _REF.format(name="EventBatch")}}}
        call["requestBody"] = {"required": True, "content": content}
