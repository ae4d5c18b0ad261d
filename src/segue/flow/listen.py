"""The journey of a listen: client -> events -> state -> retrieve -> filter -> select -> explain -> answer.

:class:`Listening` is where it begins (``record``: what a listener did) and where it ends (``next``: what comes next). What was recorded is
known to every later call, before it is acknowledged.
"""

import threading
from collections.abc import Sequence
from typing import Any

import msgspec

from segue.errors import BadRequest, NotFound, SegueError
from segue.events import parse_events, wire_event
from segue.flow._moment import Moment
from segue.flow._spoken import MusicHistory, Spoken, leave_speech, music_asked
from segue.flow._subjects import unseen
from segue.flow.reports import LONGEST_MS, PREFIX, STILL_MS, Report, Reports, State
from segue.flow.runner import Run
from segue.model import Appended, Candidate, Event, EventKind, Listener, Play, Query, Record, Slate, Subject, Track
from segue.observe import get_logger, metrics
from segue.policy import allow
from segue.ports import Alike, Catalogue, Clock, EventLog, Progress, Source
from segue.rank import leave_out, merge
from segue.retrieve import Familiar, Kindred, Shuffled, SoundsLike, Unplayed
from segue.state import ListenerHistory, Projections, Slates
from segue.store import Database
from segue.types import Instant, Ms, SlateId, TrackId, UserId, is_id, new_id, now

_log = get_logger("listen")
_MAX_N = 100
_MAX_IDS = 1_000
_PATIENCE = 10_000
"""Events that whoever tells one waits for, at most: some seconds."""
_PAST = 100
"""Plays looked back on."""
_NO_HISTORY = "You have not played anything here yet, so this is a first mix. Play, skip or like a few tracks and it will follow you."
_SHUFFLED = "Your history cannot be read right now, so this is a shuffle of your library."
_NOTHING = "There is nothing here to play next: every track is queued, excluded, hidden or missing."


class NowPlaying(Record, frozen=True, kw_only=True):
    """One listener's track of this moment."""

    user_id: UserId
    user: str
    track: Track
    started_at: Instant
    position_ms: Ms | None = None
    """As last reported; where ``state`` is known, at this moment."""
    reported_at: Instant
    client: str | None = None
    state: State | None = None
    """None where the app tells only that it plays."""
    rate: float = 1.0


class Listening:
    """Joins the log, its projections and the catalogue. Synchronous; any thread may call it."""

    def __init__(
        self,
        log: EventLog,
        db: Database,
        catalogue: Catalogue,
        *,
        alike: Alike | None = None,
        clock: Clock = now,
        slate_days: int = 30,
    ) -> None:
        """Without ``alike`` nothing is found by its sound."""
        self.log = log
        self.history = ListenerHistory(db)
        self._db = db
        self._catalogue = catalogue
        self._clock = clock
        self._reports = Reports(log, self.history, catalogue, clock)
        self._reporting = threading.Lock()
        self.projections = Projections(db, log)
        self._slates = Slates(db, days=slate_days)
        self._spoken = Spoken(db)
        music = MusicHistory(self.history, self._spoken)
        self._sources: tuple[Source, ...] = (Familiar(music), Kindred(music, catalogue), Unplayed(music, catalogue))
        if alike is not None:
            self._sources += (SoundsLike(music, catalogue, alike),)
        self._shuffled = Shuffled(catalogue)

    # -- what a listener did -----------------------------------------------------------------------------------------

    def record(self, listener: Listener, events: Sequence[Event]) -> Appended:
        """Append, and bring the projections up to date before it returns (but for a rebuild under way). Repeating is harmless.

        Events about what does not exist for this listener come back rejected. Raises :class:`~segue.errors.Unavailable` when the log or the
        database cannot be written: send them again later.
        """
        own = [msgspec.structs.replace(event, user_id=listener.user.id) for event in events]
        absent = unseen(self._db, listener, [event.subject for event in own if event.subject is not None])
        known = [event for event in own if event.subject is None or (event.subject.type, event.subject.id) not in absent]
        rejected = tuple(
            (event.event_id, str(NotFound(event.subject.type, event.subject.id or "")))
            for event in own
            if event.subject is not None and (event.subject.type, event.subject.id) in absent
        )
        accepted = self.log.append(known).accepted if known else ()
        if known and self.behind() <= _PATIENCE:  # else a rebuild goes on, for minutes: what is in the log is safe, and will be known
            self.projections.catch_up(self.log.last_offset())
        metrics.events_appended.labels("accepted").inc(len(accepted))
        metrics.events_appended.labels("rejected").inc(len(rejected))
        return Appended(accepted=accepted, rejected=rejected)

    def record_wire(self, listener: Listener, body: bytes) -> Appended:
        """The body of ``POST /api/events``, checked event by event.

        Raises :class:`~segue.errors.BadRequest` when it is no batch, :class:`~segue.errors.TooLarge` above 1,000 events or 1 MiB,
        :class:`~segue.errors.Unavailable` as :meth:`record` does.
        """
        parsed = parse_events(body, user_id=listener.user.id, received_at=self._clock(), client=listener.client)
        done = self.record(listener, parsed.events)
        metrics.events_appended.labels("rejected").inc(len(parsed.rejected))
        return Appended(accepted=done.accepted, rejected=parsed.rejected + done.rejected)

    def scrobble(
        self, listener: Listener, track_id: TrackId, at: Instant | None = None, *, submission: bool = True, client: str | None = None
    ) -> None:
        """An app's report of a play that has no id; ``submission`` False says that the track plays now. With ``at``, repeating is harmless.

        Raises :class:`~segue.errors.BadRequest` (``at`` before 1970), :class:`~segue.errors.NotFound`, :class:`~segue.errors.Unavailable`.
        """
        if at is not None and at < 0:
            raise BadRequest("The time of a scrobble is in milliseconds since 1970.")
        moment = self._clock() if at is None else min(at, self._clock())
        kind: EventKind = "scrobbled" if submission else "started"
        event_id = new_id() if at is None else f"{kind}:{track_id}:{moment}"
        event = self._event(listener, kind, Subject(type="track", id=track_id), client, event_id=event_id, at=moment)
        if submission:
            self._tell(listener, [event])
            return
        with self._reporting:
            self._tell(listener, [event], before=self._reports.before(listener, track_id, moment, event.client))

    def report(self, listener: Listener, report: Report) -> None:
        """An app's report of where it is in a track; all reports of one playing are one listen.

        Raises :class:`~segue.errors.BadRequest` (an impossible position or rate), :class:`~segue.errors.NotFound`,
        :class:`~segue.errors.Unavailable`: nothing is then kept.
        """
        told = msgspec.structs.replace(report, client=report.client or listener.client)
        with self._reporting:
            events = self._reports.events(listener, told)
            own = [event for event in events if event.subject and event.subject.id == told.track.id]
            self._tell(listener, own, before=[event for event in events if event not in own])

    def like(self, listener: Listener, subjects: Sequence[Subject], *, client: str | None = None) -> None:
        """Star tracks, releases, artists or playlists: all or none.

        Raises :class:`~segue.errors.NotFound`, :class:`~segue.errors.Unavailable`.
        """
        self._tell(listener, [self._event(listener, "liked", subject, client) for subject in subjects])

    def unlike(self, listener: Listener, subjects: Sequence[Subject], *, client: str | None = None) -> None:
        """The opposite of :meth:`like`; harmless for what was not liked."""
        self._tell(listener, [self._event(listener, "unliked", subject, client) for subject in subjects])

    def hide(self, listener: Listener, subjects: Sequence[Subject], *, client: str | None = None) -> None:
        """Never to be recommended again. Raises as :meth:`like`."""
        self._tell(listener, [self._event(listener, "hidden", subject, client) for subject in subjects])

    def unhide(self, listener: Listener, subjects: Sequence[Subject], *, client: str | None = None) -> None:
        """The opposite of :meth:`hide`; harmless for what was not hidden."""
        self._tell(listener, [self._event(listener, "unhidden", subject, client) for subject in subjects])

    def rate(self, listener: Listener, subject: Subject, rating: int, *, client: str | None = None) -> None:
        """1..5 stars; 0 takes the rating away. Raises :class:`~segue.errors.BadRequest` out of that range, else as :meth:`like`."""
        if not 0 <= rating <= 5:
            raise BadRequest("A rating is 1..5, or 0 for none.")
        self._tell(listener, [self._event(listener, "rated", subject, client, rating=rating)])

    def _event(self, listener: Listener, kind: EventKind, subject: Subject, client: str | None, **more: Any) -> Event:
        moment = self._clock()
        fields = {"event_id": new_id(), "at": moment, "origin": "reported", "client": client or listener.client, **more}
        return Event(kind=kind, user_id=listener.user.id, received_at=moment, subject=subject, **fields)

    def _tell(self, listener: Listener, events: Sequence[Event], before: Sequence[Event] = ()) -> None:
        """Record all, or raise for the first that is about nothing this listener can see; such ones of ``before`` are left out."""
        subjects = [event.subject for event in events if event.subject is not None]
        absent = unseen(self._db, listener, subjects)
        for subject in subjects:
            if (subject.type, subject.id) in absent:
                raise NotFound(subject.type, subject.id or "")
        self.record(listener, [*before, *events])

    # -- what is known of it -----------------------------------------------------------------------------------------

    def now_playing(self, listener: Listener) -> tuple[NowPlaying, ...]:
        """Who plays what now, latest first: one track a listener and app, only tracks the asker may see, no private plays."""
        moment = self._clock()
        latest: dict[tuple[str, str | None], tuple[str, Play]] = {}
        for name, play in self.history.going_on(Instant(moment - LONGEST_MS), limit=500):
            seen = latest.setdefault((play.user_id, play.client), (name, play))[1]
            if play.play_id.startswith(PREFIX) and seen.play_id.startswith("~") and seen.track_id == play.track_id:
                latest[play.user_id, play.client] = (name, play)  # an app that reports and sends notices: the report says more
        tracks = self._catalogue.tracks([play.track_id for _, play in latest.values()])
        out = []
        for name, play in latest.values():
            track = tracks.get(play.track_id)
            if track is None or track.library_id not in listener.libraries or play.outcome is not None:
                continue
            told = self._reports.standing(play) if play.play_id.startswith(PREFIX) else None
            position_ms = play.position_ms if told is None else Ms(told.position_ms)
            left_ms = max(0, track.duration_ms - (position_ms or 0)) / (told.rate if told else 1)
            if moment <= play.last_at + left_ms + STILL_MS:
                out.append(
                    NowPlaying(
                        user_id=play.user_id,
                        user=name,
                        track=track,
                        started_at=play.started_at,
                        position_ms=position_ms if told is None else Ms(told.here_ms(moment, track.duration_ms)),
                        reported_at=play.last_at,
                        client=play.client,
                        state=told.state if told else None,
                        rate=told.rate if told else 1.0,
                    )
                )
        return tuple(out)

    def events(self, listener: Listener, after: int = 0, limit: int = 500) -> tuple[tuple[dict[str, Any], ...], int]:
        """One's own log in order, in the wire's form, and the offset to go on from. ``limit`` 1..1,000.

        Raises :class:`~segue.errors.BadRequest` out of range, :class:`~segue.errors.Unavailable`.
        """
        if after < 0 or not 1 <= limit <= _MAX_IDS:
            raise BadRequest(f"after is 0 or more, limit 1..{_MAX_IDS}.")
        rows = self.log.read(min(after, 2**62), limit, user_id=listener.user.id)
        return tuple(wire_event(event) for _, event in rows if event.kind != "erased"), rows[-1][0] if rows else after

    def erase(self, user_id: UserId) -> int:
        """Delete every event of a listener and all that was made of them. Returns how many events."""
        erased = self.log.erase(user_id)
        self.projections.catch_up(self.log.last_offset())
        return erased

    def behind(self) -> int:
        """Events the log holds beyond the projections; 0 while it cannot be read."""
        try:
            return max(0, self.log.last_offset() - self.projections.offset)
        except SegueError:
            return 0

    def catch_up(self) -> int:
        """Project what the log holds beyond the projections, as at start. Returns the offset reached; an unreadable log is only logged."""
        try:
            return self.projections.catch_up()
        except SegueError as error:
            _log.error("projections_behind", error=str(error))
            return self.projections.offset

    def rebuild(self, progress: Progress | None = None) -> int:
        """Forget every projection and fold the log anew; slates stay. Returns the offset reached.

        Raises :class:`~segue.errors.Unavailable` when the log cannot be read; nothing is then forgotten.
        """
        return self.projections.rebuild(progress)

    # -- what comes next ---------------------------------------------------------------------------------------------

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
        """A checked query: ``n`` 1..100, ``discovery`` 0..1, at most 1,000 ids each, all well formed. Else a ``BadRequest``."""
        if not 1 <= n <= _MAX_N:
            raise BadRequest(f"n is 1..{_MAX_N}.")
        if not 0 <= discovery <= 1:
            raise BadRequest("discovery is 0 (only the familiar) to 1 (only the new).")
        if session_id is not None and not 1 <= len(session_id) <= 64:
            raise BadRequest("A session_id has 1..64 characters.")
        for name, ids in (("seeds", seeds), ("queue", queue), ("skipped", skipped), ("exclude", exclude)):
            if len(ids) > _MAX_IDS or not all(is_id(id_) for id_ in ids):
                raise BadRequest(f"{name} is a list of at most {_MAX_IDS:,} track ids.")
        return Query(
            user_id=listener.user.id,
            libraries=listener.libraries,
            n=n,
            seeds=tuple(seeds),
            queue=tuple(queue),
            skipped=tuple(skipped),
            exclude=tuple(exclude),
            session_id=session_id,
            discovery=float(discovery),
            at=self._clock(),
        )

    def next(self, listener: Listener, query: Query) -> Slate:
        """What comes next, up to ``query.n`` tracks. Never fails for want of a history, a source or a log: it degrades, and says so."""
        query = msgspec.structs.replace(query, user_id=listener.user.id, libraries=listener.libraries, at=self._clock())
        run = Run("next")
        readable = run.attempt("log_unreadable", self._log_is_read, otherwise=False)
        past = self.history.plays(query.user_id, _PAST) if readable else ()
        asked, music = music_asked(query, self._spoken)
        moment = Moment(query, past, self.history.hidden(query.user_id), self._spoken.all() if music else frozenset())

        allowed = self._sift(run, moment, asked, self._sources if readable else (self._shuffled,), music=music)
        if readable and len(allowed) < query.n:
            allowed = self._sift(run, moment, asked, (*self._sources, self._shuffled), music=music)
        if music and not allowed:  # nothing but speech is there
            allowed = self._sift(run, moment, query, (*self._sources, self._shuffled) if readable else (self._shuffled,), music=False)
        moment.look_up(self._catalogue, allowed)
        scored = run.stage("score", lambda items: moment.score(items, self.history), allowed)
        chosen = run.filter("select", moment.choose, scored)
        items = run.stage("explain", moment.explain, chosen)

        known = bool(past) or bool(self.history.favourites(query.user_id, 1, not_since=query.at, at=query.at))
        slate = Slate(
            id=SlateId(new_id()),
            user_id=query.user_id,
            query=query,
            at=query.at,
            message=_SHUFFLED if not readable else _NOTHING if not items else None if known else _NO_HISTORY,
            items=tuple(items),
        )
        return self._answered(run, slate)

    def _log_is_read(self) -> bool:
        last = self.log.last_offset()
        self.log.read(max(0, last - 1), 1)
        return True

    def _sift(self, run: Run, moment: Moment, asked: Query, sources: Sequence[Source], *, music: bool) -> Sequence[Candidate]:
        """Retrieve and filter; policy has the last word. ``asked``: of the sources; ``music``: no speech is given."""
        query = moment.query
        candidates = [candidate for source in sources for candidate in run.source(source.name, source, asked)]
        merged = run.filter("merge", merge, candidates)
        possible = run.filter("filter", lambda items: leave_out(items, query, moment.skipped), merged)
        if music:
            possible = run.filter("speech", lambda items: leave_speech(items, self._spoken), possible)
        moment.tracks |= self._catalogue.sketches([candidate.track_id for candidate in possible])
        return run.filter("policy", lambda items: allow(items, moment.tracks, query, moment.hidden), possible)

    def _answered(self, run: Run, slate: Slate) -> Slate:
        """Write down what is shown, keep the trace, and give the answer even where neither can be."""
        started = run.clock()
        if "log_unreadable" not in run.degraded:
            run.attempt("shown_unwritten", lambda: self.log.append([_shown(slate)]), otherwise=None)
        run.timed("shown", started, len(slate.items), len(slate.items))
        traced = msgspec.structs.replace(
            slate, degraded=tuple(run.degraded), removed=tuple(dict.fromkeys(run.removed)), timings=tuple(run.timings)
        )
        run.attempt("slate_unstored", lambda: self._slates.put(traced), otherwise=None)
        stages = {timing.stage: round(timing.ms, 1) for timing in run.timings}
        _log.info("answered", flow=run.flow, slate=slate.id, items=len(slate.items), degraded=run.degraded, stages_ms=stages)
        return msgspec.structs.replace(traced, degraded=tuple(run.degraded))

    def slate(self, listener: Listener, slate_id: SlateId) -> Slate:
        """A stored slate of this listener's own, with what was removed and why. Raises :class:`~segue.errors.NotFound`."""
        return self._slates.get(listener.user.id, slate_id, now=self._clock())


def _shown(slate: Slate) -> Event:
    items = [
        {"id": item.track_id, "rank": rank, "score": item.score, "source": item.source, "propensity": item.propensity}
        for rank, item in enumerate(slate.items)
    ]
    return Event(
        event_id=f"shown:{slate.id}",
        kind="shown",
        user_id=slate.user_id,
        at=slate.at,
        received_at=slate.at,
        subject=Subject(type="slate", id=slate.id),
        session_id=slate.query.session_id,
        data={"generation": slate.generation, "items": items},
    )
