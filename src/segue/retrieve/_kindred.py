"""Source *kindred*: what shares an artist, a genre or the years with the seeds; without seeds, with what was played last."""

from collections.abc import Iterable, Sequence
from functools import partial

from segue.model import Candidate, Query, Sketch
from segue.ports import Catalogue, History
from segue.retrieve._seed import seed_of
from segue.types import TrackId

_SEEDS = 3
_LIMIT = 24
_YEARS = 3
"""How far apart two years are still one era: a guess."""
_WORTH = {"artist": 0.6, "genre": 0.35, "years": 0.15}
"""How much it says to share each; shared ones add up, so the most alike come first. A guess."""


class Kindred:
    """Evidence: ``{"shares": {"artist" | "genre" | "years": id of the seed it shares this with}}``."""

    name = "kindred"

    def __init__(self, history: History, catalogue: Catalogue) -> None:
        self._history = history
        self._catalogue = catalogue

    def __call__(self, query: Query) -> Iterable[Candidate]:
        seeds = self._seeds(query)
        if not seeds:
            return []
        found: dict[TrackId, dict[str, TrackId]] = {}
        draw = seed_of(query, self.name)
        for seed in seeds:
            look = partial(self._catalogue.tracks_like, libraries=query.libraries, limit=_LIMIT // len(seeds) + 4, seed=draw)
            if seed.artists:
                self._note(found, "artist", seed, look(artists=[credit.artist_id for credit in seed.artists]))
            if seed.genres:
                self._note(found, "genre", seed, look(genres=seed.genres))
            if seed.year:
                self._note(found, "years", seed, look(years=(seed.year - _YEARS, seed.year + _YEARS)))
        return [
            Candidate(
                track_id=track_id,
                source=self.name,
                score=min(1.0, sum(_WORTH[share] for share in shares)),
                evidence={"shares": dict(shares)},
            )
            for track_id, shares in found.items()
        ]

    def _seeds(self, query: Query) -> list[Sketch]:
        ids: Sequence[TrackId] = query.seeds[:_SEEDS]
        if not ids:
            plays = self._history.plays(query.user_id, 20)
            ids = list(dict.fromkeys(play.track_id for play in plays if play.outcome != "skipped"))[:_SEEDS]
        tracks = self._catalogue.sketches(ids)
        return [tracks[id_] for id_ in ids if id_ in tracks and tracks[id_].library_id in query.libraries]

    def _note(self, found: dict[TrackId, dict[str, TrackId]], share: str, seed: Sketch, ids: Sequence[TrackId]) -> None:
        for track_id in ids:
            if track_id != seed.id:
                found.setdefault(track_id, {}).setdefault(share, seed.id)
