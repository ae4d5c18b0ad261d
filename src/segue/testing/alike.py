"""Vectors without audio: tracks of a catalogue that were heard, as far as everything after the hearing knows."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from segue.analyse import Description, Embedded, Heard, Model, Value
from segue.analyse.kept import Backlog, Sounds, Task
from segue.flow.similar import Similar
from segue.store import Database
from segue.store import schema as s
from segue.types import Instant, Ms, TrackId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


class Ears:
    """Stores and an index over ``folder``, and the catalogue in ``db``. Close it at the end."""

    def __init__(self, db: Database, folder: Path, *, model: Model | None = None, dimension: int = 8) -> None:
        """Vectors are of ``model``, or of a space of this ``dimension``."""
        self.db = db
        self.sound_db = Database(folder / "sound.db")
        self.sounds = Sounds(self.sound_db)
        self.space = (
            self.sounds.space(model.name, model.version, model.digest, model.dimension)
            if model is not None
            else self.sounds.space("descriptor", "1", "", dimension)
        )
        self.similar = Similar(db, self.sounds, folder / "index")
        self.backlog = Backlog(db)

    def serve(self) -> None:
        self.similar.serve(self.space)

    def hear(
        self,
        vectors: "Mapping[TrackId, Vectors]",
        *,
        values: Mapping[str, float] | None = None,
        tags: tuple[tuple[str, float], ...] = (),
    ) -> None:
        """Keep a vector of each track, find it from now on, and tell ``values`` and ``tags`` of all of them."""
        import numpy as np

        told = {name: Value(value=value, confidence=1.0) for name, value in (values or {}).items()}
        for track_id, vector in vectors.items():
            payload = hashlib.blake2b(track_id.encode(), digest_size=16).digest()
            heard = Heard(payload_hash=payload, duration_ms=Ms(180_000), description=Description(values=told))
            number = self.sounds.keep(heard, 1, Instant(1))
            unit = np.asarray(vector, dtype=np.float32) / np.linalg.norm(vector)
            embedded = {self.space.id: Embedded(vector=unit.astype("<f4").tobytes(), tags=tags)}
            self.sounds.embed(number, embedded)
            self.backlog.done(
                self._task(track_id),
                payload_hash=payload,
                number=number,
                version=1,
                space_id=self.space.id,
                values=told,
                findings=(),
                at=Instant(1),
            )
            self.similar.add(number, embedded)

    def _task(self, track_id: TrackId) -> Task:
        with self.db.read() as connection:
            row = connection.execute(sa.select(s.track).where(s.track.c.id == track_id)).one()
        return Task(
            track_id=track_id,
            library_id=row.library_id,
            root="",
            path=row.path,
            duration_ms=row.duration_ms,
            quick_hash=row.quick_hash,
            payload_hash=None,
            number=None,
            attempts=0,
            due="new",
        )

    def close(self) -> None:
        self.similar.close()
        self.sound_db.close()
