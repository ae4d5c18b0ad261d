"""One listener's past, read from the projections by index: see :class:`segue.ports.History`."""

import json
import math
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from segue.model import Acquaintance, Listener, Outcome, Play, Record
from segue.state import _facts
from segue.state._features import half_life_days, log_weight, part_of_day, weight, worth
from segue.state._project import raw_of
from segue.store import Database
from segue.store import schema as t
from segue.types import Instant, Ms, TrackId, UserId

_HIDDEN = (
    "SELECT id FROM annotation INDEXED BY ix_annotation_hidden WHERE user_id = ? AND type IN ('track', 'release', 'artist') AND hidden = 1"
)
_KNOWN = "a.id, a.liked_at, a.rating, a.play_count, a.skip_count, a.last_played_at, s.log_heard, s.skipped"
_SUMS = "LEFT JOIN tally s ON s.user_id = a.user_id AND s.period = 'all' AND s.kind = a.type AND s.key = a.id"
_DUE = "a.hidden = 0 AND (a.last_played_at IS NULL OR a.last_played_at < ?)"
_HEARD_MOST = (
    f"SELECT {_KNOWN} FROM tally s INDEXED BY ix_tally_heard CROSS JOIN annotation a ON a.user_id = s.user_id AND a.type = s.kind"
    f" AND a.id = s.key WHERE s.user_id = ? AND s.kind = ? AND s.log_heard IS NOT NULL AND {_DUE} ORDER BY s.log_heard DESC LIMIT ?"
)
_LIKED = (
    f"SELECT {_KNOWN} FROM annotation a INDEXED BY ix_annotation_liked {_SUMS}"
    f" WHERE a.user_id = ? AND a.type = ? AND a.liked_at IS NOT NULL AND {_DUE} ORDER BY a.liked_at DESC LIMIT ?"
)
_RATED = (
    f"SELECT {_KNOWN} FROM annotation a INDEXED BY ix_annotation_rating {_SUMS}"
    f" WHERE a.user_id = ? AND a.type = ? AND a.rating > 0 AND a.rating >= 4 AND {_DUE} ORDER BY a.rating DESC LIMIT ?"
)
_EACH = f"SELECT {_KNOWN} FROM json_each(?) j CROSS JOIN annotation a ON a.user_id = ? AND a.type = 'track' AND a.id = j.value {_SUMS}"
_RECENT = (
    "SELECT id, track_id, started_at, last_at, played_ms, outcome, session_id, client FROM listen"
    " WHERE user_id = ? ORDER BY id DESC LIMIT ?"
)
_TOLD_LIVE = sa.text("play.imported = 0")
"""In these words, by which SQLite knows that its indexes by time hold what is asked."""
_NEVER = 1 << 53
_PRIOR = 3.0
"""Listens' worth of evidence that an hour is like any other."""
_STRONGEST = 1.0


_TOLD_BY = "user_id", "told_id", "play_id", "started_at", "last_at", "position_ms", "played_ms", "outcome", "begun_at", "scrobbled_at"


class ToldPlay(Record, frozen=True, kw_only=True):
    """What one app told of one ``play_id``, or in one report without."""

    user_id: UserId
    told_id: str
    play_id: str
    started_at: Instant
    last_at: Instant
    position_ms: Ms | None
    played_ms: Ms | None
    outcome: Outcome | None
    begun_at: Instant | None
    scrobbled_at: Instant | None
    last_event: str | None
    """Id of the latest event that names the app."""


def _told(row: sa.Row[tuple[object, ...]]) -> ToldPlay:
    values = dict(row._mapping)
    key = values.pop("told_by")
    return ToldPlay(**values, last_event=key.partition(" ")[2] if key else None)


@dataclass(frozen=True, slots=True)
class HourLeaning:
    """Of one genre at one part of the day, ``from_hour`` and the three after it (None: the listener's clock is not known)."""

    value: float
    """Above 0 (at most 1) where it is heard more than at other times, below where less: the logarithm of the ratio, smoothed."""
    from_hour: int | None
    listens: int
    """At this part of the day."""
    of_listens: int


class ListenerHistory:
    """Meets :class:`segue.ports.History`, and knows what filters and scores ask."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def plays(self, user_id: UserId, limit: int) -> Sequence[Play]:
        with self._db.read() as connection:
            rows = raw_of(connection).execute(_RECENT, (user_id, limit)).fetchall()
        return [
            Play(
                user_id=user_id,
                play_id=id,
                track_id=track_id,
                started_at=started_at,
                last_at=last_at,
                played_ms=played_ms,
                outcome=outcome,
                session_id=session_id,
                client=client,
            )
            for id, track_id, started_at, last_at, played_ms, outcome, session_id, client in rows
        ]

    def going_on(self, since: Instant, limit: int) -> Sequence[tuple[str, Play]]:
        """Everybody's plays with a report since, latest first, each with the listener's name: no private ones, no mere submissions."""
        fields = [t.play.c[name] for name in Play.__struct_fields__]
        statement = (
            sa.select(t.user.c.name, *fields)
            .join(t.user, t.user.c.id == t.play.c.user_id)
            .where(t.play.c.last_at >= since, t.play.c.private == 0, _TOLD_LIVE)
            .where(sa.or_(t.play.c.begun_at.is_not(None), t.play.c.scrobbled_at.is_(None)))
            .order_by(t.play.c.last_at.desc())
            .limit(limit)
        )
        with self._db.read() as connection:
            return [(row[0], _play(row)) for row in connection.execute(statement)]

    def told_by(self, user_id: UserId, client: str | None, *, since: Instant, until: Instant, limit: int) -> Sequence[ToldPlay]:
        """What an app told, the play with the latest report first: those whose last report lies between the instants."""
        columns = [t.play.c[name] for name in (*_TOLD_BY, "told_by")]
        statement = (
            sa.select(*columns)
            .where(t.play.c.user_id == user_id, t.play.c.last_at.between(since, until), t.play.c.client.is_not_distinct_from(client))
            .where(_TOLD_LIVE)
            .order_by(t.play.c.last_at.desc(), t.play.c.started_at.desc())
            .limit(limit)
        )
        with self._db.read() as connection:
            return [_told(row) for row in connection.execute(statement)]

    def told(self, user_id: UserId, play_id: str, track_id: TrackId) -> ToldPlay | None:
        columns = [t.play.c[name] for name in (*_TOLD_BY, "told_by")]
        key = (t.play.c.user_id == user_id, t.play.c.play_id == play_id, t.play.c.track_id == track_id)
        with self._db.read() as connection:
            row = connection.execute(sa.select(*columns).where(*key).limit(1)).first()
        return None if row is None else _told(row)

    def favourites(self, user_id: UserId, limit: int, *, not_since: Instant, at: Instant) -> Sequence[Acquaintance]:
        found = self._best(user_id, "track", limit, not_since, at, (_LIKED, _HEARD_MOST, _RATED))
        return sorted(found, key=lambda one: (-(one.heard + 3 * (one.liked_at is not None) + max(0, one.rating - 3)), one.id))[:limit]

    def artists(self, user_id: UserId, limit: int, *, at: Instant) -> Sequence[Acquaintance]:
        found = self._best(user_id, "artist", limit, Instant(_NEVER), at, (_HEARD_MOST, _LIKED))
        return sorted(found, key=lambda one: (-one.heard, one.id))[:limit]

    def _best(
        self, user_id: UserId, type: str, limit: int, not_since: Instant, at: Instant, statements: Sequence[str]
    ) -> list[Acquaintance]:
        found: dict[str, Acquaintance] = {}
        with self._db.read() as connection:
            raw = raw_of(connection)
            for sql in statements:
                for row in raw.execute(sql, (user_id, type, not_since, limit)):
                    if row[0] not in found:
                        found[row[0]] = _acquaintance(row, type, at)
        return list(found.values())

    def heard(self, user_id: UserId, track_ids: Sequence[TrackId]) -> frozenset[TrackId]:
        sql = (
            "SELECT j.value FROM json_each(?) j WHERE EXISTS"
            " (SELECT 1 FROM play INDEXED BY ix_play_track WHERE user_id = ? AND track_id = j.value)"
        )
        with self._db.read() as connection:
            return frozenset(TrackId(row[0]) for row in raw_of(connection).execute(sql, (json.dumps(track_ids), user_id)))

    def known(self, user_id: UserId, track_ids: Sequence[TrackId], *, at: Instant) -> dict[str, Acquaintance]:
        """What this listener made of the given tracks; those of which nothing is known are left out."""
        with self._db.read() as connection:
            rows = raw_of(connection).execute(_EACH, (json.dumps(track_ids), user_id)).fetchall()
        return {row[0]: _acquaintance(row, "track", at) for row in rows}

    def marked(self, listener: Listener, kind: Literal["liked", "hidden"]) -> Sequence[tuple[TrackId, Instant]]:
        """The tracks this listener may hear and liked or hid, latest first, with when."""
        note = t.annotation.c
        by, is_set = (note.liked_by, note.liked_at.is_not(None)) if kind == "liked" else (note.hidden_by, note.hidden == 1)
        statement = (
            sa.select(note.id, by)
            .join(t.track, t.track.c.id == note.id)
            .where(note.user_id == listener.user.id, note.type == "track", is_set)
            .where(t.track.c.library_id.in_(list(listener.libraries)), t.track.c.missing_at.is_(None))
            .order_by(by.desc())
        )
        with self._db.read() as connection:
            return [(TrackId(row[0]), Instant(int(row[1].split(" ", 1)[0]))) for row in connection.execute(statement)]

    def hidden(self, user_id: UserId) -> frozenset[str]:
        """Ids of the tracks, releases and artists this listener hid."""
        with self._db.read() as connection:
            return frozenset(row[0] for row in raw_of(connection).execute(_HIDDEN, (user_id,)))

    def hour_leanings(self, user_id: UserId, at: Instant, *, without: Collection[TrackId] = ()) -> dict[str, HourLeaning]:
        """How much each genre is heard at this part of the listener's day, by the clock of the last listens that told one. Listens to
        the tracks in ``without`` count for nothing."""
        latest = "SELECT utc_offset_min FROM listen WHERE user_id = ? ORDER BY id DESC LIMIT 100"
        offset = f"SELECT utc_offset_min FROM ({latest}) WHERE utc_offset_min IS NOT NULL LIMIT 1"
        sums = "SELECT key, log_heard, listens FROM tally WHERE user_id = ? AND period = 'all' AND kind = ? AND log_heard IS NOT NULL"
        with self._db.read() as connection:
            raw = raw_of(connection)
            told = raw.execute(offset, (user_id,)).fetchone()
            hour = (at // 60_000 + (told[0] if told else 0)) // 60 % 24
            now = f"{part_of_day(hour)} "
            parts = [(key[2:], log, n) for key, log, n in raw.execute(sums, (user_id, "part_genre")) if key.startswith(now)]
            genres = raw.execute(sums, (user_id, "genre")).fetchall()
            left_here, left = _left_out(raw, user_id, without, now[:1]) if without and genres else ({}, {})
        here, listens_here = _remaining(parts, "part_genre", left_here, at)
        ever, listens = _remaining(genres, "genre", left, at)
        total_here, total = sum(here.values()), sum(ever.values())
        if total <= 0:
            return {}
        out = {}
        for genre, amount in ever.items():
            expected = total_here * amount / total
            ratio = math.log((here.get(genre, 0.0) + _PRIOR) / (expected + _PRIOR))
            out[genre] = HourLeaning(
                max(-_STRONGEST, min(_STRONGEST, ratio)), hour // 4 * 4 if told else None, listens_here.get(genre, 0), listens[genre]
            )
        return out


_Left = dict[str, tuple[int, int]]
"""Of each genre: how many listens, and what they weigh."""


def _left_out(raw: sqlite3.Connection, user_id: str, track_ids: Collection[TrackId], part: str) -> tuple[_Left, _Left]:
    """What listens to these tracks added to their genres: at this part of the day, and ever."""
    sql = (
        "SELECT l.track_id, l.started_at, coalesce(l.utc_offset_min, 0) FROM json_each(?) j CROSS JOIN listen l INDEXED BY ix_listen_track"
        " ON l.user_id = ? AND l.track_id = j.value WHERE l.counted = 1"
    )
    found = raw.execute(sql, (json.dumps(list(track_ids)), user_id)).fetchall()
    facts = _facts.read(raw, user_id, sorted({row[0] for row in found}))
    here: _Left = {}
    ever: _Left = {}
    for track_id, started_at, offset_min in found:
        hour = (started_at // 1000 + offset_min * 60) // 3600 % 24
        for kind, sums in (("genre", ever), ("part_genre", here)):
            if kind == "genre" or part_of_day(hour) == part:
                amount = weight(started_at, half_life_days(kind))
                for genre in facts[track_id].genres:
                    n, heard = sums.get(genre, (0, 0))
                    sums[genre] = n + 1, heard + amount
    return here, ever


def _remaining(rows: Iterable[tuple[str, float, int]], kind: str, left_out: _Left, at: Instant) -> tuple[dict[str, float], dict[str, int]]:
    """What each genre is worth, and its listens, without what is left out."""
    worths: dict[str, float] = {}
    listens: dict[str, int] = {}
    for genre, log, n in rows:
        out_n, out_heard = left_out.get(genre, (0, 0))
        if n > out_n:
            worths[genre] = max(0.0, worth(log, kind, at) - worth(log_weight(out_heard), kind, at))
            listens[genre] = n - out_n
    return worths, listens


def _play(row: sa.Row[tuple[object, ...]]) -> Play:
    values = {name: row._mapping[name] for name in Play.__struct_fields__}
    return Play(**{**values, "private": bool(values["private"])})


def _acquaintance(row: Any, type: str, at: Instant) -> Acquaintance:
    id, liked_at, rating, play_count, skip_count, last_played_at, log_heard, skipped = row
    return Acquaintance(
        id=id,
        liked_at=liked_at,
        rating=rating,
        play_count=play_count,
        skip_count=skip_count,
        last_played_at=last_played_at,
        heard=worth(log_heard, type, at),
        skipped=worth(log_weight(int.from_bytes(skipped)), type, at) if skipped else 0.0,
    )
