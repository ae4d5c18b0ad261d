"""The contract of the port EventLog, as tests any adapter can be held to.

Make a subclass of :class:`EventLogContract` whose name begins with ``Test`` and give it a fixture ``log``.
"""

import threading

from segue.model import Event, Subject
from segue.ports import EventLog
from segue.types import Instant, UserId, new_id

ADA, BEA = UserId("a" * 22), UserId("b" * 22)


def an_event(event_id: str, *, user_id: UserId = ADA, at: int = 1_000, rating: int = 3) -> Event:
    """A small event."""
    subject = Subject(type="track", id=new_id())
    return Event(event_id=event_id, kind="rated", user_id=user_id, at=Instant(at), received_at=Instant(at), subject=subject, rating=rating)


class EventLogContract:
    """What every event log must hold, but for durability, which needs a crash."""

    def test_what_is_appended_is_read_in_order(self, log: EventLog) -> None:
        events = [an_event(f"e{i}", at=10 - i) for i in range(10)]
        assert log.append(events).accepted == tuple(event.event_id for event in events)
        rows = log.read(0, 100)
        assert [event for _, event in rows] == events
        offsets = [offset for offset, _ in rows]
        assert offsets == sorted(set(offsets))
        assert log.last_offset() == offsets[-1]

    def test_one_is_found_by_its_id_and_listener(self, log: EventLog) -> None:
        event = an_event("e1", rating=4)
        log.append([event, an_event("e2")])
        assert log.find(ADA, "e1") == event
        assert log.find(BEA, "e1") is None
        assert log.find(ADA, "e3") is None

    def test_reading_resumes_after_any_offset(self, log: EventLog) -> None:
        log.append([an_event(f"e{i}") for i in range(10)])
        whole = list(log.read(0, 100))
        for position, (offset, _) in enumerate(whole):
            assert list(log.read(offset, 3)) == whole[position + 1 : position + 4]
        assert list(log.read(log.last_offset(), 10)) == []
        assert list(log.read(0, 0)) == []

    def test_a_repeat_is_accepted_and_changes_nothing(self, log: EventLog) -> None:
        first = an_event("e", rating=1)
        log.append([first])
        assert log.append([an_event("e", rating=5), an_event("f")]).accepted == ("e", "f")
        kept = [event for _, event in log.read(0, 10)]
        assert kept[0] == first
        assert len(kept) == 2

    def test_ids_are_each_listeners_own(self, log: EventLog) -> None:
        log.append([an_event("e", user_id=ADA), an_event("e", user_id=BEA)])
        assert len(log.read(0, 10)) == 2
        assert [event.user_id for _, event in log.read(0, 10, user_id=BEA)] == [BEA]

    def test_erasing_leaves_a_tombstone_and_the_others(self, log: EventLog) -> None:
        log.append([an_event("e", user_id=ADA), an_event("f", user_id=BEA), an_event("g", user_id=ADA)])
        before = log.last_offset()
        assert log.erase(ADA) == 2
        rows = log.read(0, 10)
        assert [(event.user_id, event.kind) for _, event in rows] == [(BEA, "rated"), (ADA, "erased")]
        assert rows[-1][0] > before
        assert log.last_offset() == rows[-1][0]

    def test_offsets_are_never_reused(self, log: EventLog) -> None:
        log.append([an_event("e")])
        log.erase(ADA)
        last = log.last_offset()
        log.append([an_event("f")])
        assert log.last_offset() > last

    def test_an_empty_batch_is_nothing(self, log: EventLog) -> None:
        assert log.append([]).accepted == ()
        assert log.last_offset() == 0

    def test_many_append_at_once_and_nothing_is_lost(self, log: EventLog) -> None:
        def append(name: int) -> None:
            for i in range(20):
                log.append([an_event(f"{name}-{i}")])
                assert log.last_offset() > 0

        threads = [threading.Thread(target=append, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({event.event_id for _, event in log.read(0, 1_000)}) == 160
