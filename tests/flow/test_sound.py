"""The second half of a track's journey, over real files and a real server: heard, described, found alike, grouped; and nothing lost."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import mutagen.flac
import pytest

from segue.analyse._explicit import word_lists
from segue.testing.rendering import MUSIC, convert, render
from segue.testing.server import RunningServer, running_server

OTHER = "0.3*sin(2*PI*t*(220+40*floor(mod(t*3,5))))*exp(-3*mod(t,0.25))+0.05*random(0)"
TONE = "0.2*sin(2*PI*440*t)+0.1*sin(2*PI*660*t)"
WAIT_S = 240
STRONG = sorted(word_lists()[0])[0]


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    music/
      a.flac  a.mp3       one recording
      b.flac  b.opus      another
      tone.flac
      silent.wav  broken.mp3
    """
    folder = tmp_path_factory.mktemp("sound") / "music"
    folder.mkdir()
    a = render(folder / "a.flac", MUSIC, seconds=20)
    b = render(folder / "b.flac", OTHER, seconds=20)
    convert(a, folder / "a.mp3", "-b:a", "128k")
    convert(b, folder / "b.opus", "-b:a", "64k")
    tagged(render(folder / "tone.flac", TONE, seconds=6), lyrics=f"la la {STRONG}, la!")
    tagged(a, itunesadvisory="1")
    render(folder / "silent.wav", "anullsrc=r=44100:cl=stereo", seconds=4)
    (folder / "broken.mp3").write_bytes((folder / "a.mp3").read_bytes()[:4000] + b"\0" * 40_000)
    return folder


def tagged(path: Path, **tags: str) -> None:
    file = mutagen.flac.FLAC(path)
    file.update({name: [value] for name, value in tags.items()})
    file.save()


@pytest.fixture(scope="module")
def server(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("sound-server") / "data", music, analysis=True) as running:
        settled(running)
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    with connected(server) as made:
        yield made


@contextmanager
def connected(server: RunningServer) -> Iterator[httpx.Client]:
    """Signed in as the admin."""
    with httpx.Client(base_url=server.url, timeout=60) as made:
        made.headers["X-Segue-CSRF"] = made.post("/api/session", json={"name": server.admin, "password": server.password}).json()["csrf"]
        yield made


def settled(server: RunningServer) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        status: dict[str, Any] = server.do("analyse.status")
        if status["total"] and not status["left"] and status["serving"]:
            return status
        time.sleep(0.2)
    raise AssertionError(f"analysis did not end: {server.do('analyse.status')}")


def tracks(client: httpx.Client) -> dict[str, dict[str, Any]]:
    return {Path(one["path"]).name: one for one in client.get("/api/tracks?limit=200").json()["items"]}


def analysis(client: httpx.Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/tracks/{tracks(client)[name]['id']}/analysis").json()
    return found


def test_a_track_is_described(client: httpx.Client) -> None:
    told = analysis(client, "a.flac")
    assert told["state"] == "done"
    assert {"tempo_bpm", "key", "mode", "loudness_lufs", "loudness_range_lu", "true_peak_dbtp", "energy", "danceability"} <= set(
        told["values"]
    )
    for name, one in told["values"].items():
        assert 0 <= one["confidence"] <= 1, name
        assert one["origin"] == "measured"
    assert 0 <= told["values"]["energy"]["percentile"] <= 100
    assert told["beats_s"] == sorted(told["beats_s"])
    assert told["camelot"][-1] in "AB"
    assert len(told["waveform"]) > 100
    assert told["sections"][0]["start_s"] == 0


def test_what_is_alike_is_found_and_is_never_itself(client: httpx.Client) -> None:
    held = tracks(client)
    for name, other in (("a.flac", "a.mp3"), ("b.opus", "b.flac")):
        answer = client.get(f"/api/similar/{held[name]['id']}?n=3").json()
        ids = [one["track"]["id"] for one in answer["items"]]
        assert ids[0] == held[other]["id"]
        assert held[name]["id"] not in ids
        nearness = [one["similarity"] for one in answer["items"]]
        assert nearness == sorted(nearness, reverse=True)
        assert nearness[0] > 0.9


def test_copies_of_a_recording_are_grouped_the_lossless_one_first(client: httpx.Client) -> None:
    held = tracks(client)
    groups = client.get("/api/duplicates").json()
    found = {frozenset(copy["track"]["id"] for copy in group["tracks"]) for group in groups["items"]}
    assert {frozenset({held["a.flac"]["id"], held["a.mp3"]["id"]}), frozenset({held["b.flac"]["id"], held["b.opus"]["id"]})} == found
    assert all(group["tracks"][0]["preferred"] and group["tracks"][0]["track"]["suffix"] == "flac" for group in groups["items"])
    assert analysis(client, "a.mp3")["duplicates"] == [held["a.flac"]["id"]]


def test_what_people_say_of_copies_stands_above_their_sound(client: httpx.Client) -> None:
    held = tracks(client)
    group = next(one for one in client.get("/api/duplicates").json()["items"] if one["tracks"][0]["track"]["id"] == held["b.flac"]["id"])
    address = f"/api/duplicates/{group['group_id']}"
    assert client.post(address, json={"preferred": held["b.opus"]["id"]}).status_code == 204
    after = {one["group_id"]: one for one in client.get("/api/duplicates").json()["items"]}
    assert after[group["group_id"]]["tracks"][0]["track"]["id"] == held["b.opus"]["id"]
    assert client.post(address, json={"separate": held["b.opus"]["id"]}).status_code == 204
    assert client.get("/api/duplicates").json()["total"] == 1
    assert client.delete(f"/api/tracks/{held['b.opus']['id']}/duplicates").status_code == 204
    assert client.get("/api/duplicates").json()["total"] == 2
    assert client.post(address, json={}).status_code == 400
    assert client.post("/api/duplicates/0000000000000000000000", json={"preferred": held["b.opus"]["id"]}).status_code == 404


def test_silence_and_rubbish_are_findings(client: httpx.Client) -> None:
    silent = analysis(client, "silent.wav")
    assert silent["state"] == "done"
    assert "silent" in [one["kind"] for one in silent["findings"]]
    assert "sound_silent" in client.get("/api/findings").json()["kinds"]
    status = client.get("/api/analysis").json()
    assert status["done"] + status["failed"] == status["total"]


def test_a_value_set_by_hand_survives_being_heard_again(server: RunningServer, client: httpx.Client) -> None:
    id = tracks(client)["tone.flac"]["id"]
    measured = analysis(client, "tone.flac")["values"]["tempo_bpm"]["value"]
    answer = client.patch(f"/api/tracks/{id}/analysis", json={"values": {"tempo_bpm": 77.5}}).json()
    assert answer["values"]["tempo_bpm"] | {"percentile": None} == {
        "value": 77.5, "confidence": 1.0, "origin": "corrected", "percentile": None, "measured": measured,
    }  # fmt: skip
    found = client.get("/api/tracks?sort=tempo&tempo=77..78").json()
    assert [one["id"] for one in found["items"]] == [id]
    with server_database(server) as run:
        run("UPDATE analysis SET version = 0")
        run("UPDATE sound.sound SET version = 0")
    server.do("analyse.retry")
    settled(server)
    assert analysis(client, "tone.flac")["values"]["tempo_bpm"]["value"] == 77.5
    undone = client.patch(f"/api/tracks/{id}/analysis", json={"values": {"tempo_bpm": None}}).json()
    assert undone["values"]["tempo_bpm"]["origin"] == "measured"
    assert undone["values"]["tempo_bpm"]["value"] == pytest.approx(measured)
    for wrong in ({"tempo_bpm": 5000}, {"key": 1.5}, {"nonsense": 1}, {"energy": -1}):
        assert client.patch(f"/api/tracks/{id}/analysis", json={"values": wrong}).status_code == 400


def test_a_new_version_hears_all_again_while_the_old_values_serve(server: RunningServer, client: httpx.Client) -> None:
    names = ("a.flac", "b.flac", "tone.flac")
    before = {name: analysis(client, name) for name in names}
    energies = [one["id"] for one in client.get("/api/tracks?sort=energy").json()["items"]]
    server.do("analyse.pause", paused=True)
    with server_database(server) as run:
        run("UPDATE analysis SET version = 0 WHERE state = 'done'")
        run("UPDATE sound.sound SET version = 0")
    status = server.do("analyse.status")
    assert status["left"] == status["done"] >= 6
    for name in names:
        assert analysis(client, name)["values"] == before[name]["values"]
        assert client.get(f"/api/similar/{tracks(client)[name]['id']}").json()["items"]
    assert [one["id"] for one in client.get("/api/tracks?sort=energy").json()["items"]] == energies
    server.do("analyse.pause", paused=False)
    deadline = time.monotonic() + WAIT_S
    while server.do("analyse.status")["left"]:
        assert time.monotonic() < deadline
        assert {analysis(client, name)["state"] for name in names} == {"done"}
    for name in names:
        again = analysis(client, name)
        assert again["version"] == before[name]["version"]
        assert again["values"] == before[name]["values"], "the analysis of a file is deterministic"


def test_explicit_by_tag_by_lyrics_and_by_hand(server: RunningServer, client: httpx.Client) -> None:
    held = tracks(client)
    subsonic = {"u": "admin", "p": server.token(name="explicit"), "v": "1.16.1", "c": "test", "f": "json"}

    def told(name: str) -> tuple[dict[str, Any], str, Any]:
        song = client.get("/rest/getSong", params=subsonic | {"id": held[name]["id"]}).json()["subsonic-response"]["song"]
        return analysis(client, name)["explicit"], song["explicitStatus"], tracks(client)[name]["explicit"]

    def correct(name: str, value: int | None) -> httpx.Response:
        return client.patch(f"/api/tracks/{held[name]['id']}/analysis", json={"values": {"explicit": value}})

    nothing = {"language": None, "words": 0}
    assert told("a.flac") == ({"value": True, "origin": "tag", **nothing}, "explicit", True)
    assert told("b.flac") == ({"value": None, "origin": None, **nothing}, "", None)
    assert told("tone.flac") == ({"value": True, "origin": "lyrics", "language": None, "words": 1}, "", None)
    for name, before in [(name, told(name)) for name in ("a.flac", "b.flac", "tone.flac")]:
        answer = correct(name, 0)
        assert STRONG not in answer.text
        assert answer.json()["explicit"] == {"value": False, "origin": "corrected", **nothing}
        assert "explicit" not in answer.json()["values"]
        assert told(name)[1:] == ("clean", False)
        correct(name, 1)
        assert told(name)[1:] == ("explicit", True)
        correct(name, None)
        assert told(name) == before
    for wrong in (0.5, 2, -1):
        assert correct("a.flac", wrong).status_code == 400  # type: ignore[arg-type]


def server_database(server: RunningServer) -> Any:
    """Statements run over both files, as an upgrade would."""

    @contextmanager
    def opened() -> Iterator[Any]:
        connection = sqlite3.connect(server.data / "segue.db", timeout=30)
        connection.execute("ATTACH ? AS sound", (str(server.data / "sound.db"),))
        yield connection.execute
        connection.commit()
        connection.close()

    return opened()


def test_orders_and_filters_by_sound_agree_with_the_analysis(client: httpx.Client) -> None:
    def value(one: dict[str, Any], name: str) -> float:
        found = client.get(f"/api/tracks/{one['id']}/analysis").json()["values"][name]["value"]
        assert isinstance(found, float | int)
        return found

    energies = [value(one, "energy") for one in client.get("/api/tracks?sort=energy").json()["items"]]
    assert energies == sorted(energies)
    assert len(energies) >= 5
    high = client.get(f"/api/tracks?energy={energies[2]}..").json()
    assert high["total"] == sum(one >= energies[2] for one in energies)
    assert client.get("/api/tracks?tempo=fast").status_code == 400
    assert client.get("/api/tracks?energy=nan..").status_code == 400


def test_the_map_has_every_track_that_was_heard(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while (told := client.get("/api/map").json())["state"] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert len(told["ids"]) == len(set(told["ids"])) == len(told["x"]) == len(told["y"]) == len(told["genre"]) >= 6
    assert all(-1.5 <= one <= 1.5 for one in told["x"] + told["y"])


def test_a_pause_survives_a_restart_and_new_tags_and_places_cost_nothing(music: Path, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    shutil.copytree(music, folder)
    data = tmp_path / "data"
    with running_server(data, folder, analysis=True) as server:
        settled(server)
        with connected(server) as client:
            before = tracks(client)["a.flac"]
            heard = server.do("analyse.status")
        server.do("analyse.pause", paused=True)
    with server_files(data) as run:
        when = dict(run("SELECT payload_hash, heard_at FROM sound").fetchall())
    tagged = mutagen.flac.FLAC(folder / "a.flac")
    tagged["title"] = ["Another name"]
    tagged.save()
    (folder / "elsewhere").mkdir()
    (folder / "tone.flac").rename(folder / "elsewhere" / "tone again.flac")
    render(folder / "new.flac", "0.2*sin(2*PI*300*t*t)", seconds=5)
    with running_server(data, folder, analysis=True) as server:
        assert server.do("analyse.status")["state"] == "paused"
        with connected(server) as client:
            now = tracks(client)["a.flac"]
            assert (now["id"], now["title"]) == (before["id"], "Another name")
            assert client.get(f"/api/tracks/{now['id']}/analysis").json()["state"] == "done"
            assert client.get(f"/api/tracks/{tracks(client)['new.flac']['id']}/analysis").json()["state"] == "pending"
        server.do("analyse.pause", paused=False)
        assert settled(server)["done"] == heard["done"] + 1
    with server_files(data) as run:
        after = dict(run("SELECT payload_hash, heard_at FROM sound").fetchall())
    assert {key: after[key] for key in when} == when
    assert len(after) == len(when) + 1


def server_files(data: Path) -> Any:
    @contextmanager
    def opened() -> Iterator[Any]:
        connection = sqlite3.connect(data / "sound.db")
        yield connection.execute
        connection.close()

    return opened()


def test_killed_at_any_moment_it_goes_on_and_what_was_heard_is_found(music: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for wait_s in (1.5,):
        with running_server(data, music, analysis=True) as server:
            time.sleep(wait_s)
            server.kill()
    with running_server(data, music, analysis=True) as server:
        status = settled(server)
        assert status["done"] + status["failed"] == status["total"]
        with connected(server) as client:
            assert client.get(f"/api/similar/{tracks(client)['a.flac']['id']}").json()["items"]


def test_analyses_are_carried_to_another_server(server: RunningServer, client: httpx.Client, music: Path, tmp_path: Path) -> None:
    carried = tmp_path / "sounds.segue"
    made = server.do("analyse.export", target=str(carried))
    assert made["sounds"] >= 6
    data = tmp_path / "other"
    with running_server(data, music) as other:  # it does not listen by itself
        for length in (0, 10, carried.stat().st_size // 2, carried.stat().st_size - 3):
            short = tmp_path / "short"
            short.write_bytes(carried.read_bytes()[:length])
            refused = other.segue("analyse", "import", str(short), check=False)
            assert refused.returncode == 1
            assert "Nothing of it was kept" in " ".join(refused.stderr.split())
        assert other.do("analyse.import", source=str(carried)) == {"kept": made["sounds"], "met": made["sounds"]}
        assert other.do("analyse.import", source=str(carried))["kept"] == 0
        started = time.monotonic()
        assert settled_by_hand(other)["left"] == 0
        assert time.monotonic() - started < 120
        with connected(other) as theirs:
            assert analysis(theirs, "a.flac")["values"] == analysis(client, "a.flac")["values"] | {}
            assert theirs.get(f"/api/similar/{tracks(theirs)['b.flac']['id']}").json()["items"]


def settled_by_hand(server: RunningServer) -> dict[str, Any]:
    found: dict[str, Any] = server.do("analyse")
    return found
