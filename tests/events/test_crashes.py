"""Kill -9 while events are appended: what was acknowledged is there, once."""

from pathlib import Path

from segue.testing.crashes import crash


def test_twenty_crashes_lose_and_double_nothing(tmp_path: Path) -> None:
    toll = crash(tmp_path / "events.db", 20, seed=7)
    assert (toll.rounds, toll.lost, toll.doubled) == (20, 0, 0)
    assert toll.acknowledged > 200
