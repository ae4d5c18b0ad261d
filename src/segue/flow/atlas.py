"""The map of a library: every track a point, alike beside alike. Laid out beside the server, kept as a file, anew when much has come."""

import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from segue.analyse.kept import Sounds
from segue.flow.similar import Similar
from segue.model import Listener, Record, Space
from segue.observe import get_logger
from segue.store import Database
from segue.store import schema as s
from segue.types import TrackId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ids = NDArray[np.int64]

_log = get_logger("atlas")
_ANEW = 1.15
"""Laid out anew when there are this many times the points of the last layout; newcomers are put beside their neighbours until then."""
_LONGEST_S = 3600
_MOST_GENRES = 40


class Map(Record, frozen=True, kw_only=True):
    """Points of the tracks a listener may hear. ``genre`` numbers ``genres``, -1 where a track has none of them."""

    space: str | None
    state: Literal["ready", "pending"]
    ids: tuple[TrackId, ...] = ()
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    genre: tuple[int, ...] = ()
    genres: tuple[str, ...] = ()


class Atlas:
    """Synchronous; any thread may call it. The first question has the map made; until then it is pending."""

    def __init__(self, db: Database, sounds: Sounds, similar: Similar, folder: Path) -> None:
        self._db = db
        self._sounds = sounds
        self._similar = similar
        self._folder = folder
        self._lock = threading.Lock()
        self._held: tuple[Space, Ids, Floats] | None = None
        self._making: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def map(self, listener: Listener) -> Map:
        """All points at once: some 40 bytes each."""
        space = self._similar.space
        if space is None:
            return Map(space=None, state="pending")
        with self._lock:
            if self._held is None or self._held[0] != space:
                self._held = self._read(space)
            held = self._held
            count = len(self._similar)
            laid = 0 if held is None else len(held[1])
            if count and (laid < count / _ANEW or laid > count * _ANEW):
                self._make(space)
        if held is None:
            return Map(space=space.encoder, state="pending")
        return self._drawn(listener, *held)

    def close(self) -> None:
        """A layout under way is given up."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()
        if self._making is not None:
            self._making.join(10)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _drawn(self, listener: Listener, space: Space, numbers: "Ids", points: "Floats") -> Map:
        a, t, g = s.analysis, s.track, s.track_genre
        query = sa.select(a.c.number, t.c.id, g.c.genre_id).join(t, t.c.id == a.c.track_id)
        query = query.outerjoin(g, sa.and_(g.c.track_id == t.c.id, g.c.position == 0))
        query = query.where(a.c.number.is_not(None), t.c.missing_at.is_(None), t.c.library_id.in_(sorted(listener.libraries)))
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(a.c.number, t.c.id)).all()
            names = {row.id: row.name for row in connection.execute(sa.select(s.genre.c.id, s.genre.c.name))}
        at = {number: place for place, number in enumerate(numbers.tolist())}
        spots = {number: (float(points[place, 0]), float(points[place, 1])) for number, place in at.items()}
        spots |= self._newcomers([row[0] for row in rows if row[0] not in at], points, at)
        shown = [row for row in rows if row[0] in spots]
        common = [genre for genre, _ in Counter(row[2] for row in shown if row[2] is not None).most_common(_MOST_GENRES)]
        colour = {genre: place for place, genre in enumerate(common)}
        xy = [spots[row[0]] for row in shown]
        return Map(
            space=space.encoder,
            state="ready",
            ids=tuple(row[1] for row in shown),
            x=tuple(round(one[0], 4) for one in xy),
            y=tuple(round(one[1], 4) for one in xy),
            genre=tuple(colour.get(row[2], -1) for row in shown),
            genres=tuple(names[genre] for genre in common),
        )

    def _newcomers(self, new: list[int], points: "Floats", at: dict[int, int]) -> dict[int, tuple[float, float]]:
        """Where what came since the layout belongs: among those it is like."""
        import numpy as np

        from segue.index.plane import place

        out: dict[int, tuple[float, float]] = {}
        if new:
            for number, found in self._similar.numbers_near(sorted(set(new)), 8).items():
                known = [(at[other], near) for other, near in found if other in at]
                if known:
                    spot = place(points[[one for one, _ in known]], np.array([near for _, near in known], dtype=np.float32))
                    out[number] = (float(spot[0]), float(spot[1]))
        return out

    def _file(self, space: Space) -> Path:
        return self._folder / f"map-{space.id}.npz"

    def _read(self, space: Space) -> "tuple[Space, Ids, Floats] | None":
        import numpy as np

        try:
            with np.load(self._file(space), allow_pickle=False) as held:
                numbers, points = held["numbers"].astype(np.int64), held["points"].astype(np.float32)
        except FileNotFoundError:
            return None
        except Exception as error:  # whatever is wrong with it: it can be made again
            _log.warning("the map is damaged and is made anew", error=str(error))
            return None
        return (space, numbers, points) if points.shape == (len(numbers), 2) and np.isfinite(points).all() else None

    def _make(self, space: Space) -> None:
        if self._closed or (self._making is not None and self._making.is_alive()):
            return
        self._making = threading.Thread(target=self._made, args=(space,), name="map", daemon=True)
        self._making.start()

    def _made(self, space: Space) -> None:
        import numpy as np

        try:
            batches = list(self._sounds.vectors(space))
            if not batches:
                return
            numbers = np.concatenate([ids for ids, _ in batches])
            vectors = np.concatenate([rows for _, rows in batches])
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder, prefix="map-") as work:
                source, target = Path(work) / "vectors.npy", Path(work) / "points.npy"
                np.save(source, vectors.astype(np.float32))
                points = self._laid_out(source, target)
                if points is None:
                    return
                whole = Path(work) / "whole.npz"
                np.savez(whole, numbers=numbers, points=points)
                whole.replace(self._file(space))
            with self._lock:
                self._held = (space, numbers, points)
            _log.info("laid out the map", points=len(points))
        except Exception:
            _log.exception("the map could not be made; it is tried again when it is next asked for")

    def _laid_out(self, source: Path, target: Path) -> "Floats | None":
        import numpy as np

        with self._lock:
            if self._closed:
                return None
            threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
            command = [sys.executable, "-m", "segue.index.plane", str(source), str(target)]
            environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **threads}
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)
        try:
            if self._process.wait(_LONGEST_S):
                _log.error("the map could not be laid out", status=self._process.returncode)
                return None
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            _log.error("laying out the map took too long")
            return None
        found: Floats = np.load(target, allow_pickle=False)
        return found
