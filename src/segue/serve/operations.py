"""What operators ask: is it alive, is it ready, what does it measure."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from segue.observe import metrics


class Health(msgspec.Struct):
    """``status`` is ``ok`` or ``unavailable``; ``failing`` names what is not there."""

    status: str
    failing: list[str]


def routes(failing: Callable[[], list[str]], may_scrape: Callable[..., bool]) -> list[HTTPRouteHandler]:
    """``failing`` names what keeps the server from serving what it knows; ``may_scrape(request)`` says who sees the metrics."""

    @get("/healthz", include_in_schema=False, sync_to_thread=False)
    def healthz() -> Health:
        """The process answers. Nothing else is looked at: a restart would not mend a full disk."""
        return Health("ok", [])

    @get("/readyz", include_in_schema=False, sync_to_thread=True)
    def readyz() -> Response[Health]:
        """It can serve what it already knows; a first scan does not hold it back."""
        what = failing()
        return Response(Health("unavailable" if what else "ok", what), status_code=503 if what else 200)

    @get("/metrics", include_in_schema=False, sync_to_thread=True)
    def metrics_page(request: Request[Any, Any, Any]) -> Response[bytes]:
        if not may_scrape(request):
            return Response(
                b"metrics_public is off: ask from this machine, or with an admin's token\n", status_code=403, media_type="text/plain"
            )
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [healthz, readyz, metrics_page]
