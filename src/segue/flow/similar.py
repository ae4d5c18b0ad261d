"""Which tracks sound alike: one space at a time is served, from an index that follows what is heard. Before that, nothing is alike."""

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from segue.analyse import Embedded
from segue.analyse.kept import Sounds
from segue.errors import SegueError, Unavailable
from segue.flow._spoken import Spoken
from segue.model import Record, Space, Traits
from segue.observe import get_logger
from segue.ports import Neighbours
from segue.store import Database
from segue.store import schema as s
from segue.types import LibraryId, TrackId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Vectors = NDArray[np.float32]

_log = get_logger("similar")
_MANY = 900
"""Values in one statement."""
_TAG_FROM = 0.25
"""A tag less probable is not spoken of: a guess."""


class Near(Record, frozen=True, kw_only=True):
    track_id: TrackId
    similarity: float
    """-1..1: the cosine of the two embeddings."""


class Similar:
    """Synchronous; any thread may call it. Before :meth:`serve` every answer is empty."""

    def __init__(self, db: Database, sounds: Sounds, folder: Path) -> None:
        self._db = db
        self._sounds = sounds
        self._folder = folder
        self._spoken = Spoken(db)
        self._change = threading.Lock()
        self._served: tuple[Space, Neighbours] | None = None
        self._stamp = 0
        self._allowed: dict[frozenset[LibraryId], tuple[int, Ids | None]] = {}

    @property
    def space(self) -> Space | None:
        """The space served."""
        return None if self._served is None else self._served[0]

    @property
    def opening(self) -> bool:
        """Whether something was heard that cannot be searched: its index is still being opened, or could not be."""
        return self._served is None and self._sounds.any()

    def __len__(self) -> int:
        """Vectors that can be found."""
        return 0 if self._served is None else len(self._served[1])

    # -- what is searched --------------------------------------------------------------------------------------------

    def serve(self, space: Space) -> None:
        """Serve ``space`` from now on: its index is opened, brought in step with what is kept, and put in the place of the one before."""
        with self._change:
            if self._served is not None and self._served[0] == space:
                return
            index = self._opened(space)
            before, self._served = self._served, (space, index)
            self._stamp += 1
        if before is not None:
            before[1].close()
        _log.info("serving a space", encoder=space.encoder, version=space.version, vectors=len(index))

    def _opened(self, space: Space) -> Neighbours:
        """The index of a space, holding what is kept of it and nothing else."""
        from segue.index import open_index

        folder = self._folder / f"space-{space.id}"
        index = open_index(folder, space.dimension)
        if len(index) > self._sounds.count(space.id):  # it knows what was forgotten: the kept vectors are the truth
            index.close()
            shutil.rmtree(folder)
            index = open_index(folder, space.dimension)
        if index.damaged:
            _log.warning("the index is damaged and is made anew", space=space.encoder, why=index.damaged)
        for ids, vectors in self._sounds.vectors(space):
            new = slice(None) if index.damaged else ~index.vectors(ids).any(axis=1)
            index.add(ids[new], _unit(vectors[new]))
        if index.damaged:
            index.rebuilt()
        return index

    def add(self, number: int, vectors: dict[int, Embedded]) -> None:
        """What was heard can be found at once."""
        import numpy as np

        with self._change:
            if self._served is not None and (one := vectors.get(self._served[0].id)) is not None:
                row = np.frombuffer(one.vector, dtype="<f4")[None]
                self._served[1].add(np.array([number], dtype=np.int64), _unit(row))
        self.changed()

    def changed(self) -> None:
        """Tracks came, went or moved: what each listener may find is looked up anew."""
        self._stamp += 1

    def close(self) -> None:
        with self._change:
            if self._served is not None:
                self._served[1].close()
                self._served = None

    # -- searching ---------------------------------------------------------------------------------------------------

    def embeddings(self, track_ids: Sequence[TrackId]) -> "dict[TrackId, Vectors]":
        """Unit vectors, (dimension,) float32, of those that have one."""
        import numpy as np

        served = self._served
        if served is None or not track_ids:
            return {}
        a = s.analysis
        query = sa.select(a.c.track_id, a.c.number).where(a.c.number.is_not(None))
        rows: list[Any] = []
        with self._db.read() as connection:
            for start in range(0, len(track_ids), _MANY):
                rows += connection.execute(query.where(a.c.track_id.in_(track_ids[start : start + _MANY]))).all()
        if not rows:
            return {}
        found = served[1].vectors(np.array([row[1] for row in rows], dtype=np.int64))
        return {row[0]: vector for row, vector in zip(rows, found, strict=True) if vector.any()}

    def search(self, queries: "Vectors", k: int, libraries: frozenset[LibraryId]) -> list[list[Near]]:
        """For each query, (q, dimension), present tracks of these libraries, nearest first: about ``k``, more where files are the same."""
        try:
            return self._search(queries, k, libraries)
        except SegueError as error:
            _log.error("the index cannot be searched", error=str(error))
            return [[] for _ in queries]

    def _search(self, queries: "Vectors", k: int, libraries: frozenset[LibraryId]) -> list[list[Near]]:
        served = self._served
        if served is None or not len(queries) or not libraries:
            return [[] for _ in queries]
        ids, similarities = served[1].search(queries, k, allowed=self._allowed_in(libraries))
        tracks = self._tracks(sorted({int(id) for id in ids.ravel() if id >= 0}), libraries)
        return [
            [
                Near(track_id=track_id, similarity=round(float(similarity), 4))
                for id, similarity in zip(row_ids.tolist(), row.tolist(), strict=True)
                for track_id in tracks.get(id, ())
            ]
            for row_ids, row in zip(ids, similarities, strict=True)
        ]

    def near(self, track_id: TrackId, n: int, libraries: frozenset[LibraryId]) -> list[Near]:
        """Those most like one track, without itself: at most ``n``."""
        vector = self.embeddings([track_id]).get(track_id)
        if vector is None:
            return []
        found = self.search(vector[None], n + 8, libraries)[0]
        return [one for one in found if one.track_id != track_id][:n]

    def numbers_near(self, numbers: Sequence[int], k: int) -> dict[int, list[tuple[int, float]]]:
        """For each number that has a vector, the ``k`` others nearest, whatever tracks they are."""
        import numpy as np

        served = self._served
        if served is None or not numbers:
            return {}
        asked = np.array(numbers, dtype=np.int64)
        vectors = served[1].vectors(asked)
        there = vectors.any(axis=1)
        ids, similarities = served[1].search(vectors[there], k + 1)
        out = {}
        for number, row, near in zip(asked[there].tolist(), ids.tolist(), similarities.tolist(), strict=True):
            out[number] = [(id, one) for id, one in zip(row, near, strict=True) if id >= 0 and id != number][:k]
        return out

    def near_all(self, track_ids: Sequence[TrackId], limit: int, libraries: frozenset[LibraryId]) -> list[tuple[TrackId, TrackId, float]]:
        """(seed, track, similarity): for each seed up to ``limit``, nearest first, no seed among them.

        Raises :class:`~segue.errors.Unavailable` while it is :attr:`opening`.
        """
        import numpy as np

        if self.opening:
            raise Unavailable("What was heard cannot be searched yet.")
        vectors = self.embeddings(track_ids)
        seeds = [track_id for track_id in dict.fromkeys(track_ids) if track_id in vectors]
        if not seeds:
            return []
        found = self._search(np.stack([vectors[seed] for seed in seeds]), limit + len(seeds), libraries)
        out = []
        for seed, near in zip(seeds, found, strict=True):
            out += [(seed, one.track_id, one.similarity) for one in near if one.track_id not in vectors][:limit]
        return out

    def traits(self, track_ids: Sequence[TrackId]) -> dict[TrackId, Traits]:
        """How tracks sound in words; of every track that exists, heard or not."""
        t, a = s.track, s.analysis
        out: dict[TrackId, Traits] = {}
        served = self._served
        for start in range(0, len(track_ids), _MANY):
            some = track_ids[start : start + _MANY]
            query = sa.select(t.c.id, a.c.number, a.c.tempo_bpm).outerjoin(a, a.c.track_id == t.c.id)
            with self._db.read() as connection:
                rows = connection.execute(query.where(t.c.id.in_(some))).all()
            spoken = self._spoken.tracks(some)
            numbers = [row.number for row in rows if row.number is not None]
            tags = self._sounds.tags_of(served[0].id, numbers) if served is not None else {}
            for row in rows:
                out[row.id] = Traits(
                    tempo_bpm=row.tempo_bpm,
                    tags=tuple(name for name, probability in tags.get(row.number, ()) if probability >= _TAG_FROM),
                    spoken=row.id in spoken,
                )
        return out

    def _tracks(self, numbers: Sequence[int], libraries: frozenset[LibraryId]) -> dict[int, list[TrackId]]:
        a, t = s.analysis, s.track
        out: dict[int, list[TrackId]] = {}
        with self._db.read() as connection:
            for start in range(0, len(numbers), _MANY):
                query = sa.select(a.c.number, a.c.track_id).join(t, t.c.id == a.c.track_id)
                query = query.where(
                    a.c.number.in_(numbers[start : start + _MANY]), t.c.missing_at.is_(None), t.c.library_id.in_(sorted(libraries))
                )
                for number, track_id in connection.execute(query.order_by(a.c.track_id)):
                    out.setdefault(number, []).append(track_id)
        return out

    def _allowed_in(self, libraries: frozenset[LibraryId]) -> "Ids | None":
        """The numbers found in these libraries; None where that is all there are."""
        import numpy as np

        stamp, held = self._allowed.get(libraries, (-1, None))
        if stamp == self._stamp:
            return held
        stamp = self._stamp
        with self._db.read() as connection:
            every = frozenset(connection.execute(sa.select(s.library.c.id)).scalars())
            allowed: Any = None
            if not every <= libraries:
                query = sa.select(s.analysis.c.number).distinct().join(s.track, s.track.c.id == s.analysis.c.track_id)
                query = query.where(
                    s.track.c.library_id.in_(sorted(libraries)), s.track.c.missing_at.is_(None), s.analysis.c.number.is_not(None)
                )
                allowed = np.array(sorted(connection.execute(query).scalars()), dtype=np.int64)
        if len(self._allowed) > 32:
            self._allowed.clear()
        self._allowed[libraries] = (stamp, allowed)
        return allowed  # type: ignore[no-any-return]


def _unit(rows: "Vectors") -> "Vectors":
    import numpy as np

    unit: Vectors = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return unit
