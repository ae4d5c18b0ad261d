"""Segue's own interface over a real server: sessions, grants, bad input, many at once, and a power cut."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.testing.server import RunningServer, running_server


@pytest.fixture(scope="module")
def http(server: RunningServer) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token(name='api')}"}, timeout=60)


@pytest.fixture(scope="module")
def signed_in(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        answer = client.post("/api/session", json={"name": server.admin, "password": server.password})
        assert answer.status_code == 201
        client.headers["X-Segue-CSRF"] = answer.json()["csrf"]
        yield client


@pytest.fixture(scope="module")
def some(http: httpx.Client) -> dict[str, str]:
    track = next(one for one in http.get("/api/tracks?limit=200").json()["items"] if one["art"])
    made = http.post("/api/playlists", json={"name": "private", "track_ids": [track["id"]]}).json()
    slate = http.post("/api/next", json={"n": 3, "seeds": [track["id"]]}).json()
    return {
        "track": track["id"], "release": track["release_id"], "artist": track["artists"][0]["id"], "folder": track["folder_id"],
        "art": track["art"], "playlist": made["id"], "slate": slate["id"],
    }  # fmt: skip


def event(kind: str, track: str, **more: Any) -> dict[str, Any]:
    at = "2026-01-02T03:04:05.000Z"
    return {"event_id": uuid.uuid4().hex, "kind": kind, "at": at, "subject": {"type": "track", "id": track}, **more}


def test_a_session_needs_its_csrf_token_from_our_own_pages(server: RunningServer, signed_in: httpx.Client) -> None:
    who = signed_in.get("/api/session").json()
    assert who["user"]["name"] == "admin"
    assert signed_in.patch("/api/preferences", json={"autoplay": False}).status_code == 200
    for headers in ({"X-Segue-CSRF": ""}, {"X-Segue-CSRF": "wrong"}, {"Sec-Fetch-Site": "cross-site"}):
        refused = signed_in.patch("/api/preferences", json={"autoplay": True}, headers=headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    [cookie] = httpx.post(
        f"{server.url}/api/session", json={"name": "ADMIN", "password": server.password}
    ).headers.get_list("set-cookie")  # fmt: skip
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie.replace("Lax", "lax")
    assert httpx.get(f"{server.url}/api/session").status_code == 401
    assert httpx.get(f"{server.url}/api/tracks").json()["error"]["code"] == "unauthenticated"


def test_signing_out_and_changing_the_password_end_sessions(server: RunningServer) -> None:
    server.segue("user", "add", "changer", "--password-stdin", stdin="first-password\n")
    one, two = (httpx.Client(base_url=server.url) for _ in range(2))
    for client in (one, two):
        client.headers["X-Segue-CSRF"] = client.post("/api/session", json={"name": "changer", "password": "first-password"}).json()["csrf"]
    assert one.post("/api/password", json={"old": "wrong-password", "new": "second-password"}).status_code == 401
    assert one.post("/api/password", json={"old": "first-password", "new": "second-password"}).status_code == 204
    assert two.get("/api/session").status_code == 401
    assert one.get("/api/session").status_code == 200
    assert one.delete("/api/session").status_code == 204
    assert one.get("/api/session").status_code == 401


def test_guessing_is_slowed(server: RunningServer) -> None:
    server.segue("user", "add", "guessed", "--password-stdin", stdin="right-password\n")
    codes = [
        httpx.post(f"{server.url}/rest/ping?u=guessed&p=wrong{n}&c=t&v=1&f=json").json()["subsonic-response"]["error"] for n in range(8)
    ]
    assert {one["code"] for one in codes} == {40}
    assert "Too many" in codes[-1]["message"]
    for _ in range(150):  # the tests that follow come from the same address
        if "Too many" not in httpx.get(f"{server.url}/api/tracks", headers={"Authorization": f"Bearer {server.token()}"}).text:
            break
        time.sleep(0.3)


FOREIGN = [
    ("GET", "/api/tracks/{track}"), ("GET", "/api/tracks/{track}/lyrics"), ("GET", "/api/tracks/{track}/stream"),
    ("GET", "/api/tracks/{track}/stream?format=opus"), ("GET", "/api/tracks/{track}/file"), ("GET", "/api/releases/{release}"),
    ("GET", "/api/artists/{artist}"), ("GET", "/api/folders/{folder}"), ("GET", "/api/art/{art}"), ("GET", "/api/art/{release}"),
    ("GET", "/api/playlists/{playlist}"), ("PATCH", "/api/playlists/{playlist}"), ("DELETE", "/api/playlists/{playlist}"),
    ("PUT", "/api/playlists/{playlist}/tracks"), ("POST", "/api/playlists/{playlist}/tracks"), ("GET", "/api/slates/{slate}"),
]  # fmt: skip


def test_what_was_not_granted_does_not_exist(server: RunningServer, demo_library: Path, http: httpx.Client, some: dict[str, str]) -> None:
    server.segue("user", "add", "outsider", "--password-stdin", stdin="outsider-password\n")
    server.segue("library", "grant", str(demo_library), "admin")
    try:
        outsider = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token('outsider')}"})
        for method, path in FOREIGN:
            body = {"json": {"track_ids": [], "name": "x"}} if method in {"PATCH", "PUT", "POST"} else {}
            answer = outsider.request(method, path.format(**some), **body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), path
        for path in (
            "tracks",
            "releases",
            "artists",
            "genres",
            "folders",
            "favourites",
            "home",
            "search?q=a",
            "libraries",
            "findings",
            "queue",
        ):
            text = outsider.get(f"/api/{path}").text
            assert not [id for id in some.values() if id in text], path
        told = outsider.post("/api/events", json={"sent_at": "2026-01-02T03:04:05Z", "events": [event("liked", some["track"])]}).json()
        assert told["accepted"] == []
        assert len(told["rejected"]) == 1
        assert outsider.post("/api/next", json={"n": 5, "seeds": [some["track"]]}).json()["items"] == []
        assert outsider.post("/api/playlists", json={"name": "x", "track_ids": [some["track"]]}).status_code == 404
        saved = outsider.put("/api/queue", json={"track_ids": [some["track"]]}).json()
        assert saved["track_ids"] == []
        for path in ("users", "scan"):
            assert outsider.request("POST", f"/api/{path}", json={"name": "x", "password": "12345678"}).status_code == 403
    finally:
        server.segue("library", "grant", str(demo_library), "--everyone")


def test_a_token_does_what_its_scopes_say(server: RunningServer, some: dict[str, str]) -> None:
    made = json.loads(
        server.segue("token", "create", "--user", "admin", "--name", "r", "--kind", "api", "--scope", "read", "--json").stdout
    )
    reader = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {made['secret']}"})
    assert reader.get("/api/tracks").status_code == 200
    assert reader.post("/api/playlists", json={"name": "x"}).status_code == 403
    assert reader.post("/api/events", json={"events": []}).status_code == 403
    assert reader.post("/api/tokens", json={"name": "more"}).status_code == 403
    assert httpx.get(f"{server.url}/rest/ping?u=admin&p={made['secret']}&c=t&v=1&f=json").json()["subsonic-response"]["status"] == "failed"


def test_events_are_accepted_once_and_counted(http: httpx.Client, some: dict[str, str]) -> None:
    play = uuid.uuid4().hex
    batch = [
        event("started", some["track"], play_id=play),
        event("ended", some["track"], play_id=play, outcome="finished", played_ms=10**6),
        {"event_id": "bad", "kind": "danced", "at": "2026-01-02T03:04:05Z"},
    ]
    before = http.get(f"/api/tracks/{some['track']}").json()["play_count"]
    for _ in range(2):
        answer = http.post("/api/events", json={"sent_at": "2026-01-02T03:05:00Z", "events": batch}).json()
        assert set(answer["accepted"]) == {batch[0]["event_id"], batch[1]["event_id"]}
        assert [one["event_id"] for one in answer["rejected"]] == ["bad"]
    assert http.get(f"/api/tracks/{some['track']}").json()["play_count"] == before + 1
    log = http.get("/api/events?limit=500").json()
    assert sum(one["event_id"] == batch[0]["event_id"] for one in log["events"]) == 1


def test_an_answer_is_explained_afterwards(http: httpx.Client, some: dict[str, str]) -> None:
    slate = http.post("/api/next", json={"n": 8, "seeds": [some["track"]], "context": {"queue": [some["track"]]}}).json()
    assert slate["generation"] is None
    assert 0 < len(slate["items"]) <= 8
    assert all(item["reasons"] and item["track"]["id"] != some["track"] for item in slate["items"])
    again = http.get(f"/api/slates/{slate['id']}").json()
    assert [item["track"]["id"] for item in again["items"]] == [item["track"]["id"] for item in slate["items"]]
    assert {"removed", "timings", "query"} <= set(again)
    skipped = slate["items"][0]["track"]["id"]
    other = http.post("/api/next", json={"n": 8, "seeds": [some["track"]], "context": {"skipped": [skipped]}}).json()
    assert skipped not in [item["track"]["id"] for item in other["items"]]


def test_a_deleted_playlist_can_be_had_back(http: httpx.Client, some: dict[str, str]) -> None:
    made = http.post("/api/playlists", json={"name": "short-lived", "track_ids": [some["track"]] * 3}).json()
    assert made["track_count"] == 3
    assert http.delete(f"/api/playlists/{made['id']}").status_code == 204
    assert http.get(f"/api/playlists/{made['id']}").status_code == 404
    assert http.post(f"/api/playlists/{made['id']}/restore").status_code == 200
    assert len(http.get(f"/api/playlists/{made['id']}").json()["tracks"]) == 3
    assert http.post("/api/playlists", json={"name": " \n "}).json()["error"]["code"] == "bad_request"


def test_every_path_is_described_and_nothing_is_ever_a_500(http: httpx.Client, some: dict[str, str]) -> None:
    paths = http.get("/api/openapi.json").json()["paths"]
    assert {"/api/next", "/api/events", "/api/tracks/{id}/stream", "/api/findings", "/api/generations"} <= set(paths)

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(paths)))
        method = data.draw(st.sampled_from(sorted(paths[path])))
        if (method, path) == ("delete", "/api/session") or path.startswith(("/api/users", "/api/libraries", "/api/tokens", "/api/scan")):
            return
        value = st.one_of(st.text(max_size=30), st.integers().map(str), st.sampled_from([*some.values(), "'", "%00", "-1", "NaN", "1e9"]))
        filled = path
        while "{" in filled:
            name = filled[filled.index("{") : filled.index("}") + 1]
            filled = filled.replace(name, quote(data.draw(value), safe="") or "x")
        names = [one["name"] for one in paths[path][method].get("parameters", []) if one["in"] == "query"]
        params = {name: data.draw(value) for name in names if data.draw(st.booleans())}
        simple = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=10), max_size=3))
        body = data.draw(
            st.dictionaries(st.sampled_from(["n", "seeds", "name", "track_ids", "events", "context", "index", "discovery"]), simple)
        )
        answer = http.request(method, filled, params=params, json=body if method in {"post", "put", "patch"} else None)
        assert answer.status_code < 500, (method, filled, params, body, answer.text)
        if answer.status_code >= 400 and method != "head":
            assert set(answer.json()) == {"error"}
            assert set(answer.json()["error"]) == {"code", "message"}

    fuzz()


def test_eight_star_at_once_beside_a_scan_and_commands(server: RunningServer, http: httpx.Client) -> None:
    tracks = [one["id"] for one in http.get("/api/tracks?limit=48").json()["items"]]
    secrets = []
    for number in range(8):
        server.do("user.add", name=f"star{number}", password="star-password")
        secrets.append(server.token(f"star{number}"))
    errors: list[Any] = []

    def star(secret: str) -> None:
        with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {secret}"}, timeout=60) as client:
            for track in tracks:
                answer = client.post("/api/events", json={"events": [event("liked", track)]})
                if answer.status_code != 200 or len(answer.json()["accepted"]) != 1:
                    errors.append(answer.text)

    threads = [threading.Thread(target=star, args=(secret,)) for secret in secrets]
    threads += [threading.Thread(target=lambda: server.segue("scan", "--full"))]
    for thread in threads:
        thread.start()
    server.segue("user", "add", "meanwhile", "--password-stdin", stdin="meanwhile-password\n")
    for thread in threads:
        thread.join()
    assert errors == []
    for secret in secrets:
        liked = httpx.get(f"{server.url}/api/favourites", headers={"Authorization": f"Bearer {secret}"}).json()["tracks"]
        assert {one["id"] for one in liked} == set(tracks)


def test_kill_9_after_an_acknowledged_event_loses_nothing(demo_library: Path, tmp_path: Path) -> None:
    with running_server(tmp_path / "data", demo_library) as first:
        secret = first.token()
        http = httpx.Client(base_url=first.url, headers={"Authorization": f"Bearer {secret}"})
        track = http.get("/api/tracks?limit=1").json()["items"][0]["id"]
        sent = event("liked", track)
        assert http.post("/api/events", json={"events": [sent]}).json()["accepted"] == [sent["event_id"]]
        first.kill()
    with running_server(tmp_path / "data", demo_library) as second:
        http = httpx.Client(base_url=second.url, headers={"Authorization": f"Bearer {secret}"})
        assert sent["event_id"] in [one["event_id"] for one in http.get("/api/events").json()["events"]]
        assert http.get(f"/api/tracks/{track}").json()["liked_at"]


def test_a_sub_path_and_proxies(demo_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_server(tmp_path / "data", demo_library, options=("--base-url", "/music")) as server:
        (server.data / "segue.toml").touch()
        secret = server.token()
        root = server.url.removesuffix("/music")
        assert '<base href="/music/"' in httpx.get(f"{server.url}/releases/anything").text
        assert httpx.get(f"{server.url}/rest/ping?apiKey={secret}&c=t&v=1&f=json").json()["subsonic-response"]["status"] == "ok"
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert httpx.get(f"{root}/api/session").status_code == 404
        said = httpx.get(
            f"{server.url}/api/connect",
            headers={"Authorization": f"Bearer {secret}", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        ).json()
        assert said["server_url"] == server.url, "nobody is trusted by default"


def test_forwarded_headers_count_from_a_trusted_proxy_only() -> None:
    from segue.config import Config
    from segue.serve.http import Edge

    async def nothing(scope: Any, receive: Any, send: Any) -> None: ...

    headers = [(b"x-forwarded-for", b"6.6.6.6, 9.9.9.9, 10.0.0.2"), (b"x-forwarded-proto", b"https"), (b"host", b"inner")]
    scope = {"client": ("10.0.0.1", 1), "headers": headers, "scheme": "http"}
    trusting = Edge(nothing, Config(trusted_proxies=("10.0.0.0/8",)))
    assert trusting._origin(scope) == {"address": "9.9.9.9", "scheme": "https", "host": "inner"}
    assert Edge(nothing, Config())._origin(scope) == {"address": "10.0.0.1", "scheme": "http", "host": "inner"}


def test_health_readiness_and_metrics(server: RunningServer, http: httpx.Client) -> None:
    assert httpx.get(f"{server.url}/healthz").json()["status"] == "ok"
    assert httpx.get(f"{server.url}/readyz").json()["status"] == "ok"
    text = httpx.get(f"{server.url}/metrics").text
    assert "http_server_request_duration_seconds_bucket" in text
    assert "segue_stage_duration_seconds_bucket" in text
    answer = httpx.get(f"{server.url}/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
