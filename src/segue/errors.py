"""The one tree of errors. Catch wide (``SegueError``) or narrow; each carries the values that explain it.

Domain errors know nothing of HTTP or of exit codes: each protocol has one table that maps them.
"""


class SegueError(Exception):
    """Anything Segue raises on purpose. The message says what to do, and is fit for the person who asked."""


class BadRequest(SegueError):
    """The caller sent something out of range or malformed."""


class NotFound(SegueError):
    """There is no such thing, or it does not exist for this listener."""

    def __init__(self, kind: str, id: str = "") -> None:
        super().__init__(f"There is no {kind} {id[:40]!r} here." if id else f"There is no such {kind} here.")
        self.kind = kind
        self.id = id


class Conflict(SegueError):
    """The change contradicts what is there (a name already taken, a stale version)."""


class Unauthenticated(SegueError):
    """Who asks is unknown: a wrong name, password, token or signature."""


class AppPasswordNeeded(Unauthenticated):
    """A login password was offered by an app. It never serves an app; the message says where to get an app password."""


class Forbidden(SegueError):
    """Who asks is known, and may not."""


class Throttled(SegueError):
    """Too many attempts; try again after ``retry_after_s`` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"Too many failed attempts. Try again in {retry_after_s:.0f} s.")
        self.retry_after_s = retry_after_s


class TooLarge(SegueError):
    """A body, batch or value above its stated bound."""


class Unavailable(SegueError):
    """Something needed is not there right now: a full disk, a busy transcoder, an unreadable log."""


class DataDirInUse(SegueError):
    """Another process owns the data directory."""


class MediaFailed(SegueError):
    """A media file could not be decoded or transcoded. Carries the tool's last words, bounded."""


class ConfigError(SegueError):
    """A setting that cannot be used; names the setting and where it came from."""
