"""All that one answer knows: the query, the listener's past, and the tracks looked up for it. Values cross between stages here."""

from collections.abc import Mapping, Sequence

from segue.explain import Habit, explain
from segue.model import Acquaintance, Candidate, Play, Query, Removed, Sketch, SlateItem
from segue.ports import Catalogue
from segue.rank import Choice, Scored, Signals, hour_counts, score, select
from segue.retrieve import seed_of
from segue.state import HourLeaning, ListenerHistory
from segue.types import ArtistId, ReleaseId, TrackId

_SESSION_MS = 2 * 3_600_000
"""A skip this fresh counts as of this session, whatever the client calls its session: a guess."""
_HOUR_MS = 3_600_000
_HABIT = 3
"""Listens at a part of the day from which one may speak of often: a guess."""
_SKIPS = 50
"""Skipped tracks whose artists are looked up."""


class Moment:
    """One listener, one question, one time. Not shared between threads."""

    def __init__(self, query: Query, past: Sequence[Play], hidden: frozenset[str], speech: frozenset[TrackId] = frozenset()) -> None:
        """``speech``: tracks that say nothing of what is asked for, whenever and how often they were heard."""
        self.query = query
        self.past = past
        self.hidden = hidden
        self.tracks: dict[TrackId, Sketch] = {}
        self.skipped = frozenset(play.track_id for play in past if self._skipped_now(play)) | frozenset(query.skipped)
        self._speech = speech
        self._latest = next((play for play in past if play.track_id not in speech), None)
        before = (*query.seeds[:1], *((self._latest.track_id,) if self._latest else ()))
        self._hours: dict[str, HourLeaning] = {}
        self._before = query.queue[-1] if query.queue else next(iter(before), None)

    def _skipped_now(self, play: Play) -> bool:
        same = self.query.session_id is not None and play.session_id == self.query.session_id
        return play.outcome == "skipped" and (same or play.last_at >= self.query.at - _SESSION_MS)

    def look_up(self, catalogue: Catalogue, candidates: Sequence[Candidate]) -> None:
        """Fetch the tracks that the candidates' evidence names, those skipped, and the one that plays before."""
        named = {id_ for candidate in candidates for id_ in _named(candidate)}
        named |= set(sorted(self.skipped)[:_SKIPS])
        if self._before is not None:
            named.add(self._before)
        self.tracks |= catalogue.sketches(sorted(named - self.tracks.keys()))

    def score(self, candidates: Sequence[Candidate], history: ListenerHistory) -> list[Scored]:
        """Join each candidate with what this listener made of it."""
        known = history.known(self.query.user_id, [candidate.track_id for candidate in candidates], at=self.query.at)
        self._hours = history.hour_leanings(self.query.user_id, self.query.at, without=self._speech)
        played: dict[TrackId, int] = {}
        for play in self.past:
            played.setdefault(play.track_id, play.last_at)
        artists, releases = self._turned_down()
        state = (self._latest.play_id, self._latest.last_at, self._latest.outcome) if self._latest else ()
        pairs = [
            (candidate, self._signals(self.tracks[candidate.track_id], known.get(candidate.track_id), played, artists, releases))
            for candidate in candidates
        ]
        return score(pairs, discovery=self.query.discovery, seed=seed_of(self.query, "score", state))

    def _turned_down(self) -> tuple[frozenset[ArtistId], frozenset[ReleaseId]]:
        skipped = [self.tracks[id_] for id_ in self.skipped if id_ in self.tracks]
        artists = frozenset(credit.artist_id for track in skipped for credit in track.artists)
        return artists, frozenset(track.release_id for track in skipped)

    def _signals(
        self,
        track: Sketch,
        known: Acquaintance | None,
        played: Mapping[TrackId, int],
        artists: frozenset[ArtistId],
        releases: frozenset[ReleaseId],
    ) -> Signals:
        last = max(played.get(track.id, -1), (known.last_played_at or -1) if known else -1)
        return Signals(
            liked=known is not None and known.liked_at is not None,
            rating=known.rating if known else 0,
            heard=known.heard if known else 0.0,
            skipped=known.skipped if known else 0.0,
            hours_since_played=None if last < 0 else max(0, self.query.at - last) / _HOUR_MS,
            artist_skipped=any(credit.artist_id in artists for credit in track.artists),
            release_skipped=track.release_id in releases,
            hour=self._hour(track),
        )

    def _hour(self, track: Sketch) -> float:
        leanings = [self._hours[genre].value for genre in track.genres if genre in self._hours]
        return sum(leanings) / len(track.genres) if leanings else 0.0

    def _habit(self, track: Sketch) -> Habit | None:
        """The genre for which the hour raised this track's score, if it did; nothing is said of a clock that nobody told."""
        known = [(self._hours[genre].value, genre) for genre in track.genres if genre in self._hours]
        if not known or not hour_counts(self._hour(track)):
            return None
        genre = max(known)[1]
        leaning = self._hours[genre]
        if leaning.from_hour is None or leaning.listens < _HABIT:
            return None
        return Habit(genre=genre, from_hour=leaning.from_hour, listens=leaning.listens, of_listens=leaning.of_listens)

    def choose(self, scored: Sequence[Scored]) -> tuple[list[Scored], list[Removed]]:
        """The slate in order; everything else is removed, for want of room."""
        choices = []
        for one in scored:
            track = self.tracks[one.candidate.track_id]
            artists = tuple(credit.artist_id for credit in track.artists)
            choices.append(Choice(id=track.id, score=one.score, artists=artists, release=track.release_id))
        before = self.tracks.get(self._before) if self._before is not None else None
        after = tuple(credit.artist_id for credit in before.artists) if before is not None else ()
        by_id = {one.candidate.track_id: one for one in scored}
        chosen = [by_id[TrackId(choice.id)] for choice in select(choices, self.query.n, after=after)]
        taken = {one.candidate.track_id for one in chosen}
        left = [one.candidate.track_id for one in scored if one.candidate.track_id not in taken]
        return chosen, [Removed(track_id=id_, stage="select", reason="others came first") for id_ in left]

    def explain(self, chosen: Sequence[Scored]) -> list[SlateItem]:
        """The chosen with their reasons. Only tracks granted to this listener are named in them."""
        seen = {id_: track for id_, track in self.tracks.items() if track.library_id in self.query.libraries}
        return [
            SlateItem(
                track_id=one.candidate.track_id,
                score=one.score,
                source=one.candidate.source,
                reasons=explain(
                    one.candidate, seen[one.candidate.track_id], seen, at=self.query.at, habit=self._habit(seen[one.candidate.track_id])
                ),
            )
            for one in chosen
        ]


def _named(candidate: Candidate) -> list[TrackId]:
    """The tracks that a candidate's evidence speaks of."""
    named: list[TrackId] = []
    for evidence in (candidate.evidence, *candidate.evidence.get("also", {}).values()):
        named += evidence.get("shares", {}).values()
        named += [evidence["seed"]] if "seed" in evidence else []
        if evidence.get("leaning") == "genre":
            named += evidence["because"].values()
    return named
