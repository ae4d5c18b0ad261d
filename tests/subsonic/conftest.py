"""One real server over the demo library, and the ways to speak to it."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from segue.testing.server import RunningServer

Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def secret(server: RunningServer) -> str:
    return server.token("admin", "subsonic tests")


@pytest.fixture(scope="session")
def ask(server: RunningServer, secret: str) -> Ask:
    """Call an endpoint as admin in JSON; answers the inside of the envelope. ``raw=True`` gives the response itself."""
    client = httpx.Client(base_url=server.url, timeout=30)

    def call(endpoint: str, raw: bool = False, **params: Any) -> Any:
        answer = client.get(f"/rest/{endpoint}", params={"u": "admin", "p": secret, "v": "1.16.1", "c": "tests", "f": "json", **params})
        return answer if raw else answer.json()["subsonic-response"]

    return call


@pytest.fixture(scope="session")
def some(ask: Ask) -> dict[str, str]:
    """Ids of one thing of each kind, and names that exist."""
    found = ask("search3", query="", songCount=1, albumCount=1, artistCount=1)["searchResult3"]
    genre = ask("getGenres")["genres"]["genre"][0]["value"]
    index = ask("getIndexes")["indexes"]["index"]
    playlist = ask("createPlaylist", name="some", songId=found["song"][0]["id"])["playlist"]["id"]
    return {
        "track": found["song"][0]["id"],
        "release": found["album"][0]["id"],
        "artist": found["artist"][0]["id"],
        "artist_name": found["artist"][0]["name"],
        "folder": index[0]["artist"][0]["id"],
        "genre": genre,
        "playlist": playlist,
        "art": next(song["coverArt"] for song in ask("search3", query="", songCount=100)["searchResult3"]["song"] if "coverArt" in song),
    }
