"""Changing a long playlist touches the rows that change; the order is what was asked for, whatever was done before."""

import random
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.errors import NotFound
from segue.library._order import STEP, change
from segue.store import schema
from segue.types import PlaylistId, TrackId

from .conftest import Invented

VALUES = st.lists(st.sampled_from("abcdefgh"), max_size=12)


def applied(old: list[tuple[int, str]], wanted: list[str]) -> list[tuple[int, str]]:
    made = change(old, wanted)
    rows = {position: value for position, value in old if position not in set(made.gone)}
    assert len(rows) == len(old) - len(made.gone), "only what is there is deleted"
    for position, value in made.new:
        assert position not in rows
        rows[position] = value
    return sorted(rows.items())


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=6), st.sampled_from([1, 2, 5, STEP]))
def test_a_change_makes_what_is_wanted(lists: list[list[str]], apart: int) -> None:
    rows = [(number * apart, value) for number, value in enumerate(lists[0])]
    for wanted in lists[1:]:
        rows = applied(rows, wanted)
        assert [value for _, value in rows] == wanted


@settings(deadline=None)
@given(st.integers(2, 300), st.data())
def test_one_moved_is_one_row(n: int, data: Any) -> None:
    values = [str(number) for number in range(n)]
    rows = [(number * STEP, value) for number, value in enumerate(values)]
    values.insert(data.draw(st.integers(0, n - 1)), values.pop(data.draw(st.integers(0, n - 1))))
    made = change(rows, values)
    assert len(made.gone) == len(made.new) <= 1


def test_there_is_always_room() -> None:
    rows, values = [(number * STEP, str(number)) for number in range(4)], ["0", "1", "2", "3"]
    for number in range(4, 200):
        values.insert(2, str(number))
        rows = applied(rows, values)
        assert [value for _, value in rows] == values
        assert all(abs(position) < 1 << 62 for position, _ in rows)


def entries(invented: Invented, id: PlaylistId) -> dict[int, str]:
    e = schema.playlist_entry
    with invented.db.read() as connection:
        return dict(connection.execute(sa.select(e.c.position, e.c.track_id).where(e.c.playlist_id == id)).all())  # type: ignore[arg-type]


def shown(invented: Invented, id: PlaylistId) -> list[TrackId]:
    return [track.id for track in invented.playlists.get(invented.me, id)[1]]


def test_a_long_playlist_keeps_its_rows(invented: Invented) -> None:
    playlists, me = invented.playlists, invented.me
    tracks = random.Random(2).choices(sorted(invented.present(me)), k=10_000)
    made = playlists.create(me, "long", track_ids=tracks)
    assert shown(invented, made.id) == tracks
    before = entries(invented, made.id)

    tracks.insert(9_000, tracks.pop(3))
    playlists.replace(me, made.id, tracks)
    assert shown(invented, made.id) == tracks
    after = entries(invented, made.id)
    assert len(before.items() ^ after.items()) <= 2

    del tracks[5_000], tracks[0]
    playlists.remove_positions(me, made.id, [0, 5_000, 0])
    tracks.append(tracks[7])
    playlists.append(me, made.id, tracks[7:8])
    assert shown(invented, made.id) == tracks
    assert len(after.items() ^ entries(invented, made.id).items()) == 3
    with pytest.raises(NotFound):
        playlists.remove_positions(me, made.id, [9_999])
    playlists.delete(me, made.id)


def test_changes_at_once_lose_nothing(invented: Invented) -> None:
    """Each appends its own track and removes the first entry of all: what is left is as many as were there, less none."""
    playlists, me = invented.playlists, invented.me
    tracks = sorted(invented.present(me))[:60]
    made = playlists.create(me, "busy", track_ids=tracks[:20])
    failed: list[BaseException] = []

    def work(track: TrackId) -> None:
        try:
            playlists.append(me, made.id, [track])
            playlists.remove_positions(me, made.id, [0])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(track,)) for track in tracks[20:60]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert set(shown(invented, made.id)) <= set(tracks[20:60])
    assert len(shown(invented, made.id)) == 20
    playlists.delete(me, made.id)


def test_each_change_has_an_instant_of_its_own(invented: Invented) -> None:
    playlists, me = invented.playlists, invented.me
    made = playlists.create(me, "quick")
    instants = [made.changed_at]
    for number in range(20):
        instants.append(playlists.update(me, made.id, name=f"quick {number}").changed_at)
        instants.append(playlists.append(me, made.id, sorted(invented.present(me))[:1]).changed_at)
    assert instants == sorted(set(instants))
    playlists.delete(me, made.id)
