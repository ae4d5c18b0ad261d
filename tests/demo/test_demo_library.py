"""The demo library as files: every one decodes to its length, and the oddities of real collections are where they should be."""

import hashlib
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import msgspec
import mutagen
import pytest
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus

from segue.demo._catalogue import make_plan
from segue.testing.server import run_segue

PLAN = make_plan(1)
CODECS = {"mp3": "MP3", "flac": "FLAC", "ogg": "OggVorbis", "opus": "OggOpus", "m4a": "MP4", "alac": "MP4", "wav": "WAVE", "aiff": "AIFF",
          "wv": "WavPack", "wma": "ASF"}  # fmt: skip


def ffmpeg(path: Path, *arguments: str) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-xerror", "-i", str(path), "-map", "0:a", *arguments]
    return subprocess.run([*command, "pipe:1"], capture_output=True, timeout=60, check=True).stdout


def one(library: Path, name: str) -> Path:
    """The file whose path ends so."""
    (found,) = [library / track.path for track in PLAN.tracks if track.path.endswith(name)]
    return found


def test_what_there_is(demo_library: Path) -> None:
    held = {str(path.relative_to(demo_library)) for path in demo_library.rglob("*") if path.is_file() and not path.name.startswith(".")}
    assert held == {track.path for track in PLAN.tracks} | set(PLAN.texts) | set(PLAN.covers)
    assert len(PLAN.tracks) == 70
    assert {track.format for track in PLAN.tracks} == set(CODECS)
    assert len({artist for track in PLAN.tracks for artist in track.tags.get("ALBUMARTIST", ())} - {"Various Artists"}) == 12
    assert len({track.sound[0] for track in PLAN.tracks}) == 11
    years = [int(track.tags["DATE"][0][:4]) for track in PLAN.tracks if "DATE" in track.tags]
    assert (min(years), max(years)) == (1975, 2023)
    assert sum(path.stat().st_size for path in demo_library.rglob("*") if path.is_file()) < 80_000_000


def test_every_file_decodes_to_its_length(demo_library: Path) -> None:
    def check(track: Any) -> str:
        path = demo_library / track.path
        file = mutagen.File(path)
        decoded_s = len(ffmpeg(path, "-f", "s16le", "-ar", "22050", "-ac", "1")) / 2 / 22050
        # WMA's and AAC's last block is whole, and an MP3's header counts what a player leaves out.
        right = abs(decoded_s - track.sound[1]) < 0.08 and abs(file.info.length - track.sound[1]) < 0.08
        kind = type(file).__name__
        return "" if right and kind == CODECS[track.format] else f"{track.path}: {kind}, {file.info.length} s, decoded {decoded_s} s"

    with ThreadPoolExecutor(2) as pool:
        assert [wrong for wrong in pool.map(check, PLAN.tracks) if wrong] == []
    seconds = Counter(track.sound[1] for track in PLAN.tracks)
    assert seconds[3.0] == 2
    assert seconds[90.0] == 1


def test_the_scanner_has_nothing_to_say_against_it(demo_library: Path, tmp_path: Path) -> None:
    report = msgspec.json.decode(run_segue("scan", str(demo_library), "--data", str(tmp_path / "data"), "--json").stdout)
    assert (report["tracks"], report["findings"]) == (70, [])


def test_one_recording_on_an_album_and_on_the_compilation(demo_library: Path) -> None:
    album, sampler = one(demo_library, "02 - Top Deck.mp3"), one(demo_library, "01 - Neon Borough - Top Deck.mp3")
    assert ffmpeg(album, "-c", "copy", "-f", "md5") == ffmpeg(sampler, "-c", "copy", "-f", "md5")
    assert album.read_bytes() != sampler.read_bytes()
    tag = ID3(sampler)
    assert (tag["TCMP"].text, tag["TPE2"].text, tag["TPE1"].text) == (["1"], ["Various Artists"], ["Neon Borough"])


def test_two_discs_with_names(demo_library: Path) -> None:
    first, second = FLAC(one(demo_library, "CD1/02 - Nocturne No. 2.flac")), MP4(one(demo_library, "CD2/03 - Nocturne No. 7.m4a"))
    assert (first["discnumber"], first["discsubtitle"]) == (["1/2"], ["Evening"])
    assert second["disk"] == [(2, 2)]
    assert [bytes(value) for value in second["----:com.apple.iTunes:DISCSUBTITLE"]] == [b"Before Dawn"]
    assert second.info.codec == "alac"


def test_several_artists_and_genres(demo_library: Path) -> None:
    tag = ID3(one(demo_library, "Last Stop Sunrise.mp3"))
    assert tag["TPE1"].text == ["Neon Borough feat. Ilse Marren"]
    assert tag["TXXX:ARTISTS"].text == ["Neon Borough", "Ilse Marren"]
    assert tag["TCON"].genres == ["House", "Electronic"]
    old = ID3(one(demo_library, "Boss Fight at Tea Time.mp3"), translate=False)
    assert old.version == (2, 3, 0)
    assert old["TPE1"].text == ["Paper Circuits/Halcyon Drive"]
    assert old["TYER"].text == ["2015"]


def test_words(demo_library: Path) -> None:
    timed = ID3(one(demo_library, "Save Point.mp3")).getall("SYLT")
    assert timed[0].text[1] == ("The light is green", 2500)
    assert FLAC(one(demo_library, "Weir Song.flac"))["lyrics"][0].startswith("[00:00.00]The river")
    assert ID3(one(demo_library, "Ochre.mp3")).getall("USLT")[0].text.startswith("Ochre on the wall,\n")
    assert "[00:03.50]" in one(demo_library, "Radio Over Dover.m4a").with_suffix(".lrc").read_text("utf-8")


def test_ids_gains_dates_and_a_warning(demo_library: Path) -> None:
    tag = ID3(one(demo_library, "N38.mp3"))
    assert len(tag["UFID:http://musicbrainz.org"].data) == 36
    assert tag["TSRC"].text == ["QZSEG1900001"]
    assert tag["TXXX:MusicBrainz Album Id"].text == ID3(one(demo_library, "Wet Neon.mp3"))["TXXX:MusicBrainz Album Id"].text
    assert str(tag["TXXX:replaygain_track_gain"]).endswith(" dB")
    assert -5000 < int(OggOpus(one(demo_library, "Fog Signal.opus"))["r128_track_gain"][0]) < 5000
    weir = FLAC(one(demo_library, "Weir Song.flac"))
    assert (weir["date"], weir["originaldate"]) == (["2004"], ["1978"])
    assert MP4(one(demo_library, "No Brakes.m4a"))["rtng"] == [1]
    assert "rtng" not in MP4(one(demo_library, "Turnpike.m4a"))


def test_pictures(demo_library: Path) -> None:
    assert FLAC(one(demo_library, "Weir Song.flac")).pictures[0].data.startswith(b"\x89PNG")
    assert ID3(one(demo_library, "N38.mp3")).getall("APIC")[0].data.startswith(b"\xff\xd8")
    assert bytes(MP4(one(demo_library, "/01 - Salt.m4a"))["covr"][0]).startswith(b"\xff\xd8")
    assert "metadata_block_picture" in OggOpus(one(demo_library, "Fog Signal.opus"))
    assert one(demo_library, "Élégie I.wv").with_name("folder.jpg").read_bytes().startswith(b"\xff\xd8")
    with_covers = [demo_library / track.path for track in PLAN.tracks if track.format == "mp3" and track.cover is not None]
    assert len({hashlib.sha256(ID3(path).getall("APIC")[0].data).digest() for path in with_covers}) == 5


def test_files_with_few_tags_or_none(demo_library: Path) -> None:
    assert not mutagen.File(one(demo_library, "recording 07.mp3")).tags
    assert set(mutagen.File(one(demo_library, "half remembered.ogg"))) == {"title", "encoder"}


def test_the_playlist_names_files_that_are_there(demo_library: Path) -> None:
    lines = (demo_library / "First Things First.m3u8").read_text("utf-8").splitlines()
    paths = [line for line in lines if not line.startswith("#")]
    assert len(paths) == 14
    assert all((demo_library / path).is_file() and not path.startswith("/") for path in paths)
    assert "CC0" in (demo_library / "README.txt").read_text("utf-8")


@pytest.mark.parametrize("folder", ["さくら通り/雨の日のラジオ", "Вечерний экспресс/Северный ветер", "Quatuor Élan/Élégies d'été"])
def test_names_in_other_scripts(demo_library: Path, folder: str) -> None:
    first = next(path for path in sorted((demo_library / folder).iterdir()) if path.suffix in {".opus", ".mp3", ".wv"})
    tags = mutagen.File(first, easy=True).tags
    assert [str(value) for value in (tags.get("artist") if first.suffix != ".wv" else [tags["Artist"]])] == [folder.split("/")[0]]
