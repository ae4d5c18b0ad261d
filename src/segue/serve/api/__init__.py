"""Segue's own HTTP interface, ``/api``: what the player uses, and nothing else has more."""

from litestar import Router
from litestar.di import Provide

from segue.parts import Parts
from segue.serve.api import _apps, _browse, _carry, _forwarding, _listen, _manage, _mixes, _past, _playlists, _session, _sound
from segue.serve.api._openapi import Document
from segue.serve.api._parameters import provide_listener

__all__ = ["Document", "routes"]


def routes(parts: Parts) -> list[Router]:
    """Everything under ``/api``."""
    parted = (_session, _browse, _listen, _playlists, _past, _carry, _manage, _apps, _forwarding, _sound, _mixes)
    handlers = [handler for part in parted for handler in part.handlers(parts)]
    return [Router("/api", route_handlers=handlers, dependencies={"me": Provide(provide_listener(parts), sync_to_thread=True)})]
