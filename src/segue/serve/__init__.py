"""The HTTP edge: every protocol on one port. Protocols do not know one another; they share the parts and the edge's manners."""

from typing import Any

from litestar import Litestar, Request
from litestar.openapi import OpenAPIConfig

from segue import __version__
from segue.config import Config
from segue.errors import SegueError
from segue.parts import Parts
from segue.serve import api, http, lastfm, listenbrainz, live, operations, player, subsonic
from segue.serve._devices import Hub

__all__ = ["build_app"]


def build_app(parts: Parts, config: Config) -> http.Edge:
    """The ASGI application over assembled parts."""

    def may_scrape(request: Request[Any, Any, Any]) -> bool:
        return config.metrics_public or http.is_local(request) or http.is_admin(request, parts)

    def failing() -> list[str]:
        return [] if _answers(parts) else ["database"]

    hub = Hub(config.live_idle_s)
    application = Litestar(
        path=config.base_url or None,
        route_handlers=[
            *api.routes(parts),
            *subsonic.routes(parts),
            *lastfm.routes(parts),
            *listenbrainz.routes(parts),
            *operations.routes(failing, may_scrape),
            *player.routes(config.base_url),
            *live.routes(parts, hub),
        ],
        exception_handlers=http.exception_handlers(),
        openapi_config=OpenAPIConfig(title="Segue", version=__version__, path="/api/openapi.json", render_plugins=[api.Document()]),
        logging_config=None,
        debug=False,
        request_max_body_size=http.MAX_BODY_BYTES,
    )
    return http.Edge(application, config, hub.close)


def _answers(parts: Parts) -> bool:
    try:
        with parts.db.read() as connection:
            connection.exec_driver_sql("SELECT 1 FROM library LIMIT 1")
    except (SegueError, OSError):
        return False
    return True
