"""A listener of their own, on one real server over the demo library, and raw requests with their secret."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from segue.testing.server import RunningServer
from segue.types import new_id


@dataclass
class Me:
    """``ask`` sends with the secret as ListenBrainz wants it; ``api`` as Segue does, and answers the JSON."""

    name: str
    secret: str
    client: httpx.Client

    def ask(self, method: str, path: str, *, secret: str | None = None, kind: str = "Token", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"{kind} {secret or self.secret}"} | more.pop("headers", {})
        return self.client.request(method, f"/1/{path}", headers=headers, **more)

    def api(self, path: str, **params: Any) -> Any:
        answer = self.client.get(f"/api/{path}", headers={"Authorization": f"Bearer {self.secret}"}, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def submit(self, *payload: Any, listen_type: str = "single") -> httpx.Response:
        return self.ask("POST", "submit-listens", json={"listen_type": listen_type, "payload": list(payload)})

    def total(self) -> int:
        return int(self.api("me/listens")["total"])


NewListener = Callable[[], Me]


@pytest.fixture(scope="session")
def new_listener(server: RunningServer) -> Iterator[NewListener]:
    with httpx.Client(base_url=server.url, timeout=60) as client:

        def make() -> Me:
            name = f"lb {new_id()[-8:]}"
            server.segue("user", "add", name, "--password-stdin", stdin="a-long-password\n")
            return Me(name, server.token(name, "my scrobbler"), client)

        yield make


@pytest.fixture
def me(new_listener: NewListener) -> Me:
    return new_listener()


@pytest.fixture(scope="session")
def track(server: RunningServer) -> dict[str, Any]:
    """Some track of the demo library, as ``/api`` shows it."""
    found = httpx.get(
        f"{server.url}/api/tracks", params={"limit": 1}, headers={"Authorization": f"Bearer {server.token('admin', 'lb look')}"}
    ).json()
    return dict(found["items"][0])


def listen_of(artist: str = "Nobody Here", title: str = "Nothing Known", at: int | None = None, **info: Any) -> dict[str, Any]:
    """An entry of a payload; began an hour ago unless told."""
    metadata = {"artist_name": artist, "track_name": title, "additional_info": info}
    return {"listened_at": int(time.time()) - 3600 if at is None else at, "track_metadata": metadata}
