"""Pages: each row once, in an order that holds, whatever the window; a filter only removes."""

from pathlib import Path
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.library import Catalogue, ReleaseSort, TrackSort
from segue.store import Database, schema
from segue.testing.catalogue import add_listener
from segue.text import sort_key

from .conftest import Invented

_QUICK = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_MARKED = {"recent", "frequent", "rated", "liked"}
_HEARD = {"tempo", "key", "energy"}  # orders of what was analysed: nothing, here


def _all(ask: Any, limit: int) -> list[Any]:
    found: list[Any] = []
    while True:
        page = ask(offset=len(found), limit=limit)
        found += page.items
        if not page.items:
            assert len(found) == page.total
            assert len({one.id for one in found}) == len(found)
            return found


@pytest.mark.parametrize("sort", get_args(ReleaseSort))
@_QUICK
@given(limit=st.integers(1, 60), seed=st.integers(-(2**70), 2**70))
def test_releases(invented: Invented, sort: Any, limit: int, seed: int) -> None:
    found = _all(lambda **window: invented.catalogue.releases(invented.me, sort=sort, seed=seed, **window), limit)
    assert found
    everything = {release.id for release in invented.catalogue.releases(invented.me, limit=10_000).items}
    assert {release.id for release in found} <= everything
    assert sort in _MARKED or {release.id for release in found} == everything
    keys: dict[str, Any] = {
        "name": lambda r: sort_key(r.title),
        "artist": lambda r: (sort_key(r.artist), sort_key(r.title)),
        "newest": lambda r: -r.added_at,
        "year": lambda r: (r.year is not None, r.year or 0),
        "recent": lambda r: -r.annotation.last_played_at,
        "frequent": lambda r: -r.annotation.play_count,
        "rated": lambda r: -r.annotation.rating,
        "liked": lambda r: -r.annotation.liked_at,
    }
    if sort in keys:
        assert found == sorted(found, key=keys[sort])


@pytest.mark.parametrize("sort", get_args(TrackSort))
@_QUICK
@given(limit=st.integers(20, 400), seed=st.integers(0, 2**31), filters=st.sampled_from([{}, {"genre": "Jazz"}, {"liked": True}]))
def test_tracks(invented: Invented, sort: Any, limit: int, seed: int, filters: dict[str, Any]) -> None:
    catalogue, me = invented.catalogue, invented.me
    found = _all(lambda **window: catalogue.tracks_page(me, sort=sort, seed=seed, **filters, **window), limit)
    assert {track.id for track in found} <= invented.present(me)
    assert filters or sort in _MARKED | _HEARD or {track.id for track in found} == invented.present(me)
    if "genre" in filters:
        assert all("Jazz" in track.genres for track in found)
    if "liked" in filters:
        assert all(track.annotation.liked_at for track in found)
    keys: dict[str, Any] = {
        "title": lambda t: sort_key(t.title),
        "artist": lambda t: (sort_key(t.release_artist), sort_key(t.release), t.release_id, t.disc or 1, t.number),
        "added": lambda t: -t.added_at,
        "recent": lambda t: -t.annotation.last_played_at,
        "frequent": lambda t: -t.annotation.play_count,
    }
    if sort in keys:
        assert found == sorted(found, key=keys[sort])


@_QUICK
@given(limit=st.integers(1, 50))
def test_artists_and_folders(invented: Invented, limit: int) -> None:
    catalogue, me = invented.catalogue, invented.me
    found = _all(lambda **window: catalogue.artists(me, **window), limit)
    assert [sort_key(artist.sort_name) for artist in found] == sorted(sort_key(artist.sort_name) for artist in found)
    assert all(artist.release_count for artist in found)
    for folder in invented.filled.folders[3:8]:
        whole = catalogue.folder(me, folder)
        assert [t.path for t in whole.tracks] == sorted(t.path for t in whole.tracks)
        assert len(whole.tracks) == whole.total
        windows = [catalogue.folder(me, folder, offset=offset, limit=limit).tracks for offset in range(0, whole.total, limit)]
        assert tuple(track for window in windows for track in window) == whole.tracks


@_QUICK
@given(first=st.integers(1955, 2030), last=st.integers(1955, 2030), library=st.integers(0, 3))
def test_years_and_libraries_only_remove(invented: Invented, first: int, last: int, library: int) -> None:
    catalogue, me = invented.catalogue, invented.me
    chosen = invented.filled.libraries[library] if library < 3 else None
    within = {r.id for r in catalogue.releases(me, library=chosen, limit=1000).items}
    years = [r.year for r in catalogue.releases(me, sort="year", from_year=first, to_year=last, library=chosen, limit=1000).items]
    assert years == sorted(years, reverse=first > last)
    assert all(min(first, last) <= year <= max(first, last) for year in years)
    found = catalogue.releases(me, from_year=first, to_year=last, library=chosen, limit=1000)
    assert {r.id for r in found.items} <= within
    assert all(chosen in (None, r.library_id) for r in found.items)
    assert catalogue.releases(me, library=99, limit=1000).total == 0  # type: ignore[arg-type]


def test_a_draw_by_seed_is_another_for_another_seed(invented: Invented) -> None:
    drawn = [[r.id for r in invented.catalogue.releases(invented.me, sort="random", seed=seed).items] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len({tuple(t.id for t in invented.catalogue.random_tracks(invented.me, 20)) for _ in range(5)}) == 5


def test_every_part_of_a_large_genre_has_its_turn(invented: Invented) -> None:
    jazz = {t.id for t in invented.catalogue.tracks_page(invented.me, genre="jazz", limit=1000).items}
    drawn: set[str] = set()
    for seed in range(60):
        drawn |= set(invented.catalogue.tracks_like(genres=["Jazz"], libraries=invented.me.libraries, limit=3, seed=seed))
    assert drawn <= jazz
    assert len(drawn) > len(jazz) * 0.6


def test_top_tracks_are_the_listeners_own_first(invented: Invented) -> None:
    for id in invented.filled.artists:
        top = invented.catalogue.top_tracks(invented.me, id, 50)
        plays = [track.annotation.play_count for track in top]
        assert plays == sorted(plays, reverse=True)


def test_lists_are_read_in_order_from_an_index(tmp_path: Path) -> None:
    """Nothing that lists everything sorts it, also while the planner knows nothing of the tables (a first scan)."""
    db = Database(tmp_path / "segue.db")
    with db.write() as connection:
        schema.metadata.create_all(connection)
    me = add_listener(db, "me", [1])  # type: ignore[list-item]
    catalogue, queries = Catalogue(db), []

    def note(_connection: object, _cursor: object, text: str, values: object, *_more: object) -> None:
        queries.append((text, values))

    sa.event.listen(db._readers, "before_cursor_execute", note)
    lists: dict[str, Any] = {
        "ix_release_sort": lambda: catalogue.releases(me),
        "ix_release_artist": lambda: catalogue.releases(me, sort="artist"),
        "ix_release_added": lambda: catalogue.releases(me, sort="newest"),
        "ix_release_year": lambda: catalogue.releases(me, sort="year"),
        "ix_track_sort": lambda: catalogue.tracks_page(me),
        "ix_track_added": lambda: catalogue.tracks_page(me, sort="added"),
        "ix_annotation_played": lambda: catalogue.tracks_page(me, sort="recent"),
        "ix_annotation_count": lambda: catalogue.tracks_page(me, sort="frequent"),
    }
    for index, ask in lists.items():
        queries.clear()
        ask()
        text, values = next((text, values) for text, values in queries if "ORDER BY" in text)
        with db.read() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
        assert f"COVERING INDEX {index}" in plan[0]
        assert not any(step.startswith("USE TEMP B-TREE FOR ORDER BY") for step in plan)
    db.close()
