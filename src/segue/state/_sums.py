"""Keep sums of listens in table ``tally``."""

import json
import sqlite3
from collections.abc import Iterable, Mapping

from segue.state._features import fades, log_weight

_READ = (
    "SELECT t.period, t.kind, t.key, t.listens, t.skips, t.ms, t.heard, t.skipped FROM json_each(?) j CROSS JOIN tally t"
    " ON t.user_id = ? AND t.period = json_extract(j.value, '$[0]') AND t.kind = json_extract(j.value, '$[1]')"
    " AND t.key = json_extract(j.value, '$[2]')"
)
_WRITE = (
    "INSERT INTO tally (user_id, period, kind, key, listens, skips, ms, heard, skipped, log_heard) VALUES (?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT (user_id, period, kind, key) DO UPDATE SET listens = excluded.listens, skips = excluded.skips, ms = excluded.ms,"
    " heard = excluded.heard, skipped = excluded.skipped, log_heard = excluded.log_heard"
)
_ADD = (
    "INSERT INTO tally (user_id, period, kind, key, listens, skips, ms) VALUES (?,?,?,?,?,?,?)"
    " ON CONFLICT (user_id, period, kind, key) DO UPDATE SET listens = listens + excluded.listens, skips = skips + excluded.skips,"
    " ms = ms + excluded.ms"
)
_DROP = "DELETE FROM tally WHERE user_id = ? AND period = ? AND kind = ? AND key = ? AND listens = 0 AND skips = 0"


def store(raw: sqlite3.Connection, user_id: str, sums: Mapping[tuple[str, str, str], list[int]]) -> None:
    """Add what :class:`~segue.state._features.Sums` gathered; a sum that comes to nothing leaves no row."""
    fading: dict[tuple[str, str, str], list[int]] = {}
    added, lessened = [], []
    for key, own in sums.items():
        if not any(own):
            continue
        if fades(key[0], key[1]):
            fading[key] = own
        else:
            added.append((user_id, *key, *own[:3]))
        if own[0] < 0 or own[1] < 0:
            lessened.append((user_id, *key))
    if fading:
        raw.executemany(_WRITE, _faded(raw, user_id, fading))
    if added:
        raw.executemany(_ADD, sorted(added))
    if lessened:
        raw.executemany(_DROP, lessened)


def _faded(raw: sqlite3.Connection, user_id: str, by_key: dict[tuple[str, str, str], list[int]]) -> Iterable[tuple[object, ...]]:
    """Rows as they are after the change: larger numbers than SQLite adds."""
    wanted = sorted(by_key)
    for period, kind, key, listens, skips, ms, heard, skipped in raw.execute(_READ, (json.dumps(wanted), user_id)).fetchall():
        own = by_key[period, kind, key]
        by_key[period, kind, key] = [own[0] + listens, own[1] + skips, own[2] + ms, own[3] + _number(heard), own[4] + _number(skipped)]
    return [(user_id, *key, *own[:3], _blob(own[3]), _blob(own[4]), log_weight(own[3])) for key in wanted for own in (by_key[key],)]


def _number(blob: bytes | None) -> int:
    return int.from_bytes(blob) if blob else 0


def _blob(number: int) -> bytes | None:
    return number.to_bytes((number.bit_length() + 7) // 8) if number > 0 else None
