"""A listener of their own, on one real server over the demo library, and raw requests with their secret."""

import json
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

    def new_token(self, name: str, *scopes: str) -> str:
        """A secret, made as the player makes one."""
        with httpx.Client(base_url=self.client.base_url, timeout=60) as browser:
            session = browser.post("/api/session", json={"name": self.name, "password": "a-long-password"})
            csrf = {"X-Segue-CSRF": session.json()["csrf"]}
            return str(browser.post("/api/tokens", json={"name": name, "scopes": scopes}, headers=csrf).json()["secret"])

    def total(self) -> int:
        return int(self.api("me/listens")["total"])


NewListener = Callable[[], Me]


@pytest.fixture(scope="session")
def admin(server: RunningServer) -> dict[str, str]:
    """The header by which an admin's token proves itself."""
    made = server.segue("token", "create", "--user", "admin", "--name", "lb admin", "--scope", "admin", "--scope", "read", "--json")
    return {"Authorization": f"Bearer {json.loads(made.stdout)['secret']}"}


@pytest.fixture(scope="session")
def new_listener(server: RunningServer, admin: dict[str, str]) -> Iterator[NewListener]:
    with httpx.Client(base_url=server.url, timeout=60) as client:

        def make() -> Me:
            name = f"lb {new_id()[-8:]}"
            account = {"name": name, "password": "a-long-password"}
            assert client.post("/api/users", json=account, headers=admin).status_code == 201
            me = Me(name, "", client)
            me.secret = me.new_token("my scrobbler")
            return me

        yield make


@pytest.fixture
def me(new_listener: NewListener) -> Me:
    return new_listener()


@pytest.fixture(scope="session")
def track(server: RunningServer, admin: dict[str, str]) -> dict[str, Any]:
    """Some track of the demo library, as ``/api`` shows it."""
    found = httpx.get(f"{server.url}/api/tracks", params={"limit": 1}, headers=admin).json()
    return dict(found["items"][0])


def listen_of(artist: str = "Nobody Here", title: str = "Nothing Known", at: int | None = None, **info: Any) -> dict[str, Any]:
    """An entry of a payload; began an hour ago unless told."""
    metadata = {"artist_name": artist, "track_name": title, "additional_info": info}
    return {"listened_at": int(time.time()) - 3600 if at is None else at, "track_metadata": metadata}
