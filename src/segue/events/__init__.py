"""The append-only log of what listeners did: kept for good before it is acknowledged, read from an offset, erased for good.

``open_log`` gives the log of a data directory, or, where its file cannot be opened, one that says so on every use. ``parse_events`` is
the one door for what strangers send; ``wire_event`` is its opposite.
"""

from segue.events._memory import MemoryEventLog
from segue.events._sqlite import SqliteEventLog, UnreadableLog, open_log
from segue.events._wire import MAX_BYTES, MAX_EVENTS, Parsed, parse_events, wire_event

__all__ = [
    "MAX_BYTES",
    "MAX_EVENTS",
    "MemoryEventLog",
    "Parsed",
    "SqliteEventLog",
    "UnreadableLog",
    "open_log",
    "parse_events",
    "wire_event",
]
