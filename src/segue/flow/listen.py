"""The journey of a listen: client -> events -> state -> retrieve -> filter -> select -> explain -> answer."""

from collections.abc import Sequence

from segue.model import Appended, Event, Listener, Query, Slate, Subject, Track
from segue.ports import Catalogue, Clock, EventLog, Progress
from segue.store import Database
from segue.types import Instant, Ms, SlateId, TrackId, UserId, now


class Listening:
    """Joins the log, its projections and the catalogue. Thread-safe and synchronous."""

    def __init__(self, log: EventLog, db: Database, catalogue: Catalogue, *, clock: Clock = now, slate_days: int = 30) -> None:
        self.log = log

    def record(self, listener: Listener, events: Sequence[Event]) -> Appended:
        """Append and bring the projections up to date. Events about what this listener may not see come back rejected.
        Raises Unavailable when the log cannot be written."""
        raise NotImplementedError

    def record_wire(self, listener: Listener, body: bytes) -> Appended:
        """The body of ``POST /api/events``, checked event by event. Raises BadRequest (not this shape), TooLarge, Unavailable."""
        raise NotImplementedError

    def scrobble(self, listener: Listener, track_id: TrackId, at: Instant | None = None, *, submission: bool = True, client: str | None = None) -> None:
        """An app's report: ``submission`` False says it plays now. Raises NotFound, Unavailable."""
        raise NotImplementedError

    def like(self, listener: Listener, subjects: Sequence[Subject], *, client: str | None = None) -> None:
        """Star. ``Subject(type="track"|"release"|"artist"|"playlist", id=…)``. All or nothing. Raises NotFound, Unavailable."""
        raise NotImplementedError

    def unlike(self, listener: Listener, subjects: Sequence[Subject], *, client: str | None = None) -> None:
        raise NotImplementedError

    def rate(self, listener: Listener, subject: Subject, rating: int, *, client: str | None = None) -> None:
        """0 takes the rating away. Raises BadRequest (not 0..5), NotFound, Unavailable."""
        raise NotImplementedError

    def now_playing(self, listener: Listener) -> tuple["NowPlaying", ...]:
        """Who plays what now, latest first; only tracks the asker may see."""
        raise NotImplementedError

    def events(self, listener: Listener, after: int = 0, limit: int = 500) -> tuple[tuple[dict[str, object], ...], int]:
        """One's own log in order, in the wire's form, and the offset to go on from."""
        raise NotImplementedError

    def query(
        self,
        listener: Listener,
        *,
        n: int = 10,
        seeds: Sequence[TrackId] = (),
        queue: Sequence[TrackId] = (),
        skipped: Sequence[TrackId] = (),
        exclude: Sequence[TrackId] = (),
        session_id: str | None = None,
        discovery: float = 0.3,
    ) -> Query:
        """A checked query. Raises BadRequest when something is out of range (n 1..100, discovery 0..1, ids well formed, at most 1,000 of each)."""
        raise NotImplementedError

    def next(self, listener: Listener, query: Query) -> Slate:
        """What comes next. Never fails for want of data or of a log: it degrades, and says so."""
        raise NotImplementedError

    def slate(self, listener: Listener, slate_id: SlateId) -> Slate:
        """A stored slate of this listener's own. Raises NotFound."""
        raise NotImplementedError

    def catch_up(self) -> int:
        """Project what the log holds beyond the projections. Returns the offset reached. Never raises for an unreadable log."""
        raise NotImplementedError

    def rebuild(self, progress: Progress | None = None) -> int:
        """Forget every projection and fold the log anew. Returns how many events."""
        raise NotImplementedError

    def erase(self, user_id: UserId) -> int:
        """Delete every event of a listener and what was made of them. Returns how many events."""
        raise NotImplementedError


class NowPlaying:
    """One listener's track of this moment."""

    user_id: UserId
    user: str
    track: Track
    started_at: Instant
    position_ms: Ms | None
    client: str | None
