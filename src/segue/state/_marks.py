"""Stars, ratings and what is hidden: registers, each of which keeps the ``(at, event_id)`` of the event that wrote it."""

from dataclasses import dataclass, replace

from segue.model import Event
from segue.state._plays import order_key

KINDS = frozenset({"liked", "unliked", "rated", "hidden", "unhidden"})
TYPES = frozenset({"track", "release", "artist", "playlist"})


@dataclass(frozen=True, slots=True)
class MarkRow:
    """The registers of one row of table ``annotation``."""

    user_id: str
    type: str
    id: str
    liked_at: int | None = None
    liked_by: str | None = None
    rating: int = 0
    rated_by: str | None = None
    hidden: int = 0
    hidden_by: str | None = None


def marked(row: MarkRow, event: Event) -> MarkRow:
    """The row after one more event, or the same row when the event is older than what it holds."""
    key = order_key(event)
    if event.kind in ("liked", "unliked") and key > (row.liked_by or ""):
        return replace(row, liked_at=event.at if event.kind == "liked" else None, liked_by=key)
    if event.kind == "rated" and key > (row.rated_by or ""):
        return replace(row, rating=event.rating or 0, rated_by=key)
    if event.kind in ("hidden", "unhidden") and key > (row.hidden_by or ""):
        return replace(row, hidden=int(event.kind == "hidden"), hidden_by=key)
    return row
