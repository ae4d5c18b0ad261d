"""Which subjects of events exist for a listener: one query a type, whatever the number of events."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from segue.model import Listener, Subject
from segue.store import Database
from segue.store import schema as t


def unseen(db: Database, listener: Listener, subjects: Iterable[Subject]) -> frozenset[tuple[str, str]]:
    """``(type, id)`` of the given subjects that do not exist for this listener. A track whose file is missing still exists."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for subject in subjects:
        if subject.type != "external":
            wanted[subject.type].add(subject.id or "")
    if not wanted:
        return frozenset()
    found: set[tuple[str, str]] = set()
    with db.read() as connection:
        for type_, ids in wanted.items():
            statement = _existing(type_, listener, ids)
            if statement is not None:
                found |= {(type_, id_) for id_ in connection.execute(statement).scalars()}
    return frozenset({(type_, id_) for type_, ids in wanted.items() for id_ in ids} - found)


def _existing(type_: str, listener: Listener, ids: set[str]) -> "sa.Select[Any] | None":
    libraries, some = list(listener.libraries), sorted(ids)
    if type_ == "track":
        return sa.select(t.track.c.id).where(t.track.c.id.in_(some), t.track.c.library_id.in_(libraries))
    if type_ == "release":
        return sa.select(t.release.c.id).where(t.release.c.id.in_(some), t.release.c.library_id.in_(libraries))
    if type_ == "artist":
        here = t.artist_library.c
        return sa.select(here.artist_id).where(here.artist_id.in_(some), here.library_id.in_(libraries)).distinct()
    if type_ == "playlist":
        own = sa.or_(t.playlist.c.owner_id == listener.user.id, t.playlist.c.public == 1, t.playlist.c.library_id.in_(libraries))
        return sa.select(t.playlist.c.id).where(t.playlist.c.id.in_(some), t.playlist.c.deleted_at.is_(None), own)
    if type_ == "slate":
        return sa.select(t.slate.c.id).where(t.slate.c.id.in_(some), t.slate.c.user_id == listener.user.id)
    return None  # there are no episodes yet
