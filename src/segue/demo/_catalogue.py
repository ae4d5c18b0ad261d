"""The invented artists and their releases, with the oddities that real collections have."""

from dataclasses import dataclass, field
from random import Random
from uuid import UUID


@dataclass(frozen=True)
class TrackPlan:
    """One file to make. ``sound`` names the recording: two plans with one sound are the same recording."""

    path: str
    sound: tuple[str, float, int]
    """(style, seconds, seed)"""
    format: str
    tags: dict[str, tuple[str, ...]]
    """Field names as Vorbis comments have them; several values where a format allows."""
    cover: int | None = None
    """Seed of the embedded picture."""
    png: bool = False
    """The picture as PNG rather than JPEG."""
    id3_version: int = 4
    synced: tuple[tuple[int, str], ...] = ()
    """Lines for a SYLT frame: (ms, words)."""


@dataclass(frozen=True)
class Plan:
    tracks: tuple[TrackPlan, ...]
    texts: dict[str, str] = field(default_factory=dict)
    """Small files beside the music: lyrics, a playlist, the licence."""
    covers: dict[str, int] = field(default_factory=dict)
    """Pictures beside the music: path → seed."""


@dataclass(frozen=True)
class _Release:
    artist: str
    title: str
    style: str
    genres: tuple[str, ...]
    year: int
    format: str
    titles: tuple[str, ...]
    original_year: int | None = None
    embedded: bool = True
    explicit: bool = False
    id3_version: int = 4
    png: bool = False


_RELEASES = (
    _Release("Mira Lund", "Slow Harbours", "ambient", ("Ambient", "Drone"), 2011, "opus",
        ("First Light on Water", "Pilot Boat", "Fog Signal", "The Long Quay", "Low Tide Engine", "Lamps Out")),
    _Release("Kestrel Row", "Letters from the Weir", "folk", ("Folk",), 2004, "flac",
        ("The Miller's Daughter", "Weir Song", "Seven Hedges", "Bread and Salt", "Lantern Carol", "Farewell, Kestrel Row"), 1978, png=True),
    _Release("Neon Borough", "Night Buses", "house", ("House", "Electronic"), 2019, "mp3",
        ("N38", "Top Deck", "Last Stop Sunrise", "Wet Neon", "Request Stop")),
    _Release("Paper Circuits", "High Score Hearts", "chiptune", ("Chiptune", "Electronic"), 2015, "mp3",
        ("Insert Coin", "Level Select", "Pixel Picnic", "Boss Fight at Tea Time", "Save Point", "Continue?"), id3_version=3),
    _Release("Quiet Machinery", "Substation", "dub techno", ("Dub Techno", "Techno"), 2008, "ogg",
        ("Transformer", "Load Shedding", "Fifty Hertz", "Earth Leakage")),
    _Release("Halcyon Drive", "Static & Chrome", "rock", ("Rock", "New Wave"), 1986, "m4a",
        ("Turnpike", "Chrome Heart", "Radio Over Dover", "No Brakes", "Static"), explicit=True),
    _Release("さくら通り", "雨の日のラジオ", "lo-fi", ("Lo-Fi", "Hip Hop"), 2021, "opus",
        ("傘", "窓ぎわ", "終電", "ラジオ", "晴れ間")),
    _Release("Вечерний экспресс", "Северный ветер", "drum and bass", ("Drum and Bass",), 2003, "mp3",
        ("Отправление", "Северный ветер", "Полярная ночь", "Конечная")),
    _Release("Quatuor Élan", "Élégies d'été", "strings", ("Classical", "Chamber Music"), 1992, "wv",
        ("Élégie I", "Élégie II", "Intermède", "Élégie III"), embedded=False),
    _Release("Tidewrack", "Salt", "folk", ("Folk", "Ambient"), 2023, "m4a",
        ("Salt", "Wrack Line", "Interlude: Gulls", "Marram")),
    _Release("The Velvet Abacus", "Counting in Colour", "jazz", ("Jazz", "Lo-Fi"), 1975, "mp3",
        ("Ochre", "Cobalt", "Vermilion", "Umber")),
)  # fmt: skip
_NOCTURNES = (
    ("Evening", ("Nocturne No. 1 in the Blue Hour", "Nocturne No. 2", "Nocturne No. 3: The Staircase", "Nocturne No. 4")),
    ("Before Dawn", ("Nocturne No. 5", "Nocturne No. 6: The Long One", "Nocturne No. 7", "Interlude: Page Turn")),
)
_SAMPLER = (
    ("Neon Borough", "Top Deck", "house"),
    ("Mira Lund", "Pilot Boat (Dawn Mix)", "ambient"),
    ("Halcyon Drive", "Turnpike (Live)", "rock"),
    ("Paper Circuits", "Bonus Round", "chiptune"),
    ("Quiet Machinery", "Brownout", "dub techno"),
    ("さくら通り", "散歩", "lo-fi"),
    ("Ilse Marren", "Encore", "piano"),
)
_WEIR_SONG = (
    "The river turned the wheel for me", "And took my letters to the sea", "O weir, o weir, what did you say",
    "To every word I sent away", "The water wrote them all anew", "And every line came back to you",
)  # fmt: skip
README = """The music in this folder was made by a program, `segue demo-library`, and is dedicated to the public domain (CC0 1.0):
https://creativecommons.org/publicdomain/zero/1.0/

The artists do not exist. Copy it, change it, play it anywhere.
"""


def make_plan(seed: int) -> Plan:
    """Every file of the demo library of a seed."""
    numbers = Random(seed)
    tracks: list[TrackPlan] = []
    texts = {"README.txt": README}
    covers: dict[str, int] = {}
    sounds: dict[tuple[str, str], tuple[str, float, int]] = {}
    for number, release in enumerate(_RELEASES):
        folder = f"{release.artist}/{release.title}"
        if not release.embedded:
            covers[f"{folder}/folder.jpg"] = seed * 100 + number
        for k, title in enumerate(release.titles, 1):
            seconds = 3.0 if title.startswith("Interlude") else float(numbers.randint(15, 28))
            sound = sounds[release.artist, title] = (release.style, seconds, seed * 1000 + number * 20 + k)
            tracks.append(_track(release, folder, number, k, title, sound, seed))
    tracks += _nocturnes(seed, numbers)
    tracks += _sampler(seed, numbers, sounds)
    tracks += [
        TrackPlan("Unsorted/recording 07.mp3", ("piano", 16.0, seed + 7), "mp3", {}),
        TrackPlan("Unsorted/half remembered.ogg", ("folk", 15.0, seed + 8), "ogg", {"TITLE": ("Half Remembered",)}),
    ]
    lines = "\n".join(f"[00:{3 * k:02}.50]{line}" for k, line in enumerate(_WEIR_SONG))
    texts["Halcyon Drive/Static & Chrome/03 - Radio Over Dover.lrc"] = f"[ar:Halcyon Drive]\n[offset:0]\n{lines}\n"
    first = [track.path for track in tracks if "/01 - " in track.path]
    texts["First Things First.m3u8"] = "#EXTM3U\n#PLAYLIST:First Things First\n" + "\n".join(first) + "\n"
    return Plan(tuple(tracks), texts, covers)


def _track(release: _Release, folder: str, number: int, k: int, title: str, sound: tuple[str, float, int], seed: int) -> TrackPlan:
    artist: tuple[str, ...] = (release.artist,)
    shown = release.artist
    if title == "Last Stop Sunrise":
        artist, shown = ("Neon Borough", "Ilse Marren"), "Neon Borough feat. Ilse Marren"
    if title == "Boss Fight at Tea Time":
        artist, shown = ("Paper Circuits", "Halcyon Drive"), "Paper Circuits/Halcyon Drive"
    tags = {
        "TITLE": (title,),
        "ARTIST": (shown,),
        "ALBUM": (release.title,),
        "ALBUMARTIST": (release.artist,),
        "GENRE": release.genres,
        "DATE": (str(release.year),),
        "TRACKNUMBER": (f"{k}/{len(release.titles)}",),
    }
    if len(artist) > 1 and release.id3_version == 4:
        tags["ARTISTS"] = artist
    if release.original_year:
        tags["ORIGINALDATE"] = (str(release.original_year),)
    if release.explicit and k == 4:
        tags["ITUNESADVISORY"] = ("1",)
    if release.artist == "Neon Borough":
        tags |= {
            "MUSICBRAINZ_TRACKID": (_uuid(seed, 1, k),),
            "MUSICBRAINZ_ALBUMID": (_uuid(seed, 2, number),),
            "ISRC": (f"QZSEG19{k:05}",),
            "COMPOSER": ("A. Borough",),
        }
    synced: tuple[tuple[int, str], ...] = ()
    if title == "Weir Song":
        tags["LYRICS"] = ("\n".join(f"[00:{3 * n:02}.00]{line}" for n, line in enumerate(_WEIR_SONG)),)
    if title == "Save Point":
        synced = tuple((n * 2500, line) for n, line in enumerate(("Hold on", "The light is green", "Nothing is lost", "Go on")))
    if title == "Ochre":
        tags["UNSYNCEDLYRICS"] = ("Ochre on the wall,\nochre in the hall,\ncount it once and count it all.",)
    format = release.format
    if release.format == "wv":  # one release in every format that browsers cannot play
        format = ("wv", "aiff", "wav", "wma")[k - 1]
    cover = seed * 100 + number if release.embedded else None
    name = f"{folder}/{k:02} - {title.replace(':', ' -').replace('?', '')}.{format}"
    return TrackPlan(name, sound, format, tags, cover, release.png, release.id3_version, synced)


def _nocturnes(seed: int, numbers: Random) -> list[TrackPlan]:
    out = []
    for disc, (subtitle, titles) in enumerate(_NOCTURNES, 1):
        for k, title in enumerate(titles, 1):
            seconds = 90.0 if "Long" in title else 3.0 if title.startswith("Interlude") else float(numbers.randint(18, 30))
            tags: dict[str, tuple[str, ...]] = {
                "TITLE": (title,),
                "ARTIST": ("Ilse Marren",),
                "ALBUM": ("Nocturnes for a Small Room",),
                "ALBUMARTIST": ("Ilse Marren",),
                "GENRE": ("Classical", "Piano"),
                "DATE": ("1999-11-05",),
                "TRACKNUMBER": (f"{k}/4",),
                "DISCNUMBER": (f"{disc}/2",),
                "DISCSUBTITLE": (subtitle,),
            }
            format = "flac" if disc == 1 else "alac"
            path = f"Ilse Marren/Nocturnes for a Small Room/CD{disc}/{k:02} - {title.replace(':', ' -')}.{'flac' if disc == 1 else 'm4a'}"
            out.append(TrackPlan(path, ("piano", seconds, seed * 1000 + 500 + disc * 10 + k), format, tags, seed * 100 + 50))
    return out


def _sampler(seed: int, numbers: Random, sounds: dict[tuple[str, str], tuple[str, float, int]]) -> list[TrackPlan]:
    out = []
    for k, (artist, title, style) in enumerate(_SAMPLER, 1):
        sound = sounds.get((artist, title)) or (style, float(numbers.randint(15, 22)), seed * 1000 + 600 + k)
        tags: dict[str, tuple[str, ...]] = {
            "TITLE": (title,),
            "ARTIST": (artist,),
            "ALBUM": ("Open Air: A Summer Sampler",),
            "ALBUMARTIST": ("Various Artists",),
            "COMPILATION": ("1",),
            "GENRE": ("Sampler",),
            "DATE": ("2022-06-21",),
            "TRACKNUMBER": (str(k),),
        }
        path = f"Various Artists/Open Air - A Summer Sampler/{k:02} - {artist} - {title}.mp3"
        out.append(TrackPlan(path, sound, "mp3", tags, seed * 100 + 60))
    return out


def _uuid(seed: int, kind: int, number: int) -> str:
    return str(UUID(int=Random(f"{seed} {kind} {number}").getrandbits(128), version=4))
