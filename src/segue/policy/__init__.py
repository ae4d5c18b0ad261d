"""What a listener may be given: the last word on every answer, whatever rank and taste say."""

from collections.abc import Mapping, Sequence

from segue.model import Candidate, Query, Removed, Sketch, Track
from segue.types import TrackId

__all__ = ["allow", "refusal"]


def refusal(track: Sketch | Track | None, query: Query, hidden: frozenset[str]) -> str | None:
    """Why this track may not be given: ``unknown``, ``not_granted``, ``missing`` or ``hidden``; None when it may.

    ``hidden`` holds ids of tracks, releases and artists.
    """
    if track is None:
        return "unknown"
    if track.library_id not in query.libraries:
        return "not_granted"
    if track.missing_at is not None:
        return "missing"
    if track.id in hidden or track.release_id in hidden or any(credit.artist_id in hidden for credit in track.artists):
        return "hidden"
    return None


def allow(
    candidates: Sequence[Candidate], tracks: Mapping[TrackId, Sketch], query: Query, hidden: frozenset[str]
) -> tuple[list[Candidate], list[Removed]]:
    """Keep what may be given. Only removes, and says why."""
    kept: list[Candidate] = []
    removed: list[Removed] = []
    for candidate in candidates:
        reason = refusal(tracks.get(candidate.track_id), query, hidden)
        if reason is None:
            kept.append(candidate)
        else:
            removed.append(Removed(track_id=candidate.track_id, stage="policy", reason=reason))
    return kept, removed
