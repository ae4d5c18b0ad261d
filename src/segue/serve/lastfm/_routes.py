"""The one place where a call comes in and its answer or error goes out."""

import re
from typing import Any
from urllib.parse import parse_qsl

import anyio.to_thread
from litestar import Request, Response, get, post, route
from litestar.handlers import HTTPRouteHandler

from segue.errors import Forbidden, SegueError, Throttled, Unauthenticated, Unavailable
from segue.observe import get_logger, metrics
from segue.parts import Parts
from segue.serve import http
from segue.serve.lastfm import _page, _wire
from segue.serve.lastfm._call import Params, call_of
from segue.serve.lastfm._methods import METHODS
from segue.serve.lastfm._wire import LastfmError

_log = get_logger("lastfm")
_JSON = re.compile(r"(?:^|&)format=json(?:&|$)", re.IGNORECASE)
_MOST_FIELDS = 2_000
"""Fifty scrobbles have a few hundred."""
_CODES: tuple[tuple[type[SegueError], int], ...] = (
    (Throttled, _wire.RATE_LIMIT),
    (Unauthenticated, _wire.AUTHENTICATION_FAILED),
    (Forbidden, _wire.AUTHENTICATION_FAILED),
    (Unavailable, _wire.UNAVAILABLE),
)
"""Domain errors as Last.fm's codes; anything else is 6, invalid parameters."""


def routes(parts: Parts) -> list[HTTPRouteHandler]:
    """``/2.0/`` and ``/api/auth/``."""

    @route("/2.0", http_method=["GET", "POST"], include_in_schema=False, status_code=200, name="lastfm")
    async def call(request: Request[Any, Any, Any]) -> Response[bytes]:
        body = await request.body() if request.method == "POST" else b""
        return await anyio.to_thread.run_sync(_dispatch, parts, request, body, limiter=http.threads())

    @get("/api/auth", include_in_schema=False)
    async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await anyio.to_thread.run_sync(_page.show, parts, request, limiter=http.threads())

    @post("/api/auth", include_in_schema=False, status_code=200)
    async def approve(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await anyio.to_thread.run_sync(_page.approve, parts, request, await request.body(), limiter=http.threads())

    return [call, page, approve]


def _dispatch(parts: Parts, request: Request[Any, Any, Any], body: bytes) -> Response[bytes]:
    texts = (request.scope["query_string"].decode("latin-1"), body.decode("utf-8", "replace"))
    format = "json" if any(_JSON.search(text) for text in texts) else "xml"
    try:
        params = _params(texts)
        method = METHODS.get(params.need("method").lower())
        if method is None:
            raise LastfmError(_wire.INVALID_METHOD, "There is no such method here.")
        call = call_of(parts, params, address=http.client_address(request), base_url=http.base_url(request, parts))
        return _answer(200, _wire.ok(method(call), format))
    except LastfmError as error:
        if error.code in {_wire.AUTHENTICATION_FAILED, _wire.INVALID_SESSION, _wire.INVALID_SIGNATURE}:
            metrics.sign_in_failures.labels("lastfm").inc()
        return _answer(error.status, _wire.failed(error.code, str(error), format))
    except SegueError as error:
        code = next((code for kind, code in _CODES if isinstance(error, kind)), _wire.INVALID_PARAMETERS)
        if isinstance(error, Unauthenticated | Throttled):
            metrics.sign_in_failures.labels("lastfm").inc()
        if isinstance(error, Unavailable):
            _log.warning("unavailable", why=str(error))
        headers = {"Retry-After": str(max(1, round(error.retry_after_s)))} if isinstance(error, Throttled) else {}
        return _answer(LastfmError(code, "").status, _wire.failed(code, str(error), format), headers)


def _params(texts: tuple[str, str]) -> Params:
    """Of the query and, over it, the form. Raises error 6 for too many."""
    try:
        return Params(pair for text in texts for pair in parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise LastfmError(_wire.INVALID_PARAMETERS, f"There are more than {_MOST_FIELDS} parameters.") from error


def _answer(status: int, content: tuple[bytes, str], headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(content[0], status_code=status, media_type=content[1], headers={"Cache-Control": "no-store", **(headers or {})})
