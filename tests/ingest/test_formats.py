"""What is read of each format, from files whose sound FFmpeg wrote and whose tags are written as other programs write them."""

import hashlib
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mutagen
import pytest
import tagging
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen import id3
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASF, ASFBoolAttribute, ASFDWordAttribute
from mutagen.dsf import DSF
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.monkeysaudio import MonkeysAudio
from mutagen.mp4 import MP4
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE
from mutagen.wavpack import WavPack
from tagging import BACK, FACTS, FRONT, PEOPLE, sound

from segue.ingest._record import TagRecord
from segue.ingest._walk import AUDIO
from segue.ingest._workers import Item, TagWorker
from segue.testing.libraries import library_over


@pytest.fixture(scope="module")
def worker() -> Iterator[TagWorker]:
    worker = TagWorker()
    yield worker
    worker.close()


def read(worker: TagWorker, path: Path) -> TagRecord:
    [answer] = worker.read([Item(str(path))])
    assert answer.record, answer.error
    assert isinstance(answer.record, TagRecord)
    return answer.record


MP3 = ("-c:a", "libmp3lame", "-b:a", "128k", "-id3v2_version", "0", "-f", "mp3")
AAC = ("-c:a", "aac", "-b:a", "128k", "-f", "ipod")


def _mp3(path: Path, version: int) -> None:
    path.write_bytes(sound(*MP3))
    tag = ID3()
    for frame in tagging.picard_id3():
        tag.add(frame)
    if version == 3:
        kept = [frame for name in ("TSOT", "TSOP", "TSOA", "TSST", "TMOO") for frame in tag.getall(name)]
        tag.update_to_v23()
        for frame in kept:
            tag.add(frame)
    tag.save(path, v2_version=version, v23_sep="/")


def _id3_in(kind: Any, data: bytes, path: Path) -> None:
    path.write_bytes(data)
    file = kind(path)
    file.add_tags()
    for frame in tagging.picard_id3():
        file.tags.add(frame)
    file.save()


def _comments(kind: Any, data: bytes, path: Path) -> None:
    path.write_bytes(data)
    file = kind(path)
    for name, value in tagging.picard_vorbis() + (tagging.embedded_in_comments() if kind is not FLAC else []):
        file[name] = [*file.get(name, []), value]
    for picture in tagging.pictures() if kind is FLAC else ():
        file.add_picture(picture)
    file.save()


def _pairs(kind: Any, data: bytes, pairs: dict[str, Any], path: Path) -> None:
    path.write_bytes(data)
    file = kind(path)
    if file.tags is None:
        file.add_tags()
    for name, value in pairs.items():
        file.tags[name] = value
    file.save()


def _ape_on_mp3(path: Path) -> None:
    path.write_bytes(sound(*MP3))
    tag = APEv2()
    for name, value in tagging.picard_ape().items():
        tag[name] = value
    tag.save(path)


WHOLE: dict[str, tuple[str, Callable[[Path], None], dict[str, Any]]] = {
    "id3v2.4": ("mp3", lambda path: _mp3(path, 4), {"codec": "mp3", "bitrate_kbps": 128, "bit_depth": None}),
    # ID3v2.3 knows the year of the original release only, and splits at the slash; iTunes writes the newer sort frames into it.
    "id3v2.3": ("mp3", lambda path: _mp3(path, 3), {"codec": "mp3", "original_date": "2001"}),
    "apev2 on mp3": ("mp3", _ape_on_mp3, {"codec": "mp3", "bitrate_kbps": 128}),
    "flac": ("flac", lambda path: _comments(FLAC, sound("-c:a", "flac", "-f", "flac"), path), {"codec": "flac", "bit_depth": 16}),
    "flac 24": (
        "flac",
        lambda path: _comments(FLAC, sound("-c:a", "flac", "-sample_fmt", "s32", "-f", "flac", rate=96000), path),
        {"codec": "flac", "bit_depth": 24, "sample_rate_hz": 96000},
    ),
    "vorbis": ("ogg", lambda path: _comments(OggVorbis, sound("-c:a", "libvorbis", "-f", "ogg"), path), {"codec": "vorbis"}),
    "opus": (
        "opus",
        lambda path: _comments(OggOpus, sound("-c:a", "libopus", "-f", "ogg"), path),
        {"codec": "opus", "sample_rate_hz": 48000, "delay_samples": 312},
    ),
    "ogg flac": ("ogg", lambda path: _comments(OggFLAC, sound("-c:a", "flac", "-f", "ogg"), path), {"codec": "flac", "bit_depth": 16}),
    "aac": ("m4a", lambda path: _pairs(MP4, sound(*AAC), tagging.itunes_mp4(), path), {"codec": "aac", "bit_depth": None}),
    "alac": (
        "m4a",
        lambda path: _pairs(MP4, sound("-c:a", "alac", "-f", "ipod"), tagging.itunes_mp4(), path),
        {"codec": "alac", "bit_depth": 16},
    ),
    "wav": ("wav", lambda path: _id3_in(WAVE, sound("-c:a", "pcm_s24le", "-f", "wav"), path), {"codec": "pcm", "bit_depth": 24}),
    "aiff": ("aiff", lambda path: _id3_in(AIFF, sound("-c:a", "pcm_s16be", "-f", "aiff"), path), {"codec": "pcm", "bit_depth": 16}),
    "wavpack": (
        "wv",
        lambda path: _pairs(WavPack, sound("-c:a", "wavpack", "-f", "wv"), tagging.picard_ape(), path),
        {"codec": "wavpack", "bit_depth": 16},
    ),
    "wma": (
        "wma",
        lambda path: _pairs(ASF, sound("-c:a", "wmav2", "-b:a", "128k", "-f", "asf"), tagging.picard_asf(), path),
        {"codec": "wma"},
    ),
    "dsf": ("dsf", lambda path: _id3_in(DSF, tagging.dsf(), path), {"codec": "dsd", "bit_depth": 1, "sample_rate_hz": 2_822_400}),
    "ape": ("ape", lambda path: _pairs(MonkeysAudio, tagging.monkeys(), tagging.picard_ape(), path), {"codec": "ape", "bit_depth": 16}),
}
UNDECODED = {"ape"}
"""Written by hand, with nothing in it to decode."""


@pytest.mark.parametrize("format", WHOLE)
def test_every_field_of_every_format(tmp_path: Path, worker: TagWorker, format: str) -> None:
    suffix, write, special = WHOLE[format]
    path = tmp_path / f"file.{suffix}"
    write(path)
    record = read(worker, path)
    told = {name: getattr(record, name) for name in FACTS}
    for name in ("artists", "release_artists"):
        told[name] = [(one.name, one.mbid) for one in told[name]]
    wanted = FACTS | {name: value for name, value in special.items() if name in FACTS}
    assert {name: value for name, value in told.items() if value != wanted[name]} == {}
    assert {(one.role, one.name) for one in record.contributors} == PEOPLE
    assert {one.detail for one in record.contributors if one.role == "performer"} == {"piano"}
    assert record.picture
    assert record.picture.hash == hashlib.blake2b(FRONT, digest_size=16).digest()
    words = [(one.language, one.synced, [tuple(line) for line in one.lines]) for one in record.lyrics]
    timed = [(500, "First"), (1250, "Second")]
    plain = [(None, "Plain"), (None, "words")]
    id3_words = [("swe", True, timed), ("eng", False, plain)]
    assert words in (id3_words, [("xxx", True, timed)], [("xxx", False, plain)])
    assert len(words) == (2 if format in {"id3v2.4", "id3v2.3", "wav", "aiff", "dsf"} else 1)
    stream = {"sample_rate_hz": 44100, "channels": 2, "suffix": suffix} | special
    stream = {name: value for name, value in stream.items() if name not in FACTS}
    assert {name: getattr(record, name) for name in stream} == stream
    assert record.bitrate_kbps > 0
    assert record.findings == []
    assert abs(record.duration_ms - (2000 if format in UNDECODED else tagging.decoded_ms(path))) <= 60


def _told(record: TagRecord, **wanted: Any) -> dict[str, Any]:
    """Where a record differs from what is wanted. People by name."""
    told = {name: getattr(record, name) for name in wanted}
    for name in told.keys() & {"artists", "release_artists", "contributors"}:
        told[name] = [one.name for one in told[name]]
    return {name: value for name, value in told.items() if value != wanted[name]}


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_id3v2_2_of_old_itunes(tmp_path: Path, worker: TagWorker) -> None:
    tag = tagging.id3v22(
        TT2="Åska", TP1="Anna Ek/Benny", TP2="Anna Ek", TAL="Northern", TRK="7/11", TPA="2/3", TYE="2019", TOR="2001", TCO="(17)(8)",
        TCM="Dora", TCP="1", TBP="128", TS2="Ek, Anna", TSP="Ek, Anna", TST="Aska", TSA="Northern, The", TRC=tagging.ISRC, TPB="Nord",
    )  # fmt: skip
    record = read(worker, _write(tmp_path / "old.mp3", tag + sound(*MP3)))
    wanted = {
        "title": "Åska", "artists": ["Anna Ek", "Benny"], "release_artists": ["Anna Ek"], "release": "Northern", "number": 7, "disc": 2,
        "date": "2019", "original_date": "2001", "genres": ["Rock", "Jazz"], "contributors": ["Dora"], "compilation": True, "bpm": 128.0,
        "release_artist_sort": "Ek, Anna", "artist_sort": "Ek, Anna", "title_sort": "Aska", "release_sort": "Northern, The",
        "isrc": [tagging.ISRC], "labels": ["Nord"], "track_gain_db": -7.25, "track_peak": 0.987, "mbid": tagging.RECORDING,
        "comment": "Taped at home", "findings": [],
    }  # fmt: skip
    assert _told(record, **wanted) == {}
    assert [(one.language, one.lines) for one in record.lyrics] == [("eng", [(None, "Plain"), (None, "words")])]
    assert record.picture
    assert record.picture.hash == hashlib.blake2b(FRONT, digest_size=16).digest()


def test_id3v1_alone_and_behind_apev2(tmp_path: Path, worker: TagWorker) -> None:
    tag = tagging.id3v1("Åska", "Anna Ek", "Northern", "2019", "Taped at home", 7, 17)
    path = _write(tmp_path / "v1.mp3", sound(*MP3) + tag)
    wanted = {"title": "Åska", "artists": ["Anna Ek"], "release": "Northern", "date": "2019", "comment": "Taped at home", "number": 7}
    assert _told(read(worker, path), **wanted, genres=["Rock"]) == {}
    ape = APEv2()
    ape["Title"] = "Åska över alla de tusen sjöarna"
    ape["REPLAYGAIN_TRACK_GAIN"] = "-7.25 dB"
    path.write_bytes(sound(*MP3))
    ape.save(path)
    path.write_bytes(path.read_bytes() + tag)
    longer = wanted | {"title": "Åska över alla de tusen sjöarna", "track_gain_db": -7.25}
    assert _told(read(worker, path), **longer, genres=["Rock"]) == {}


def test_gains_of_mp3gain_beside_id3(tmp_path: Path, worker: TagWorker) -> None:
    path = tmp_path / "gained.mp3"
    _mp3(path, 4)
    tag = ID3(path)
    tag.delall("TXXX:REPLAYGAIN_TRACK_GAIN")
    tag.save(path)
    ape = APEv2()
    ape["REPLAYGAIN_TRACK_GAIN"], ape["Title"] = "-3.50 dB", "Another"
    ape.save(path)
    assert _told(read(worker, path), title="Åska", track_gain_db=-3.5, album_gain_db=-6.5) == {}


def test_rva2_gains(tmp_path: Path, worker: TagWorker) -> None:
    tag = ID3()
    tag.add(id3.RVA2(desc="track", channel=1, gain=-4.5, peak=0.75))
    tag.add(id3.RVA2(desc="album", channel=1, gain=2.25, peak=0.5))
    path = _write(tmp_path / "rva2.mp3", sound(*MP3))
    tag.save(path)
    record = read(worker, path)
    assert (record.track_gain_db, record.album_gain_db) == (-4.5, 2.25)
    assert record.track_peak == pytest.approx(0.75, abs=0.001)


def test_riff_info_alone_and_beside_id3(tmp_path: Path, worker: TagWorker) -> None:
    wav = sound("-c:a", "pcm_s16le", "-f", "wav")
    texts = {"INAM": "Åska", "IART": "Anna Ek", "IPRD": "Northern", "ICRD": "2019-05-17", "IGNR": "Jazz; Soul", "ITRK": "7", "ICMT": "Odd"}
    path = _write(tmp_path / "info.wav", tagging.riff_info(wav, **texts))
    wanted = {
        "title": "Åska", "artists": ["Anna Ek"], "release": "Northern", "date": "2019-05-17", "genres": ["Jazz", "Soul"], "number": 7,
        "comment": "Odd", "bit_depth": 16, "findings": [],
    }  # fmt: skip
    assert _told(read(worker, path), **wanted) == {}
    western = tagging.riff_info(wav, INAM="?").replace(b"?", "Å".encode("cp1252"))
    assert read(worker, _write(tmp_path / "western.wav", western)).title == "Å"
    both = WAVE(path)
    both.add_tags()
    both.tags.add(id3.TIT2(encoding=3, text="Of the tag"))
    both.save()
    assert _told(read(worker, path), **wanted | {"title": "Of the tag"}) == {}


def test_aiff_chunks_of_text(tmp_path: Path, worker: TagWorker) -> None:
    metadata = ("-metadata", "title=Åska", "-metadata", "author=Anna Ek", "-metadata", "comment=Taped at home")
    path = _write(tmp_path / "texts.aiff", sound("-c:a", "pcm_s24be", *metadata, "-f", "aiff"))
    assert _told(read(worker, path), title="Åska", artists=["Anna Ek"], comment="Taped at home", bit_depth=24) == {}


@pytest.mark.parametrize(("q78", "wanted"), [("-1280", 0.0), ("0", 5.0), ("-3072", -7.0), ("256", 6.0)])
def test_r128_gains_of_opus_are_comparable(tmp_path: Path, worker: TagWorker, q78: str, wanted: float) -> None:
    path = _write(tmp_path / "r128.opus", sound("-c:a", "libopus", "-f", "ogg"))
    file = OggOpus(path)
    file["R128_TRACK_GAIN"], file["R128_ALBUM_GAIN"] = q78, q78
    file.save()
    record = read(worker, path)
    assert (record.track_gain_db, record.album_gain_db) == (wanted, wanted)


def test_gapless_of_lame_and_itunes(tmp_path: Path, worker: TagWorker) -> None:
    record = read(worker, _write(tmp_path / "lame.mp3", sound(*MP3, seconds=2.0)))
    assert record.delay_samples == 1105 - 529
    encoded = -(-(2 * 44100 + record.delay_samples) // 1152) * 1152
    assert (encoded - record.delay_samples - record.padding_samples) == 2 * 44100 or record.padding_samples > 0
    for kind in ("m4a", "mp3"):
        path = _write(tmp_path / f"itunes.{kind}", sound(*(AAC if kind == "m4a" else MP3)))
        smpb = " 00000000 00000840 000001C0 0000000000015888" + " 00000000" * 8
        if kind == "m4a":
            mp4 = MP4(path)
            mp4["----:com.apple.iTunes:iTunSMPB"] = [smpb.encode()]
            mp4.save()
        else:
            tag = ID3()
            tag.add(id3.COMM(encoding=0, lang="eng", desc="iTunSMPB", text=[smpb]))
            tag.save(path)
        record = read(worker, path)
        assert (record.delay_samples, record.padding_samples, record.comment) == (0x840, 0x1C0, None)


@pytest.mark.parametrize(
    ("encoder", "suffix"),
    [
        (("-c:a", "libmp3lame", "-q:a", "2", "-f", "mp3"), "mp3"),
        (("-c:a", "libmp3lame", "-q:a", "2", "-write_xing", "0", "-f", "mp3"), "mp3"),
        (("-c:a", "libmp3lame", "-b:a", "320k", "-write_xing", "0", "-f", "mp3"), "mp3"),
        (("-c:a", "libmp3lame", "-ar", "22050", "-ac", "1", "-b:a", "32k", "-f", "mp3"), "mp3"),
        (("-c:a", "aac", "-ar", "22050", "-b:a", "32k", "-f", "ipod"), "m4a"),
        (("-c:a", "aac", "-movflags", "+faststart+frag_keyframe+empty_moov", "-f", "mp4"), "m4a"),
        (("-c:a", "libvorbis", "-q:a", "0", "-f", "ogg"), "ogg"),
        (("-c:a", "libopus", "-b:a", "16k", "-frame_duration", "60", "-f", "ogg"), "opus"),
        (("-c:a", "flac", "-f", "ogg"), "oga"),
        (("-c:a", "pcm_f32le", "-f", "wav"), "wav"),
        (("-c:a", "pcm_u8", "-f", "wav"), "wav"),
        (("-c:a", "pcm_s16le", "-rf64", "always", "-f", "wav"), "wav"),
        (("-c:a", "pcm_s24be", "-f", "aiff"), "aif"),
        (("-c:a", "wavpack", "-sample_fmt", "fltp", "-f", "wv"), "wv"),
        (("-c:a", "wmav1", "-b:a", "64k", "-f", "asf"), "wma"),
    ],
)
def test_durations_agree_with_decoding(tmp_path: Path, worker: TagWorker, encoder: tuple[str, ...], suffix: str) -> None:
    path = _write(tmp_path / f"long.{suffix}", sound(*encoder, hz=330, seconds=61.3))
    if suffix == "mp3":
        tag = ID3()
        tag.add(id3.APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=FRONT * 900))
        tag.save(path, v1=2)
        ape = APEv2()
        ape["Title"], ape["Padding"] = "Long", "x" * 60_000
        ape.save(path)
    elif suffix in {"ogg", "oga", "opus"}:
        tagged = mutagen.File(path)
        tagged["padding"] = "x" * 100_000
        tagged.save()
    record = read(worker, path)
    assert abs(record.duration_ms - tagging.decoded_ms(path)) <= 60
    assert record.findings == []


@pytest.mark.parametrize(
    ("encoder", "suffix", "codec"),
    [
        (("-c:a", "ac3", "-f", "mp4"), "m4a", "ac3"),
        (("-c:a", "eac3", "-f", "mp4"), "m4a", "eac3"),
        (("-c:a", "libopus", "-f", "mp4"), "m4a", "opus"),
        (("-c:a", "flac", "-f", "mp4"), "m4a", "flac"),
        (("-c:a", "libmp3lame", "-f", "mp4"), "m4a", "mp3"),
        (("-c:a", "mp2", "-f", "mp2"), "mp3", "mp2"),
        (("-c:a", "adpcm_ms", "-f", "wav"), "wav", "adpcm"),
        (("-c:a", "adpcm_ima_wav", "-f", "wav"), "wav", "adpcm"),
        (("-c:a", "pcm_alaw", "-f", "wav"), "wav", "alaw"),
    ],
)
def test_codecs_that_the_container_does_not_tell(
    tmp_path: Path, worker: TagWorker, encoder: tuple[str, ...], suffix: str, codec: str
) -> None:
    path = _write(tmp_path / f"file.{suffix}", sound(*encoder))
    record = read(worker, path)
    assert (record.codec, record.findings) == (codec, [])
    assert abs(record.duration_ms - tagging.decoded_ms(path)) <= 60


def test_id3_before_a_flac_stream(tmp_path: Path, worker: TagWorker) -> None:
    """It counts where the file has no comments of its own."""
    tag = ID3()
    tag.add(id3.TIT2(encoding=3, text="Of ID3"))
    for name, comments, wanted in (("bare", {}, "Of ID3"), ("own", {"title": "Of FLAC"}, "Of FLAC")):
        path = _write(tmp_path / f"{name}.flac", sound("-c:a", "flac", "-f", "flac"))
        flac = FLAC(path)
        flac.delete()
        for key, value in comments.items():
            flac[key] = value
        flac.save()
        head = io.BytesIO()
        tag.save(head)
        record = read(worker, _write(path, head.getvalue() + path.read_bytes()))
        assert (record.title, record.codec) == (wanted, "flac")


UNTOLD = (
    ("mp3", ("-c:a", "libmp3lame", "-q:a", "2", "-write_xing", "0", "-f", "mp3")),
    ("m4a", ("-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov", "-f", "mp4")),
    ("wav", ("-c:a", "pcm_s16le", "-rf64", "always", "-f", "wav")),
    ("wav", ("-c:a", "adpcm_ms", "-f", "wav")),
)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(UNTOLD),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)), min_size=1, max_size=20),
    st.integers(0, 1),
)
def test_measuring_answers_whatever_the_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    worker: TagWorker,
    file: tuple[str, tuple[str, ...]],
    cuts: list[tuple[float, bytes]],
    early: int,
) -> None:
    suffix, encoder = file
    data = bytearray(sound(*encoder))
    for share, value in cuts:
        at = int(share * (2000 if early else len(data)))
        data[at : at + len(value)] = value
    [answer] = worker.read([Item(str(_write(tmp_path_factory.mktemp("fuzz") / f"file.{suffix}", bytes(data))))])
    assert (answer.record is None) != (answer.error is None)


def test_junk_that_looks_like_frames_costs_no_time(tmp_path: Path, worker: TagWorker) -> None:
    """Sixty million first bytes of a frame's header between two real streams of different rates."""
    one, other = (sound("-c:a", "libmp3lame", "-b:a", f"{kbps}k", "-write_xing", "0", "-f", "mp3") for kbps in (128, 256))
    record = read(worker, _write(tmp_path / "junk.mp3", one + b"\xff" * 60_000_000 + other))
    assert 2000 <= record.duration_ms <= 4200


def test_multiple_values_in_ways_of_old(tmp_path: Path, worker: TagWorker) -> None:
    """One value a field with separators, as taggers without lists write it; ids beside names."""
    sound_ = sound("-c:a", "flac", "-f", "flac")

    def told(**pairs: Any) -> TagRecord:
        path = _write(tmp_path / "old.flac", sound_)
        file = FLAC(path)
        for name, value in pairs.items():
            file[name] = value
        file.save()
        return read(worker, path)

    assert _told(told(artist="Anna; Benny", genre="Jazz;Soul"), artists=["Anna", "Benny"], genres=["Jazz", "Soul"]) == {}
    assert _told(told(artist="AC/DC", albumartist="AC/DC"), artists=["AC/DC"], release_artists=["AC/DC"]) == {}
    record = told(albumartist="Anna feat. Benny")
    assert _told(record, release_artist="Anna feat. Benny", release_artists=["Anna", "Benny"]) == {}
    one = told(artist="Anna feat. Benny", artists="Anna feat. Benny", musicbrainz_artistid=tagging.ANNA)
    assert _told(one, artists=["Anna feat. Benny"]) == {}
    assert one.artists[0].mbid == tagging.ANNA
    assert _told(told(date="2019.5.7", originalyear="1999"), date="2019-05-07", original_date="1999") == {}
    assert _told(told(date="20190507", year="2018"), date="2019-05-07") == {}
    assert _told(told(year="2018"), date="2018") == {}
    assert told(lyrics="Plain", **{"lyrics-swe": "Ord"}).lyrics[1].language == "swe"


def test_lists_of_artists_and_genres_in_each_kind_of_tag(tmp_path: Path, worker: TagWorker) -> None:
    """Several values in the plain fields, without ARTISTS, and numbers for genres."""
    artists = ["Anna / Andrea", "Benny"]
    tag = ID3()
    tag.add(id3.TPE1(encoding=1, text=artists))
    tag.add(id3.TCON(encoding=1, text=["(17)", "8", "Own"]))
    files = [_write(tmp_path / "4.mp3", sound(*MP3)), _write(tmp_path / "3.mp3", sound(*MP3))]
    tag.save(files[0])
    tag.setall("TPE1", [id3.TPE1(encoding=1, text=["Anna/Andrea/Benny"])])
    tag.setall("TCON", [id3.TCON(encoding=1, text=["(17)(8)Own"])])
    tag.save(files[1], v2_version=3)
    for name, kind, data, pairs in (
        ("a.m4a", MP4, sound(*AAC), {"\xa9ART": artists, "\xa9gen": ["Rock", "Jazz", "Own"]}),
        ("a.wv", WavPack, sound("-c:a", "wavpack", "-f", "wv"), {"Artist": artists, "Genre": ["Rock", "Jazz", "Own"]}),
        ("a.wma", ASF, sound("-c:a", "wmav2", "-f", "asf"), {"Author": artists, "WM/Genre": ["Rock", "Jazz", "Own"]}),
        ("a.opus", OggOpus, sound("-c:a", "libopus", "-f", "ogg"), {"ARTIST": artists, "GENRE": ["Rock", "Jazz", "Own"]}),
    ):
        files.append(tmp_path / name)
        _pairs(kind, data, pairs, files[-1])
    for path in files:
        assert _told(read(worker, path), artists=["Anna", "Andrea", "Benny"], genres=["Rock", "Jazz", "Own"]) == {}, path


def test_numbers_and_flags_as_windows_and_itunes_type_them(tmp_path: Path, worker: TagWorker) -> None:
    path = tmp_path / "typed.wma"
    data = sound("-c:a", "wmav2", "-f", "asf")
    _pairs(ASF, data, {"WM/TrackNumber": [ASFDWordAttribute(7)], "WM/IsCompilation": [ASFBoolAttribute(True)]}, path)
    assert _told(read(worker, path), number=7, compilation=True) == {}
    for rating, wanted in ((0, None), (1, True), (2, False), (4, True)):
        path = tmp_path / f"{rating}.m4a"
        _pairs(MP4, sound(*AAC), {"rtng": [rating], "cpil": False, "disk": [(1, 0)]}, path)
        assert _told(read(worker, path), explicit=wanted, compilation=False, disc=1) == {}


def test_a_picture_that_is_no_front_cover_stands_in(tmp_path: Path, worker: TagWorker) -> None:
    path = _write(tmp_path / "back.mp3", sound(*MP3))
    tag = ID3()
    tag.add(id3.APIC(encoding=0, mime="image/png", type=1, desc="icon", data=b"\x89PNG\r\n\x1a\n" + bytes(40)))
    tag.add(id3.APIC(encoding=0, mime="image/jpeg", type=4, desc="back", data=BACK))
    tag.save(path)
    record = read(worker, path)
    assert record.picture
    assert record.picture.hash == hashlib.blake2b(BACK, digest_size=16).digest()


@pytest.mark.slow
def test_a_scan_of_real_music(shared: Path, tmp_path: Path) -> None:
    """Every file of the shared library is found, none is complained of, and each is as long as FFmpeg's decode of it."""
    root = shared / "audio" / "library"
    if not root.is_dir():
        pytest.skip("no shared library")
    here = {str(path.relative_to(root)) for path in root.rglob("*") if path.suffix.lower()[1:] in AUDIO}
    assert here
    with library_over(root, tmp_path / "data") as library:
        report = library.scan()
        tracks = library.tracks()
    assert set(tracks) == here
    assert [finding for finding in report.findings if finding.path.rpartition(".")[2].lower() in AUDIO] == []
    with ThreadPoolExecutor(2) as pool:
        decoded = dict(zip(here, pool.map(lambda path: tagging.decoded_ms(root / path), here), strict=True))
    assert {path: (tracks[path].duration_ms, ms) for path, ms in decoded.items() if abs(tracks[path].duration_ms - ms) > 60} == {}
    assert all(track.sample_rate_hz and track.channels and track.bitrate_kbps for track in tracks.values())
