"""Listens sent on: the real path over a real database, to a server on loopback that fails, stalls, refuses and takes as it is told."""

import hashlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa

from segue.access import Vault
from segue.errors import BadRequest, Forbidden, NotFound, Unavailable
from segue.events import SqliteEventLog
from segue.flow.forward import Forwarder, Services
from segue.flow.history import History
from segue.flow.listen import Listening
from segue.library import Catalogue
from segue.model import Event, PastPlay, Subject
from segue.store import Database
from segue.store import schema as t
from segue.testing.listening import fill_world
from segue.types import Instant, new_id

NOW = 1_800_000_000_000
HOUR = 3_600_000
OK = (200, {"status": "ok"}, {})

Answer = tuple[int, Any, dict[str, str]]


class Elsewhere:
    """Answers what ``script`` holds, in order, then ``usual``; a number there is seconds of silence. Keeps what it was asked."""

    def __init__(self) -> None:
        self.script: list[Answer | float] = []
        self.usual: Answer = OK
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                told = outer.script.pop(0) if outer.script else outer.usual
                if isinstance(told, float):
                    time.sleep(told)
                    return
                status, answer, headers = told
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def listens(self) -> list[tuple[int, str]]:
        """``(listened_at, title)`` of every ListenBrainz request so far."""
        entries = [json.loads(body)["payload"][0] for path, _, body in self.asked if path == "/1/submit-listens"]
        return [(one["listened_at"], one["track_metadata"]["track_name"]) for one in entries]


class Bench:
    def __init__(self, path: Path, url: str) -> None:
        self.now = NOW
        self.path = path
        self.url = url
        self.db = Database(path / "segue.db")
        with self.db.write() as connection:
            t.metadata.create_all(connection)
        self.world = fill_world(self.db, tracks=20)
        self.me = self.world.listener
        self.catalogue = Catalogue(self.db)
        self.listening = Listening(SqliteEventLog(path / "events.db"), self.db, self.catalogue, clock=self.clock)
        self.history = History(self.listening, self.db, self.catalogue, clock=self.clock)
        self.forwarder = self.new_forwarder()

    def clock(self) -> Instant:
        return Instant(self.now)

    def new_forwarder(self) -> Forwarder:
        services = Services(self.url, f"{self.url}/2.0/", "the-key", "the-shared-secret")
        return Forwarder(
            self.db, self.listening, self.catalogue, Vault(self.path / "secret.key"), services, clock=self.clock, timeout_s=0.5
        )

    def hear(self, track: int, *, ago: int = HOUR, kind: str = "scrobbled", **more: Any) -> int:
        """A listen; returns when it began, in seconds."""
        at = Instant(self.now - ago)
        subject = Subject(type="track", id=self.world.tracks[track])
        event = Event(event_id=new_id(), kind=kind, user_id=self.me.user.id, at=at, received_at=at, subject=subject, **more)  # type: ignore[arg-type]
        assert self.listening.record(self.me, [event]).accepted
        return at // 1000

    def states(self) -> dict[str, int]:
        with self.db.read() as connection:
            found = connection.execute(sa.select(t.forward_queue.c.state, sa.func.count()).group_by(t.forward_queue.c.state))
            return {row[0]: row[1] for row in found}


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.close()


@pytest.fixture
def bench(tmp_path: Path, elsewhere: Elsewhere) -> Iterator[Bench]:
    bench = Bench(tmp_path, elsewhere.url)
    yield bench
    bench.forwarder.close()
    bench.db.close()


def connect(bench: Bench, since: int = NOW - 24 * HOUR) -> None:
    bench.forwarder.put(bench.me, "listenbrainz", token="a-token-of-mine", since=Instant(since))


def test_fails_stalls_then_takes(bench: Bench, elsewhere: Elsewhere) -> None:
    connect(bench)
    at = bench.hear(3)
    elsewhere.script = [(503, {}, {}), 3.0, (200, b"<html>welcome to the hotel</html>", {}), (500, b"\xff" * 200_000, {}), OK]
    assert bench.forwarder.step() == 0
    waits = []
    for attempts in range(1, 5):
        assert bench.forwarder.step() == 0
        assert len(elsewhere.asked) == attempts, "nothing is sent again before its time"
        waited = 0
        while len(elsewhere.asked) == attempts and waited < 600:
            waited += 5
            bench.now += 5_000
            bench.forwarder.step()
        waits.append(waited)
    assert waits == [10, 20, 40, 80]
    assert bench.states() == {"sent": 1}
    assert elsewhere.listens() == [(at, "Track 3")] * 5, "each time with the same time of listening"
    path, headers, body = elsewhere.asked[-1]
    assert (path, headers["authorization"]) == ("/1/submit-listens", "Token a-token-of-mine")
    told = json.loads(body)
    assert told["listen_type"] == "single"
    metadata = told["payload"][0]["track_metadata"]
    assert (metadata["artist_name"], metadata["release_name"]) == ("Artist 1.0", "Release 0")
    assert metadata["additional_info"]["duration_ms"] == 180_000
    bench.now += 10 * HOUR
    assert bench.forwarder.step() == 0
    found = bench.forwarder.get(bench.me, "listenbrainz")
    assert (found.sent, found.waiting, found.paused, found.trouble) == (1, 0, None, None)


def test_what_is_sent_on_and_what_is_not(bench: Bench, elsewhere: Elsewhere) -> None:
    connect(bench, since=NOW - 2 * HOUR)
    bench.hear(0, ago=3 * HOUR)  # before it was wanted
    bench.hear(1, private=True)
    bench.hear(2, origin="imported")
    bench.hear(3, kind="started")  # not a listen
    bench.hear(4, client="ListenBrainz")
    bench.hear(5, client="Last.fm")  # of the other service
    bench.hear(6, play_id="p", session_id="s", kind="started", ago=20 * 60_000)
    bench.hear(6, play_id="p", session_id="s", kind="ended", played_ms=170_000, outcome="finished", ago=10_000)
    plays = [
        PastPlay(service="Tapes", entry_id=f"x{n}", started_at=Instant(NOW - HOUR), artist="Far Away", title=f"Song {n}", type=type)
        for n, type in enumerate(("music", "episode"))
    ]
    bench.history.submit(bench.me, plays)
    assert bench.forwarder.step() == 2
    assert sorted(title for _, title in elsewhere.listens()) == ["Song 0", "Track 5"]
    bench.now += 25_000  # 35 s after its last report
    assert bench.forwarder.step() == 1
    assert elsewhere.listens()[-1] == ((NOW - 20 * 60_000) // 1000, "Track 6")
    bench.now += HOUR
    assert bench.forwarder.step() == 0
    assert len(elsewhere.asked) == 3


def test_a_start_that_is_told_late_sends_nothing_twice(bench: Bench, elsewhere: Elsewhere) -> None:
    connect(bench)
    bench.hear(3, client="one app")
    assert bench.forwarder.step() == 1
    bench.hear(3, ago=HOUR + 900, client="another app")  # the same play, seen by another: the listen has another id now
    assert bench.history.count(bench.me) == 1
    assert bench.forwarder.step() == 0
    assert len(elsewhere.asked) == 1


def test_never_means_never_and_holds_up_nothing(bench: Bench, elsewhere: Elsewhere) -> None:
    connect(bench)
    for track in range(4):
        bench.hear(track, ago=(10 - track) * HOUR)
    elsewhere.script = [OK, (400, {"code": 400, "error": "listened_at is odd"}, {}), OK, OK]
    assert bench.forwarder.step() == 3
    assert bench.states() == {"sent": 3, "dropped": 1}
    with bench.db.read() as connection:
        why = connection.execute(sa.select(t.forward_queue.c.reason).where(t.forward_queue.c.state == "dropped")).scalar_one()
    assert "listened_at is odd" in why
    bench.now += HOUR
    assert bench.forwarder.step() == 0
    assert len(elsewhere.asked) == 4


def test_a_listen_that_fails_for_ever_does_not_hold_up_the_others(bench: Bench, elsewhere: Elsewhere) -> None:
    connect(bench)
    bench.hear(0, ago=2 * HOUR)
    bench.hear(1, ago=HOUR)
    elsewhere.script = [(500, {}, {})]
    assert bench.forwarder.step() == 0
    bench.now += 3_600_000
    elsewhere.script = [OK, (500, {}, {})]
    assert bench.forwarder.step() == 1
    assert [title for _, title in elsewhere.listens()] == ["Track 0", "Track 1", "Track 0"]
    assert bench.states() == {"sent": 1, "waiting": 1}


def test_too_many_requests_are_waited_out(bench: Bench, elsewhere: Elsewhere) -> None:
    connect(bench)
    bench.hear(0)
    elsewhere.script = [(429, {"error": "slow down"}, {"X-RateLimit-Reset-In": "300"})]
    assert bench.forwarder.step() == 0
    bench.now += 299_000
    assert bench.forwarder.step() == 0
    assert len(elsewhere.asked) == 1
    bench.now += 2_000
    assert bench.forwarder.step() == 1


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_a_refused_token_pauses_until_it_is_entered_anew(bench: Bench, elsewhere: Elsewhere, status: int) -> None:
    connect(bench)
    at = bench.hear(0)
    elsewhere.script = [(status, {"code": status, "error": "Invalid authorization token."}, {"Location": "/elsewhere"})]
    assert bench.forwarder.step() == 0
    found = bench.forwarder.get(bench.me, "listenbrainz")
    assert found.paused is not None
    assert str(status) in found.paused
    bench.now += 10 * HOUR
    later = bench.hear(1, ago=HOUR)
    assert bench.forwarder.step() == 0
    assert len(elsewhere.asked) == 1, "nothing was sent, nor a redirection followed"
    bench.forwarder.put(bench.me, "listenbrainz", token="another")
    assert bench.forwarder.step() == 2
    assert elsewhere.listens()[1:] == [(at, "Track 0"), (later, "Track 1")]
    assert elsewhere.asked[-1][1]["authorization"] == "Token another"


def test_what_was_deleted_meanwhile_is_not_sent(bench: Bench, elsewhere: Elsewhere) -> None:
    connect(bench)
    bench.hear(0, ago=2 * HOUR)
    bench.hear(1)
    elsewhere.script = [(503, {}, {})]
    assert bench.forwarder.step() == 0
    first = bench.history.listens(bench.me)[1].listen
    bench.history.delete(bench.me, first.id)
    bench.now += HOUR
    assert bench.forwarder.step() == 1
    assert [title for _, title in elsewhere.listens()] == ["Track 0", "Track 1"]
    assert bench.states() == {"sent": 1, "dropped": 1}
    bench.listening.erase(bench.me.user.id)
    assert bench.states() == {}


def test_a_restart_finds_the_queue_as_it_was(bench: Bench, elsewhere: Elsewhere) -> None:
    connect(bench)
    at = bench.hear(0)
    elsewhere.script = [(503, {}, {})]
    assert bench.forwarder.step() == 0
    bench.forwarder.close()
    bench.forwarder = bench.new_forwarder()
    bench.forwarder.start()
    _until(lambda: bench.states() == {"sent": 1})
    assert elsewhere.listens() == [(at, "Track 0")] * 2


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)


def test_long_histories_and_old_marks(bench: Bench, elsewhere: Elsewhere) -> None:
    """From long ago on, in order, in parts; what was sent is forgotten after weeks, and is not sent again for that."""
    connect(bench, since=NOW - 400 * 24 * HOUR)
    times = [bench.hear(n % 20, ago=(300 - n) * 24 * HOUR) for n in range(120)]
    taken = [bench.forwarder.step() for _ in range(4)]
    assert taken == [50, 50, 20, 0]
    assert [at for at, _ in elsewhere.listens()] == times
    fresh = bench.hear(1)
    assert bench.forwarder.step() == 1
    assert elsewhere.listens()[-1] == (fresh, "Track 1")
    bench.now += 40 * 24 * HOUR
    assert bench.forwarder.step() == 0
    assert bench.states() == {}


def test_addresses_secrets_and_who_may(bench: Bench, elsewhere: Elsewhere) -> None:
    put = bench.forwarder.put
    with pytest.raises(NotFound):
        bench.forwarder.get(bench.me, "listenbrainz")
    with pytest.raises(NotFound):
        put(bench.me, "myspace", token="x")
    with pytest.raises(Forbidden):
        put(bench.me, "listenbrainz", token="x", url="http://127.0.0.1:1")
    for bad in (
        "ftp://x",
        "http://",
        "//x",
        "http://a b",
        "http://u:p@h",
        "http://[",
        "http://h:99999",
        "http://" + "x" * 600,
        "http://hé",
    ):
        with pytest.raises(BadRequest):
            put(bench.me, "listenbrainz", token="x", url=bad)
    for token in ("", "é", "a\nb", "x" * 600):
        with pytest.raises(BadRequest):
            put(bench.me, "listenbrainz", token=token)
    put(bench.me, "listenbrainz", token="a-token-of-mine", url=f"{elsewhere.url}/1/")
    assert bench.forwarder.get(bench.me, "listenbrainz").url == elsewhere.url
    bench.db.checkpoint()
    assert b"a-token-of-mine" not in (bench.path / "segue.db").read_bytes()
    bench.hear(0, ago=0)
    bench.forwarder.remove(bench.me, "listenbrainz")
    bench.now += HOUR
    assert bench.forwarder.step() == 0
    assert elsewhere.asked == []
    with pytest.raises(NotFound):
        bench.forwarder.remove(bench.me, "listenbrainz")


# -- Last.fm -------------------------------------------------------------------------------------------------------------

TAKEN = (200, {"scrobbles": {"@attr": {"accepted": 1, "ignored": 0}, "scrobble": {"ignoredMessage": {"code": "0", "#text": ""}}}}, {})


def _lastfm(code: str, text: str = "") -> Answer:
    return 200, {"scrobbles": {"@attr": {"accepted": 0, "ignored": 1}, "scrobble": {"ignoredMessage": {"code": code, "#text": text}}}}, {}


def _form(asked: tuple[str, dict[str, str], bytes]) -> dict[str, str]:
    """The form, its signature checked by Last.fm's rule: names and values in order, then the secret, as MD5."""
    path, _, body = asked
    assert path == "/2.0/"
    form = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
    text = "".join(f"{name}{form[name]}" for name in sorted(form) if name not in {"api_sig", "format"}) + "the-shared-secret"
    assert form["api_sig"] == hashlib.md5(text.encode()).hexdigest()
    return form


def test_lastfm_is_told_signed(bench: Bench, elsewhere: Elsewhere) -> None:
    elsewhere.usual = TAKEN
    elsewhere.script = [(200, {"session": {"name": "ada", "key": "the-session"}}, {})]
    bench.forwarder.put(bench.me, "lastfm", name="ada", password="pässword", since=Instant(NOW - HOUR * 2))
    asked = _form(elsewhere.asked[0])
    assert (asked["method"], asked["username"], asked["password"]) == ("auth.getMobileSession", "ada", "pässword")
    at = bench.hear(3)
    assert bench.forwarder.step() == 1
    form = _form(elsewhere.asked[1])
    wanted = {"artist": "Artist 1.0", "track": "Track 3", "timestamp": str(at), "duration": "180", "album": "Release 0"}
    assert {name: form[name] for name in wanted} == wanted
    assert (form["sk"], form["api_key"], form["method"]) == ("the-session", "the-key", "track.scrobble")


def test_lastfms_errors_mean_later_never_or_pause(bench: Bench, elsewhere: Elsewhere) -> None:
    elsewhere.usual = TAKEN
    bench.forwarder.put(bench.me, "lastfm", token="the-session", since=Instant(NOW - HOUR * 24))
    for track in range(3):
        bench.hear(track, ago=(5 - track) * HOUR)
    elsewhere.script = [(200, {"error": 29, "message": "Rate limit exceeded"}, {})]
    assert bench.forwarder.step() == 0
    bench.now += HOUR
    elsewhere.script = [_lastfm("1", "Artist was ignored"), (400, {"error": 6, "message": "Invalid parameters"}, {}), TAKEN]
    assert bench.forwarder.step() == 1
    assert bench.states() == {"sent": 1, "dropped": 2}
    bench.hear(5, ago=2 * HOUR)
    elsewhere.script = [(403, {"error": 9, "message": "Invalid session key"}, {})]
    assert bench.forwarder.step() == 0
    assert "Invalid session key" in str(bench.forwarder.get(bench.me, "lastfm").paused)
    elsewhere.script = [(403, {"error": 4, "message": "Authentication Failed"}, {})]
    with pytest.raises(BadRequest, match="Authentication Failed"):
        bench.forwarder.put(bench.me, "lastfm", name="ada", password="wrong")
    elsewhere.script = [(500, b"oops", {})]
    with pytest.raises(Unavailable):
        bench.forwarder.put(bench.me, "lastfm", name="ada", password="right")
    bench.forwarder.put(bench.me, "lastfm", token="another-session")
    assert bench.forwarder.step() == 1


def test_both_services_go_on_when_one_is_down(bench: Bench, elsewhere: Elsewhere) -> None:
    down = Elsewhere()
    down.usual = (503, {}, {})
    connect(bench)
    admin = bench.me.__class__(
        user=bench.me.user.__class__(id=bench.me.user.id, name="ada", admin=True, created_at=Instant(0)), libraries=bench.me.libraries
    )
    bench.forwarder.put(admin, "lastfm", token="s", url=f"{down.url}/2.0/", since=Instant(NOW - HOUR * 2))
    bench.hear(0)
    assert bench.forwarder.step() == 1
    assert len(elsewhere.asked) == len(down.asked) == 1
    down.close()
    bench.now += HOUR
    assert bench.forwarder.step() == 0
    assert bench.forwarder.get(bench.me, "lastfm").waiting == 1
    assert "Connect" in str(bench.forwarder.get(bench.me, "lastfm").trouble)
