"""Mixes, paths and artists alike over a real catalogue, stores and index; only the audio is absent."""

import gc
import itertools
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import BadRequest, NotFound
from segue.flow import _between as way
from segue.flow.mixes import Mixed, Mixes
from segue.library import Catalogue
from segue.rank import lawful, offender, spaced
from segue.store import Database
from segue.store import schema as t
from segue.testing.alike import Ears
from segue.testing.listening import World, fill_world
from segue.types import ArtistId, TrackId, UserId

DIMENSION = 8
ARTISTS = st.lists(st.sampled_from("abcdefg"), max_size=2, unique=True)


class Place:
    """200 tracks, five by each artist on one release; neighbours sound alike, on an arc from the first to the last."""

    def __init__(self, path: Path, *, served: bool = True) -> None:
        self.db = Database(path / "segue.db")
        with self.db.write() as connection:
            t.metadata.create_all(connection)
        self.world: World = fill_world(self.db, tracks=200)
        self.me, self.track = self.world.listener, self.world.tracks
        self.catalogue = Catalogue(self.db)
        self.hidden: set[str] = set()
        self.ears = Ears(self.db, path, dimension=DIMENSION)
        if served:
            self.ears.serve()
        self.mixes = Mixes(self.db, self.catalogue, self.ears.similar, self._hidden)
        self.chance = np.random.default_rng(7)

    def _hidden(self, user_id: UserId) -> frozenset[str]:
        assert user_id == self.me.user.id
        return frozenset(self.hidden)

    def at(self, share: float) -> Any:
        """Near a point of the arc from the first axis to the second."""
        point = np.cos(share * np.pi / 2) * np.eye(DIMENSION)[0] + np.sin(share * np.pi / 2) * np.eye(DIMENSION)[1]
        return (point + self.chance.normal(scale=0.02, size=DIMENSION)).astype(np.float32)

    def hear(self, some: Sequence[TrackId] | None = None) -> None:
        self.ears.hear({id: self.at(n / 200) for n, id in enumerate(self.track) if some is None or id in some})

    def artist(self, n: int) -> ArtistId:
        return self.catalogue.tracks([self.track[n]])[self.track[n]].artists[0].artist_id


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.ears.close()
    place.db.close()


@pytest.fixture
def place(silent: Place) -> Place:
    silent.hear()
    return silent


def artists(mixed: Mixed) -> list[list[str]]:
    return [[credit.artist_id for credit in track.artists] for track in mixed.tracks]


def ids(mixed: Mixed) -> list[TrackId]:
    return [track.id for track in mixed.tracks]


@given(st.lists(ARTISTS, max_size=40), st.lists(ARTISTS, max_size=12), st.integers(0, 40))
def test_of_ten_in_a_row_at_most_two_are_by_one_artist(choices: list[list[str]], before: list[list[str]], n: int) -> None:
    past = spaced([(one, one) for one in before], 12)
    out = spaced([(number, one) for number, one in enumerate(choices)], n, before=past)
    line = past + [choices[number] for number in out]
    assert len(set(out)) == len(out) <= n
    for start in range(len(line)):
        counts = Counter(artist for one in line[start : start + 10] for artist in one)
        assert max(counts.values(), default=0) <= 2
    assert lawful(line)
    if len(out) < min(n, len(choices)):
        crowd = {artist for artist, count in Counter(a for one in line[-9:] for a in one).items() if count == 2}
        assert all(set(choices[number]) & crowd for number in set(range(len(choices))) - set(out)), "it ended though one could come"


@given(st.lists(ARTISTS, max_size=30))
def test_what_breaks_the_law_is_found_until_nothing_does(line: list[list[str]]) -> None:
    kept = frozenset({0, len(line) - 1})
    while (wrong := offender(line, kept)) is not None:
        assert 0 < wrong < len(line) - 1
        line = line[:wrong] + line[wrong + 1 :]
        kept = frozenset({0, len(line) - 1})
    assert lawful(line[1:-1])


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 40))
def test_a_way_is_monotone_without_repeats_and_as_full_as_can_be(seed: int, n: int, m: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(m + 2, 5)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    start, end, pool = rows[0], rows[1], rows[2:]
    points = way.waypoints(start, end, n)
    assert np.allclose(np.linalg.norm(points, axis=1), 1, atol=1e-4)
    along = way.progress(pool, start, end)
    chosen = way.monotone(points, pool, along)
    assert len(set(chosen)) == len(chosen) == min(n, m)
    assert (np.diff(along[chosen]) >= 0).all()
    assert sum(way.shares([0.3, 0.1, 0.6], n)) == n


@pytest.mark.parametrize("kind", ["track", "release", "artist", "genre", "folder"])
def test_a_mix_from_anything_is_long_lawful_and_sounds_like_its_seed(place: Place, kind: Any) -> None:
    seed = place.catalogue.tracks([place.track[100]])[place.track[100]]
    of = {
        "track": seed.id,
        "release": seed.release_id,
        "artist": seed.artists[0].artist_id,
        "genre": seed.genres[0],
        "folder": seed.folder_id,
    }
    mixed = place.mixes.mix(place.me, kind, of[kind], 60)
    assert len(set(ids(mixed))) == 60
    assert lawful(artists(mixed))
    assert not mixed.fell_back
    assert set(mixed.similarities) == set(ids(mixed))
    if kind == "track":
        assert seed.id not in ids(mixed)
    if kind in {"track", "release", "artist"}:
        where = [abs(place.track.index(id) - 100) for id in ids(mixed)]
        assert max(where[:10]) < 40
        assert np.mean(where[:20]) < np.mean(where[-20:])


def test_a_mix_never_has_what_is_not_granted_hidden_missing_or_twice_the_same_recording(place: Place) -> None:
    other = fill_world(place.db, tracks=20, library=2, name="bea")
    place.ears.hear({id: place.at(0.5) for id in other.tracks})
    place.ears.similar.changed()
    missing, hidden, spoken = place.track[101], place.track[102], place.track[115]
    hidden_artist = place.artist(95)
    place.hidden |= {hidden, hidden_artist}
    twice = [place.track[n] for n in (106, 111, 116)]
    with place.db.write() as connection:
        connection.execute(sa.update(t.track).where(t.track.c.id == missing).values(missing_at=1))
        connection.execute(sa.update(t.analysis).where(t.analysis.c.track_id == spoken).values(speechiness=0.7))
        rows = [{"track_id": one, "group_id": "g", "similarity": 1.0, "preferred": 0} for one in twice]
        rows += [{"track_id": one, "group_id": "h", "similarity": 1.0, "preferred": 0} for one in (place.track[100], place.track[121])]
        connection.execute(sa.insert(t.recording), rows)
    mixed = place.mixes.mix(place.me, "track", place.track[100], 70)
    assert len(mixed.tracks) == 70
    assert not set(ids(mixed)) & {missing, hidden, spoken, place.track[121], *other.tracks}
    assert not any(hidden_artist in one for one in artists(mixed))
    assert len(set(ids(mixed)) & set(twice)) == 1
    for line in (
        place.mixes.path(place.me, place.track[60], place.track[140], 40),
        place.mixes.along(place.me, [place.track[60], hidden, place.track[140]]),
    ):
        assert not set(ids(line)) & {missing, hidden, spoken, *other.tracks}
        assert not any(hidden_artist in one for one in artists(line))
        assert len(set(ids(line)) & set(twice)) <= 1
    for kind, id in (("track", other.tracks[0]), ("track", missing), ("folder", other.folder), ("genre", "Nothing")):
        with pytest.raises(NotFound):
            place.mixes.mix(place.me, kind, id)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        place.mixes.path(place.me, place.track[0], other.tracks[0])
    with pytest.raises(BadRequest):
        place.mixes.mix(place.me, "track", place.track[0], 501)


def test_a_path_has_its_ends_and_goes_on_without_going_back(place: Place) -> None:
    mixed = place.mixes.path(place.me, place.track[3], place.track[197], 25)
    assert ids(mixed)[0] == place.track[3]
    assert ids(mixed)[-1] == place.track[197]
    assert len(set(ids(mixed))) == 25
    assert lawful(artists(mixed))
    assert not mixed.fell_back
    where = [place.track.index(id) for id in ids(mixed)]
    steps = [b - a for a, b in itertools.pairwise(where)]
    assert max(steps) < 30, "no step is much wider than the others"
    assert mixed.similarities[place.track[3]] == pytest.approx(1, abs=1e-3)
    known = place.ears.similar.embeddings(ids(mixed))
    rows = np.stack([known[id] for id in ids(mixed)])
    assert (np.diff(way.progress(rows, rows[0], rows[-1])) >= -1e-6).all()
    assert ids(place.mixes.path(place.me, place.track[3], place.track[3], 25)) == [place.track[3]]


def test_along_a_drawn_path_the_given_come_in_order_with_near_ones_between(place: Place) -> None:
    drawn = [place.track[n] for n in (20, 160, 80)]
    mixed = place.mixes.along(place.me, drawn, 33)
    found = ids(mixed)
    assert [id for id in found if id in drawn] == drawn
    assert len(set(found)) == len(found)
    assert 30 <= len(found) <= 33, "where stretches meet the law may take one out"
    assert lawful(artists(mixed))
    there, back = found[1 : found.index(drawn[1])], found[found.index(drawn[1]) + 1 : -1]
    assert len(there) > len(back) > 5
    assert all(10 <= place.track.index(id) <= 170 for id in there)
    assert all(70 <= place.track.index(id) <= 170 for id in back)
    assert ids(place.mixes.along(place.me, drawn, 1)) == drawn


def test_what_was_never_heard_is_mixed_by_its_tags_and_it_says_so(silent: Place) -> None:
    mixed = silent.mixes.mix(silent.me, "track", silent.track[100], 50)
    assert mixed.fell_back
    assert len(set(ids(mixed))) == 50
    assert lawful(artists(mixed))
    assert mixed.similarities == {}
    assert silent.track[100] not in ids(mixed)
    line = silent.mixes.path(silent.me, silent.track[0], silent.track[199], 12)
    assert line.fell_back
    assert (ids(line)[0], ids(line)[-1]) == (silent.track[0], silent.track[199])
    assert len(line.tracks) > 5
    genre = silent.catalogue.tracks([silent.track[100]])[silent.track[100]].genres[0]
    related = silent.mixes.related(silent.me, silent.artist(100), 3)
    assert {one.id for one in related} == {one.id for one in silent.catalogue.related_artists(silent.me, silent.artist(100), 3)}, genre


def test_a_few_heard_come_first_and_the_rest_falls_back(silent: Place) -> None:
    silent.hear([silent.track[n] for n in (100, 110, 120)])
    mixed = silent.mixes.mix(silent.me, "track", silent.track[100], 50)
    assert ids(mixed)[:2] == [silent.track[110], silent.track[120]]
    assert mixed.fell_back
    assert len(mixed.tracks) == 50
    assert set(mixed.similarities) == {silent.track[110], silent.track[120]}


def test_artists_are_related_by_their_sound(place: Place) -> None:
    related = [one.id for one in place.mixes.related(place.me, place.artist(100), 4)]
    assert set(related) <= {place.artist(n) for n in (85, 90, 95, 105, 110, 115)}
    assert place.artist(100) not in related
    place.hidden.add(related[0])
    assert related[0] not in [one.id for one in place.mixes.related(place.me, place.artist(100), 20)]


def test_threads_that_searched_may_end_and_indexes_close_without_harm_to_others(place: Place, tmp_path: Path) -> None:
    first = ids(place.mixes.mix(place.me, "track", place.track[100], 20))
    for round in range(3):
        thread = threading.Thread(target=place.mixes.mix, args=(place.me, "track", place.track[round]))
        thread.start()
        thread.join()
        (tmp_path / f"other-{round}").mkdir()
        other = Place(tmp_path / f"other-{round}")
        other.hear(other.track[:30])
        assert other.mixes.near(other.me, other.track[0], 5).tracks
        other.ears.close()
        other.db.close()
        gc.collect()
        assert ids(place.mixes.mix(place.me, "track", place.track[100], 20)) == first
