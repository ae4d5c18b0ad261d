"""A new encoder is a new space: filled in the background, while the one before serves, and served once it is full."""

import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from segue.analyse._modelfile import METADATA_KEY, Described, Output, Waveform
from segue.testing.rendering import render
from segue.testing.server import RunningServer, running_server

WAIT_S = 240
SAMPLES = 8_000


def tiny_model(path: Path) -> Path:
    """Eight means of half a second, and a fixed part."""
    described = Described(
        name="tiny", version="1", licence="CC0-1.0", dimension=8, sample_rate_hz=16_000, window_s=SAMPLES / 16_000, excerpts=4,
        input=Waveform(tensor="in"), output=Output(embedding="out"),
    )  # fmt: skip
    constants = [
        numpy_helper.from_array(np.array([-1, 8, SAMPLES // 8], np.int64), "shape"),
        numpy_helper.from_array(np.array([2], np.int64), "axis"),
        numpy_helper.from_array(np.linspace(0.1, 0.8, 8, dtype=np.float32), "added"),
    ]
    nodes = [
        helper.make_node("Reshape", ["in", "shape"], ["stretches"]),
        helper.make_node("ReduceMean", ["stretches", "axis"], ["means"], keepdims=0),
        helper.make_node("Add", ["means", "added"], ["out"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in (("in", SAMPLES), ("out", 8))]
    made = helper.make_model(
        helper.make_graph(nodes, "g", ends[:1], ends[1:], constants), opset_imports=[helper.make_opsetid("", 18)], ir_version=9
    )
    helper.set_model_props(made, {METADATA_KEY: msgspec.json.encode(described).decode()})
    onnx.save(made, str(path))
    return path


def until(server: RunningServer, ready: Any, each: Any = lambda status: None) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        status: dict[str, Any] = server.do("analyse.status")
        each(status)
        if ready(status):
            return status
        time.sleep(0.1)
    raise AssertionError(f"it never came: {server.do('analyse.status')}")


def test_the_old_space_serves_until_the_new_one_is_full(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for number in range(8):
        render(music / f"{number}.flac", f"0.2*sin(2*PI*{200 + 90 * number}*t)*(1+sin(2*PI*{number + 1}*t))/2", seconds=4)
    model = tiny_model(tmp_path / "tiny.onnx")
    with running_server(tmp_path / "data", music, analysis=True) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        client.post("/api/session", json={"name": server.admin, "password": server.password}).raise_for_status()
        before = until(server, lambda told: told["total"] and not told["left"] and told["serving"])
        old = before["encoder"]
        assert before["serving"] == old
        ids = [one["id"] for one in client.get("/api/tracks").json()["items"]]
        answered: list[str] = []

        def alike(status: dict[str, Any]) -> None:
            answer = client.get(f"/api/similar/{ids[len(answered) % len(ids)]}").json()
            assert len(answer["items"]) == len(ids) - 1, "alike is answered all the time"
            answered.append(answer["space"])
            if status["left"]:
                assert status["serving"] == old

        server.do("analyse.pause", paused=True)
        server.segue("encoder", "add", str(model))
        server.segue("encoder", "use", "tiny")
        waiting = server.do("analyse.status")
        assert (waiting["encoder"], waiting["serving"], waiting["left"]) == ("tiny", old, len(ids))
        alike(waiting)
        server.do("analyse.pause", paused=False)
        after = until(server, lambda told: told["serving"] == "tiny", alike)
        assert (after["left"], after["failed"]) == (0, 0)
        alike(after)
        assert list(dict.fromkeys(answered)) == [old, "tiny"]

        # Back to the one before: it is full, so it serves at once.
        server.segue("encoder", "use", old)
        until(server, lambda told: told["serving"] == old)
        assert client.get(f"/api/similar/{ids[0]}").json()["space"] == old
    with running_server(tmp_path / "data", music, scan=False) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        client.post("/api/session", json={"name": server.admin, "password": server.password}).raise_for_status()
        until(server, lambda told: told["serving"] == old)
        assert len(client.get(f"/api/similar/{ids[0]}").json()["items"]) == len(ids) - 1
