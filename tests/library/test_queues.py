"""The queue: what is not one is refused, and leaves the one before."""

import pytest

from segue.errors import BadRequest
from segue.library import Queues
from segue.types import Ms

from .conftest import Invented


@pytest.mark.parametrize(
    ("n", "current", "position_ms"), [(3, -1, 0), (3, 3, 0), (0, 1, 0), (0, -1, 0), (3, 0, -1), (3, 0, 2**63), (10_001, 0, 0)]
)
def test_what_is_no_queue_is_refused(invented: Invented, n: int, current: int, position_ms: int) -> None:
    queues, me = Queues(invented.db), invented.me.user.id
    tracks = invented.filled.tracks[:2]
    held = queues.put(me, tracks, 1, Ms(5000), changed_by="one")
    with pytest.raises(BadRequest):
        queues.put(me, (tracks * n)[:n], current, Ms(position_ms))
    assert queues.get(me) == held


def test_a_queue_may_be_empty_and_long(invented: Invented) -> None:
    queues, me = Queues(invented.db), invented.me.user.id
    assert queues.put(me, (), 0, Ms(0)).track_ids == ()
    many = (invented.filled.tracks * 30)[:10_000]
    held = queues.put(me, many, 9_999, Ms(7 * 86_400_000))
    assert queues.get(me) == held
