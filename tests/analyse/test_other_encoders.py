"""Encoders of the shapes of CLAP, MERT and Discogs-EffNet, added, chosen and heard with by a real server; and words for a beginning."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from segue.analyse import AnalysisWorker, Ask, add_model
from segue.analyse._hear import Ear
from segue.analyse._text import load_text
from segue.analyse.kept import Sounds, Task
from segue.config import Config
from segue.errors import BadRequest
from segue.flow.asked import Texts
from segue.flow.recordings import Recordings
from segue.flow.similar import Similar
from segue.flow.sound import SoundFlow
from segue.parts import assemble
from segue.store import Database, DataDir
from segue.testing.libraries import library_over
from segue.testing.rendering import render
from segue.testing.server import RunningServer, running_server

from . import towers

WAIT_S = 300

SOUNDS = {
    "low": "0.4*sin(2*PI*110*t)*(1+sin(2*PI*2*t))/2",
    "middle": "0.4*sin(2*PI*700*t)*(1+sin(2*PI*5*t))/2",
    "high": "0.4*sin(2*PI*12000*t)*(1+sin(2*PI*3*t))/2",
    "noise": "0.3*(random(0)*2-1)",
}


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for name, sound in SOUNDS.items():
        render(folder / f"{name}.flac", sound, seconds=12, rate=48_000)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data") / "data"


@pytest.fixture(scope="module")
def server(data: Path, music: Path) -> Iterator[RunningServer]:
    with running_server(data, music, analysis=True) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=120) as client:
        client.post("/api/session", json={"name": server.admin, "password": server.password}).raise_for_status()
        yield client


def until(server: RunningServer, ready: Any) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        status: dict[str, Any] = server.do("analyse.status")
        if ready(status):
            return status
        time.sleep(0.1)
    raise AssertionError(f"it never came: {server.do('analyse.status')}")


def tracks(client: httpx.Client) -> dict[str, str]:
    return {one["title"]: one["id"] for one in client.get("/api/tracks").json()["items"]}


def listed(server: RunningServer) -> dict[str, Any]:
    return {one["name"]: one for one in server.do("encoder.list")["encoders"]}


def used(server: RunningServer, made: Path, name: str) -> None:
    server.segue("encoder", "add", str(made))
    server.segue("encoder", "use", name)
    status = until(server, lambda told: told["serving"] == name and not told["left"])
    assert (status["done"], status["failed"]) == (len(SOUNDS), 0)


@pytest.mark.parametrize(
    ("make", "name", "dimension", "tags"),
    [(towers.mert, "mert", 768, 0), (towers.effnet, "discogs-effnet", 1280, 400), (towers.clap, "clap", 512, 0)],
)
def test_a_real_shape_is_added_chosen_and_answers(
    make: Any, name: str, dimension: int, tags: int, server: RunningServer, client: httpx.Client, tmp_path: Path
) -> None:
    used(server, make(tmp_path), name)
    told = listed(server)[name]
    assert (told["dimension"], told["tags"], told["used"], told["text"]) == (dimension, tags, True, name == "clap")
    ids = tracks(client)
    for id in ids.values():
        answer = client.get(f"/api/similar/{id}").json()
        assert answer["space"] == name
        assert {one["track"]["id"] for one in answer["items"]} == set(ids.values()) - {id}
    if tags:
        said = client.get(f"/api/tracks/{ids['low']}/analysis").json()
        assert said["tagger"] == name
        assert said["tags"][0]["name"] in towers.STYLES
    if name != "clap":
        refused = client.get("/api/similar", params={"text": "a slow piano"})
        assert refused.status_code == 400
        assert f"{name} has no text tower" in refused.text


def test_words_find_what_lies_near_them(server: RunningServer, client: httpx.Client, data: Path, music: Path) -> None:
    until(server, lambda told: told["serving"] == "clap" and not told["left"])
    model = Path(listed(server)["clap"]["path"])
    ids = tracks(client)
    answer = client.get("/api/similar", params={"text": "a slow piano", "limit": 3}).json()
    assert answer["space"] == "clap"
    assert len(answer["items"]) == 3
    similarities = [one["similarity"] for one in answer["items"]]
    assert similarities == sorted(similarities, reverse=True)
    text = np.frombuffer(load_text(model).encode("a slow piano").vector, "<f4")
    ear = Ear()
    for one in answer["items"]:
        path = os.fsencode(music / f"{next(name for name, id in ids.items() if id == one['track']['id'])}.flac")
        heard = ear.hear(Ask(path=path, duration_ms=12_000, encoders=(str(model),), only_encoders=True, descriptor=False))
        assert one["similarity"] == pytest.approx(float(np.frombuffer(heard.embedded[str(model)].vector, "<f4") @ text), abs=2e-3)
    assert client.get("/api/similar", params={"text": "  a slow   piano ", "limit": 3}).json() == answer
    for odd in ("'; DROP TABLE track; --", "</s>", "\x00", "🥁" * 400, "x" * 400):
        found = client.get("/api/similar", params={"text": odd})
        assert (found.status_code, len(found.json()["items"])) == (200, len(SOUNDS)), odd
    for params in ({"text": ""}, {"text": "   "}, {"text": "x" * 401}, {}, {"text": "x", "limit": "0"}, {"text": "x", "limit": "501"}):
        assert client.get("/api/similar", params=params).status_code == 400, params
    assert httpx.get(f"{server.url}/api/similar", params={"text": "x"}).status_code == 401


def test_a_listener_finds_by_words_only_what_is_granted(server: RunningServer, client: httpx.Client) -> None:
    until(server, lambda told: told["serving"] == "clap" and not told["left"])
    server.segue("user", "add", "outsider", "--password-stdin", stdin="outsider-password\n")
    server.segue("library", "grant", "1", "admin")
    with httpx.Client(base_url=server.url, timeout=60) as other:
        other.post("/api/session", json={"name": "outsider", "password": "outsider-password"}).raise_for_status()
        assert other.get("/api/similar", params={"text": "a slow piano"}).json()["items"] == []
    assert client.get("/api/similar", params={"text": "a slow piano"}).json()["items"]


def test_a_process_of_its_own_reads_text(server: RunningServer, client: httpx.Client) -> None:
    until(server, lambda told: told["serving"] == "clap" and not told["left"])
    client.get("/api/similar", params={"text": "something new"}).raise_for_status()
    children = psutil.Process().children(recursive=True)
    assert [one for one in children if one.cmdline()[-3:] == ["segue.analyse", "normal", "text"]]


def test_a_worker_is_kept_while_texts_come(server: RunningServer, client: httpx.Client, data: Path, tmp_path: Path) -> None:
    model = Path(listed(server)["clap"]["path"])
    with DataDir(tmp_path / "own") as own, assemble(own, Config()) as parts:
        space = parts.sound.sounds.space("clap", "htsat-unfused", listed(server)["clap"]["digest"], 512)
        texts = Texts(parts.similar, model.parent, warm_s=1.0)
        try:
            with pytest.raises(BadRequest, match="Nothing was heard"):
                texts.vector("rain")
            parts.similar.serve(space)
            assert texts.pid is None
            assert texts.vector("rain")[1].shape == (1, 512)
            pid = texts.pid
            assert pid is not None
            texts.vector("drums")
            assert texts.pid == pid
            psutil.Process(pid).wait(60)
            deadline = time.monotonic() + 60
            while texts.pid is not None:  # its end is about to be seen
                assert time.monotonic() < deadline
                time.sleep(0.05)
            texts.vector("rain")  # known: nothing is started
            assert texts.pid is None
            texts.vector("a guitar")
            assert texts.pid not in (None, pid)
        finally:
            texts.close()
        assert texts.pid is None


class Torn(SoundFlow):
    """Another encoder is chosen while the first track is being heard."""

    def _hear(self, worker: AnalysisWorker, task: Task) -> None:
        if self.model.name == "descriptor":
            keep = self.sounds.keep

            def torn(*args: Any) -> int:
                self.sounds.keep = keep  # type: ignore[method-assign]
                self.choose("mert")
                return keep(*args)

            self.sounds.keep = torn  # type: ignore[method-assign]
        super()._hear(worker, task)


def test_what_is_heard_while_another_encoder_is_chosen_is_heard_with_that_too(music: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    add_model(str(towers.mert(tmp_path)), models)
    with library_over(music, tmp_path / "data") as library:
        library.scan()
        db = Database(tmp_path / "sound.db")
        sounds = Sounds(db)
        similar = Similar(library.db, sounds, tmp_path / "index")
        flow = Torn(library.db, sounds, similar, Recordings(library.db, sounds, library.catalogue), models, priority="normal")
        try:
            flow.choose("descriptor")
            status = flow.run()
            assert (status.encoder, status.serving, status.done, status.left) == ("mert", "mert", len(SOUNDS), 0)
            assert len(similar) == len(SOUNDS)
        finally:
            flow.close()
            similar.close()
            db.close()
