"""Every answer against the published specification, in all three formats."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from segue.serve.subsonic._routes import NOT_IMPLEMENTED, ROUTES
from segue.serve.subsonic._system import EXTENSIONS
from segue.testing.opensubsonic import Specification
from segue.testing.server import RunningServer

CALLS: list[tuple[str, dict[str, str]]] = [
    ("ping", {}),
    ("getLicense", {}),
    ("getOpenSubsonicExtensions", {}),
    ("getUser", {"username": "admin"}),
    ("getScanStatus", {}),
    ("startScan", {}),
    ("getMusicFolders", {}),
    ("getIndexes", {}),
    ("getMusicDirectory", {"id": "folder"}),
    ("getMusicDirectory", {"id": "artist"}),
    ("getMusicDirectory", {"id": "release"}),
    ("getArtists", {}),
    ("getArtist", {"id": "artist"}),
    ("getAlbum", {"id": "release"}),
    ("getSong", {"id": "track"}),
    ("getGenres", {}),
    ("getArtistInfo2", {"id": "artist"}),
    ("getAlbumInfo2", {"id": "release"}),
    ("getSimilarSongs2", {"id": "artist"}),
    ("getSimilarSongs2", {"id": "track"}),
    ("getTopSongs", {"artist": "artist_name"}),
    *[
        (name, {"type": kind})
        for name in ("getAlbumList", "getAlbumList2")
        for kind in ("random", "newest", "highest", "frequent", "recent")
    ],
    *[
        (name, {"type": kind})
        for name in ("getAlbumList", "getAlbumList2")
        for kind in ("alphabeticalByName", "alphabeticalByArtist", "starred")
    ],
    ("getAlbumList2", {"type": "byYear", "fromYear": "1960", "toYear": "2030"}),
    ("getAlbumList2", {"type": "byGenre", "genre": "genre"}),
    ("getRandomSongs", {"size": "5"}),
    ("getSongsByGenre", {"genre": "genre"}),
    ("getStarred", {}),
    ("getStarred2", {}),
    ("search2", {"query": "artist_name"}),
    ("search3", {"query": "artist_name"}),
    ("search3", {"query": '""', "songCount": "500"}),
    ("getNowPlaying", {}),
    ("scrobble", {"id": "track", "submission": "false"}),
    ("scrobble", {"id": "track"}),
    ("star", {"id": "track", "albumId": "release", "artistId": "artist"}),
    ("setRating", {"id": "track", "rating": "4"}),
    ("getStarred2", {}),
    ("getStarred", {}),
    ("unstar", {"id": "track"}),
    ("savePlayQueue", {"id": "track", "current": "track", "position": "1200"}),
    ("getPlayQueue", {}),
    ("getPlayQueueByIndex", {}),
    ("savePlayQueueByIndex", {"id": "track", "currentIndex": "0", "position": "1200"}),
    ("getPlayQueueByIndex", {}),
    ("savePlayQueueByIndex", {}),
    ("getPlayQueueByIndex", {}),
    ("getPlayQueue", {}),
    ("getBookmarks", {}),
    ("createBookmark", {"id": "track", "position": "1200", "comment": "here"}),
    ("getBookmarks", {}),
    ("getSong", {"id": "track"}),
    ("deleteBookmark", {"id": "track"}),
    ("reportPlayback", {"mediaId": "track", "mediaType": "song", "positionMs": "1000", "state": "playing", "playbackRate": "1.5"}),
    ("getNowPlaying", {}),
    ("reportPlayback", {"mediaId": "track", "mediaType": "song", "positionMs": "1100", "state": "stopped", "ignoreScrobble": "true"}),
    ("getPlaylists", {}),
    ("getPlaylist", {"id": "playlist"}),
    ("updatePlaylist", {"playlistId": "playlist", "songIdToAdd": "track", "comment": "mine"}),
    ("createPlaylist", {"playlistId": "playlist", "songId": "track"}),
    ("getLyrics", {"artist": "artist_name", "title": "nothing"}),
    ("getLyricsBySongId", {"id": "track"}),
]


@pytest.fixture(scope="session")
def specification(shared: Path) -> Specification:
    return Specification(shared / "specs" / "opensubsonic" / "openapi")


def _filled(params: dict[str, str], some: dict[str, str]) -> dict[str, str]:
    return {name: some.get(value, value) for name, value in params.items()}


@pytest.mark.parametrize(("endpoint", "params"), CALLS, ids=[f"{name}-{'-'.join(params.values())}" for name, params in CALLS])
def test_the_answer_conforms_in_json_and_is_the_same_in_xml(
    ask: Any, some: dict[str, str], specification: Specification, endpoint: str, params: dict[str, str]
) -> None:
    answer = ask(endpoint, raw=True, **_filled(params, some))
    assert answer.status_code == 200
    assert answer.json()["subsonic-response"]["status"] == "ok", answer.text
    assert specification.faults(endpoint, answer.json()) == []
    root = ElementTree.fromstring(ask(endpoint, raw=True, **_filled(params, some) | {"f": "xml"}).content)
    assert root.tag == "{http://subsonic.org/restapi}subsonic-response"
    assert root.attrib["status"] == "ok"
    payload = set(answer.json()["subsonic-response"]) - {"status", "version", "type", "serverVersion", "openSubsonic"}
    assert {child.tag.partition("}")[2] for child in root} == payload or endpoint == "getOpenSubsonicExtensions"


def test_every_call_is_either_served_or_answered_501(specification: Specification, ask: Any) -> None:
    assert set(ROUTES) | NOT_IMPLEMENTED | {"getOpenSubsonicExtensions"} >= specification.endpoints
    for endpoint in sorted(NOT_IMPLEMENTED):
        answer = ask(endpoint, raw=True)
        assert answer.status_code == 501, endpoint
        assert answer.json()["subsonic-response"]["status"] == "failed"
    assert ask("nonsense", raw=True).status_code == 404


def test_the_documentation_names_what_is_served() -> None:
    text = (Path(__file__).parents[2] / "docs" / "opensubsonic.md").read_text("utf-8")
    served = text.partition("**Served.**")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", served)) == set(ROUTES) | {"getOpenSubsonicExtensions"}
    extensions = text.partition("Extensions:")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", extensions)) == set(EXTENSIONS)


def test_jsonp_post_and_view(server: RunningServer, ask: Any, secret: str) -> None:
    answer = ask("ping", raw=True, f="jsonp", callback="a.b")
    assert answer.headers["content-type"].startswith("application/javascript")
    inside = re.fullmatch(r"/\*\*/a\.b\((.*)\);", answer.text)
    assert inside
    assert json.loads(inside[1])["subsonic-response"]["status"] == "ok"
    assert ask("ping", f="jsonp", callback="alert(1)//")["error"]["code"] == 10
    assert ask("ping.view")["status"] == "ok"
    posted = httpx.post(f"{server.url}/rest/search3.view", data={"u": "admin", "p": secret, "f": "json", "query": "", "c": "t", "v": "1"})
    assert posted.json()["subsonic-response"]["searchResult3"]["song"]


def test_search3_with_an_empty_query_pages_through_everything_once(ask: Any) -> None:
    for empty in ("", '""'):
        seen: list[str] = []
        while page := ask("search3", query=empty, songCount=7, songOffset=len(seen), albumCount=0, artistCount=0)["searchResult3"]["song"]:
            seen += [song["id"] for song in page]
        assert len(seen) == len(set(seen)) >= 60


@pytest.mark.parametrize(
    ("endpoint", "params", "code"),
    [
        ("getSong", {}, 10),
        ("getSong", {"id": "x"}, 70),
        ("getSong", {"id": "0" * 22}, 70),
        ("getAlbum", {"id": "0" * 22}, 70),
        ("getArtist", {"id": "'; drop table track; --"}, 70),
        ("getMusicDirectory", {"id": "0" * 22}, 70),
        ("getCoverArt", {"id": "0" * 22}, 70),
        ("stream", {"id": "0" * 22}, 70),
        ("getPlaylist", {"id": "0" * 22}, 70),
        ("star", {"id": "0" * 22}, 70),
        ("star", {}, 10),
        ("setRating", {"id": "track", "rating": "6"}, 0),
        ("setRating", {"id": "track"}, 10),
        ("getAlbumList2", {"type": "sideways"}, 0),
        ("getAlbumList2", {}, 10),
        ("getAlbumList2", {"type": "byYear"}, 10),
        ("getAlbumList2", {"type": "newest", "size": "many"}, 0),
        ("getAlbumList2", {"type": "newest", "offset": "-1"}, 0),
        ("getAlbumList2", {"type": "newest", "musicFolderId": "99"}, 70),
        ("stream", {"id": "track", "format": "exe"}, 0),
        ("stream", {"id": "track", "maxBitRate": "-3"}, 0),
        ("scrobble", {"id": "track", "time": "yesterday"}, 0),
        ("savePlayQueueByIndex", {"id": "track"}, 10),
        ("savePlayQueueByIndex", {"id": "track", "currentIndex": "1"}, 0),
        ("savePlayQueueByIndex", {"id": "track", "currentIndex": "-1"}, 0),
        ("savePlayQueueByIndex", {"id": "0" * 22, "currentIndex": "0"}, 70),
        ("createBookmark", {"id": "track"}, 10),
        ("createBookmark", {"position": "1"}, 10),
        ("createBookmark", {"id": "track", "position": "-1"}, 0),
        ("createBookmark", {"id": "track", "position": "86400000"}, 0),
        ("createBookmark", {"id": "track", "position": "1", "comment": "x" * 5000}, 0),
        ("createBookmark", {"id": "0" * 22, "position": "1"}, 70),
        ("deleteBookmark", {}, 10),
        ("deleteBookmark", {"id": "'; drop table bookmark; --"}, 70),
    ],
)
def test_bad_parameters_get_the_protocols_own_error(
    ask: Any, some: dict[str, str], endpoint: str, params: dict[str, str], code: int
) -> None:
    answer = ask(endpoint, raw=True, **_filled(params, some))
    assert answer.status_code == 200
    assert answer.json()["subsonic-response"]["error"]["code"] == code, answer.text


def test_a_song_streams_downloads_and_has_a_picture(ask: Any, some: dict[str, str]) -> None:
    song = ask("getSong", id=some["track"])["song"]
    whole = ask("stream", raw=True, id=song["id"], format="raw")
    assert len(whole.content) == song["size"]
    assert whole.content == ask("download", raw=True, id=song["id"]).content
    assert ask("stream", raw=True, id=song["id"], format="opus", maxBitRate=64).content[:4] == b"OggS"
    picture = ask("getCoverArt", raw=True, id=some["art"], size=128)
    assert picture.headers["content-type"] in {"image/jpeg", "image/png", "image/webp"}
