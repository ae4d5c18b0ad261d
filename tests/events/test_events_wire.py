"""What strangers send: each event stands or falls by itself, and nothing falls over."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import BadRequest, TooLarge
from segue.events import MAX_BYTES, parse_events, wire_event
from segue.testing.eventlog import ADA
from segue.types import Instant, new_id

NOW = Instant(1_800_000_000_000)  # 2027-01-15T08:00:00Z
TRACK = new_id()


def good(**more: Any) -> dict[str, Any]:
    return {"event_id": "e", "kind": "started", "at": "2027-01-15T07:59:00Z", "subject": {"type": "track", "id": TRACK}, **more}


def parse(*events: Any, **batch: Any) -> Any:
    return parse_events(msgspec.json.encode({"events": events, **batch}), user_id=ADA, received_at=NOW)


def test_a_good_event_is_kept_whole() -> None:
    sent = good(
        kind="ended", outcome="skipped", play_id="p", session_id="s", device_id="d", position_ms=5, played_ms=4, context={"slate_id": "x"},
        utc_offset_min=60, client="Player", private=True, reason="next",
    )  # fmt: skip
    (event,) = parse(sent).events
    assert (event.at, event.received_at, event.user_id) == (NOW - 60_000, NOW, ADA)
    told = wire_event(event)
    assert {key: told[key] for key in sent if key not in ("at", "subject")} == {
        key: sent[key] for key in sent if key not in ("at", "subject")
    }
    assert told["at"] == "2027-01-15T07:59:00.000Z"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "danced"}, "Unknown kind"),
        ({"kind": "erased"}, "Unknown kind"),
        ({"event_id": ""}, "length"),
        ({"event_id": "x" * 65}, "length"),
        ({"event_id": 7}, "str"),
        ({"at": "yesterday"}, "at"),
        ({"at": "2027-01-15T07:59:00"}, "offset"),
        ({"at": "1969-12-31T23:59:59Z"}, "1970"),
        ({"position_ms": -1}, "position_ms"),
        ({"position_ms": 7 * 24 * 3_600_000 + 1}, "position_ms"),
        ({"played_ms": 1.5}, "int"),
        ({"outcome": "bored"}, "outcome"),
        ({"kind": "ended"}, "outcome"),
        ({"kind": "rated"}, "rating"),
        ({"kind": "rated", "rating": 6}, "rating"),
        ({"kind": "rated", "rating": -1}, "rating"),
        ({"subject": None}, "subject"),
        ({"subject": {"type": "song", "id": TRACK}}, "type"),
        ({"subject": {"type": "track", "id": "../../etc"}}, "id"),
        ({"subject": {"type": "track"}}, "id"),
        ({"subject": {"type": "artist", "id": TRACK}}, "artist"),
        ({"subject": {"type": "external", "external": {}}}, "external"),
        ({"subject": {"type": "external", "external": {"ip": "x"}}}, "external"),
        ({"kind": "shown"}, "slate"),
        ({"kind": "liked", "subject": {"type": "slate", "id": TRACK}}, "slate"),
        ({"context": {"x": "y" * 9_000}}, "context"),
        ({"data": {"x": "y" * 9_000}}, "data"),
        ({"play_id": "~e"}, "play_id"),
        ({"play_id": "report:e"}, "play_id"),
        ({"utc_offset_min": 5_000}, "utc_offset_min"),
        ({"client": "x" * 300}, "client"),
    ],
)
def test_a_bad_event_falls_alone_and_says_why(change: dict[str, Any], says: str) -> None:
    bad = good(**{"event_id": "bad", **change})
    parsed = parse(good(event_id="before"), bad, good(event_id="after"))
    assert [event.event_id for event in parsed.events] == ["before", "after"]
    ((claimed, error),) = parsed.rejected
    assert says in error
    assert claimed == (bad["event_id"][:64] if isinstance(bad["event_id"], str) else "")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events": 3}', b"\xff\xfe", b'{"events": [}', b"[" * 100_000])
def test_what_is_no_batch_is_refused_whole(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_events(body, user_id=ADA, received_at=NOW)


def nested(depth: int) -> str:
    return '{"event_id":"deep","kind":"searched","at":"2027-01-15T07:59:00Z","data":' + '{"a":' * depth + "1" + "}" * depth + "}"


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(BadRequest):
        parse_events(f'{{"events": [{nested(100_000)}]}}'.encode(), user_id=ADA, received_at=NOW)


def test_deep_nesting_and_lone_surrogates_fall_alone() -> None:
    deep = nested(300)
    lone = '{"event_id":"\\ud800","kind":"searched","at":"2027-01-15T07:59:00Z"}'
    body = f'{{"events": [{deep}, {lone}, {msgspec.json.encode(good()).decode()}]}}'.encode()
    parsed = parse_events(body, user_id=ADA, received_at=NOW)
    assert [event.event_id for event in parsed.events] == ["e"]
    assert len(parsed.rejected) == 2


def test_too_much_is_too_large() -> None:
    with pytest.raises(TooLarge):
        parse(*[good(event_id=str(i)) for i in range(1_001)])
    with pytest.raises(TooLarge):
        parse_events(b" " * (MAX_BYTES + 1), user_id=ADA, received_at=NOW)


def test_a_skewed_clock_is_corrected() -> None:
    (event,) = parse(good(at="2017-01-15T07:59:00Z"), sent_at="2017-01-15T08:00:00Z").events
    assert event.at == NOW - 60_000
    (event,) = parse(good(at="2037-01-15T07:59:00+01:00"), sent_at="2037-01-15T08:00:00+01:00").events
    assert event.at == NOW - 60_000


def test_a_small_skew_is_travel_time() -> None:
    (event,) = parse(good(), sent_at="2027-01-15T07:59:59Z").events
    assert event.at == NOW - 60_000


def test_what_lies_in_the_future_happened_now() -> None:
    (event,) = parse(good(at="9999-12-31T23:59:59Z")).events
    assert event.at == NOW


@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
        ),
        max_size=5,
    )
)
def test_nothing_falls_over(events: list[Any]) -> None:
    parsed = parse(*events)
    assert len(parsed.events) + len(parsed.rejected) == len(events)
