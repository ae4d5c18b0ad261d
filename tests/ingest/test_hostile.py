"""Bad input: each file gives a finding or a harmless track, the scan goes on, and the reader stays within its bounds."""

import os
import time
from pathlib import Path

import httpx
import mutagen
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue.ingest._workers import Item, TagWorker
from segue.testing.hostile import make_hostile_folder
from segue.testing.libraries import library_over
from segue.testing.server import running_server
from segue.testing.tones import FORMATS, id3, suffix, tagged_flac, tone
from segue_tagworker import _interpret, _lyrics, _payload


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with hostile ``music`` and room for the ``data`` of those who scan it; what is wrong with each file."""
    folder = tmp_path_factory.mktemp("hostile")
    return folder, make_hostile_folder(folder / "music")


def test_a_scan_survives_them_all(hostile: tuple[Path, dict[str, str]]) -> None:
    folder, wrong = hostile
    music = folder / "music"
    with library_over(music, folder / "data") as library:
        started = time.monotonic()
        report = library.scan()
        assert time.monotonic() - started < 60
        tracks = library.tracks()
        missing = {path for path in wrong if path.startswith("fine")} - set(tracks)
        assert missing == set()
        found = {os.path.relpath(finding.path, music) for finding in report.findings}
        silent = {path for path in wrong if path not in found and path not in tracks}
        assert silent == set(), "each bad file is told of"
        assert all(finding.message.strip() for finding in report.findings)
        assert library.scan().findings == report.findings, "told again, and not read again"
        assert len(tracks["fine many genres.flac"].genres) == 64
        assert not set(tracks["fine controls.flac"].title) & set("\0\x1b\u202e\n")
        assert len(tracks["fine controls.flac"].artist) <= 1024
        assert tracks["fine eight channels.wav"].channels == 8
        assert tracks["fine three hours.wav"].duration_ms == 10_800_000


def test_a_server_serves_beside_them(hostile: tuple[Path, dict[str, str]]) -> None:
    folder, _ = hostile
    with running_server(folder / "data", folder / "music") as server:
        http = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token()}"}, timeout=60)
        tracks = http.get("/api/tracks?limit=100").json()["items"]
        for track in tracks:
            for query in ("", "?format=opus&bitrate_kbps=32&start_ms=200"):
                if track["duration_ms"] < 100_000:
                    answer = http.get(f"/api/tracks/{track['id']}/stream{query}")
                    # 503: a busy machine may not give the first byte of a file with a tag of 50 MB in time, and says so.
                    assert answer.status_code in {200, 422, 503}, (track["title"], answer.text)
            if track["art"]:
                assert http.get(f"/api/art/{track['art']}?size=300").status_code in {200, 404, 422}
        assert http.get("/api/findings?limit=100").json()["total"] >= 10
        assert http.get("/rest/search3?query=&f=xml&apiKey=x").status_code == 200
        assert http.get("/readyz").status_code == 200


@pytest.fixture(scope="module")
def worker() -> TagWorker:
    return TagWorker()


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(FORMATS), st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=12))
def test_the_reader_answers_whatever_the_bytes(
    tmp_path_factory: pytest.TempPathFactory, worker: TagWorker, format: str, cuts: list[tuple[int, bytes]]
) -> None:
    data = bytearray(tone(format))
    if format == "mp3":
        data = bytearray(id3([("TIT2", "Title"), ("TCON", "Genre")])) + data
    if format == "flac":
        data = bytearray(tagged_flac(bytes(data), [("TITLE", "Title"), ("GENRE", "Genre")]))
    for at, value in cuts:
        data[at % len(data) : at % len(data) + len(value)] = value
    path = tmp_path_factory.mktemp("fuzz") / f"file.{suffix(format)}"
    path.write_bytes(data)
    [answer] = worker.read([Item(str(path))])
    assert (answer.record is None) != (answer.error is None)


@pytest.mark.parametrize("format", FORMATS)
def test_the_quick_hash_outlives_retagging(tmp_path: Path, worker: TagWorker, format: str) -> None:
    path = tmp_path / f"file.{suffix(format)}"
    path.write_bytes(tone(format, seconds=4))
    hashes = set()
    for words in ("short", "long " * 2000, "x"):
        file = mutagen.File(path)
        if file.tags is None:
            file.add_tags()
        if format in {"mp3", "wav", "aiff"}:
            file.tags.add(mutagen.id3.TIT2(encoding=3, text=words))
        elif format in {"m4a", "alac"}:
            file["\xa9nam"] = words
        else:
            file["Title" if format in {"wma", "wv"} else "title"] = words
        file.save()
        [answer] = worker.read([Item(str(path))])
        assert answer.record
        hashes.add(answer.record.quick_hash)  # type: ignore[union-attr]
    assert len(hashes) == 1
    assert hashes != {None}
    path.write_bytes(tone(format, hz=880, seconds=4))
    [other] = worker.read([Item(str(path))])
    assert other.record
    assert other.record.quick_hash not in hashes  # type: ignore[union-attr]


@given(st.lists(st.text(max_size=40), max_size=5), st.booleans(), st.booleans())
def test_splitting_keeps_what_was_split(values: list[str], slashes: bool, people: bool) -> None:
    out = _interpret.split(values, slashes=slashes, people=people)
    assert len(out) == len(set(out))
    assert all(name.strip() == name and name for name in out)
    assert _interpret.split(out, slashes=False, people=False) == _interpret.split(
        _interpret.split(out, slashes=False, people=False), slashes=False, people=False
    )


def test_the_splitting_rule_by_example() -> None:
    def split(*values: str, slashes: bool = False, people: bool = True) -> list[str]:
        return _interpret.split(list(values), slashes=slashes, people=people)

    assert split("AC/DC", slashes=True) == ["AC/DC"]
    assert split("Simon/Garfunkel", slashes=True) == ["Simon", "Garfunkel"]
    assert split("Simon/Garfunkel") == ["Simon/Garfunkel"]
    assert split("A; B / C") == ["A", "B", "C"]
    assert split("Anna feat. Ben", "Anna (ft. Cleo)") == ["Anna", "Ben", "Cleo"]
    assert split("Rock & Roll; Soul", people=False) == ["Rock & Roll", "Soul"]


@given(st.text(max_size=300))
def test_any_text_is_lyrics_or_nothing(text: str) -> None:
    words = _lyrics.parse(text, "xxx", "sidecar")
    if words and words["synced"]:
        assert [line[0] for line in words["lines"]] == sorted(line[0] for line in words["lines"])


def test_lrc_by_example() -> None:
    words = _lyrics.parse("[ar:x]\n[offset:-250]\n[00:02.5][00:01.50]Twice\n[01:00]Once <00:01.0>more\n", "eng", "sidecar")
    assert words
    assert words["lines"] == [[1500, "Twice"], [2500, "Twice"], [60_000, "Once more"]]
    assert (words["offset_ms"], words["synced"]) == (-250, True)
    assert _payload.EDGE == 65536
