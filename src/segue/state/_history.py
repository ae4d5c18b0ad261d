"""One listener's past, read from the projections by index: see :class:`segue.ports.History`."""

from collections.abc import Sequence

import sqlalchemy as sa

from segue.model import Acquaintance, Outcome, Play, Record
from segue.store import Database
from segue.store import schema as t
from segue.types import Instant, Ms, TrackId, UserId

_NOTE = t.annotation.c
_KNOWN = [_NOTE.id, _NOTE.liked_at, _NOTE.rating, _NOTE.play_count, _NOTE.skip_count, _NOTE.last_played_at]
_PLAY = [t.play.c[name] for name in Play.__struct_fields__]
_TOLD = "play_id", "position_ms", "private"
_HEARD = [t.listen.c.id.label("play_id"), *(t.listen.c[name] for name in Play.__struct_fields__ if name not in _TOLD)]
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


def _play(row: sa.Row[tuple[object, ...]]) -> Play:
    values = {name: row._mapping[name] for name in Play.__struct_fields__}
    return Play(**{**values, "private": bool(values["private"])})


class ListenerHistory:
    """Meets :class:`segue.ports.History`, and knows what filters ask."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def plays(self, user_id: UserId, limit: int) -> Sequence[Play]:
        statement = sa.select(*_HEARD).where(t.listen.c.user_id == user_id).order_by(t.listen.c.id.desc()).limit(limit)
        with self._db.read() as connection:
            return [Play(**row._mapping) for row in connection.execute(statement)]

    def going_on(self, since: Instant, limit: int) -> Sequence[tuple[str, Play]]:
        """Everybody's plays with a report since, latest first, each with the listener's name: no private ones, no mere submissions."""
        statement = (
            sa.select(t.user.c.name, *_PLAY)
            .join(t.user, t.user.c.id == t.play.c.user_id)
            .where(t.play.c.last_at >= since, t.play.c.private == 0)
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

    def favourites(self, user_id: UserId, limit: int, *, not_since: Instant) -> Sequence[Acquaintance]:
        mine = (_NOTE.user_id == user_id, _NOTE.type == "track", _NOTE.hidden == 0)
        due = sa.or_(_NOTE.last_played_at.is_(None), _NOTE.last_played_at < not_since)
        chosen = [
            sa.select(*_KNOWN).where(*mine, due, _NOTE.liked_at.is_not(None)).order_by(_NOTE.liked_at.desc()),
            sa.select(*_KNOWN).where(*mine, due, _NOTE.play_count > 0).order_by(_NOTE.play_count.desc()),
            sa.select(*_KNOWN).where(*mine, due, _NOTE.rating >= 4).order_by(_NOTE.rating.desc()),
        ]
        found: dict[str, Acquaintance] = {}
        with self._db.read() as connection:
            for statement in chosen:
                for row in connection.execute(statement.limit(limit)):
                    found.setdefault(row.id, Acquaintance(**row._mapping))
        ranked = sorted(
            found.values(), key=lambda one: (-(one.play_count + 3 * (one.liked_at is not None) + max(0, one.rating - 3)), one.id)
        )
        return ranked[:limit]

    def artists(self, user_id: UserId, limit: int) -> Sequence[Acquaintance]:
        mine = (_NOTE.user_id == user_id, _NOTE.type == "artist", _NOTE.hidden == 0)
        chosen = [
            sa.select(*_KNOWN).where(*mine, _NOTE.play_count > 0).order_by(_NOTE.play_count.desc()),
            sa.select(*_KNOWN).where(*mine, _NOTE.liked_at.is_not(None)).order_by(_NOTE.liked_at.desc()),
        ]
        found: dict[str, Acquaintance] = {}
        with self._db.read() as connection:
            for statement in chosen:
                for row in connection.execute(statement.limit(limit)):
                    found.setdefault(row.id, Acquaintance(**row._mapping))
        return sorted(found.values(), key=lambda one: (-one.play_count, one.id))[:limit]

    def heard(self, user_id: UserId, track_ids: Sequence[TrackId]) -> frozenset[TrackId]:
        if not track_ids:
            return frozenset()
        statement = sa.select(t.play.c.track_id).where(t.play.c.user_id == user_id, t.play.c.track_id.in_(list(track_ids))).distinct()
        with self._db.read() as connection:
            return frozenset(TrackId(id_) for id_ in connection.execute(statement).scalars())

    def known(self, user_id: UserId, track_ids: Sequence[TrackId]) -> dict[str, Acquaintance]:
        """What this listener made of the given tracks; those of which nothing is known are left out."""
        statement = sa.select(*_KNOWN).where(_NOTE.user_id == user_id, _NOTE.type == "track", _NOTE.id.in_(list(track_ids)))
        with self._db.read() as connection:
            return {row.id: Acquaintance(**row._mapping) for row in connection.execute(statement)}

    def hidden(self, user_id: UserId) -> frozenset[str]:
        """Ids of the tracks, releases and artists this listener hid."""
        statement = sa.select(_NOTE.id).where(_NOTE.user_id == user_id, _NOTE.type.in_(("track", "release", "artist")), _NOTE.hidden == 1)
        with self._db.read() as connection:
            return frozenset(connection.execute(statement).scalars())
