"""Who may ask, and that what was not granted does not exist, through every call."""

import hashlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from segue.testing.server import RunningServer


@pytest.fixture(scope="module")
def stranger(server: RunningServer, demo_library: Path) -> Any:
    """A user to whom nothing is granted."""
    server.segue("user", "add", "stranger", "--password-stdin", stdin="stranger-password\n")
    library = server.segue("library", "list", "--json")
    assert str(demo_library) in library.stdout
    server.segue("library", "grant", str(demo_library), "admin")
    secret = server.token("stranger")

    def call(endpoint: str, **params: Any) -> httpx.Response:
        return httpx.get(
            f"{server.url}/rest/{endpoint}", params={"u": "stranger", "p": secret, "c": "t", "v": "1.16.1", "f": "json", **params}
        )

    yield call
    server.segue("library", "grant", str(demo_library), "--everyone")


@pytest.mark.parametrize(
    ("endpoint", "name", "kind"),
    [
        ("getSong", "id", "track"),
        ("getAlbum", "id", "release"),
        ("getArtist", "id", "artist"),
        ("getMusicDirectory", "id", "folder"),
        ("getMusicDirectory", "id", "artist"),
        ("getMusicDirectory", "id", "release"),
        ("getArtistInfo2", "id", "artist"),
        ("getAlbumInfo2", "id", "release"),
        ("getSimilarSongs2", "id", "track"),
        ("getLyricsBySongId", "id", "track"),
        ("stream", "id", "track"),
        ("download", "id", "track"),
        ("getCoverArt", "id", "art"),
        ("getCoverArt", "id", "track"),
        ("getCoverArt", "id", "release"),
        ("getPlaylist", "id", "playlist"),
        ("updatePlaylist", "playlistId", "playlist"),
        ("deletePlaylist", "id", "playlist"),
        ("createPlaylist", "playlistId", "playlist"),
        ("star", "id", "track"),
        ("star", "albumId", "release"),
        ("unstar", "artistId", "artist"),
        ("setRating", "id", "track"),
        ("scrobble", "id", "track"),
        ("savePlayQueue", "id", "track"),
    ],
)
def test_what_was_not_granted_does_not_exist(stranger: Any, some: dict[str, str], endpoint: str, name: str, kind: str) -> None:
    body = stranger(endpoint, **{name: some[kind]}, rating=3).json()["subsonic-response"]
    assert body["status"] == "failed"
    assert body["error"]["code"] == 70


def test_lists_and_searches_of_a_stranger_are_empty(stranger: Any, some: dict[str, str]) -> None:
    for endpoint, params in [
        ("getAlbumList2", {"type": "newest"}),
        ("getRandomSongs", {}),
        ("getSongsByGenre", {"genre": some["genre"]}),
        ("search3", {"query": ""}),
        ("search3", {"query": some["artist_name"]}),
        ("getArtists", {}),
        ("getIndexes", {}),
        ("getGenres", {}),
        ("getMusicFolders", {}),
        ("getTopSongs", {"artist": some["artist_name"]}),
        ("getPlaylists", {}),
        ("getStarred2", {}),
        ("getNowPlaying", {}),
    ]:
        text = stranger(endpoint, **params).text
        assert '"status":"ok"' in text, (endpoint, text)
        assert some["track"] not in text
        assert some["release"] not in text
        assert some["artist"] not in text
    made = stranger("createPlaylist", name="theirs", songId=some["track"]).json()["subsonic-response"]
    assert made["error"]["code"] == 70


def _ping(server: RunningServer, **params: str) -> Any:
    return httpx.get(f"{server.url}/rest/ping", params={"c": "t", "v": "1.16.1", "f": "json", **params}).json()["subsonic-response"]


def test_each_way_to_prove_who_one_is(server: RunningServer, secret: str) -> None:
    salted = hashlib.md5((secret + "grain").encode()).hexdigest()
    assert _ping(server, u="admin", p=secret)["status"] == "ok"
    assert _ping(server, u="ADMIN", p="enc:" + secret.encode().hex())["status"] == "ok"
    assert _ping(server, u="admin", t=salted, s="grain")["status"] == "ok"
    assert _ping(server, apiKey=secret)["status"] == "ok"
    assert _ping(server, apiKey=secret, u="admin")["error"]["code"] == 43
    assert _ping(server, apiKey="wrong")["error"]["code"] == 44
    assert _ping(server, u="admin")["error"]["code"] == 10
    assert _ping(server)["error"]["code"] == 10
    assert _ping(server, u="admin", p="enc:zz")["error"]["code"] == 0


def test_the_login_password_never_serves_an_app_and_the_error_says_what_does(server: RunningServer, secret: str) -> None:
    refused = _ping(server, u="admin", p=server.password)["error"]
    assert refused["code"] == 40
    assert "app password" in refused["message"]
    assert _ping(server, u="admin", p=secret)["status"] == "ok"


def test_a_revoked_app_password_ends_at_once(server: RunningServer) -> None:
    secret = server.token("admin", "to revoke")
    assert _ping(server, apiKey=secret)["status"] == "ok"
    import msgspec

    tokens = msgspec.json.decode(server.segue("token", "list", "--json").stdout)
    [id] = [token["id"] for token in tokens if token["name"] == "to revoke"]
    server.segue("token", "revoke", id)
    assert _ping(server, apiKey=secret)["error"]["code"] == 44
