"""A Segue that sends listens on to another Segue, over HTTP, through kill -9; and the calls that set it up."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from segue.testing.server import RunningServer, running_server
from segue.types import new_id

from .conftest import Me, listen_of


def _admin(server: RunningServer) -> Me:
    scopes = [word for scope in ("admin", "read", "write", "listen") for word in ("--scope", scope)]
    made = server.segue("token", "create", "--user", "admin", "--name", "all", *scopes, "--json")
    return Me("admin", json.loads(made.stdout)["secret"], httpx.Client(base_url=server.url, timeout=60))


def _forwarding(me: Me, method: str, service: str = "listenbrainz", **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {me.secret}"}
    return me.client.request(method, f"/api/me/forwarding/{service}", headers=headers, json=body or None)


def _play(me: Me, at: int, *, external: dict[str, str] | None = None, track: str | None = None) -> None:
    """A whole play as a player reports it, begun ``at`` (seconds)."""
    subject = {"type": "track", "id": track} if track else {"type": "external", "external": external}
    play = {"subject": subject, "play_id": new_id(), "session_id": "s", "client": "player"}
    moments = [("started", at, {}), ("ended", at + 200, {"played_ms": 200_000, "outcome": "finished"})]
    events = [
        {"event_id": new_id(), "kind": kind, "at": datetime.fromtimestamp(when, UTC).isoformat(), **play, **more}
        for kind, when, more in moments
    ]
    answer = me.client.post("/api/events", json={"events": events}, headers={"Authorization": f"Bearer {me.secret}"})
    assert not answer.json()["rejected"], answer.text


def _times(me: Me) -> list[int]:
    listens = me.ask("GET", f"user/{me.name}/listens", params={"count": 1000}).json()["payload"]["listens"]
    return sorted(one["listened_at"] for one in listens)


def _until(holds: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.2)


def test_one_segue_sends_to_another_through_kill_9(tmp_path: Path, demo_library: Path) -> None:
    album = next(iter(sorted(demo_library.rglob("*.flac")))).parent
    start = int(time.time()) - 40_000
    since = datetime.fromtimestamp(start - 10, UTC).isoformat()
    with running_server(tmp_path / "there", album) as there:
        b = _admin(there)
        port = there.url.rsplit(":", 1)[1]
        with running_server(tmp_path / "here", album) as here:
            a = _admin(here)
            (track,) = a.api("tracks", limit=1)["items"]
            put = _forwarding(a, "PUT", token=b.secret, url=there.url, since=since)
            assert put.status_code == 200, put.text
            assert (put.json()["state"], put.json()["waiting"], put.json()["sent"]) == ("on", 0, 0)
            _play(a, start, track=track["id"])
            _play(a, start + 1000, external={"artist": "Far Away", "title": "Unheard Of"})
            a.submit(listen_of("Far Away", "Brought Along", start + 1500), listen_type="import")
            _until(lambda: len(_times(b)) == 2)
            there.process.terminate()
            there.process.wait()
            _play(a, start + 2000, track=track["id"])
            _until(lambda: _forwarding(a, "GET").json()["waiting"] == 1)
            _until(lambda: _forwarding(a, "GET").json()["message"] is not None)
            here.kill()

    with running_server(tmp_path / "there", port=int(port)) as there, running_server(tmp_path / "here") as here:
        b = Me("admin", b.secret, httpx.Client(base_url=there.url, timeout=60))
        a = Me("admin", a.secret, httpx.Client(base_url=here.url, timeout=60))
        _until(lambda: _forwarding(a, "GET").json()["waiting"] == 0 and len(_times(b)) == 3)
        assert _times(b) == [start, start + 1000, start + 2000]
        assert b.total() == 3
        items = b.api("me/listens")["items"]
        assert {one["client"] for one in items} == {"Segue"}
        assert [one["track"]["title"] if one["track"] else one["external"]["title"] for one in items] == [
            track["title"],
            "Unheard Of",
            track["title"],
        ]

        # And back again: what comes home is known there, and nothing goes round for ever.
        assert _forwarding(b, "PUT", token=a.secret, url=here.url, since=since).status_code == 200
        _until(lambda: _forwarding(b, "GET").json()["sent"] == 3)
        _play(a, start + 3000, track=track["id"])
        _until(lambda: b.total() == 4 and _forwarding(b, "GET").json()["sent"] == 4)
        time.sleep(6)  # one more look of either
        assert (a.total(), b.total()) == (5, 4)
        assert _forwarding(a, "GET").json()["sent"] + _forwarding(b, "GET").json()["sent"] <= 8
        for one in (a, b):
            assert [_forwarding(one, "GET").json()[name] for name in ("state", "waiting", "message")] == ["on", 0, None]


def test_the_calls(me: Me) -> None:
    missing = _forwarding(me, "GET")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    for body, status in (
        ({}, 400),
        ({"token": ""}, 400),
        ({"token": 7}, 400),
        ({"token": "x" * 600}, 400),
        ({"token": "x", "since": "2026-11-21T10:00:00"}, 400),
        ({"token": "x", "url": "http://127.0.0.1:1"}, 403),
        ({"token": "x", "url": "file:///etc/passwd"}, 400),
    ):
        assert _forwarding(me, "PUT", **body).status_code == status, body
    assert _forwarding(me, "PUT", "myspace", token="x").status_code == 404
    assert _forwarding(me, "PUT", "lastfm", token="x").status_code == 400  # the operator has set no key
    put = _forwarding(me, "PUT", token="very-secret-token")
    assert put.status_code == 200, put.text
    assert put.json()["url"] == "https://api.listenbrainz.org"
    got = _forwarding(me, "GET")
    assert got.json() == put.json()
    assert "very-secret" not in put.text + got.text
    assert _forwarding(me, "DELETE").status_code == 204
    assert _forwarding(me, "DELETE").status_code == 404
    assert _forwarding(me, "GET").status_code == 404
    reads = me.new_token("reads", "read")
    denied = Me(me.name, reads, me.client)
    assert _forwarding(denied, "PUT", token="x").status_code == 403
    assert me.client.get("/api/me/forwarding/listenbrainz").status_code == 401
