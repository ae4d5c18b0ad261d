"""A history brought along, looked at, put right and taken away, over a real server."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from segue.testing.server import RunningServer, running_server


@pytest.fixture(scope="module")
def own(demo_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("history") / "data", demo_library) as running:
        yield running


@pytest.fixture
def ada(own: RunningServer) -> Iterator[httpx.Client]:
    """A listener of this test alone."""
    name = f"ada{time.time_ns()}"
    own.do("user.add", name=name, password="ada-password")
    with httpx.Client(base_url=own.url, headers={"Authorization": f"Bearer {own.token(name)}"}, timeout=60) as client:
        client.headers["X-Name"] = name
        yield client


def spotify(*plays: tuple[str, str, str, int, str]) -> bytes:
    """An extended streaming history: (end, artist, title, ms played, reason it ended)."""
    rows = [
        {
            "ts": ts,
            "platform": "ios",
            "ms_played": ms,
            "conn_country": "DE",
            "ip_addr": "203.0.113.77",
            "user_agent_decrypted": "SpyAgent/1.0",
            "master_metadata_track_name": title,
            "master_metadata_album_artist_name": artist,
            "master_metadata_album_album_name": None,
            "spotify_track_uri": f"spotify:track:{title}",
            "reason_start": "clickrow",
            "reason_end": reason,
            "shuffle": False,
            "skipped": None,
            "offline": False,
            "incognito_mode": title == "Secret",
        }
        for ts, artist, title, ms, reason in plays
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Spotify Extended Streaming History/Streaming_History_Audio_2024_1.json", json.dumps(rows))
    return out.getvalue()


def ended(client: httpx.Client, id: str) -> dict[str, Any]:
    for _ in range(600):
        [job] = [one for one in client.get("/api/me/imports").json()["items"] if one["id"] == id]
        if job["state"] in {"done", "failed", "cancelled"}:
            return dict(job)
        time.sleep(0.05)
    raise AssertionError("the import did not end")


def brought(client: httpx.Client, service: str, content: bytes, **more: str) -> dict[str, Any]:
    answer = client.post("/api/me/imports", params={"service": service, **more}, content=content)
    assert answer.status_code == 202, answer.text
    return ended(client, answer.json()["id"])


EXPORT = (
    ("2024-03-01T10:03:00Z", "KESTREL ROW", "Weir Song", 180_000, "trackdone"),
    ("2024-03-01T10:03:20Z", "Kestrel Row", "Bread and Salt (Remastered 2011)", 9_000, "fwdbtn"),
    ("2024-03-02T11:00:00Z", "Nobody You Have", "Elsewhere", 200_000, "trackdone"),
    ("2024-03-02T11:05:00Z", "Nobody You Have", "Elsewhere", 200_000, "trackdone"),
    ("2024-03-02T12:00:00Z", "Kestrel Row", "Secret", 200_000, "trackdone"),
)


def test_a_history_is_brought_along(ada: httpx.Client, own: RunningServer) -> None:
    job = brought(ada, "spotify", spotify(*EXPORT))
    assert (job["state"], job["read"], job["new"], job["matched"], job["refused"]) == ("done", 5, 5, 2, 0)
    listens = ada.get("/api/me/listens").json()
    assert listens["total"] == 3
    assert [one["outcome"] for one in listens["items"]] == ["finished", "finished", "skipped", "finished"]
    assert [(one["track"] or one["external"])["title"] for one in listens["items"]] == [
        "Elsewhere",
        "Elsewhere",
        "Bread and Salt",
        "Weir Song",
    ]
    assert listens["items"][-1]["listened_at"] == "2024-03-01T10:00:00.000Z"
    again = brought(ada, "spotify", spotify(*EXPORT))
    assert (again["new"], ada.get("/api/me/listens").json()["total"]) == (0, 3)
    for path in own.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"203.0.113.77" not in content, path
            assert b"SpyAgent" not in content, path


def test_hours_and_days_are_those_of_the_listeners_clock(ada: httpx.Client, own: RunningServer, tmp_path: Path) -> None:
    # Both sides of the change to summer time in Berlin, and a day that ends earlier there than by UTC.
    plays = [
        ("2024-03-30T23:30:00Z", "Nobody You Have", "Winter", 200_000, "trackdone"),
        ("2024-03-31T10:03:20Z", "Nobody You Have", "Summer", 200_000, "trackdone"),
    ]
    refused = ada.post("/api/me/imports", params={"service": "spotify", "timezone": "Europe/Nowhere"}, content=spotify(*plays))
    assert refused.status_code == 400
    assert "Europe/Nowhere" in refused.json()["error"]["message"]
    job = brought(ada, "spotify", spotify(*plays), timezone="Europe/Berlin")
    assert (job["new"], job["timezone"]) == (2, "Europe/Berlin")
    assert [one["utc_offset_min"] for one in ada.get("/api/me/listens").json()["items"]] == [120, 60]
    stats = ada.get("/api/stats", params={"period": "2024"}).json()
    hours = stats["hours"]
    flat = [n for day in hours for n in day] if isinstance(hours[0], list) else hours
    assert {at: n for at, n in enumerate(flat) if n} == {6 * 24 + 0: 1, 6 * 24 + 12: 1}, "both on Sunday, at midnight and at noon"

    # Again with another zone: nothing counts twice, and the listener's own zone, once known, is the default.
    again = brought(ada, "spotify", spotify(*plays), timezone="America/New_York")
    assert (again["new"], ada.get("/api/me/listens").json()["total"]) == (0, 2)
    assert ada.get("/api/preferences").json()["timezone"] == "Europe/Berlin"
    assert brought(ada, "lastfm", b"uts,artist,album,track\n1704067200,Nobody You Have,,January\n")["timezone"] == "Europe/Berlin"
    export = tmp_path / "Streaming_History_Audio_2024_1.zip"
    export.write_bytes(spotify(("2024-07-01T10:00:00Z", "Nobody You Have", "July", 200_000, "trackdone")))
    told = own.segue("import", "spotify", str(export), "--user", ada.headers["X-Name"]).stdout
    assert "Europe/Berlin" in told
    other = f"bob{time.time_ns()}"
    own.do("user.add", name=other, password="bob-password")
    assert "UTC" in own.segue("import", "spotify", str(export), "--user", other).stdout
    answer = json.loads(own.segue("import", "spotify", str(export), "--user", other, "--timezone", "Asia/Kolkata", "--json").stdout)
    assert (answer["new"], answer["timezone"]) == (0, "Asia/Kolkata")
    assert own.segue("import", "spotify", str(export), "--user", other, "--timezone", "../etc", check=False).returncode != 0


def test_copies_from_three_services_are_one_listen(ada: httpx.Client) -> None:
    brought(ada, "spotify", spotify(EXPORT[0]))
    csv = b"uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n1709287260,x,Kestrel Row,,,,Weir Song,\n"
    assert brought(ada, "lastfm", csv)["state"] == "done"
    assert ada.get("/api/me/listens").json()["total"] == 1
    wire = [{"listened_at": 1709287190, "track_metadata": {"artist_name": "Kestrel Row", "track_name": "Weir Song"}}]
    assert brought(ada, "listenbrainz", json.dumps(wire).encode())["state"] == "done"
    assert ada.get("/api/me/listens").json()["total"] == 1


SHORT = json.dumps(
    [
        {"endTime": ts[:16].replace("T", " "), "artistName": artist, "trackName": title, "msPlayed": ms}
        for ts, artist, title, ms, _ in (
            ("2024-03-01T10:03:59Z", "Kestrel Row", "Weir Song", 180_000, ""),
            ("2024-03-01T10:04:20Z", "Kestrel Row", "Bread and Salt", 9_000, ""),
            ("2024-03-02T11:00:59Z", "Nobody You Have", "Elsewhere", 200_000, ""),
            ("2024-03-02T11:04:30Z", "Nobody You Have", "Elsewhere", 200_000, ""),
            ("2024-03-02T12:00:45Z", "Nobody You Have", "Miniature", 40_000, ""),
            ("2024-03-02T12:01:25Z", "Nobody You Have", "Miniature", 40_000, ""),
            ("2024-03-02T12:02:30Z", "Nobody You Have", "Half Heard", 4_000, ""),
        )
    ]
).encode()
LONG = spotify(
    ("2024-03-01T10:03:59Z", "KESTREL ROW", "Weir Song", 180_000, "trackdone"),
    ("2024-03-01T10:04:20Z", "Kestrel Row", "Bread and Salt", 9_000, "fwdbtn"),
    ("2024-03-02T11:00:59Z", "Nobody You Have", "Elsewhere", 200_000, "trackdone"),
    ("2024-03-02T11:04:30Z", "Nobody You Have", "Elsewhere", 200_000, "trackdone"),
    ("2024-03-02T12:00:45Z", "Nobody You Have", "Miniature", 40_000, "trackdone"),
    ("2024-03-02T12:01:25Z", "Nobody You Have", "Miniature", 40_000, "trackdone"),
    ("2024-03-02T12:02:30Z", "Nobody You Have", "Half Heard", 4_000, "fwdbtn"),
)
SCROBBLES = b"uts,artist,album,track\n1709287259,Kestrel Row,,Weir Song\n1709377020,nobody you have,,ELSEWHERE\n"
LISTENS = json.dumps(
    [
        {"listened_at": at, "track_metadata": {"artist_name": "Nobody You Have", "track_name": "Elsewhere"}}
        for at in (1_709_377_059, 1_709_377_270)
    ]
).encode()
BROUGHT: dict[str, tuple[str, bytes]] = {
    "short": ("spotify", SHORT),
    "long": ("spotify", LONG),
    "lastfm": ("lastfm", SCROBBLES),
    "listenbrainz": ("listenbrainz", LISTENS),
}


@pytest.mark.parametrize(
    "order",
    [
        ("short", "long"),
        ("long", "short"),
        ("short", "lastfm", "listenbrainz", "long"),
        ("listenbrainz", "long", "lastfm", "short"),
        ("lastfm", "short", "long", "listenbrainz"),
    ],
    ids="-".join,
)
def test_the_short_history_and_the_extended_tell_of_one_past(ada: httpx.Client, order: tuple[str, ...]) -> None:
    for name in (*order, *order):
        service, content = BROUGHT[name]
        job = brought(ada, service, content)
        assert (job["state"], job["refused"]) == ("done", 0), job
    listens = ada.get("/api/me/listens", params={"limit": 100}).json()
    told = [((one["track"] or one["external"])["title"].lower(), one["outcome"], one["counted"]) for one in reversed(listens["items"])]
    assert told == [
        ("weir song", "finished", True),
        ("bread and salt", "skipped", False),
        ("elsewhere", "finished", True),
        ("elsewhere", "finished", True),
        ("miniature", "finished", True),
        ("miniature", "finished", True),
        ("half heard", "skipped", False),
    ]
    assert listens["total"] == 5


def test_the_short_history_alone_counts_by_what_was_heard(ada: httpx.Client) -> None:
    brought(ada, "spotify", SHORT)
    listens = ada.get("/api/me/listens").json()
    assert [one["counted"] for one in reversed(listens["items"])] == [True, False, True, True, True, True, False]


@pytest.mark.parametrize(
    ("service", "content"),
    [
        ("spotify", b"PK\x03\x04 not a zip at all"),
        ("spotify", b"{}"),
        ("spotify", spotify(EXPORT[0])[:200]),
        ("lastfm", b"\xff\xfe\x00"),
        ("listenbrainz", b"[" * 100_000),
    ],
)
def test_what_is_no_export_fails_with_words(ada: httpx.Client, service: str, content: bytes) -> None:
    job = brought(ada, service, content)
    assert job["state"] == "failed" or job["refused"] > 0
    assert job["error"] or job["examples"]
    assert ada.get("/api/me/listens").json()["total"] == 0
    assert ada.post("/api/me/imports", params={"service": "napster"}, content=b"x").status_code == 400
    assert ada.post("/api/me/imports", params={"service": service}, content=b"").status_code == 400


def test_an_import_is_ones_own(ada: httpx.Client, own: RunningServer) -> None:
    job = brought(ada, "spotify", spotify(EXPORT[0]))
    with httpx.Client(base_url=own.url, headers={"Authorization": f"Bearer {own.token('admin')}"}) as other:
        assert other.delete(f"/api/me/imports/{job['id']}").status_code == 404
        assert job["id"] not in other.get("/api/me/imports").text
    assert ada.delete(f"/api/me/imports/{job['id']}").status_code == 204
    assert ada.get("/api/me/imports").json()["items"] == []
    assert ada.delete("/api/me/imports/..%2f..%2fsegue").status_code == 404


def test_a_listen_is_corrected_deleted_and_brought_back(ada: httpx.Client) -> None:
    brought(ada, "spotify", spotify(*EXPORT))
    [weir] = ada.get("/api/me/listens", params={"q": "weir"}).json()["items"]
    top = {one["name"]: one["listens"] for one in ada.get("/api/stats?period=2024").json()["top"]["tracks"]}
    assert top == {"Weir Song": 1, "Elsewhere": 2}
    removed = ada.delete(f"/api/me/listens/{weir['id']}").json()["correction"]
    stats = ada.get("/api/stats?period=2024").json()
    assert (stats["listens"], [one["name"] for one in stats["top"]["tracks"]]) == (2, ["Elsewhere"])
    track = ada.get(f"/api/tracks/{weir['track']['id']}").json()
    assert track["play_count"] == 0
    assert ada.delete(f"/api/me/corrections/{removed}").status_code == 204
    assert ada.get("/api/stats?period=2024").json()["listens"] == 3
    other = ada.get("/api/tracks?limit=1").json()["items"][0]
    change = {"track_id": other["id"], "listened_at": "2024-05-05T05:05:05Z"}
    assert ada.patch(f"/api/me/listens/{weir['id']}", json=change).status_code == 200
    [moved] = ada.get("/api/me/listens", params={"track": other["id"]}).json()["items"]
    assert (moved["listened_at"], moved["track"]["id"]) == ("2024-05-05T05:05:05.000Z", other["id"])
    assert ada.delete(f"/api/me/listens/{weir['id']}").status_code == 404
    for bad in ({}, {"listened_at": "2999-01-01T00:00:00Z"}, {"listened_at": "2024-01-01T00:00:00"}, {"track_id": "x" * 22}):
        assert ada.patch(f"/api/me/listens/{moved['id']}", json=bad).status_code in {400, 404}, bad


def test_what_was_heard_elsewhere_is_matched_by_hand(ada: httpx.Client) -> None:
    brought(ada, "spotify", spotify(*EXPORT))
    [external] = ada.get("/api/me/externals").json()["items"]
    assert (external["artist"], external["listens"]) == ("Nobody You Have", 2)
    track = ada.get("/api/tracks?limit=1").json()["items"][0]
    assert ada.put(f"/api/me/externals/{external['id']}", json={"track_id": track["id"]}).status_code == 204
    assert ada.get(f"/api/tracks/{track['id']}").json()["play_count"] == 2
    assert ada.get("/api/me/externals").json()["total"] == 0
    assert external["id"] in {one["id"] for one in ada.get("/api/me/externals?matched=true").json()["items"]}
    assert ada.put(f"/api/me/externals/{external['id']}", json={"track_id": None}).status_code == 204
    assert ada.get("/api/me/externals").json()["total"] == 1


def test_a_history_is_taken_away(ada: httpx.Client, own: RunningServer, tmp_path: Path) -> None:
    brought(ada, "spotify", spotify(*EXPORT))
    lines = [json.loads(line) for line in ada.get("/api/me/export").text.splitlines()]
    assert [line["title"] for line in lines] == ["Elsewhere", "Elsewhere", "Bread and Salt", "Weir Song"]
    events = [json.loads(line) for line in ada.get("/api/me/export?what=events").text.splitlines()]
    assert len(events) == 5
    table = pq.read_table(io.BytesIO(ada.get("/api/me/export?format=parquet").content))
    assert table.column("title").to_pylist() == [line["title"] for line in lines]
    assert ada.get("/api/me/export?format=parquet&what=events").status_code == 400
    assert list((own.data / "cache" / "work").glob("*.parquet")) == []
    name = ada.headers["X-Name"]
    made = json.loads(own.segue("export", str(tmp_path), "--user", name, "--format", "parquet", "--json").stdout)
    assert pq.read_table(made["path"]).num_rows == 4


def signed_in(own: RunningServer, name: str, password: str) -> httpx.Client:
    client = httpx.Client(base_url=own.url, timeout=60)
    session = client.post("/api/session", json={"name": name, "password": password})
    assert session.status_code < 300, session.text
    client.headers["X-Segue-CSRF"] = session.json()["csrf"]
    return client


def test_a_history_is_erased(ada: httpx.Client, own: RunningServer) -> None:
    brought(ada, "spotify", spotify(*EXPORT))
    assert ada.request("DELETE", "/api/me/history", json={"password": "ada-password"}).status_code == 403, "not by an app"
    with closing(signed_in(own, ada.headers["X-Name"], "ada-password")) as browser:
        assert browser.request("DELETE", "/api/me/history", json={"password": "a guess"}).status_code == 401
        assert browser.request("DELETE", "/api/me/history", json={"password": "ada-password"}).json() == {"events": 5}
        assert browser.get("/api/me/listens").json()["total"] == 0
        assert browser.get("/api/me/externals").json()["total"] == 0
        assert browser.request("DELETE", "/api/me", json={"password": "ada-password"}).status_code == 204
        assert browser.get("/api/me/listens").status_code == 401
    assert ada.get("/api/me/listens").status_code == 401
    with closing(signed_in(own, "admin", "admin-password")) as admin:
        assert admin.request("DELETE", "/api/me", json={"password": "admin-password"}).status_code == 409
        assert admin.get("/api/me/listens").status_code == 200


def test_what_was_left_can_be_resumed(ada: httpx.Client) -> None:
    tracks = [one for one in ada.get("/api/tracks?limit=200").json()["items"] if one["duration_ms"] > 70_000]
    subject = {"type": "track", "id": tracks[0]["id"]}
    told = {"event_id": "x", "kind": "paused", "at": "2024-01-01T00:00:00Z", "play_id": "p", "position_ms": 35_000, "private": True}
    assert ada.post("/api/events", json={"events": [{**told, "subject": subject}]}).json()["accepted"] == ["x"]
    [left] = ada.get("/api/me/positions").json()["items"]
    assert (left["track"]["id"], left["position_ms"]) == (tracks[0]["id"], 35_000)
    assert ada.get("/api/me/listens").json()["items"] == []


def test_the_command_imports(ada: httpx.Client, own: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "my_spotify_data.zip").write_bytes(spotify(*EXPORT))
    answer = json.loads(
        own.segue("import", "spotify", str(tmp_path / "my_spotify_data.zip"), "--user", ada.headers["X-Name"], "--json").stdout
    )
    assert (answer["read"], answer["new"], answer["matched"]) == (5, 5, 2)
    assert ada.get("/api/me/listens").json()["total"] == 3
