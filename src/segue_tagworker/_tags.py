"""Each format's tags as one vocabulary: lower-case field names as Vorbis comments and MusicBrainz Picard use them, each with its values
in order. Pictures and lyrics are kept apart.
"""

from dataclasses import dataclass, field
from typing import Any

from mutagen import id3 as frames

_ID3_TEXT = {
    "TIT2": "title", "TPE1": "artist", "TPE2": "albumartist", "TALB": "album", "TRCK": "tracknumber", "TPOS": "discnumber",
    "TSST": "discsubtitle", "TDRC": "date", "TDOR": "originaldate", "TCMP": "compilation", "TSRC": "isrc", "TCOM": "composer",
    "TEXT": "lyricist", "TPE3": "conductor", "TPE4": "remixer", "TMOO": "mood", "TPUB": "label", "TBPM": "bpm", "TSOT": "titlesort",
    "TSOA": "albumsort", "TSOP": "artistsort", "TSO2": "albumartistsort", "TIT1": "grouping",
}  # fmt: skip
_NAMES = {
    "musicbrainz album id": "musicbrainz_albumid", "musicbrainz artist id": "musicbrainz_artistid",
    "musicbrainz album artist id": "musicbrainz_albumartistid", "musicbrainz release track id": "musicbrainz_releasetrackid",
    "musicbrainz track id": "musicbrainz_trackid", "musicbrainz album type": "releasetype", "album artist": "albumartist",
    "album artists": "albumartists", "albumartist": "albumartist", "track": "tracknumber", "disc": "discnumber", "disk": "discnumber",
    "original year": "originalyear", "originalreleasedate": "originaldate", "album_artist": "albumartist", "disctitle": "discsubtitle",
    "unsynced lyrics": "unsyncedlyrics", "itunescompilation": "compilation", "explicit content": "explicit",
    "description": "comment", "musicbrainz_albumtype": "releasetype",
    "publisher": "label", "organization": "label", "mixartist": "remixer", "itunesadvisory": "explicit", "tempo": "bpm",
    "totaltracks": "tracktotal", "totaldiscs": "disctotal", "artist sort": "artistsort", "wm/albumartist": "albumartist",
    "wm/albumtitle": "album", "wm/genre": "genre", "wm/year": "date", "wm/originalreleaseyear": "originalyear",
    "wm/originalreleasetime": "originaldate", "wm/tracknumber": "tracknumber", "wm/partofset": "discnumber",
    "wm/setsubtitle": "discsubtitle", "wm/composer": "composer", "wm/writer": "lyricist", "wm/conductor": "conductor",
    "wm/modifiedby": "remixer", "wm/publisher": "label", "wm/mood": "mood", "wm/isrc": "isrc", "wm/beatsperminute": "bpm",
    "wm/lyrics": "lyrics", "wm/iscompilation": "compilation", "wm/artists": "artists", "wm/titlesortorder": "titlesort",
    "wm/albumsortorder": "albumsort", "wm/artistsortorder": "artistsort", "wm/albumartistsortorder": "albumartistsort", "author": "artist",
    "wm/producer": "producer", "wm/engineer": "engineer", "wm/mixer": "mixer", "wm/djmixer": "djmixer", "wm/arranger": "arranger",
    "musicbrainz/track id": "musicbrainz_trackid", "musicbrainz/album id": "musicbrainz_albumid",
    "musicbrainz/artist id": "musicbrainz_artistid", "musicbrainz/album artist id": "musicbrainz_albumartistid",
    "musicbrainz/release track id": "musicbrainz_releasetrackid", "musicbrainz/album type": "releasetype",
}  # fmt: skip
_MP4 = {
    "\xa9nam": "title", "\xa9ART": "artist", "aART": "albumartist", "\xa9alb": "album", "\xa9gen": "genre", "\xa9day": "date",
    "\xa9wrt": "composer", "\xa9cmt": "comment", "\xa9lyr": "lyrics", "\xa9grp": "grouping", "sonm": "titlesort", "soal": "albumsort",
    "soar": "artistsort", "soaa": "albumartistsort",
}  # fmt: skip
_ID3_COMMENTS = {"": "comment", "comment": "comment", "description": "comment", "id3v1 comment": "comment", "itunsmpb": "itunsmpb"}
_MOST_VALUES = 256
_MOST_PICTURES = 16


@dataclass
class Tags:
    """``fields``: name → values. ``pictures``: (type number, bytes). ``words``: (language, text). ``timed``: (language, [(ms, text)])."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    pictures: list[tuple[int, bytes]] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)
    timed: list[tuple[str, list[tuple[int, str]]]] = field(default_factory=list)
    performers: list[tuple[str, str]] = field(default_factory=list)
    """(what they do, name)."""
    single_valued: bool = False
    """The format has one value a field: several are joined by a slash (ID3v2.3, section 4.2; ID3v2.2 alike)."""
    too_many: bool = False

    def add(self, name: str, *values: str) -> None:
        held = self.fields.setdefault(name, [])
        for value in values:
            for part in str(value).split("\0"):
                if len(held) >= _MOST_VALUES:
                    self.too_many = True
                    return
                if part.strip():
                    held.append(part)

    def fill(self, other: "Tags") -> "Tags":
        """Takes what this one lacks from another tag of the same file."""
        for name, values in other.fields.items():
            self.fields.setdefault(name, values)
        self.pictures = self.pictures or other.pictures
        return self

    def picture(self, kind: int, data: bytes) -> None:
        if data and len(self.pictures) < _MOST_PICTURES:
            self.pictures.append((kind, bytes(data)))


def _name(text: str) -> str:
    lower = text.strip().lower()
    return _NAMES.get(lower, lower)


def from_id3(tag: Any) -> Tags:
    """ID3 in any version, as mutagen gives it (translated to 2.4)."""
    out = Tags(single_valued=tuple(getattr(tag, "version", (2, 4, 0)))[:2] in {(2, 2), (2, 3)})
    for frame in list(tag.values())[:20_000]:
        name = frame.FrameID
        if name in _ID3_TEXT:
            out.add(_ID3_TEXT[name], *(str(text) for text in frame.text))
        elif name == "TCON":
            out.add("genre", *frame.genres)
        elif name == "TXXX":
            out.add(_name(frame.desc), *frame.text)
        elif name == "UFID" and frame.owner == "http://musicbrainz.org":
            out.add("musicbrainz_trackid", frame.data.decode("ascii", "replace"))
        elif name == "COMM":
            out.add(_ID3_COMMENTS.get(frame.desc.lower(), ""), *frame.text)
        elif name in {"TMCL", "TIPL", "IPLS"}:
            out.performers += [(str(role), str(person)) for role, person in frame.people[:_MOST_VALUES]]
        elif name == "APIC":
            out.picture(int(frame.type), frame.data)
        elif name == "USLT":
            out.words.append((frame.lang, frame.text))
        elif name == "SYLT" and frame.format == 2 and frame.type <= 2 and len(out.timed) < 8:
            out.timed.append((frame.lang, [(int(at), str(text)) for text, at in frame.text[:5000]]))
        elif name == "RVA2" and frame.desc.lower() in {"track", "album"}:
            out.add(f"replaygain_{frame.desc.lower()}_gain", f"{frame.gain:.2f} dB")
            if frame.peak:
                out.add(f"replaygain_{frame.desc.lower()}_peak", str(frame.peak))
    out.fields.pop("", None)
    return out


def from_vorbis(tag: Any, pictures: list[Any]) -> Tags:
    """Vorbis comments: FLAC, Ogg Vorbis, Opus."""
    import base64

    from mutagen.flac import Picture

    out = Tags()
    for key, value in list(tag or ())[:20_000]:
        name = _name(key)
        if name == "metadata_block_picture" and len(out.pictures) < _MOST_PICTURES:
            try:
                picture = Picture(base64.b64decode(value))  # type: ignore[no-untyped-call]
            except Exception:  # a broken picture does not cost the tags
                out.picture(3, b"?")
            else:
                out.picture(picture.type, picture.data)
        elif name == "coverart":
            try:
                out.picture(3, base64.b64decode(value))
            except ValueError:
                out.picture(3, b"?")
        else:
            out.add(name, value)
    for picture in pictures:
        out.picture(picture.type, picture.data)
    return out


def from_mp4(tag: Any) -> Tags:
    """iTunes atoms, with the free-form ones of MusicBrainz Picard."""
    out = Tags()
    for key, value in (tag or {}).items():
        if key in {"trkn", "disk"}:
            number, total = value[0] if value else (0, 0)
            out.add("tracknumber" if key == "trkn" else "discnumber", f"{number}/{total}" if total else str(number))
        elif key == "covr":
            for picture in value:
                out.picture(3, bytes(picture))
        elif key == "cpil":
            out.add("compilation", "1" if value else "0")
        elif key == "tmpo":
            out.add("bpm", *(str(one) for one in value))
        elif key == "rtng":
            out.add("explicit", *(str(one) for one in value))
        elif key.startswith("----:"):
            name = _name(key.rpartition(":")[2])
            out.add(name, *(bytes(one).decode("utf-8", "replace") for one in value))
        elif key in _MP4:
            texts = [str(one) for one in (value if isinstance(value, list) else [value])]
            out.add(_MP4[key], *texts)
    return out


def from_ape(tag: Any) -> Tags:
    """APEv2: WavPack, Monkey's Audio, some MP3 files."""
    out = Tags()
    for key, value in (tag or {}).items():
        name = _name(key)
        if value.kind == 1:  # binary: a name, NUL, the picture
            if name.startswith("cover art"):
                out.picture(3 if "front" in name else 0, bytes(value.value).partition(b"\0")[2])
        else:
            out.add(name, str(value))
    return out


def from_asf(tag: Any) -> Tags:
    """Windows Media attributes."""
    out = Tags()
    for key, values in (tag or {}).items():
        name = _name(key)
        for value in values if isinstance(values, list) else [values]:
            if key == "WM/Picture":
                out.picture(*_asf_picture(bytes(getattr(value, "value", b""))))
            else:
                out.add(name, str(value))
    return out


def _asf_picture(data: bytes) -> tuple[int, bytes]:
    """Type (1 byte), length (4), MIME type and description in UTF-16 ended by two NULs each, then the bytes."""
    at = 5
    for _ in range(2):
        while at + 1 < len(data) and data[at : at + 2] != b"\0\0":
            at += 2
        at += 2
    return (data[0] if data else 0), data[at:]


ID3 = frames.ID3
