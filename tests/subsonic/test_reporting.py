"""What apps tell of what was heard and where to go on: reports, notices, queues, bookmarks; with py-opensonic, py-sonic and by hand.

Reports here play 16 times as fast, so that a track is heard in a second. How reports become plays as time goes on is held by
``tests/flow/test_reports.py``, with a clock that moves.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import libopensonic
import libsonic
import pytest
from libopensonic.errors import SonicError

from segue.testing.opensubsonic import Specification
from segue.testing.server import RunningServer, running_server

Tell = Callable[..., dict[str, Any]]
RATE = 16


class Told:
    """A server of its own: what is heard here is nobody else's."""

    def __init__(self, server: RunningServer, specification: Specification | None) -> None:
        self.server = server
        self.specification = specification
        self.secret = server.token("admin", "reporting")
        self._client = httpx.Client(base_url=server.url, timeout=30)
        self._bearer = {"Authorization": f"Bearer {self.secret}"}
        songs = self("search3", query="", songCount=500, albumCount=0, artistCount=0)["searchResult3"]["song"]
        self.songs = sorted((song for song in songs if song["duration"] >= 16), key=lambda song: str(song["id"]))
        self.used = 0

    def raw(self, endpoint: str, **params: Any) -> httpx.Response:
        fixed = {"u": "admin", "p": self.secret, "v": "1.16.1", "c": "by hand", "f": "json"}
        return self._client.post(f"/rest/{endpoint}", data={**fixed, **params})

    def __call__(self, endpoint: str, **params: Any) -> dict[str, Any]:
        """The inside of an answer that is a success and conforms to the specification, where there is one here."""
        answer = self.raw(endpoint, **params)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()["subsonic-response"]
        assert body["status"] == "ok", answer.text
        if self.specification is not None:
            assert self.specification.faults(endpoint, answer.json()) == []
        return body

    def report(self, song: dict[str, Any], state: str, at_ms: int, **more: Any) -> None:
        more = {"playbackRate": RATE, **more}
        self("reportPlayback", mediaId=song["id"], mediaType="song", positionMs=at_ms, state=state, **more)

    def song(self) -> dict[str, Any]:
        """One of at least 16 s that no test has used."""
        self.used += 1
        return dict(self.songs[self.used - 1])

    def listens(self, song: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self._client.get("/api/me/listens", params={"track": song["id"]}, headers=self._bearer)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def queue(self) -> dict[str, Any]:
        return dict(self._client.get("/api/queue", headers=self._bearer).json())

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = 0
        while page := self._client.get("/api/events", params={"after": after, "limit": 500}, headers=self._bearer).json():
            found += page["events"]
            if not page["events"]:
                return found
            after = page["next"]
        return found

    def playing(self, client: str = "by hand") -> list[dict[str, Any]]:
        return [one for one in self("getNowPlaying")["nowPlaying"]["entry"] if one["playerName"] == client]

    def opensonic(self) -> Any:
        return libopensonic.Connection("http://127.0.0.1", port=urlsplit(self.server.url).port, api_key=self.secret)

    def sonic(self) -> Any:
        return libsonic.Connection("http://127.0.0.1", "admin", self.secret, port=urlsplit(self.server.url).port)


@pytest.fixture(scope="module")
def own_server(demo_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("reporting") / "data", demo_library) as running:
        yield running


@pytest.fixture(scope="module")
def told(own_server: RunningServer, request: pytest.FixtureRequest) -> Told:
    try:
        folder: Path = request.getfixturevalue("shared")
    except pytest.skip.Exception:
        return Told(own_server, None)
    return Told(own_server, Specification(folder / "specs" / "opensubsonic" / "openapi"))


def test_the_extensions_are_advertised(told: Told) -> None:
    names = {one["name"] for one in told("getOpenSubsonicExtensions")["openSubsonicExtensions"]}
    assert {"playbackReport", "indexBasedQueue"} <= names
    assert {"playbackReport", "indexBasedQueue"} <= {one.name for one in told.opensonic().get_open_subsonic_extensions()}


def test_a_track_reported_by_py_opensonic_is_one_listen(told: Told) -> None:
    song, client = told.song(), told.opensonic()
    half = song["duration"] * 500 + 1_000
    client.report_playback(song["id"], "song", 0, "starting", RATE)
    client.report_playback(song["id"], "song", 10, "playing", RATE)
    shown = client.get_now_playing()
    mine = [one for one in shown if one.player_name == "py-opensonic"]
    assert [(one.id, one.state, one.playback_rate) for one in mine] == [(song["id"], "playing", RATE)]
    assert 10 <= mine[0].position_ms <= song["duration"] * 1_000 + 1_000
    time.sleep(half / RATE / 1_000)
    client.report_playback(song["id"], "song", half, "paused", RATE)
    paused = [one for one in client.get_now_playing() if one.player_name == "py-opensonic"]
    assert [(one.state, one.position_ms) for one in paused] == [("paused", half)]
    client.scrobble(song["id"], True)
    client.report_playback(song["id"], "song", half, "stopped", RATE)
    assert [one for one in client.get_now_playing() if one.player_name == "py-opensonic"] == []
    listens = told.listens(song)
    assert [(one["counted"], one["client"]) for one in listens] == [(True, "py-opensonic")]
    assert half - 1_000 <= listens[0]["played_ms"] <= half
    assert told("getSong", id=song["id"])["song"]["playCount"] == 1
    ids = {event["play_id"] for event in told.events() if event["client"] == "py-opensonic" and event["kind"] != "scrobbled"}
    assert len(ids) == 1
    assert str(ids.pop()).startswith("report:")


def test_a_track_reported_to_its_end_counts_without_a_scrobble(told: Told) -> None:
    song = told.song()
    end = song["duration"] * 1_000
    told.report(song, "starting", 0)
    assert [(one["id"], one["state"], one["playbackRate"]) for one in told.playing()] == [(song["id"], "starting", RATE)]
    time.sleep(end / RATE / 1_000 + 0.1)
    told.report(song, "stopped", end)
    assert [(one["outcome"], one["counted"]) for one in told.listens(song)] == [("finished", True)]
    told.report(song, "stopped", end)
    assert len(told.listens(song)) == 1


def test_the_end_of_a_track_that_was_not_heard_is_no_listen(told: Told) -> None:
    song = told.song()
    told.report(song, "starting", 0, playbackRate=1)
    told.report(song, "playing", 14_000, playbackRate=0.001)
    told.report(song, "stopped", 14_000, playbackRate=0.001)
    assert [one["counted"] for one in told.listens(song)] == [False]
    assert "played" not in told("getSong", id=song["id"])["song"]


def test_the_next_track_within_ten_seconds_of_a_stop_is_a_skip(told: Told) -> None:
    first, second, third = told.song(), told.song(), told.song()
    told.report(first, "starting", 0, c="skipper")
    told.report(first, "stopped", 900, c="skipper")
    assert [one["outcome"] for one in told.listens(first)] == ["stopped"]
    told.report(second, "starting", 0, c="skipper", playbackRate=1)
    assert [one["outcome"] for one in told.listens(first)] == ["skipped"]
    told.report(third, "starting", 0, c="another app", playbackRate=1)
    assert [one["outcome"] for one in told.listens(second)] == [None], "another app plays for itself"


def test_what_must_not_count(told: Told) -> None:
    song = told.song()
    end = song["duration"] * 1_000
    told.report(song, "playing", 0, c="presence", ignoreScrobble="true")
    assert [one["state"] for one in told.playing("presence")] == ["playing"]
    time.sleep(end / RATE / 1_000 + 0.1)
    told.report(song, "stopped", end, c="presence", ignoreScrobble="true")
    assert [one["counted"] for one in told.listens(song)] == [False]
    assert told("getSong", id=song["id"])["song"]["playCount"] == 0
    told("scrobble", id=song["id"], c="presence")
    assert [one["counted"] for one in told.listens(song)] == [True]
    assert told("getSong", id=song["id"])["song"]["playCount"] == 1


def test_a_notice_by_py_sonic_followed_by_another_is_a_skip(told: Told) -> None:
    client, first, second = told.sonic(), told.song(), told.song()
    client.scrobble(first["id"], submission=False)
    assert told.listens(first)[0]["outcome"] is None
    client.scrobble(second["id"], submission=False)
    assert [(one["outcome"], one["counted"]) for one in told.listens(first)] == [("skipped", False)]
    ended = [event for event in told.events() if event["kind"] == "ended" and event["subject"]["id"] == first["id"]]
    assert [0 <= event["position_ms"] < first["duration"] * 500 for event in ended] == [True]
    client.scrobble(second["id"])
    client.scrobble(first["id"], submission=False)
    assert [(one["outcome"], one["counted"]) for one in told.listens(second)] == [(None, True)]
    entry = client.getNowPlaying()["nowPlaying"]["entry"]
    mine = [one for one in (entry if isinstance(entry, list) else [entry]) if one["playerName"] == "py-sonic"]
    assert [one["id"] for one in mine] == [first["id"]]
    assert "state" not in mine[0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"positionMs": -1}, 0),
        ({"positionMs": "soon"}, 0),
        ({"positionMs": 8 * 86_400_000}, 0),
        ({"positionMs": 3_600_000}, 0),
        ({"positionMs": ""}, 10),
        ({"positionMs": None}, 10),
        ({"state": "completed"}, 0),
        ({"state": None}, 10),
        ({"mediaType": "video"}, 0),
        ({"mediaType": "podcast"}, 70),
        ({"mediaType": None}, 10),
        ({"mediaId": "0" * 22}, 70),
        ({"mediaId": "../../etc/passwd"}, 70),
        ({"mediaId": None}, 10),
        ({"playbackRate": "0"}, 0),
        ({"playbackRate": "-1"}, 0),
        ({"playbackRate": "nan"}, 0),
        ({"playbackRate": "1e999"}, 0),
        ({"playbackRate": "fast"}, 0),
        ({"ignoreScrobble": "perhaps"}, 0),
    ],
)
def test_a_bad_report_is_refused_and_nothing_kept(told: Told, changes: dict[str, Any], code: int) -> None:
    before = len(told.events())
    params = {"mediaId": told.songs[-1]["id"], "mediaType": "song", "positionMs": 1, "state": "playing", **changes}
    answer = told.raw("reportPlayback", **{name: value for name, value in params.items() if value is not None})
    assert answer.status_code == 200
    assert told.specification is None or told.specification.faults("reportPlayback", answer.json()) == []
    assert answer.json()["subsonic-response"]["error"]["code"] == code
    assert len(told.events()) == before


_ODD = (
    "",
    "0",
    "-0",
    "x",
    "1e3",
    "9" * 400,
    "١٢",
    "true",
    "\0",
    "\ud83d",
    "%00",
    "null",
    "[]",
    "a" * 2_000,
    "nan",
    "2147483648",
    "song",
    "playing",
)
_NEW = {
    "reportPlayback": ("mediaId", "mediaType", "positionMs", "state", "playbackRate", "ignoreScrobble", "c"),
    "savePlayQueueByIndex": ("id", "currentIndex", "position"),
    "createBookmark": ("id", "position", "comment"),
    "deleteBookmark": ("id",),
    "scrobble": ("id", "time", "submission"),
}


@pytest.mark.parametrize("endpoint", list(_NEW))
def test_odd_parameters_never_break_the_server(told: Told, endpoint: str) -> None:
    song = told.songs[-1]["id"]
    good = {"mediaId": song, "id": song, "mediaType": "song", "positionMs": "1", "state": "playing", "position": "1", "currentIndex": "0"}
    for name in _NEW[endpoint]:
        for odd in _ODD:
            body = {**{key: good[key] for key in _NEW[endpoint] if key in good}, name: odd.encode("utf-8", "surrogatepass")}
            answer = told.raw(endpoint, **body)
            assert answer.status_code == 200, (name, odd, answer.text)
            assert answer.json()["subsonic-response"]["status"] in {"ok", "failed"}
    told.raw("deleteBookmark", id=song)
    told("getNowPlaying")
    told("getPlayQueueByIndex")


def test_one_queue_by_id_by_index_and_for_the_player(told: Told) -> None:
    a, b, c = (song["id"] for song in told.songs[:3])
    client, old = told.opensonic(), told.sonic()
    client.save_play_queue_by_index([a, b, a, c], 2, 1_500)
    held = client.get_play_queue_by_index()
    assert ([song.id for song in held.entry], held.current_index, held.position) == ([a, b, a, c], 2, 1_500)
    assert held.changed_by == "py-opensonic"
    by_id = old.getPlayQueue()["playQueue"]
    assert (by_id["current"], by_id["position"], len(by_id["entry"])) == (a, 1_500, 4)
    in_player = told.queue()
    assert (in_player["track_ids"], in_player["index"], in_player["position_ms"]) == ([a, b, a, c], 2, 1_500)
    old.savePlayQueue([c, b], current=b, position=700)
    held = client.get_play_queue_by_index()
    assert ([song.id for song in held.entry], held.current_index, held.position) == ([c, b], 1, 700)
    told("savePlayQueueByIndex", id=["0" * 22, a, b], currentIndex=2)
    held = client.get_play_queue_by_index()
    assert ([song.id for song in held.entry], held.current_index) == ([a, b], 1), "what does not exist is left out"
    client.save_play_queue_by_index()
    empty = told("getPlayQueueByIndex")["playQueueByIndex"]
    assert empty["entry"] == []
    assert "currentIndex" not in empty
    assert told("getPlayQueue")["playQueue"]["entry"] == []
    assert client.get_play_queue().username == "admin"
    assert "current" not in old.getPlayQueue()["playQueue"]


def test_bookmarks(told: Told) -> None:
    a, b = told.songs[3], told.songs[4]
    old, client = told.sonic(), told.opensonic()
    old.createBookmark(a["id"], 1_000, "the bridge")
    client.create_bookmark(b["id"], 2_500)
    client.create_bookmark(a["id"], 3_000, "höher & <weiter>")
    marks = {one["entry"]["id"]: one for one in told("getBookmarks")["bookmarks"]["bookmark"]}
    assert set(marks) == {a["id"], b["id"]}
    assert (marks[a["id"]]["position"], marks[a["id"]]["comment"]) == (3_000, "höher & <weiter>")
    assert marks[a["id"]]["username"] == "admin"
    assert marks[a["id"]]["created"] <= marks[a["id"]]["changed"]
    assert {one["entry"]["id"] for one in old.getBookmarks()["bookmarks"]["bookmark"]} == {a["id"], b["id"]}
    assert told("getSong", id=a["id"])["song"]["bookmarkPosition"] == 3_000
    found = told("search3", query="", songCount=500)["searchResult3"]["song"]
    assert {song["id"]: song["bookmarkPosition"] for song in found if "bookmarkPosition" in song} == {a["id"]: 3_000, b["id"]: 2_500}
    in_xml = told.raw("getBookmarks", f="xml").text
    assert 'comment="höher &amp; &lt;weiter&gt;"' in in_xml
    old.deleteBookmark(a["id"])
    client.delete_bookmark(a["id"])
    assert [one.entry.id for one in client.get_bookmarks()] == [b["id"]]
    assert "bookmarkPosition" not in told("getSong", id=a["id"])["song"]
    client.delete_bookmark(b["id"])
    assert told("getBookmarks")["bookmarks"]["bookmark"] == []
    with pytest.raises(SonicError):
        client.create_bookmark("0" * 22, 1)


def test_another_listener_has_bookmarks_of_their_own_and_only_of_what_is_granted(told: Told) -> None:
    song = told.songs[5]
    told("createBookmark", id=song["id"], position=1_000)
    told.server.segue("user", "add", "bea", "--password-stdin", stdin="beas-password\n")
    theirs = {"u": "bea", "p": told.server.token("bea", "hers")}
    assert told("getBookmarks", **theirs)["bookmarks"]["bookmark"] == []
    seen = told("search3", query="", songCount=1, **theirs)["searchResult3"].get("song", [])
    if seen:
        told("createBookmark", id=song["id"], position=2_000, **theirs)
        assert told("getBookmarks", **theirs)["bookmarks"]["bookmark"][0]["position"] == 2_000
        told("deleteBookmark", id=song["id"], **theirs)
    else:
        answer = told.raw("createBookmark", id=song["id"], position=2_000, **theirs)
        assert answer.json()["subsonic-response"]["error"]["code"] == 70
    assert told("getBookmarks")["bookmarks"]["bookmark"][0]["position"] == 1_000
    told("deleteBookmark", id=song["id"])
