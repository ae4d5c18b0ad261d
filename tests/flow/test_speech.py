"""Audiobooks and podcasts that were heard say nothing of a taste in music: no seed, no candidate, and the trace says so."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from segue.events import SqliteEventLog
from segue.flow._spoken import Spoken
from segue.flow.listen import Listening
from segue.library import Catalogue
from segue.model import Event, Slate, Subject
from segue.store import Database
from segue.store import schema as t
from segue.testing.listening import fill_world
from segue.types import ArtistId, Instant, TrackId, new_id

NOW = Instant(1_800_000_000_000)
DAY = 86_400_000
SPOKEN = range(10)


class Loop:
    """Sixty tracks of twelve artists, five each; the first ten are spoken."""

    def __init__(self, path: Path, how: str, spoken: Sequence[int] = SPOKEN) -> None:
        self.db = Database(path / "segue.db")
        with self.db.write() as connection:
            t.metadata.create_all(connection)
        self.world = fill_world(self.db)
        self.me, self.track = self.world.listener, self.world.tracks
        self.spoken = frozenset(self.track[n] for n in spoken)
        self._say(how)
        self.listening = Listening(SqliteEventLog(path / "events.db"), self.db, Catalogue(self.db), clock=lambda: NOW)

    def _say(self, how: str) -> None:
        with self.db.write() as connection:
            if how == "sound":
                row = {"state": "done", "version": 1, "analysed_at": 1, "attempts": 1}
                values = [{"track_id": one, "speechiness": 0.61, **row} for one in self.spoken]
                values += [{"track_id": one, "speechiness": 0.59, **row} for one in self.track if one not in self.spoken]
                connection.execute(sa.insert(t.analysis), values)
            else:
                genre = connection.execute(sa.insert(t.genre).values(name=how, name_folded=how.casefold())).inserted_primary_key[0]
                connection.execute(
                    sa.insert(t.track_genre), [{"track_id": one, "genre_id": genre, "position": 1} for one in sorted(self.spoken)]
                )

    def act(self, kind: str, track: int, *, ago: int = 0, **more: Any) -> None:
        at = Instant(NOW - ago)
        event = Event(
            event_id=new_id(), kind=kind, user_id=self.me.user.id, at=at, received_at=at,  # type: ignore[arg-type]
            subject=Subject(type="track", id=self.track[track]), **more,
        )  # fmt: skip
        assert not self.listening.record(self.me, [event]).rejected

    def hears_much_speech(self) -> None:
        """Music some time ago; since then nothing but chapters and episodes, liked and rated."""
        for n in (20, 25, 30):
            self.act("scrobbled", n, ago=30 * DAY + n)
            self.act("liked", n, ago=30 * DAY)
        for times in range(4):
            for n in SPOKEN:
                self.act("scrobbled", n, ago=DAY + (times * 10 + n) * 3_600_000)
        for n in (0, 5):
            self.act("liked", n, ago=2 * DAY)
            self.act("rated", n, ago=2 * DAY, rating=5)

    def next(self, **asked: Any) -> Slate:
        answer = self.listening.next(self.me, self.listening.query(self.me, **asked))
        return self.listening.slate(self.me, answer.id)


@pytest.fixture(params=["sound", "Audiobook", "Podcast"])
def loop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loop]:
    loop = Loop(tmp_path, request.param)
    yield loop
    loop.db.close()


def ids(slate: Slate) -> set[str]:
    return {item.track_id for item in slate.items}


def told(slate: Slate) -> str:
    return str([(reason.text, reason.evidence) for item in slate.items for reason in item.reasons])


def test_speech_is_neither_given_nor_a_reason_for_what_is(loop: Loop) -> None:
    loop.hears_much_speech()
    slate = loop.next(n=40)
    assert len(slate.items) == 40
    assert {item.source for item in slate.items} >= {"familiar", "unplayed"}
    assert not ids(slate) & loop.spoken
    evidence = told(slate)
    assert not [one for one in loop.spoken if one in evidence]
    assert any(loop.track[n] in evidence for n in (20, 25, 30)), "the music before it still counts"
    artists = {credit.artist_id for one in Catalogue(loop.db).tracks(sorted(loop.spoken)).values() for credit in one.artists}
    assert not [artist for artist in artists if artist in evidence]


def test_evenings_of_speech_do_not_change_what_music_is_proposed_at_that_hour(loop: Loop) -> None:
    for night in range(1, 8):
        loop.act("scrobbled", 20 + night, ago=night * DAY)
        loop.act("scrobbled", 40 + night, ago=night * DAY + 12 * 3_600_000)
    history, user = loop.listening.history, loop.me.user.id
    spoken = Spoken(loop.db).all()
    assert spoken == loop.spoken
    before = loop.next(n=30)
    leanings = history.hour_leanings(user, NOW, without=spoken)
    assert any(abs(one.value) > 0.1 for one in leanings.values()), "the hour leans"
    for night in range(1, 8):
        for n in SPOKEN:
            loop.act("scrobbled", n, ago=night * DAY + n * 600_000 - 3_600_000)
    assert history.hour_leanings(user, NOW).keys() >= leanings.keys()
    assert history.hour_leanings(user, NOW) != leanings, "it would lean to what was spoken"
    after = history.hour_leanings(user, NOW, without=spoken)
    assert after.keys() == leanings.keys()
    for genre, one in leanings.items():
        assert after[genre].value == pytest.approx(one.value, abs=1e-6)
        assert (after[genre].listens, after[genre].of_listens) == (one.listens, one.of_listens)
    assert [item.track_id for item in loop.next(n=30).items] == [item.track_id for item in before.items]


def test_the_trace_says_so(loop: Loop) -> None:
    loop.act("scrobbled", 20, ago=DAY)
    slate = loop.next(n=50)
    gone = {one.track_id for one in slate.removed if (one.stage, one.reason) == ("speech", "speech")}
    assert gone
    assert gone <= loop.spoken
    assert "speech" in {timing.stage for timing in slate.timings}


def test_who_asks_for_speech_gets_it(loop: Loop) -> None:
    loop.hears_much_speech()
    slate = loop.next(n=20, seeds=[loop.track[0], loop.track[6]])
    kindred = {item.track_id for item in slate.items if item.source == "kindred"}
    assert kindred & loop.spoken
    assert "speech" not in {timing.stage for timing in slate.timings}


def test_among_music_asked_for_a_spoken_seed_counts_for_nothing(loop: Loop) -> None:
    slate = loop.next(n=30, seeds=[loop.track[0], loop.track[20]])
    assert not ids(slate) & loop.spoken
    assert loop.track[0] not in told(slate)
    assert loop.track[20] in told(slate)


def test_where_there_is_nothing_but_speech_it_is_given(tmp_path: Path) -> None:
    loop = Loop(tmp_path, "sound", range(60))
    assert len(loop.next(n=10).items) == 10
    loop.act("scrobbled", 3, ago=DAY)
    assert len(loop.next(n=10).items) == 10
    assert len(loop.next(n=10, seeds=[loop.track[4]]).items) == 10
    loop.db.close()


def test_who_sings_too_is_no_speaker(tmp_path: Path) -> None:
    loop = Loop(tmp_path, "sound", [0, 1, 2, 3, 5, 6, 7, 8, 9])
    tracks = Catalogue(loop.db).tracks(loop.track[:10])
    first, second = (ArtistId(tracks[TrackId(loop.track[n])].artists[0].artist_id) for n in (0, 5))
    spoken = Spoken(loop.db)
    assert spoken.artists([first, second, ArtistId(new_id())]) == {second}
    assert spoken.tracks([*loop.track, TrackId(new_id())]) == loop.spoken
    assert spoken.tracks(loop.track, frozenset()) == spoken.tracks([]) == frozenset()
    loop.db.close()
