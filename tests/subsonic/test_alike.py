"""What sounds alike over a real server: the specification's shapes, the interface's own, and what a stranger is told."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from segue.analyse import in_use, models
from segue.store import DataDir, open_store
from segue.store import schema as s
from segue.testing.alike import Ears
from segue.testing.opensubsonic import Specification
from segue.testing.server import RunningServer, running_server

Rest = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def heard(demo_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server over the demo library whose tracks lie on an arc by their place in it, as if they had been analysed."""
    folder = tmp_path_factory.mktemp("alike") / "data"
    with running_server(folder, demo_library):
        pass
    db = open_store(DataDir(folder))
    with db.read() as connection:
        ids = list(connection.execute(sa.select(s.track.c.id).where(s.track.c.missing_at.is_(None)).order_by(s.track.c.path)).scalars())
    ears = Ears(db, folder, model=in_use(models(DataDir(folder).models), None))
    arc = [
        np.eye(ears.space.dimension)[0] * np.cos(at) + np.eye(ears.space.dimension)[1] * np.sin(at) for at in np.linspace(0, 1.5, len(ids))
    ]
    ears.hear(dict(zip(ids, arc, strict=True)))
    ears.close()
    db.close()
    with running_server(folder, scan=False, admin=False) as server:
        http = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token(name='wait')}"}, timeout=30)
        for _ in range(200):
            if http.get(f"/api/similar/{ids[0]}").json()["items"]:
                break
        yield server


@pytest.fixture(scope="module")
def http(heard: RunningServer) -> httpx.Client:
    return httpx.Client(base_url=heard.url, headers={"Authorization": f"Bearer {heard.token(name='http')}"}, timeout=60)


@pytest.fixture(scope="module")
def rest(heard: RunningServer) -> Rest:
    secret = heard.token(name="rest")

    def call(endpoint: str, user: str = "admin", password: str = secret, **params: Any) -> httpx.Response:
        asked = {"u": user, "p": password, "v": "1.16.1", "c": "t", "f": "json", **params}
        return httpx.get(f"{heard.url}/rest/{endpoint}", params=asked, timeout=60)

    return call


@pytest.fixture(scope="module")
def tracks(http: httpx.Client) -> list[dict[str, Any]]:
    return sorted(http.get("/api/tracks?limit=500").json()["items"], key=lambda track: track["path"])


def test_the_answers_conform_and_are_the_same_in_xml(rest: Rest, shared: Path, tracks: list[dict[str, Any]]) -> None:
    specification = Specification(shared / "specs" / "opensubsonic" / "openapi")
    one, last = tracks[0], tracks[-1]
    artist, release = one["artists"][0]["id"], one["release_id"]
    for endpoint, params in (
        ("getSimilarSongs", {"id": one["id"]}),
        ("getSimilarSongs", {"id": release}),
        ("getSimilarSongs", {"id": artist, "count": 5}),
        ("getSimilarSongs2", {"id": artist}),
        ("getSonicSimilarTracks", {"id": one["id"]}),
        ("findSonicPath", {"startSongId": one["id"], "endSongId": last["id"]}),
        ("getArtistInfo", {"id": artist}),
        ("getArtistInfo2", {"id": artist}),
    ):
        answer = rest(endpoint, **params)
        assert answer.json()["subsonic-response"]["status"] == "ok", answer.text
        assert specification.faults(endpoint, answer.json()) == [], endpoint
        root = ElementTree.fromstring(rest(endpoint, **params, f="xml").content)
        payload = set(answer.json()["subsonic-response"]) - {"status", "version", "type", "serverVersion", "openSubsonic"}
        assert {child.tag.partition("}")[2] for child in root} == payload
    extensions = rest("getOpenSubsonicExtensions").json()["subsonic-response"]["openSubsonicExtensions"]
    assert {"name": "sonicSimilarity", "versions": [1]} in extensions


def test_sonic_matches_are_the_nearest_and_a_path_has_its_ends(rest: Rest, tracks: list[dict[str, Any]]) -> None:
    place = {track["id"]: n for n, track in enumerate(tracks)}
    near = rest("getSonicSimilarTracks", id=tracks[0]["id"], count=5).json()["subsonic-response"]["sonicMatch"]
    assert [place[one["entry"]["id"]] for one in near] == [1, 2, 3, 4, 5]
    likeness = [one["similarity"] for one in near]
    assert likeness == sorted(likeness, reverse=True)
    assert 0.9 < likeness[-1] <= 1
    path = rest("findSonicPath", startSongId=tracks[0]["id"], endSongId=tracks[-1]["id"], count=12).json()["subsonic-response"][
        "sonicMatch"
    ]
    where = [place[one["entry"]["id"]] for one in path]
    assert where == sorted(where)
    assert (where[0], where[-1], len(where)) == (0, len(tracks) - 1, 12)
    assert path[0]["similarity"] == pytest.approx(1, abs=1e-3)
    for params in ({}, {"startSongId": tracks[0]["id"]}):
        assert rest("findSonicPath", **params).json()["subsonic-response"]["error"]["code"] == 10
    songs = rest("getSimilarSongs", id=tracks[40]["id"], count=30).json()["subsonic-response"]["similarSongs"]["song"]
    assert tracks[40]["id"] not in {song["id"] for song in songs}
    assert len(songs) == 30


def test_mixes_paths_and_related_artists_of_the_interface(http: httpx.Client, tracks: list[dict[str, Any]]) -> None:
    one = tracks[40]
    for kind, id in (
        ("track", one["id"]), ("release", one["release_id"]), ("artist", one["artists"][0]["id"]),
        ("genre", one["genres"][0]), ("folder", one["folder_id"]),
    ):  # fmt: skip
        found = http.get("/api/mix", params={"type": kind, "id": id, "n": 50}).json()
        assert len({item["track"]["id"] for item in found["items"]}) == len(found["items"]) >= 30, kind
        artists = [[artist["id"] for artist in item["track"]["artists"]] for item in found["items"]]
        for start in range(len(artists)):
            window = [artist for some in artists[start : start + 10] for artist in some]
            assert all(window.count(artist) <= 2 for artist in window)
        assert all(item["similarity"] is not None for item in found["items"]) or found["fell_back"]
    path = http.get("/api/path", params={"from": tracks[0]["id"], "to": tracks[-1]["id"], "n": 9}).json()["items"]
    assert (path[0]["track"]["id"], path[-1]["track"]["id"], len(path)) == (tracks[0]["id"], tracks[-1]["id"], 9)
    drawn = [tracks[n]["id"] for n in (5, 60, 30)]
    along = http.post("/api/path", json={"tracks": drawn, "n": 20}).json()["items"]
    assert [item["track"]["id"] for item in along if item["track"]["id"] in drawn] == drawn
    assert 3 < len(along) <= 20
    artist = http.get(f"/api/artists/{one['artists'][0]['id']}").json()
    assert artist["related"]
    assert one["artists"][0]["id"] not in {other["id"] for other in artist["related"]}
    for url, status in (
        ("/api/mix?type=track&id=nothing", 404), ("/api/mix?type=moon&id=x", 400), ("/api/mix?type=genre&id=", 400),
        ("/api/mix?type=genre&id=%00", 404),
        (f"/api/path?from={one['id']}&to=nothing", 404), (f"/api/path?from={one['id']}&to={one['id']}&n=1", 400), ("/api/path", 400),
    ):  # fmt: skip
        assert http.get(url).status_code == status, url
    assert http.post("/api/path", json={"tracks": []}).status_code == 400
    assert http.post("/api/path", json={"tracks": ["x"] * 101}).status_code == 400
    assert http.post("/api/path", json={"tracks": ["0" * 22]}).status_code == 404


def test_what_comes_next_has_what_sounds_like_the_seed(http: httpx.Client, tracks: list[dict[str, Any]]) -> None:
    slate = http.post("/api/next", json={"n": 30, "seeds": [tracks[40]["id"]]}).json()
    assert slate["degraded"] == []
    told = [reason for item in slate["items"] for reason in item["reasons"] if reason["code"] == "sounds_like"]
    assert told
    assert all(reason["evidence"]["seed"] == tracks[40]["id"] for reason in told)
    assert all(reason["text"].startswith("Sounds like") for reason in told)


def test_a_stranger_is_told_nothing(heard: RunningServer, demo_library: Path, rest: Rest, tracks: list[dict[str, Any]]) -> None:
    heard.segue("user", "add", "stranger", "--password-stdin", stdin="stranger-password\n")
    heard.segue("library", "grant", str(demo_library), "admin")
    one, other = tracks[0], tracks[1]
    secret = heard.token("stranger")
    for endpoint, params in (
        ("getSimilarSongs", {"id": one["id"]}),
        ("getSimilarSongs2", {"id": one["artists"][0]["id"]}),
        ("getSonicSimilarTracks", {"id": one["id"]}),
        ("findSonicPath", {"startSongId": one["id"], "endSongId": other["id"]}),
        ("getArtistInfo", {"id": one["artists"][0]["id"]}),
    ):
        assert rest(endpoint, user="stranger", password=secret, **params).json()["subsonic-response"]["error"]["code"] == 70, endpoint
    http = httpx.Client(base_url=heard.url, headers={"Authorization": f"Bearer {secret}"})
    for kind, id in (("track", one["id"]), ("artist", one["artists"][0]["id"]), ("genre", one["genres"][0]), ("folder", one["folder_id"])):
        assert http.get("/api/mix", params={"type": kind, "id": id}).status_code == 404
    assert http.get("/api/path", params={"from": one["id"], "to": other["id"]}).status_code == 404
    assert http.post("/api/path", json={"tracks": [one["id"], other["id"]]}).status_code == 404
    heard.segue("library", "grant", str(demo_library), "--everyone")
