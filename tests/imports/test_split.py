"""The splitter: whatever the chunks, the same objects; never more than one of them in memory."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from segue.imports import _lastfm
from segue.imports._split import CUT_SHORT, MAX_ELEMENT, STRAY, TOO_DEEP, TOO_LONG, key_pattern, lines, objects

TRICKY = st.text(alphabet=st.sampled_from('"\\[]{},: \n\u00e9\U0001f3b5ab'), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TRICKY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TRICKY, inner, max_size=3),
    max_leaves=12,
)
ENTRIES = st.lists(st.dictionaries(TRICKY, VALUES, max_size=4), max_size=6)
PAGED = key_pattern("recenttracks:{ track:[ scrobbles:[", take="track:{")


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    bounds = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return (data[a:b] for a, b in pairwise(bounds))


def loaded(found: list[bytes | str]) -> list[Any]:
    return [json.loads(one) if isinstance(one, bytes) else one for one in found]


@settings(max_examples=150, deadline=None)
@given(ENTRIES, st.lists(st.integers(0, 10_000), max_size=12), st.booleans(), st.sampled_from([None, 2]))
def test_any_chunks_give_the_objects_of_an_array(entries: list[Any], places: list[int], ascii: bool, indent: int | None) -> None:
    data = json.dumps(entries, ensure_ascii=ascii, indent=indent).encode()
    assert loaded(list(objects(cut(data, places)))) == entries
    assert loaded(list(objects(bytes([byte]) for byte in data))) == entries


@settings(max_examples=150, deadline=None)
@given(ENTRIES, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_chunks_give_the_objects_of_lines(entries: list[Any], places: list[int]) -> None:
    data = "\n".join(json.dumps(entry) for entry in entries).encode()
    assert loaded(list(objects(cut(data, places)))) == entries


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b" ", b"1", b'"track":', b'"recenttracks" : ', b'"a"', b"\n"])
    ).map(b"".join),
    st.lists(st.integers(0, 10_000), max_size=8),
)
@example(b'{"recenttracks":{"track":[{"a":"\\"}"}]}}', [3, 17, 30])
@example(b'[{},{"track":[{}]}]', [6])
def test_any_chunks_of_anything_give_the_same(data: bytes, places: list[int]) -> None:
    for keys in (None, PAGED):
        whole = list(objects([data], keys))
        assert list(objects(cut(data, places), keys)) == whole
        assert list(objects((bytes([byte]) for byte in data), keys)) == whole


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20)), st.lists(st.integers(0, 10_000), max_size=8))
def test_any_chunks_give_the_same_lines(texts: list[str], places: list[int]) -> None:
    data = "\n".join(texts).encode()
    assert b"".join(lines(cut(data, places))) == data
    assert list(lines(cut(data, places))) == list(lines([data]))


def test_lists_inside_pages_are_found() -> None:
    one, two, three = {"name": "a", "image": [{"size": "s"}]}, {"name": 'b"track":['}, {"track": "c", "artist": "x"}
    pages = [
        {"recenttracks": {"track": [one, two], "@attr": {"page": "1", "also": [{"no": 1}]}}},
        {"@attr": {"page": "2"}, "track": [three]},
        {"track": one, "@attr": {}},
        {"username": "u", "scrobbles": [two]},
    ]
    for text in (json.dumps(pages), "\n".join(map(json.dumps, pages))):
        assert loaded(list(objects([text.encode()], _lastfm.KEYS))) == [one, two, three, one, two]
    assert loaded(list(objects([json.dumps([[one, two], [three]]).encode()], _lastfm.KEYS))) == [one, two, three]


def test_what_is_cut_short_is_told_once_after_what_came_before() -> None:
    data = json.dumps([{"a": "x"}, {"b": 'y"'}, {"c": [1]}]).encode()
    for end in range(1, len(data)):
        *before, last = objects([data[:end]])
        assert last == CUT_SHORT
        assert loaded(before) == [{"a": "x"}, {"b": 'y"'}, {"c": [1]}][: len(before)]


def test_what_is_no_object_is_told() -> None:
    assert list(objects([b'[1, "x", {"a":1}, null]'])) == [STRAY, b'{"a":1}', STRAY]
    assert list(objects([b'<html>{"a":1}</html>'])) == [STRAY, b'{"a":1}', STRAY]
    assert list(objects([b""])) == list(objects([b"[]\n"])) == []


def test_long_entries_are_told_and_never_held() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'[{"a":"'
        for _ in range(100):
            yield b"x" * MAX_ELEMENT
        yield b'"},{"b":1},{"c":"' + b"y" * MAX_ELEMENT + b'"},{"d":1}]'

    assert list(objects(chunks())) == [TOO_LONG, b'{"b":1}', TOO_LONG, b'{"d":1}']
    exact = b'{"a":"' + b"x" * (MAX_ELEMENT - 8) + b'"}'
    assert list(objects([b"[", exact, b",", exact, b"]"])) == [exact, exact]
    assert list(lines([b"a\n", *[b"x" * MAX_ELEMENT] * 5, b"\nb"])) == [b"a\n", b"x" * MAX_ELEMENT + b"\n", b"b"]


def test_deep_nesting_is_bounded() -> None:
    for opened in (b"[", b"{", b'{"a":', b'{"recenttracks":', b'{"track":[', b'[{"track":'):
        assert list(objects([opened] * 10_000, PAGED)) == list(objects([opened * 10_000], PAGED)) == [TOO_DEEP]
    assert len(list(objects([b"[" * 500 + b"]" * 500]))) == 1
