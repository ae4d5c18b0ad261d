"""The Last.fm 2.0 interface for scrobblers, ``/2.0/``, and the page where a listener lets an app in, ``/api/auth/``."""

from segue.serve.lastfm._routes import routes

__all__ = ["routes"]
