"""Manners of the edge that all protocols share: who asks from where, request ids, security headers, sizes, errors, counts.

The edge wraps the whole application, so that an unknown path and a crash have them too.
"""

import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import anyio
import structlog
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException

from segue.config import Config
from segue.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    MediaFailed,
    NotFound,
    SegueError,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from segue.model import Listener
from segue.observe import get_logger, metrics
from segue.parts import Parts
from segue.types import new_id

_log = get_logger("http")
COOKIE = "segue_session"
MAX_BODY_BYTES = 4 << 20
_SLOW_S = 1.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; "
        b"worker-src 'self'; manifest-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


class Edge:
    """The outermost application. ``scope["segue"]`` tells those inside the true scheme, host and address of the asker."""

    def __init__(self, application: Application, config: Config, stopping: Callable[[], None] = lambda: None) -> None:
        """``stopping`` ends the connections that would otherwise stay open; call it from the event loop."""
        self._application = application
        self.stopping = stopping
        self._open_to_all = (f"{config.base_url}/rest/", f"{config.base_url}/1/")
        self._trusted = [ipaddress.ip_network(network, strict=False) for network in config.trusted_proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            scope["segue"] = self._origin(scope)
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = new_id()
        scope["segue"] = self._origin(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        open_to_all = scope["path"].startswith(self._open_to_all)
        if open_to_all and scope["method"] == "OPTIONS":
            await _preflight(send)
            return
        status = 500
        unread = _has_body(scope)

        async def reading() -> MutableMapping[str, Any]:
            nonlocal unread
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                unread = False
            return message

        async def mannered(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                extra = [(b"x-request-id", request_id.encode()), *_HEADERS]
                if open_to_all:  # no cookie counts there: web clients of other origins may ask with a secret of their own
                    extra.append((b"access-control-allow-origin", b"*"))
                if unread:  # what is still on its way would be taken for the next request
                    extra.append((b"connection", b"close"))
                held = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *((name, value) for name, value in extra if name not in held)]
            await send(message)

        try:
            await self._application(scope, reading, mannered)
        finally:
            spent = time.perf_counter() - started
            route = _route(scope, status)
            metrics.http_request_s.labels(scope["method"], route, str(status)).observe(spent)
            tell = _log.info if spent > _SLOW_S and "stream" not in route else _log.debug
            tell(
                "request", method=scope["method"], route=route, status=status, ms=round(spent * 1000, 1), address=scope["segue"]["address"]
            )

    def _origin(self, scope: Scope) -> dict[str, str]:
        """``X-Forwarded-*`` is believed only from a trusted proxy, and the address is the last one no trusted proxy vouches for."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        address = (scope.get("client") or ("", 0))[0]
        scheme, host = scope.get("scheme", "http"), headers.get(b"host", "localhost")
        if self._is_trusted(address):
            for hop in reversed([part.strip() for part in headers.get(b"x-forwarded-for", "").split(",") if part.strip()]):
                address = hop
                if not self._is_trusted(hop):
                    break
            scheme = "https" if str(headers.get(b"x-forwarded-proto", scheme)).split(",")[0].strip() == "https" else scheme
            host = headers.get(b"x-forwarded-host", host).split(",")[0].strip()
        return {"address": address[:64], "scheme": scheme, "host": host[:255]}

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def _has_body(scope: Scope) -> bool:
    """Whether an HTTP/1 request comes with a body, by its headers."""
    told = {name: value for name, value in scope["headers"] if name in {b"content-length", b"transfer-encoding"}}
    return str(scope.get("http_version", "1.1")).startswith("1") and bool(told) and told.get(b"content-length") != b"0"


async def _preflight(send: Send) -> None:
    headers = [
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", b"GET, HEAD, POST"),
        (b"access-control-allow-headers", b"authorization, content-type, range"),
        (b"access-control-max-age", b"86400"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _route(scope: Scope, status: int) -> str:
    template = str(scope.get("path_template") or "unmatched")
    if "{endpoint" in template:
        return (
            f"/rest/{scope.get('path_params', {}).get('endpoint', '')}".removesuffix(".view")
            if status not in {404, 501}
            else "/rest/unknown"
        )
    return template


# -- who asks --------------------------------------------------------------------------------------------------------


def client_address(request: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Where the request came from, past trusted proxies."""
    return str(request.scope["segue"]["address"])  # type: ignore[typeddict-item]


def is_secure(request: Request[Any, Any, Any]) -> bool:
    return bool(request.scope["segue"]["scheme"] == "https")  # type: ignore[typeddict-item]


def base_url(request: Request[Any, Any, Any], parts: Parts) -> str:
    """Where this server is as the asker sees it, without a trailing slash."""
    origin = request.scope["segue"]  # type: ignore[typeddict-item]
    return parts.public_url or f"{origin['scheme']}://{origin['host']}{parts.base_path}"


_PROXIED = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "forwarded", "via")


def is_local(request: Request[Any, Any, Any]) -> bool:
    """Whether someone on this machine asks: not a proxy on it that says it speaks for another, trusted or not."""
    if any(name in request.headers for name in _PROXIED):
        return False
    try:
        return ipaddress.ip_address(client_address(request)).is_loopback
    except ValueError:
        return False


def check_same_site(request: Request[Any, Any, Any]) -> None:
    """Raises Forbidden when a browser says that a page of another site made this request.

    ``Sec-Fetch-Site`` says so where the connection is secure. Over plain HTTP, at home, ``Origin`` does: its host must be the one asked
    for. Ports are not compared, since proxies often leave them out; the CSRF token and SameSite stand behind this.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        foreign = site not in {"same-origin", "none"}
    else:
        foreign = origin is not None and _host_of(origin) != _host_of(f"//{request.scope['segue']['host']}")  # type: ignore[typeddict-item]
    if foreign:
        raise Forbidden("This request came from another site. Behind a proxy, it must pass the Host header on, or be a trusted one.")


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def is_admin(request: Request[Any, Any, Any], parts: Parts) -> bool:
    try:
        listener = authenticate(request, parts, "admin")
    except SegueError:
        return False
    return listener.user.admin


def check_scope(listener: Listener, scope: str) -> None:
    """Raises Forbidden when the token one came with may not do this. A signed-in browser may do all its user may."""
    if scope not in listener.scopes and "*" not in listener.scopes:
        raise Forbidden(f"This token lacks the scope {scope!r}. Make another with `segue token create --scope {scope}`.")


def authenticate(request: Request[Any, Any, Any], parts: Parts, scope: str) -> Listener:
    """Who asks, by Bearer secret or session cookie. ``scope``: what a token must be allowed to do.

    A browser's unsafe request must carry the session's CSRF token and come from our own pages.
    Raises Unauthenticated, Forbidden, Throttled.
    """
    header = request.headers.get("authorization", "")
    if header:
        kind, _, secret = header.partition(" ")
        if kind.lower() != "bearer" or not secret:
            raise Unauthenticated("Send `Authorization: Bearer SECRET`, with an app password or token of yours.")
        listener = parts.accounts.authenticate_secret(
            secret.strip(), address=client_address(request), client=request.headers.get("user-agent", "")[:64] or None
        )
        check_scope(listener, scope)
        return listener
    session = parts.accounts.session(request.cookies.get(COOKIE, ""))
    if session is None:
        raise Unauthenticated("Sign in first.")
    if request.method not in {"GET", "HEAD"}:
        offered = request.headers.get("x-segue-csrf", "")
        if not hmac.compare_digest(offered.encode("utf-8", "replace"), session.csrf.encode()):
            raise Forbidden("The header X-Segue-CSRF is missing or stale: take it from GET /api/session.")
        check_same_site(request)
    return parts.accounts.listener(session.user, client="player")


# -- threads -----------------------------------------------------------------------------------------------------------

_limiters: dict[str, anyio.CapacityLimiter] = {}


def threads(*, slow: bool = False) -> anyio.CapacityLimiter:
    """Threads for calls that wait for the database, or (``slow``) for a decoder: the one must not starve the other."""
    name = "slow" if slow else "quick"
    if name not in _limiters:
        _limiters[name] = anyio.CapacityLimiter(16 if slow else 24)
    return _limiters[name]


# -- errors ------------------------------------------------------------------------------------------------------------

_STATUS: tuple[tuple[type[SegueError], int, str], ...] = (
    (BadRequest, 400, "bad_request"),
    (Throttled, 429, "throttled"),
    (Unauthenticated, 401, "unauthenticated"),
    (Forbidden, 403, "forbidden"),
    (NotFound, 404, "not_found"),
    (Conflict, 409, "conflict"),
    (TooLarge, 413, "too_large"),
    (MediaFailed, 422, "media_failed"),
    (Unavailable, 503, "unavailable"),
)
_HTTP_CODES = {400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "bad_request", 413: "too_large"}


def told(error: SegueError) -> tuple[int, str, dict[str, str] | None]:
    """The status, code and headers by which a domain error is told."""
    status, code = next(((status, code) for kind, status, code in _STATUS if isinstance(error, kind)), (500, "error"))
    return status, code, {"Retry-After": str(max(1, round(error.retry_after_s)))} if isinstance(error, Throttled) else None


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response[Any]:
    clean = message.encode("utf-8", "replace").decode()
    return Response({"error": {"code": code, "message": clean}}, status_code=status, media_type="application/json", headers=headers)


def exception_handlers() -> dict[Any, Any]:
    """Every error in one shape: ``{"error": {"code", "message"}}``."""

    def of_segue(request: Request[Any, Any, Any], error: SegueError) -> Response[Any]:
        status, code, headers = told(error)
        if status in {401, 429}:
            metrics.sign_in_failures.labels("api").inc()
        return _error(status, code, str(error), headers)

    def of_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        message = error.detail
        if isinstance(error.extra, list) and error.extra:
            message = "; ".join(
                f"{one.get('key', '')}: {one.get('message', '')}".strip(": ") for one in error.extra if isinstance(one, dict)
            )
        return _error(error.status_code, _HTTP_CODES.get(error.status_code, "bad_request"), message[:500], error.headers)

    def of_bug(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        _log.error("a request failed", path=request.scope["path"][:200], exc_info=error)
        return _error(500, "error", "The server failed at this. Its log says more.")

    def of_depth(request: Request[Any, Any, Any], error: RecursionError) -> Response[Any]:
        """A body of a hundred thousand brackets; in the log, should it ever be ours."""
        _log.warning("a request nested too deeply", path=request.scope["path"][:200], exc_info=error)
        return _error(400, "bad_request", "This nests too deeply.")

    return {SegueError: of_segue, HTTPException: of_http, RecursionError: of_depth, Exception: of_bug}
