"""Folds: a function of the set of events. Any order, any repetition, any batches, and a rebuild give the same rows."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.errors import Unavailable
from segue.events import MemoryEventLog
from segue.model import Event, Subject
from segue.state import Projections
from segue.store import Database
from segue.store import schema as t
from segue.testing.listening import World, fill_world
from segue.types import Instant, new_id

D = 180_000  # every track's duration
KINDS = ["started", "paused", "progressed", "seeked", "ended", "scrobbled", "liked", "unliked", "rated", "hidden", "unhidden"]
Rows = dict[str, list[tuple[Any, ...]]]


class Bench:
    """A database with a small world, and a way to see what a history makes of it."""

    def __init__(self, path: Path) -> None:
        self.db = Database(path / "segue.db")
        with self.db.write() as connection:
            t.metadata.create_all(connection)
        self.world: World = fill_world(self.db, tracks=6, per_artist=3)

    def rows(self) -> Rows:
        with self.db.read() as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))]
                for table in (t.play, t.annotation, t.listen, t.tally)
            }

    def fold(self, *batches: list[Event]) -> Rows:
        """The rows after these batches, from nothing."""
        with self.db.write() as connection:
            for table in (t.play, t.annotation, t.listen, t.tally, t.external, t.projection):
                connection.execute(sa.delete(table))
        log = MemoryEventLog()
        projections = Projections(self.db, log)
        for batch in batches:
            log.append(batch)
            projections.catch_up()
        return self.rows()

    def event(self, kind: str, at: int, track: int = 0, **more: Any) -> Event:
        subject = more.pop("subject", None) or Subject(type="track", id=self.world.tracks[track])
        fields: dict[str, Any] = {"event_id": new_id(), "user_id": self.world.listener.user.id, **more}
        return Event(kind=kind, at=Instant(at), received_at=Instant(at), subject=subject, **fields)  # type: ignore[arg-type]

    def counts(self, *events: Event, track: int = 0) -> tuple[int, int]:
        """(listens, skips) of a track after these events."""
        self.fold(list(events))
        note = t.annotation.c
        statement = sa.select(note.play_count, note.skip_count).where(note.id == self.world.tracks[track])
        with self.db.read() as connection:
            row = connection.execute(statement).one_or_none()
        return (row[0], row[1]) if row else (0, 0)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("state"))
    yield bench
    bench.db.close()


@st.composite
def histories(draw: st.DrawFn) -> Callable[[Bench], list[Event]]:
    """Events of a few tracks close together, so that plays, scrobbles and retries meet."""
    acts = draw(
        st.lists(
            st.tuples(
                st.sampled_from(KINDS),
                st.integers(0, 40).map(lambda step: step * 20_000),
                st.integers(0, 1),
                st.sampled_from([None, None, "p", "q", "r"]),
                st.sampled_from([None, 0, 50_000, 90_000, 170_000]),
                st.sampled_from(["finished", "skipped", "stopped"]),
                st.booleans(),
                st.sampled_from(["track", "track", "release", "artist"]),
            ),
            max_size=14,
        )
    )  # fmt: skip

    def build(bench: Bench) -> list[Event]:
        out = []
        for number, (kind, at, track, play_id, span, outcome, private, type_) in enumerate(acts):
            more: dict[str, Any] = {"event_id": f"e{number:02d}", "private": private and number % 5 == 0}
            if kind in ("started", "paused", "progressed", "seeked", "ended", "scrobbled"):
                more |= {"play_id": play_id, "position_ms": span, "session_id": play_id}
                if kind == "ended":
                    more |= {"outcome": outcome, "played_ms": span}
            else:
                more |= {"rating": number % 6 if kind == "rated" else None}
                more |= {"subject": Subject(type=type_, id=bench.world.tracks[track])}  # type: ignore[arg-type]
            out.append(bench.event(kind, at, track, **more))
        return out

    return build


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.randoms(use_true_random=False))
def test_any_order_any_repetition_any_batches_give_the_same_rows(
    bench: Bench, build: Callable[[Bench], list[Event]], chance: random.Random
) -> None:
    events = build(bench)
    expected = bench.fold(events)
    shuffled = events + [event for event in events if chance.random() < 0.4]
    chance.shuffle(shuffled)
    cut = chance.randint(0, len(shuffled))
    assert bench.fold(shuffled) == expected
    assert bench.fold(shuffled[:cut], shuffled[cut:]) == expected
    assert bench.fold(*([event] for event in reversed(events))) == expected


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories())
def test_a_rebuild_changes_nothing(bench: Bench, build: Callable[[Bench], list[Event]]) -> None:
    log = MemoryEventLog()
    bench.fold()
    projections = Projections(bench.db, log)
    log.append(build(bench))
    projections.catch_up()
    before = bench.rows()
    steps: list[int] = []
    projections.rebuild(lambda phase, done, total: steps.append(done))
    assert bench.rows() == before
    assert steps == sorted(steps)


def test_half_the_track_is_a_listen(bench: Bench) -> None:
    start = bench.event("started", 0, play_id="p", position_ms=0)
    assert bench.counts(start) == (0, 0)
    assert bench.counts(start, bench.event("ended", D // 2, play_id="p", played_ms=D // 2 - 1, outcome="stopped")) == (0, 0)
    assert bench.counts(start, bench.event("ended", D // 2, play_id="p", played_ms=D // 2, outcome="stopped")) == (1, 0)
    assert bench.counts(start, bench.event("progressed", D // 2, play_id="p", played_ms=D // 2)) == (1, 0)


def test_a_skip_is_counted_and_is_no_listen(bench: Bench) -> None:
    start = bench.event("started", 0, play_id="p")
    assert bench.counts(start, bench.event("ended", 5_000, play_id="p", played_ms=5_000, outcome="skipped")) == (0, 1)


def test_seeking_to_the_end_is_no_listen(bench: Bench) -> None:
    events = [
        bench.event("started", 0, play_id="p", position_ms=0),
        bench.event("seeked", 2_000, play_id="p", position_ms=D - 1_000),
        bench.event("ended", 3_000, play_id="p", position_ms=D, outcome="stopped"),
    ]
    assert bench.counts(*events) == (0, 0)


def test_a_scrobble_and_the_players_own_events_are_one_listen(bench: Bench) -> None:
    own = [bench.event("started", 0, play_id="p"), bench.event("ended", D, play_id="p", played_ms=D, outcome="finished")]
    for at in (0, D // 2, D, D + 30_000):
        assert bench.counts(*own, bench.event("scrobbled", at)) == (1, 0), at
    assert bench.counts(*own, bench.event("scrobbled", 3 * D)) == (2, 0)


def test_a_now_playing_notice_and_its_submission_are_one_listen(bench: Bench) -> None:
    notice = bench.event("started", 0)
    assert bench.counts(notice) == (0, 0)
    for at in (0, D // 2, D, D + 5_000):
        assert bench.counts(notice, bench.event("scrobbled", at)) == (1, 0), at


def test_a_retried_submission_is_one_listen_and_repeat_one_is_two(bench: Bench) -> None:
    assert bench.counts(bench.event("scrobbled", 0), bench.event("scrobbled", 4_000)) == (1, 0)
    assert bench.counts(bench.event("scrobbled", 0), bench.event("scrobbled", D)) == (2, 0)
    notices = [bench.event("started", 0), bench.event("scrobbled", D // 2), bench.event("started", D), bench.event("scrobbled", D + D // 2)]
    assert bench.counts(*notices) == (2, 0)
    named = [bench.event("started", 0, play_id="p"), bench.event("ended", D, play_id="p", played_ms=D, outcome="finished")]
    named += [bench.event("started", D, play_id="q"), bench.event("ended", 2 * D, play_id="q", played_ms=D, outcome="finished")]
    assert bench.counts(*named) == (2, 0)
    assert bench.counts(*named, bench.event("scrobbled", D + 100), bench.event("scrobbled", 2 * D)) == (2, 0)


def test_a_private_play_is_kept_and_never_counted(bench: Bench) -> None:
    events = [bench.event("started", 0, play_id="p"), bench.event("ended", D, play_id="p", played_ms=D, outcome="skipped", private=True)]
    assert bench.counts(*events) == (0, 0)
    assert len(bench.rows()["play"]) == 1


def test_listens_count_for_the_release_and_its_artists(bench: Bench) -> None:
    bench.fold([bench.event("scrobbled", at * 10 * D, at % 3) for at in range(5)])
    with bench.db.read() as connection:
        found = connection.execute(sa.select(t.annotation.c.type, t.annotation.c.play_count, t.annotation.c.last_played_at))
        wholes = {row[0]: (row[1], row[2]) for row in found if row[0] != "track"}
    assert wholes == {"release": (5, 40 * D), "artist": (5, 40 * D)}


def test_stars_and_ratings_keep_the_latest(bench: Bench) -> None:
    bench.fold([bench.event("liked", 5), bench.event("rated", 6, rating=4), bench.event("unliked", 3), bench.event("rated", 2, rating=1)])
    with bench.db.read() as connection:
        row = connection.execute(sa.select(t.annotation.c.liked_at, t.annotation.c.rating)).one()
    assert tuple(row) == (5, 4)


def test_erasing_is_followed(bench: Bench) -> None:
    log = MemoryEventLog()
    bench.fold()
    projections = Projections(bench.db, log)
    other = bench.event("liked", 1, user_id="o" * 22)
    log.append([bench.event("scrobbled", 1), bench.event("liked", 2), other])
    projections.catch_up()
    log.erase(bench.world.listener.user.id)
    log.append([bench.event("liked", 9, 1)])
    projections.catch_up()
    assert {(row[0], row[2]) for row in bench.rows()["annotation"]} == {
        ("o" * 22, other.subject.id),
        (bench.world.listener.user.id, bench.world.tracks[1]),
    }  # type: ignore[union-attr]
    assert bench.rows()["play"] == []


class _BreaksAt:
    """A log that cannot be read from some offset on, until it is mended."""

    def __init__(self, inner: MemoryEventLog, at: int) -> None:
        self.inner, self.at = inner, at
        self.append, self.erase, self.last_offset = inner.append, inner.erase, inner.last_offset

    def read(self, after: int, limit: int, *, user_id: Any = None) -> Any:
        if after >= self.at:
            raise Unavailable("torn")
        return self.inner.read(after, limit, user_id=user_id)


def test_a_crash_between_appending_and_projecting_heals(bench: Bench) -> None:
    events = [bench.event("scrobbled", at * 10 * D, at % 6) for at in range(1_200)]
    expected = bench.fold(events)
    bench.fold()
    log = _BreaksAt(MemoryEventLog(), at=500)
    log.append(events)
    with pytest.raises(Unavailable):
        Projections(bench.db, log, chunk=300).catch_up()
    log.at = 10**9
    assert Projections(bench.db, log).catch_up() == 1_200
    assert bench.rows() == expected


def test_a_crash_in_the_middle_of_a_rebuild_heals(bench: Bench) -> None:
    events = [bench.event("scrobbled", at * 10 * D, at % 6) for at in range(1_200)]
    expected = bench.fold(events)
    log = _BreaksAt(MemoryEventLog(), at=500)
    log.append(events)
    with pytest.raises(Unavailable):
        Projections(bench.db, log, chunk=300).rebuild()
    with bench.db.write() as connection:  # as if it had died while still forgetting
        connection.execute(sa.update(t.projection).values(offset=-1))
    log.at = 10**9
    assert Projections(bench.db, log).catch_up() == 1_200
    assert bench.rows() == expected


def test_a_crash_while_a_rebuild_counts_heals(bench: Bench) -> None:
    events = [bench.event("scrobbled", at * 10 * D, at % 6) for at in range(600)]
    expected = bench.fold(events)
    log = MemoryEventLog()
    log.append(events)

    def dies(phase: str, done: int, total: int | None) -> None:
        if total and done > total // 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        Projections(bench.db, log).rebuild(dies)
    assert Projections(bench.db, log).catch_up() == 600
    assert bench.rows() == expected


def test_a_crash_between_the_transactions_of_a_chunk_heals(bench: Bench) -> None:
    events = [bench.event("scrobbled", at * 10 * D, at % 6) for at in range(1_200)]
    events += [bench.event("liked", at, at % 6) for at in range(6)]
    expected = bench.fold(*([event] for event in events[:40]), events[40:])
    bench.fold()
    log = MemoryEventLog()
    log.append(events)
    full = "CREATE TRIGGER full BEFORE INSERT ON play WHEN (SELECT count(*) FROM play) >= 1100 BEGIN SELECT RAISE(ABORT, 'no more'); END"
    with bench.db.write() as connection:
        connection.exec_driver_sql(full)
    projections = Projections(bench.db, log)
    try:
        with pytest.raises(sqlite3.IntegrityError):
            projections.catch_up()
    finally:
        with bench.db.write() as connection:
            connection.exec_driver_sql("DROP TRIGGER full")
    assert 0 < len(bench.rows()["play"]) < 1_200  # some transactions stand, and the offset does not know of them
    assert projections.offset == Projections(bench.db, log).offset == 0
    assert Projections(bench.db, log).catch_up() == len(events)
    assert bench.rows() == expected


@pytest.mark.parametrize("seed", range(4))
def test_a_long_history_is_the_same_in_any_order_and_batches(bench: Bench, seed: int) -> None:
    # Longer than the rules of plays reach, so that parts of it are counted apart, and listens go again when reports come late.
    chance = random.Random(seed)
    events = []
    for number in range(400):
        kind = chance.choice(["started", "scrobbled", "ended", "progressed"])
        more: dict[str, Any] = {"event_id": f"e{number:03d}", "play_id": chance.choice([None, None, f"p{number // 3}"])}
        if kind == "ended":
            more |= {"outcome": chance.choice(["finished", "skipped"]), "played_ms": chance.choice([5_000, 170_000])}
        events.append(bench.event(kind, number * 45_000 + chance.randrange(600_000), chance.randrange(2), **more))
    expected = bench.fold(events)
    chance.shuffle(events)
    cuts = sorted(chance.sample(range(400), 60))
    assert bench.fold(*(events[a:b] for a, b in zip([0, *cuts], [*cuts, 400], strict=True))) == expected


def test_an_older_copy_of_the_log_takes_nothing_away(bench: Bench) -> None:
    bench.fold([bench.event("scrobbled", at * 10 * D) for at in range(4)])
    log = MemoryEventLog()
    log.append([bench.event("liked", 1)])
    projections = Projections(bench.db, log)
    projections.catch_up()
    log.append([bench.event("liked", 2, 1)])
    projections.catch_up()
    assert len(bench.rows()["play"]) == 4
    with bench.db.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).where(t.annotation.c.liked_at.is_not(None))).scalar() == 2
