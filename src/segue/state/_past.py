"""One listener's listens and statistics, read from the projections."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from segue.errors import BadRequest
from segue.model import ExternalTrack, Listen
from segue.state import _facts
from segue.state._external import external_id, external_of, find_track
from segue.state._project import raw_of
from segue.store import Database
from segue.store import schema as t
from segue.text import fold
from segue.types import Instant, Ms, UserId, base62

_SILENCE_MS = 30 * 60_000
"""A playing nobody reports on for so long has ended, nobody knows how."""
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_LONGEST_MS = 4 * _HOUR_MS
"""Of one listen, as in sums."""
_MIDST_MS = 30_000
"""From either end: nearer, there is nothing to resume."""
_MOST_FOUND = 2_000
"""Things whose listens a search shows."""
_KINDS = ("track", "artist", "release", "genre")


@dataclass(frozen=True)
class Window:
    """A period in the listener's days: ``first`` .. ``last``, both included; ``year`` when it is one, ``whole`` when it is all."""

    name: str
    first: date
    last: date
    year: str | None = None
    whole: bool = False


@dataclass
class Numbers:
    """What was heard in a period. ``top``: per kind, ``(key, listens, ms)``, most listens first."""

    listens: int = 0
    skips: int = 0
    ms: int = 0
    distinct: dict[str, int] = field(default_factory=dict)
    top: dict[str, list[tuple[str, int, int]]] = field(default_factory=dict)
    hours: list[int] = field(default_factory=lambda: [0] * 168)
    """By hour of the week: Monday midnight first."""
    days: dict[str, tuple[int, int]] = field(default_factory=dict)
    """``date: (listens, ms)``."""
    new: dict[str, int] = field(default_factory=dict)
    """Tracks and artists first heard in the period."""
    longest_streak: int = 0
    current_streak: int = 0


def window(name: str, today: date) -> Window:
    """``all``, ``2026``, ``2026-11``, ``2026-11-21``, or the last days: ``7d``, ``30d``. Raises BadRequest."""
    try:
        if name == "all":
            return Window(name, date(1970, 1, 1), date(9999, 12, 31), whole=True)
        if name.endswith("d"):
            days = int(name[:-1])
            if not 1 <= days <= 3660 or not name[:-1].isascii():
                raise ValueError
            return Window(name, today - timedelta(days - 1), today)
        parts = [int(part) for part in name.split("-")]
        if len(parts) == 1:
            return Window(name, date(parts[0], 1, 1), date(parts[0], 12, 31), year=f"{parts[0]:04d}")
        if len(parts) == 2:
            first = date(parts[0], parts[1], 1)
            return Window(name, first, (first + timedelta(31)).replace(day=1) - timedelta(1))
        return Window(name, date(*parts), date(*parts))
    except (ValueError, TypeError, OverflowError):
        raise BadRequest(f"{name[:40]!r} is no period: all, 2026, 2026-11, 2026-11-21, or the last days such as 30d.") from None


class Past:
    """Reads only; as fresh as the last acknowledged event."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def listens(
        self, user_id: UserId, *, before: str | None, limit: int, text: str = "", track_id: str | None = None, at: Instant
    ) -> Sequence[Listen]:
        """Latest first, those with an id less than ``before``. ``text``: words of what was heard."""
        where: str = "user_id = ?"
        values: list[object] = [user_id]
        if before is not None:
            where, values = where + " AND id < ?", [*values, before]
        with self._db.read() as connection:
            raw = raw_of(connection)
            ids = [track_id] if track_id is not None else self._found(raw, user_id, text) if fold(text) else None
            if ids is not None:
                # The plus keeps SQLite from reading a listener's whole past in order of time for a few things.
                where, values = where + " AND +track_id IN (SELECT value FROM json_each(?))", [*values, json.dumps(ids)]
                if len(ids) <= 50:
                    where = where.replace("+track_id", "track_id")
            sql = (
                "SELECT id, track_id, started_at, last_at, played_ms, outcome, counted, imported, device_id, client, utc_offset_min"
                f" FROM listen WHERE {where} ORDER BY id DESC LIMIT ?"
            )
            rows = raw.execute(sql, (*values, limit)).fetchall()
            external = self._externals(raw, user_id, [row[1] for row in rows])
        return [_listen(row, external.get(row[1]), at) for row in rows]

    def between(
        self, user_id: UserId, first: Instant, last: Instant, *, limit: int, earliest: bool = False, at: Instant
    ) -> Sequence[Listen]:
        """What counts as listens and began at ``first`` .. ``last``, latest first: the latest of them, or (``earliest``) the earliest."""
        order = "" if earliest else "DESC"
        sql = (
            "SELECT id, track_id, started_at, last_at, played_ms, outcome, counted, imported, device_id, client, utc_offset_min FROM listen"
            f" WHERE user_id = ? AND id >= ? AND id < ? AND counted = 1 ORDER BY id {order} LIMIT ?"
        )
        low, high = (base62(min(max(0, moment), (1 << 48) - 1) << 80) for moment in (first, last + 1))
        with self._db.read() as connection:
            raw = raw_of(connection)
            rows = sorted(raw.execute(sql, (user_id, low, high, limit)), reverse=True)
            external = self._externals(raw, user_id, [row[1] for row in rows])
        return [_listen(row, external.get(row[1]), at) for row in rows]

    def extent(self, user_id: UserId) -> tuple[Instant, Instant] | None:
        """When the first and the last listen began; None where there is none."""
        sql = "SELECT started_at FROM listen WHERE user_id = ? AND counted = 1 ORDER BY id {} LIMIT 1"
        with self._db.read() as connection:
            first, last = (raw_of(connection).execute(sql.format(order), (user_id,)).fetchone() for order in ("", "DESC"))
        return (Instant(first[0]), Instant(last[0])) if first and last else None

    def find_track(self, user_id: UserId, told: Mapping[str, str]) -> str | None:
        """The track in the library that ``told`` (of a subject's ``external``) names, as imports are matched."""
        id = external_id(told)
        if id is None:
            return None
        with self._db.read() as connection:
            return find_track(raw_of(connection), user_id, external_of(id, told, ""))

    def _found(self, raw: sqlite3.Connection, user_id: str, text: str) -> list[str]:
        words = [word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in fold(text).split()[:8]]
        track = " AND ".join("(t.title_folded LIKE ? ESCAPE '\\' OR t.artist LIKE ? ESCAPE '\\')" for _ in words)
        other = " AND ".join("(e.title LIKE ? ESCAPE '\\' OR e.artist LIKE ? ESCAPE '\\')" for _ in words)
        patterns = [pattern for word in words for pattern in (f"%{word}%", f"%{word}%")]
        sql = (
            "SELECT a.id FROM annotation a JOIN track t ON t.id = a.id WHERE a.user_id = ? AND a.type = 'track' AND a.facts IS NOT NULL"
            f" AND {track} UNION ALL SELECT e.id FROM external e WHERE e.user_id = ? AND e.type <> 'artist' AND {other} LIMIT {_MOST_FOUND}"
        )
        return [row[0] for row in raw.execute(sql, (user_id, *patterns, user_id, *patterns))]

    def _externals(self, raw: sqlite3.Connection, user_id: str, ids: Sequence[str]) -> dict[str, ExternalTrack]:
        sql = (
            "SELECT id, artist, title, album, type, coalesce(nullif(hand_track_id, ''), track_id), confidence,"
            " CASE WHEN hand_by IS NULL THEN method ELSE 'hand' END FROM external"
            " WHERE user_id = ? AND id IN (SELECT value FROM json_each(?))"
        )
        return {row[0]: _external(row) for row in raw.execute(sql, (user_id, json.dumps(list(dict.fromkeys(ids)))))}

    def externals(self, user_id: UserId, *, matched: bool, offset: int, limit: int) -> tuple[Sequence[ExternalTrack], int]:
        """What was heard and is not in the library, most listens first; or, ``matched``, what was found there. And how many there are
        (of those matched, with what was heard in private alone)."""
        known = "coalesce(nullif(e.hand_track_id, ''), e.track_id)"
        method = "CASE WHEN e.hand_by IS NULL THEN e.method ELSE 'hand' END"
        columns = f"e.id, e.artist, e.title, e.album, e.type, {known}, e.confidence, {method}"
        if matched:
            where = f"e.user_id = ? AND e.type = 'track' AND {known} IS NOT NULL"
            told = f"SELECT 1 FROM play p WHERE p.user_id = e.user_id AND p.track_id = {known} AND p.told_id = e.id AND p.private = 0"
            page = f"SELECT {columns}, 0 FROM external e WHERE {where} AND EXISTS ({told}) ORDER BY e.id LIMIT ? OFFSET ?"
            count = f"SELECT count(*) FROM external e WHERE {where}"
        else:
            counted = "FROM annotation a INDEXED BY ix_annotation_count"
            page = (
                f"SELECT {columns}, a.play_count {counted} CROSS JOIN external e ON e.user_id = a.user_id AND e.id = a.id"
                " WHERE a.user_id = ? AND a.type = 'external' AND e.type = 'track' ORDER BY a.play_count DESC, a.id LIMIT ? OFFSET ?"
            )
            count = f"SELECT count(*) {counted} WHERE a.user_id = ? AND a.type = 'external'"
        with self._db.read() as connection:
            raw = raw_of(connection)
            rows = raw.execute(page, (user_id, limit, offset)).fetchall()
            total = raw.execute(count, (user_id,)).fetchone()[0]
        return [_external(row[:8], listens=row[8]) for row in rows], total

    def external(self, user_id: UserId, id: str) -> ExternalTrack | None:
        with self._db.read() as connection:
            return self._externals(raw_of(connection), user_id, [id]).get(id)

    def artist_names(self, user_id: UserId, ids: Sequence[str]) -> dict[str, str]:
        """Names of artists who are not in the library."""
        sql = "SELECT id, artist FROM external WHERE user_id = ? AND type = 'artist' AND id IN (SELECT value FROM json_each(?))"
        with self._db.read() as connection:
            return dict(raw_of(connection).execute(sql, (user_id, json.dumps(list(ids)))).fetchall())

    def count(self, user_id: UserId) -> int:
        """Listens ever."""
        statement = sa.select(t.tally.c.listens).where(
            t.tally.c.user_id == user_id, t.tally.c.period == "all", t.tally.c.kind == "total", t.tally.c.key == ""
        )
        with self._db.read() as connection:
            return connection.execute(statement).scalar() or 0

    def known(self, user_id: UserId) -> tuple[int, int]:
        """How many plays were told (copies each count), and how many of them under another name than the track they are of."""
        sql = "SELECT count(*), coalesce(sum(track_id <> told_id), 0) FROM play WHERE user_id = ?"
        with self._db.read() as connection:
            told, matched = raw_of(connection).execute(sql, (user_id,)).fetchone()
        return told, matched

    def positions(self, user_id: UserId, limit: int) -> Sequence[tuple[str, Ms, Instant]]:
        """``(track_id, position, when)`` of what was left in its midst, latest first."""
        sql = (
            "SELECT p.track_id, p.position_ms, p.last_at, p.outcome, t.duration_ms FROM play p JOIN track t ON t.id = p.track_id"
            " WHERE p.user_id = ? AND p.imported = 0 AND p.position_ms IS NOT NULL ORDER BY p.last_at DESC LIMIT ?"
        )
        out: dict[str, tuple[str, Ms, Instant]] = {}
        seen: set[str] = set()
        with self._db.read() as connection:
            for track_id, position, at, outcome, duration in raw_of(connection).execute(sql, (user_id, 10 * limit)):
                if track_id not in seen and outcome not in {"finished", "skipped"} and _MIDST_MS <= position <= duration - _MIDST_MS:
                    out[track_id] = (track_id, position, at)
                seen.add(track_id)
        return list(out.values())[:limit]

    def years(self, user_id: UserId) -> Sequence[tuple[str, int]]:
        """``(year, listens)``, latest first."""
        with self._db.read() as connection:
            return _years(raw_of(connection), user_id)

    def numbers(self, user_id: UserId, period: Window, *, n: int, offset_min: int, today: date) -> Numbers:
        """Statistics of a period. Years and all time come from sums, other periods from the listens themselves; both are exact."""
        with self._db.read() as connection:
            raw = raw_of(connection)
            out = Numbers()
            if period.whole or period.year:
                _from_sums(raw, user_id, period, n, out)
            else:
                _from_listens(raw, user_id, period, n, offset_min, out)
            _streaks(raw, user_id, today, out)
            _discoveries(raw, user_id, period, offset_min, out)
        return out


def _external(row: Any, listens: int = 0) -> ExternalTrack:
    id, artist, title, album, type, track_id, confidence, method = row
    return ExternalTrack(
        id=id, artist=artist, title=title, album=album, type=type, track_id=track_id, confidence=confidence, method=method, listens=listens
    )


def _listen(row: Any, external: ExternalTrack | None, at: Instant) -> Listen:
    id, track_id, started_at, last_at, played_ms, outcome, counted, imported, device_id, client, offset = row
    return Listen(
        id=id,
        track_id=track_id,
        external=external,
        started_at=started_at,
        played_ms=played_ms,
        outcome=outcome or ("unknown" if at - last_at > _SILENCE_MS else None),
        counted=bool(counted),
        imported=bool(imported),
        device_id=device_id,
        client=client,
        utc_offset_min=offset,
    )


def _instants(period: Window, offset_min: int) -> tuple[int, int]:
    first = datetime(period.first.year, period.first.month, period.first.day, tzinfo=UTC).timestamp()
    last = datetime(period.last.year, period.last.month, period.last.day, tzinfo=UTC).timestamp()
    return int(first * 1000) - offset_min * 60_000, int(last * 1000) + _DAY_MS - offset_min * 60_000


def _years(raw: sqlite3.Connection, user_id: str) -> list[tuple[str, int]]:
    """``(year, listens)``, latest first: each looked up, for a listener has many more sums than years."""
    ends = "SELECT min(key), max(key) FROM tally WHERE user_id = ? AND period = 'days' AND kind = 'day'"
    first, last = raw.execute(ends, (user_id,)).fetchone()
    if first is None:
        return []
    names = json.dumps([f"{year:04d}" for year in range(int(last[:4]), int(first[:4]) - 1, -1)])
    sql = (
        "SELECT y.period, y.listens FROM json_each(?) j CROSS JOIN tally y"
        " ON y.user_id = ? AND y.period = j.value AND y.kind = 'total' AND y.key = ''"
    )
    return [(year, listens) for year, listens in raw.execute(sql, (names, user_id))]


def _from_sums(raw: sqlite3.Connection, user_id: str, period: Window, n: int, out: Numbers) -> None:
    name = period.year or "all"
    sql = "SELECT key, listens, skips, ms FROM tally WHERE user_id = ? AND period = ? AND kind = ?"
    for _, out.listens, out.skips, out.ms in raw.execute(sql, (user_id, name, "total")):
        pass
    for kind in _KINDS:
        top = f"{sql} AND listens > 0 ORDER BY listens DESC, ms DESC, key LIMIT ?"
        out.top[kind] = [(key, listens, ms) for key, listens, _, ms in raw.execute(top, (user_id, name, kind, n))]
        counted = f"SELECT count(*) FROM ({sql} AND listens > 0)"
        out.distinct[kind] = raw.execute(counted, (user_id, name, kind)).fetchone()[0]
    for year in [period.year] if period.year else [year for year, _ in _years(raw, user_id)]:
        for key, listens, _, _ in raw.execute(sql, (user_id, year, "hour")):
            out.hours[int(key[0]) * 24 + int(key[1:])] += listens
    days = "SELECT key, listens, ms FROM tally WHERE user_id = ? AND period = 'days' AND kind = 'day' AND key >= ? AND key <= ?"
    for key, listens, ms in raw.execute(days, (user_id, period.first.isoformat(), period.last.isoformat())):
        if listens:
            out.days[key] = (listens, ms)


def _from_listens(raw: sqlite3.Connection, user_id: str, period: Window, n: int, offset_min: int, out: Numbers) -> None:
    first, last = _instants(period, 0)
    # Each listen has its own clock; a day on either side holds all that may fall into the period by it.
    low, high = (base62(max(0, at) << 80) for at in (first - _DAY_MS, last + _DAY_MS))
    sql = (
        "SELECT track_id, started_at + coalesce(utc_offset_min, 0) * 60000, coalesce(played_ms, 0), counted FROM listen"
        " WHERE user_id = ? AND id >= ? AND id < ? AND (counted = 1 OR outcome = 'skipped')"
    )
    days: dict[int, list[int]] = {}
    tracks: dict[str, list[int]] = {}
    for track_id, begun, played_ms, counted in raw.execute(sql, (user_id, low, high)):
        if not first <= begun < last:
            continue
        if not counted:
            out.skips += 1
            continue
        ms = min(played_ms, _LONGEST_MS)
        hour = begun // _HOUR_MS
        out.hours[(hour // 24 + 3) % 7 * 24 + hour % 24] += 1
        for of_one in (days.setdefault(hour // 24, [0, 0]), tracks.setdefault(track_id, [0, 0])):
            of_one[0] += 1
            of_one[1] += ms
    out.listens, out.ms = sum(of_day[0] for of_day in days.values()), sum(of_day[1] for of_day in days.values())
    out.days = {(date(1970, 1, 1) + timedelta(number)).isoformat(): (listens, ms) for number, (listens, ms) in sorted(days.items())}
    by_kind: dict[str, dict[str, list[int]]] = {kind: {} for kind in _KINDS}
    facts_sql = "SELECT id, facts FROM annotation WHERE user_id = ? AND facts IS NOT NULL AND id IN (SELECT value FROM json_each(?))"
    for track_id, stored in raw.execute(facts_sql, (user_id, json.dumps(list(tracks)))):
        facts = _facts.decode(stored)
        if not facts.music:
            continue
        by_kind["track"][track_id] = tracks[track_id]
        for kind, keys in (("artist", facts.artists), ("genre", facts.genres), ("release", (facts.release,) if facts.release else ())):
            for key in keys:
                held = by_kind[kind].setdefault(key, [0, 0])
                held[0] += tracks[track_id][0]
                held[1] += tracks[track_id][1]
    for kind, sums in by_kind.items():
        out.distinct[kind] = len(sums)
        ranked = sorted(sums.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))[:n]
        out.top[kind] = [(key, listens, ms) for key, (listens, ms) in ranked]


def _streaks(raw: sqlite3.Connection, user_id: str, today: date, out: Numbers) -> None:
    """Days in a row with a listen: the longest ever, and the one that today or yesterday belongs to."""
    sql = "SELECT key FROM tally WHERE user_id = ? AND period = 'days' AND kind = 'day' AND listens > 0 ORDER BY key"
    run = before = 0
    for (key,) in raw.execute(sql, (user_id,)):
        day = _ordinal(key)
        run = run + 1 if day == before + 1 else 1
        if run > out.longest_streak:
            out.longest_streak = run
        before = day
    out.current_streak = run if today.toordinal() - before <= 1 else 0


@lru_cache(32768)
def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def _discoveries(raw: sqlite3.Connection, user_id: str, period: Window, offset_min: int, out: Numbers) -> None:
    first, last = _instants(period, offset_min)
    sql = (
        "SELECT type, count(*) FROM annotation INDEXED BY ix_annotation_first"
        " WHERE user_id = ? AND first_played_at >= ? AND first_played_at < ? GROUP BY type"
    )
    found = Counter(dict(raw.execute(sql, (user_id, first, last)).fetchall()))
    out.new = {"tracks": found["track"] + found["external"], "artists": found["artist"], "releases": found["release"]}
