"""ListenBrainz's interface under ``/1/``: any scrobbler whose ListenBrainz address can be set tells Segue what was heard elsewhere.

One's own listens only: for a token, other listeners do not exist. What a scrobbler tells becomes events in the log, like everything else.
"""

from segue.serve.listenbrainz._routes import routes

__all__ = ["routes"]
