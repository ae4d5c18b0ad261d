"""What several reports say together: events -> rows -> playings.

A *row* folds all events of one ``play_id`` on one thing. Where a protocol has no ``play_id`` (OpenSubsonic's ``scrobble``, a history
from elsewhere), each event is a row of its own, and :func:`playings` says which rows are one playing:

1. each row with a client's ``play_id`` is a playing;
2. a report without one belongs to such a playing of the same track when it falls between its start and its end (at least the track's
   duration after the start), with a minute to spare: a scrobble and the player's own events of one play are one listen;
3. else it belongs to the report before it, when that began a playing that may still be going on (a now-playing notice, then its
   submission), or when both are submissions less than half a duration apart (a retry: a true repeat takes a whole duration),
   or when it is a notice half a minute at most after a submission that began one (the submission names the start, the notice came late);
4. an imported row belongs to the nearest playing that began within two minutes of it, unless that has a row of the same service
   already; two of one service are one only when they began within a minute, heard equally long, and one of them does not say how it
   ended (two forms of one export: the short one knows minutes only, and no ends). Rows that do not say how they ended come last;
5. else it is a playing of its own.

Rows that a correction deleted count as never told. Reports without a ``play_id`` that would have belonged to them, and come later from
elsewhere, are deleted with them. The rule looks at rows in order of ``(time, id)``, so it depends on the set of them alone.
"""

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from segue.model import Event
from segue.state._external import external_id

SLACK_MS = 60_000
"""How far two clients' ideas of one moment may lie apart: a guess."""
RETRY_MS = 30_000
"""Two submissions closer than this are one, however short the track: a guess."""
COPY_MS = 120_000
"""How far apart two services may say one play began."""
LISTEN_MS = 240_000
"""A listen counts at 4 minutes or half the track, whichever is less: the scrobble convention."""
SHORTEST_MS = 30_000
"""What counts of a thing whose length nobody told: as long as a paid stream, at least."""
HOLLOW = 1 << 53
"""The start of a row of which only a correction has come so far."""
_LOOK_BACK = 8
VERSION = 2
"""Raised when a rule above changes: what was told before is then put together anew."""
_NO_END = (None, "unknown")
_TWO_FORMS = "spotify"
"""The service whose export has a short form."""
_PLAYING_KINDS = frozenset({"started", "paused", "resumed", "seeked", "progressed", "ended", "scrobbled"})


def order_key(event: Event) -> str:
    """``(at, event_id)`` as one string that sorts the same."""
    return f"{event.at:015d} {event.event_id}"


class PlayRow(msgspec.Struct, gc=False):
    """One row of table ``play``. Folding is commutative, associative and idempotent; ``track_id`` and ``until_at`` are no part of it:
    they say which thing this is of, and when it ended, by what is known now."""

    user_id: str
    play_id: str
    told_id: str
    track_id: str
    until_at: int
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
    imported: int = 0
    session_id: str | None = None
    device_id: str | None = None
    client: str | None = None
    utc_offset_min: int | None = None
    told_by: str | None = None
    fix: str | None = None
    fixed_by: str | None = None

    @property
    def derived(self) -> bool:
        """Whether the server named this play, not a client."""
        return self.play_id.startswith("~")

    @property
    def start(self) -> int:
        """When it began, as corrected."""
        return self.until_at - (self.last_at - self.started_at)

    @property
    def fixed(self) -> dict[str, Any]:
        """What a correction says; empty without one."""
        return dict(msgspec.json.decode(self.fix)) if self.fix else {}


def rows_of(event: Event) -> Iterable[PlayRow]:
    """The rows that one event alone makes; none for events that are not of plays."""
    subject = event.subject
    if event.kind == "corrected":
        data = event.data or {}
        fix = msgspec.json.encode(data.get("fix", {}), order="deterministic").decode()
        return [
            PlayRow(event.user_id, play_id, told_id, told_id, 0, HOLLOW, 0, imported=1, fix=fix, fixed_by=order_key(event))
            for play_id, told_id in data.get("plays", ())
        ]
    if event.kind not in _PLAYING_KINDS or subject is None:
        return ()
    told_id = subject.id if subject.type == "track" else external_id(subject.external or {}) if subject.type == "external" else None
    if told_id is None:
        return ()
    key = order_key(event)
    told = event.session_id is not None or event.client is not None
    return (
        PlayRow(
            event.user_id,
            event.play_id or f"~{event.at:012x}{event.event_id}",  # by time, so that rows of one time lie together
            told_id,
            told_id,
            event.at,
            event.at,
            event.at,
            event.at if event.kind == "started" else None,
            event.at if event.kind == "scrobbled" else None,
            event.played_ms,
            event.position_ms if event.kind != "seeked" else None,
            event.position_ms,
            key if event.position_ms is not None else None,
            event.outcome if event.kind == "ended" else None,
            key if event.kind == "ended" else None,
            int(event.private),
            int(event.origin == "imported"),
            event.session_id if told else None,
            event.device_id if told else None,
            event.client,
            event.utc_offset_min if told else None,
            key if told else None,
        ),
    )


def join(a: PlayRow, b: PlayRow) -> PlayRow:
    """Two rows of one play as one; the ``track_id`` is the first's."""
    positioned = a if (a.position_by or "") >= (b.position_by or "") else b
    ended = a if (a.outcome_by or "") >= (b.outcome_by or "") else b
    told = a if (a.told_by or "") >= (b.told_by or "") else b
    fixed = a if (a.fixed_by or "") >= (b.fixed_by or "") else b
    return msgspec.structs.replace(
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
        imported=min(a.imported, b.imported),
        session_id=told.session_id,
        device_id=told.device_id,
        client=told.client,
        utc_offset_min=told.utc_offset_min,
        told_by=told.told_by,
        fix=fixed.fix,
        fixed_by=fixed.fixed_by,
    )


def _least(a: int | None, b: int | None) -> int | None:
    return min(a, b) if a is not None and b is not None else a if b is None else b


def _most(a: int | None, b: int | None) -> int | None:
    return max(a, b) if a is not None and b is not None else a if b is None else b


@dataclass(slots=True)
class Playing:
    """One playing of one thing, and whether it is a listen. The first row began it."""

    rows: list[PlayRow]

    @property
    def started_at(self) -> int:
        return min([row.started_at for row in self.rows])

    @property
    def last_at(self) -> int:
        return max([row.last_at for row in self.rows])

    @property
    def private(self) -> bool:
        return any(row.private for row in self.rows)

    @property
    def submitted(self) -> bool:
        """Whether an app said that it counts, as scrobbles do."""
        return any(row.scrobbled_at is not None for row in self.rows)

    @property
    def told_ms(self) -> int | None:
        """The longest that anybody told; None where nobody did."""
        return max([row.played_ms for row in self.rows if row.played_ms is not None], default=None)

    @property
    def reached_ms(self) -> int | None:
        """The furthest position reached, but never more than the time that passed."""
        return max([min(row.reached_ms, row.last_at - row.started_at) for row in self.rows if row.reached_ms is not None], default=None)

    @property
    def outcome(self) -> str | None:
        """How it ended, as the latest said who knows."""
        if len(self.rows) == 1:
            return self.rows[0].outcome
        return max(self.rows, key=lambda row: (_says_end(row), row.outcome_by or "")).outcome

    @property
    def told(self) -> PlayRow:
        """The row that speaks for the playing: of an app rather than of an import, and the earliest."""
        return self.rows[0] if len(self.rows) == 1 else min(self.rows, key=lambda row: (row.imported, row.started_at, row.play_id))

    def heard_ms(self, duration_ms: int | None) -> int | None:
        """How long it sounded: as told, else the position reached, but never more than the time that passed; None where nobody said."""
        told = self.told_ms
        if told is not None:
            return told
        if self.submitted or self.outcome == "finished":
            return max(self.reached_ms or 0, duration_ms or 0) or None
        return self.reached_ms

    def is_listen(self, duration_ms: int | None) -> bool:
        """By the scrobble convention: half of it or 4 minutes were heard, or an app submitted it."""
        if self.submitted:
            return True
        needed = LISTEN_MS if not duration_ms else min(LISTEN_MS, (duration_ms + 1) // 2)
        told = self.told_ms
        if told is not None:
            return told >= needed
        return (self.reached_ms or 0) >= needed or self.outcome == "finished"


def length_of(rows: Iterable[PlayRow]) -> int | None:
    """How long a thing is that is not here, going by its longest play; None when that says little."""
    longest = max((row.played_ms or 0 for row in rows if not row.fix or not row.fixed.get("deleted")), default=0)
    return max(longest, 2 * SHORTEST_MS) if longest else None


def playings(rows: Sequence[PlayRow], duration_ms: int | None) -> list[Playing]:
    """Which rows of one listener and one thing are one playing; see the module's rule. In order of their first row."""
    if len(rows) == 1 and not rows[0].fix and rows[0].started_at != HOLLOW:
        return [Playing([rows[0]])]
    living: list[PlayRow] = []
    buried: list[PlayRow] = []
    for row in rows:
        if row.started_at == HOLLOW:
            continue
        if row.fix:
            fixed = row.fixed
            if fixed.get("deleted"):
                buried.append(row)
                continue
            if at := fixed.get("started_at"):
                row = _moved(row, int(at))
        living.append(row)
    out = _grouped(living, duration_ms or 0)
    if buried and out:
        graves = _grouped(buried, duration_ms or 0)
        starts = [grave.rows[0].started_at for grave in graves]
        before: Playing | None = None
        kept = []
        for playing in out:
            if not _belongs(playing, before, graves, starts, duration_ms or 0):
                kept.append(playing)
            if playing.rows[0].derived and not playing.rows[0].imported:
                before = playing
        return kept
    return out


def _moved(row: PlayRow, at: int) -> PlayRow:
    shift = at - row.started_at
    return msgspec.structs.replace(
        row,
        started_at=at,
        last_at=row.last_at + shift,
        begun_at=None if row.begun_at is None else row.begun_at + shift,
        scrobbled_at=None if row.scrobbled_at is None else row.scrobbled_at + shift,
    )


def _grouped(rows: Sequence[PlayRow], duration_ms: int) -> list[Playing]:
    ordered = sorted(rows, key=lambda row: (row.started_at, row.play_id, row.told_id))
    told = [Playing([row]) for row in ordered if not row.derived]
    starts = [playing.rows[0].started_at for playing in told]
    out = list(told)
    before: Playing | None = None
    for report in (row for row in ordered if row.derived and not row.imported):
        host = _host(told, starts, report, duration_ms)
        if host is not None:
            host.rows.append(report)
        elif before is not None and _same_playing(before, report, duration_ms):
            before.rows.append(report)
        else:
            before = Playing([report])
            out.append(before)
    imported = [row for row in ordered if row.derived and row.imported]
    if imported:
        out.sort(key=_first)
        _place(out, imported)
    out.sort(key=_first)
    return out


def _first(playing: Playing) -> tuple[int, str]:
    return playing.rows[0].started_at, playing.rows[0].play_id


def _place(out: list[Playing], imported: Sequence[PlayRow]) -> None:
    """Add imported rows, in order of time, to the playings they are copies of, or as playings of their own. Those that are exact come
    first, so that the others are measured by them."""
    starts = [playing.rows[0].started_at for playing in out]
    for row in sorted(imported, key=lambda row: row.client == _TWO_FORMS and not _says_end(row)):
        host = _copied(out, starts, row)
        if host is not None:
            host.rows.append(row)
        else:
            place = bisect.bisect_right(starts, row.started_at)
            starts.insert(place, row.started_at)
            out.insert(place, Playing([row]))


def _copied(playings: Sequence[Playing], starts: Sequence[int], row: PlayRow) -> Playing | None:
    """The playing an imported row is a copy of: one with its other form, else the nearest."""
    reach = COPY_MS + SLACK_MS
    best: tuple[bool, int, int] | None = None
    for number in range(bisect.bisect_left(starts, row.started_at - reach), bisect.bisect_right(starts, row.started_at + reach)):
        apart = abs(starts[number] - row.started_at)
        same = [one for one in playings[number].rows if one.imported and one.client == row.client]
        if not all(_two_forms(one, row) for one in same) or (not same and apart > COPY_MS):
            continue
        rank = not same, apart, number
        best = rank if best is None else min(best, rank)
    return None if best is None else playings[best[2]]


def _two_forms(a: PlayRow, b: PlayRow) -> bool:
    same = a.played_ms is not None and a.played_ms == b.played_ms and abs(a.started_at - b.started_at) < SLACK_MS
    return same and not (_says_end(a) and _says_end(b))


def _says_end(row: PlayRow) -> bool:
    return row.outcome not in _NO_END


def _belongs(playing: Playing, before: Playing | None, graves: list[Playing], starts: list[int], duration_ms: int) -> bool:
    """Whether a playing that no client named would have been part of a deleted one."""
    head = playing.rows[0]
    if not head.derived or not all(row.derived for row in playing.rows):
        return False
    if head.imported:
        return _copied(graves, starts, head) is not None
    named = [grave for grave in graves if not grave.rows[0].derived]
    if _host(named, [grave.rows[0].started_at for grave in named], head, duration_ms) is not None:
        return True
    reports = [grave for grave in graves if grave.rows[0].derived and not grave.rows[0].imported and _first(grave) < _first(playing)]
    if not reports or (before is not None and _first(before) > _first(reports[-1])):
        return False
    return _same_playing(reports[-1], head, duration_ms)


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
        return gap < RETRY_MS and (head.scrobbled_at is not None or all(row.begun_at is not None for row in before.rows))
    submitted = next((row.scrobbled_at for row in before.rows if row.scrobbled_at is not None), None)
    if report.scrobbled_at is not None and submitted is not None:
        return report.scrobbled_at - submitted < max(RETRY_MS, duration_ms // 2)
    return gap <= duration_ms + SLACK_MS
