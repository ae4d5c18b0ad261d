"""Music by its sound from a beginning: instant mixes, paths from one track to another, what lies along a drawn path, artists alike.

Where nothing was heard the tags answer, then chance, and the answer says so. The law of every mix: of any ten tracks in a row at most two
by one artist; it is never bent, so that a library of few artists gives fewer tracks than were asked for.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

import sqlalchemy as sa

from segue.errors import BadRequest, NotFound
from segue.flow import _between as way
from segue.flow.similar import Near, Similar
from segue.library import Catalogue
from segue.model import Artist, Listener, Query, Record, Track
from segue.policy import refusal
from segue.rank import offender, spaced
from segue.store import Database
from segue.store import schema as s
from segue.text import fold
from segue.types import ArtistId, ReleaseId, TrackId, UserId, is_id, now

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

MOST = 500
"""Tracks of one answer."""
SeedKind = Literal["track", "release", "artist", "genre", "folder"]
_CENTRES = 8
_SEEDS = 1_000
"""Tracks of a seed that are looked at; of a larger one a sample."""
_DEEPEST = 2_000
"""Neighbours of one centre that are looked at."""
_DRAWN = 100
"""Tracks of a drawn path."""
_LONGEST = 200
"""Tracks of a path."""
_TRIES = 40
"""Times that a way is sought anew without what broke the law; then it is shorter."""


class Mixed(Record, frozen=True, kw_only=True):
    """Tracks in the order to play them."""

    tracks: tuple[Track, ...]
    similarities: dict[TrackId, float]
    """-1..1, to the nearest of the seeds (of a path: to its first track). A track that is not in it was not found by its sound."""
    fell_back: bool
    """Some were not found by their sound: there is no embedding of the seed, or too little that is near."""


class Mixes:
    """Synchronous; any thread may call it. ``hidden`` tells the ids of tracks, releases and artists that a listener hid.

    Never in an answer: what is not granted, missing or hidden, two tracks that are one recording, speech where music was asked for.
    """

    def __init__(self, db: Database, catalogue: Catalogue, similar: Similar, hidden: Callable[[UserId], frozenset[str]]) -> None:
        self._db = db
        self._catalogue = catalogue
        self._similar = similar
        self._hidden = hidden

    # -- from a seed -------------------------------------------------------------------------------------------------

    def mix(self, listener: Listener, kind: SeedKind, id: str, n: int = 50) -> Mixed:
        """What sounds like a track (itself left out), a release, an artist, a genre (by name) or a folder with all below it.

        A seed of many tracks has up to 8 centres that are spread out; their neighbours take turns, the most similar of each turn first.
        Raises :class:`~segue.errors.NotFound` for a seed that does not exist for this listener, BadRequest for another kind of one.
        """
        n = _checked(n, 1, MOST)
        seeds = self._seed(listener, kind, id)
        sieve = self._sieve(listener, seeds, leave_out=seeds if kind == "track" else ())
        known = self._similar.embeddings(seeds)
        tracks: list[Track] = []
        found: dict[TrackId, float] = {}
        if known:
            import numpy as np

            points = way.centres(np.stack([known[id] for id in seeds if id in known]), _CENTRES)
            for deep in (max(40, 6 * n // len(points)), _DEEPEST):
                order = _in_turns(self._similar.search(points, deep, listener.libraries), most=6 * n + 60 if deep < _DEEPEST else _DEEPEST)
                found = dict(order)
                tracks = spaced([(track, _artists(track)) for track in sieve(found)], n)
                if len(tracks) == n:
                    break
        if len(tracks) < n:
            tracks = self._filled(listener, seeds, tracks, n, sieve)
        similarities = {track.id: found[track.id] for track in tracks if track.id in found}
        return Mixed(tracks=tuple(tracks), similarities=similarities, fell_back=len(similarities) < len(tracks) or not known)

    def _seed(self, listener: Listener, kind: SeedKind, id: str) -> list[TrackId]:
        if kind not in get_args(SeedKind):
            raise BadRequest(f"A mix begins with one of {', '.join(get_args(SeedKind))}.")
        t = s.track
        if kind == "track":
            return [self._catalogue.track(listener, TrackId(id)).id]
        if kind == "release":
            return [track.id for track in self._catalogue.release_tracks(listener, self._catalogue.release(listener, ReleaseId(id)).id)]
        if kind == "artist":
            artist = self._catalogue.artist(listener, ArtistId(id)).id
            by, of, r = s.track_artist, s.release_artist, s.release
            own = sa.select(by.c.track_id).where(by.c.artist_id == artist, by.c.role == "artist")
            on = sa.select(t.c.id).join(r, r.c.id == t.c.release_id).join(of, of.c.release_id == r.c.id).where(of.c.artist_id == artist)
            where: sa.ColumnElement[bool] = t.c.id.in_(own) | t.c.id.in_(on)
        elif kind == "genre":
            of_genre, g = s.track_genre, s.genre
            where = t.c.id.in_(sa.select(of_genre.c.track_id).join(g, g.c.id == of_genre.c.genre_id).where(g.c.name_folded == fold(id)))
        else:
            f = s.folder
            with self._db.read() as connection:
                row = (
                    is_id(id)
                    and connection.execute(sa.select(f).where(f.c.id == id, f.c.library_id.in_(sorted(listener.libraries)))).first()
                )
            if not row:
                raise NotFound("folder", id)
            below = f.c.path.startswith(f"{row.path}/", autoescape=True) if row.path else sa.true()
            inside = sa.select(f.c.id).where(f.c.library_id == row.library_id, (f.c.id == id) | below)
            where = t.c.folder_id.in_(inside)
        query = sa.select(t.c.id).where(where, t.c.library_id.in_(sorted(listener.libraries)), t.c.missing_at.is_(None))
        with self._db.read() as connection:
            ids = list(connection.execute(query.order_by(t.c.id)).scalars())
        if not ids:
            raise NotFound(kind, id)
        return ids if len(ids) <= _SEEDS else ids[:: -(-len(ids) // _SEEDS)]

    def _filled(self, listener: Listener, seeds: Sequence[TrackId], tracks: list[Track], n: int, sieve: "_Sieve") -> list[Track]:
        """With what shares an artist or a genre with the seeds, then by chance. The same seeds draw the same."""
        draw = _draw(seeds)
        some = self._catalogue.visible_tracks(listener, seeds[:50])
        artists = list(dict.fromkeys(artist for track in some for artist in _artists(track)))[:50]
        genres = list(dict.fromkeys(genre for track in some for genre in track.genres))[:20]
        limit = 4 * n + 20
        for by_tags in (True, False):
            if len(tracks) < n:
                if by_tags:
                    near = self._catalogue.tracks_like(
                        artists=[ArtistId(one) for one in artists], genres=genres, libraries=listener.libraries, limit=limit, seed=draw
                    )
                else:
                    near = self._catalogue.sample(libraries=listener.libraries, limit=limit, seed=draw)
                more = sieve(near, beside=tracks)
                tracks = tracks + spaced(
                    [(track, _artists(track)) for track in more], n - len(tracks), before=[_artists(track) for track in tracks]
                )
        return tracks

    def near(self, listener: Listener, track_id: TrackId, n: int, *, copies: bool = False) -> Mixed:
        """Those most like one track, nearest first, artists as they come: nothing but sound, so none before it was heard.

        ``copies``: with other tracks of the same recording, which are the nearest of all.

        Raises :class:`~segue.errors.NotFound`.
        """
        seed = self._catalogue.track(listener, track_id).id
        near = self._similar.near(seed, 2 * n + 20, listener.libraries) if n else []
        similarity = {one.track_id: one.similarity for one in near}
        tracks = tuple(self._sieve(listener, [seed], leave_out=[seed], copies=copies)(similarity)[:n])
        return Mixed(tracks=tracks, similarities={one.id: similarity[one.id] for one in tracks}, fell_back=False)

    def near_vector(self, listener: Listener, vector: "Vectors", n: int) -> Mixed:
        """Those nearest to a point of the space that is served, (1, dimension), nearest first: music and speech, each recording once."""
        near = self._similar.search(vector, 2 * n + 20, listener.libraries)[0] if n else []
        similarity = {one.track_id: one.similarity for one in near}
        tracks = tuple(self._sieve(listener, [], any_speech=True)(similarity)[:n])
        return Mixed(tracks=tracks, similarities={one.id: similarity[one.id] for one in tracks}, fell_back=False)

    # -- on the way --------------------------------------------------------------------------------------------------

    def path(self, listener: Listener, from_id: TrackId, to_id: TrackId, n: int = 25) -> Mixed:
        """``n`` tracks (2 or more) from one to another, both in it: even steps on the great circle between their embeddings, for each the
        nearest track, chosen together so that every track is further on the way than the one before it.

        Not a shortest path on a graph of neighbours: that needs the graph of the whole library, goes by hubs (tracks near to everything),
        and its length is what it is; here the steps are even, any length can be asked for, and a few searches answer it.
        Raises :class:`~segue.errors.NotFound`.
        """
        n = _checked(n, 2, _LONGEST)
        return self._through(listener, [self._catalogue.track(listener, id) for id in dict.fromkeys((from_id, to_id))], n)

    def along(self, listener: Listener, track_ids: Sequence[TrackId], n: int = 50) -> Mixed:
        """A drawn path to listen along: the given tracks in their order and near ones between, ``n`` in all (more where more are given).

        Those missing, hidden or not granted are left out. Raises :class:`~segue.errors.BadRequest` above 100, NotFound where none is left.
        """
        n = _checked(n, 1, _LONGEST)
        if not 1 <= len(track_ids) <= _DRAWN:
            raise BadRequest(f"A path is drawn through 1..{_DRAWN} tracks.")
        given = self._sieve(listener, (), any_speech=True)(list(dict.fromkeys(id for id in track_ids if is_id(id))))
        if not given:
            raise NotFound("track", track_ids[0])
        return self._through(listener, given, n)

    def _through(self, listener: Listener, given: Sequence[Track], n: int) -> Mixed:
        known = self._similar.embeddings([track.id for track in given])
        sieve = self._sieve(listener, [track.id for track in given], leave_out=[track.id for track in given])
        room = max(0, n - len(given))
        ends = list(pairwise(given))
        wide = [_angle(known[a.id], known[b.id]) if a.id in known and b.id in known else 1.0 for a, b in ends]
        fell_back = len(known) < len(given)
        tracks = [given[0]]
        fixed = {given[0].id}
        used = set(fixed)
        vectors = dict(known)
        for (start, end), places in zip(ends, way.shares(wide, room), strict=True):
            between = [] if not places else self._steps(listener, start, end, places, vectors, sieve, used)
            if between is None:
                fell_back = True
                between = self._filled(listener, [start.id, end.id], [], places, sieve)
                between = [track for track in between if track.id not in used]
            used |= {track.id for track in between} | {end.id}
            fixed.add(end.id)
            tracks += [*between, end]
        tracks = _without_offenders(tracks, fixed)
        first = vectors.get(given[0].id)
        similarities = {} if first is None else {one.id: _cosine(vectors[one.id], first) for one in tracks if one.id in vectors}
        return Mixed(tracks=tuple(tracks), similarities=similarities, fell_back=fell_back)

    def _steps(
        self,
        listener: Listener,
        start: Track,
        end: Track,
        places: int,
        vectors: "dict[TrackId, Vectors]",
        sieve: "_Sieve",
        used: set[TrackId],
    ) -> list[Track] | None:
        """Tracks between two, at most ``places``; None where one of them has no embedding."""
        import numpy as np

        if start.id not in vectors or end.id not in vectors:
            return None
        a, b = vectors[start.id], vectors[end.id]
        points = way.waypoints(a, b, places)
        wide = min(200, 24 + 4 * places + len(used))
        near = _in_turns(self._similar.search(points, wide, listener.libraries), most=_DEEPEST)
        pool = {track.id: track for track in sieve(dict(near)) if track.id not in used}
        found = self._similar.embeddings(list(pool))
        vectors |= found
        ids = list(found)
        line: list[Track] = [start, end]
        for _ in range(_TRIES):
            if not ids:
                break
            rows = np.stack([found[id] for id in ids])
            line = [start, *(pool[ids[place]] for place in way.monotone(points, rows, way.progress(rows, a, b))), end]
            lawful = _without_offenders(line, {start.id, end.id})
            if len(lawful) == len(line):
                break
            kept = {track.id for track in lawful}
            wrong = {track.id for track in line} - kept
            ids = [id for id in ids if id not in wrong]
            line = lawful
        return line[1:-1]

    # -- artists -----------------------------------------------------------------------------------------------------

    def related(self, listener: Listener, artist_id: ArtistId, n: int = 20) -> tuple[Artist, ...]:
        """Artists whose tracks are nearest the middle of this one's, nearest first; then, where too few were heard, those of its genres."""
        hidden = self._hidden(listener.user.id)
        ids: list[ArtistId] = []
        seeds = self._seed(listener, "artist", artist_id) if n else []
        known = self._similar.embeddings(seeds)
        if known:
            import numpy as np

            middle = way.unit(np.stack(list(known.values())).mean(axis=0))
            near = self._similar.search(middle[None], min(_DEEPEST, 40 * n + len(seeds)), listener.libraries)[0]
            similarity = {one.track_id: one.similarity for one in near}
            worth: dict[ArtistId, list[float]] = defaultdict(list)
            floor = min(similarity.values(), default=0.0)
            for track in self._sieve(listener, seeds)(similarity):
                for artist in _artists(track):
                    if artist != artist_id and len(worth[ArtistId(artist)]) < 3:
                        worth[ArtistId(artist)].append(similarity[track.id] - floor)
            ids = sorted(worth, key=lambda one: (-sum(worth[one]), one))[:n]
        if len(ids) < n:
            ids += [one.id for one in self._catalogue.related_artists(listener, artist_id, n) if one.id not in ids and one.id not in hidden]
        return self._catalogue.visible_artists(listener, ids[:n])

    # -- who may be in it --------------------------------------------------------------------------------------------

    def _sieve(
        self,
        listener: Listener,
        seeds: Sequence[TrackId],
        *,
        leave_out: Sequence[TrackId] = (),
        any_speech: bool = False,
        copies: bool = False,
    ) -> "_Sieve":
        """``seeds`` say whether speech is wanted: only where all of them are."""
        traits = self._similar.traits(seeds[:50])
        spoken = None if any_speech else bool(traits) and all(one.spoken for one in traits.values())
        query = Query(user_id=listener.user.id, libraries=listener.libraries, n=1, at=now())
        out = frozenset(leave_out) if copies else self._groups_of(leave_out)
        return _Sieve(self._db, self._catalogue, self._similar, query, self._hidden(listener.user.id), spoken, out, copies)

    def _groups_of(self, ids: Sequence[TrackId]) -> frozenset[str]:
        return frozenset(ids) | frozenset(groups(self._db, ids).values())


class _Sieve:
    """What of some tracks may be given, in their order; called as often as needed for one answer."""

    def __init__(
        self,
        db: Database,
        catalogue: Catalogue,
        similar: Similar,
        query: Query,
        hidden: frozenset[str],
        spoken: bool | None,
        leave_out: frozenset[str],
        copies: bool,
    ) -> None:
        self._db, self._catalogue, self._similar = db, catalogue, similar
        self._query, self._hidden, self._spoken, self._leave_out = query, hidden, spoken, leave_out
        self._copies = copies

    def __call__(self, ids: Iterable[TrackId], beside: Sequence[Track] = ()) -> list[Track]:
        """``beside``: tracks that are in the answer already."""
        asked = list(dict.fromkeys(ids))
        tracks = self._catalogue.tracks(asked, self._query.user_id)
        allowed = [id for id in asked if refusal(tracks.get(id), self._query, self._hidden) is None]
        traits = {} if self._spoken is None else self._similar.traits(allowed)
        one_of = groups(self._db, [*allowed, *(track.id for track in beside)])
        seen = set(self._leave_out) | {one_of.get(track.id, track.id) for track in beside}
        out = []
        for id in allowed:
            recording = id if self._copies else one_of.get(id, id)
            if recording in seen or id in seen or (self._spoken is not None and id in traits and traits[id].spoken != self._spoken):
                continue
            seen.add(recording)
            out.append(tracks[id])
        return out


def groups(db: Database, ids: Sequence[TrackId]) -> dict[TrackId, str]:
    """The recording each is one of, where there are several."""
    r = s.recording
    out: dict[TrackId, str] = {}
    with db.read() as connection:
        for start in range(0, len(ids), 900):
            rows = connection.execute(sa.select(r.c.track_id, r.c.group_id).where(r.c.track_id.in_(ids[start : start + 900])))
            out |= {row.track_id: row.group_id for row in rows}
    return out


def _checked(n: int, least: int, most: int) -> int:
    if not least <= n <= most:
        raise BadRequest(f"n is {least}..{most}.")
    return n


def _artists(track: Track) -> list[str]:
    return [credit.artist_id for credit in track.artists]


def _in_turns(found: Sequence[Sequence[Near]], *, most: int) -> list[tuple[TrackId, float]]:
    """Each list's next that is new, turn by turn, the most similar of a turn first, each with its best similarity."""
    best: dict[TrackId, float] = {}
    for row in found:
        for one in row:
            best[one.track_id] = max(best.get(one.track_id, -1.0), one.similarity)
    places = [iter(row) for row in found]
    order: dict[TrackId, float] = {}
    while places and len(order) < most:
        turn: list[Near] = []
        for place in list(places):
            following = next((one for one in place if one.track_id not in order), None)
            if following is None:
                places.remove(place)
            else:
                turn.append(following)
        for one in sorted(turn, key=lambda one: -one.similarity):
            order.setdefault(one.track_id, best[one.track_id])
    return list(order.items())


def _without_offenders(tracks: list[Track], fixed: set[TrackId]) -> list[Track]:
    """Taken out, where stretches meet, what breaks the law; the fixed ones stay."""
    while True:
        kept = frozenset(place for place, track in enumerate(tracks) if track.id in fixed)
        wrong = offender([_artists(track) for track in tracks], kept)
        if wrong is None:
            return tracks
        tracks = tracks[:wrong] + tracks[wrong + 1 :]


def _cosine(a: "Vectors", b: "Vectors") -> float:
    return round(max(-1.0, min(1.0, float(a @ b))), 4)


def _angle(a: "Vectors", b: "Vectors") -> float:
    return max(1e-3, math.acos(max(-1.0, min(1.0, float(a @ b)))))


def _draw(seeds: Sequence[TrackId]) -> int:
    return int.from_bytes(hashlib.blake2b("".join(seeds[:50]).encode(), digest_size=4).digest())
