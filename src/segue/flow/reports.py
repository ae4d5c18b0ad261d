"""What an app tells of a playing while it goes on: reports and now-playing notices -> events of one playing.

A report says where in a track an app is and whether it sounds. Reports of one playing get one ``play_id`` here, found from the listener's
latest play of that track in that app; each event carries in ``data`` what the next report is measured against, so nothing is kept beside
the log. A report that must not count keeps its position in ``data`` only: it shows what plays, and no listen, skip or resume follows.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from segue.errors import BadRequest, SegueError
from segue.model import Event, EventKind, Listener, Outcome, Play, Record, Subject, Track
from segue.ports import Catalogue, Clock, EventLog
from segue.state import ListenerHistory, ToldPlay
from segue.types import Instant, Ms, TrackId, new_id

State = Literal["starting", "playing", "paused", "stopped"]
PREFIX = "report:"
"""Begins the ``play_id`` of a playing known from reports."""
LONGEST_MS = 12 * 3_600_000
"""How long after its last report a playing may go on."""
STILL_MS = 120_000
"""How long after its expected end a track may still be playing: pauses, a slow network."""
_WEEK_MS = 7 * 86_400_000
_FASTEST = 16.0
_END_MS = 10_000
_END_SHARE = 0.95
_NEXT_MS = 10_000
"""A track that starts this soon after another was stopped was skipped to."""
_JITTER_MS = 2_000
"""How much sooner than the last one a report may arrive than it was meant to."""
_LISTEN_MS = 240_000
_BEYOND_MS = 30_000
"""How far beyond a track's end a position may lie: lengths in headers are estimates."""
_SAME_MS = 1_000
"""Reports of one instant are put one after another."""
_LOOK_BACK = 30


class Report(Record, frozen=True, kw_only=True):
    """One report of an app. ``counts`` False: it only tells what plays now."""

    track: Track
    state: State
    position_ms: Ms
    rate: float = 1.0
    counts: bool = True
    client: str | None = None


class Told(Record, frozen=True, kw_only=True):
    """Where a playing stood at its last report."""

    at: Instant
    state: State
    position_ms: Annotated[int, Meta(ge=0)]
    rate: Annotated[float, Meta(gt=0, le=_FASTEST)] = 1.0
    played_ms: Annotated[int, Meta(ge=0)] = 0
    sounded_ms: Annotated[int, Meta(ge=0)] = 0
    """What can have sounded at most: time while it played, times the rate."""
    counts: bool = True
    guessed: bool = False
    """Nobody told of its end; another track had started."""

    def sounding_ms(self, moment: int, rate: float | None = None) -> int:
        """What can have sounded since."""
        if self.state in ("paused", "stopped"):
            return 0
        return round(max(0, moment - self.at) * max(self.rate, rate or self.rate))

    def here_ms(self, moment: int, duration_ms: int) -> int:
        """The position at a moment, if nothing happened since."""
        return max(self.position_ms, min(self.position_ms + self.sounding_ms(moment), duration_ms))

    def gone(self, moment: int, duration_ms: int) -> bool:
        """Whether it would have ended long ago."""
        return moment - self.at > max(0, duration_ms - self.position_ms) / self.rate + STILL_MS


def near_ms(duration_ms: int) -> int:
    """How close to an end of a track is at that end: 10 s, less for short tracks."""
    return min(_END_MS, duration_ms // 4)


def heard_out(position_ms: int, duration_ms: int) -> bool:
    return duration_ms > 0 and (duration_ms - position_ms <= near_ms(duration_ms) or position_ms >= duration_ms * _END_SHARE)


def check_position(position_ms: int, duration_ms: int) -> None:
    """Raises BadRequest for a position no playing of the track can have."""
    most = duration_ms + max(_BEYOND_MS, duration_ms // 10) if duration_ms else _WEEK_MS
    if not 0 <= position_ms <= min(most, _WEEK_MS):
        raise BadRequest(f"A position of {position_ms} ms lies outside the track, which has {duration_ms} ms.")


class Reports:
    """Reads the past, writes nothing: the caller records the events, one report of a listener at a time."""

    def __init__(self, log: EventLog, history: ListenerHistory, catalogue: Catalogue, clock: Clock) -> None:
        self._log = log
        self._history = history
        self._catalogue = catalogue
        self._clock = clock

    def told(self, play: ToldPlay) -> Told:
        """What its last event says; of a play that others told of, what its row says."""
        event = self._log.find(play.user_id, play.last_event) if play.last_event else None
        data = (event.data or {}).get("report") if event is not None else None
        if event is not None and isinstance(data, dict):
            with contextlib.suppress(msgspec.ValidationError):
                return msgspec.convert({**data, "at": event.at}, Told)
        position = play.position_ms or 0
        state: State = "playing" if play.outcome is None else "stopped"
        span = play.last_at - play.started_at
        return Told(at=play.last_at, state=state, position_ms=position, played_ms=play.played_ms or 0, sounded_ms=span)

    def standing(self, play: Play) -> Told | None:
        """Where a playing stands as last reported; None where the log cannot say."""
        try:
            found = self._history.told(play.user_id, play.play_id, play.track_id)
            return self.told(found) if found is not None else None
        except SegueError:
            return None

    def events(self, listener: Listener, report: Report) -> list[Event]:
        """What a report says. Empty for a repeated stop. Raises BadRequest for an impossible position or rate."""
        check_position(report.position_ms, report.track.duration_ms)
        if not 0 < report.rate <= _FASTEST:
            raise BadRequest(f"A playback rate is above 0 and at most {_FASTEST:g}.")
        moment = self._clock()
        recent = self._recent(listener, report.client, moment)
        own = next((one for one in recent if one.told_id == report.track.id and one.play_id.startswith(PREFIX)), None)
        say = self._teller(listener, report.client, moment)
        if own is not None:
            told = self.told(own)
            if _goes_on(told, report, moment):
                return self._further(own, told, report, moment, say)
            if not told.guessed and told.state != "stopped" and not told.gone(moment, report.track.duration_ms):
                # The same track from its start again: what went before has ended.
                return [*self._left(own, report.track, moment, say, "stopped"), *self._begun(report, moment, say)]
        if report.state == "stopped":
            return self._begun(report, moment, say)
        return [*self._before(recent, report.track.id, moment, say), *self._begun(report, moment, say)]

    def before(self, listener: Listener, track_id: TrackId, at: Instant, client: str | None) -> list[Event]:
        """What it says of the track before when an app tells that ``track_id`` began to play."""
        return self._before(self._recent(listener, client, at), track_id, at, self._teller(listener, client, at))

    def _recent(self, listener: Listener, client: str | None, moment: int) -> Sequence[ToldPlay]:
        since, until = Instant(moment - LONGEST_MS), Instant(moment + _SAME_MS)
        return self._history.told_by(listener.user.id, client, since=since, until=until, limit=_LOOK_BACK)

    def _teller(self, listener: Listener, client: str | None, moment: Instant) -> Callable[..., Event]:
        def say(kind: EventKind, track_id: str, play_id: str, told: Told | None, outcome: Outcome | None = None, **more: Any) -> Event:
            counts = told is None or told.counts
            position = None if told is None or not counts else Ms(told.position_ms)
            fields: dict[str, Any] = {
                "at": moment if told is None else told.at,
                "position_ms": position,
                "played_ms": None if told is None or not counts else Ms(told.played_ms),
                "outcome": outcome if outcome is None or counts else "unknown",
                "data": None if told is None else {"report": _kept(told)},
                **more,
            }
            return Event(
                event_id=new_id(),
                kind=kind,
                user_id=listener.user.id,
                received_at=moment,
                subject=Subject(type="track", id=track_id),
                play_id=play_id,
                client=client,
                origin="reported",
                **fields,
            )

        return say

    def _begun(self, report: Report, moment: Instant, say: Callable[..., Event]) -> list[Event]:
        play_id, track_id = PREFIX + new_id(), report.track.id
        told = Told(at=moment, state=report.state, position_ms=report.position_ms, rate=report.rate, counts=report.counts)
        if report.state == "stopped":
            outcome = "finished" if heard_out(report.position_ms, report.track.duration_ms) else "stopped"
            return [say("ended", track_id, play_id, told, outcome)]
        begun = say("started", track_id, play_id, told)
        if report.state != "paused":
            return [begun]
        # The order of events is by time, then id; what was told last must be the pause.
        return [say("started", track_id, play_id, None, at=Instant(moment - 1)), say("paused", track_id, play_id, told)]

    def _further(self, own: ToldPlay, told: Told, report: Report, moment: Instant, say: Callable[..., Event]) -> list[Event]:
        duration_ms = report.track.duration_ms
        sounding = told.sounding_ms(moment, report.rate)
        sounded = told.sounded_ms + sounding
        forward = max(0, report.position_ms - told.position_ms) if sounding else 0
        now_told = Told(
            at=Instant(max(moment, told.at + 1)),
            state=report.state,
            position_ms=report.position_ms,
            rate=report.rate,
            played_ms=max(told.played_ms, min(told.played_ms + min(forward, sounding + _JITTER_MS), sounded)),
            sounded_ms=sounded,
            counts=report.counts,
        )
        if report.state == "stopped":
            if told.state == "stopped" and not told.guessed and report.position_ms == told.position_ms:
                return []
            late: Outcome = "skipped" if told.guessed else "stopped"
            outcome = "finished" if heard_out(report.position_ms, duration_ms) else late
            return [say("ended", own.told_id, own.play_id, now_told, outcome)]
        kind: EventKind = "paused" if report.state == "paused" else "resumed" if told.state == "paused" else "progressed"
        return [say(kind, own.told_id, own.play_id, now_told)]

    def _before(self, recent: Sequence[ToldPlay], track_id: str, moment: Instant, say: Callable[..., Event]) -> list[Event]:
        """The end of what the app played until another track began; empty when that was told, or cannot be known."""
        if not recent or recent[0].told_id == track_id:
            return []
        run: list[ToldPlay] = []
        for one in recent:
            if one.told_id != recent[0].told_id:
                break
            run.append(one)
        track = self._catalogue.tracks([TrackId(run[0].told_id)]).get(TrackId(run[0].told_id))
        if track is None:
            return []
        reported = next((one for one in run if one.play_id.startswith(PREFIX)), None)
        if reported is not None:
            return self._left(reported, track, moment, say, "skipped")
        notice = run[0]
        elapsed = moment - notice.started_at
        if (
            not notice.play_id.startswith("~")
            or notice.outcome is not None
            or notice.begun_at is None
            or any(one.scrobbled_at for one in run)
        ):
            return []
        if elapsed >= min(track.duration_ms / 2, _LISTEN_MS):
            return []
        return [say("ended", track.id, notice.play_id, None, "skipped", position_ms=Ms(elapsed))]

    def _left(self, play: ToldPlay, track: Track, moment: Instant, say: Callable[..., Event], outcome: Outcome) -> list[Event]:
        """The end of a reported playing that nobody told, or that is known better now."""
        told = self.told(play)
        if told.state == "stopped":
            if told.guessed or play.outcome != "stopped" or moment - told.at > _NEXT_MS:
                return []
            return [say("ended", track.id, play.play_id, _with(told, at=told.at + 1, guessed=True), outcome)]
        if told.gone(moment, track.duration_ms):
            return []
        here = told.here_ms(moment, track.duration_ms)
        played = told.played_ms + here - told.position_ms
        sounded = told.sounded_ms + told.sounding_ms(moment)
        last = _with(
            told, at=max(moment, told.at + 1), state="stopped", position_ms=here, played_ms=played, sounded_ms=sounded, guessed=True
        )
        return [say("ended", track.id, play.play_id, last, "finished" if heard_out(here, track.duration_ms) else outcome)]


def _goes_on(told: Told, report: Report, moment: int) -> bool:
    """Whether a report is of the playing that stood at ``told``."""
    duration_ms = report.track.duration_ms
    near = near_ms(duration_ms)
    gap = moment - told.at
    if report.state == "stopped":
        return told.state != "stopped" or gap <= _NEXT_MS or (told.guessed and report.position_ms >= told.position_ms - near)
    if told.state == "stopped":
        # Another app of the same name began a track, and this one plays on.
        ahead = report.state != "starting" and report.position_ms >= told.position_ms - near
        return told.guessed and ahead and gap <= max(0, duration_ms - told.position_ms) / told.rate + STILL_MS
    here = told.here_ms(moment, duration_ms)
    if report.state == "starting" and report.position_ms <= near and here - report.position_ms > near:
        return False
    return not told.gone(moment, duration_ms) or report.position_ms >= told.position_ms - near


def _with(told: Told, **changes: Any) -> Told:
    return Told(**{**{name: getattr(told, name) for name in Told.__struct_fields__}, **changes})


def _kept(told: Told) -> dict[str, Any]:
    return {name: getattr(told, name) for name in Told.__struct_fields__ if name != "at"}
