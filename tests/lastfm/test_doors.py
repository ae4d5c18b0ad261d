"""Who is let in and who is not, what is kept of secrets, and that no parameter breaks the server."""

import contextlib
import json
import re
import sqlite3
import time
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.testing.server import RunningServer

from .conftest import Listener, Scrobbler

NOW = int(time.time())


def refused(answer: httpx.Response, code: int, status: int) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, code), answer.text
    assert answer.json()["message"]


def test_a_login_password_and_another_ones_secret_open_nothing(own: RunningServer, registered: dict[str, str], listener: Listener) -> None:
    other = own.token("admin", "other's")
    for password in ("login-password", other, "", "x" * 5000):
        app = Scrobbler(own.url, registered["api_key"], registered["secret"])
        answer = app.call("auth.getMobileSession", username=listener.name, password=password, format="json")
        refused(answer, 4 if password else 6, 403 if password else 400)
    assert app.call("auth.getMobileSession", username=listener.name, authToken="0" * 32).status_code == 403


def test_errors_have_their_codes_in_both_forms(own: RunningServer, scrobbler: Scrobbler) -> None:
    refused(scrobbler.call("track.getInfo", format="json"), 3, 400)
    refused(scrobbler.send({"format": "json"}), 6, 400)
    refused(scrobbler.call("track.scrobble", artist="A", track="B", format="json"), 6, 400)
    refused(scrobbler.call("track.scrobble", artist="A", track="B", timestamp="now", format="json"), 6, 400)
    refused(scrobbler.call("track.scrobble", sign="wrong", artist="A", track="B", timestamp=NOW, format="json"), 13, 403)
    refused(scrobbler.call("user.getInfo", user="admin", format="json"), 6, 400)
    root = ElementTree.fromstring(scrobbler.call("track.love", sign="wrong", artist="A", track="B").text)
    assert (root.attrib, root.find("error").attrib) == ({"status": "failed"}, {"code": "13"})  # type: ignore[union-attr]
    refused(Scrobbler(own.url, "", None).call("auth.getToken", format="json"), 10, 403)
    refused(Scrobbler(own.url, "k" * 65, None).call("auth.getToken", format="json"), 10, 403)
    assert httpx.put(f"{own.url}/2.0/").status_code == 405
    assert scrobbler.json("user.getInfo")["user"]["playcount"] == "0"


def test_an_app_that_is_not_registered_comes_in_by_an_app_password_only(own: RunningServer, listener: Listener) -> None:
    app = Scrobbler(own.url, "0123456789abcdef", "a secret nobody here knows")
    refused(app.call("auth.getToken", format="json"), 10, 403)
    refused(app.call("auth.getSession", token="x", format="json"), 10, 403)
    refused(app.call("track.scrobble", artist="A", track="B", timestamp=NOW, format="json"), 9, 403)
    app.sign_in(listener.name, listener.secret)
    assert app.json("track.scrobble", artist="A", track="B", timestamp=NOW - 60)["scrobbles"]["@attr"]["accepted"] == 1
    assert [one["client"] for one in listener.listens()] == ["lastfm"]


def test_a_session_serves_the_app_and_listener_that_got_it(own: RunningServer, admin: httpx.Client, scrobbler: Scrobbler) -> None:
    another = admin.post("/api/lastfm-apps", json={"name": "Another"}).json()
    for app in (Scrobbler(own.url, another["api_key"], another["secret"]), Scrobbler(own.url, "unknown")):
        app.sk = scrobbler.sk
        refused(app.call("user.getInfo", format="json"), 9, 403)
    mine = Scrobbler(own.url, another["api_key"], another["secret"]).sign_in("admin", own.token("admin", "mine"))
    assert mine.json("user.getInfo")["user"]["name"] == "admin"
    assert scrobbler.json("user.getInfo")["user"]["name"].startswith("listener")
    assert another["api_key"] in [one["api_key"] for one in admin.get("/api/lastfm-apps").json()["items"]]
    assert admin.delete(f"/api/lastfm-apps/{another['api_key']}").status_code == 204
    refused(mine.call("user.getInfo", format="json"), 9, 403)
    assert admin.delete(f"/api/lastfm-apps/{another['api_key']}").status_code == 404


def test_revoking_the_app_password_and_removing_the_user_end_sessions(own: RunningServer, scrobbler: Scrobbler, listener: Listener) -> None:
    second = Scrobbler(own.url, scrobbler.api_key, scrobbler.secret).sign_in(listener.name, own.token(listener.name, "second"))
    [token] = [one for one in listener.api("/tokens").json()["items"] if one["name"] == "scrobbler"]
    own.segue("token", "revoke", token["id"])
    refused(scrobbler.call("user.getInfo", format="json"), 9, 403)
    assert second.json("user.getInfo")["user"]["name"] == listener.name
    own.segue("user", "remove", listener.name)
    refused(second.call("user.getInfo", format="json"), 9, 403)
    with contextlib.closing(sqlite3.connect(own.data / "segue.db")) as db:
        left = "SELECT count(*) FROM lastfm_session WHERE token_id NOT IN (SELECT id FROM token)"
        assert db.execute(left).fetchone() == (0,)


def test_a_token_that_may_not_listen_scrobbles_nothing(own: RunningServer, registered: dict[str, str], listener: Listener) -> None:
    made = own.segue("token", "create", "--user", listener.name, "--name", "reads", "--scope", "read", "--json").stdout
    app = Scrobbler(own.url, registered["api_key"], registered["secret"])
    secret = httpx.Response(200, text=made).json()["secret"]
    refused(app.call("auth.getMobileSession", username=listener.name, password=secret, format="json"), 4, 403)


def test_guessing_is_slowed(own: RunningServer, registered: dict[str, str], listener: Listener) -> None:
    app = Scrobbler(own.url, registered["api_key"], registered["secret"])
    answers = [app.call("auth.getMobileSession", username=listener.name, password="guess", format="json") for _ in range(12)]
    assert {answer.status_code for answer in answers} == {403, 429}
    slowed = next(answer for answer in answers if answer.status_code == 429)
    assert slowed.json()["error"] == 29
    assert int(slowed.headers["retry-after"]) >= 1
    app = Scrobbler(own.url, registered["api_key"], registered["secret"])
    codes = []
    for n in range(12):
        app.sk = f"guess{n}"
        codes.append(app.json("user.getInfo")["error"])
    assert set(codes) == {9, 29}


def test_only_an_admin_registers_apps_and_no_secret_lies_open(own: RunningServer, listener: Listener, scrobbler: Scrobbler) -> None:
    assert listener.api("/lastfm-apps").status_code == 403
    assert listener.api("/lastfm-apps", "POST", json={"name": "mine"}).status_code == 403
    kept = b"".join(path.read_bytes() for path in own.data.glob("segue.db*"))
    assert scrobbler.api_key.encode() in kept
    for secret in (scrobbler.secret, scrobbler.sk, listener.secret):
        assert secret
        assert secret.encode() not in kept


def test_the_page_of_approval_cannot_be_pressed_from_elsewhere(own: RunningServer, admin: httpx.Client) -> None:
    made = admin.post("/api/lastfm-apps", json={"name": '<b>"Hostile"</b>\''}).json()
    app = Scrobbler(own.url, made["api_key"], made["secret"])
    form = {"api_key": made["api_key"], "token": app.json("auth.getToken")["token"]}
    page = admin.get("/api/auth/", params=form)
    assert page.status_code == 200
    assert "<b>" not in page.text
    assert "&lt;b&gt;" in page.text
    assert "script" not in page.text.replace("Desk scrobbler", "")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    csrf = admin.headers["X-Segue-CSRF"]
    assert httpx.post(f"{own.url}/api/auth/", data={**form, "csrf": csrf}).status_code == 401
    for more, headers in (({}, {}), ({"csrf": "wrong"}, {}), ({"csrf": csrf}, {"Origin": "http://evil.example"})):
        assert admin.post("/api/auth/", data={**form, **more}, headers=headers).status_code == 403
    refused(app.call("auth.getSession", token=form["token"], format="json"), 14, 403)
    for wrong in ({"token": "x"}, {"api_key": "x"}, {"token": "\x00"}):
        assert admin.get("/api/auth/", params={**form, **wrong}).status_code == 404
        assert admin.post("/api/auth/", data={**form, **wrong, "csrf": csrf}).status_code == 404
    assert admin.post("/api/auth/", data={**form, "csrf": csrf}).status_code == 200
    assert admin.post("/api/auth/", data={**form, "csrf": csrf}).status_code == 404, "works once"
    answer = app.json("auth.getSession", token=form["token"])
    assert answer["session"]["name"] == "admin"
    refused(app.call("auth.getSession", token="never given", format="json"), 4, 403)


NAMES = st.sampled_from(
    ["artist", "track", "timestamp", "album", "albumArtist", "duration", "mbid", "user", "username", "password", "token", "authToken"]
)
KEYS = st.one_of(NAMES, st.builds("{}[{}]".format, NAMES, st.integers(-2, 1200)), st.text(max_size=8))
VALUES = st.one_of(
    st.text(max_size=40), st.integers(-(10**14), 10**14).map(str), st.sampled_from(["\x00", "￿", "é" * 3000, "%00", "٣", "²"])
)
METHODS = st.sampled_from(
    ["track.scrobble", "TRACK.SCROBBLE", "track.updateNowPlaying", "track.love", "track.unlove", "user.getInfo", "auth.getSession", ""]
)


@pytest.fixture(scope="module")
def unregistered(own: RunningServer) -> Scrobbler:
    return Scrobbler(own.url, "fuzzing").sign_in("admin", own.token("admin", "fuzz"))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(method=METHODS, params=st.dictionaries(KEYS, VALUES, max_size=8), json=st.booleans())
def test_no_parameter_breaks_it(unregistered: Scrobbler, method: str, params: dict[str, str], json: bool) -> None:
    answer = unregistered.send({**params, "method": method, "format": "json" if json else "xml"})
    assert answer.status_code in {200, 400, 403, 429}, answer.text
    read(answer, json)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    count=st.integers(1, 60),
    artist=st.text(max_size=30),
    track=st.text(max_size=30),
    at=st.one_of(st.integers(0, 2 * NOW), st.integers(0, 10**12 - 1)),
)
def test_every_well_formed_batch_is_answered_entry_by_entry(unregistered: Scrobbler, count: int, artist: str, track: str, at: int) -> None:
    params: dict[str, str] = {}
    for n in range(count):
        params |= {f"artist[{n}]": artist, f"track[{n}]": track, f"timestamp[{n}]": str(at)}
    answer = unregistered.send({**params, "method": "track.scrobble", "format": "json"})
    if count > 50:
        refused(answer, 6, 400)
        return
    said = answer.json()["scrobbles"]
    entries = [said["scrobble"]] if count == 1 else said["scrobble"]
    assert len(entries) == count == sum(said["@attr"].values())
    read(unregistered.send({**params, "method": "track.scrobble"}), json=False)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe&=&&%zz=%00",
        b"method=track.scrobble&" + b"a=1&" * 5_000,
        b"method=user.getInfo&api_key=fuzzing&sk=" + b"x" * 3_000_000,
        b"method=user.getInfo&api_key=%00%ff&sk=%ed%a0%80",
        b'{"method":"user.getInfo"}',
    ],
)
def test_malformed_bodies_are_refused(own: RunningServer, body: bytes) -> None:
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data", "application/json", ""):
        headers = {"Content-Type": content_type, "X-Forwarded-For": "10.8.0.1"}
        answer = httpx.post(f"{own.url}/2.0/?format=json", content=body, headers=headers, timeout=60)
        assert answer.status_code in {400, 403, 429}, answer.text
        assert answer.json()["error"] in {3, 6, 9, 10, 29}


def read(answer: httpx.Response, json: bool) -> Any:
    return answer.json() if json else ElementTree.fromstring(answer.content)


def test_a_listener_is_sent_back_to_the_registered_address_and_to_no_other(own: RunningServer, admin: httpx.Client) -> None:
    back = "http://127.0.0.1:9/back?from=segue"
    made = admin.post("/api/lastfm-apps", json={"name": "On the web", "callback": back}).json()
    assert made["callback"] == back
    plain = admin.post("/api/lastfm-apps", json={"name": "Without"}).json()
    key = {"api_key": made["api_key"]}
    csrf = admin.headers["X-Segue-CSRF"]
    app = Scrobbler(own.url, made["api_key"], made["secret"])
    waiting = app.json("auth.getToken")["token"]
    for wrong in (
        {**key, "cb": "http://elsewhere.example/back"},
        {**key, "cb": back + "&more"},
        {**key, "cb": back.removesuffix("?from=segue")},
        {**key, "cb": "//elsewhere.example"},
        {**key, "cb": "javascript:alert(1)", "token": waiting},
        {"api_key": plain["api_key"]},
        {"api_key": plain["api_key"], "cb": back},
        {"api_key": "unknown", "cb": back},
        {**key, "token": "unknown", "cb": back},
    ):
        for answer in (admin.get("/api/auth/", params=wrong), admin.post("/api/auth/", data={**wrong, "csrf": csrf})):
            assert answer.status_code == 404, (wrong, answer.text)
            assert "http-equiv" not in answer.text
            assert "elsewhere.example" not in answer.text
    held = len(admin.get("/api/tokens").json()["items"])
    assert admin.get("/api/auth/", params={**key, "cb": back}).status_code == 200
    assert len(admin.get("/api/tokens").json()["items"]) == held, "looking lets nobody in"
    for form in ({**key, "cb": back}, key, {**key, "token": waiting, "cb": back}):
        page = admin.post("/api/auth/", data={**form, "csrf": csrf})
        assert page.status_code == 200
        refresh = next(
            tag.get("content", "") for tag in ElementTree.fromstring(_sound(page.text)).iter("meta") if "http-equiv" in tag.attrib
        )
        address, _, token = refresh.removeprefix("0; url=").partition("&token=")
        assert address == back
        assert app.json("auth.getSession", token=token)["session"]["name"] == "admin"
    # One that asked for its token itself, and names no address, is sent nowhere.
    own_token = app.json("auth.getToken")["token"]
    page = admin.post("/api/auth/", data={**key, "token": own_token, "csrf": csrf})
    assert (page.status_code, "http-equiv" in page.text) == (200, False)
    for unfit in (
        "javascript:alert(1)",
        "//host",
        "https://",
        "https://user@host/",
        "https://host/#x",
        "https://host/a b",
        "https://h\u00f6st/",
        "x" * 600,
    ):
        assert admin.post("/api/lastfm-apps", json={"name": "x", "callback": unfit}).status_code == 400


def _sound(page: str) -> str:
    """The page as XML, its void elements closed."""
    return re.sub(r"<(meta[^>]*)>", r"<\1/>", page.replace("<!doctype html>", ""))


def test_apps_are_registered_by_the_command_line(own: RunningServer) -> None:
    made = json.loads(own.segue("lastfm-app", "add", "Car", "--callback", "https://car.example/back", "--json").stdout)
    assert made["secret"] not in own.segue("lastfm-app", "list").stdout
    listed = json.loads(own.segue("lastfm-app", "list", "--json").stdout)
    assert next(one for one in listed if one["api_key"] == made["api_key"])["callback"] == "https://car.example/back"
    assert Scrobbler(own.url, made["api_key"], made["secret"]).json("auth.getToken")["token"]
    assert "Removed" in own.segue("lastfm-app", "remove", made["api_key"]).stdout
    assert own.segue("lastfm-app", "remove", made["api_key"], check=False).returncode == 1
