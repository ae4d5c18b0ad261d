"""``/1/`` against a real server: with ListenBrainz's own client where it goes, else raw."""

import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import liblistenbrainz
import pytest
from liblistenbrainz.errors import InvalidAuthTokenException, ListenBrainzAPIException

from segue.testing.server import RunningServer, running_server

from .conftest import Me, NewListener, listen_of


def client_of(server: RunningServer, me: Me) -> liblistenbrainz.ListenBrainz:
    client = liblistenbrainz.ListenBrainz(api_base_url=server.url)
    client.set_auth_token(me.secret)
    return client


def test_the_client_submits_and_reads_back(server: RunningServer, me: Me, track: dict[str, Any]) -> None:
    client = client_of(server, me)
    at = int(time.time()) - 7200
    known = liblistenbrainz.Listen(track["title"], track["artist"], listened_at=at, release_name=track["release"])
    assert client.submit_single_listen(known) == {"status": "ok"}
    unknown = [
        liblistenbrainz.Listen(f"Song {n}", "Far Away", listened_at=at - 1000 * n, additional_info={"media_player": "Tapes"})
        for n in range(1, 4)
    ]
    client.submit_multiple_listens(unknown)
    assert me.total() == 4
    found = client.get_listens(me.name)
    assert [one.listened_at for one in found] == [at, at - 1000, at - 2000, at - 3000]
    assert (found[0].track_name, found[0].artist_name, found[0].release_name) == (track["title"], track["artist"], track["release"])
    assert found[1].additional_info["submission_client"] == "Tapes"
    assert client.get_user_listen_count(me.name) == 4
    assert [one.listened_at for one in client.get_listens(me.name, max_ts=at, count=2)] == [at - 1000, at - 2000]
    assert [one.listened_at for one in client.get_listens(me.name, min_ts=at - 3000, count=2)] == [at - 1000, at - 2000]
    own = me.api("me/listens")["items"]
    assert own[0]["track"]["id"] == track["id"]
    assert [one["imported"] for one in own] == [False, True, True, True]
    assert {one["external"]["artist"] for one in own[1:]} == {"Far Away"}

    client.delete_listen(found[1])
    client.delete_listen(found[1])  # it is gone already
    assert [one.listened_at for one in client.get_listens(me.name)] == [at, at - 2000, at - 3000]
    assert me.total() == 3


def test_what_is_told_twice_counts_once(me: Me, track: dict[str, Any]) -> None:
    at = int(time.time()) - 3600
    same = listen_of(track["artist"], track["title"], at)
    assert me.submit(same, listen_type="playing_now").status_code == 400
    for listen_type in ("single", "single", "import"):
        assert me.submit(same, listen_type=listen_type).json() == {"status": "ok"}
    both = listen_of("Elsewhere", "Twice", at - 900)
    assert me.submit(both, both, both, listen_type="import").status_code == 200
    assert me.submit(both).status_code == 200
    assert me.total() == 2
    assert len(me.api("me/listens")["items"]) == 2


def test_a_notice_and_its_submission_are_one_listen(me: Me, track: dict[str, Any]) -> None:
    metadata = {"artist_name": track["artist"], "track_name": track["title"], "additional_info": {"submission_client": "Scrobbler"}}
    at = int(time.time())
    for _ in range(3):
        assert me.submit({"track_metadata": metadata}, listen_type="playing_now").status_code == 200
    playing = me.ask("GET", f"user/{me.name}/playing-now").json()["payload"]
    assert playing["count"] == 1
    assert playing["listens"][0]["track_metadata"]["track_name"] == track["title"]
    assert me.submit({"listened_at": at, "track_metadata": metadata}).status_code == 200
    items = me.api("me/listens")["items"]
    assert [(one["counted"], one["client"]) for one in items] == [(True, "Scrobbler")]
    assert me.total() == 1


def test_what_is_not_here_plays_now_all_the_same(server: RunningServer, me: Me) -> None:
    client = client_of(server, me)
    assert client.get_playing_now(me.name) is None
    client.submit_playing_now(liblistenbrainz.Listen("Unheard Of", "Nobody Here"))
    found = client.get_playing_now(me.name)
    assert (found.track_name, found.artist_name) == ("Unheard Of", "Nobody Here")
    assert me.submit({"track_metadata": {"artist_name": "Short", "track_name": "One", "additional_info": {"duration_ms": 1}}},
                     listen_type="playing_now").status_code == 200  # fmt: skip
    time.sleep(0.01)
    assert client.get_playing_now(me.name) is None
    assert me.total() == 0


def test_feedback_is_a_like_or_a_hide(server: RunningServer, me: Me, track: dict[str, Any]) -> None:
    client = client_of(server, me)
    me.submit(listen_of(track["artist"], track["title"]))
    msid = me.ask("GET", f"user/{me.name}/listens").json()["payload"]["listens"][0]["recording_msid"]

    def liked() -> bool:
        return me.api(f"tracks/{track['id']}")["liked_at"] is not None

    def feedback(**more: Any) -> list[int]:
        answer = client.get_user_feedback(me.name, more.get("score"), True)
        assert answer["count"] == answer["total_count"] == len(answer["feedback"])
        assert all(one["track_metadata"]["track_name"] == track["title"] for one in answer["feedback"])
        return [one["score"] for one in answer["feedback"]]

    for score in (1, 1, -1, 1, 0, -1):
        answer = me.ask("POST", "feedback/recording-feedback", json={"recording_msid": msid, "score": score})
        assert answer.json() == {"status": "ok"}
        assert liked() == (score == 1)
        assert feedback() == ([score] if score else [])
    assert feedback(score=1) == []
    assert feedback(score=-1) == [-1]
    for bad, status in (
        ({"recording_msid": msid, "score": 2}, 400),
        ({"recording_msid": "x", "score": 1}, 400),
        ({"score": 1}, 400),
        ({"recording_mbid": str(uuid4()), "score": 1}, 404),
        ({"recording_mbid": ["x"], "score": 1}, 400),
    ):
        refused(me.ask("POST", "feedback/recording-feedback", json=bad), status)


def refused(answer: httpx.Response, status: int) -> str:
    body = answer.json()
    assert (answer.status_code, body["code"], set(body)) == (status, status, {"code", "error"}), answer.text
    assert body["error"]
    return str(body["error"])


def test_tokens(server: RunningServer, me: Me, new_listener: NewListener) -> None:
    assert me.ask("GET", "validate-token").json() == {"code": 200, "message": "Token valid.", "valid": True, "user_name": me.name}
    assert me.ask("GET", "validate-token", kind="Bearer").json()["valid"] is True
    by_query = me.client.get("/1/validate-token", params={"token": me.secret}).json()
    assert by_query["user_name"] == me.name
    invalid = {"code": 200, "message": "Token invalid.", "valid": False}
    assert me.ask("GET", "validate-token", secret="seg" + "0" * 32).json() == invalid
    with pytest.raises(InvalidAuthTokenException):
        liblistenbrainz.ListenBrainz(api_base_url=server.url).set_auth_token("seg" + "1" * 32)
    refused(me.client.get("/1/validate-token"), 400)
    refused(me.client.get(f"/1/user/{me.name}/listens"), 401)
    refused(me.ask("GET", f"user/{me.name}/listens", kind="Basic"), 401)
    refused(me.ask("POST", "submit-listens", secret="wrong", content=b"{}"), 401)

    other = new_listener()
    for path in ("user/{}/listens", "user/{}/listen-count", "user/{}/playing-now", "feedback/user/{}/get-feedback"):
        refused(me.ask("GET", path.format(other.name)), 404)
        refused(me.ask("GET", path.format("nobody at all")), 404)
        assert me.ask("GET", path.format(me.name.upper())).status_code == 200
    client = client_of(server, me)
    with pytest.raises(ListenBrainzAPIException):
        client.get_listens(other.name)

    bearer = {"Authorization": f"Bearer {other.secret}"}
    (token,) = other.api("tokens")["items"]
    assert me.client.delete(f"/api/tokens/{token['id']}", headers=bearer).status_code == 204
    assert other.ask("GET", "validate-token").json() == invalid
    refused(other.submit(listen_of()), 401)


def test_scopes(me: Me) -> None:
    reads, tells = me.new_token("reads", "read"), me.new_token("tells", "listen")
    body = {"listen_type": "single", "payload": [listen_of()]}
    refused(me.ask("POST", "submit-listens", secret=reads, json=body), 403)
    assert me.ask("POST", "submit-listens", secret=tells, json=body).status_code == 200
    refused(me.ask("GET", f"user/{me.name}/listens", secret=tells), 403)
    assert me.ask("GET", f"user/{me.name}/listen-count", secret=reads).json() == {"payload": {"count": 1}}


def test_one_bad_entry_refuses_all_and_is_named(me: Me) -> None:
    good = listen_of()
    at = good["listened_at"]
    bad: list[Any] = [
        listen_of(at=int(time.time()) + 86_400),
        listen_of(at=1_033_430_399),
        listen_of(at=at * 1000),
        listen_of(at=-(10**30)),
        {**good, "listened_at": "yesterday"},
        {**good, "listened_at": "9" * 6000},
        {**good, "listened_at": True},
        {**good, "listened_at": None},
        {**good, "listened_at": {}},
        {"track_metadata": good["track_metadata"]},
        {"listened_at": at},
        {"listened_at": at, "track_metadata": []},
        {"listened_at": at, "track_metadata": {"artist_name": "A"}},
        listen_of(artist=" "),
        listen_of(title=""),
        listen_of(title="a\0b"),
        listen_of(artist=["A"]),  # type: ignore[arg-type]
        listen_of(recording_mbid="no mbid"),
        listen_of(recording_mbid=7),
        {"listened_at": at, "track_metadata": {"artist_name": "A", "track_name": "B", "release_name": 1}},
        {"listened_at": at, "track_metadata": {"artist_name": "A", "track_name": "B", "additional_info": "x"}},
        7,
        None,
    ]
    for one in bad:
        assert "payload[1]" in refused(me.submit(good, one, listen_type="import"), 400).replace("payload[...]", "payload[1]"), one
    assert me.total() == 0
    odd = listen_of(
        duration_ms="long", duration=-1, isrc=[1], duration_played={}, submission_client=3, media_player="\t", tags={"a": [None]}
    )
    assert me.submit({**odd, "listened_at": str(at)}).status_code == 200
    assert me.api("me/listens")["items"][0]["client"] == "my scrobbler"


def test_requests_that_are_none(me: Me) -> None:
    many = [listen_of(title=f"Song {n}", at=1_500_000_000 + 300 * n) for n in range(1001)]
    assert "1,000" in refused(me.submit(*many, listen_type="import"), 400)
    refused(me.submit(*many[:2]), 400)
    refused(me.submit(), 400)
    refused(me.submit(many[0], listen_type="sung"), 400)

    def post(content: bytes, path: str = "submit-listens") -> httpx.Response:
        return me.ask("POST", path, content=content, headers={"Content-Type": "application/json"})

    surrogate = (
        b'{"listen_type":"single","payload":[{"listened_at":1500000000,"track_metadata":{"artist_name":"\\ud800 ","track_name":"b"}}]}'
    )
    bodies = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"x"',
        b"\xff\xfe",
        b"\x00",
        surrogate,
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"NaN",
        b"1e999",
    ]
    deep = json.dumps({"listen_type": "single", "payload": [listen_of(deep="DEEP")]}).encode()
    bodies.append(deep.replace(b'"DEEP"', b"[" * 100_000 + b"]" * 100_000))
    for body in bodies:
        for path in ("submit-listens", "feedback/recording-feedback", "delete-listen"):
            refused(post(body, path), 400)
    refused(post(b" " * 11_000_000), 413)
    refused(post(b'{"listen_type":"import","payload":[' + b" " * 11_000_000 + b"]}"), 413)
    assert me.total() == 0
    assert me.submit(*many[:1000], listen_type="import").status_code == 200
    assert me.submit(*many[:1000], listen_type="import").status_code == 200
    assert me.total() == 1000
    page = me.ask("GET", f"user/{me.name}/listens", params={"count": 1000}).json()["payload"]
    assert page["count"] == len(page["listens"]) == 1000
    assert (page["oldest_listen_ts"], page["latest_listen_ts"]) == (1_500_000_000, 1_500_000_000 + 300 * 999)


def test_paths_methods_and_parameters(me: Me) -> None:
    refused(me.ask("GET", "nothing/here"), 404)
    refused(me.ask("GET", "submit-listens"), 405)
    refused(me.ask("DELETE", f"user/{me.name}/listens"), 405)
    refused(me.ask("PUT", "validate-token"), 405)
    for params in ({"count": "x"}, {"count": 0}, {"count": 1001}, {"max_ts": "9" * 40}, {"min_ts": 9, "max_ts": 9}, {"min_ts": -1}):
        refused(me.ask("GET", f"user/{me.name}/listens", params=params), 400)
    empty = me.ask("GET", f"user/{me.name}/listens").json()["payload"]
    assert (empty["count"], empty["listens"], empty["latest_listen_ts"]) == (0, [], 0)
    for body in ({"listened_at": 1, "recording_msid": "x"}, {"listened_at": 10**30, "recording_msid": str(uuid4())}, {"listened_at": 1}):
        refused(me.ask("POST", "delete-listen", json=body), 400)
    assert me.ask("POST", "delete-listen", json={"listened_at": 1, "recording_msid": str(uuid4())}).status_code == 200
    preflight = me.client.options("/1/submit-listens", headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    assert me.ask("GET", "validate-token").headers["access-control-allow-origin"] == "*"


def test_guessing_is_slowed(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server, httpx.Client(base_url=server.url, timeout=60) as client:
        me = Me("admin", server.token(), client)
        assert me.ask("GET", "validate-token").json()["valid"] is True
        answers = [me.ask("GET", "validate-token", secret="seg" + "x" * 32).status_code for _ in range(12)]
        assert answers[0] == 200
        assert 429 in answers
        late = me.ask("GET", "validate-token", secret="seg" + "x" * 32)
        refused(late, 429)
        assert int(late.headers["retry-after"]) >= 1
        assert me.ask("GET", "validate-token").json()["valid"] is True


def test_grants_hold(admin: dict[str, str], me: Me, track: dict[str, Any]) -> None:
    """A track of a library one may not hear is as if it were not here."""
    me.submit(listen_of(track["artist"], track["title"]))
    msid = me.ask("GET", f"user/{me.name}/listens").json()["payload"]["listens"][0]["recording_msid"]
    library = f"/api/libraries/{track['library_id']}"
    assert me.client.patch(library, json={"everyone": False, "users": []}, headers=admin).status_code == 200
    try:
        assert me.ask("GET", f"user/{me.name}/listens").json()["payload"]["listens"] == []
        refused(me.ask("POST", "feedback/recording-feedback", json={"recording_msid": msid, "score": 1}), 404)
        me.submit({"track_metadata": {"artist_name": track["artist"], "track_name": track["title"]}}, listen_type="playing_now")
        shown = me.ask("GET", f"user/{me.name}/playing-now").json()["payload"]["listens"][0]["track_metadata"]
        assert "recording_msid" not in shown["additional_info"]
    finally:
        assert me.client.patch(library, json={"everyone": True}, headers=admin).status_code == 200
