"""Which rows make a page, in which order, and how many there are in all: ids only, read from indexes; ``_rows`` makes records of them.

Every order is total (it ends in the id), so that pages neither overlap nor leave a gap while nothing changes.
"""

import random
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal

import sqlalchemy as sa

from segue.library import _rows
from segue.model import Genre
from segue.store import schema as s
from segue.text import fold
from segue.types import LibraryId, ReleaseId, TrackId, UserId

ReleaseSort = Literal["name", "artist", "newest", "recent", "frequent", "year", "random", "rated", "liked"]
TrackSort = Literal["title", "artist", "added", "recent", "frequent", "random", "tempo", "key", "energy"]
Range = tuple[float | None, float | None]
"""From and up to, both included; None: no bound."""
_PRIME = 2**31 - 1
_BY_ARTIST = (s.release.c.artist_sort_key, s.release.c.sort_key, s.release.c.id)
_ON_RELEASE = (sa.func.coalesce(s.track.c.disc, 1), s.track.c.number, s.track.c.path, s.track.c.id)


def present(connection: sa.Connection, libraries: Sequence[LibraryId]) -> tuple[int, int]:
    """How many tracks and releases are there: from the counts kept with the releases."""
    r = s.release
    query = sa.select(sa.func.coalesce(sa.func.sum(r.c.track_count), 0), sa.func.count())
    n, releases = connection.execute(query.where(r.c.library_id.in_(libraries), r.c.track_count > 0)).one()
    return n, releases


def seen(libraries: Sequence[LibraryId]) -> sa.ColumnElement[bool]:
    """Present tracks of these libraries."""
    return sa.and_(_rows.within(s.track, libraries), s.track.c.missing_at.is_(None))


def of_genre(link: sa.Table, key: str, name: str) -> sa.ColumnElement[bool]:
    """Tracks or releases of a genre, by its folded name."""
    named = sa.select(link.c[key]).join(s.genre, s.genre.c.id == link.c.genre_id).where(s.genre.c.name_folded == fold(name))
    table = s.track if key == "track_id" else s.release
    return table.c.id.in_(named)


def tracks(
    connection: sa.Connection,
    libraries: Sequence[LibraryId],
    user_id: UserId,
    *,
    sort: TrackSort,
    genre: str | None,
    liked: bool,
    sound: Mapping[str, Range],
    seed: int | None,
    offset: int,
    limit: int,
) -> tuple[list[TrackId], int]:
    """``sound``: bounds by the name of a value of the analysis; tracks not analysed are then left out, as they are of its orders."""
    t, note, a = s.track, s.annotation, s.analysis
    where: list[sa.ColumnElement[bool]] = [] if genre is None else [of_genre(s.track_genre, "track_id", genre)]
    heard: dict[str, sa.ColumnElement[bool]] = {"recent": note.c.last_played_at.is_not(None), "frequent": note.c.play_count > 0}
    where += [heard[sort]] if sort in heard else []
    where += [note.c.liked_at.is_not(None)] if liked else []
    for name, (low, high) in sound.items():
        where += [a.c[name] >= low] if low is not None else []
        where += [a.c[name] <= high] if high is not None else []
    by_sound = {"tempo": a.c.tempo_bpm, "key": a.c.key, "energy": a.c.energy}
    where += [by_sound[sort].is_not(None)] if sort in by_sound else []
    if sort == "artist" and not where:
        return _tracks_by_artist(connection, libraries, offset, limit)
    source: Any = t
    if sort in heard or liked:
        source = source.join(note, sa.and_(note.c.id == t.c.id, note.c.type == "track", note.c.user_id == user_id))
    if sort in by_sound or sound:
        source = source.join(a, a.c.track_id == t.c.id)
    order: dict[str, Sequence[Any]] = {
        "title": [t.c.sort_key, t.c.id],
        "artist": [*_BY_ARTIST, *_ON_RELEASE],
        "added": [t.c.added_at.desc(), t.c.id.desc()],
        "recent": [note.c.last_played_at.desc(), t.c.id],
        "frequent": [note.c.play_count.desc(), t.c.id],
        "random": [*_drawn(t, seed), t.c.id],
        "tempo": [a.c.tempo_bpm, a.c.track_id],
        "key": [a.c.key, a.c.mode, a.c.track_id],
        "energy": [a.c.energy, a.c.track_id],
    }
    query = sa.select(t.c.id).select_from(source).where(*where, seen(libraries))
    total = _count(connection, query) if where else present(connection, libraries)[0]
    if sort == "artist":
        query = query.join(s.release, s.release.c.id == t.c.release_id)
    if sort == "random" and seed is None and offset < total:
        offset = 0  # each page is a new draw: nothing to step over
    return list(connection.execute(query.order_by(*order[sort]).offset(offset).limit(limit)).scalars()), total


def _tracks_by_artist(connection: sa.Connection, libraries: Sequence[LibraryId], offset: int, limit: int) -> tuple[list[TrackId], int]:
    """By release artist, release, place: the releases' own counts tell which of them the page falls on, so no track is read before it."""
    r, t = s.release, s.track
    query = sa.select(r.c.id, r.c.track_count).where(_rows.within(r, libraries), r.c.track_count > 0).order_by(*_BY_ARTIST)
    ids: list[str] = []
    counts: list[int] = []
    for id, count in connection.execute(query):
        ids.append(id)
        counts.append(count)
    ends = list(accumulate(counts))
    on = [number for number, end in enumerate(ends) if end > offset and end - counts[number] < offset + limit]
    if not on:
        return [], ends[-1] if ends else 0
    before = offset - (ends[on[0]] - counts[on[0]])
    query = sa.select(t.c.id, t.c.release_id).where(t.c.release_id.in_([ids[number] for number in on]), seen(libraries))
    inside: dict[str, list[TrackId]] = {}
    for id, release in connection.execute(query.order_by(*_ON_RELEASE)):
        inside.setdefault(release, []).append(id)
    found = [id for number in on for id in inside.get(ids[number], ())]
    return found[before : before + limit], ends[-1]


def releases(
    connection: sa.Connection,
    libraries: Sequence[LibraryId],
    user_id: UserId,
    *,
    sort: ReleaseSort,
    genre: str | None,
    from_year: int | None,
    to_year: int | None,
    seed: int | None,
    offset: int,
    limit: int,
) -> tuple[list[ReleaseId], int]:
    r, note = s.release, s.annotation
    where: list[sa.ColumnElement[bool]] = [] if genre is None else [of_genre(s.release_genre, "release_id", genre)]
    marked: dict[str, sa.ColumnElement[bool]] = {
        "recent": note.c.last_played_at.is_not(None),
        "frequent": note.c.play_count > 0,
        "rated": sa.literal_column("annotation.rating > 0", sa.Boolean),  # in these words its index says it
        "liked": note.c.liked_at.is_not(None),
    }
    source: Any = r
    if sort in marked:
        source = r.join(note, sa.and_(note.c.id == r.c.id, note.c.type == "release", note.c.user_id == user_id))
        where.append(marked[sort])
    backwards = False
    if from_year is not None or to_year is not None:
        low, high = -9999 if from_year is None else from_year, 9999 if to_year is None else to_year
        backwards = low > high
        where.append(r.c.year.between(min(low, high), max(low, high)))
    order: dict[str, Sequence[Any]] = {
        "name": [r.c.sort_key, r.c.id],
        "artist": _BY_ARTIST,
        "newest": [r.c.added_at.desc(), r.c.id.desc()],
        "year": [r.c.year.desc() if backwards else r.c.year, r.c.sort_key, r.c.id],
        "random": [*_drawn(r, seed), r.c.id],
        "recent": [note.c.last_played_at.desc(), r.c.id],
        "frequent": [note.c.play_count.desc(), r.c.id],
        "rated": [note.c.rating.desc(), r.c.id],
        "liked": [note.c.liked_at.desc(), r.c.id],
    }
    query = sa.select(r.c.id).select_from(source).where(*where, r.c.track_count > 0, _rows.within(r, libraries))
    total = _count(connection, query) if where else present(connection, libraries)[1]
    return list(connection.execute(query.order_by(*order[sort]).offset(offset).limit(limit)).scalars()), total


def genres(connection: sa.Connection, libraries: Sequence[LibraryId]) -> tuple[Genre, ...]:
    """By name, with what these libraries hold of each.

    Where they hold most of the catalogue, what is to be left out is counted instead: looking up every tag's track costs six times as much.
    """
    t, of = s.track, s.track_genre
    n, _ = present(connection, libraries)
    everything = connection.execute(sa.select(sa.func.count()).select_from(t)).scalar_one()
    # The left table of an outer join is read first, whatever the planner guesses.
    inside = t.outerjoin(of, of.c.track_id == t.c.id)
    per = sa.select(of.c.genre_id, sa.func.count()).group_by(of.c.genre_id)
    counts: dict[int | None, int]
    if n * 2 > everything:
        counts = dict(connection.execute(per).all())
        for genre, gone in connection.execute(per.select_from(inside).where(sa.not_(seen(libraries)))):
            counts[genre] = counts.get(genre, 0) - gone
    else:
        counts = dict(connection.execute(per.select_from(inside).where(seen(libraries))).all())
    by, r = s.release_genre, s.release
    query = sa.select(by.c.genre_id, sa.func.count()).join(r, r.c.id == by.c.release_id)
    query = query.where(_rows.within(r, libraries), r.c.track_count > 0).group_by(by.c.genre_id)
    releases: dict[int, int] = dict(connection.execute(query).all())
    names = connection.execute(sa.select(s.genre.c.id, s.genre.c.name).order_by(s.genre.c.name_folded))
    return tuple(Genre(name=name, release_count=releases.get(id, 0), track_count=counts[id]) for id, name in names if counts.get(id))


def _count(connection: sa.Connection, query: sa.Select[Any]) -> int:
    return connection.execute(query.with_only_columns(sa.func.count())).scalar_one()


def _drawn(table: sa.Table, seed: int | None) -> Sequence[sa.ColumnElement[Any]]:
    """An order by lot: a new one each time, or for a seed the same one (squares modulo a prime scatter neighbours)."""
    if seed is None:
        return [sa.func.random()]
    numbers = random.Random(seed)
    rowid: sa.ColumnElement[int] = sa.literal_column(f"{table.name}.rowid", sa.Integer)
    number = (rowid * numbers.randrange(1, _PRIME) + numbers.randrange(_PRIME)) % _PRIME
    return [number * number % _PRIME]
