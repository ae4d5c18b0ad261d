"""What is analysed next, and when: the order of the backlog, hours of the day, and the share of the time that is worked."""

import itertools
import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from segue.analyse import AnalysisWorker
from segue.analyse.kept import Sounds, Task
from segue.flow.recordings import Recordings
from segue.flow.similar import Similar
from segue.flow.sound import SoundFlow, _within, parse_hours
from segue.store import Database
from segue.store import schema as s
from segue.testing.alike import Ears
from segue.testing.libraries import library_over
from segue.testing.listening import fill_world
from segue.testing.rendering import render

minutes = st.integers(0, 24 * 60 - 1)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


# -- hours -------------------------------------------------------------------------------------------------------------


@given(minutes, minutes)
def test_hours_are_read_as_they_are_written(first: int, last: int) -> None:
    assert parse_hours(f"{clock(first)}-{clock(last)}") == parse_hours(f" {clock(first)} - {clock(last)} ") == (first, last)


@pytest.mark.parametrize("text", ["01:00", "01:00-", "-07:00", "25:00-07:00", "01:60-07:00", "one-two", "01:00-07:00-09:00", "-"])
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_hours(text)


def test_no_hours_are_all_hours() -> None:
    assert parse_hours("") is parse_hours("  ") is None
    assert _within(None, datetime(2026, 1, 1, 3, 4))


@given(minutes, minutes, minutes, st.integers(0, 59))
def test_hours_go_over_midnight_and_one_minute_after_another(first: int, last: int, at: int, second: int) -> None:
    moment = datetime(2026, 1, 1) + timedelta(minutes=at, seconds=second)
    length = (last - first) % (24 * 60) or 24 * 60
    assert _within((first, last), moment) == ((at - first) % (24 * 60) < length)


def test_nights() -> None:
    night = parse_hours("22:30-06:00")
    for hour, minute, inside in ((22, 29, False), (22, 30, True), (0, 0, True), (5, 59, True), (6, 0, False), (12, 0, False)):
        assert _within(night, datetime(2026, 1, 1, hour, minute)) is inside


# -- order -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ears(tmp_path: Path) -> Iterator[Ears]:
    db = Database(tmp_path / "segue.db")
    with db.write() as connection:
        s.metadata.create_all(connection)
    ears = Ears(db, tmp_path)
    yield ears
    ears.close()
    db.close()


def test_new_tracks_come_first_the_latest_added_first_of_all(ears: Ears) -> None:
    import numpy as np

    tracks = fill_world(ears.db, tracks=40).tracks
    chance = random.Random(4)
    added = {track: chance.randrange(10_000) for track in tracks}
    with ears.db.write() as connection:
        for track, at in added.items():
            connection.execute(sa.update(s.track).where(s.track.c.id == track).values(added_at=at, quick_hash=track[:16].encode()))
    ears.hear({track: np.eye(8, dtype=np.float32)[0] for track in tracks[:25]})
    old, elsewhere, gone, failed, changed = tracks[:8], tracks[8:14], tracks[30], tracks[31], tracks[14]
    with ears.db.write() as connection:
        a = s.analysis
        connection.execute(sa.update(a).values(version=2))
        connection.execute(sa.update(a).where(a.c.track_id.in_(old)).values(version=1))
        connection.execute(sa.update(a).where(a.c.track_id.in_(elsewhere)).values(space_id=None))
        connection.execute(sa.update(a).where(a.c.track_id == changed).values(quick_hash=b"another"))
        connection.execute(sa.update(s.track).where(s.track.c.id == gone).values(missing_at=1))
        row = {"track_id": failed, "quick_hash": failed[:16].encode(), "state": "failed", "version": 2, "attempts": 2, "analysed_at": 1}
        connection.execute(sa.insert(a), row)
    due = ears.backlog.due(2, ears.space.id, 100)
    new = [*(track for track in tracks[25:] if track not in {gone, failed}), changed]
    for kind, wanted in (("new", new), ("old", old), ("space", elsewhere)):
        assert [one.track_id for one in due if one.due == kind] == sorted(wanted, key=lambda track: -added[track])
    kinds = [kind for kind, _ in itertools.groupby(due, key=lambda one: one.due)]
    assert kinds == ["new", "old", "space"]
    assert [one.track_id for one in ears.backlog.due(2, ears.space.id, 5)] == [one.track_id for one in due[:5]]
    counts = ears.backlog.counts(2, ears.space.id)
    assert (counts.total, counts.failed, counts.left) == (39, 1, len(due))


# -- share -------------------------------------------------------------------------------------------------------------


class Watched(SoundFlow):
    """Notes when each track was begun and done."""

    spans: list[tuple[float, float]]

    def _hear(self, worker: AnalysisWorker, task: Task) -> None:
        began = time.monotonic()
        super()._hear(worker, task)
        self.spans.append((began, time.monotonic()))


def test_of_a_share_of_the_time_the_rest_is_rest(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for number in range(3):
        render(music / f"{number}.flac", f"0.2*sin(2*PI*{300 + 70 * number}*t)", seconds=1)
    with library_over(music, tmp_path / "data") as library:
        library.scan()
        sound_db = Database(tmp_path / "sound.db")
        sounds = Sounds(sound_db)
        similar = Similar(library.db, sounds, tmp_path / "index")
        recordings = Recordings(library.db, sounds, library.catalogue)
        flow = Watched(library.db, sounds, similar, recordings, tmp_path / "models", workers=1, share=20, priority="normal")
        flow.spans = []
        flow.start()
        try:
            deadline = time.monotonic() + 120
            while (status := flow.status()).left or not status.total:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            flow.close()
            similar.close()
            sound_db.close()
    assert status.done == 3
    for (began, ended), (after, _) in itertools.pairwise(flow.spans):
        assert after - ended >= 3.9 * (ended - began)
