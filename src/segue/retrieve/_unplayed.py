"""Source *unplayed*: what this listener never heard, leaning to the artists they like, filled up with a fair sample."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from segue.model import Candidate, Query
from segue.ports import Catalogue, History
from segue.retrieve._seed import seed_of
from segue.types import ArtistId, Instant, TrackId

_LIMIT = 60
_EACH = 40


class Unplayed:
    """Evidence: ``{"leaning": "artist" | "genre" | None, "because": …}``: artists leant to with what is known of each, or genres, each
    with a favourite that bears it."""

    name = "unplayed"

    def __init__(self, history: History, catalogue: Catalogue) -> None:
        self._history = history
        self._catalogue = catalogue

    def __call__(self, query: Query) -> Iterable[Candidate]:
        draw = seed_of(query, self.name)
        found: dict[TrackId, tuple[float, dict[str, Any]]] = {}
        artists = {
            ArtistId(one.id): {"play_count": one.play_count, "liked_at": one.liked_at}
            for one in self._history.artists(query.user_id, 10, at=query.at)
        }
        if artists:
            for id_ in self._catalogue.tracks_like(artists=list(artists), libraries=query.libraries, limit=_EACH, seed=draw):
                found.setdefault(id_, (0.8, {"leaning": "artist", "because": artists}))
        genres = self._genres(query)
        if genres:
            for id_ in self._catalogue.tracks_like(genres=list(genres), libraries=query.libraries, limit=_EACH, seed=draw):
                found.setdefault(id_, (0.6, {"leaning": "genre", "because": genres}))
        for id_ in self._catalogue.sample(libraries=query.libraries, limit=_EACH, seed=draw):
            found.setdefault(id_, (0.4, {"leaning": None, "because": {}}))
        heard = self._history.heard(query.user_id, list(found))
        new = [
            Candidate(track_id=id_, source=self.name, score=score, evidence=evidence)
            for id_, (score, evidence) in found.items()
            if id_ not in heard
        ]
        return new[:_LIMIT] if len(new) <= _LIMIT else _mixed(new)

    def _genres(self, query: Query) -> dict[str, TrackId]:
        """The genres most frequent among a few favourites, each with one of them; with none, none."""
        best = self._history.favourites(query.user_id, 20, not_since=Instant(query.at + 1), at=query.at)
        tracks = self._catalogue.sketches([TrackId(one.id) for one in best])
        bearers: dict[str, list[TrackId]] = defaultdict(list)
        for one in best:
            track = tracks.get(TrackId(one.id))
            if track is not None and track.library_id in query.libraries:
                for genre in track.genres:
                    bearers[genre].append(track.id)
        return {genre: ids[0] for genre, ids in sorted(bearers.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:4]}


def _mixed(candidates: list[Candidate]) -> list[Candidate]:
    """At most ``_LIMIT``, a share of each leaning, so that no leaning crowds out the fair sample."""
    share = _LIMIT // 3
    out: list[Candidate] = []
    for leaning in ("artist", "genre", None):
        out += [candidate for candidate in candidates if candidate.evidence["leaning"] == leaning][:share]
    taken = {candidate.track_id for candidate in out}
    return out + [candidate for candidate in candidates if candidate.track_id not in taken][: _LIMIT - len(out)]
