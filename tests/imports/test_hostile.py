"""Exports that are damaged, enormous or made to harm: what can be read is read, the rest is told of, and nothing falls over."""

import json
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue.errors import BadRequest
from segue.imports import Unreadable, detect, read_export
from segue.imports._source import MAX_PARTS

from .exports import listen, read, spotify_entry, written, zipped

NAME = "Streaming_History_Audio_2021_0.json"


def refused(path: Path, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        read_export("spotify", path)


# -- entries -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "started_at", "played_ms"),
    [
        ({"ms_played": -5}, 1_614_834_367_000, None),
        ({"ms_played": 10**15}, 1_614_834_367_000, None),
        ({"ts": "9999-12-31T23:59:59Z", "ms_played": 0}, 253_402_300_799_000, 0),
        ({"ts": "2999-01-01T00:00:00+00:00", "ms_played": 0}, 32_472_144_000_000, 0),
        ({"ts": "1970-01-01T00:00:01Z", "ms_played": 5_000}, 0, 5_000),
        ({"shuffle": [], "offline": {}, "platform": 7, "conn_country": [], "reason_start": {}}, 1_614_834_187_000, 180_000),
    ],
)
def test_odd_values_are_kept_within_reason(tmp_path: Path, more: dict[str, Any], started_at: int, played_ms: int | None) -> None:
    (play,), unreadable = read("spotify", written(tmp_path / NAME, [spotify_entry(**more)]))
    assert not unreadable
    assert (play.started_at, play.played_ms) == (started_at, played_ms)


BAD: list[Any] = [
    spotify_entry(ts=None),
    spotify_entry(ts=1_614_834_367),
    spotify_entry(ts="yesterday"),
    spotify_entry(ts="0001-01-01T00:00:00Z"),
    spotify_entry(ts="0001-01-01T00:00:00+14:00"),
    spotify_entry(ts="9999-12-31T23:59:59-14:00"),
    spotify_entry(ts="9" * 10_000),
    spotify_entry(ms_played="long"),
    spotify_entry(ms_played=None),
    spotify_entry(ms_played=1.5),
    spotify_entry(master_metadata_track_name=7),
    spotify_entry(master_metadata_track_name=" \0 "),
    spotify_entry(spotify_track_uri={}),
    {},
    {"ts": []},
]


DEEP = "[" * 900 + "]" * 900


def test_wrong_types_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    data = json.dumps([*BAD, spotify_entry()])[:-1] + f', {{"ms_played": 1{"0" * 5_000}}}, {{"ts": "a" "b"}}, {{"x": {DEEP}}}]'
    plays, unreadable = read("spotify", written(tmp_path / NAME, data))
    assert len(plays) == 1
    assert len(unreadable) == len(BAD) + 3
    assert {one.where for one in unreadable} >= {f"{NAME}, entry {n + 1}" for n in range(len(BAD))}


def test_texts_are_shortened_and_cleaned(tmp_path: Path) -> None:
    entries = [
        spotify_entry(master_metadata_track_name="\0a\0" + "ü" * 100_000),
        spotify_entry(master_metadata_track_name="x" * 10_000_000),
        spotify_entry(platform="p" * 5_000),
    ]
    plays, (long,) = read("spotify", written(tmp_path / NAME, json.dumps(entries)))
    assert plays[0].title == "a" + "ü" * 999
    assert long.where == f"{NAME}, entry 2"
    assert plays[1].context is not None
    assert len(plays[1].context["platform"]) == 100


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-sig"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = json.dumps([spotify_entry(master_metadata_track_name=f"Été 🎵 {n}") for n in range(3_000)], ensure_ascii=False)
    data = b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-sig" else text.encode(encoding)
    plays, unreadable = read("spotify", written(tmp_path / NAME, data))
    assert not unreadable
    assert [play.title for play in plays] == [f"Été 🎵 {n}" for n in range(3_000)]


def test_surrogates_and_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    def named(name: bytes) -> bytes:
        return json.dumps(spotify_entry(master_metadata_track_name="NAME")).encode().replace(b"NAME", name)

    names = [
        rb"a\ud800b",
        rb"\udc00",
        rb"\ud83c\udfb5\ud83c",
        rb"\\ud800",
        b"Caf\xe9",
        b"\xed\xa0\xbc\xed\xbe\xb5",
        b"Caf\xc3\xa9",
        b"a\xed\xa0\x80",
    ]
    data = b"[" + b",".join(map(named, names)) + b"]"
    plays, unreadable = read("spotify", written(tmp_path / NAME, data))
    assert not unreadable
    assert [play.title for play in plays] == ["a\ufffdb", "\ufffd", "🎵\ufffd", "\\ud800", "Café", "🎵", "Café", "a\ufffd"]
    for play in plays:
        play.title.encode()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.sampled_from(["spotify", "listenbrainz", "lastfm"]))
def test_damaged_bytes_never_raise(tmp_path: Path, seed: int, service: Any) -> None:
    chance = random.Random(seed)
    entries = {
        "spotify": json.dumps([spotify_entry(), spotify_entry(ms_played=2)]),
        "listenbrainz": json.dumps(listen()) + "\n" + json.dumps(listen()),
        "lastfm": "Artist;Album;AlbumId;Track;Date#a\n" + 'a;"b";;"c";"1457805780000"\n' * 8,
    }
    data = bytearray(entries[service].encode())
    for _ in range(chance.randint(1, 20)):
        at = chance.randrange(40, len(data))
        data[at : at + chance.choice((0, 1, 1, 5))] = chance.randbytes(chance.choice((0, 1, 1, 3)))
    path = written(tmp_path / "export.txt", bytes(data))
    try:
        found = list(read_export(service, path))
    except BadRequest:
        return
    for one in found:
        if not isinstance(one, Unreadable):
            assert one.title
            assert one.artist
            assert "\0" not in one.title + one.artist
            assert one.started_at >= 0


# -- files -------------------------------------------------------------------------------------------------------------


def test_truncated_json_keeps_what_came_before(tmp_path: Path) -> None:
    data = json.dumps([spotify_entry(ms_played=n) for n in range(100)])[:-300]
    plays, (cut,) = read("spotify", written(tmp_path / NAME, data))
    assert len(plays) == 99
    assert cut.where == f"{NAME}, entry 100"


def test_a_damaged_member_keeps_what_came_before_and_the_others(tmp_path: Path) -> None:
    chance = random.Random(1)
    entries = [spotify_entry(ms_played=n, platform=str(chance.random())) for n in range(20_000)]
    path = zipped(tmp_path / "a.zip", {NAME: json.dumps(entries), "endsong_0.json": json.dumps([spotify_entry()]), "endsong_1.json": ""})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    path.write_bytes(data)
    plays, unreadable = read("spotify", path)
    assert len(plays) > 1_000
    assert plays[-1].played_ms == 180_000
    assert {one.where.split(",")[0] for one in unreadable} == {NAME, "endsong_1.json"}


def test_truncated_zips_are_refused(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", {NAME: json.dumps([spotify_entry()])}).read_bytes()
    for end in (4, 30, len(whole) // 2, len(whole) - 1):
        refused(written(tmp_path / "b.zip", whole[:end]), "damaged or was not downloaded to its end")


def patched(path: Path, change: Callable[[bytearray, int, int], None]) -> Path:
    """With the first member's local header and directory entry changed."""
    data = bytearray(path.read_bytes())
    change(data, data.index(b"PK\3\4"), data.index(b"PK\1\2"))
    path.write_bytes(data)
    return path


def test_encrypted_members_are_told_and_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    def encrypt(data: bytearray, local: int, central: int) -> None:
        data[local + 6] |= 1
        data[central + 8] |= 1

    entries = json.dumps([spotify_entry()])
    refused(patched(zipped(tmp_path / "a.zip", {NAME: entries}), encrypt), "protected by a password")
    plays, (locked,) = read("spotify", patched(zipped(tmp_path / "b.zip", {NAME: entries, "endsong_1.json": entries}), encrypt))
    assert len(plays) == 1
    assert locked.where == NAME
    assert "password" in locked.why


def test_other_ways_of_packing_are_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(NAME, json.dumps([spotify_entry()]), zipfile.ZIP_LZMA)
    plays, (told,) = read("spotify", tmp_path / "a.zip")
    assert not plays
    assert "packed in a way" in told.why


def test_bombs_are_refused(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "a.zip", {NAME: b"[" + b" " * (11 << 20) + b"]"}), "unpacks to over 200 times")

    def claim(data: bytearray, local: int, central: int) -> None:
        data[central + 20 : central + 28] = struct.pack("<II", 0xF0000000, 0xFFFFFFF0)
        second = data.index(b"PK\1\2", central + 4)
        third = data.index(b"PK\1\2", second + 4)
        for at in (second, third):
            data[at + 20 : at + 28] = struct.pack("<II", 0xF0000000, 0xFFFFFFF0)

    members = {f"endsong_{n}.json": json.dumps([spotify_entry()]) for n in range(3)}
    refused(patched(zipped(tmp_path / "b.zip", members), claim), "more than 8 GiB")


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for n in range(MAX_PARTS + 1):
            archive.writestr(str(n), b"")
    refused(tmp_path / "a.zip", "more than 20000")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for n in range(100):
            archive.writestr(f"{n}" + "x" * 60_000, b"")
    refused(tmp_path / "b.zip", "too many files")


def test_names_are_never_paths_and_are_shown_shortened(tmp_path: Path) -> None:
    long = "endsong_" + "n" * 300 + "\x1b[31m.json"
    (tmp_path / "in").mkdir()
    path = zipped(tmp_path / "in" / "a.zip", {"../../endsong_0.json": "[{}]", "/etc/" + long: "[{}]"})
    before = sorted(tmp_path.rglob("*"))
    plays, unreadable = read("spotify", path)
    assert not plays
    assert unreadable[0].where == "endsong_0.json, entry 1"
    assert unreadable[1].where.startswith("endsong_nnn")
    for one in unreadable:
        assert len(one.where) < 100
        assert one.where.isprintable()
        assert "/" not in one.where
    assert sorted(tmp_path.rglob("*")) == before


def test_nested_zips_and_links_are_left_alone(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "my_spotify_data.zip", {NAME: json.dumps([spotify_entry()])})
    refused(zipped(tmp_path / "outer.zip", {"my_spotify_data.zip": inner.read_bytes()}), "zips in here, which are not looked into")
    written(tmp_path / "elsewhere" / NAME, [spotify_entry()])
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / NAME).symlink_to(tmp_path / "elsewhere" / NAME)
    (folder / "sub").symlink_to(tmp_path / "elsewhere")
    refused(folder, "no listening history of Spotify")


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "missing", "no such file")
    refused(Path("/dev/null"), "no such file")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "Expected the zip that Spotify sends")
    refused(written(tmp_path / "a.json", "[]"), "no listening history of Spotify")
    refused(written(tmp_path / "b.zip", b"PK\3\4" + bytes(100)), "damaged")
    with pytest.raises(BadRequest, match="known here"):
        detect(written(tmp_path / "c.json", "{}"))
    with pytest.raises(BadRequest, match="no import from"):
        read_export("tidal", tmp_path / "a.json")  # type: ignore[arg-type]


def test_progress_goes_from_nothing_to_all(tmp_path: Path) -> None:
    entries = json.dumps([spotify_entry(ms_played=n) for n in range(2_000)])
    told: list[tuple[int, int]] = []
    for _ in read_export("spotify", zipped(tmp_path / "a.zip", {NAME: entries, "endsong_0.json": entries}), lambda *at: told.append(at)):
        pass
    assert told[0] == (0, 2 * len(entries))
    assert told[-1] == (2 * len(entries), 2 * len(entries))
    assert told == sorted(told)
    assert len(told) > 6


# -- memory ------------------------------------------------------------------------------------------------------------

READ = """
import sys
from pathlib import Path
from segue.imports import read_export
n = sum(1 for _ in read_export(sys.argv[1], Path(sys.argv[2])))
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(n, int(peak.split()[1]) // 1024)  # getrusage would tell of the parent, whose memory a fork shares
"""


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["array.json", "array.zip", "string.json"])
def test_200_mb_are_read_in_less_than_150_mb_of_memory(tmp_path: Path, shape: str) -> None:
    chance = random.Random(1)
    entries = [json.dumps(spotify_entry(platform=chance.randbytes(1_000).hex())).encode() for _ in range(50)]
    times = (200 << 20) // len(entries[0])
    path = tmp_path / shape

    def write(file: IO[bytes]) -> None:
        file.write(b"[" + entries[0])
        for n in range(times):
            if shape.startswith("array"):
                file.write(b"," + entries[n % 50])
            else:
                file.write(b"x" * len(entries[0]) if n else b',{"a":"')
        file.write(b"]")

    if shape == "array.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open(NAME, "w") as member:
            write(member)
    else:
        with path.open("wb") as file:
            write(file)
    done = subprocess.run([sys.executable, "-c", READ, "spotify", str(path)], capture_output=True, text=True, check=True, timeout=300)
    n, peak_mb = map(int, done.stdout.split())
    assert n == (times + 1 if shape.startswith("array") else 2)
    assert peak_mb < 150, f"{peak_mb} MB"
