"""Keep sums of listens in table ``tally``."""

import json
import sqlite3
from collections.abc import Iterable, Mapping

from segue.state._features import fades, log_weight

_READ = (
    "SELECT key, listens, skips, ms, heard, skipped FROM tally WHERE user_id = ? AND period = ? AND kind = ?"
    " AND key IN (SELECT value FROM json_each(?))"
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
    fading: dict[tuple[str, str], dict[str, list[int]]] = {}
    added, lessened = [], []
    for (period, kind, key), own in sums.items():
        if not any(own):
            continue
        if fades(period, kind):
            fading.setdefault((period, kind), {})[key] = own
        else:
            added.append((user_id, period, kind, key, *own[:3]))
        if own[0] < 0 or own[1] < 0:
            lessened.append((user_id, period, kind, key))
    for (period, kind), by_key in fading.items():
        raw.executemany(_WRITE, _faded(raw, user_id, period, kind, by_key))
    if added:
        raw.executemany(_ADD, sorted(added))
    if lessened:
        raw.executemany(_DROP, lessened)


def _faded(raw: sqlite3.Connection, user_id: str, period: str, kind: str, by_key: dict[str, list[int]]) -> Iterable[tuple[object, ...]]:
    """Rows as they are after the change: larger numbers than SQLite adds."""
    for key, listens, skips, ms, heard, skipped in raw.execute(_READ, (user_id, period, kind, json.dumps(list(by_key)))).fetchall():
        own = by_key[key]
        by_key[key] = [own[0] + listens, own[1] + skips, own[2] + ms, own[3] + _number(heard), own[4] + _number(skipped)]
    return [(user_id, period, kind, key, *own[:3], _blob(own[3]), _blob(own[4]), log_weight(own[3])) for key, own in sorted(by_key.items())]


def _number(blob: bytes | None) -> int:
    return int.from_bytes(blob) if blob else 0


def _blob(number: int) -> bytes | None:
    return number.to_bytes((number.bit_length() + 7) // 8) if number > 0 else None
