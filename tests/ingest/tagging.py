"""One recording's facts, written into files of every format the way Picard, iTunes and other taggers write them."""

import base64
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from mutagen import id3
from mutagen.apev2 import BINARY, APEValue
from mutagen.asf import ASFByteArrayAttribute, ASFUnicodeAttribute
from mutagen.flac import Picture
from mutagen.mp4 import AtomDataType, MP4Cover, MP4FreeForm

RECORDING = "11111111-1111-4111-8111-111111111111"
RELEASE_TRACK = "22222222-2222-4222-8222-222222222222"
RELEASE = "33333333-3333-4333-8333-333333333333"
GROUP = "44444444-4444-4444-8444-444444444444"
ANNA = "55555555-5555-4555-8555-555555555555"
BEN = "66666666-6666-4666-8666-666666666666"
CLEO = "77777777-7777-4777-8777-777777777777"
ISRC = "SEAAA0100007"
LRC = "[00:00.50]First\n[00:01.25]Second"

_JPEG_HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"
FRONT, BACK = _JPEG_HEAD + b"front" * 40, _JPEG_HEAD + b"back" * 40

FACTS: dict[str, Any] = {
    "title": "Åska",
    "title_sort": "Aska",
    "artist": "Anna Ek feat. Ben Öz",
    "artists": [("Anna Ek", ANNA), ("Ben Öz", BEN)],
    "artist_sort": "Ek, Anna feat. Öz, Ben",
    "release": "Northern",
    "release_sort": "Northern, The",
    "release_artist": "Anna Ek & Cleo",
    "release_artists": [("Anna Ek", ANNA), ("Cleo", CLEO)],
    "release_artist_sort": "Ek, Anna & Cleo",
    "genres": ["Jazz", "Post-Rock"],
    "moods": ["Calm"],
    "disc": 2,
    "disc_title": "Night",
    "number": 7,
    "date": "2019-05-17",
    "original_date": "2001-03-02",
    "compilation": True,
    "release_types": ["album", "live"],
    "labels": ["Nord"],
    "isrc": [ISRC],
    "mbid": RECORDING,
    "release_mbid": RELEASE,
    "track_gain_db": -7.25,
    "track_peak": 0.987,
    "album_gain_db": -6.5,
    "album_peak": 1.0,
    "explicit": True,
    "bpm": 128.0,
    "comment": "Taped at home",
}
PEOPLE = {("composer", "Dora"), ("lyricist", "Edda"), ("conductor", "Finn"), ("producer", "Gus"), ("performer", "Hal")}

GAINS = {
    "replaygain_track_gain": "-7.25 dB",
    "replaygain_track_peak": "0.987000",
    "replaygain_album_gain": "-6.50 dB",
    "replaygain_album_peak": "1.000000",
}


@cache
def sound(*encoder: str, hz: int = 440, seconds: float = 2.0, rate: int = 44100, channels: int = 2) -> bytes:
    """A tone as FFmpeg writes it with these output options, of which the last two are ``-f`` and the container."""
    sine = f"sine=frequency={hz}:duration={seconds}:sample_rate={rate}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", sine, "-ac", str(channels)]
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "out"
        subprocess.run([*command, *encoder, "-y", str(out)], check=True, timeout=60)
        return out.read_bytes()


def decoded_ms(path: Path) -> float:
    """How long FFmpeg's decode of a file is, in ms."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-i", str(path), "-map", "0:a:0"]
    done = subprocess.run([*command, "-f", "s16le", "-ac", "1", "-ar", "48000", "-"], check=True, timeout=120, capture_output=True)
    return len(done.stdout) / 2 / 48


def picard_id3() -> list[Any]:
    """The frames of ID3v2.4 as Picard writes them; ARTISTS-like fields in TXXX."""
    text = {
        "TIT2": ["Åska"], "TSOT": ["Aska"], "TPE1": ["Anna Ek feat. Ben Öz"], "TSOP": ["Ek, Anna feat. Öz, Ben"], "TALB": ["Northern"],
        "TSOA": ["Northern, The"], "TPE2": ["Anna Ek & Cleo"], "TSO2": ["Ek, Anna & Cleo"], "TCON": ["Jazz", "Post-Rock"],
        "TMOO": ["Calm"], "TPOS": ["2/3"], "TSST": ["Night"], "TRCK": ["7/11"], "TDRC": ["2019-05-17"], "TDOR": ["2001-03-02"],
        "TCMP": ["1"], "TPUB": ["Nord"], "TSRC": [ISRC], "TCOM": ["Dora"], "TEXT": ["Edda"], "TPE3": ["Finn"], "TBPM": ["128"],
    }  # fmt: skip
    described = {
        "ARTISTS": ["Anna Ek", "Ben Öz"], "ALBUMARTISTS": ["Anna Ek", "Cleo"], "MusicBrainz Artist Id": [ANNA, BEN],
        "MusicBrainz Album Artist Id": [ANNA, CLEO], "MusicBrainz Album Id": [RELEASE], "MusicBrainz Release Group Id": [GROUP],
        "MusicBrainz Release Track Id": [RELEASE_TRACK], "MusicBrainz Album Type": ["album", "live"], "originalyear": ["2001"],
        "ITUNESADVISORY": ["1"], **{name.upper(): [value] for name, value in GAINS.items()},
    }  # fmt: skip
    return [
        *(getattr(id3, name)(encoding=3, text=values) for name, values in text.items()),
        *(id3.TXXX(encoding=3, desc=name, text=values) for name, values in described.items()),
        id3.UFID(owner="http://musicbrainz.org", data=RECORDING.encode()),
        id3.TIPL(encoding=3, people=[["producer", "Gus"]]),
        id3.TMCL(encoding=3, people=[["piano", "Hal"]]),
        id3.COMM(encoding=3, lang="eng", desc="iTunNORM", text=[" 00000A5C 00000A5C"]),
        id3.COMM(encoding=3, lang="eng", desc="", text=["Taped at home"]),
        id3.USLT(encoding=3, lang="eng", desc="", text="Plain\nwords"),
        id3.SYLT(encoding=3, lang="swe", format=2, type=1, desc="", text=[("First", 500), ("Second", 1250)]),
        id3.APIC(encoding=3, mime="image/jpeg", type=4, desc="back", data=BACK),
        id3.APIC(encoding=3, mime="image/jpeg", type=3, desc="front", data=FRONT),
    ]


def picard_vorbis() -> list[tuple[str, str]]:
    return [
        ("TITLE", "Åska"), ("TITLESORT", "Aska"), ("ARTIST", "Anna Ek feat. Ben Öz"), ("ARTISTS", "Anna Ek"), ("ARTISTS", "Ben Öz"),
        ("ARTISTSORT", "Ek, Anna feat. Öz, Ben"), ("ALBUM", "Northern"), ("ALBUMSORT", "Northern, The"), ("ALBUMARTIST", "Anna Ek & Cleo"),
        ("ALBUMARTISTS", "Anna Ek"), ("ALBUMARTISTS", "Cleo"), ("ALBUMARTISTSORT", "Ek, Anna & Cleo"), ("GENRE", "Jazz"),
        ("GENRE", "Post-Rock"), ("MOOD", "Calm"), ("DISCNUMBER", "2"), ("DISCTOTAL", "3"), ("TOTALDISCS", "3"), ("DISCSUBTITLE", "Night"),
        ("TRACKNUMBER", "7"), ("TRACKTOTAL", "11"), ("TOTALTRACKS", "11"), ("DATE", "2019-05-17"), ("ORIGINALYEAR", "2001"),
        ("ORIGINALDATE", "2001-03-02"), ("COMPILATION", "1"), ("RELEASETYPE", "album"), ("RELEASETYPE", "live"), ("LABEL", "Nord"),
        ("ISRC", ISRC), ("MUSICBRAINZ_TRACKID", RECORDING), ("MUSICBRAINZ_RELEASETRACKID", RELEASE_TRACK), ("MUSICBRAINZ_ALBUMID", RELEASE),
        ("MUSICBRAINZ_RELEASEGROUPID", GROUP), ("MUSICBRAINZ_ARTISTID", ANNA), ("MUSICBRAINZ_ARTISTID", BEN),
        ("MUSICBRAINZ_ALBUMARTISTID", ANNA), ("MUSICBRAINZ_ALBUMARTISTID", CLEO), ("ITUNESADVISORY", "1"), ("BPM", "128"),
        ("COMMENT", "Taped at home"), ("COMPOSER", "Dora"), ("LYRICIST", "Edda"), ("CONDUCTOR", "Finn"), ("PRODUCER", "Gus"),
        ("PERFORMER", "Hal (piano)"), ("LYRICS", LRC), *((name.upper(), value) for name, value in GAINS.items()),
    ]  # fmt: skip


def pictures() -> list[Picture]:
    out = []
    for kind, data in ((4, BACK), (3, FRONT)):
        picture = Picture()
        picture.type, picture.mime, picture.data = kind, "image/jpeg", data
        out.append(picture)
    return out


def embedded_in_comments() -> list[tuple[str, str]]:
    return [("METADATA_BLOCK_PICTURE", base64.b64encode(picture.write()).decode()) for picture in pictures()]


def itunes_mp4() -> dict[str, Any]:
    """Atoms of iTunes, free-form ones of Picard."""

    def free(*texts: str) -> list[MP4FreeForm]:
        return [MP4FreeForm(text.encode(), AtomDataType.UTF8) for text in texts]

    named = {
        "ARTISTS": ("Anna Ek", "Ben Öz"), "ALBUMARTISTS": ("Anna Ek", "Cleo"), "DISCSUBTITLE": ("Night",), "ORIGINALYEAR": ("2001",),
        "ORIGINALDATE": ("2001-03-02",), "LABEL": ("Nord",), "ISRC": (ISRC,), "MOOD": ("Calm",), "LYRICIST": ("Edda",),
        "CONDUCTOR": ("Finn",), "PRODUCER": ("Gus",), "PERFORMER": ("Hal (piano)",), "MusicBrainz Track Id": (RECORDING,),
        "MusicBrainz Release Track Id": (RELEASE_TRACK,), "MusicBrainz Album Id": (RELEASE,), "MusicBrainz Release Group Id": (GROUP,),
        "MusicBrainz Artist Id": (ANNA, BEN), "MusicBrainz Album Artist Id": (ANNA, CLEO), "MusicBrainz Album Type": ("album", "live"),
        **{name: (value,) for name, value in GAINS.items()},
    }  # fmt: skip
    return {
        "\xa9nam": ["Åska"], "sonm": ["Aska"], "\xa9ART": ["Anna Ek feat. Ben Öz"], "soar": ["Ek, Anna feat. Öz, Ben"],
        "\xa9alb": ["Northern"], "soal": ["Northern, The"], "aART": ["Anna Ek & Cleo"], "soaa": ["Ek, Anna & Cleo"],
        "\xa9gen": ["Jazz", "Post-Rock"], "disk": [(2, 3)], "trkn": [(7, 11)], "\xa9day": ["2019-05-17T07:00:00Z"], "cpil": True,
        "tmpo": [128], "rtng": [1], "\xa9cmt": ["Taped at home"], "\xa9wrt": ["Dora"], "\xa9lyr": ["Plain\nwords"],
        "covr": [MP4Cover(FRONT, MP4Cover.FORMAT_JPEG), MP4Cover(BACK, MP4Cover.FORMAT_JPEG)],
        **{f"----:com.apple.iTunes:{name}": free(*texts) for name, texts in named.items()},
    }  # fmt: skip


def picard_ape() -> dict[str, Any]:
    return {
        "Title": "Åska", "TITLESORT": "Aska", "Artist": "Anna Ek feat. Ben Öz", "Artists": ["Anna Ek", "Ben Öz"],
        "ARTISTSORT": "Ek, Anna feat. Öz, Ben", "Album": "Northern", "ALBUMSORT": "Northern, The", "Album Artist": "Anna Ek & Cleo",
        "ALBUMARTISTS": ["Anna Ek", "Cleo"], "ALBUMARTISTSORT": "Ek, Anna & Cleo", "Genre": ["Jazz", "Post-Rock"], "Mood": "Calm",
        "Disc": "2/3", "DiscSubtitle": "Night", "Track": "7/11", "Year": "2019-05-17", "ORIGINALYEAR": "2001", "ORIGINALDATE": "2001-03-02",
        "Compilation": "1", "MUSICBRAINZ_ALBUMTYPE": ["album", "live"], "Label": "Nord", "ISRC": ISRC, "MUSICBRAINZ_TRACKID": RECORDING,
        "MUSICBRAINZ_RELEASETRACKID": RELEASE_TRACK, "MUSICBRAINZ_ALBUMID": RELEASE, "MUSICBRAINZ_RELEASEGROUPID": GROUP,
        "MUSICBRAINZ_ARTISTID": [ANNA, BEN], "MUSICBRAINZ_ALBUMARTISTID": [ANNA, CLEO], "ITUNESADVISORY": "1", "BPM": "128",
        "Comment": "Taped at home", "Composer": "Dora", "Lyricist": "Edda", "Conductor": "Finn", "Producer": "Gus",
        "Performer": "Hal (piano)", "Lyrics": LRC, **{name.upper(): value for name, value in GAINS.items()},
        "Cover Art (Back)": APEValue(b"back.jpg\0" + BACK, BINARY), "Cover Art (Front)": APEValue(b"front.jpg\0" + FRONT, BINARY),
    }  # fmt: skip


def picard_asf() -> dict[str, list[Any]]:
    named = {
        "Title": ["Åska"], "WM/TitleSortOrder": ["Aska"], "Author": ["Anna Ek feat. Ben Öz"], "WM/ARTISTS": ["Anna Ek", "Ben Öz"],
        "WM/ArtistSortOrder": ["Ek, Anna feat. Öz, Ben"], "WM/AlbumTitle": ["Northern"], "WM/AlbumSortOrder": ["Northern, The"],
        "WM/AlbumArtist": ["Anna Ek & Cleo"], "ALBUMARTISTS": ["Anna Ek", "Cleo"], "WM/AlbumArtistSortOrder": ["Ek, Anna & Cleo"],
        "WM/Genre": ["Jazz", "Post-Rock"], "WM/Mood": ["Calm"], "WM/PartOfSet": ["2/3"], "WM/SetSubTitle": ["Night"],
        "WM/TrackNumber": ["7"], "WM/Year": ["2019-05-17"], "WM/OriginalReleaseYear": ["2001"], "WM/OriginalReleaseTime": ["2001-03-02"],
        "WM/IsCompilation": ["1"], "MusicBrainz/Album Type": ["album", "live"], "WM/Publisher": ["Nord"], "WM/ISRC": [ISRC],
        "MusicBrainz/Track Id": [RECORDING], "MusicBrainz/Release Track Id": [RELEASE_TRACK], "MusicBrainz/Album Id": [RELEASE],
        "MusicBrainz/Release Group Id": [GROUP], "MusicBrainz/Artist Id": [ANNA, BEN], "MusicBrainz/Album Artist Id": [ANNA, CLEO],
        "ITUNESADVISORY": ["1"], "WM/BeatsPerMinute": ["128"], "Description": ["Taped at home"], "WM/Composer": ["Dora"],
        "WM/Writer": ["Edda"], "WM/Conductor": ["Finn"], "WM/Producer": ["Gus"], "Performer": ["Hal (piano)"], "WM/Lyrics": [LRC],
        **{name.upper(): [value] for name, value in GAINS.items()},
    }  # fmt: skip
    out: dict[str, list[Any]] = {name: [ASFUnicodeAttribute(text) for text in texts] for name, texts in named.items()}
    wide = "image/jpeg".encode("utf-16-le") + b"\0\0" + "cover".encode("utf-16-le") + b"\0\0"
    out["WM/Picture"] = [
        ASFByteArrayAttribute(bytes([kind]) + struct.pack("<I", len(data)) + wide + data) for kind, data in ((4, BACK), (3, FRONT))
    ]
    return out


def id3v22(**texts: str) -> bytes:
    """An ID3v2.2 tag as old iTunes wrote it: text frames in Latin-1, and a comment, lyrics, two pictures and described texts."""
    frames = b""
    for name, text in texts.items():
        frames += _frame22(name, b"\0" + text.encode("latin-1") + b"\0")
    frames += _frame22("COM", b"\0engiTunNORM\0 0000\0") + _frame22("COM", b"\0eng\0Taped at home\0")
    frames += _frame22("ULT", b"\0eng\0Plain\nwords\0")
    frames += _frame22("TXX", b"\0replaygain_track_gain\x00-7.25 dB") + _frame22("TXX", b"\0replaygain_track_peak\x000.987")
    frames += _frame22("UFI", b"http://musicbrainz.org\0" + RECORDING.encode())
    frames += _frame22("PIC", b"\0JPG\x04back\0" + BACK) + _frame22("PIC", b"\0JPG\x03front\0" + FRONT)
    size = bytes((len(frames) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x02\0\0" + size + frames


def _frame22(name: str, data: bytes) -> bytes:
    return name.encode() + len(data).to_bytes(3) + data


def id3v1(title: str, artist: str, album: str, year: str, comment: str, number: int, genre: int) -> bytes:
    def fixed(text: str, n: int) -> bytes:
        return text.encode("latin-1")[:n].ljust(n, b"\0")

    return b"TAG" + fixed(title, 30) + fixed(artist, 30) + fixed(album, 30) + fixed(year, 4) + fixed(comment, 29) + bytes([number, genre])


def riff_info(wav: bytes, **texts: str) -> bytes:
    """A WAV file with a LIST INFO chunk after its sound."""
    info = b"INFO"
    for name, text in texts.items():
        data = text.encode() + b"\0"
        info += name.encode() + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)
    chunk = b"LIST" + struct.pack("<I", len(info)) + info
    whole = wav + b"\0" * (len(wav) & 1) + chunk
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def dsf(seconds: float = 2.0, rate: int = 2_822_400, channels: int = 2) -> bytes:
    """DSD silence (0x69) in a DSF file: DSD, fmt and data chunks; blocks of 4096 bytes a channel."""
    samples = int(seconds * rate)
    blocks = -(-samples // (4096 * 8))
    data = b"\x69" * (blocks * 4096 * channels)
    fmt = b"fmt " + struct.pack("<QIIIIIIQII", 52, 1, 0, 2, channels, rate, 1, samples, 4096, 0)
    body = fmt + b"data" + struct.pack("<Q", 12 + len(data)) + data
    return b"DSD " + struct.pack("<QQQ", 28, 28 + len(body), 0) + body


def monkeys(seconds: float = 2.0, rate: int = 44100, channels: int = 2, bits: int = 16) -> bytes:
    """The descriptor and header of a Monkey's Audio file, version 3.99, over frames that hold nothing."""
    per_frame = 73728 * 4
    total = int(seconds * rate)
    frames = -(-total // per_frame)
    payload = bytes(range(256)) * 16
    descriptor = b"MAC " + struct.pack("<HHIIIIIII", 3990, 0, 52, 24, 4 * frames, 0, len(payload), 0, 0) + bytes(16)
    header = struct.pack("<HHIIIHHI", 2000, 0, per_frame, total - per_frame * (frames - 1), frames, bits, channels, rate)
    return descriptor + header + bytes(4 * frames) + payload
