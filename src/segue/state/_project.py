"""Bring the tables ``play`` and ``annotation`` to the end of the log, in the same transaction as the offset they stand at."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from segue.model import Event
from segue.observe import get_logger
from segue.ports import EventLog, Progress
from segue.state import _marks
from segue.state._marks import MarkRow
from segue.state._plays import PlayRow, join, playings, row_of
from segue.store import Database
from segue.store import schema as t

_logger = get_logger("state")
_NAME = "listens"
_NONE = (0, 0, None)
"""No listens, no skips, never played."""
_TRACK_NOTE = t.annotation.alias()
_BATCH = 500
"""Events a transaction while catching up: well under 50 ms."""
_REBUILD = -1
"""The stored offset while a rebuild still deletes: whoever finds it goes on deleting first."""
_PLAY_FIELDS = [field.name for field in fields(PlayRow)]
_MARK_FIELDS = [field.name for field in fields(MarkRow)]


class Projections:
    """Follows the log. Thread-safe; whoever comes while another projects waits, and then finds its own events projected too."""

    def __init__(self, db: Database, log: EventLog) -> None:
        self._db = db
        self._log = log
        self._lock = threading.Lock()
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
            with self._lock:
                self._reached = 0
        while self._reached < wanted:
            with self._lock:
                if self._reached >= wanted:
                    break
                if self._reached == _REBUILD:
                    self._forget()
                self._step()
                if progress is not None:
                    progress("projecting", self._reached, wanted)
        return self._reached

    def _step(self) -> None:
        rows = self._log.read(self._reached, _BATCH)
        # The log's end may lie beyond its last row, when the rows there were repeats or erased.
        end = rows[-1][0] if rows else self._log.last_offset()
        with self._db.write(urgent=True) as connection:
            for segment in _segments([event for _, event in rows]):
                _apply(connection, segment)
            _store_offset(connection, end)
        self._reached = end

    def rebuild(self, progress: Progress | None = None) -> int:
        """Forget everything projected and fold the log anew. Returns the offset reached. Survives a crash: the next call resumes.

        Until it is done, counts and stars are incomplete, and writers of events wait for it.
        """
        self._log.last_offset()  # raises while the log is unreadable, before anything is forgotten
        with self._lock:
            with self._db.write() as connection:
                _store_offset(connection, _REBUILD)
            self._reached = _REBUILD
            self._forget()
        return self.catch_up(progress=progress)

    def _forget(self) -> None:
        for table in (t.play, t.annotation):
            key = list(table.primary_key.columns)
            some = sa.select(*key).limit(2_000)
            while True:
                with self._db.write() as connection:
                    gone = connection.execute(sa.delete(table).where(sa.tuple_(*key).in_(some))).rowcount
                if not gone:
                    break
        with self._db.write() as connection:
            _store_offset(connection, 0)
        self._reached = 0


def _store_offset(connection: sa.Connection, offset: int) -> None:
    statement = insert(t.projection).values(name=_NAME, offset=offset)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"offset": statement.excluded.offset}))


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


def _apply(connection: sa.Connection, events: list[Event]) -> None:
    if events[0].kind == "erased":
        for table in (t.play, t.annotation, t.slate):
            connection.execute(sa.delete(table).where(table.c.user_id == events[0].user_id))
        return
    by_user: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_user[event.user_id].append(event)
    for user_id, own in by_user.items():
        _apply_marks(connection, user_id, own)
        tracks = _apply_plays(connection, user_id, own)
        if tracks:
            changed = _count_tracks(connection, user_id, sorted(tracks))
            if changed:
                _count_wholes(connection, user_id, changed)


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
    _upsert(connection, t.annotation, ["user_id", "type", "id"], [asdict(row) for key, row in rows.items() if row != old.get(key)])


def _apply_plays(connection: sa.Connection, user_id: str, events: list[Event]) -> set[str]:
    """Fold events into rows of plays. Returns the tracks of which a row changed."""
    new: dict[tuple[str, str], PlayRow] = {}
    for event in events:
        row = row_of(event)
        if row is not None:
            key = (row.play_id, row.track_id)
            new[key] = join(new[key], row) if key in new else row
    if not new:
        return set()
    columns = [t.play.c[name] for name in _PLAY_FIELDS]
    found = connection.execute(
        sa.select(*columns).where(t.play.c.user_id == user_id, t.play.c.play_id.in_(sorted({play_id for play_id, _ in new})))
    )
    old = {(row.play_id, row.track_id): PlayRow(*row) for row in found}
    rows = {key: join(old[key], row) if key in old else row for key, row in new.items()}
    changed = [row for key, row in rows.items() if row != old.get(key)]
    _upsert(connection, t.play, ["user_id", "play_id", "track_id"], [asdict(row) for row in changed])
    return {row.track_id for row in changed}


def _count_tracks(connection: sa.Connection, user_id: str, track_ids: list[str]) -> list[str]:
    """Count listens and skips of tracks from their rows. Returns the tracks whose counts changed."""
    durations = dict(connection.execute(sa.select(t.track.c.id, t.track.c.duration_ms).where(t.track.c.id.in_(track_ids))).all())
    columns = [t.play.c[name] for name in _PLAY_FIELDS]
    rows: dict[str, list[PlayRow]] = defaultdict(list)
    for row in connection.execute(sa.select(*columns).where(t.play.c.user_id == user_id, t.play.c.track_id.in_(track_ids))):
        rows[row.track_id].append(PlayRow(*row))
    counts = {track_id: _counted(rows[track_id], durations.get(track_id)) for track_id in track_ids}
    return _store_counts(connection, user_id, "track", counts)


def _counted(rows: list[PlayRow], duration_ms: int | None) -> tuple[int, int, int | None]:
    open_to_all = [playing for playing in playings(rows, duration_ms) if not playing.private]
    listens = [playing for playing in open_to_all if playing.is_listen(duration_ms)]
    skips = sum(playing.outcome == "skipped" for playing in open_to_all)
    return len(listens), skips, max((playing.started_at for playing in listens), default=None)


def _count_wholes(connection: sa.Connection, user_id: str, track_ids: list[str]) -> None:
    """Sum the listens of the releases and artists that the changed tracks belong to, as the catalogue has them now."""
    note = _TRACK_NOTE
    for type_, link, whole in (
        ("release", t.track.c.id, t.track.c.release_id),
        ("artist", t.track_artist.c.track_id, t.track_artist.c.artist_id),
    ):
        credited = [t.track_artist.c.role == "artist"] if type_ == "artist" else []
        ids = connection.execute(sa.select(whole).where(link.in_(track_ids), *credited).distinct()).scalars().all()
        sums = (
            sa.select(whole, sa.func.sum(note.c.play_count), sa.func.sum(note.c.skip_count), sa.func.max(note.c.last_played_at))
            .join(note, sa.and_(note.c.user_id == user_id, note.c.type == "track", note.c.id == link))
            .where(whole.in_(ids), *credited)
            .group_by(whole)
        )
        counts = dict.fromkeys(ids, _NONE) | {row[0]: (row[1], row[2], row[3]) for row in connection.execute(sums)}
        _store_counts(connection, user_id, type_, counts)


def _store_counts(connection: sa.Connection, user_id: str, type_: str, counts: dict[str, tuple[int, int, int | None]]) -> list[str]:
    note = t.annotation.c
    found = connection.execute(
        sa.select(note.id, note.play_count, note.skip_count, note.last_played_at).where(
            note.user_id == user_id, note.type == type_, note.id.in_(list(counts))
        )
    )
    old = {row.id: (row.play_count, row.skip_count, row.last_played_at) for row in found}
    changed = {id_: count for id_, count in counts.items() if count != old.get(id_, _NONE)}
    rows: list[dict[str, object]] = [
        {"user_id": user_id, "type": type_, "id": id_, "play_count": plays, "skip_count": skips, "last_played_at": last}
        for id_, (plays, skips, last) in changed.items()
    ]
    _upsert(connection, t.annotation, ["user_id", "type", "id"], rows)
    fallen = [id_ for id_, count in changed.items() if count == _NONE]
    if fallen:
        # A row that says nothing is not kept, so that the order of events leaves no trace.
        silent = (note.liked_by.is_(None), note.rated_by.is_(None), note.hidden_by.is_(None))
        connection.execute(sa.delete(t.annotation).where(note.user_id == user_id, note.type == type_, note.id.in_(fallen), *silent))
    return list(changed)


def _upsert(connection: sa.Connection, table: sa.Table, key: list[str], rows: list[dict[str, object]]) -> None:
    if rows:
        statement = insert(table)
        told = {name: statement.excluded[name] for name in rows[0] if name not in key}
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=told), rows)
