"""What scrobblers do, spoken by raw calls and by pylast, and what Segue makes of it."""

import time
from typing import Any
from xml.etree import ElementTree

import httpx
import pylast
import pytest

from segue.testing.server import RunningServer

from .conftest import Listener, Scrobbler, Secured

NOW = int(time.time())


def batch(*entries: dict[str, Any]) -> dict[str, str]:
    return {f"{name}[{number}]": str(value) for number, entry in enumerate(entries) for name, value in entry.items()}


def test_pylast_scrobbles_loves_and_tells_what_plays(
    secured: Secured, registered: dict[str, str], listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pylast, "SSL_CONTEXT", secured.trust)
    network = pylast.LastFMNetwork(api_key=registered["api_key"], api_secret=registered["secret"])
    network.ws_server = (secured.address, "/2.0/")
    network.session_key = pylast.SessionKeyGenerator(network).get_session_key(listener.name, pylast.md5(listener.secret))
    song = listener.song()

    network.update_now_playing(song["artist"], song["title"], album=song["album"], duration=song["duration"])
    [playing] = [one for one in listener.rest("getNowPlaying")["nowPlaying"]["entry"] if one["username"] == listener.name]
    assert (playing["id"], playing["playerName"]) == (song["id"], "Desk scrobbler")

    network.scrobble(song["artist"], song["title"], NOW - 4000, album=song["album"], duration=song["duration"])
    network.scrobble_many([{"artist": f"Ännä {n} & <Sons>", "title": f"Söng “{n}”", "timestamp": NOW - 9000 - 300 * n} for n in range(60)])
    listens = listener.api("/me/listens?limit=200").json()
    assert listens["total"] == 61
    assert next(one["external"]["title"] for one in listens["items"] if one["external"]) == "Söng “0”"
    assert [one["track"]["id"] for one in listens["items"] if one["track"] and one["counted"]] == [song["id"]]

    track = network.get_track(song["artist"], song["title"])
    track.love()
    assert [one["id"] for one in listener.rest("getStarred2")["starred2"]["song"]] == [song["id"]]
    track.unlove()
    assert listener.rest("getStarred2")["starred2"].get("song", []) == []
    network.get_track("Nobody", "Of Here").love()
    assert network.get_authenticated_user().get_name() == listener.name
    assert network.get_authenticated_user().get_playcount() == 61

    network.session_key = "0" * 32
    with pytest.raises(pylast.WSError) as refused:
        network.scrobble("A", "B", NOW)
    assert int(refused.value.get_id()) == pylast.STATUS_INVALID_SK


def test_pylast_gets_in_by_the_approval_of_a_listener(
    secured: Secured, registered: dict[str, str], listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pylast, "SSL_CONTEXT", secured.trust)
    network = pylast.LastFMNetwork(api_key=registered["api_key"], api_secret=registered["secret"])
    network.ws_server, network.homepage = (secured.address, "/2.0/"), f"https://{secured.address}"
    keys = pylast.SessionKeyGenerator(network)
    url = keys.get_web_auth_url()
    with pytest.raises(pylast.WSError) as early:
        keys.get_web_auth_session_key(url)
    assert int(early.value.get_id()) == pylast.STATUS_TOKEN_UNAUTHORIZED
    with httpx.Client(verify=secured.trust, timeout=60) as browser:
        assert "Sign in first" in browser.get(url).text
        signed = browser.post(f"https://{secured.address}/api/session", json={"name": listener.name, "password": "login-password"})
        page = browser.get(url)
        assert page.status_code == 200
        form = {one.get("name"): one.get("value") for one in ElementTree.fromstring(_xhtml(page.text)).iter("input")}
        assert form["csrf"] == signed.json()["csrf"]
        done = browser.post(f"https://{secured.address}/api/auth/", data=form)
        assert "Desk scrobbler is let in" in done.text
    network.session_key, name = keys.get_web_auth_session_key_username(url)
    assert name == listener.name
    network.scrobble("Somebody", "Elsewhere", NOW - 500)
    assert [one["external"]["artist"] for one in listener.listens()] == ["Somebody"]
    with pytest.raises(pylast.WSError) as again:
        keys.get_web_auth_session_key(url)
    assert int(again.value.get_id()) == pylast.STATUS_AUTH_FAILED

    tokens = {one["name"]: one["id"] for one in listener.api("/tokens").json()["items"]}
    listener.server.segue("token", "revoke", tokens["Desk scrobbler"])
    with pytest.raises(pylast.WSError) as ended:
        network.scrobble("Somebody", "Elsewhere", NOW - 100)
    assert int(ended.value.get_id()) == pylast.STATUS_INVALID_SK


def _xhtml(page: str) -> str:
    """The form of the page, as XML can read it."""
    import re

    [form] = re.findall(r"<form.*?</form>", page, re.DOTALL)
    return re.sub(r"(<input[^>]*)>", r"\1/>", form)


@pytest.mark.parametrize("get", [False, True])
def test_a_scrobble_is_answered_as_last_fm_does(scrobbler: Scrobbler, listener: Listener, get: bool) -> None:
    said = {"artist": "Low", "track": "Sunflower", "timestamp": NOW - 60, "album": "Things", "albumArtist": "Low"}
    answer = scrobbler.call("track.scrobble", get=get, format="json", **said)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    named = {name: {"corrected": "0", "#text": str(said[name])} for name in ("artist", "track", "album", "albumArtist")}
    one = {**named, "timestamp": str(NOW - 60), "ignoredMessage": {"code": "0", "#text": ""}}
    assert answer.json() == {"scrobbles": {"scrobble": one, "@attr": {"accepted": 1, "ignored": 0}}}

    answer = scrobbler.call("track.scrobble", get=get, **said)
    assert answer.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(answer.text)
    assert (root.tag, root.attrib) == ("lfm", {"status": "ok"})
    assert root.find("scrobbles").attrib == {"accepted": "1", "ignored": "0"}  # type: ignore[union-attr]
    assert root.find("scrobbles/scrobble/ignoredMessage").attrib == {"code": "0"}  # type: ignore[union-attr]
    assert root.findtext("scrobbles/scrobble/track") == "Sunflower"
    [listen] = listener.listens()
    assert (listen["external"]["artist"], listen["external"]["release"], listen["client"]) == ("Low", "Things", "Desk scrobbler")
    assert scrobbler.json("user.getInfo")["user"]["playcount"] == "1", "told twice, counted once"


def test_a_batch_takes_what_it_can_and_says_why_not_the_rest(scrobbler: Scrobbler, listener: Listener) -> None:
    entries = [
        {"artist": "One", "track": "Good", "timestamp": NOW - 1000},
        {"artist": " ", "track": "No artist", "timestamp": NOW - 900},
        {"artist": "No track", "track": "", "timestamp": NOW - 800},
        {"artist": "One", "track": "Never set", "timestamp": 86_400},
        {"artist": "One", "track": "Tomorrow", "timestamp": NOW + 86_400},
        {"artist": "Two", "track": "Good", "timestamp": NOW - 700, "duration": "180", "mbid": "no uuid"},
    ]
    for _ in range(2):
        answer = scrobbler.send({"method": "track.scrobble", "format": "json", **batch(*entries)}).json()["scrobbles"]
        assert answer["@attr"] == {"accepted": 2, "ignored": 4}
        assert [one["ignoredMessage"]["code"] for one in answer["scrobble"]] == ["0", "1", "2", "3", "4", "0"]
    assert [one["external"]["artist"] for one in listener.listens()] == ["Two", "One"]

    sparse = {"artist[7]": "Three", "track[7]": "Good", "timestamp[7]": str(NOW - 600)}
    assert scrobbler.send({"method": "track.scrobble", "format": "json", **sparse}).json()["scrobbles"]["@attr"]["accepted"] == 1
    fifty = [{"artist": "Many", "track": f"Song {n}", "timestamp": NOW - 20_000 - 200 * n} for n in range(50)]
    answer = scrobbler.send({"method": "track.scrobble", "format": "json", **batch(*fifty)}).json()
    assert answer["scrobbles"]["@attr"]["accepted"] == 50
    one_more = [*fifty, {"artist": "Many", "track": "Song 50", "timestamp": NOW - 50_000}]
    refused = scrobbler.send({"method": "track.scrobble", "format": "json", **batch(*one_more)})
    assert (refused.status_code, refused.json()["error"]) == (400, 6)
    assert scrobbler.json("user.getInfo")["user"]["playcount"] == "53"


def test_a_track_of_the_library_is_that_track_and_one_play(scrobbler: Scrobbler, listener: Listener) -> None:
    song = listener.song()
    scrobbler.json("track.scrobble", artist=song["artist"].upper(), track=song["title"].lower(), timestamp=NOW - 3600)
    [listen] = listener.listens()
    assert listen["track"]["id"] == song["id"]
    assert listener.rest("getSong", id=song["id"])["song"]["playCount"] == 1
    answer = scrobbler.json("track.updateNowPlaying", artist="Nobody", track="Of Here")
    assert answer["nowplaying"]["artist"] == {"corrected": "0", "#text": "Nobody"}
    entries = listener.rest("getNowPlaying")["nowPlaying"].get("entry", [])
    assert [one for one in entries if one["username"] == listener.name] == []


def test_what_a_listener_may_not_hear_is_not_found_for_them(
    own: RunningServer, admin: httpx.Client, scrobbler: Scrobbler, listener: Listener
) -> None:
    song = listener.song()
    [library] = admin.get("/api/libraries").json()["items"]
    admin.patch(f"/api/libraries/{library['id']}", json={"everyone": False})
    try:
        assert scrobbler.json("track.love", artist=song["artist"], track=song["title"]) == {}
        scrobbler.json("track.updateNowPlaying", artist=song["artist"], track=song["title"])
    finally:
        admin.patch(f"/api/libraries/{library['id']}", json={"everyone": True})
    assert listener.rest("getStarred2")["starred2"].get("song", []) == []
    entries = listener.rest("getNowPlaying")["nowPlaying"].get("entry", [])
    assert [one for one in entries if one["username"] == listener.name] == []


def test_hostile_names_are_carried_whole_in_both_forms(own: RunningServer, registered: dict[str, str]) -> None:
    name = "<b>&\"'</lfm>]]>"
    own.segue("user", "add", name, "--password-stdin", stdin="login-password\n")
    app = Scrobbler(own.url, registered["api_key"], registered["secret"]).sign_in(name, own.token(name))
    assert ElementTree.fromstring(app.call("user.getInfo").text).findtext("user/name") == name
    artist = "<script>\"'&amp;]]><!-- Ж 𝄞"
    root = ElementTree.fromstring(app.call("track.scrobble", artist=artist + "\x00\x0b￿", track=artist, timestamp=NOW).text)
    assert root.findtext("scrobbles/scrobble/artist") == artist + "���"
    assert app.json("track.updateNowPlaying", artist=artist, track=artist)["nowplaying"]["track"]["#text"] == artist
    refused = ElementTree.fromstring(app.call("user.getInfo", user="<x>&").text)
    assert refused.find("error").attrib == {"code": "6"}  # type: ignore[union-attr]
