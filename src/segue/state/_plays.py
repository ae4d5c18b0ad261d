"""What several reports say together: events -> rows -> playings -> listens.

A *row* folds all events of one ``play_id`` on one track. Where a protocol has no ``play_id`` (OpenSubsonic's ``scrobble``), each event
is a row of its own, and :func:`playings` says which rows are one playing:

1. each row with a client's ``play_id`` is a playing;
2. a row without one belongs to such a playing of the same track when it falls between its start and its end (at least the track's
   duration after the start), with a minute to spare: a scrobble and the player's own events of one play are one listen;
3. else it belongs to the report before it, when that began a playing that may still be going on (a now-playing notice, then its
   submission), or when both are submissions less than half a duration apart (a retry: a true repeat takes a whole duration);
4. else it is a playing of its own.

The rule looks at rows in order of ``(time, id)``, so it depends on the set of them alone.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace

from segue.model import Event

SLACK_MS = 60_000
"""How far two clients' ideas of one moment may lie apart: a guess."""
RETRY_MS = 30_000
"""Two submissions closer than this are one, however short the track: a guess."""
LISTEN_MS = 240_000
"""A listen counts at 4 minutes or half the track, whichever is less: the scrobble convention."""
_LOOK_BACK = 8
_PLAYING_KINDS = frozenset({"started", "paused", "resumed", "seeked", "progressed", "ended", "scrobbled"})


def order_key(event: Event) -> str:
    """``(at, event_id)`` as one string that sorts the same."""
    return f"{event.at:015d} {event.event_id}"


@dataclass(frozen=True, slots=True)
class PlayRow:
    """One row of table ``play``. Folding is commutative, associative and idempotent."""

    user_id: str
    play_id: str
    track_id: str
    started_at: int
    last_at: int
    begun_at: int | None = None
    scrobbled_at: int | None = None
    played_ms: int | None = None
    reached_ms: int | None = None
    position_ms: int | None = None
    position_by: str | None = None
    outcome: str | None = None
    outcome_by: str | None = None
    private: int = 0
    session_id: str | None = None
    client: str | None = None
    told_by: str | None = None

    @property
    def derived(self) -> bool:
        """Whether the server named this play, not a client."""
        return self.play_id.startswith("~")


def row_of(event: Event) -> PlayRow | None:
    """The row that one event alone makes; None for events that are not of a play of a track."""
    if event.kind not in _PLAYING_KINDS or event.subject is None or event.subject.type != "track" or event.subject.id is None:
        return None
    key = order_key(event)
    told = event.session_id is not None or event.client is not None
    return PlayRow(
        user_id=event.user_id,
        play_id=event.play_id or f"~{event.event_id}",
        track_id=event.subject.id,
        started_at=event.at,
        last_at=event.at,
        begun_at=event.at if event.kind == "started" else None,
        scrobbled_at=event.at if event.kind == "scrobbled" else None,
        played_ms=event.played_ms,
        reached_ms=event.position_ms if event.kind != "seeked" else None,
        position_ms=event.position_ms,
        position_by=key if event.position_ms is not None else None,
        outcome=event.outcome if event.kind == "ended" else None,
        outcome_by=key if event.kind == "ended" else None,
        private=int(event.private),
        session_id=event.session_id,
        client=event.client,
        told_by=key if told else None,
    )


def join(a: PlayRow, b: PlayRow) -> PlayRow:
    """Two rows of one play as one."""
    positioned = max(a, b, key=lambda row: row.position_by or "")
    ended = max(a, b, key=lambda row: row.outcome_by or "")
    told = max(a, b, key=lambda row: row.told_by or "")
    return replace(
        a,
        started_at=min(a.started_at, b.started_at),
        last_at=max(a.last_at, b.last_at),
        begun_at=_least(a.begun_at, b.begun_at),
        scrobbled_at=_least(a.scrobbled_at, b.scrobbled_at),
        played_ms=_most(a.played_ms, b.played_ms),
        reached_ms=_most(a.reached_ms, b.reached_ms),
        position_ms=positioned.position_ms,
        position_by=positioned.position_by,
        outcome=ended.outcome,
        outcome_by=ended.outcome_by,
        private=max(a.private, b.private),
        session_id=told.session_id,
        client=told.client,
        told_by=told.told_by,
    )


def _least(a: int | None, b: int | None) -> int | None:
    return min(a, b) if a is not None and b is not None else a if b is None else b


def _most(a: int | None, b: int | None) -> int | None:
    return max(a, b) if a is not None and b is not None else a if b is None else b


@dataclass(slots=True)
class Playing:
    """One playing of a track, and whether it is a listen."""

    rows: list[PlayRow]

    @property
    def started_at(self) -> int:
        return min(row.started_at for row in self.rows)

    @property
    def last_at(self) -> int:
        return max(row.last_at for row in self.rows)

    @property
    def private(self) -> bool:
        return any(row.private for row in self.rows)

    @property
    def outcome(self) -> str | None:
        return max(self.rows, key=lambda row: row.outcome_by or "").outcome

    def is_listen(self, duration_ms: int | None) -> bool:
        """By the scrobble convention: half the track or 4 minutes were heard, or an app submitted it."""
        if any(row.scrobbled_at is not None for row in self.rows):
            return True
        needed = LISTEN_MS if not duration_ms else min(LISTEN_MS, (duration_ms + 1) // 2)
        told = [row.played_ms for row in self.rows if row.played_ms is not None]
        if told:
            return max(told) >= needed
        # No client said how much was heard: the position reached, but never more than the time that passed.
        reached = max((min(row.reached_ms, row.last_at - row.started_at) for row in self.rows if row.reached_ms is not None), default=0)
        return reached >= needed or self.outcome == "finished"


def playings(rows: Sequence[PlayRow], duration_ms: int | None) -> list[Playing]:
    """Which rows of one listener and one track are one playing; see the module's rule. In order of their first row."""
    ordered = sorted(rows, key=lambda row: (row.started_at, row.play_id))
    told = [Playing([row]) for row in ordered if not row.derived]
    starts = [playing.rows[0].started_at for playing in told]
    out = list(told)
    before: Playing | None = None
    for report in (row for row in ordered if row.derived):
        host = _host(told, starts, report, duration_ms or 0)
        if host is not None:
            host.rows.append(report)
        elif before is not None and _same_playing(before, report, duration_ms or 0):
            before.rows.append(report)
        else:
            before = Playing([report])
            out.append(before)
    return out


def _host(told: list[Playing], starts: list[int], report: PlayRow, duration_ms: int) -> Playing | None:
    """The latest playing a client named within which the report falls."""
    last = bisect.bisect_right(starts, report.started_at + SLACK_MS)
    for playing in reversed(told[max(0, last - _LOOK_BACK) : last]):
        row = playing.rows[0]
        if report.started_at <= max(row.last_at, row.started_at + duration_ms) + SLACK_MS:
            return playing
    return None


def _same_playing(before: Playing, report: PlayRow, duration_ms: int) -> bool:
    head = before.rows[0]
    gap = report.started_at - head.started_at
    if report.begun_at is not None:
        return gap < RETRY_MS and all(row.begun_at is not None for row in before.rows)
    submitted = next((row.scrobbled_at for row in before.rows if row.scrobbled_at is not None), None)
    if report.scrobbled_at is not None and submitted is not None:
        return report.scrobbled_at - submitted < max(RETRY_MS, duration_ms // 2)
    return gap <= duration_ms + SLACK_MS
