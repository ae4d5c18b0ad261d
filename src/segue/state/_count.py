"""Count a listener's plays: rows of table ``play`` -> rows of ``listen``, counts in ``annotation``, sums in ``tally``.

Everything about one track is made anew from its rows whenever one of them, or what the track is of, changes; what was counted before is
taken away by the facts it was counted with.
"""

import json
import operator
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from hashlib import blake2b

from segue.state import _facts, _sums
from segue.state._features import Facts, ListenRow, Sums
from segue.state._plays import Playing, PlayRow, length_of, playings
from segue.types import base62

PLAY_FIELDS = [field.name for field in fields(PlayRow)]
play_values = operator.attrgetter(*PLAY_FIELDS)
_LISTEN_FIELDS = [field.name for field in fields(ListenRow)]
_listen_values = operator.attrgetter(*_LISTEN_FIELDS)
_IN = "IN (SELECT value FROM json_each(?))"
_PLAYS = f"SELECT {', '.join(PLAY_FIELDS)} FROM play WHERE user_id = ? AND track_id {_IN}"
_LISTENS = f"SELECT {', '.join(_LISTEN_FIELDS)} FROM listen WHERE user_id = ? AND track_id {_IN}"
_ADD_LISTEN = f"INSERT OR REPLACE INTO listen (user_id, {', '.join(_LISTEN_FIELDS)}) VALUES (?{', ?' * len(_LISTEN_FIELDS)})"
_DROP_LISTEN = "DELETE FROM listen WHERE user_id = ? AND id = ?"
_NOTES = (
    "SELECT type, id, play_count, skip_count, first_played_at, last_played_at, facts FROM annotation"
    f" WHERE user_id = ? AND type IN ('track', 'external') AND id {_IN}"
)
_ADD_NOTE = (
    "INSERT INTO annotation (user_id, type, id, rating, hidden, play_count, skip_count, first_played_at, last_played_at, facts)"
    " VALUES (?, ?, ?, 0, 0, ?, ?, ?, ?, ?) ON CONFLICT (user_id, type, id) DO UPDATE SET play_count = excluded.play_count,"
    " skip_count = excluded.skip_count, first_played_at = excluded.first_played_at, last_played_at = excluded.last_played_at,"
    " facts = excluded.facts"
)
# A row that says nothing is not kept, so that the order of events leaves no trace.
_DROP_NOTE = (
    "DELETE FROM annotation WHERE user_id = ? AND type = ? AND id = ? AND play_count = 0 AND skip_count = 0"
    " AND liked_by IS NULL AND rated_by IS NULL AND hidden_by IS NULL"
)
_WHOLES = {
    "release": (
        f"SELECT DISTINCT release_id FROM track WHERE id {_IN}",
        "SELECT t.release_id, sum(n.play_count), sum(n.skip_count), min(n.first_played_at), max(n.last_played_at) FROM track t"
        f" JOIN annotation n ON n.user_id = ? AND n.type = 'track' AND n.id = t.id WHERE t.release_id {_IN} GROUP BY 1",
    ),
    "artist": (
        f"SELECT DISTINCT artist_id FROM track_artist WHERE role = 'artist' AND track_id {_IN}",
        "SELECT l.artist_id, sum(n.play_count), sum(n.skip_count), min(n.first_played_at), max(n.last_played_at) FROM track_artist l"
        f" JOIN annotation n ON n.user_id = ? AND n.type = 'track' AND n.id = l.track_id WHERE l.artist_id {_IN} AND l.role = 'artist'"
        " GROUP BY 1",
    ),
}
_WHOLE_NOTES = (
    f"SELECT id, play_count, skip_count, first_played_at, last_played_at FROM annotation WHERE user_id = ? AND type = ? AND id {_IN}"
)
_NONE = (0, 0, None, None)


def recount(raw: sqlite3.Connection, user_id: str, track_ids: Iterable[str]) -> None:
    """Count the plays of these tracks and externals anew, and all that is summed over them."""
    ids = sorted(set(track_ids))
    wanted = json.dumps(ids)
    plays: dict[str, list[PlayRow]] = defaultdict(list)
    for row in raw.execute(_PLAYS, (user_id, wanted)):
        plays[row[3]].append(PlayRow(*row))
    before: dict[str, dict[str, ListenRow]] = defaultdict(dict)
    for row in raw.execute(_LISTENS, (user_id, wanted)):
        before[row[1]][row[0]] = ListenRow(*row)
    notes = {row[1]: row for row in raw.execute(_NOTES, (user_id, wanted))}
    now = _facts.facts_of(raw, user_id, ids)

    sums = Sums()
    gone: list[tuple[str, str]] = []
    new: list[tuple[object, ...]] = []
    kept_notes: list[tuple[object, ...]] = []
    silent: list[tuple[object, ...]] = []
    changed: list[str] = []
    wholes: set[tuple[str, str]] = set()
    for id in ids:
        facts, note, old = now[id], notes.get(id), before[id]
        counted_as = _facts.decode(note[6]) if note is not None and note[6] else facts
        after = {listen.id: listen for listen in _listens(plays[id], facts)}
        same_facts = counted_as == facts
        for listen in old.values():
            if not same_facts or after.get(listen.id) != listen:
                sums.add(listen, counted_as, -1)
            if listen.id not in after:
                gone.append((user_id, listen.id))
        for listen in after.values():
            if not same_facts or old.get(listen.id) != listen:
                sums.add(listen, facts, 1)
            if old.get(listen.id) != listen:
                new.append((user_id, *_listen_values(listen)))
        type = "external" if facts.external else "track"
        count = _counted(after.values())
        stored = tuple(note[2:6]) if note is not None else _NONE
        if count == _NONE:
            if stored != _NONE and note is not None:
                kept_notes.append((user_id, note[0], id, *_NONE, None))
                silent.append((user_id, note[0], id))
                changed.append(id)
                wholes |= _wholes_of(counted_as)
        elif count != stored or not same_facts or note is None or note[6] is None:
            kept_notes.append((user_id, type, id, *count, _facts.encode(facts)))
            changed.append(id)
            if not same_facts:
                wholes |= _wholes_of(counted_as)
    raw.executemany(_DROP_LISTEN, gone)
    raw.executemany(_ADD_LISTEN, new)
    raw.executemany(_ADD_NOTE, kept_notes)
    raw.executemany(_DROP_NOTE, silent)
    _sums.store(raw, user_id, sums)
    if changed:
        _count_wholes(raw, user_id, changed, wholes)


def _listens(rows: Sequence[PlayRow], facts: Facts) -> list[ListenRow]:
    duration_ms = facts.duration_ms or length_of(rows)
    return [_listen(playing, duration_ms) for playing in playings(rows, duration_ms) if not playing.private]


def _listen(playing: Playing, duration_ms: int | None) -> ListenRow:
    told = playing.told
    return ListenRow(
        _id(told),
        told.track_id,
        told.started_at,
        max(playing.last_at, told.started_at),
        playing.heard_ms(duration_ms),
        playing.outcome,
        int(playing.is_listen(duration_ms)),
        told.imported,
        told.session_id,
        told.device_id,
        told.client,
        told.utc_offset_min,
    )


def _id(row: PlayRow) -> str:
    """Begins with the start, so that ids sort as listens do; the rest tells plays of one moment apart."""
    rest = blake2b(f"{row.play_id}\0{row.told_id}".encode("utf-8", "replace"), digest_size=10).digest()
    return base62(min(max(row.started_at, 0), (1 << 48) - 1) << 80 | int.from_bytes(rest))


def plays_of(raw: sqlite3.Connection, user_id: str, listen_id: str) -> tuple[tuple[str, str], ...]:
    """``(play_id, told_id)`` of every row of one listen."""
    found = raw.execute("SELECT track_id FROM listen WHERE user_id = ? AND id = ?", (user_id, listen_id)).fetchone()
    if found is None:
        return ()
    rows = [PlayRow(*row) for row in raw.execute(_PLAYS, (user_id, json.dumps([found[0]])))]
    facts = _facts.read(raw, user_id, [found[0]])[found[0]]
    for playing in playings(rows, facts.duration_ms or length_of(rows)):
        if _id(playing.told) == listen_id:
            return tuple((row.play_id, row.told_id) for row in playing.rows)
    return ()


def _counted(listens: Iterable[ListenRow]) -> tuple[int, int, int | None, int | None]:
    heard = [listen.started_at for listen in listens if listen.counted]
    skips = sum(listen.outcome == "skipped" for listen in listens)
    return len(heard), skips, min(heard, default=None), max(heard, default=None)


def _wholes_of(facts: Facts) -> set[tuple[str, str]]:
    own = {("artist", artist) for artist in facts.artists}
    return own | {("release", facts.release)} if facts.release else own


def _count_wholes(raw: sqlite3.Connection, user_id: str, track_ids: list[str], more: set[tuple[str, str]]) -> None:
    """Sum the listens of the releases and artists that the changed tracks belong to, as the catalogue has them now."""
    wanted = json.dumps(track_ids)
    for type, (members, total) in _WHOLES.items():
        ids = {row[0] for row in raw.execute(members, (wanted,))} | {id for kind, id in more if kind == type}
        if not ids:
            continue
        listed = json.dumps(sorted(ids))
        counts = dict.fromkeys(ids, _NONE) | {row[0]: tuple(row[1:]) for row in raw.execute(total, (user_id, listed))}
        old = {row[0]: tuple(row[1:]) for row in raw.execute(_WHOLE_NOTES, (user_id, type, listed))}
        fresh = {id: count for id, count in counts.items() if count != old.get(id, _NONE)}
        raw.executemany(_ADD_NOTE, [(user_id, type, id, *count, None) for id, count in fresh.items()])
        raw.executemany(_DROP_NOTE, [(user_id, type, id) for id, count in fresh.items() if count[:2] == (0, 0)])
