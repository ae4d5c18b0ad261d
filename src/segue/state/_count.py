"""Count a listener's plays: rows of table ``play`` -> rows of ``listen``, counts in ``annotation``, sums in ``tally``.

Everything about one track is made anew from its rows whenever one of them, or what the track is of, changes; what was counted before is
taken away by the facts it was counted with.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

from segue.state import _facts, _sums
from segue.state._features import Facts, ListenRow, Sums
from segue.state._plays import COPY_MS, Playing, PlayRow, length_of, playings
from segue.types import base62

PLAY_FIELDS = PlayRow.__struct_fields__
play_values = msgspec.structs.astuple
_LISTEN_FIELDS = ListenRow.__struct_fields__
IN = "IN (SELECT value FROM json_each(?))"
_EACH_NEAR = (
    f"SELECT {', '.join(f'p.{name}' for name in PLAY_FIELDS)} FROM json_each(?) j CROSS JOIN play p INDEXED BY ix_play_track"
    " ON p.user_id = ? AND p.track_id = json_extract(j.value, '$[0]') AND p.until_at >= json_extract(j.value, '$[1]')"
    " AND p.until_at - (p.last_at - p.started_at) <= json_extract(j.value, '$[2]')"
)
"""Of many things at once: ``[id, from, until]`` of each."""
_ANY_LISTEN = "SELECT 1 FROM listen INDEXED BY ix_listen_track WHERE user_id = ? AND track_id = ? LIMIT 1"
_COUNTED = "SELECT id, started_at FROM listen INDEXED BY ix_listen_track WHERE user_id = ? AND track_id = ? AND counted = 1 ORDER BY id"
_EACH_NEAR_LISTENS = (
    f"SELECT {', '.join(f'l.{name}' for name in _LISTEN_FIELDS)} FROM json_each(?) j CROSS JOIN listen l INDEXED BY ix_listen_track"
    " ON l.user_id = ? AND l.track_id = json_extract(j.value, '$[0]') AND l.id >= json_extract(j.value, '$[1]')"
    " AND l.id < json_extract(j.value, '$[2]')"
)
_ADD_LISTEN = f"INSERT OR REPLACE INTO listen (user_id, {', '.join(_LISTEN_FIELDS)}) VALUES (?{', ?' * len(_LISTEN_FIELDS)})"
_DROP_LISTEN = "DELETE FROM listen WHERE user_id = ? AND id = ?"
_NOTES = (
    "SELECT type, id, play_count, skip_count, first_played_at, last_played_at, facts FROM annotation"
    f" WHERE user_id = ? AND type IN ('track', 'external') AND id {IN}"
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
        f"SELECT DISTINCT release_id FROM track WHERE id {IN}",
        "SELECT t.release_id, sum(n.play_count), sum(n.skip_count), min(n.first_played_at), max(n.last_played_at) FROM track t"
        f" JOIN annotation n ON n.user_id = ? AND n.type = 'track' AND n.id = t.id WHERE t.release_id {IN} GROUP BY 1",
    ),
    "artist": (
        f"SELECT DISTINCT artist_id FROM track_artist WHERE role = 'artist' AND track_id {IN}",
        "SELECT l.artist_id, sum(n.play_count), sum(n.skip_count), min(n.first_played_at), max(n.last_played_at) FROM track_artist l"
        f" JOIN annotation n ON n.user_id = ? AND n.type = 'track' AND n.id = l.track_id WHERE l.artist_id {IN} AND l.role = 'artist'"
        " GROUP BY 1",
    ),
}
_WHOLE_NOTES = (
    f"SELECT id, play_count, skip_count, first_played_at, last_played_at FROM annotation WHERE user_id = ? AND type = ? AND id {IN}"
)
_Count = tuple[int, int, int | None, int | None]
"""Listens, skips, and when the first and last listen began."""
_Note = tuple[str, str, int, int, int | None, int | None, bytes | None]
"""A row of ``_NOTES``."""
Known = tuple[Mapping[str, Facts], Mapping[str, _Note]]
_NONE: _Count = (0, 0, None, None)
_ADD_TO_WHOLE = (
    "INSERT INTO annotation (user_id, type, id, rating, hidden, play_count, skip_count, first_played_at, last_played_at)"
    " VALUES (?, ?, ?, 0, 0, ?, ?, ?, ?) ON CONFLICT (user_id, type, id) DO UPDATE SET play_count = play_count + excluded.play_count,"
    " skip_count = skip_count + excluded.skip_count,"
    " first_played_at = min(coalesce(first_played_at, excluded.first_played_at), coalesce(excluded.first_played_at, first_played_at)),"
    " last_played_at = max(coalesce(last_played_at, excluded.last_played_at), coalesce(excluded.last_played_at, last_played_at))"
)


@dataclass(slots=True)
class Change:
    """Which plays of a thing changed: all there are (``whole``), or those that lie between two moments. ``longest_ms``: of the new."""

    whole: bool = True
    first: int = 0
    last: int = 0
    longest_ms: int = 0


@dataclass(slots=True)
class _Part:
    """Plays of a thing that are counted anew, and its listens before by id: all there are (``whole``), or those around a change."""

    rows: list[PlayRow]
    before: dict[str, ListenRow]
    whole: bool


@dataclass(slots=True)
class Recount:
    """What becomes of one track or external. ``counted``: its listens, skips, first and last listen, where they may have changed."""

    id: str
    facts: Facts
    gone: list[str]
    new: list[ListenRow]
    counted: _Count | None
    wholes: set[tuple[str, str]]
    """Releases and artists whose counts are to be summed anew."""


def recount(raw: sqlite3.Connection, user_id: str, changes: Mapping[str, Change]) -> None:
    """Count the changed plays of these tracks and externals anew, and all that is summed over them."""
    sums = Sums()
    known = facts_and_notes(raw, user_id, sorted(changes))
    done = compare(raw, user_id, changes, known, sums)
    raw.executemany(_DROP_LISTEN, [(user_id, listen_id) for one in done for listen_id in one.gone])
    add_listens(raw, user_id, [listen for one in done for listen in one.new])
    _sums.store(raw, user_id, sums.by_key())
    annotate(raw, user_id, done, known)


def facts_and_notes(raw: sqlite3.Connection, user_id: str, ids: Sequence[str]) -> Known:
    """What these are of now, and what is noted of them. In a write transaction: names of artists are kept."""
    notes = {row[1]: row for row in raw.execute(_NOTES, (user_id, json.dumps(ids)))}
    return _facts.facts_of(raw, user_id, ids), notes


def compare(raw: sqlite3.Connection, user_id: str, changes: Mapping[str, Change], known: Known, sums: Sums) -> list[Recount]:
    """What becomes of each; ``sums`` takes the differences. A read."""
    now, notes = known
    counted_as = {id: _facts.decode(note[6]) for id, note in notes.items() if note[6]}
    parts = _parts(raw, user_id, changes, now, counted_as)
    return [_compare(raw, user_id, id, parts[id], now[id], counted_as.get(id), notes.get(id), sums) for id in sorted(changes)]


def add_listens(raw: sqlite3.Connection, user_id: str, listens: Iterable[ListenRow]) -> None:
    raw.executemany(_ADD_LISTEN, [(user_id, *msgspec.structs.astuple(listen)) for listen in listens])


def _compare(
    raw: sqlite3.Connection,
    user_id: str,
    id: str,
    part: _Part,
    facts: Facts,
    counted_as: Facts | None,
    note: _Note | None,
    sums: Sums,
) -> Recount:
    """The listens of one thing as they were and as they are; ``sums`` takes the difference."""
    if facts.duration_ms is None:
        known = counted_as.length_ms if counted_as is not None and not part.whole else None
        facts = msgspec.structs.replace(facts, length_ms=known or length_of(part.rows))
    taken_as = counted_as or facts
    same_facts = taken_as == facts
    if not same_facts and not part.whole:
        part = _parts(raw, user_id, {id: Change()}, {id: facts}, {})[id]
    before, after = part.before, {listen.id: listen for listen in _listens(part.rows, facts)}
    gone = [listen for listen in before.values() if not same_facts or after.get(listen.id) != listen]
    new = [listen for listen in after.values() if not same_facts or before.get(listen.id) != listen]
    for listen in gone:
        sums.add(listen, taken_as, -1)
    for listen in new:
        sums.add(listen, facts, 1)
    counted = None
    if before != after or not same_facts or (note is None and after) or (note is not None and note[6] is None):
        counted = _count_of(raw, user_id, id, part, after, note)
    return Recount(
        id,
        facts,
        gone=[listen.id for listen in gone if listen.id not in after],
        new=new if same_facts else [listen for listen in new if before.get(listen.id) != listen],
        counted=counted,
        wholes=_wholes_of(counted_as) | _wholes_of(facts) if counted_as is not None and not same_facts else set(),
    )


def _count_of(raw: sqlite3.Connection, user_id: str, id: str, part: _Part, after: Mapping[str, ListenRow], note: _Note | None) -> _Count:
    now = _counted(after.values())
    if part.whole or note is None:
        return now
    old = _counted(part.before.values())
    listens, skips = note[2] + now[0] - old[0], note[3] + now[1] - old[1]
    if not listens:
        return 0, skips, None, None
    if any(listen.counted and not ((still := after.get(listen.id)) and still.counted) for listen in part.before.values()):
        return listens, skips, *_edges(raw, user_id, id, part, after)
    return _plus((listens, skips, note[4], note[5]), (0, 0, now[2], now[3]))


def _edges(raw: sqlite3.Connection, user_id: str, id: str, part: _Part, after: Mapping[str, ListenRow]) -> tuple[int, int]:
    """When the first and the last listen began, where one that counted went. Those of ``part`` are not stored yet as they are now."""
    starts = [listen.started_at for listen in after.values() if listen.counted]
    for order in ("ASC", "DESC"):
        for listen_id, started_at in raw.execute(f"{_COUNTED} {order}", (user_id, id)):
            if listen_id not in part.before:
                starts.append(started_at)
                break
    return min(starts), max(starts)


def annotate(raw: sqlite3.Connection, user_id: str, done: Sequence[Recount], known: Known) -> None:
    """Keep the counts of tracks and externals, and bring those of their releases and artists along."""
    notes = known[1]
    changed: list[str] = []
    wholes = {whole for one in done for whole in one.wholes}
    more: dict[tuple[str, str], _Count] = {}
    kept: list[tuple[object, ...]] = []
    silent: list[tuple[object, ...]] = []
    for one in done:
        count = one.counted
        if count is None:
            continue
        id, note, facts = one.id, notes.get(one.id), one.facts
        type = note[0] if note is not None else "external" if facts.external else "track"
        # What is not in the library is listed by its counts, so it has them even where they are nought.
        if count[0] or count[1] or (facts.external and raw.execute(_ANY_LISTEN, (user_id, id)).fetchone()):
            kept.append((user_id, type, id, *count, _facts.encode(facts)))
        elif note is not None:
            kept.append((user_id, type, id, *_NONE, None))
            silent.append((user_id, type, id))
            wholes |= _wholes_of(facts)
        stored: _Count = (note[2], note[3], note[4], note[5]) if note is not None else _NONE
        if stored != count and not facts.external:
            if _narrower(stored, count):
                changed.append(id)
            else:
                added = (count[0] - stored[0], count[1] - stored[1], count[2], count[3])
                for kind, whole in _wholes_of(facts):
                    more[kind, whole] = _plus(more.get((kind, whole), _NONE), added)
    raw.executemany(_ADD_NOTE, kept)
    raw.executemany(_DROP_NOTE, silent)
    _add_to_wholes(raw, user_id, {key: added for key, added in more.items() if key not in wholes})
    if changed or wholes:
        _count_wholes(raw, user_id, changed, wholes)


def _parts(
    raw: sqlite3.Connection, user_id: str, changes: Mapping[str, Change], now: Mapping[str, Facts], counted_as: Mapping[str, Facts]
) -> dict[str, _Part]:
    """What must be counted anew. Plays further apart than any rule of :mod:`segue.state._plays` reaches do not touch each other, so where
    little changed of a thing that was played a thousand times, little is read.
    """
    reach: dict[str, int] = {}
    spans: dict[str, tuple[int, int]] = {}
    for id, change in changes.items():
        facts, known = now[id], counted_as.get(id)
        length_ms = facts.duration_ms or (known.length_ms if known is not None else None)
        if known is not None and not change.whole and length_ms and (facts.duration_ms or change.longest_ms <= length_ms):
            reach[id] = length_ms + 2 * COPY_MS
            spans[id] = change.first, change.last
    settled: dict[str, list[PlayRow]] = {}
    for _ in range(8):
        wanted = [(id, first - reach[id], last + reach[id]) for id, (first, last) in spans.items() if id not in settled]
        if not wanted:
            break
        for id, rows in _grouped_rows(raw.execute(_EACH_NEAR, (json.dumps(wanted), user_id)), [id for id, _, _ in wanted]).items():
            first, last = spans[id]
            low = min((row.start for row in rows), default=first)
            high = max((row.until_at for row in rows), default=last)
            if low >= first and high <= last:
                settled[id] = rows
            else:
                spans[id] = min(first, low), max(last, high)
    whole = [id for id in changes if id not in settled]
    out = {id: _Part(rows, {}, whole=False) for id, rows in settled.items()}
    out |= {id: _Part([], {}, whole=True) for id in whole}
    for row in plays_of_all(raw, user_id, whole):
        out[row.track_id].rows.append(row)
    near = [(id, _first_id(spans[id][0]), _first_id(spans[id][1] + 1)) for id in settled] + [(id, "", "~") for id in whole]
    for values in raw.execute(_EACH_NEAR_LISTENS, (json.dumps(near), user_id)):
        out[values[1]].before[values[0]] = ListenRow(*values)
    return out


def plays_of_all(raw: sqlite3.Connection, user_id: str, ids: Sequence[str]) -> list[PlayRow]:
    """Every row of these things."""
    wanted = json.dumps([(id, -(1 << 62), 1 << 62) for id in ids])
    return [PlayRow(*values) for values in raw.execute(_EACH_NEAR, (wanted, user_id))]


def _grouped_rows(found: Iterable[Sequence[Any]], ids: Sequence[str]) -> dict[str, list[PlayRow]]:
    out: dict[str, list[PlayRow]] = {id: [] for id in ids}
    for values in found:
        row = PlayRow(*values)
        out[row.track_id].append(row)
    return out


def _first_id(at: int) -> str:
    """No listen that begins then has a smaller one."""
    return base62(max(0, at) << 80)


def _listens(rows: Sequence[PlayRow], facts: Facts) -> list[ListenRow]:
    duration_ms = facts.duration_ms or facts.length_ms
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
    rows = plays_of_all(raw, user_id, [found[0]])
    facts = _facts.read(raw, user_id, [found[0]])[found[0]]
    for playing in playings(rows, facts.duration_ms or length_of(rows)):
        if _id(playing.told) == listen_id:
            return tuple((row.play_id, row.told_id) for row in playing.rows)
    return ()


def _counted(listens: Iterable[ListenRow]) -> _Count:
    skips = 0
    starts: list[int] = []
    for listen in listens:
        if listen.counted:
            starts.append(listen.started_at)
        skips += listen.outcome == "skipped"
    return len(starts), skips, min(starts, default=None), max(starts, default=None)


def _narrower(before: _Count, now: _Count) -> bool:
    """Whether the first or last listen of a track went, so that those of its artists must be looked for."""
    return before[2] is not None and (now[2] is None or now[3] is None or now[2] > before[2] or now[3] < (before[3] or 0))


def _plus(a: _Count, b: _Count) -> _Count:
    firsts, lasts = [at for at in (a[2], b[2]) if at is not None], [at for at in (a[3], b[3]) if at is not None]
    return a[0] + b[0], a[1] + b[1], min(firsts, default=None), max(lasts, default=None)


def _wholes_of(facts: Facts) -> set[tuple[str, str]]:
    own = {("artist", artist) for artist in facts.artists}
    return own | {("release", facts.release)} if facts.release else own


def _add_to_wholes(raw: sqlite3.Connection, user_id: str, added: Mapping[tuple[str, str], _Count]) -> None:
    raw.executemany(_ADD_TO_WHOLE, [(user_id, *key, *count) for key, count in added.items()])
    raw.executemany(_DROP_NOTE, [(user_id, *key) for key, count in added.items() if count[0] < 0 or count[1] < 0])


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
