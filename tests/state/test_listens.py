"""Listens, sums and matches: a function of the set of events, exact, and what is deleted never was."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.events import MemoryEventLog
from segue.model import Event, Subject
from segue.state import ListenerHistory, Projections, Upkeep, _plays, external_id
from segue.state._features import weight, worth
from segue.state._plays import rows_of
from segue.store import Database
from segue.store import schema as t
from segue.testing.listening import World, fill_world
from segue.types import Instant, UserId, new_id

D = 180_000  # every track's duration
T0 = 1_700_000_000_000
Rows = dict[str, list[tuple[Any, ...]]]
UNMATCHED = ("Nobody Here", "Lost Song")


class Bench:
    """A database with six tracks, and a way to see what a history makes of it."""

    def __init__(self, path: Path) -> None:
        self.db = Database(path / "segue.db")
        with self.db.write() as connection:
            t.metadata.create_all(connection)
        self.world: World = fill_world(self.db, tracks=6, per_artist=3)
        with self.db.read() as connection:
            self.titles = dict(connection.execute(sa.select(t.track.c.id, t.track.c.title)).all())
            self.artists = dict(connection.execute(sa.select(t.track.c.id, t.track.c.artist)).all())
        self.log = MemoryEventLog()
        self.projections = Projections(self.db, self.log)

    def rows(self, *tables: sa.Table) -> Rows:
        with self.db.read() as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))]
                for table in (tables or (t.play, t.listen, t.tally, t.annotation, t.external))
            }

    def begin(self) -> None:
        with self.db.write() as connection:
            for table in (t.play, t.listen, t.tally, t.annotation, t.external, t.projection):
                connection.execute(sa.delete(table))
        self.log = MemoryEventLog()
        self.projections = Projections(self.db, self.log)

    def tell(self, *events: Event) -> None:
        self.log.append(events)
        self.projections.catch_up()

    def fold(self, *batches: list[Event]) -> Rows:
        """The rows after these batches, from nothing."""
        self.begin()
        for batch in batches:
            self.tell(*batch)
        return self.rows()

    def event(self, kind: str, at: int, track: int = 0, **more: Any) -> Event:
        subject = more.pop("subject", None) or Subject(type="track", id=self.world.tracks[track])
        fields: dict[str, Any] = {"event_id": new_id(), "user_id": self.world.listener.user.id, **more}
        return Event(kind=kind, at=Instant(T0 + at), received_at=Instant(T0 + at), subject=subject, **fields)  # type: ignore[arg-type]

    def named(self, track: int) -> Subject:
        """The track as another service names it."""
        id = self.world.tracks[track]
        return Subject(type="external", external={"artist": self.artists[id].upper(), "title": self.titles[id]})

    def imported(self, at: int, subject: Subject, service: str = "lastfm", **more: Any) -> Event:
        return self.event("scrobbled", at, subject=subject, origin="imported", client=service, **more)

    def deletion(self, at: int, *plays: tuple[str, str], **fix: Any) -> Event:
        return self.event("corrected", at, data={"plays": [list(play) for play in plays], "fix": fix or {"deleted": True}})

    def counted(self) -> int:
        with self.db.read() as connection:
            return connection.execute(sa.select(sa.func.count()).where(t.listen.c.counted == 1)).scalar_one()

    def total(self) -> tuple[int, int]:
        with self.db.read() as connection:
            row = connection.execute(
                sa.select(t.tally.c.listens, t.tally.c.skips).where(t.tally.c.period == "all", t.tally.c.kind == "total")
            ).one_or_none()
        return (row[0], row[1]) if row else (0, 0)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("listens"))
    yield bench
    bench.db.close()


ACT = st.tuples(
    st.sampled_from(["started", "progressed", "ended", "scrobbled", "imported", "imported", "external"]),
    st.integers(0, 40).map(lambda step: step * 25_000),
    st.integers(0, 1),
    st.sampled_from([None, None, "p", "q"]),
    st.sampled_from([None, 0, 50_000, 100_000]),
    st.sampled_from(["finished", "skipped", "stopped"]),
    st.sampled_from(["lastfm", "spotify"]),
)


@st.composite
def histories(draw: st.DrawFn) -> Callable[[Bench], list[Event]]:
    """Plays, scrobbles and copies from elsewhere of two tracks, and of something that is not here, close together."""
    acts = draw(st.lists(ACT, max_size=12))

    def build(bench: Bench) -> list[Event]:
        out = []
        for number, (kind, at, track, play_id, span, outcome, service) in enumerate(acts):
            id = f"e{number:02d}"
            if kind == "imported":
                out.append(bench.imported(at, bench.named(track), service, event_id=id))
            elif kind == "external":
                subject = Subject(type="external", external={"artist": UNMATCHED[0], "title": UNMATCHED[1]})
                told = {"played_ms": span, "outcome": outcome}
                out.append(bench.event("ended", at, subject=subject, origin="imported", client=service, event_id=id, **told))
            else:
                more: dict[str, Any] = {"event_id": id, "play_id": play_id, "position_ms": span, "private": number % 7 == 3}
                if kind == "ended":
                    more |= {"outcome": outcome, "played_ms": span}
                out.append(bench.event(kind, at, track, **more))
        return out

    return build


SHUFFLED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SHUFFLED
@given(histories(), st.randoms(use_true_random=False), st.data())
def test_any_order_and_repetition_give_the_same_listens_and_sums(
    bench: Bench, build: Callable[[Bench], list[Event]], chance: random.Random, data: st.DataObject
) -> None:
    events = build(bench)
    plays = sorted({(_play_id(e), _told(e)) for e in events})
    if plays and data.draw(st.booleans()):
        some = data.draw(st.sampled_from(plays))
        events.append(bench.deletion(2_000_000, some))
    if plays and data.draw(st.booleans()):
        some = data.draw(st.sampled_from(plays))
        events.append(bench.deletion(2_100_000, some, started_at=T0 + 5_000_000))
    expected = bench.fold(events)
    shuffled = events + [event for event in events if chance.random() < 0.4]
    chance.shuffle(shuffled)
    cut = chance.randint(0, len(shuffled))
    assert bench.fold(shuffled) == expected
    assert bench.fold(shuffled[:cut], shuffled[cut:]) == expected
    assert bench.fold(*([event] for event in reversed(events))) == expected


def _play_id(event: Event) -> str:
    [row] = rows_of(event)
    return row.play_id


def _told(event: Event) -> str:
    assert event.subject is not None
    return event.subject.id or external_id(event.subject.external or {}) or ""


@SHUFFLED
@given(histories(), st.data())
def test_what_is_deleted_never_was(bench: Bench, build: Callable[[Bench], list[Event]], data: st.DataObject) -> None:
    events = build(bench)
    bench.fold(events)
    with bench.db.read() as connection:
        ids = list(connection.execute(sa.select(t.listen.c.id).order_by(t.listen.c.id)).scalars())
    if not ids:
        return
    plays = bench.projections.plays_of(bench.world.listener.user.id, data.draw(st.sampled_from(ids)))
    assert plays
    bench.tell(bench.deletion(3_000_000, *plays))
    left = bench.rows(t.listen, t.tally, t.annotation)
    kept = [event for event in events if (_play_id(event), _told(event)) not in plays]
    bench.fold(kept)
    assert bench.rows(t.listen, t.tally, t.annotation) == left


@SHUFFLED
@given(histories())
def test_a_rebuild_and_new_sums_change_nothing(bench: Bench, build: Callable[[Bench], list[Event]]) -> None:
    before = bench.fold(build(bench))
    bench.projections.rebuild()
    assert bench.rows() == before
    upkeep = Upkeep(bench.db, bench.projections)
    upkeep.refresh_playings()
    assert bench.rows() == before
    assert upkeep.refresh_sums() == 1
    assert upkeep.refresh_sums() == 0
    assert bench.rows() == before
    assert upkeep.follow_catalogue() == (0, 0)


def test_changed_rules_put_together_anew_what_was_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.begin()
    with monkeypatch.context() as before:
        before.setattr(_plays, "COPY_MS", 0)
        bench.tell(bench.event("ended", 0, play_id="p", played_ms=D, outcome="finished"))
        bench.tell(bench.imported(90_000, bench.named(0), "lastfm"))
    assert bench.counted() == 2
    Upkeep(bench.db, bench.projections).refresh_playings()
    assert bench.counted() == 1
    now = bench.rows(t.listen, t.tally, t.annotation)
    bench.projections.rebuild()
    assert bench.rows(t.listen, t.tally, t.annotation) == now


def test_copies_from_other_services_are_one_listen(bench: Bench) -> None:
    bench.begin()
    bench.tell(bench.event("ended", 0, play_id="p", played_ms=D, outcome="finished"))
    bench.tell(bench.imported(90_000, bench.named(0), "lastfm"), bench.imported(-100_000, bench.named(0), "listenbrainz"))
    assert bench.counted() == 1
    bench.tell(bench.imported(130_000, bench.named(0), "spotify"))
    assert bench.counted() == 2, "more than two minutes apart"
    bench.tell(bench.imported(200_000, bench.named(0), "lastfm"))
    assert bench.counted() == 2, "of two services, within two minutes"


def test_repeats_of_one_service_are_two(bench: Bench) -> None:
    bench.begin()
    bench.tell(bench.imported(0, bench.named(0)), bench.imported(90_000, bench.named(0)))
    assert bench.counted() == 2


def test_two_forms_of_one_export_are_one(bench: Bench) -> None:
    def heard(at: int, id: str, outcome: str, ms: int = D) -> Event:
        return bench.event(
            "ended", at, subject=bench.named(0), origin="imported", client="spotify", event_id=id, played_ms=ms, outcome=outcome
        )

    long, short = heard(59_000, "long", "finished"), heard(0, "short", "unknown")
    early, late = bench.imported(-50_000, bench.named(0), "lastfm"), bench.imported(170_000, bench.named(0), "listenbrainz")
    own = bench.event("ended", 175_000, play_id="p", played_ms=D, outcome="finished", event_id="own")
    for told in ([long, short], [short, long], [long, short, early], [late, short, long], [own, short, long, late]):
        expected = bench.fold(told)
        assert bench.counted() == 1
        for event in told:
            assert bench.fold(*([one] for one in told if one != event), [event], told) == expected
    bench.fold([heard(0, "a", "finished", 100_000), heard(41_000, "b", "finished", 100_000)])
    assert bench.counted() == 2, "both know how they ended: a repeat"


def test_a_skip_is_no_listen_and_is_counted_as_one(bench: Bench) -> None:
    bench.begin()
    bench.tell(bench.event("ended", 0, play_id="p", played_ms=8_000, outcome="skipped"))
    assert bench.total() == (0, 1)


def test_an_external_counts_by_its_longest_play(bench: Bench) -> None:
    bench.begin()
    subject = Subject(type="external", external={"artist": UNMATCHED[0], "title": UNMATCHED[1]})

    def played(at: int, ms: int) -> None:
        bench.tell(bench.event("ended", at, subject=subject, origin="imported", client="spotify", played_ms=ms, outcome="stopped"))

    played(0, 12_000)
    assert bench.counted() == 0
    played(1_000_000, 200_000)
    assert bench.counted() == 1
    played(2_000_000, 100_000)
    assert bench.counted() == 2
    with bench.db.read() as connection:
        assert connection.execute(
            sa.select(t.tally.c.listens).where(t.tally.c.period == "all", t.tally.c.kind == "artist")
        ).scalars().all() == [2]


def test_a_track_that_arrives_takes_its_listens(bench: Bench) -> None:
    bench.begin()
    subject = Subject(type="external", external={"artist": "Late Comer", "title": "Arrived (Remastered 2011)", "duration_ms": "181000"})
    bench.tell(bench.imported(0, subject), bench.imported(1_000_000, subject))
    upkeep = Upkeep(bench.db, bench.projections)
    assert upkeep.follow_catalogue() == (0, 0)
    track = bench.world.tracks[5]
    with bench.db.write() as connection:
        connection.execute(
            sa.update(t.track).where(t.track.c.id == track).values(title="Arrived", title_folded="arrived", artist="Late Comer")
        )
    try:
        matched, _ = upkeep.follow_catalogue()
        assert matched == 1
        with bench.db.read() as connection:
            assert connection.execute(sa.select(t.annotation.c.play_count).where(t.annotation.c.id == track)).scalar() == 2
            assert set(connection.execute(sa.select(t.listen.c.track_id)).scalars()) == {track}
            row = connection.execute(sa.select(t.external.c.confidence, t.external.c.method).where(t.external.c.type == "track")).one()
        assert tuple(row) == (0.85, "names")
        made = (t.play, t.listen, t.tally, t.annotation)
        before = bench.rows(*made)
        bench.projections.rebuild()
        assert bench.rows(*made) == before
    finally:
        with bench.db.write() as connection:
            values = {"title": bench.titles[track], "title_folded": bench.titles[track].casefold(), "artist": bench.artists[track]}
            connection.execute(sa.update(t.track).where(t.track.c.id == track).values(**values))


def test_a_match_by_hand_stands_and_can_be_taken_back(bench: Bench) -> None:
    bench.begin()
    subject = Subject(type="external", external={"artist": UNMATCHED[0], "title": UNMATCHED[1]})
    track = bench.world.tracks[3]
    bench.tell(bench.imported(0, subject))
    bench.tell(bench.event("matched", 10, subject=subject, data={"track_id": track}))
    with bench.db.read() as connection:
        assert connection.execute(sa.select(t.listen.c.track_id)).scalars().all() == [track]
    bench.tell(bench.event("matched", 20, subject=subject, data={"track_id": ""}))
    with bench.db.read() as connection:
        assert connection.execute(sa.select(t.listen.c.track_id)).scalars().all() == [external_id(subject.external or {})]
    bench.tell(bench.event("matched", 15, subject=subject, data={"track_id": track}))
    with bench.db.read() as connection:
        assert connection.execute(sa.select(t.listen.c.track_id)).scalars().all() == [external_id(subject.external or {})]


def test_a_retagged_track_counts_for_what_it_now_is(bench: Bench) -> None:
    bench.begin()
    track = bench.world.tracks[0]
    bench.tell(bench.event("ended", 0, play_id="p", played_ms=D, outcome="finished"))
    with bench.db.read() as connection:
        old = connection.execute(sa.select(t.track.c.release_id).where(t.track.c.id == track)).scalar_one()
        other = connection.execute(sa.select(t.track.c.release_id).where(t.track.c.id == bench.world.tracks[5])).scalar_one()
    upkeep = Upkeep(bench.db, bench.projections)

    def released(to: str) -> dict[str, int]:
        with bench.db.write() as connection:
            connection.execute(sa.update(t.track).where(t.track.c.id == track).values(release_id=to))
        assert upkeep.follow_catalogue(whole=True) == (0, 1)
        with bench.db.read() as connection:
            notes = connection.execute(
                sa.select(t.annotation.c.id, t.annotation.c.play_count).where(t.annotation.c.type == "release")
            ).all()
            sums = connection.execute(
                sa.select(t.tally.c.key, t.tally.c.listens).where(t.tally.c.period == "all", t.tally.c.kind == "release")
            ).all()
        assert dict(notes) == dict(sums)
        return dict(notes)

    assert released(other) == {other: 1}
    assert released(old) == {old: 1}


@given(st.integers(0, 2_000_000_000_000), st.floats(1, 400))
def test_a_weight_halves_with_each_half_life(at: int, days: float) -> None:
    later = at + int(days * 86_400_000)
    if weight(at, days) > 1 << 20:
        assert weight(later, days) / weight(at, days) == pytest.approx(2, rel=1e-4)
    assert weight(later, days) >= weight(at, days)


def test_what_a_listen_is_worth(bench: Bench) -> None:
    bench.begin()
    bench.tell(bench.event("ended", 0, play_id="p", played_ms=D, outcome="finished"))
    with bench.db.read() as connection:
        log_heard = connection.execute(sa.select(t.tally.c.log_heard).where(t.tally.c.period == "all", t.tally.c.kind == "track")).scalar()
    assert worth(log_heard, "track", T0) == pytest.approx(1, rel=1e-3)
    assert worth(log_heard, "track", T0 + 60 * 86_400_000) == pytest.approx(0.5, rel=1e-3)
    assert worth(None, "track", T0) == 0


def test_the_hour_leans_to_what_is_heard_at_it(bench: Bench) -> None:
    bench.begin()
    day, morning, evening = 86_400_000, 7 * 3_600_000, 20 * 3_600_000
    midnight = T0 - T0 % day
    told = {"played_ms": D, "outcome": "finished", "utc_offset_min": 120, "client": "app"}
    for number in range(20):
        start = midnight - T0 - number * day - 120 * 60_000  # two hours east of Greenwich, midnight comes two hours earlier
        bench.tell(
            bench.event("ended", start + morning, 0, play_id=f"m{number}", **told),
            bench.event("ended", start + evening, 5, play_id=f"e{number}", **told),
        )
    with bench.db.read() as connection:
        sql = "SELECT g.name FROM track_genre l JOIN genre g ON g.id = l.genre_id WHERE l.track_id = ?"
        early, late = (connection.exec_driver_sql(sql, (bench.world.tracks[k],)).scalar_one() for k in (0, 5))
    assert early != late
    history, user = ListenerHistory(bench.db), bench.world.listener.user.id
    at_seven = history.hour_leanings(user, Instant(midnight + morning - 120 * 60_000))
    at_eight = history.hour_leanings(user, Instant(midnight + evening - 120 * 60_000))
    assert at_seven[early].value > 0.3 > -0.3 > at_seven[late].value
    assert at_eight[late].value > 0.3 > -0.3 > at_eight[early].value
    assert (at_seven[early].from_hour, at_seven[early].listens, at_seven[early].of_listens) == (4, 20, 20)
    assert (at_eight[early].from_hour, at_eight[early].listens) == (20, 0)
    assert history.hour_leanings(UserId(new_id()), Instant(T0)) == {}


def test_recent_listens_weigh_more(bench: Bench) -> None:
    bench.begin()
    old, new = bench.world.tracks[0], bench.world.tracks[3]
    for number in range(3):
        bench.tell(bench.event("ended", -number * 1_000_000 - 400 * 86_400_000, 0, play_id=f"o{number}", played_ms=D, outcome="finished"))
    bench.tell(bench.event("ended", 0, 3, play_id="n", played_ms=D, outcome="finished"))
    bench.tell(bench.event("ended", 1_000, 3, play_id="s", played_ms=2_000, outcome="skipped"))
    history, user = ListenerHistory(bench.db), bench.world.listener.user.id
    known = history.known(user, [old, new], at=Instant(T0))
    assert (known[old].play_count, known[new].play_count) == (3, 1)
    assert known[new].heard > 10 * known[old].heard
    assert known[new].skipped == pytest.approx(1, rel=0.01)
    assert [one.id for one in history.favourites(user, 10, not_since=Instant(T0 + 1_000_000), at=Instant(T0))] == [new, old]
    assert len(history.artists(user, 10, at=Instant(T0))) == 2
