"""What the common exporters of Last.fm scrobbles write: each gives the same ids."""

import json
from pathlib import Path
from typing import Any

import pytest

from segue.errors import BadRequest
from segue.imports import detect, read_export

from .exports import read, written, zipped

MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
AT = 1_457_805_780  # 2016-03-12 18:03:00 UTC


def track(title: str = "Kites", uts: int = AT, **more: Any) -> dict[str, Any]:
    return {
        "artist": {"mbid": "", "#text": "The Paper Moons"},
        "streamable": "0",
        "image": [{"size": "small", "#text": "https://example.org/a.png"}],
        "mbid": MBID,
        "album": {"mbid": "", "#text": "Aloft"},
        "name": title,
        "url": "https://example.org/kites",
        "date": {"uts": str(uts), "#text": "12 Mar 2016, 18:03"},
        **more,
    }


PLAYING = {key: value for key, value in track().items() if key != "date"} | {"@attr": {"nowplaying": "true"}}
SHAPES: dict[str, Any] = {
    "bare.csv": "The Paper Moons,Aloft,Kites,\n"
    '"The Paper Moons",Aloft,Kites,12 Mar 2016 18:03\n"Moons, The","Al""oft",Sea,13 Mar 2016 00:00\n',
    "header.csv": "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\r\n"
    f'"{AT}","12 Mar 2016, 18:03","The Paper Moons","","Aloft","","Kites","{MBID}"\r\n'
    '"1457827200","13 Mar 2016, 00:00","Moons, The","","Al""oft","","Sea",""\r\n',
    "stats.csv": "Artist;Album;AlbumId;Track;Date#ada\n"
    f'"The Paper Moons";"Aloft";"x";"Kites";"{AT}000"\n"Moons, The";"Al""oft";"";"Sea";"1457827200000"\n',
    "stats.json": {
        "username": "ada",
        "scrobbles": [
            {"track": "Kites", "artist": "The Paper Moons", "album": "Aloft", "albumId": "x", "date": AT * 1_000},
            {"track": "Sea", "artist": "Moons, The", "album": 'Al"oft', "albumId": "", "date": 1_457_827_200_000},
        ],
    },
    "page.json": {
        "recenttracks": {
            "track": [PLAYING, track(), track("Sea", 1_457_827_200, artist={"name": "Moons, The", "image": []}, album={"#text": 'Al"oft'})],
            "@attr": {"user": "ada", "page": "1"},
        }
    },
    "pages.json": [
        {"track": [PLAYING, track()], "@attr": {"page": "1"}},
        {"@attr": {"page": "2"}, "track": track("Sea", 1_457_827_200, artist={"#text": "Moons, The"}, album={"#text": 'Al"oft'})},
    ],
    "flat.json": [track(), track("Sea", 1_457_827_200, artist="Moons, The", album='Al"oft')],
    "nested.json": [[track()], [track("Sea", 1_457_827_200, artist="Moons, The", album='Al"oft')]],
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_tells_the_same(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, SHAPES[name])
    assert detect(path) == "lastfm"
    plays, unreadable = read("lastfm", path)
    assert not unreadable
    assert [(p.started_at, p.artist, p.title, p.album) for p in plays] == [
        (AT * 1_000, "The Paper Moons", "Kites", "Aloft"),
        (1_457_827_200_000, "Moons, The", "Sea", 'Al"oft'),
    ]
    assert [(p.outcome, p.played_ms, p.private, p.type) for p in plays] == [(None, None, False, "music")] * 2
    assert plays[0].mbid == (MBID if name in ("header.csv", "page.json", "pages.json", "flat.json", "nested.json") else None)
    (first, second), _ = read("lastfm", written(tmp_path / "again.csv", SHAPES["bare.csv"]))
    assert [p.entry_id for p in plays] == [first.entry_id, second.entry_id]


def test_seconds_do_not_change_the_id_and_minutes_do(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", [track(), track(uts=AT + 59), track(uts=AT + 60)])
    (one, same, other), _ = read("lastfm", path)
    assert one.entry_id == same.entry_id != other.entry_id
    assert same.started_at == one.started_at + 59_000


def test_a_zip_and_a_folder_of_files(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "all.zip", {"a/page1.json": json.dumps(SHAPES["page.json"]), "b.csv": SHAPES["stats.csv"], "x.csv": "no\n"})
    assert len(read("lastfm", archive)[0]) == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_csv(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path / "a.csv", "Beyoncé,Été,“Déjà”,12 Mar 2016 18:03\n".encode(encoding))
    (play,), _ = read("lastfm", path)
    assert (play.artist, play.album, play.title) == ("Beyoncé", "Été", "“Déjà”")


def test_encodings_may_change_between_rows(tmp_path: Path) -> None:
    row = "Beyoncé,Été,Déjà,12 Mar 2016 18:03\n"
    plays, _ = read("lastfm", written(tmp_path / "a.csv", row.encode() + row.encode("cp1252") + b"\xed\xa0\x80,a,t\0,12 Mar 2016 18:03\n"))
    assert [(p.artist, p.title) for p in plays] == [("Beyoncé", "Déjà"), ("Beyoncé", "Déjà"), ("\ufffd\ufffd"[:1], "t")]


def test_rows_that_cannot_be_read_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = "a,b,c,12 Mar 2016 18:03\n"
    rows = [
        good,
        "a,b\n",
        ",b,c,12 Mar 2016 18:03\n",
        "a,b,c,32 Mar 2016 18:03\n",
        "a,b,c,12 Mär 2016 18:03\n",
        "a,b,c,01 Jan 0001 00:00\n",
        f"a,b,{'x' * 200_000},12 Mar 2016 18:03\n",
        f"a,b,{'x' * 5_000_000},12 Mar 2016 18:03\n",
        "\n",
        "a,b,c,\n",
        good,
        'a,b,"c',
    ]
    plays, unreadable = read("lastfm", written(tmp_path / "a.csv", "".join(rows)))
    assert len(plays) == 2
    assert [one.where for one in unreadable] == [f"a.csv, entry {n}" for n in (2, 3, 4, 5, 6, 7, 8, 12)]


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    for text in ("name,age\nada,3\n", "", "\0\0\0", "a,b,c,d\n", "<html></html>"):
        with pytest.raises(BadRequest, match=r"no listening history of Last\.fm"):
            read_export("lastfm", written(tmp_path / "a.csv", text))
