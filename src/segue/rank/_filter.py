"""Filters of the moment. Each only removes, and says of each candidate why."""

from collections.abc import Sequence

from segue.model import Candidate, Query, Removed
from segue.types import TrackId


def merge(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[Removed]]:
    """One candidate a track: the best-scored stays and keeps the others' evidence under ``also`` (``{source: evidence}``)."""
    best: dict[TrackId, Candidate] = {}
    also: dict[TrackId, dict[str, object]] = {}
    removed: list[Removed] = []
    for candidate in candidates:
        held = best.get(candidate.track_id)
        if held is None:
            best[candidate.track_id] = candidate
            continue
        lost, kept = (held, candidate) if candidate.score > held.score else (candidate, held)
        best[candidate.track_id] = kept
        others = also.setdefault(candidate.track_id, {})
        others.setdefault(lost.source, lost.evidence)
        others.pop(kept.source, None)
        removed.append(Removed(track_id=candidate.track_id, stage="merge", reason=f"duplicate: {lost.source} found what {kept.source} did"))
    merged = [
        Candidate(track_id=one.track_id, source=one.source, score=one.score, evidence={**one.evidence, "also": also.get(one.track_id, {})})
        for one in best.values()
    ]
    return merged, removed


def leave_out(candidates: Sequence[Candidate], query: Query, skipped: frozenset[TrackId]) -> tuple[list[Candidate], list[Removed]]:
    """Leave out what is queued, excluded, a seed, or was skipped in this session (``skipped``, beside the query's own)."""
    why: dict[TrackId, str] = {}
    for ids, reason in (
        (query.seeds, "seed"),
        (skipped, "skipped this session"),
        (query.skipped, "skipped this session"),
        (query.exclude, "excluded"),
        (query.queue, "queued"),
    ):
        why |= dict.fromkeys(ids, reason)
    kept = [candidate for candidate in candidates if candidate.track_id not in why]
    removed = [Removed(track_id=one.track_id, stage="filter", reason=why[one.track_id]) for one in candidates if one.track_id in why]
    return kept, removed
