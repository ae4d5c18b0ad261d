"""ListenBrainz's exports: the zip of months, the older array, pages of its web interface."""

import json
from pathlib import Path
from typing import Any

import pytest

from segue.errors import BadRequest
from segue.imports import detect, read_export
from segue.model import PastPlay

from .exports import listen, read, spotify_entry, written, zipped


def with_track(**more: Any) -> dict[str, Any]:
    whole = listen()
    return whole | {"track_metadata": whole["track_metadata"] | more}


def with_info(**more: Any) -> dict[str, Any]:
    return with_track(additional_info=more)


def test_the_zip_of_months(tmp_path: Path) -> None:
    archive = zipped(
        tmp_path / "listenbrainz_ada_2026.zip",
        {
            "user.json": json.dumps({"user_id": 1, "username": "ada"}),
            "feedback.jsonl": json.dumps({"recording_mbid": "x", "score": 1}) + "\n",
            "listens/2021/3.jsonl": json.dumps(listen()) + "\n" + json.dumps(listen(listened_at=1_614_834_999)) + "\n",
            "listens/2021/12.jsonl": json.dumps(listen(listened_at=1_640_000_000)),
            "pinned_recording.jsonl": "",
        },
    )
    plays, unreadable = read("listenbrainz", archive)
    assert not unreadable
    assert [play.started_at for play in plays] == [1_614_834_187_000, 1_614_834_999_000, 1_640_000_000_000]
    play = plays[0]
    assert play == PastPlay(
        service="listenbrainz",
        entry_id=play.entry_id,
        started_at=1_614_834_187_000,
        artist="The Paper Moons",
        title="Kites",
        album="Aloft",
        isrc="DEUM71800001",
        mbid="8f3471b5-7e6a-48da-86a9-c1c07a0f47ae",
        duration_ms=183_000,
        played_ms=120_000,
        context={"music_service": "bandcamp.com", "submission_client": "navidrome"},
    )
    assert detect(archive) == "listenbrainz"


def test_other_shapes_give_the_same_ids(tmp_path: Path) -> None:
    array = read("listenbrainz", written(tmp_path / "ada_lb-2021-03-04.json", [listen(), listen()]))
    lines = read("listenbrainz", written(tmp_path / "listens.jsonl", json.dumps(listen()) + "\n" + json.dumps(listen())))
    page = read(
        "listenbrainz", written(tmp_path / "page.json", {"payload": {"count": 2, "listens": [listen(), listen()], "user_id": "ada"}})
    )
    assert array == lines == page
    assert array[0][0] == array[0][1]
    assert detect(tmp_path / "page.json") == "listenbrainz"


@pytest.mark.parametrize(
    ("entry", "field", "value"),
    [
        (with_info(duration=200), "duration_ms", 200_000),
        (with_info(duration="200.5"), "duration_ms", 200_500),
        (with_info(duration_ms="1000"), "duration_ms", 1_000),
        (with_info(duration_ms=-1), "duration_ms", None),
        (with_info(duration_ms=10**40), "duration_ms", None),
        (with_info(duration_ms=[1]), "duration_ms", None),
        (with_info(isrc=["USRC17607839"]), "isrc", "USRC17607839"),
        (with_info(isrc="no"), "isrc", None),
        (with_info(recording_mbid=""), "mbid", "00000000-0000-4000-8000-000000000002"),
        (with_info(recording_mbid=["x"]), "mbid", "00000000-0000-4000-8000-000000000002"),
        (with_track(additional_info=None, mbid_mapping=None), "mbid", None),
        (with_track(release_name=None), "album", None),
        (with_track(release_name=7), "album", None),
        (with_info(music_service={"a": 1}), "context", None),
        (listen(listened_at="1614834187"), "started_at", 1_614_834_187_000),
        (listen(listened_at=1_614_834_187.0), "started_at", 1_614_834_187_000),
    ],
)
def test_fields_as_clients_send_them(tmp_path: Path, entry: dict[str, Any], field: str, value: Any) -> None:
    (play,), unreadable = read("listenbrainz", written(tmp_path / "listens.jsonl", json.dumps(entry)))
    assert not unreadable
    assert getattr(play, field) == value


def test_entries_that_cannot_be_read_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    bad = [
        with_track(artist_name=None),
        with_track(track_name=" \0 "),
        listen(listened_at=None),
        listen(listened_at=-5),
        listen(track_metadata=[]),
        {},
        with_track(additional_info="x"),
    ]
    lines = [json.dumps(one) for one in [*bad, listen(playing_now=True), listen()]]
    plays, unreadable = read("listenbrainz", written(tmp_path / "listens.jsonl", "\n".join(lines)))
    assert [one.where for one in unreadable] == [f"listens.jsonl, entry {n}" for n in range(1, 8)]
    assert len(plays) == 1


def test_another_services_export_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="export of Spotify, not of ListenBrainz"):
        read_export("listenbrainz", written(tmp_path / "endsong_0.json", [spotify_entry()]))
