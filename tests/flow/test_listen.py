"""The loop whole: real log, real database, real catalogue; only the music is absent."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from segue.errors import BadRequest, NotFound, Unavailable
from segue.events import SqliteEventLog, open_log
from segue.flow.listen import Listening
from segue.library import Catalogue
from segue.model import Event, Slate, Subject
from segue.store import Database
from segue.store import schema as t
from segue.testing.listening import World, fill_world, listener_of
from segue.types import Instant, LibraryId, SlateId, TrackId, new_id

DAY = 86_400_000
NOW = Instant(1_800_000_000_000)


class Loop:
    def __init__(self, path: Path, log: Any = None, tracks: int = 60) -> None:
        self.now = NOW
        self.db = Database(path / "segue.db")
        with self.db.write() as connection:
            t.metadata.create_all(connection)
        self.world: World = fill_world(self.db, tracks=tracks)
        self.me = self.world.listener
        self.catalogue = Catalogue(self.db)
        self.log = log or SqliteEventLog(path / "events.db")
        self.listening = Listening(self.log, self.db, self.catalogue, clock=lambda: self.now)

    def act(self, kind: str, track: int | TrackId, *, ago: int = 0, **more: Any) -> None:
        id_ = track if isinstance(track, str) else self.world.tracks[track]
        at = Instant(self.now - ago)
        event = Event(
            event_id=new_id(),
            kind=kind,
            user_id=self.me.user.id,
            at=at,
            received_at=at,
            subject=Subject(type="track", id=id_),
            **more,  # type: ignore[arg-type]
        )
        assert not self.listening.record(self.me, [event]).rejected

    def next(self, **asked: Any) -> Slate:
        return self.listening.next(self.me, self.listening.query(self.me, **asked))


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    loop = Loop(tmp_path)
    yield loop
    loop.db.close()


def ids(slate: Slate) -> list[str]:
    return [item.track_id for item in slate.items]


def why(slate: Slate, track_id: str) -> set[tuple[str, str]]:
    return {(gone.stage, gone.reason) for gone in slate.removed if gone.track_id == track_id}


def a_past(loop: Loop) -> None:
    for number in range(20):
        loop.act("scrobbled", number, ago=(number + 1) * DAY)
    for number in (1, 7, 30):
        loop.act("liked", number, ago=40 * DAY)
    loop.act("rated", 12, ago=3 * DAY, rating=5)


def test_with_no_history_it_says_so(loop: Loop) -> None:
    slate = loop.next(n=10)
    assert len(slate.items) == 10
    assert slate.degraded == ()
    assert slate.generation is None
    assert "not played anything" in (slate.message or "")
    assert {item.source for item in slate.items} == {"unplayed"}


def test_with_a_past_the_sources_meet_and_nobody_comes_twice(loop: Loop) -> None:
    a_past(loop)
    slate = loop.next(n=20)
    assert slate.message is None
    assert len(set(ids(slate))) == 20
    assert len({item.source for item in slate.items}) >= 2
    tracks = loop.catalogue.tracks([TrackId(id_) for id_ in ids(slate)])
    artists = [tracks[TrackId(id_)].artist for id_ in ids(slate)]
    assert all(a != b for a, b in itertools.pairwise(artists))


def test_the_dial_leans(loop: Loop) -> None:
    a_past(loop)
    familiar = [item.source for item in loop.next(n=8, discovery=0.0).items]
    new = [item.source for item in loop.next(n=8, discovery=1.0).items]
    assert familiar.count("familiar") > new.count("familiar")
    assert new.count("unplayed") > familiar.count("unplayed")


def test_every_reason_is_true_of_the_log_or_the_tags(loop: Loop) -> None:
    a_past(loop)
    rows = [event for _, event in loop.log.read(0, 1_000)]
    liked = {e.subject.id: e.at for e in rows if e.kind == "liked" and e.subject}
    played = [e.subject.id for e in rows if e.kind == "scrobbled" and e.subject]
    seen: set[str] = set()
    for discovery in (0.0, 0.3, 0.6, 1.0):
        slate = loop.next(n=40, discovery=discovery)
        tracks = loop.catalogue.tracks(list(loop.world.tracks))
        for item in slate.items:
            assert item.reasons
            track = tracks[item.track_id]
            for reason in item.reasons:
                seen.add(reason.code)
                told = reason.evidence
                match reason.code:
                    case "liked":
                        assert Instant(liked[item.track_id]) == NOW - 40 * DAY
                        assert told["liked_at"].startswith("2026-12-06")
                        assert reason.text == "You liked it in December 2026"
                    case "rated":
                        assert item.track_id == loop.world.tracks[12]
                    case "listened":
                        assert played.count(item.track_id) == told["play_count"]
                    case "same_artist":
                        assert {c.artist_id for c in track.artists} & {c.artist_id for c in tracks[told["seed"]].artists}
                    case "same_genre":
                        assert told["genre"] in track.genres
                        assert told["genre"] in tracks[told["seed"]].genres
                    case "same_years":
                        assert track.year == told["year"]
                        assert abs(told["year"] - told["seed_year"]) <= 3
                    case "artist_known":
                        assert told["artist_id"] in {c.artist_id for c in track.artists}
                        assert any(told["artist_id"] in {c.artist_id for c in tracks[TrackId(id_)].artists} for id_ in played)
                    case "genre_known":
                        assert told["genre"] in track.genres
                        assert told["genre"] in tracks[told["track_id"]].genres
                    case "unheard":
                        assert item.track_id not in played
                    case other:
                        raise AssertionError(other)
    assert {"liked", "listened", "unheard"} <= seen


def test_the_hour_is_a_reason_where_it_counted_and_nowhere_else(loop: Loop) -> None:
    def genres(number: int) -> tuple[str, ...]:
        track = loop.world.tracks[number]
        return tuple(loop.catalogue.tracks([track])[track].genres)

    morning = next(number for number in range(60) if genres(number))
    evening = next(number for number in range(60) if genres(number) and not set(genres(number)) & set(genres(morning)))
    loop.now = Instant(NOW - NOW % DAY + 20 * 3_600_000 - 60 * 60_000)  # eight in the evening an hour east of Greenwich
    for number in range(1, 11):
        for track, hours in ((evening, 0), (morning, 12)):
            told = {"played_ms": 200_000, "outcome": "finished", "client": "app", "utc_offset_min": 60}
            loop.act("ended", track, ago=number * DAY + hours * 3_600_000, play_id=f"{track} {number}", **told)

    def habits(slate: Slate) -> dict[str, Any]:
        found = {}
        for item in slate.items:
            for reason in item.reasons:
                if reason.code == "hour":
                    found[item.track_id] = (reason.text, reason.evidence)
        return found

    tracks = loop.catalogue.tracks(loop.world.tracks)
    at_night = habits(loop.next(n=40))
    assert at_night
    for id_, (text, evidence) in at_night.items():
        assert evidence["genre"] in genres(evening)
        assert evidence["genre"] in tracks[TrackId(id_)].genres
        assert text == f"You often play {evidence['genre']} late in the evening"
        assert (evidence["from_hour"], evidence["to_hour"], evidence["listens"], evidence["of_listens"]) == (20, 24, 10, 10)
    loop.now = Instant(loop.now + 12 * 3_600_000)
    at_eight = habits(loop.next(n=40))
    assert at_eight
    assert all(evidence["genre"] in genres(morning) and "in the morning" in text for text, evidence in at_eight.values())
    loop.now = Instant(loop.now + 6 * 3_600_000)
    assert habits(loop.next(n=40)) == {}, "nothing was ever heard in the afternoon"


def test_a_skip_changes_the_next_answer(loop: Loop) -> None:
    a_past(loop)
    first = loop.next(n=5)
    assert ids(loop.next(n=5)) == ids(first), "asking again changes nothing"
    top = first.items[0].track_id
    loop.act("started", top, play_id="p", session_id="s")
    loop.act("ended", top, play_id="p", session_id="s", outcome="skipped", played_ms=3_000)
    second = loop.next(n=60)
    assert top not in ids(second)
    assert ("filter", "skipped this session") in why(second, top)
    artist = loop.catalogue.tracks([top])[top].artist
    assert loop.catalogue.tracks([second.items[0].track_id])[second.items[0].track_id].artist != artist
    loop.now = Instant(loop.now + DAY)
    assert top in ids(loop.next(n=60)), "a skip is not for ever"


def test_what_the_moment_rules_out_is_removed_and_says_why(loop: Loop) -> None:
    a_past(loop)
    track = loop.world.tracks
    slate = loop.next(n=60, queue=[track[0]], exclude=[track[1]], skipped=[track[2]])
    for number, reason in ((0, "queued"), (1, "excluded"), (2, "skipped this session")):
        assert track[number] not in ids(slate)
        assert ("filter", reason) in why(slate, track[number])


def test_hidden_missing_and_not_granted_never_come(loop: Loop) -> None:
    a_past(loop)
    other = fill_world(loop.db, tracks=20, library=2, name="bea")
    tracks = loop.catalogue.tracks(list(loop.world.tracks))
    hidden, missing = loop.world.tracks[1], loop.world.tracks[7]
    artist = tracks[loop.world.tracks[30]].artists[0].artist_id
    loop.act("hidden", hidden)
    at = loop.now
    loop.listening.record(
        loop.me,
        [Event(event_id="h", kind="hidden", user_id=loop.me.user.id, at=at, received_at=at, subject=Subject(type="artist", id=artist))],
    )
    with loop.db.write() as connection:
        connection.execute(sa.update(t.track).where(t.track.c.id == missing).values(missing_at=1))
    slate = loop.next(n=100, discovery=0.5, seeds=[other.tracks[0]])
    shown = set(ids(slate))
    assert len(shown) == 60 - 1 - 1 - 5
    assert not shown & {hidden, missing, *other.tracks}
    assert not any(artist in {c.artist_id for c in tracks[TrackId(id_)].artists} for id_ in shown)
    assert other.tracks[0] not in str(slate.items)
    assert ("policy", "hidden") in why(slate, loop.world.tracks[30])


def test_a_small_library_is_shuffled_on(tmp_path: Path) -> None:
    loop = Loop(tmp_path, tracks=4)
    for number in range(4):
        loop.act("scrobbled", number, ago=number * 300_000)
    assert len(loop.next(n=10).items) == 4
    assert loop.next(n=10, exclude=list(loop.world.tracks)).message is not None


def test_a_slate_is_kept_for_its_listener_alone_and_shown_is_logged(loop: Loop) -> None:
    a_past(loop)
    slate = loop.next(n=5)
    assert loop.listening.slate(loop.me, slate.id) == slate
    assert {timing.stage for timing in slate.timings} >= {"retrieve:familiar", "merge", "filter", "policy", "score", "select", "explain"}
    stranger = listener_of(loop.db, "eve", frozenset({LibraryId(1)}))
    for listener, id_ in ((stranger, slate.id), (loop.me, SlateId(new_id()))):
        with pytest.raises(NotFound):
            loop.listening.slate(listener, id_)
    _, shown = loop.log.read(loop.log.last_offset() - 1, 1)[0]
    assert (shown.kind, shown.subject.id if shown.subject else None) == ("shown", slate.id)
    assert [item["id"] for item in (shown.data or {})["items"]] == ids(slate)
    loop.now = Instant(loop.now + 31 * DAY)
    with pytest.raises(NotFound):
        loop.listening.slate(loop.me, slate.id)


def test_every_candidate_is_chosen_or_removed(loop: Loop) -> None:
    a_past(loop)
    slate = loop.next(n=5, queue=[loop.world.tracks[3]])
    found = sum(timing.n_out for timing in slate.timings if timing.stage.startswith("retrieve:"))
    assert found > 5
    assert {gone.track_id for gone in slate.removed} | set(ids(slate)) >= set(loop.world.tracks[:3])


def test_with_the_log_unreadable_it_shuffles_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "events.db").write_bytes(b"damaged " * 1_000)
    loop = Loop(tmp_path, log=open_log(tmp_path / "events.db"))
    assert loop.listening.catch_up() == 0
    slate = loop.next(n=10)
    assert len(slate.items) == 10
    assert slate.degraded == ("log_unreadable",)
    assert "shuffle" in (slate.message or "")
    assert loop.listening.slate(loop.me, slate.id) == slate
    with pytest.raises(Unavailable):
        loop.act("liked", 1)


def test_a_failing_source_degrades_and_is_named(loop: Loop) -> None:
    class Broken:
        name = "kindred"

        def __call__(self, query: Any) -> Any:
            raise RuntimeError("broken")

    loop.listening._sources = (*loop.listening._sources[:1], Broken(), *loop.listening._sources[2:])
    slate = loop.next(n=5)
    assert slate.degraded == ("source:kindred",)
    assert len(slate.items) == 5


def test_what_one_may_not_see_is_rejected(loop: Loop) -> None:
    other = fill_world(loop.db, tracks=5, library=2, name="bea")
    body = {
        "events": [
            {"event_id": str(number), "kind": "liked", "at": "2027-01-01T00:00:00Z", "subject": {"type": type_, "id": id_}}
            for number, (type_, id_) in enumerate(
                [("track", loop.world.tracks[0]), ("track", other.tracks[0]), ("artist", new_id()), ("episode", new_id())]
            )
        ]
    }
    done = loop.listening.record_wire(loop.me, msgspec.json.encode(body))
    assert done.accepted == ("0",)
    assert [event_id for event_id, _ in done.rejected] == ["1", "2", "3"]
    with pytest.raises(NotFound):
        loop.listening.like(loop.me, [Subject(type="track", id=loop.world.tracks[1]), Subject(type="track", id=other.tracks[0])])
    with pytest.raises(NotFound):
        loop.listening.scrobble(loop.me, other.tracks[0])
    assert len(loop.listening.events(loop.me)[0]) == 1
    assert loop.listening.events(other.listener)[0] == ()


def test_stars_ratings_and_scrobbles_show_at_once(loop: Loop) -> None:
    track = loop.world.tracks[0]
    loop.listening.like(loop.me, [Subject(type="track", id=track)])
    loop.listening.rate(loop.me, Subject(type="track", id=track), 4)
    loop.listening.scrobble(loop.me, track, Instant(NOW - 500_000))
    loop.listening.scrobble(loop.me, track, Instant(NOW - 500_000))
    (seen,) = loop.catalogue.visible_tracks(loop.me, [track])
    assert (seen.annotation.liked_at, seen.annotation.rating, seen.annotation.play_count) == (NOW, 4, 1)
    loop.listening.unlike(loop.me, [Subject(type="track", id=track)])
    (seen,) = loop.catalogue.visible_tracks(loop.me, [track])
    assert seen.annotation.liked_at is None
    with pytest.raises(BadRequest):
        loop.listening.rate(loop.me, Subject(type="track", id=track), 6)
    events, after = loop.listening.events(loop.me, limit=2)
    assert [event["kind"] for event in events] == ["liked", "rated"]
    assert [event["kind"] for event in loop.listening.events(loop.me, after)[0]] == ["scrobbled", "unliked"]


def test_now_playing_is_what_plays_now(loop: Loop) -> None:
    track = loop.world.tracks[0]
    loop.listening.scrobble(loop.me, track, submission=False, client="App")
    (playing,) = loop.listening.now_playing(loop.me)
    assert (playing.user, playing.track.id, playing.client) == ("ada", track, "App")
    assert loop.listening.now_playing(listener_of(loop.db, "eve", frozenset())) == ()
    loop.now = Instant(loop.now + 1_000)
    loop.act("started", 3, play_id="p", client="App")
    assert [one.track.id for one in loop.listening.now_playing(loop.me)] == [loop.world.tracks[3]]
    loop.act("ended", 3, play_id="p", client="App", outcome="stopped")
    assert loop.listening.now_playing(loop.me) == ()
    loop.now = Instant(loop.now + 600_000)
    assert loop.listening.now_playing(loop.me) == ()


def test_erased_means_absent_everywhere(loop: Loop) -> None:
    a_past(loop)
    slate = loop.next(n=3)
    assert loop.listening.erase(loop.me.user.id) == 25
    assert loop.listening.events(loop.me)[0] == ()
    with pytest.raises(NotFound):
        loop.listening.slate(loop.me, slate.id)
    assert loop.listening.history.plays(loop.me.user.id, 10) == []
    assert "not played anything" in (loop.next(n=3).message or "")


@pytest.mark.parametrize(
    "asked", [{"n": 0}, {"n": 101}, {"discovery": -0.1}, {"discovery": float("nan")}, {"seeds": ["x"]}, {"session_id": ""}]
)
def test_a_query_out_of_range_is_refused(loop: Loop, asked: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        loop.listening.query(loop.me, **asked)
