"""Tokens of ``/api/live`` that have ended, end while connected, or are another's: a code, a sentence, and nothing else."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from segue.testing.live import WAIT_S, Live
from segue.testing.server import RunningServer, running_server

EXPIRED = "This token has expired. Make another in the player: Settings, Connect an app."
UNKNOWN = "This token is not known: it was revoked, or is cut short."
ENDED = "The session or token has ended."
Open = Callable[..., Live]


@pytest.fixture(scope="module")
def server(demo_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("live-tokens") / "data", demo_library) as running:
        running.do("user.add", name="bob", password="bob-password")
        yield running


@pytest.fixture
def opened(server: RunningServer) -> Iterator[Open]:
    """Opens sockets: with the secret in the header, or (``by_message``) in the first message."""
    with ExitStack() as stack:

        def open(secret: str, *, by_message: bool = False, **headers: str) -> Live:
            live = stack.enter_context(
                closing(Live(server.url, headers if by_message else {"Authorization": f"Bearer {secret}", **headers}))
            )
            if by_message:
                live.say(type="auth", token=secret)
            return live

        yield open


def made(server: RunningServer, **more: object) -> tuple[str, str]:
    """A token of the admin: its id and secret."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        session = client.post("/api/session", json={"name": server.admin, "password": server.password}).json()
        answer = client.post("/api/tokens", json={"name": "live", **more}, headers={"X-Segue-CSRF": session["csrf"]})
        assert answer.status_code == 201, answer.text
        told = answer.json()
        return told["id"], told["secret"]


def revoke(server: RunningServer, id: str) -> None:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        session = client.post("/api/session", json={"name": server.admin, "password": server.password}).json()
        client.delete(f"/api/tokens/{id}", headers={"X-Segue-CSRF": session["csrf"]}).raise_for_status()


def refused(live: Live, code: int, reason: str) -> None:
    """Nothing was said before the socket closed, and no secret is in the words."""
    assert (live.code(), live.reason, live.seen) == (code, reason, [])


@pytest.mark.parametrize("by_message", [False, True])
def test_what_has_ended_opens_nothing(server: RunningServer, opened: Open, by_message: bool) -> None:
    _, short = made(server, expires_in_s=1)
    id, gone = made(server)
    watcher = opened(server.token(name="watcher"))
    watcher.hello("watcher")
    revoke(server, id)
    time.sleep(1.2)
    for secret, reason in ((short, EXPIRED), (gone, UNKNOWN), (gone[:-1], UNKNOWN)):
        refused(opened(secret, by_message=by_message), 4401, reason)
    assert watcher.in_step() == [], "nobody is told of it"


def test_one_that_expires_while_connected_is_let_go(server: RunningServer, opened: Open) -> None:
    watcher = opened(server.token(name="watcher"))
    watcher.hello("watcher")
    _, short = made(server, expires_in_s=5)
    began = time.monotonic()
    live = opened(short)
    live.hello("short-lived")
    watcher.get("devices", lambda message: "short-lived" in [one["id"] for one in message["devices"]])
    live.say(type="state", playing=True, position_ms=5)
    assert watcher.get("now_playing")["device_id"] == "short-lived"
    assert (live.code(), live.reason) == (4401, ENDED)
    assert time.monotonic() - began < WAIT_S
    last = watcher.get("devices", lambda message: "short-lived" not in [one["id"] for one in message["devices"]])
    assert [one["id"] for one in last["devices"]] == ["watcher"]
    again = opened(short)
    refused(again, 4401, EXPIRED)


def test_a_token_is_its_owners_whoever_sends_it(server: RunningServer, opened: Open) -> None:
    mine = opened(server.token(name="mine"))
    mine.hello("phone", "Kitchen")
    mine.say(type="state", playing=True, position_ms=5)
    mine.in_step()
    with httpx.Client(base_url=server.url, timeout=60) as client:
        client.post("/api/session", json={"name": server.admin, "password": server.password}).raise_for_status()
        cookie = f"segue_session={client.cookies['segue_session']}"
    secret = server.token("bob", name="theirs")
    for theirs in (opened(secret), opened(secret, Cookie=cookie, Origin=server.url)):
        told = theirs.hello("phone", "Mine now")  # the same id at another listener replaces nothing
        assert [one["name"] for one in told["devices"]] == ["Mine now"]
        theirs.say(type="command", to="phone", do="pause")
        assert theirs.get("command")["from"] == "phone", "its own"
        assert "Kitchen" not in str(theirs.in_step() + theirs.seen)
    assert not [message for message in mine.in_step() if message["type"] == "command"]
    assert mine.closed is None
