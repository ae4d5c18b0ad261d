"""Bring the projections to the end of the log, in the same transaction as the offset they stand at."""

import json
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from segue.model import Event
from segue.observe import get_logger
from segue.ports import EventLog, Progress
from segue.state import _count, _external, _marks, _sums
from segue.state._count import Change
from segue.state._features import Sums
from segue.state._marks import MarkRow
from segue.state._plays import HOLLOW, PlayRow, join, order_key, rows_of
from segue.store import Database
from segue.store import schema as t

_logger = get_logger("state")
_NAME = "listens"
_LARGEST, _SMALLEST = 1_000, 50
"""Events a transaction while catching up, fitted so that each stays well under 50 ms."""
_LARGEST_SORTED = 4_000
_CHUNK = 4_000
_SLOW_S, _QUICK_S = 0.035, 0.020
_SLOW_SORTED_S, _QUICK_SORTED_S = 0.045, 0.025
"""While a history is brought along, or the log folded anew."""
_REBUILD = -1
"""The stored offset until a rebuild is done: whoever finds it begins again."""
_EVENTS_ANEW, _COUNTED_ANEW, _SUMS_KEPT = 300, 800, 50_000
"""Of a rebuild: events and rows a transaction, and sums that are kept until they are stored."""
_MARK_FIELDS = [field.name for field in fields(MarkRow)]
_SOME_PLAYS = f"SELECT {', '.join(_count.PLAY_FIELDS)} FROM play WHERE user_id = ? AND play_id {_count.IN}"
_PUT_PLAY = f"INSERT OR REPLACE INTO play ({', '.join(_count.PLAY_FIELDS)}) VALUES ({', '.join('?' * len(_count.PLAY_FIELDS))})"
_RELEASES = "SELECT id, release_id FROM track WHERE id IN (SELECT value FROM json_each(?))"
_PLAYS_OF_EACH = "SELECT track_id, count(*) FROM play INDEXED BY ix_play_track WHERE user_id = ? GROUP BY track_id"
OWN_TABLES = (t.play, t.annotation, t.listen, t.tally, t.external)
"""All that is made of the log alone."""


def raw_of(connection: sa.Connection) -> sqlite3.Connection:
    """The driver's connection: statements here run once an event, and building them costs more than running them."""
    return cast(sqlite3.Connection, connection.connection.driver_connection)


class Projections:
    """Follows the log. Thread-safe; whoever comes while another projects waits, and then finds its own events projected too."""

    def __init__(self, db: Database, log: EventLog, *, chunk: int = _CHUNK) -> None:
        """``chunk``: events read at once; three times as many when so many are to be projected that no listener waits for them."""
        self._db = db
        self._log = log
        self.lock = threading.Lock()
        self._chunk = chunk
        self._batch = 300
        self._batch_sorted = 100
        self._reached = self._stored()

    @property
    def offset(self) -> int:
        """Where the projections stand."""
        return max(0, self._reached)

    def _stored(self) -> int:
        with self._db.read() as connection:
            found = connection.execute(sa.select(t.projection.c.offset).where(t.projection.c.name == _NAME)).scalar()
        return int(found or 0)

    def catch_up(self, upto: int | None = None, progress: Progress | None = None) -> int:
        """Project what the log holds beyond the stored offset (at least to ``upto``). Returns the offset reached.

        Raises :class:`~segue.errors.Unavailable` when the log cannot be read or the database cannot be written: nothing is then half
        projected, and the next call goes on.
        """
        wanted = self._log.last_offset() if upto is None else upto
        if upto is None and self._reached > wanted:
            # The log is an older copy than what was made of it. Folding it again adds nothing twice, and keeps what only the fold knows.
            _logger.warning("log_older_than_projections", log=wanted, projections=self._reached)
            with self.lock:
                self._reached = 0
        while self._reached < wanted:
            with self.lock:
                if self._reached >= wanted:
                    break
                if self._reached == _REBUILD:
                    self._make_anew(progress)
                    continue
                self._step()
                if progress is not None:
                    progress("projecting", self._reached, wanted)
        return self._reached

    def _step(self) -> None:
        """Project the next chunk of the log in one or more transactions, the last of which moves the offset.

        Each leaves the rows as some set of events would. After a crash between them the chunk is projected again, and what was there
        already adds nothing: so a chunk may be sorted, and what belongs together is read and written once.
        """
        behind = self._log.last_offset() - self._reached
        rows = self._log.read(self._reached, self._chunk * 3 if behind >= self._chunk * 3 else self._chunk)
        # The log's end may lie beyond its last row, when the rows there were repeats or erased.
        end = rows[-1][0] if rows else self._log.last_offset()
        segments = list(_segments([event for _, event in rows])) or [[]]
        for number, segment in enumerate(segments):
            many = len(segment) > self._batch
            together = self._sorted(segment) if many else segment
            done = 0
            while True:
                part = together[done : done + (self._batch_sorted if many else self._batch)]
                done += len(part)
                last = done >= len(together)
                spent = self._write(part, end if last and number == len(segments) - 1 else None)
                self._fit(spent, len(part), many=many)
                if last:
                    break
        self._reached = end

    def _sorted(self, events: list[Event]) -> list[Event]:
        """By listener, and then by release or artist."""
        ids = sorted({event.subject.id for event in events if event.subject is not None and event.subject.id})
        with self._db.read() as connection:
            releases = dict(raw_of(connection).execute(_RELEASES, (json.dumps(ids),)).fetchall())

        def place(event: Event) -> tuple[str, str, str]:
            subject = event.subject
            if subject is None:
                return event.user_id, "", ""
            if subject.external is not None:
                return event.user_id, subject.external.get("artist", ""), subject.external.get("title", "")
            return event.user_id, releases.get(subject.id, ""), subject.id or ""

        return sorted(events, key=place)

    def _write(self, events: list[Event], offset: int | None) -> float:
        """Returns seconds of processor time."""
        with self._db.write(urgent=True) as connection:
            started = time.thread_time()  # not the wall clock: a busy machine must not make the steps tiny
            if events:
                _apply(connection, events)
            if offset is not None:
                _store_offset(connection, offset)
            return time.thread_time() - started

    def _fit(self, spent: float, events: int, *, many: bool) -> None:
        """Make the next transactions smaller or larger, as the last took."""
        if many:
            if spent > _SLOW_SORTED_S:
                self._batch_sorted = max(_SMALLEST, self._batch_sorted * 3 // 4)
            elif spent < _QUICK_SORTED_S and events == self._batch_sorted:
                self._batch_sorted = min(_LARGEST_SORTED, self._batch_sorted * 3 // 2)
        elif spent > _SLOW_S:
            self._batch = max(_SMALLEST, self._batch * 3 // 4)
        elif spent < _QUICK_S and events == self._batch:
            self._batch = min(_LARGEST, self._batch * 3 // 2)

    def plays_of(self, user_id: str, listen_id: str) -> tuple[tuple[str, str], ...]:
        """``(play_id, told_id)`` of all that was told of one listen: what a correction names. Empty when there is no such listen."""
        with self._db.read() as connection:
            return _count.plays_of(raw_of(connection), user_id, listen_id)

    def rebuild(self, progress: Progress | None = None) -> int:
        """Forget everything projected and fold the log anew. Returns the offset reached. Survives a crash: the next call begins again.

        Until it is done, counts and stars are incomplete, and writers of events wait for it.
        """
        self._log.last_offset()  # raises while the log is unreadable, before anything is forgotten
        with self.lock:
            with self._db.write() as connection:
                _store_offset(connection, _REBUILD)
            self._reached = _REBUILD
            self._make_anew(progress)
        return self.catch_up(progress=progress)

    def _make_anew(self, progress: Progress | None) -> None:
        """Forget, keep all plays, then count each thing once. Nothing is whole before the end, where the offset is stored: so no
        transaction need be, and each is as small as it likes."""
        self._forget()
        end = self._log.last_offset()
        at = 0
        uncounted: dict[str, set[str]] = defaultdict(set)
        while rows := self._log.read(at, self._chunk):
            rows = [row for row in rows if row[0] <= end]
            if not rows:
                break
            for segment in _segments([event for _, event in rows]):
                for start in range(0, len(segment), _EVENTS_ANEW):
                    with self._db.write(urgent=True) as connection:
                        _apply(connection, segment[start : start + _EVENTS_ANEW], uncounted)
            at = rows[-1][0]
            if progress is not None:
                progress("projecting", at // 2, end)
        done, total = 0, sum(map(len, uncounted.values())) or 1
        for user_id, own in uncounted.items():
            sums = Sums()
            for ids in self._parcels(user_id, own):
                self._count_anew(user_id, ids, sums)
                if len(sums) > _SUMS_KEPT:
                    self._store_sums(user_id, sums)
                    sums = Sums()
                done += len(ids)
                if progress is not None:
                    progress("projecting", (end + end * done // total) // 2, end)
            self._store_sums(user_id, sums)
        with self._db.write() as connection:
            _store_offset(connection, end)
        self._reached = end

    def _parcels(self, user_id: str, ids: Iterable[str]) -> Iterable[list[str]]:
        """Few enough things that have few enough plays, those of one release together."""
        with self._db.read() as connection:
            plays = dict(raw_of(connection).execute(_PLAYS_OF_EACH, (user_id,)).fetchall())
            releases = dict(raw_of(connection).execute(_RELEASES, (json.dumps(list(ids)),)).fetchall())
        parcel: list[str] = []
        size = 0
        for id in sorted(ids, key=lambda id: (releases.get(id, ""), id)):
            parcel.append(id)
            size += plays.get(id, 0)
            if size >= 4 * _COUNTED_ANEW or len(parcel) >= _COUNTED_ANEW // 2:
                yield parcel
                parcel, size = [], 0
        if parcel:
            yield parcel

    def _count_anew(self, user_id: str, ids: Sequence[str], sums: Sums) -> None:
        with self._db.write(urgent=True) as connection:
            known = _count.facts_and_notes(raw_of(connection), user_id, ids)
        with self._db.read() as connection:
            found = _count.compare(raw_of(connection), user_id, {id: Change() for id in ids}, known, sums)
        listens = [listen for one in found for listen in one.new]
        for start in range(0, len(listens), _COUNTED_ANEW):
            with self._db.write(urgent=True) as connection:
                _count.add_listens(raw_of(connection), user_id, listens[start : start + _COUNTED_ANEW])
        with self._db.write(urgent=True) as connection:
            _count.annotate(raw_of(connection), user_id, found, known)

    def _store_sums(self, user_id: str, sums: Sums) -> None:
        by_key = sums.by_key()
        keys = sorted(by_key)
        for start in range(0, len(keys), _COUNTED_ANEW):
            with self._db.write(urgent=True) as connection:
                _sums.store(raw_of(connection), user_id, {key: by_key[key] for key in keys[start : start + _COUNTED_ANEW]})

    def _forget(self) -> None:
        for table in OWN_TABLES:
            key = list(table.primary_key.columns)
            some = sa.select(*key).limit(2_000)
            while True:
                with self._db.write() as connection:
                    gone = connection.execute(sa.delete(table).where(sa.tuple_(*key).in_(some))).rowcount
                if not gone:
                    break


def _store_offset(connection: sa.Connection, offset: int) -> None:
    raw_of(connection).execute('INSERT OR REPLACE INTO projection (name, "offset") VALUES (?, ?)', (_NAME, offset))


def _segments(events: Sequence[Event]) -> Iterable[list[Event]]:
    """Runs of events between tombstones; a tombstone stands alone."""
    run: list[Event] = []
    for event in events:
        if event.kind == "erased":
            if run:
                yield run
            yield [event]
            run = []
        else:
            run.append(event)
    if run:
        yield run


def _apply(connection: sa.Connection, events: list[Event], uncounted: dict[str, set[str]] | None = None) -> None:
    """``uncounted``: takes what of each listener is to be counted, which then is left to the caller."""
    if events[0].kind == "erased":
        if uncounted is not None:
            uncounted.pop(events[0].user_id, None)
        for table in (*OWN_TABLES, t.slate, t.forward_queue):
            connection.execute(sa.delete(table).where(table.c.user_id == events[0].user_id))
        return
    by_user: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_user[event.user_id].append(event)
    for user_id, own in by_user.items():
        _apply_marks(connection, user_id, own)
        changes = _apply_plays(raw_of(connection), user_id, own)
        if uncounted is not None:
            uncounted[user_id].update(changes)
        elif changes:
            _count.recount(raw_of(connection), user_id, changes)


def _apply_marks(connection: sa.Connection, user_id: str, events: list[Event]) -> None:
    marks = [e for e in events if e.kind in _marks.KINDS and e.subject and e.subject.id and e.subject.type in _marks.TYPES]
    if not marks:
        return
    keys = sorted({(e.subject.type, e.subject.id) for e in marks if e.subject and e.subject.id})
    columns = [t.annotation.c[name] for name in _MARK_FIELDS]
    found = connection.execute(
        sa.select(*columns).where(t.annotation.c.user_id == user_id, sa.tuple_(t.annotation.c.type, t.annotation.c.id).in_(keys))
    )
    rows = {(row.type, row.id): MarkRow(*row) for row in found}
    old = dict(rows)
    for event in marks:
        assert event.subject is not None
        assert event.subject.id is not None
        key = (event.subject.type, event.subject.id)
        rows[key] = _marks.marked(rows.get(key) or MarkRow(user_id, *key), event)
    changed = [asdict(row) for key, row in rows.items() if row != old.get(key)]
    if changed:
        statement = insert(t.annotation)
        key_names = ["user_id", "type", "id"]
        told = {name: statement.excluded[name] for name in changed[0] if name not in key_names}
        connection.execute(statement.on_conflict_do_update(index_elements=key_names, set_=told), changed)


def _apply_plays(raw: sqlite3.Connection, user_id: str, events: list[Event]) -> dict[str, Change]:
    """Fold events into rows of plays. Returns the tracks that are to be counted anew."""
    new: dict[tuple[str, str], PlayRow] = {}
    named: set[str] = set()
    for event in events:
        for row in rows_of(event):
            key = (row.play_id, row.told_id)
            new[key] = join(new[key], row) if key in new else row
        if event.kind == "corrected":
            named |= {told_id for _, told_id in (event.data or {}).get("plays", ())}
    changes, known = _apply_externals(raw, user_id, events, named)
    if new:
        _store_plays(raw, user_id, new, known, changes)
    return changes


def _apply_externals(
    raw: sqlite3.Connection, user_id: str, events: list[Event], named: set[str]
) -> tuple[dict[str, Change], dict[str, str]]:
    """Returns what must be counted anew, and the tracks that the externals of these events are."""
    told: list[_external.External] = []
    by_hand: list[tuple[str, str, str]] = []
    for event in events:
        subject = event.subject
        if subject is None or subject.type != "external" or subject.external is None:
            continue
        id = _external.external_id(subject.external)
        if id is None:
            continue
        told.append(_external.external_of(id, subject.external, order_key(event)))
        if event.kind == "matched":
            by_hand.append((id, str((event.data or {}).get("track_id") or ""), order_key(event)))
    changes: dict[str, Change] = {}
    ids = sorted({one.id for one in told} | named)
    if told:
        before = _external.matched(raw, user_id, ids)
        _external.store(raw, user_id, told)
        found = _external.find_matches(raw, user_id, ids)
        _external.store_matches(raw, user_id, found)
        by_hand_ids = _external.store_hand_matches(raw, user_id, by_hand)
        changes = reassign(raw, user_id, sorted({*found, *by_hand_ids}), before)
    return changes, _external.matched(raw, user_id, ids) if ids else {}


def reassign(raw: sqlite3.Connection, user_id: str, ids: Sequence[str], before: dict[str, str]) -> dict[str, Change]:
    """Give the plays of externals, which were of the tracks ``before`` says, to those they are now known to be. Returns what must be
    counted anew."""
    changes: dict[str, Change] = {}
    if not ids:
        return changes
    known = _external.matched(raw, user_id, ids)
    wanted = set(ids)
    moved = []
    for row in _count.plays_of_all(raw, user_id, sorted({before.get(id, id) for id in ids})):
        belongs = _track_of(row, known)
        if row.told_id in wanted and belongs != row.track_id:
            changes[row.track_id] = changes[belongs] = Change()
            row.track_id = belongs
            moved.append(_count.play_values(row))
    raw.executemany(_PUT_PLAY, moved)
    return changes


def _track_of(row: PlayRow, known: dict[str, str]) -> str:
    corrected: Any = row.fixed.get("track_id") if row.fix else None
    return str(corrected) if corrected else known.get(row.told_id, row.told_id)


def _store_plays(
    raw: sqlite3.Connection, user_id: str, new: dict[tuple[str, str], PlayRow], known: dict[str, str], changes: dict[str, Change]
) -> None:
    old: dict[tuple[str, str], PlayRow] = {}
    for values in raw.execute(_SOME_PLAYS, (user_id, json.dumps(sorted({play_id for play_id, _ in new})))):
        row = PlayRow(*values)
        old[row.play_id, row.told_id] = row
    changed = []
    for key, fresh in new.items():
        before = old.get(key)
        row = join(before, fresh) if before is not None else fresh
        row.track_id = _track_of(row, known)
        row.until_at = _until(row)
        if row != before:
            _note(changes, row, before)
            changed.append(_count.play_values(row))
    raw.executemany(_PUT_PLAY, changed)


def _until(row: PlayRow) -> int:
    at: Any = row.fixed.get("started_at") if row.fix else None
    return int(at) + row.last_at - row.started_at if at and row.started_at != HOLLOW else row.last_at


def _note(changes: dict[str, Change], row: PlayRow, before: PlayRow | None) -> None:
    """That a row changed, and where what it belongs to lies."""
    if row.fix or (before is not None and before.track_id != row.track_id):
        changes[row.track_id] = Change()
        if before is not None:
            changes[before.track_id] = Change()
        return
    change = changes.get(row.track_id)
    if change is None:
        change = changes[row.track_id] = Change(False, row.start, row.until_at)
    if not change.whole:
        for one in (row,) if before is None else (row, before):
            change.first = min(change.first, one.start)
            change.last = max(change.last, one.until_at)
        change.longest_ms = max(change.longest_ms, row.played_ms or 0)
