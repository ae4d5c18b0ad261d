"""A listener's devices in step, over real sockets: who may connect, what each is told, and what no one can do to another."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from segue.library import Queue
from segue.model import Listener, User
from segue.serve._devices import MOST_WAITING, TOO_SLOW, Device, Hub, State
from segue.testing.live import WAIT_S, Json, Live
from segue.testing.server import RunningServer, running_server
from segue.types import Instant, Ms, UserId


def active(message: Json) -> str | None:
    return next((one["id"] for one in message["devices"] if one["active"]), None)


Connect = Callable[..., Live]


@pytest.fixture(scope="module")
def server(demo_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("live") / "data", demo_library) as running:
        running.segue("user", "add", "other", "--password-stdin", stdin="other-password\n")
        yield running


@pytest.fixture(scope="module")
def secret(server: RunningServer) -> str:
    return server.token(name="live")


@pytest.fixture(scope="module")
def tracks(server: RunningServer, secret: str) -> list[Json]:
    answer = httpx.get(f"{server.url}/api/tracks?limit=50", headers={"Authorization": f"Bearer {secret}"}, timeout=60)
    return sorted(answer.json()["items"], key=lambda track: -track["duration_ms"])


@pytest.fixture
def connect(server: RunningServer, secret: str) -> Iterator[Connect]:
    """Opens sockets, with the admin's token unless told otherwise."""
    opened: list[Live] = []

    def start(token: str | None = secret, **headers: str) -> Live:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        live = Live(server.url, bearer | headers)
        opened.append(live)
        return live

    yield start
    for live in opened:
        live.close()


@contextmanager
def signed_in(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        answer = client.post("/api/session", json={"name": server.admin, "password": server.password})
        assert answer.status_code == 201
        client.headers["X-Segue-CSRF"] = answer.json()["csrf"]
        yield client


def save_queue(server: RunningServer, secret: str, ids: list[str], index: int = 0, by: str = "test") -> Json:
    body = {"track_ids": ids, "index": index, "position_ms": 0, "changed_by": by}
    answer = httpx.put(f"{server.url}/api/queue", json=body, headers={"Authorization": f"Bearer {secret}"}, timeout=60)
    assert answer.status_code == 200, answer.text
    saved: Json = answer.json()
    return saved


# -- who may connect -----------------------------------------------------------------------------------------------------


def test_a_signed_in_page_connects_from_its_own_origin_only(server: RunningServer, connect: Connect) -> None:
    with signed_in(server) as client:
        cookie = f"segue_session={client.cookies['segue_session']}"
        host = urlsplit(server.url)
        own = connect(None, Cookie=cookie, Origin=server.url)
        assert own.hello("page")["device_id"] == "page"
        foreign = ["http://evil.example", f"http://evil.example:{host.port}", f"http://{host.hostname}:{(host.port or 0) ^ 1}", "null", ""]
        for origin in foreign:
            assert connect(None, Cookie=cookie, Origin=origin).code() == 4403, origin
        assert connect(None, Cookie=cookie).code() == 4403, "without an Origin"
        assert connect(None, Cookie="segue_session=made-up", Origin=server.url).code() == 4401
        client.delete("/api/session").raise_for_status()
        assert own.code() == 4401, "signing out closes it"


def test_programs_connect_by_header_or_first_message(connect: Connect, secret: str) -> None:
    assert connect().hello("by-header")["devices"][0]["id"] == "by-header"
    live = connect(None)
    live.say(type="auth", token=secret)
    assert live.hello("by-message")["device_id"] == "by-message"
    assert connect("seg_wrong").code() == 4401
    wrong = connect(None)
    wrong.say(type="auth", token="seg_wrong-too")
    assert wrong.code() == 4401
    unsaid = connect(None)
    unsaid.say(type="hello", device_id="x", name="x", kind="x")
    assert unsaid.code() == 4401
    assert connect(None, Authorization="Basic YTpi").code() == 4401
    early = connect()
    early.say(type="ping")
    assert early.code() == 4400


def test_who_says_nothing_is_let_go(connect: Connect) -> None:
    at = time.monotonic()
    silent, half = connect(None), connect()
    assert silent.code() == 4408
    assert half.code() == 4408
    assert time.monotonic() - at > 8


def test_scopes(server: RunningServer, connect: Connect) -> None:
    def token(*scopes: str) -> str:
        with signed_in(server) as client:
            answer = client.post("/api/tokens", json={"name": "scoped", "kind": "api", "scopes": list(scopes)})
            return str(answer.json()["secret"])

    assert connect(token("listen")).code() == 4403, "reading was not granted"
    player = connect()
    player.hello("player")
    watcher = connect(token("read"))
    assert [one["id"] for one in watcher.hello("player")["devices"]] == ["player"], "one who watches is no device"
    for message in ({"type": "command", "to": "player", "do": "pause"}, {"type": "state", "playing": True}):
        watcher.say(**message)
        assert "listen" in watcher.get("error")["message"]
    player.say(type="state", playing=True, position_ms=5)
    assert watcher.get("now_playing")["device_id"] == "player"
    assert not [message for message in player.in_step() if message["type"] in ("command", "error")]


def test_a_revoked_token_closes_its_sockets(server: RunningServer, connect: Connect) -> None:
    with signed_in(server) as client:
        made = client.post("/api/tokens", json={"name": "short-lived"}).json()
        live, other = connect(made["secret"]), connect()
        live.hello("revoked")
        other.hello("stays")
        client.delete(f"/api/tokens/{made['id']}").raise_for_status()
    at = time.monotonic()
    assert live.code() == 4401
    assert time.monotonic() - at < WAIT_S
    other.get("devices", lambda message: [one["id"] for one in message["devices"]] == ["stays"])


# -- devices -------------------------------------------------------------------------------------------------------------


def test_devices_come_and_go(connect: Connect) -> None:
    one = connect()
    assert one.hello("one", "Kitchen")["devices"] == [{"id": "one", "name": "Kitchen", "kind": "test", "state": None, "active": False}]
    two = connect()
    assert {device["id"] for device in two.hello("two", "Desk\x00top")["devices"]} == {"one", "two"}
    told = one.get("devices")
    assert [(device["id"], device["name"]) for device in told["devices"]] == [("one", "Kitchen"), ("two", "Desktop")]
    two.say(type="state", playing=True, track_id="t" * 22, position_ms=1000, queue_revision=7, volume=0.5)
    told = one.get("devices", lambda message: active(message) == "two")
    state = next(device["state"] for device in told["devices"] if device["id"] == "two")
    assert state["playing"]
    assert state["track_id"] == "t" * 22
    assert 1000 <= state["position_ms"] < 20_000
    assert (state["queue_revision"], state["volume"]) == (7, 0.5)
    two.close()
    gone = one.get("devices", lambda message: len(message["devices"]) == 1)
    assert active(gone) is None


def test_commands_reach_the_addressed_device_and_no_other(connect: Connect) -> None:
    one, two, three = connect(), connect(), connect()
    for live, id in ((one, "one"), (two, "two"), (three, "three")):
        live.hello(id)
    for do in ("play", "pause", "next", "previous"):
        one.say(type="command", to="two", do=do)
        assert two.get("command") == {"type": "command", "from": "one", "do": do}
    one.say(type="command", to="two", do="seek", position_ms=12_345)
    assert two.get("command")["position_ms"] == 12_345
    one.say(type="command", to="two", do="volume", volume=0.25)
    assert two.get("command")["volume"] == 0.25
    one.say(type="command", to="nobody", do="play")
    assert "no such device" in one.get("error")["message"]
    assert not [message for message in three.in_step() if message["type"] == "command"]


def test_listeners_never_see_each_other(server: RunningServer, connect: Connect, secret: str, tracks: list[Json]) -> None:
    mine, theirs = connect(), connect(server.token("other"))
    mine.hello("mine")
    assert [one["id"] for one in theirs.hello("theirs")["devices"]] == ["theirs"]
    same = connect(server.token("other", name="same"))
    same.hello("mine")  # the same id at another listener is another device
    theirs.say(type="command", to="mine", do="pause")
    assert same.get("command")["from"] == "theirs"
    mine.say(type="state", playing=True, track_id=tracks[0]["id"])
    save_queue(server, secret, [tracks[0]["id"]])
    assert mine.get("queue")["changed_by"] == "test"
    for message in theirs.in_step() + theirs.seen:
        assert message["type"] in ("welcome", "devices", "pong"), message
        assert all(one["id"] != "mine" or one["state"] is None for one in message.get("devices", []))
    mine.in_step()
    assert not [message for message in mine.seen if message["type"] == "command"]
    theirs.say(type="command", do="take_over")
    assert theirs.get("command")["queue"]["track_ids"] == [], "another's queue"


def test_at_most_sixteen_devices(connect: Connect) -> None:
    lives = [connect() for _ in range(16)]
    for n, live in enumerate(lives):
        live.hello(f"d{n}")
    more = connect()
    more.say(type="hello", device_id="d16", name="x", kind="x")
    assert more.code() == 4410
    again = connect()
    again.hello("d0")
    assert lives[0].code() == 4409


# -- handing over --------------------------------------------------------------------------------------------------------


def test_hand_over_goes_on_where_the_other_is(server: RunningServer, connect: Connect, secret: str, tracks: list[Json]) -> None:
    ids = [track["id"] for track in tracks[:3]]
    save_queue(server, secret, ids, index=0)
    one, two = connect(), connect()
    one.hello("one")
    two.hello("two")
    start = time.monotonic()
    one.say(type="state", playing=True, track_id=ids[1], position_ms=4_000)
    two.get("devices", lambda message: active(message) == "one")
    time.sleep(1.2)
    asked = time.monotonic()
    two.say(type="command", do="take_over")
    told = two.get("command")
    now = time.monotonic()
    assert (told["do"], told["track_id"], told["queue"]) == ("take_over", ids[1], {"track_ids": ids, "index": 1})
    assert 4_000 + (asked - start) * 1000 - 1_500 <= told["position_ms"] <= 4_000 + (now - start) * 1000 + 1
    two.say(type="state", playing=False, track_id=ids[1], position_ms=told["position_ms"])
    two.say(type="state", playing=True, track_id=ids[1], position_ms=told["position_ms"])
    one.get("devices", lambda message: active(message) == "two")
    # The other's next report, made before it heard of this, does not take it back; nor does coming back after a break.
    one.say(type="state", playing=True, track_id=ids[1], position_ms=9_000)
    one.say(type="state", playing=False, track_id=ids[1], position_ms=9_000)
    told = two.get("devices", lambda message: not next(d for d in message["devices"] if d["id"] == "one")["state"]["playing"])
    assert active(told) == "two"
    one.close()
    two.get("devices", lambda message: len(message["devices"]) == 1)
    back = connect()
    back.hello("one")
    back.say(type="state", playing=True, track_id=ids[1], position_ms=1)
    assert active(back.get("devices", lambda message: any(d["id"] == "one" and d["state"] for d in message["devices"]))) == "two"

    two.say(type="command", do="hand_over", to="one")
    handed = back.get("command")
    assert (handed["do"], handed["from"], handed["track_id"]) == ("take_over", "two", ids[1])
    two.say(type="command", do="hand_over")
    assert "no such device" in two.get("error")["message"]


def test_position_never_passes_the_end_and_a_foreign_track_is_its_own_queue(
    server: RunningServer, connect: Connect, secret: str, tracks: list[Json]
) -> None:
    save_queue(server, secret, [tracks[0]["id"]])
    one, two = connect(), connect()
    one.hello("one")
    two.hello("two")
    one.say(type="state", playing=True, track_id=tracks[1]["id"], position_ms=tracks[1]["duration_ms"] + 60_000)
    one.in_step()
    two.say(type="command", do="take_over")
    told = two.get("command")
    assert told["position_ms"] == tracks[1]["duration_ms"]
    assert told["queue"] == {"track_ids": [tracks[1]["id"]], "index": 0}
    one.say(type="state", playing=True, track_id="not an id", position_ms=0)
    one.in_step()
    two.say(type="command", do="take_over")
    assert two.get("command")["track_id"] == "not an id"


def test_a_hand_over_waits_for_the_queue_and_keeps_the_play(
    server: RunningServer, connect: Connect, secret: str, tracks: list[Json]
) -> None:
    ids = [track["id"] for track in tracks[:4]]
    save_queue(server, secret, ids[:1])
    one, two = connect(), connect()
    one.hello("one")
    two.hello("two")
    one.say(type="state", playing=True, track_id=ids[2], position_ms=5_000, play_id="a play", played_ms=4_000, saved=False)
    one.in_step()
    two.say(type="command", do="take_over")
    two.say(type="ping")
    save_queue(server, secret, ids, index=2)
    one.say(type="state", playing=True, track_id=ids[2], position_ms=5_000, play_id="a play", played_ms=4_000)
    told = two.get("command")
    assert told["queue"] == {"track_ids": ids, "index": 2}
    assert (told["track_id"], told["play_id"]) == (ids[2], "a play")
    assert told["played_ms"] == pytest.approx(told["position_ms"] - 1_000, abs=2)
    two.say(type="state", playing=False, track_id=ids[2], position_ms=5_000)
    two.say(type="state", playing=True, track_id=ids[2], position_ms=5_000, play_id="a play")
    seen = one.get("devices", lambda message: active(message) == "two")
    assert next(device for device in seen["devices"] if device["id"] == "two")["state"]["play_id"] == "a play"

    # One that never says that it has stored its queue is not waited for much longer than a moment; nor is one that goes.
    two.say(type="state", playing=True, track_id=ids[3], position_ms=0, saved=False)
    two.in_step()
    one.say(type="command", do="take_over")
    assert one.get("command")["queue"] == {"track_ids": ids, "index": 3}
    one.say(type="command", do="take_over")
    two.close()
    assert one.get("command")["play_id"] is None


def test_an_edit_of_the_queue_reaches_the_device_that_plays(
    server: RunningServer, connect: Connect, secret: str, tracks: list[Json]
) -> None:
    ids = [track["id"] for track in tracks[:4]]
    save_queue(server, secret, ids, index=1)
    one, two = connect(), connect()
    one.hello("one")
    two.hello("two", name="Kitchen")
    one.say(type="state", playing=True, track_id=ids[1], position_ms=2_000)
    two.get("devices", lambda message: active(message) == "one")
    changed = [ids[3], ids[1], "not a track", ids[0]]
    two.say(type="command", do="queue", track_ids=changed, index=3)
    told = one.get("command")
    assert told == {"type": "command", "from": "two", "do": "queue", "queue": {"track_ids": [ids[3], ids[1], ids[0]], "index": 1}}
    assert two.get("queue")["changed_by"] == "Kitchen"
    stored = httpx.get(f"{server.url}/api/queue", headers={"Authorization": f"Bearer {secret}"}, timeout=60).json()
    assert (stored["track_ids"], stored["index"]) == (told["queue"]["track_ids"], 1)
    assert stored["position_ms"] >= 2_000
    two.say(type="command", do="queue", track_ids=[ids[0], ids[2]], index=1)
    assert one.get("command")["queue"] == {"track_ids": [ids[0], ids[2]], "index": 1}
    two.say(type="command", do="queue", track_ids=[], index=5)
    assert one.get("command")["queue"] == {"track_ids": [], "index": 0}
    one.close()
    two.get("devices", lambda message: len(message["devices"]) == 1)
    two.say(type="command", do="queue", track_ids=ids)
    assert "no such device" in two.get("error")["message"]


def test_every_change_of_the_queue_is_told(server: RunningServer, connect: Connect, secret: str, tracks: list[Json]) -> None:
    live = connect()
    live.hello("one")
    saved = save_queue(server, secret, [tracks[0]["id"]], by="kitchen")
    assert live.get("queue") == {"type": "queue", "changed_by": "kitchen", "changed_at": saved["changed_at"]}
    query = {"id": tracks[1]["id"], "c": "an app", "v": "1.16.1", "f": "json", "u": "admin", "p": secret}
    answer = httpx.get(f"{server.url}/rest/savePlayQueue", params=query, timeout=60).json()["subsonic-response"]
    assert answer["status"] == "ok", answer
    assert live.get("queue")["changed_by"] == "an app"


def test_a_device_that_connects_again_takes_its_own_place(connect: Connect) -> None:
    watching, old = connect(), connect()
    watching.hello("watching")
    old.hello("phone")
    old.say(type="state", playing=True, track_id="x", position_ms=3)
    watching.get("devices", lambda message: active(message) == "phone")
    new = connect()
    devices = {one["id"]: one for one in new.hello("phone", "Phone, again")["devices"]}
    assert sorted(devices) == ["phone", "watching"]
    assert devices["phone"]["active"]
    assert devices["phone"]["state"]["playing"]
    assert old.code() == 4409
    watching.say(type="command", to="phone", do="pause")
    assert new.get("command")["do"] == "pause"
    told = [message for message in watching.in_step() if message["type"] == "devices"]
    assert all(active(message) == "phone" for message in told), "it was lost for a moment"


# -- what no one can do --------------------------------------------------------------------------------------------------


def test_nonsense_is_answered_and_nothing_breaks(connect: Connect) -> None:
    live = connect()
    live.hello("one")
    nonsense = [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"type":"unknown"}',
        b'{"type":"state"}',
        b'{"type":"state","playing":true,"position_ms":-1}',
        b'{"type":"state","playing":true,"position_ms":1e99}',
        b'{"type":"command","to":"one","do":"explode"}',
        b'{"type":"command","to":"one","do":"volume","volume":7}',
        b"[" * 20_000,
        b'{"type":"ping","x":' + b"[" * 20_000,
    ]
    for data in nonsense:
        live.frame(1, data)
        assert live.get("error")["message"]
    time.sleep(1)
    live.frame(2, b"\xff\xfe\x00")
    assert live.get("error")["message"]
    live.say(type="hello", device_id="two", name="x", kind="x")
    assert "already" in live.get("error")["message"]
    live.in_step()
    unnamed = connect()
    unnamed.say(type="hello", device_id="", name="x", kind="x")
    assert unnamed.get("error")["message"]
    assert unnamed.hello("named")["device_id"] == "named"


def test_floods_and_giants_are_closed(connect: Connect) -> None:
    bystander = connect()
    bystander.hello("bystander")
    flood = connect()
    flood.hello("flood")
    try:
        for _ in range(400):
            flood.say(type="ping")
    except OSError:
        pass  # closed while it was still shouting
    assert flood.code() in (4429, 1006)
    giant = connect()
    giant.hello("giant")
    giant.frame(1, b'{"type":"ping","x":"' + b"x" * (64 << 10) + b'"}')
    assert giant.code() == 1009
    stranger = connect(None)
    stranger.frame(1, b"x" * (64 << 10) + b"x")
    assert stranger.code() == 1009
    bystander.in_step()
    assert len(connect().hello("last")["devices"]) == 2


def test_one_that_does_not_read_is_let_go_and_holds_nobody_up() -> None:
    async def scene() -> None:
        hub = Hub()
        user = User(id=UserId("u"), name="u", admin=False, created_at=Instant(0))
        asleep, awake, playing = (
            Device(id, id, "test", Listener(user=user, libraries=frozenset())) for id in ("asleep", "awake", "playing")
        )
        for device in (asleep, awake, playing):
            hub.join(device)
        for n in range(3 * MOST_WAITING):
            hub.report(playing, State(bool(n % 2), position_ms=n))
        assert len(asleep.waiting) <= 3, "only how things stand now is worth telling"
        assert not asleep.ending.done()
        for n in range(2 * MOST_WAITING):
            hub.queue_changed(user.id, Queue((), 0, Ms(0), Instant(n), "test"))
            await asyncio.sleep(0)
            awake.waiting.clear()
            playing.waiting.clear()
        assert asleep.ending.done()
        assert asleep.ending.result()[0] == TOO_SLOW
        assert len(asleep.waiting) == MOST_WAITING
        assert not awake.ending.done()
        assert not playing.ending.done()
        hub.leave(asleep)
        assert hub.source(playing.listener) is playing

    asyncio.run(scene())


def test_silence_and_a_full_socket_end_a_device_and_no_other(tmp_path: Path, demo_library: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "segue.toml").write_text("live_idle_s = 3\n")
    with running_server(tmp_path / "data", demo_library) as server:
        secret = server.token()
        bearer = {"Authorization": f"Bearer {secret}"}
        found = httpx.get(f"{server.url}/api/tracks?limit=1", headers=bearer, timeout=60).json()["items"]
        many = [found[0]["id"]] * 2_000
        sockets = [Live(server.url, bearer) for _ in range(3)]
        silent, deaf, talker = sockets
        at = time.monotonic()
        silent.hello("silent")
        deaf.hello("deaf")
        talker.hello("talker")
        slowest, gone_at, rounds = 0.0, {}, 0
        while len(gone_at) < 2 and time.monotonic() - at < 90:
            with suppress(OSError):
                deaf.say(type="ping")  # it speaks, and never reads
            for _ in range(3):
                talker.say(type="command", do="queue", to="deaf", track_ids=many)
            rounds += 1
            asked = time.monotonic()
            for message in talker.in_step():
                if message["type"] == "devices":
                    there = {device["id"] for device in message["devices"]}
                    gone_at |= {id: time.monotonic() - at for id in ("silent", "deaf") if id not in there and id not in gone_at}
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.25)
        assert set(gone_at) == {"silent", "deaf"}, (gone_at, rounds)
        assert 2.9 <= gone_at["silent"] < 30
        assert silent.code() == 4408
        assert slowest < 5, "one that does not read held another up"
        talker.say(type="ping")
        talker.get("pong")
        for live in sockets:
            live.close()


def test_the_server_stops_at_once_with_devices_connected(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        live = Live(server.url, {"Authorization": f"Bearer {server.token()}"})
        live.hello("one")
        at = time.monotonic()
        server.process.terminate()
        assert live.code() in (1001, 1006)
        assert server.process.wait(20) == 0
        assert time.monotonic() - at < 9, "it waited for the connection"
        live.close()
