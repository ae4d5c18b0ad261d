"""What tracks and externals are of now, as the catalogue has it: releases, artists, genres, durations."""

import json
import sqlite3
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from segue.state._external import artist_id, granted
from segue.state._features import Facts
from segue.text import fold

_TRACKS = "SELECT id, release_id, duration_ms FROM track WHERE id IN (SELECT value FROM json_each(?))"
_ARTISTS = (
    "SELECT track_id, artist_id FROM track_artist WHERE role = 'artist' AND track_id IN (SELECT value FROM json_each(?)) ORDER BY position"
)
_GENRES = (
    "SELECT l.track_id, g.name FROM track_genre l JOIN genre g ON g.id = l.genre_id"
    " WHERE l.track_id IN (SELECT value FROM json_each(?)) ORDER BY l.position"
)
_EXTERNALS = "SELECT id, type, artist, duration_ms FROM external WHERE user_id = ? AND id IN (SELECT value FROM json_each(?))"
_NAMED = (
    "SELECT a.name_folded, a.id, l.library_id FROM artist a JOIN artist_library l ON l.artist_id = a.id"
    " WHERE a.name_folded IN (SELECT value FROM json_each(?)) AND l.track_count > 0 ORDER BY a.id"
)
_NAME = (
    "INSERT INTO external (user_id, id, type, artist) VALUES (?, ?, 'artist', ?)"
    " ON CONFLICT (user_id, id) DO UPDATE SET artist = min(artist, excluded.artist)"
)
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Facts)
UNKNOWN = Facts(None, (), (), None)


def encode(facts: Facts) -> bytes:
    return _encoder.encode(facts)


@lru_cache(16384)
def decode(stored: bytes) -> Facts:
    return _decoder.decode(stored)


def facts_of(raw: sqlite3.Connection, user_id: str, ids: Sequence[str]) -> dict[str, Facts]:
    """Of each id, and remember the names of artists who are known by externals alone: in a write transaction."""
    out, nameless = _found(raw, user_id, ids)
    raw.executemany(_NAME, [(user_id, id, name) for id, name in nameless.items()])
    return out


def read(raw: sqlite3.Connection, user_id: str, ids: Sequence[str]) -> dict[str, Facts]:
    """Of each id; writes nothing."""
    return _found(raw, user_id, ids)[0]


def _found(raw: sqlite3.Connection, user_id: str, ids: Sequence[str]) -> tuple[dict[str, Facts], dict[str, str]]:
    wanted = json.dumps(list(ids))
    tracks = raw.execute(_TRACKS, (wanted,)).fetchall()
    artists: dict[str, dict[str, None]] = {}
    for track_id, artist in raw.execute(_ARTISTS, (wanted,)):
        artists.setdefault(track_id, {})[artist] = None
    genres: dict[str, dict[str, None]] = {}
    for track_id, genre in raw.execute(_GENRES, (wanted,)):
        genres.setdefault(track_id, {})[genre] = None
    out = {
        id: Facts(release, tuple(artists.get(id, ())), tuple(genres.get(id, ())), duration_ms or None)
        for id, release, duration_ms in tracks
    }
    nameless: dict[str, str] = {}
    if len(out) < len(ids):
        out |= _externals(raw, user_id, [id for id in ids if id not in out], nameless)
    return {id: out.get(id, UNKNOWN) for id in ids}, nameless


def _externals(raw: sqlite3.Connection, user_id: str, ids: Sequence[str], nameless: dict[str, str]) -> dict[str, Facts]:
    rows = raw.execute(_EXTERNALS, (user_id, json.dumps(ids))).fetchall()
    names = sorted({fold(artist) for _, type, artist, _ in rows if artist and type == "track"})
    libraries = granted(raw, user_id)
    here: dict[str, str] = {}
    for folded, id, library in raw.execute(_NAMED, (json.dumps(names),)):
        if library in libraries:
            here.setdefault(folded, id)
    out = {}
    for id, type, artist, duration_ms in rows:
        own: tuple[str, ...] = ()
        if artist and type == "track":
            known = here.get(fold(artist))
            if known is None:
                known = artist_id(artist)
                nameless[known] = artist
            own = (known,)
        out[id] = Facts(None, own, (), duration_ms, music=type != "episode", external=True)
    return out
