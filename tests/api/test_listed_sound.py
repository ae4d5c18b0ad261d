"""Lists by how tracks sound: orders, ranges, the values beside each track, and tracks by their ids."""

import sqlite3

import httpx

from segue.testing.server import RunningServer


def test_lists_tell_and_follow_the_sound(server: RunningServer) -> None:
    http = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token(name='sound')}"}, timeout=60)
    items = http.get("/api/tracks?limit=4").json()["items"]
    ids = [one["id"] for one in items]
    assert all("sound" in one for one in items)
    rows = [(ids[0], 1, 140.0, 9.0, 0.0, 0.7), (ids[1], 2, 90.0, 0.0, 1.0, 0.2), (ids[2], None, None, None, None, None)]
    with sqlite3.connect(server.data / "segue.db", timeout=30) as database:
        for id, number, *values in rows:
            database.execute(
                "INSERT OR REPLACE INTO analysis (track_id, number, state, version, attempts, analysed_at, tempo_bpm, key, mode, energy)"
                " VALUES (?, ?, ?, 1, 1, 0, ?, ?, ?, ?)",
                (id, number, "done" if number else "failed", *values),
            )

    found = http.get("/api/tracks?sort=tempo&tempo=80..150").json()
    assert [one["id"] for one in found["items"]] == [ids[1], ids[0]]
    assert found["items"][1]["sound"] == {"tempo_bpm": 140.0, "key": 9.0, "mode": 0.0, "energy": 0.7}
    assert [one["id"] for one in http.get("/api/tracks?key=9&mode=0&energy=0.5..").json()["items"]] == [ids[0]]
    sounds = {one["id"]: one["sound"] for one in http.get("/api/tracks?limit=4").json()["items"]}
    assert sounds[ids[2]] is None  # it failed
    assert http.get("/api/tracks?tempo=fast").status_code == 400

    wanted = [ids[2], "0" * 22, ids[0]]
    assert [one["id"] for one in http.post("/api/tracks/by-id", json={"ids": wanted}).json()["items"]] == [ids[2], ids[0]]
    assert http.post("/api/tracks/by-id", json={"ids": ids * 126}).status_code == 400
