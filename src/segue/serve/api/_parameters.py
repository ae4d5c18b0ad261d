"""Parameters that many calls share, with their bounds, as types."""

from typing import Annotated, Any

from litestar import Request
from litestar.params import Parameter

from segue.errors import BadRequest, Forbidden
from segue.model import Listener
from segue.parts import Parts
from segue.serve import http

Offset = Annotated[int, Parameter(ge=0, le=2**31 - 1)]
Limit = Annotated[int, Parameter(ge=1, le=500)]
LibraryFilter = Annotated[int | None, Parameter(ge=0, le=2**31 - 1)]
LibraryNumber = Annotated[int, Parameter(ge=0, le=2**31 - 1)]
Year = Annotated[int | None, Parameter(ge=-9999, le=9999)]
Short = Annotated[str | None, Parameter(max_length=256)]


def provide_listener(parts: Parts) -> Any:
    """The dependency ``me``: who asks. A handler's option ``scope`` says what a token must be allowed to do; else reading or writing."""

    def me(request: Request[Any, Any, Any]) -> Listener:
        default = "read" if request.method in {"GET", "HEAD"} else "write"
        scope = request.route_handler.opt.get("scope", default)
        listener = http.authenticate(request, parts, scope)
        if request.route_handler.opt.get("admin") and not listener.user.admin:
            raise Forbidden("Only an admin may do this.")
        return listener

    return me


def ids(values: list[str], most: int) -> list[str]:
    """A list of ids from a body, bounded."""
    if len(values) > most:
        raise BadRequest(f"At most {most:,} ids at once.")
    return values
