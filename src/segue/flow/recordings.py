"""Tracks that are one recording, whatever their format, bitrate and release: grouped by their sound, one preferred, nothing deleted.

Groups grow as tracks are heard. What people say of a track stands above what its sound says.
"""

import threading
from typing import Any, Literal

import sqlalchemy as sa

from segue.analyse.kept import Sounds
from segue.errors import BadRequest, NotFound
from segue.library import Catalogue
from segue.model import Listener, Page, Record, Track
from segue.store import Database
from segue.store import schema as s
from segue.types import TrackId, new_id, now

_WITHIN_MS = 8_000
"""How much longer another edition of a recording may be (silence, a fade): a guess. A radio edit is another recording."""
_LOSSLESS = ("flac", "alac", "wav", "aiff", "pcm", "ape", "wavpack", "dsd", "tta")


class Copy(Record, frozen=True, kw_only=True):
    track: Track
    similarity: float
    preferred: bool


class Group(Record, frozen=True, kw_only=True):
    """Two or more tracks a listener may hear, the preferred one first."""

    group_id: str
    copies: tuple[Copy, ...]


class Recordings:
    """Synchronous; any thread may call it."""

    def __init__(self, db: Database, sounds: Sounds, catalogue: Catalogue) -> None:
        self._db = db
        self._sounds = sounds
        self._catalogue = catalogue
        self._one = threading.Lock()

    def heard(self, track_id: TrackId, number: int) -> None:
        """A track was heard: join it to those that are the same recording."""
        with self._one:
            alike = self._sounds.same(number, _WITHIN_MS) | {number: 1.0}
            a, r, c = s.analysis, s.recording, s.recording_choice
            with self._db.read() as connection:
                apart = sa.select(c.c.track_id).where(c.c.choice == "separate")
                query = sa.select(a.c.track_id, a.c.number).where(a.c.number.in_(list(alike)), a.c.track_id.not_in(apart))
                tracks = {row.track_id: row.number for row in connection.execute(query)}
                old = connection.execute(sa.select(r.c.group_id).where(r.c.track_id == track_id)).scalar()
                groups = set(connection.execute(sa.select(r.c.group_id).where(r.c.track_id.in_(list(tracks)))).scalars()) - {old}
                members = set(connection.execute(sa.select(r.c.track_id).where(r.c.group_id.in_(groups))).scalars()) if groups else set()
            if track_id not in tracks:
                return
            same = {id: alike[of] for id, of in tracks.items()}
            same[track_id] = max((likeness for id, likeness in same.items() if id != track_id), default=1.0)
            group = min(groups, default=None) or old or new_id()
            touched = {group, old, *groups} - {None}
            with self._db.write() as connection:
                connection.execute(sa.delete(r).where(r.c.track_id == track_id))
                if len(same) > 1:
                    connection.execute(sa.update(r).where(r.c.track_id.in_(members)).values(group_id=group))
                    rows = [
                        {"track_id": id, "group_id": group, "similarity": round(likeness, 4), "preferred": 0}
                        for id, likeness in same.items()
                    ]
                    connection.execute(sa.insert(r).prefix_with("OR REPLACE"), rows)
                for one in touched:
                    _settle(connection, str(one))

    def groups(self, listener: Listener, *, offset: int = 0, limit: int = 50) -> Page[Group]:
        """Recordings that a listener may hear in two or more tracks."""
        r, t = s.recording, s.track
        seen = sa.and_(t.c.library_id.in_(sorted(listener.libraries)), t.c.missing_at.is_(None))
        ids = sa.select(r.c.group_id).join(t, t.c.id == r.c.track_id).where(seen).group_by(r.c.group_id).having(sa.func.count() > 1)
        with self._db.read() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(ids.subquery())).scalar_one()
            some = list(connection.execute(ids.order_by(r.c.group_id).offset(offset).limit(limit)).scalars())
            rows = connection.execute(
                sa.select(r)
                .join(t, t.c.id == r.c.track_id)
                .where(seen, r.c.group_id.in_(some))
                .order_by(r.c.preferred.desc(), r.c.track_id)
            ).all()
        tracks = {track.id: track for track in self._catalogue.visible_tracks(listener, [row.track_id for row in rows])}
        found: dict[str, list[Copy]] = {group: [] for group in some}
        for row in rows:
            if row.track_id in tracks:
                copy = Copy(track=tracks[row.track_id], similarity=row.similarity, preferred=bool(row.preferred))
                found[row.group_id].append(copy)
        return Page(items=tuple(Group(group_id=group, copies=tuple(copies)) for group, copies in found.items()), total=total)

    def choose(self, listener: Listener, group_id: str, track_id: TrackId, choice: Literal["preferred", "separate"]) -> None:
        """Prefer a track of a group, or say that it is another recording. Raises NotFound, BadRequest."""
        self._catalogue.track(listener, track_id)
        r, c = s.recording, s.recording_choice
        with self._one, self._db.write(urgent=True) as connection:
            members = set(connection.execute(sa.select(r.c.track_id).where(r.c.group_id == group_id)).scalars())
            if not members:
                raise NotFound("recording", group_id)
            if track_id not in members:
                raise BadRequest("That track is not in this group.")
            if choice == "preferred":
                connection.execute(sa.delete(c).where(c.c.track_id.in_(members), c.c.choice == "preferred"))
            row = {"track_id": track_id, "choice": choice, "user_id": listener.user.id, "chosen_at": now()}
            connection.execute(sa.insert(c).prefix_with("OR REPLACE").values(**row))
            if choice == "separate":
                connection.execute(sa.delete(r).where(r.c.track_id == track_id))
            _settle(connection, group_id)

    def undo(self, listener: Listener, track_id: TrackId) -> None:
        """Take back what was said of a track; its sound decides again. Raises NotFound."""
        self._catalogue.track(listener, track_id)
        with self._db.write(urgent=True) as connection:
            connection.execute(sa.delete(s.recording_choice).where(s.recording_choice.c.track_id == track_id))
            number = connection.execute(sa.select(s.analysis.c.number).where(s.analysis.c.track_id == track_id)).scalar()
        if number is not None:
            self.heard(track_id, number)


def _settle(connection: sa.Connection, group_id: str) -> None:
    """A group of one is none; of more, the best one is preferred, or the one people chose."""
    r, t, c = s.recording, s.track, s.recording_choice
    query = sa.select(t.c.id, t.c.codec, t.c.bitrate_kbps, t.c.sample_rate_hz, t.c.bit_depth, t.c.channels, t.c.added_at, t.c.missing_at)
    rows = connection.execute(query.join(r, r.c.track_id == t.c.id).where(r.c.group_id == group_id)).all()
    if len(rows) < 2:
        connection.execute(sa.delete(r).where(r.c.group_id == group_id))
        return
    chosen = set(
        connection.execute(sa.select(c.c.track_id).where(c.c.track_id.in_([row.id for row in rows]), c.c.choice == "preferred")).scalars()
    )

    def quality(row: Any) -> tuple[object, ...]:
        lossless = any(name in row.codec.lower() for name in _LOSSLESS)
        detail = (row.bit_depth or 16, row.sample_rate_hz) if lossless else (0, row.bitrate_kbps)
        return (row.id in chosen, row.missing_at is None, lossless, *detail, row.channels, -row.added_at, row.id)

    best = max(rows, key=quality)
    connection.execute(sa.update(r).where(r.c.group_id == group_id).values(preferred=r.c.track_id == best.id))
