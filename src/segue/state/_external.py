"""What was heard and is not in the library: its identity, what is known of it, and which track it may be.

An external is known by its folded artist and title (else by its ISRC or MusicBrainz id), per listener. It is matched to a track that the
listener may hear by, in this order, with the confidence in brackets: ISRC (1.0), MusicBrainz recording (0.98), same artist and title
with a duration within 3 s (0.95), on the same release (0.9), of unknown duration (0.8); then the title without what stands in brackets
or after a dash (“- Remastered 2011”, “(feat. X)”), each 0.1 less. A duration that differs by more than 15 s is another recording.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from segue.text import fold
from segue.types import base62

_NEAR_MS = 3_000
_FAR_MS = 15_000
_LOOSE = re.compile(r"\s*(?:[\(\[][^\)\]]*[\)\]]|\s[-–—]\s.*|\bfeat\.?\s.*|\bft\.?\s.*)$")
_JOINED = re.compile(r"\s*(?:,|;|&| feat\.? | ft\.? | featuring | with | x | vs\.? | and |/)\s*")


def external_id(external: Mapping[str, str]) -> str | None:
    """The id of what a subject's ``external`` names; None when it names nothing."""
    if title := external.get("title", ""):
        return _named_id(external.get("artist", ""), title)
    if known := external.get("isrc") or external.get("mbid"):
        return _hashed("i", known.casefold())
    return None


@lru_cache(8192)
def _named_id(artist: str, title: str) -> str:
    return _hashed("t", fold(artist), fold(title))


@lru_cache(8192)
def artist_id(name: str) -> str:
    """The id of an artist who is known by name alone."""
    return _hashed("a", fold(name))


def _hashed(*parts: str) -> str:
    return base62(int.from_bytes(blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=16).digest()))


@dataclass(slots=True)
class External:
    """One row of table ``external``, as far as events tell it."""

    id: str
    type: str
    artist: str
    title: str
    album: str | None
    isrc: str | None
    mbid: str | None
    duration_ms: int | None
    told_by: str


def external_of(id: str, told: Mapping[str, str], key: str) -> External:
    """``key`` orders what different events tell: the latest names stand."""
    digits = told.get("duration_ms", "")
    duration = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
    return External(
        id,
        "episode" if told.get("type") == "episode" else "track",
        told.get("artist", ""),
        told.get("title", ""),
        told.get("album") or None,
        told.get("isrc") or None,
        told.get("mbid") or None,
        duration or None,
        key,
    )


_STORE = """
INSERT INTO external (user_id, id, type, artist, title, album, isrc, mbid, duration_ms, told_by) VALUES (?,?,?,?,?,?,?,?,?,?)
ON CONFLICT (user_id, id) DO UPDATE SET
  isrc = max(coalesce(isrc, excluded.isrc), coalesce(excluded.isrc, isrc)),
  mbid = max(coalesce(mbid, excluded.mbid), coalesce(excluded.mbid, mbid)),
  album = max(coalesce(album, excluded.album), coalesce(excluded.album, album)),
  duration_ms = max(coalesce(duration_ms, excluded.duration_ms), coalesce(excluded.duration_ms, duration_ms)),
  type = min(type, excluded.type),
  artist = CASE WHEN excluded.told_by > told_by THEN excluded.artist ELSE artist END,
  title = CASE WHEN excluded.told_by > told_by THEN excluded.title ELSE title END,
  told_by = max(told_by, excluded.told_by)
"""


def store(raw: sqlite3.Connection, user_id: str, externals: Iterable[External]) -> None:
    """Fold what events tell of externals into their rows."""
    latest: dict[tuple[object, ...], str] = {}
    for e in externals:
        told = user_id, e.id, e.type, e.artist, e.title, e.album, e.isrc, e.mbid, e.duration_ms
        if e.told_by > latest.get(told, ""):
            latest[told] = e.told_by
    if latest:
        raw.executemany(_STORE, [(*told, by) for told, by in latest.items()])


def matched(raw: sqlite3.Connection, user_id: str, ids: Sequence[str]) -> dict[str, str]:
    """The tracks that externals are known to be: by hand, else by what was found."""
    found = raw.execute(
        "SELECT id, hand_track_id, track_id FROM external WHERE user_id = ? AND id IN (SELECT value FROM json_each(?))",
        (user_id, json.dumps(ids)),
    )
    chosen = {id: track if hand is None else hand for id, hand, track in found}
    return {id: track for id, track in chosen.items() if track}


def find_matches(raw: sqlite3.Connection, user_id: str, ids: Sequence[str]) -> dict[str, tuple[str, float, str]]:
    """Of the externals without a track, those that are one: ``{id: (track_id, confidence, method)}``. A read; stores nothing."""
    rows = raw.execute(
        "SELECT id, artist, title, album, isrc, mbid, duration_ms FROM external WHERE user_id = ? AND type = 'track' AND track_id IS NULL"
        " AND hand_by IS NULL AND id IN (SELECT value FROM json_each(?))",
        (user_id, json.dumps(ids)),
    ).fetchall()
    return _search(raw, user_id, rows)


def find_track(raw: sqlite3.Connection, user_id: str, told: External) -> str | None:
    """The track that something is, whether it was ever heard or not: as said by hand, else as found before, else by a search. A read."""
    sql = "SELECT hand_by, hand_track_id, track_id FROM external WHERE user_id = ? AND id = ?"
    by_hand, hand, found = raw.execute(sql, (user_id, told.id)).fetchone() or (None, None, None)
    if by_hand is not None:
        return hand or None
    if found:
        return str(found)
    row = (told.id, told.artist, told.title, told.album, told.isrc, told.mbid, told.duration_ms)
    return next((track_id for track_id, _, _ in _search(raw, user_id, [row]).values()), None)


def _search(raw: sqlite3.Connection, user_id: str, rows: Sequence[Any]) -> dict[str, tuple[str, float, str]]:
    if not rows:
        return {}
    libraries = granted(raw, user_id)
    out: dict[str, tuple[str, float, str]] = {}
    _by_attribute(raw, libraries, "isrc", {row[0]: row[4] for row in rows if row[4]}, 1.0, out)
    _by_attribute(raw, libraries, "mbid", {row[0]: row[5] for row in rows if row[5]}, 0.98, out)
    _by_names(raw, libraries, [row for row in rows if row[0] not in out], out)
    return out


def granted(raw: sqlite3.Connection, user_id: str) -> frozenset[int]:
    """The libraries that exist for a listener."""
    sql = "SELECT id FROM library WHERE everyone = 1 UNION SELECT library_id FROM library_grant WHERE user_id = ?"
    return frozenset(row[0] for row in raw.execute(sql, (user_id,)))


_BY = {
    name: f"SELECT upper({name}), id, library_id FROM track INDEXED BY ix_track_{name}"
    f" WHERE {name} IN (SELECT value FROM json_each(?)) AND missing_at IS NULL ORDER BY id"
    for name in ("isrc", "mbid")
}


def _by_attribute(
    raw: sqlite3.Connection,
    libraries: frozenset[int],
    name: str,
    wanted: dict[str, str],
    confidence: float,
    out: dict[str, tuple[str, float, str]],
) -> None:
    if not wanted:
        return
    spellings = sorted({form for value in wanted.values() for form in (value, value.upper(), value.lower())})
    found: dict[str, str] = {}
    for value, track_id, library in raw.execute(_BY[name], (json.dumps(spellings),)):
        if library in libraries:
            found.setdefault(value, track_id)
    for id, value in wanted.items():
        if id not in out and value.upper() in found:
            out[id] = (found[value.upper()], confidence, name)


def _by_names(raw: sqlite3.Connection, libraries: frozenset[int], rows: Sequence[Any], out: dict[str, tuple[str, float, str]]) -> None:
    for loosely in (False, True):
        titles = {row[0]: _loose(fold(row[2])) if loosely else fold(row[2]) for row in rows if row[0] not in out and row[2]}
        wanted = sorted({title for title in titles.values() if title})
        if not wanted:
            return
        there: dict[str, list[Any]] = {}
        sql = (
            "SELECT t.title_folded, t.id, t.library_id, t.duration_ms, t.artist, r.title_folded, r.artist FROM track t JOIN release r"
            " ON r.id = t.release_id WHERE t.title_folded IN (SELECT value FROM json_each(?)) AND t.missing_at IS NULL"
        )
        for row in raw.execute(sql, (json.dumps(wanted),)):
            if row[2] in libraries:
                there.setdefault(row[0], []).append(row)
        for row in rows:
            options = there.get(titles.get(row[0], ""), ())
            scored = [(score, option[1]) for option in options if (score := _likeness(row, option)) > 0]
            if scored:
                score, track_id = min(scored, key=lambda pair: (-pair[0], pair[1]))
                out[row[0]] = (track_id, round(score - 0.1 * loosely, 2), "names")


def _loose(title: str) -> str:
    for _ in range(3):
        shorter = _LOOSE.sub("", title).strip()
        if shorter == title or not shorter:
            break
        title = shorter
    return title


def people(artist: str) -> frozenset[str]:
    """The folded names in an artist credit: the whole, and each that stands between joining words."""
    whole = fold(artist)
    return frozenset({whole, *(part for part in _JOINED.split(whole) if part)} - {""})


def _likeness(row: Any, option: Any) -> float:
    _, artist, _, album, _, _, duration = row
    _, _, _, their_duration, their_artist, their_album, release_artist = option
    if not people(artist) & (people(their_artist) | people(release_artist)):
        return 0.0
    if duration and their_duration:
        apart = abs(duration - their_duration)
        if apart > _FAR_MS:
            return 0.0
        if apart <= _NEAR_MS:
            return 0.95
    return 0.9 if album and fold(album) == their_album else 0.8


def store_matches(raw: sqlite3.Connection, user_id: str, found: Mapping[str, tuple[str, float, str]]) -> None:
    raw.executemany(
        "UPDATE external SET track_id = ?, confidence = ?, method = ? WHERE user_id = ? AND id = ?",
        [(track_id, confidence, method, user_id, id) for id, (track_id, confidence, method) in found.items()],
    )


def store_hand_matches(raw: sqlite3.Connection, user_id: str, matches: Iterable[tuple[str, str, str]]) -> set[str]:
    """``(id, track_id or "", key)``: the latest stands. Returns the externals named."""
    rows = [(track_id, key, user_id, id, key) for id, track_id, key in matches]
    raw.executemany("UPDATE external SET hand_track_id = ?, hand_by = ? WHERE user_id = ? AND id = ? AND coalesce(hand_by, '') < ?", rows)
    return {row[3] for row in rows}
