"""Fields into meaning: people, numbers, dates, gains.

One splitting rule for fields that name several things. Formats that hold several values (Vorbis comments, ID3v2.4, MP4, APEv2, ASF) are
taken at their word. Then, for each value: ``;`` and `` / `` always separate; a bare ``/`` separates in ID3v2.2 and ID3v2.3 only, whose
one way it is, and not when a side has fewer than three letters, so that AC/DC stays one; `` feat. ``, `` ft. `` and `` featuring ``
separate artists. A field ``artists`` (or ``albumartists``) that names several is believed before the one to be shown, and MusicBrainz ids
pair with names when there are as many of one as of the other.
"""

import math
import re
from typing import Any

from segue_tagworker._tags import Tags

LONGEST = 1024
MOST_GENRES = 64
MOST_PEOPLE = 64
_FEATURED = re.compile(r"\s+[(\[]?(?:feat\.?|ft\.?|featuring)\s+", re.IGNORECASE)
_DATE = re.compile(r"\s*(\d{4})(?:(\d{2})(\d{2})(?!\d)|[-./](\d{1,2})(?:[-./](\d{1,2}))?)?")
_NUMBER = re.compile(r"\s*(\d{1,5})")
_GAIN = re.compile(r"\s*([+-]?\d{1,3}(?:[.,]\d{1,8})?)")
_MBID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
_EXPLICIT = {"1": True, "4": True, "true": True, "yes": True, "explicit": True, "2": False, "clean": False}
_ROLES = ("composer", "lyricist", "conductor", "remixer", "arranger", "producer", "engineer", "mixer", "djmixer", "writer", "performer")


def clean(text: str, longest: int = LONGEST) -> tuple[str, bool]:
    """A value without control characters and undecodable bytes, and whether anything was lost."""
    if text.isascii() and text.isprintable():  # nearly always
        kept = text.strip()
        return kept[:longest], len(kept) > longest
    plain = text.encode("utf-8", "replace").decode()
    kept = "".join(c for c in plain if c.isprintable() or c in "\n\t").strip()
    return kept[:longest], len(kept) > longest or "\ufffd" in text


def split(values: list[str], *, slashes: bool, people: bool) -> list[str]:
    """The documented rule: see the module. Order kept, repeats and empty parts dropped. Idempotent but for ``slashes``."""
    out: list[str] = []
    for value in values:
        if not (";" in value or "/" in value or (people and "f" in value.lower())):  # nothing to split at
            out.append(value.strip())
            continue
        for part in re.split(r"\s*;\s*|\s+/\s+", value):
            pieces = [part]
            if slashes and "/" in part:
                sides = [side.strip() for side in part.split("/")]
                pieces = sides if all(sum(c.isalpha() for c in side) >= 3 for side in sides) else [part]
            for piece in pieces:
                names = _FEATURED.split(piece) if people else [piece]
                out += [name.strip(" )]") if number else name.strip() for number, name in enumerate(names)]
    return list(dict.fromkeys(name for name in out if name))


class _Reader:
    """Fields of one file, with what was wrong with them told once."""

    def __init__(self, tags: Tags, findings: list[list[str]]) -> None:
        self.tags = tags
        self.lossy: set[str] = set()
        self.findings = findings

    def all(self, name: str) -> list[str]:
        values = self.tags.fields.get(name)
        if not values:
            return []
        out = []
        for value in values:
            kept, lost = clean(value)
            if lost:
                self.lossy.add(name)
            if kept:
                out.append(kept)
        return out

    def first(self, *names: str) -> str | None:
        return next((value for name in names for value in self.all(name)), None)

    def number(self, name: str, part: int = 0) -> int | None:
        text = self.first(name)
        pieces = (text or "").split("/")
        match = _NUMBER.match(pieces[part]) if part < len(pieces) else None
        return int(match[1]) or None if match else None

    def date(self, *names: str) -> str | None:
        for name in names:
            for text in self.all(name):
                match = _DATE.match(text)
                if match and match[1] != "0000":
                    month, day = int(match[2] or match[4] or 0), int(match[3] or match[5] or 0)
                    good = [match[1]] + ([f"{month:02}"] if 1 <= month <= 12 else [])
                    return "-".join(good + ([f"{day:02}"] if len(good) == 2 and 1 <= day <= 31 else []))
        return None

    def gain(self, name: str, low: float = -60, high: float = 60) -> float | None:
        match = _GAIN.match(self.first(name) or "")
        value = float(match[1].replace(",", ".")) if match else math.nan
        return value if low <= value <= high else None

    def r128(self, name: str) -> float | None:
        """Q7.8 fixed point to -23 LUFS (RFC 7845, section 5.2.1), as a gain to ReplayGain's -18 LUFS."""
        text = self.first(name)
        if text is None or not re.fullmatch(r"[+-]?\d{1,5}", text):
            return None
        return round(int(text) / 256 + 5, 2)

    def mbids(self, name: str) -> list[str]:
        return [match[0].lower() for value in self.all(name) for match in _MBID.finditer(value)][:MOST_PEOPLE]

    def people(self, single: str, several: str, ids: str) -> list[dict[str, Any]]:
        slashes = self.tags.single_valued
        listed = self.all(several)
        if len(listed) == 1:
            listed = split(listed, slashes=slashes, people=False)
        shown = self.all(single)
        names = listed if len(listed) > 1 else split(shown or listed, slashes=slashes, people=True)
        mbids = self.mbids(ids)
        if len(mbids) == 1 and len(names) > 1 and len(listed or shown) == 1:
            names = listed or shown  # one id: one artist, whatever its name looks like
        if len(names) > MOST_PEOPLE:
            self.lossy.add(single)
        paired = mbids if len(mbids) == len(names) else []
        return [{"name": name, "mbid": paired[n] if paired else None} for n, name in enumerate(names[:MOST_PEOPLE])]


def interpret(tags: Tags, findings: list[list[str]]) -> dict[str, Any]:
    """What the tags mean, with the names of ``segue``'s tag record. Adds to ``findings`` what was cut or could not be understood."""
    read = _Reader(tags, findings)
    artists = read.people("artist", "artists", "musicbrainz_artistid")
    release_artists = read.people("albumartist", "albumartists", "musicbrainz_albumartistid")
    shown, release_shown = " / ".join(read.all("artist")), " / ".join(read.all("albumartist"))
    genres = split(read.all("genre"), slashes=tags.single_valued, people=False)
    if len(genres) > MOST_GENRES:
        read.lossy.add("genre")
    explicit = read.first("explicit")
    out = {
        "title": read.first("title"),
        "title_sort": read.first("titlesort"),
        "artist": shown or ", ".join(one["name"] for one in artists) or None,
        "artists": artists,
        "artist_sort": read.first("artistsort"),
        "release": read.first("album"),
        "release_sort": read.first("albumsort"),
        "release_artist": release_shown or None,
        "release_artists": release_artists,
        "release_artist_sort": read.first("albumartistsort"),
        "contributors": _contributors(tags, read),
        "genres": [genre[:128] for genre in genres[:MOST_GENRES]],
        "moods": split(read.all("mood"), slashes=False, people=False)[:16],
        "disc": read.number("discnumber"),
        "disc_title": read.first("discsubtitle"),
        "number": read.number("tracknumber"),
        "date": read.date("date", "year", "releasedate"),
        "original_date": read.date("originaldate", "originalyear"),
        "compilation": (read.first("compilation") or "0").lower() in {"1", "true", "yes"},
        "release_types": [one.lower()[:32] for one in split(read.all("releasetype"), slashes=True, people=False)][:8],
        "labels": split(read.all("label"), slashes=False, people=False)[:8],
        "isrc": list(dict.fromkeys(match for v in read.all("isrc") for match in _ISRC.findall(v.upper().replace("-", ""))))[:8],
        "mbid": next(iter(read.mbids("musicbrainz_trackid")), None),
        "release_mbid": next(iter(read.mbids("musicbrainz_albumid")), None),
        "track_gain_db": _either(read.gain("replaygain_track_gain"), read.r128("r128_track_gain")),
        "track_peak": read.gain("replaygain_track_peak", 0, 100),
        "album_gain_db": _either(read.gain("replaygain_album_gain"), read.r128("r128_album_gain")),
        "album_peak": read.gain("replaygain_album_peak", 0, 100),
        "explicit": None if explicit is None else _EXPLICIT.get(explicit.lower()),
        "bpm": read.gain("bpm", 1, 999),
        "comment": (read.first("comment") or None),
    }
    if tags.too_many:
        read.lossy.add("(too many values)")
    if read.lossy:
        what = ", ".join(sorted(read.lossy))[:200]
        findings.append(["bad_tag", f"Text that is no Unicode, or too much of it, was dropped in: {what}. Mend it with a tag editor."])
    return out


def _either(first: float | None, second: float | None) -> float | None:
    return first if first is not None else second


def _contributors(tags: Tags, read: _Reader) -> list[dict[str, Any]]:
    out: dict[tuple[str, str, str | None], None] = {}
    for role in _ROLES:
        if role not in tags.fields:
            continue
        for name in split(read.all(role), slashes=tags.single_valued, people=False):
            person, _, what = name[:-1].rpartition(" (") if role == "performer" and name.endswith(")") else ("", "", "")
            if person and what:
                tags.performers.append((what, person))
            else:
                out[role, name, None] = None
    for what, person in tags.performers:
        role, name = clean(what, 64)[0].lower(), clean(person, 256)[0]
        if name:
            known = role in _ROLES
            out[role if known else "performer", name, None if known else role or None] = None
    return [{"role": role, "name": name, "detail": detail} for role, name, detail in list(out)[:MOST_PEOPLE]]
