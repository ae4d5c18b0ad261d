"""What must hold of any scan, on real files.

music/
  Band/First/   01 One.mp3  02 Two.flac  03 Three.opus  cover.jpg
  Various/Hits/ 01 One.mp3  (the same recording as on First)
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import mutagen
import pytest
import sqlalchemy as sa

from segue.store import schema
from segue.testing.libraries import Scanned, library_over
from segue.testing.tones import id3, tagged_flac, tone, write_many


def mp3(title: str, release: str, number: int, artist: str = "Band", hz: int = 440, **more: str) -> bytes:
    frames = {"TIT2": title, "TPE1": artist, "TALB": release, "TRCK": str(number), **more}
    return id3(frames.items()) + tone("mp3", hz)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    first, hits = tmp_path / "music" / "Band" / "First", tmp_path / "music" / "Various" / "Hits"
    first.mkdir(parents=True)
    hits.mkdir(parents=True)
    (first / "01 One.mp3").write_bytes(mp3("One", "First", 1))
    (first / "02 Two.flac").write_bytes(
        tagged_flac(tone("flac", 550), [("TITLE", "Two"), ("ARTIST", "Band"), ("ALBUM", "First"), ("TRACKNUMBER", "2")])
    )
    (first / "03 Three.opus").write_bytes(tone("opus", 660))
    opus = mutagen.File(first / "03 Three.opus")
    opus.update({"title": "Three", "artist": "Band", "album": "First", "tracknumber": "3"})
    opus.save()
    (hits / "01 One.mp3").write_bytes(mp3("One", "Hits", 1, TCMP="1"))
    return tmp_path / "music"


@pytest.fixture
def scanned(music: Path, tmp_path: Path) -> Iterator[Scanned]:
    with library_over(music, tmp_path / "data") as library:
        yield library


def star(library: Scanned, type: str, id: str) -> None:
    with library.db.write() as connection:
        values = {"user_id": library.me.user.id, "type": type, "id": id, "liked_at": 1, "rating": 4}
        connection.execute(schema.annotation.insert().values(**values))


def test_scanning_twice_finds_nothing_new(scanned: Scanned) -> None:
    first = scanned.scan()
    assert (first.tracks, first.added, first.findings) == (4, 4, ())
    second = scanned.scan()
    assert (second.added, second.changed, second.moved, second.missing, second.unchanged) == (0, 0, 0, 0, 4)


def test_one_recording_on_an_album_and_a_compilation_stays_two_tracks(scanned: Scanned) -> None:
    scanned.scan()
    tracks = scanned.tracks()
    one, hit = tracks["Band/First/01 One.mp3"], tracks["Various/Hits/01 One.mp3"]
    assert one.id != hit.id
    assert one.release_id != hit.release_id
    assert hit.release_artist == "Various Artists"


def test_a_moved_folder_keeps_every_id_star_and_place(scanned: Scanned, music: Path) -> None:
    scanned.scan()
    before = scanned.tracks()
    one = before["Band/First/01 One.mp3"]
    for type, id in (("track", one.id), ("release", one.release_id), ("artist", one.artists[0].artist_id)):
        star(scanned, type, id)
    playlist = scanned.playlists.create(scanned.me, "mine", track_ids=[one.id])
    (music / "Elsewhere").mkdir()
    shutil.move(music / "Band" / "First", music / "Elsewhere" / "Renamed")
    report = scanned.scan()
    assert (report.moved, report.added, report.missing, report.tracks) == (3, 0, 0, 4)
    after = scanned.tracks()
    moved = after["Elsewhere/Renamed/01 One.mp3"]
    assert moved.id == one.id
    assert moved.release_id == one.release_id
    assert moved.annotation.liked_at == 1
    assert scanned.catalogue.release(scanned.me, one.release_id).annotation.rating == 4
    assert [track.id for track in scanned.playlists.get(scanned.me, playlist.id)[1]] == [one.id]


def test_a_retagged_album_keeps_its_ids(scanned: Scanned, music: Path) -> None:
    scanned.scan()
    before = scanned.tracks()
    one = before["Band/First/01 One.mp3"]
    star(scanned, "release", one.release_id)
    star(scanned, "artist", one.artists[0].artist_id)
    for path in ("Band/First/01 One.mp3", "Band/First/02 Two.flac", "Band/First/03 Three.opus", "Various/Hits/01 One.mp3"):
        file = mutagen.File(music / path, easy=True)
        file["artist"] = "The Band, renamed"
        if "First" in path:
            file["album"] = "Second Name"
        file["genre"] = "New"
        file.save()
    report = scanned.scan()
    assert (report.changed, report.added, report.missing) == (4, 0, 0)
    after = scanned.tracks()["Band/First/01 One.mp3"]
    assert after.id == one.id
    assert after.release == "Second Name"
    assert after.release_id == one.release_id
    assert after.artist == "The Band, renamed"
    assert after.artists[0].artist_id == one.artists[0].artist_id
    assert scanned.catalogue.release(scanned.me, one.release_id).annotation.liked_at == 1
    assert len(scanned.catalogue.releases(scanned.me).items) == 2


def test_a_vanished_file_is_missing_and_comes_back_as_itself(scanned: Scanned, music: Path) -> None:
    scanned.scan()
    one = scanned.tracks()["Band/First/02 Two.flac"]
    star(scanned, "track", one.id)
    content = (music / "Band/First/02 Two.flac").read_bytes()
    (music / "Band/First/02 Two.flac").unlink()
    assert scanned.scan().missing == 1
    assert "Band/First/02 Two.flac" not in scanned.tracks()
    assert scanned.catalogue.tracks([one.id])[one.id].missing_at
    (music / "Band/First/now called this.flac").write_bytes(content)
    assert scanned.scan().moved == 1
    back = scanned.tracks()["Band/First/now called this.flac"]
    assert (back.id, back.annotation.liked_at) == (one.id, 1)


def test_a_copy_is_a_track_of_its_own(scanned: Scanned, music: Path) -> None:
    scanned.scan()
    shutil.copy(music / "Band/First/02 Two.flac", music / "Band/copy.flac")
    report = scanned.scan()
    assert (report.added, report.moved) == (1, 0)
    tracks = scanned.tracks()
    assert tracks["Band/copy.flac"].id != tracks["Band/First/02 Two.flac"].id


def test_an_unmounted_disk_costs_nothing(scanned: Scanned, music: Path) -> None:
    scanned.scan()
    music.rename(music.with_name("away"))
    music.mkdir()
    report = scanned.scan()
    assert report.missing == 0
    assert any(finding.kind == "unreadable" for finding in report.findings)
    music.rmdir()
    assert scanned.scan().missing == 0
    music.with_name("away").rename(music)
    again = scanned.scan()
    assert (again.unchanged, again.findings) == (4, ())


def test_a_finding_goes_when_its_cause_does(scanned: Scanned, music: Path) -> None:
    (music / "broken.mp3").write_bytes(b"")
    (music / "picture.mp3").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    report = scanned.scan()
    assert {finding.kind for finding in report.findings} == {"empty", "not_audio"}
    assert {finding.kind for finding in scanned.scan().findings} == {"empty", "not_audio"}, "an unchanged file keeps its finding"
    (music / "broken.mp3").unlink()
    (music / "picture.mp3").write_bytes(mp3("Mended", "Single", 1))
    after = scanned.scan()
    assert after.findings == ()
    assert after.tracks == 5


def test_a_playlist_file_becomes_a_playlist(scanned: Scanned, music: Path) -> None:
    (music / "mix.m3u8").write_text("#EXTM3U\nBand/First/03 Three.opus\nBand/First/01 One.mp3\n../../outside.mp3\ngone.mp3\n")
    report = scanned.scan()
    [playlist] = scanned.playlists.list(scanned.me)
    assert [track.title for track in scanned.playlists.get(scanned.me, playlist.id)[1]] == ["Three", "One"]
    assert [finding.kind for finding in report.findings] == ["missing_reference"]


def test_a_file_is_searchable_within_a_second_of_appearing(scanned: Scanned, music: Path) -> None:
    scanned.flow.start(watch=True, rescan_interval_s=0, poll_interval_s=60)
    for _ in range(200):
        if scanned.catalogue.counts().tracks == 4:
            break
        time.sleep(0.05)
    time.sleep(0.5)  # the watch has begun
    (music / "Band" / "late.mp3").write_bytes(mp3("Latecomer", "Late", 1))
    appeared = time.monotonic()
    while not scanned.search.query(scanned.me, "latecomer").tracks:
        assert time.monotonic() - appeared < 10
        time.sleep(0.02)


KILLED = """
import sys
from pathlib import Path
from segue.testing.libraries import library_over
with library_over(Path(sys.argv[1]), Path(sys.argv[2])) as library:
    print("ready", flush=True)
    library.scan()
"""


def test_kill_9_at_any_moment_loses_no_committed_track(tmp_path: Path) -> None:
    music = tmp_path / "music"
    write_many(music, 600)
    seen: set[str] = set()
    for wait in (0.05, 0.25, 0.5, 0.9):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(music), str(tmp_path / "data")], stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        time.sleep(wait)
        process.kill()
        process.wait()
        with library_over(music, tmp_path / "data") as library:
            with library.db.read() as connection:
                now = set(connection.execute(sa.select(schema.track.c.id)).scalars())
            assert seen <= now
            seen = now
    with library_over(music, tmp_path / "data") as library:
        library.scan()
        assert len(library.tracks()) == 600
        assert seen <= {track.id for track in library.tracks().values()}
        assert library.catalogue.counts().releases == 50
        assert library.scan().unchanged == 600


def test_names_that_are_no_text_and_links_that_loop(scanned: Scanned, music: Path) -> None:
    (music / os.fsdecode(b"bad\xff name.mp3")).write_bytes(mp3("Bytes", "Odd", 1))
    (music / "line\nbreak.mp3").write_bytes(mp3("Break", "Odd", 2))
    os.symlink(music, music / "loop")
    os.mkfifo(music / "pipe.mp3")
    report = scanned.scan()
    assert report.tracks == 6
    assert {finding.kind for finding in report.findings} == {"loop", "not_audio"}
    again = scanned.scan()
    assert (again.unchanged, again.added) == (6, 0)
