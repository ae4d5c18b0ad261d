"""What apps tell while they play, with a clock that moves: reports and now-playing notices, and the listens they become."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from segue.errors import BadRequest, NotFound
from segue.events import SqliteEventLog
from segue.flow.listen import Listening
from segue.flow.reports import Report, State
from segue.library import Catalogue
from segue.model import Event, Listener, Subject
from segue.store import Database
from segue.store import schema as t
from segue.testing.listening import fill_world, listener_of
from segue.types import Instant, LibraryId, Ms

S = 1_000
LENGTH = 180 * S


class App:
    def __init__(self, path: Path) -> None:
        self.now = 1_800_000_000_000
        self.db = Database(path / "segue.db")
        with self.db.write() as connection:
            t.metadata.create_all(connection)
        self.world = fill_world(self.db, tracks=10)
        self.me: Listener = self.world.listener
        self.log = SqliteEventLog(path / "events.db")
        self.start()

    def start(self) -> None:
        self.listening = Listening(self.log, self.db, Catalogue(self.db), clock=lambda: Instant(self.now))

    def tell(self, number: int, state: State, at_s: float, *, later_s: float = 0, client: str = "app", **more: object) -> None:
        """A report ``later_s`` after the last one."""
        self.now += round(later_s * S)
        track = Catalogue(self.db).track(self.me, self.world.tracks[number])
        report = Report(track=track, state=state, position_ms=Ms(round(at_s * S)), client=client, **more)  # type: ignore[arg-type]
        self.listening.report(self.me, report)

    def notice(self, number: int, *, later_s: float = 0, submission: bool = False) -> None:
        self.now += round(later_s * S)
        self.listening.scrobble(self.me, self.world.tracks[number], submission=submission, client="app")

    def listens(self, number: int) -> list[tuple[int | None, str | None, bool]]:
        """(played s, outcome, counted) of each listen of a track, earliest first."""
        c = t.listen.c
        query = sa.select(c.played_ms, c.outcome, c.counted).where(c.track_id == self.world.tracks[number]).order_by(c.id)
        with self.db.read() as connection:
            return [(None if ms is None else round(ms / S), how, bool(counted)) for ms, how, counted in connection.execute(query)]

    def kinds(self) -> list[tuple[str, str | None]]:
        return [(event.kind, event.outcome) for _, event in self.log.read(0, 100)]

    def playing(self) -> list[tuple[str, str | None, int | None, float]]:
        return [(one.track.id, one.state, one.position_ms, one.rate) for one in self.listening.now_playing(self.me)]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = App(tmp_path)
    yield app
    app.log.close()
    app.db.close()


def test_one_playing_is_one_play_with_one_id(app: App) -> None:
    app.tell(0, "starting", 0)
    app.tell(0, "playing", 0, later_s=1)
    app.tell(0, "paused", 60, later_s=60)
    app.tell(0, "playing", 60, later_s=600)
    app.tell(0, "playing", 120, later_s=60)
    app.tell(0, "stopped", 180, later_s=60)
    assert [kind for kind, _ in app.kinds()] == ["started", "progressed", "paused", "resumed", "progressed", "ended"]
    ids = {event.play_id for _, event in app.log.read(0, 100)}
    assert len(ids) == 1
    assert str(ids.pop()).startswith("report:")
    assert app.listens(0) == [(180, "finished", True)]
    app.tell(0, "stopped", 180, later_s=1)
    assert len(app.kinds()) == 6, "a repeated stop says nothing new"


def test_a_restart_of_the_server_in_the_middle_changes_nothing(app: App) -> None:
    app.tell(0, "starting", 0)
    app.tell(0, "paused", 50, later_s=50)
    app.start()
    assert app.playing() == [(app.world.tracks[0], "paused", 50 * S, 1.0)]
    app.tell(0, "playing", 90, later_s=60)  # sought while it was paused
    app.start()
    app.tell(0, "stopped", 130, later_s=40)
    assert app.kinds()[2] == ("resumed", None)
    assert app.listens(0) == [(90, "stopped", True)]


@pytest.mark.parametrize(
    ("stop_s", "outcome", "counted"), [(20, "stopped", False), (169, "stopped", True), (171, "finished", True), (180, "finished", True)]
)
def test_how_a_playing_ended(app: App, stop_s: int, outcome: str, counted: bool) -> None:
    app.tell(0, "starting", 0)
    app.tell(0, "stopped", stop_s, later_s=stop_s)
    assert app.listens(0) == [(stop_s, outcome, counted)]


def test_a_jump_forward_is_not_heard(app: App) -> None:
    app.tell(0, "starting", 0)
    app.tell(0, "playing", 170, later_s=10)
    app.tell(0, "stopped", 180, later_s=10)
    assert app.listens(0) == [(20, "finished", False)]


def test_twice_as_fast_is_heard_in_half_the_time(app: App) -> None:
    app.tell(0, "playing", 0, rate=2.0)
    assert app.playing() == [(app.world.tracks[0], "playing", 0, 2.0)]
    app.now += 30 * S
    assert app.playing() == [(app.world.tracks[0], "playing", 60 * S, 2.0)]
    app.tell(0, "stopped", 180, later_s=60, rate=2.0)
    assert app.listens(0) == [(180, "finished", True)]


def test_repeat_one_is_two_plays(app: App) -> None:
    for _ in range(2):
        app.tell(0, "starting", 0)
        app.tell(0, "playing", 90, later_s=90)
        app.now += 90 * S
    assert app.listens(0) == [(180, "finished", True), (90, None, True)]


def test_a_track_skipped_to_another(app: App) -> None:
    app.tell(0, "starting", 0)
    app.tell(1, "starting", 0, later_s=30)
    assert app.listens(0) == [(30, "skipped", False)], "without a stop"
    app.tell(1, "stopped", 20, later_s=20)
    assert app.listens(1) == [(20, "stopped", False)]
    app.tell(2, "starting", 0, later_s=3)
    assert app.listens(1) == [(20, "skipped", False)], "another within 10 s of the stop"
    app.tell(2, "stopped", 20, later_s=20)
    app.tell(3, "starting", 0, later_s=60)
    assert app.listens(2) == [(20, "stopped", False)], "another a minute later"
    app.tell(3, "stopped", 180, later_s=180)
    app.tell(4, "starting", 0)
    assert app.listens(3) == [(180, "finished", True)]
    app.tell(5, "starting", 0, later_s=179)
    assert app.listens(4) == [(179, "finished", True)], "no stop was told, but it had come to its end"
    app.tell(6, "starting", 0, later_s=4_000)
    assert app.listens(5) == [(0, None, False)], "nobody knows how it ended"


def test_a_stop_that_comes_after_the_next_start(app: App) -> None:
    app.tell(0, "starting", 0)
    app.tell(1, "starting", 0, later_s=100)
    app.tell(0, "stopped", 100, later_s=1)
    assert app.listens(0) == [(100, "skipped", True)]
    app.tell(1, "playing", 160, later_s=160)
    app.tell(2, "starting", 0, later_s=5)
    assert app.listens(1)[0][1] == "skipped"
    app.tell(1, "stopped", 175, later_s=1)
    assert app.listens(1)[0][1] == "finished"
    assert len(app.listens(0)) == len(app.listens(1)) == 1


def test_two_devices_of_one_name_do_not_break_each_others_plays(app: App) -> None:
    app.tell(0, "starting", 0)
    app.tell(1, "starting", 0, later_s=10)
    for second in range(20, 180, 10):
        app.tell(0, "playing", second, later_s=5)
        app.tell(1, "playing", second - 10, later_s=5)
    app.tell(0, "stopped", 180, later_s=10)
    app.tell(1, "stopped", 180, later_s=10)
    assert [len(app.listens(number)) for number in (0, 1)] == [1, 1]
    assert [app.listens(number)[0][1:] for number in (0, 1)] == [("finished", True)] * 2


def test_another_app_and_another_listener_are_left_alone(app: App) -> None:
    other = listener_of(app.db, "ben", frozenset({LibraryId(1)}))
    app.tell(0, "starting", 0)
    app.tell(1, "starting", 0, later_s=10, client="phone")
    app.me = other
    app.tell(2, "starting", 0, later_s=10)
    assert all(outcome is None for _, outcome in app.kinds())


def test_what_must_not_count_shows_and_does_not_count(app: App) -> None:
    app.tell(0, "starting", 0, counts=False)
    app.tell(0, "playing", 100, later_s=100, counts=False)
    app.now += 10 * S
    assert app.playing() == [(app.world.tracks[0], "playing", 110 * S, 1.0)]
    app.tell(0, "stopped", 180, later_s=70, counts=False)
    assert app.playing() == []
    assert [counted for _, _, counted in app.listens(0)] == [False]
    app.tell(1, "starting", 0, counts=False)
    app.tell(2, "starting", 0, later_s=20, counts=False)
    assert app.listens(1) == [(None, "unknown", False)], "no skip either"
    app.notice(2, later_s=90, submission=True)
    app.tell(2, "stopped", 180, later_s=90, counts=False)
    assert [counted for _, _, counted in app.listens(2)] == [True], "the app submits itself, and that is one listen"


def test_a_submission_beside_reports_is_one_listen(app: App) -> None:
    app.notice(0)
    app.tell(0, "starting", 0)
    app.tell(0, "playing", 95, later_s=95)
    app.notice(0, submission=True)
    app.tell(0, "stopped", 180, later_s=85)
    assert app.listens(0) == [(180, "finished", True)]


def test_a_notice_of_another_track_soon_after_is_a_skip(app: App) -> None:
    app.notice(0)
    app.notice(1, later_s=30)
    assert app.listens(0) == [(30, "skipped", False)]
    app.notice(1, later_s=100, submission=True)
    app.notice(2, later_s=80)
    assert app.listens(1) == [(180, None, True)], "it was submitted"
    app.notice(3, later_s=100)
    assert app.listens(2) == [(None, None, False)], "more than half, and not submitted: nobody knows"
    app.notice(4, later_s=4_000)
    assert app.listens(3) == [(None, None, False)]
    app.tell(5, "starting", 0, later_s=20)
    assert app.listens(4) == [(20, "skipped", False)], "a report after a notice"
    app.notice(6, later_s=40)
    assert app.listens(5) == [(40, "skipped", False)], "a notice after a report"


def test_a_lone_stop_and_a_lone_pause(app: App) -> None:
    app.tell(0, "stopped", 180)
    assert app.listens(0) == [(0, "finished", False)]
    app.tell(1, "paused", 20, later_s=60)
    assert app.playing() == [(app.world.tracks[1], "paused", 20 * S, 1.0)]
    app.tell(1, "playing", 20, later_s=60)
    app.tell(1, "stopped", 40, later_s=20)
    assert app.listens(1) == [(20, "stopped", False)]


def test_impossible_reports_keep_nothing(app: App) -> None:
    for position_s, rate in ((-1, 1.0), (300, 1.0), (8 * 86_400, 1.0), (1, 0.0), (1, -1.0), (1, 17.0), (1, float("nan"))):
        with pytest.raises(BadRequest):
            app.tell(0, "playing", position_s, rate=rate)
    track = Catalogue(app.db).track(app.me, app.world.tracks[0])
    stranger = listener_of(app.db, "eve", frozenset())
    with pytest.raises(NotFound):
        app.listening.report(stranger, Report(track=track, state="playing", position_ms=Ms(1)))
    assert app.kinds() == []


@pytest.mark.parametrize("data", [{"report": {"rate": 0}}, {"report": "x"}, {"report": {"state": "playing", "position_ms": 1, "rate": 0}}])
def test_what_a_log_from_elsewhere_holds_breaks_nothing(app: App, data: dict[str, object]) -> None:
    event = Event(
        event_id="one",
        kind="started",
        user_id=app.me.user.id,
        at=Instant(app.now),
        received_at=Instant(app.now),
        subject=Subject(type="track", id=app.world.tracks[0]),
        play_id="report:x",
        client="app",
        data=data,
    )
    app.listening.record(app.me, [event])
    assert app.playing() == [(app.world.tracks[0], "playing", 0, 1.0)]
    app.tell(0, "stopped", 20, later_s=20)
    assert app.listens(0) == [(20, "stopped", False)]


def test_reports_that_come_at_once_are_one_play(app: App) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(app.tell, 0, "playing", second) for second in range(8)]:
            done.result()
    assert len({event.play_id for _, event in app.log.read(0, 100)}) == 1
    assert [kind for kind, _ in app.kinds()].count("started") == 1


def test_a_rebuild_gives_the_same(app: App) -> None:
    test_a_track_skipped_to_another(app)
    before = [app.listens(number) for number in range(7)]
    app.listening.rebuild()
    assert [app.listens(number) for number in range(7)] == before


def test_erasing_leaves_a_listener_who_can_report_again(app: App) -> None:
    app.tell(0, "starting", 0)
    app.listening.erase(app.me.user.id)
    app.tell(0, "playing", 10, later_s=10)
    app.tell(0, "stopped", 20, later_s=10)
    assert app.listens(0) == [(10, "stopped", False)]
