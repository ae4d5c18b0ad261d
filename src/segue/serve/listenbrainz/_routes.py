"""Where a call comes in and its answer or error goes out, each error as ``{"code", "error"}``."""

import re
from typing import Any

import anyio.to_thread
import msgspec
from litestar import Request, Response, route
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from segue.errors import BadRequest, NotFound, SegueError, Throttled, TooLarge, Unauthenticated, Unavailable
from segue.observe import get_logger, metrics
from segue.parts import Parts
from segue.serve import http
from segue.serve.listenbrainz import _calls as calls
from segue.serve.listenbrainz._now import NowPlaying
from segue.serve.listenbrainz._wire import MAX_BYTES

_log = get_logger("listenbrainz")

_POST: dict[str, tuple[calls.Handler, str]] = {
    "submit-listens": (calls.submit_listens, "listen"),
    "delete-listen": (calls.delete_listen, "listen"),
    "feedback/recording-feedback": (calls.give_feedback, "listen"),
}
_GET: tuple[tuple[re.Pattern[str], calls.Handler], ...] = (
    (re.compile(r"user/(.+)/listens\Z", re.DOTALL), calls.get_listens),
    (re.compile(r"user/(.+)/listen-count\Z", re.DOTALL), calls.get_listen_count),
    (re.compile(r"user/(.+)/playing-now\Z", re.DOTALL), calls.get_playing_now),
    (re.compile(r"feedback/user/(.+)/get-feedback\Z", re.DOTALL), calls.get_feedback),
)
_VALIDATE = "validate-token"
_METHODS: Any = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def routes(parts: Parts) -> list[HTTPRouteHandler]:
    """One handler for all of ``/1/``."""
    playing = NowPlaying()

    @route(
        ["/1/{path:path}"],
        http_method=_METHODS,
        include_in_schema=False,
        status_code=200,
        name="listenbrainz",
        request_max_body_size=MAX_BYTES,
    )
    async def listenbrainz(request: Request[Any, Any, Any], path: str) -> Response[bytes]:
        try:
            body = await request.body() if request.method == "POST" else b""
        except HTTPException as error:
            large = f"Payload too large. At most {MAX_BYTES:,} bytes at once."
            return _failed(error.status_code, large if error.status_code == 413 else error.detail)
        return await anyio.to_thread.run_sync(_dispatch, parts, playing, request, str(path).strip("/"), body, limiter=http.threads())

    return [listenbrainz]


def _dispatch(parts: Parts, playing: NowPlaying, request: Request[Any, Any, Any], path: str, body: bytes) -> Response[bytes]:
    try:
        if path == _VALIDATE and request.method in {"GET", "HEAD"}:
            return _answer(_validate(parts, request))
        handler, scope, name = _find(request.method, path)
        return _answer(handler(_call(parts, playing, request, body, scope, name)))
    except _WrongMethod:
        return _failed(405, "The method is not allowed here.")
    except SegueError as error:
        status, _, headers = http.told(error)
        if isinstance(error, Unauthenticated | Throttled):
            metrics.sign_in_failures.labels("listenbrainz").inc()
        if isinstance(error, Unavailable):
            _log.warning("unavailable", path=path[:100], why=str(error))
        return _failed(413 if isinstance(error, TooLarge) else status, str(error), headers)


class _WrongMethod(Exception):
    pass


def _find(method: str, path: str) -> tuple[calls.Handler, str, str | None]:
    """The handler, the scope it asks for, and whose listens it is about."""
    found = next(((handler, match[1]) for pattern, handler in _GET if (match := pattern.match(path))), None)
    if method == "POST" and path in _POST:
        handler, scope = _POST[path]
        return handler, scope, None
    if method in {"GET", "HEAD"} and found:
        return found[0], "read", found[1]
    if found or path in _POST or path == _VALIDATE:
        raise _WrongMethod
    raise NotFound("call", path[:100])


def _call(parts: Parts, playing: NowPlaying, request: Request[Any, Any, Any], body: bytes, scope: str, name: str | None) -> calls.Call:
    secret = _secret(request)
    if secret is None:
        raise Unauthenticated("You need to provide an Authorization header: `Authorization: Token SECRET`.")
    listener = _listener(parts, request, secret)
    http.check_scope(listener, scope)
    if name is not None and name.casefold() != listener.user.name.casefold():
        raise NotFound("user", name[:64])
    token = next((token.name for token in parts.accounts.tokens(listener.user.id) if token.id == listener.token_id), "")
    return calls.Call(parts, playing, listener, token, request.query_params, body)


def _listener(parts: Parts, request: Request[Any, Any, Any], secret: str) -> Any:
    client = request.headers.get("user-agent", "")[:64] or None
    return parts.accounts.authenticate_secret(secret, address=http.client_address(request), client=client)


def _secret(request: Request[Any, Any, Any]) -> str | None:
    header = request.headers.get("authorization", "")
    kind, _, secret = header.strip().partition(" ")
    return secret.strip() or None if kind.lower() in {"token", "bearer"} else None


def _validate(parts: Parts, request: Request[Any, Any, Any]) -> dict[str, Any]:
    secret = _secret(request) or request.query_params.get("token", "").strip()
    if not secret:
        raise BadRequest("You need to provide an Authorization token.")
    try:
        listener = _listener(parts, request, secret)
    except Unauthenticated:
        metrics.sign_in_failures.labels("listenbrainz").inc()
        return {"code": 200, "message": "Token invalid.", "valid": False}
    return {"code": 200, "message": "Token valid.", "valid": True, "user_name": listener.user.name}


def _failed(status: int, message: str, headers: dict[str, str] | None = None) -> Response[bytes]:
    return _answer({"code": status, "error": message[:1000]}, status, headers)


def _answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    try:
        content = msgspec.json.encode(body)
    except UnicodeEncodeError:  # a title with undecodable bytes
        content = msgspec.json.encode(_clean(body))
    return Response(content, status_code=status, media_type="application/json", headers={"Cache-Control": "no-store", **(headers or {})})


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(name): _clean(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return value
