"""Keep sums of listens in table ``tally``."""

import sqlite3

from segue.state._features import Sums, log_weight

_READ = "SELECT listens, skips, ms, heard, skipped FROM tally WHERE user_id = ? AND period = ? AND kind = ? AND key = ?"
_WRITE = (
    "INSERT INTO tally (user_id, period, kind, key, listens, skips, ms, heard, skipped, log_heard) VALUES (?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT (user_id, period, kind, key) DO UPDATE SET listens = excluded.listens, skips = excluded.skips, ms = excluded.ms,"
    " heard = excluded.heard, skipped = excluded.skipped, log_heard = excluded.log_heard"
)
_DROP = "DELETE FROM tally WHERE user_id = ? AND period = ? AND kind = ? AND key = ?"


def store(raw: sqlite3.Connection, user_id: str, sums: Sums) -> None:
    """Add what was gathered; a sum that comes to nothing leaves no row."""
    written, dropped = [], []
    for key, added in sums.by_key.items():
        if not any(added):
            continue
        listens, skips, ms, heard, skipped = added
        row = raw.execute(_READ, (user_id, *key)).fetchone()
        if row is not None:
            listens += row[0]
            skips += row[1]
            ms += row[2]
            heard += _number(row[3])
            skipped += _number(row[4])
        if listens or skips:
            written.append((user_id, *key, listens, skips, ms, _blob(heard), _blob(skipped), log_weight(heard)))
        else:
            dropped.append((user_id, *key))
    if written:
        raw.executemany(_WRITE, written)
    if dropped:
        raw.executemany(_DROP, dropped)


def _number(blob: bytes | None) -> int:
    return int.from_bytes(blob) if blob else 0


def _blob(number: int) -> bytes | None:
    return number.to_bytes((number.bit_length() + 7) // 8) if number > 0 else None
