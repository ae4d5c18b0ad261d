"""The source *sounds like* in the loop whole: real log, catalogue, stores and index; only the audio is absent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from segue.events import SqliteEventLog
from segue.flow.listen import Listening
from segue.library import Catalogue
from segue.model import Event, Slate, Subject
from segue.store import Database
from segue.store import schema as t
from segue.testing.alike import Ears
from segue.testing.listening import fill_world
from segue.types import Instant, TrackId, new_id

NOW = Instant(1_800_000_000_000)
DAY = 86_400_000
EAST, NORTH = np.eye(8, dtype=np.float32)[:2]


def between(share: float, along: int = 2) -> "np.ndarray[Any, Any]":
    """From EAST (0) to another axis (1)."""
    other = np.eye(8, dtype=np.float32)[along]
    return np.asarray(np.cos(share * np.pi / 2) * EAST + np.sin(share * np.pi / 2) * other, dtype=np.float32)


class Loop:
    """Thirty tracks of thirty artists: 0..9 sound like the east, 10..19 like the north, the rest were never heard."""

    def __init__(self, path: Path) -> None:
        self.db = Database(path / "segue.db")
        with self.db.write() as connection:
            t.metadata.create_all(connection)
        self.world = fill_world(self.db, tracks=30, per_artist=1)
        self.track = self.world.tracks
        self.me = self.world.listener
        self.catalogue = Catalogue(self.db)
        self.ears = Ears(self.db, path)
        log = SqliteEventLog(path / "events.db")
        self.listening = Listening(log, self.db, self.catalogue, alike=self.ears.similar, clock=lambda: NOW)

    def hear(self) -> None:
        self.ears.hear(
            {self.track[n]: between(n / 40) for n in range(10)}, tags=(("guitar", 0.9), ("slow", 0.1)), values={"tempo_bpm": 120}
        )
        self.ears.hear({self.track[n]: NORTH + 0.02 * np.eye(8, dtype=np.float32)[n % 8] for n in range(10, 20)})

    def act(self, kind: str, track: int, *, ago: int = 0, **more: Any) -> None:
        at = Instant(NOW - ago)
        event = Event(
            event_id=new_id(), kind=kind, user_id=self.me.user.id, at=at, received_at=at,  # type: ignore[arg-type]
            subject=Subject(type="track", id=self.track[track]), **more,
        )  # fmt: skip
        assert not self.listening.record(self.me, [event]).rejected

    def next(self, **asked: Any) -> Slate:
        return self.listening.next(self.me, self.listening.query(self.me, **asked))

    def by_sound(self, **asked: Any) -> dict[TrackId, Any]:
        """What the source found, with the reason that tells it."""
        slate = self.next(n=30, **asked)
        return {item.track_id: reason for item in slate.items for reason in item.reasons if reason.code == "sounds_like"}


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    loop = Loop(tmp_path)
    loop.ears.serve()
    loop.hear()
    yield loop
    loop.ears.close()
    loop.db.close()


def test_it_finds_what_sounds_like_the_seed_and_says_so(loop: Loop) -> None:
    found = loop.by_sound(seeds=[loop.track[0]])
    assert set(found) == set(loop.track[1:10])
    reason = found[loop.track[4]]
    assert reason.text == "Sounds like “Track 0” by Artist 1.0"
    assert reason.evidence["seed"] == loop.track[0]
    assert reason.evidence["similarity"] == pytest.approx(np.cos(0.1 * np.pi / 2), abs=2e-3)
    assert reason.evidence["tempo_bpm"] == reason.evidence["seed_tempo_bpm"] == 120
    assert reason.evidence["tags"] == ["guitar"]
    slate = loop.next(n=30, seeds=[loop.track[0]])
    scores = {item.track_id: item.score for item in slate.items}
    assert scores[loop.track[1]] > scores[loop.track[9]]
    assert slate.degraded == ()


def test_without_seeds_it_follows_what_was_played_and_liked_but_not_what_was_skipped(loop: Loop) -> None:
    loop.act("scrobbled", 0, ago=DAY)
    loop.act("started", 10, ago=DAY // 2, play_id="p")
    loop.act("ended", 10, ago=DAY // 2 - 1, play_id="p", outcome="skipped", played_ms=2_000)
    loop.act("liked", 15, ago=3 * DAY)
    found = loop.by_sound()
    assert found[loop.track[5]].text == "Sounds like “Track 0” by Artist 1.0, which you played in January"
    assert found[loop.track[16]].text == "Sounds like “Track 15” by Artist 1.15, which you liked in January"
    assert found[loop.track[16]].evidence["at"] == "2027-01-12T08:00:00.000Z"
    assert {reason.evidence["because"] for reason in found.values()} == {"played", "liked"}


def test_what_is_nearer_to_a_skip_than_to_its_seed_is_left_out(loop: Loop) -> None:
    assert set(loop.by_sound(seeds=[loop.track[0]])) == set(loop.track[1:10])
    assert set(loop.by_sound(seeds=[loop.track[0]], skipped=[loop.track[9]])) == set(loop.track[1:5])
    loop.act("started", 9, play_id="p")
    loop.act("ended", 9, play_id="p", outcome="skipped", played_ms=2_000)
    assert set(loop.by_sound(seeds=[loop.track[0]])) == set(loop.track[1:5])


def test_a_track_nobody_has_played_is_found_as_soon_as_it_was_heard(loop: Loop) -> None:
    new = loop.track[25]
    loop.act("scrobbled", 0, ago=DAY)
    assert new not in loop.by_sound()
    loop.ears.hear({new: between(0.01)})
    assert loop.by_sound()[new].evidence["seed"] == loop.track[0]


@pytest.mark.parametrize("how", ["speechiness", "genre"])
def test_speech_is_no_seed_for_music_and_is_not_found_from_it(loop: Loop, how: str) -> None:
    spoken = [loop.track[5], loop.track[10]]
    if how == "speechiness":
        loop.ears.hear({spoken[0]: between(5 / 40), spoken[1]: NORTH}, values={"speechiness": 0.8})
    else:
        with loop.db.write() as connection:
            of = t.genre.insert().values(name="Audiobook", name_folded="audiobook")
            genre = connection.execute(of).inserted_primary_key[0]  # type: ignore[index]
            connection.execute(sa.insert(t.track_genre), [{"track_id": one, "genre_id": genre, "position": 1} for one in spoken])
    loop.act("scrobbled", 0, ago=DAY)
    loop.act("scrobbled", 10, ago=DAY // 2)
    loop.act("liked", 10, ago=DAY // 2)
    found = loop.by_sound()
    assert set(found) == set(loop.track[1:10]) - {spoken[0]}
    assert not set(loop.by_sound(seeds=[spoken[1]])), "speech was asked for, and only music is near it"


def test_what_is_not_granted_is_neither_seed_nor_found(loop: Loop) -> None:
    other = fill_world(loop.db, tracks=4, library=2, per_artist=1, name="bea")
    loop.ears.hear({one: between(0.02) for one in other.tracks})
    assert not set(loop.by_sound(seeds=[loop.track[0]])) & set(other.tracks)
    slate = loop.next(n=30, seeds=[other.tracks[0]])
    assert not [item for item in slate.items if item.source == "sounds_like"]
    assert other.tracks[0] not in str(slate.items)
    loop.act("hidden", 3)
    assert set(loop.by_sound(seeds=[loop.track[0]])) == set(loop.track[1:10]) - {loop.track[3]}


def test_while_the_index_is_not_there_it_degrades_and_says_so(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    assert loop.next(n=5, seeds=[loop.track[0]]).degraded == (), "nothing was ever heard"
    loop.hear()
    slate = loop.next(n=5, seeds=[loop.track[0]])
    assert len(slate.items) == 5
    assert slate.degraded == ("source:sounds_like",)
    loop.ears.serve()
    assert loop.next(n=5, seeds=[loop.track[0]]).degraded == ()
    loop.ears.close()
    loop.db.close()
