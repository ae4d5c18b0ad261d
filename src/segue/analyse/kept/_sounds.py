"""What was heard, kept in a file of its own (``sound.db``): it can be made again, and is large. Keyed by the hash of the audio payload, so
that a file that moved or was given new tags is not heard again; a small number stands for that hash in every space and index.

Vectors are kept as float16 (their neighbours' order is the same to four digits), described values as compressed msgpack.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from segue.analyse._record import Description, Embedded, Heard
from segue.errors import ConfigError
from segue.model import Record, Space
from segue.store import Database
from segue.types import Instant, new_id

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SCHEMA = 1
_metadata = sa.MetaData()
_about = Table("about", _metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))
_sound = Table(
    "sound",
    _metadata,
    Column("number", Integer, primary_key=True),
    Column("payload_hash", LargeBinary, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("described", LargeBinary, nullable=False),
    Column("waveform", LargeBinary, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("findings", Text, nullable=False),
    Column("heard_at", Integer, nullable=False),
    sqlite_autoincrement=True,  # a number is never reused: an index may still know it
)
_space = Table(
    "space",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("encoder", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("dimension", Integer, nullable=False),
    UniqueConstraint("encoder", "version", "digest"),
    sqlite_autoincrement=True,
)
_vector = Table(
    "vector",
    _metadata,
    Column("space_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
    Column("tags", Text, nullable=False),
    sqlite_with_rowid=False,
)
_key = Table(
    "fingerprint_key",
    _metadata,
    Column("key", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    sqlite_with_rowid=False,
)
_MOST_COMPARED = 50
_FEWEST_KEYS = 3
"""Keys two fingerprints must share to be compared at all: other sound rarely shares one."""


class Sound(Record, frozen=True, kw_only=True):
    """One payload as it was heard."""

    number: int
    payload_hash: bytes
    version: int
    duration_ms: int
    description: Description
    waveform: bytes
    fingerprint: bytes
    findings: tuple[tuple[str, str], ...]
    heard_at: Instant


class Sounds:
    """Synchronous; any thread may call it."""

    def __init__(self, db: Database) -> None:
        """Raises :class:`~segue.errors.ConfigError` when the file was written by a newer Segue."""
        self._db = db
        with db.write() as connection:
            _metadata.create_all(connection)
            connection.execute(
                sa.insert(_about).prefix_with("OR IGNORE"), [{"key": "schema", "value": str(_SCHEMA)}, {"key": "id", "value": new_id()}]
            )
            held = {row.key: row.value for row in connection.execute(sa.select(_about))}
        if int(held["schema"]) > _SCHEMA:
            raise ConfigError(
                f"{db.path} was written by a newer Segue. Upgrade Segue, or move the file away to have every track heard anew."
            )
        self.id = held["id"]
        """Of this file: numbers mean nothing in another."""

    # -- one payload -----------------------------------------------------------------------------------------------------

    def find(self, payload_hash: bytes) -> Sound | None:
        return self._one(_sound.c.payload_hash == payload_hash)

    def get(self, number: int) -> Sound | None:
        return self._one(_sound.c.number == number)

    def _one(self, where: sa.ColumnElement[bool]) -> Sound | None:
        with self._db.read() as connection:
            row = connection.execute(sa.select(_sound).where(where)).first()
        return None if row is None else _record(row)

    def keep(self, heard: Heard, version: int, at: Instant) -> int:
        """Keep what was heard of a payload, in the place of what an older version heard. Returns its number."""
        values = {
            "payload_hash": heard.payload_hash,
            "version": version,
            "duration_ms": heard.duration_ms,
            "described": zlib.compress(msgspec.msgpack.encode(heard.description or Description(values={}))),
            "waveform": heard.waveform,
            "fingerprint": heard.fingerprint,
            "findings": msgspec.json.encode(heard.findings).decode(),
            "heard_at": at,
        }
        from segue.analyse._fingerprint import keys

        found = keys(heard.fingerprint)
        with self._db.write() as connection:
            number = _kept(connection, values)
            connection.execute(sa.delete(_key).where(_key.c.number == number))
            if found:
                connection.execute(sa.insert(_key), [{"key": key, "number": number} for key in found])
            return number

    def same(self, number: int, within_ms: int) -> dict[int, float]:
        """Other numbers whose sound is the same recording, of a duration within ``within_ms``, with the likeness of their fingerprints."""
        from segue.analyse._fingerprint import SAME, similarity

        own = sa.select(_key.c.key).where(_key.c.number == number)
        shared = sa.select(_key.c.number).where(_key.c.key.in_(own), _key.c.number != number)
        shared = (
            shared.group_by(_key.c.number).having(sa.func.count() >= _FEWEST_KEYS).order_by(sa.func.count().desc()).limit(_MOST_COMPARED)
        )
        columns = (_sound.c.number, _sound.c.duration_ms, _sound.c.fingerprint)
        with self._db.read() as connection:
            mine = connection.execute(sa.select(*columns).where(_sound.c.number == number)).first()
            if mine is None:
                return {}
            others = connection.execute(sa.select(*columns).where(_sound.c.number.in_(shared))).all()
        near = [one for one in others if abs(one.duration_ms - mine.duration_ms) <= within_ms]
        alike = {one.number: similarity(mine.fingerprint, one.fingerprint) for one in near}
        return {other: likeness for other, likeness in alike.items() if likeness >= SAME}

    def forget(self, numbers: Sequence[int]) -> None:
        """Delete what no track is any more."""
        for start in range(0, len(numbers), 500):
            some = numbers[start : start + 500]
            with self._db.write() as connection:
                connection.execute(sa.delete(_vector).where(_vector.c.number.in_(some)))
                connection.execute(sa.delete(_key).where(_key.c.number.in_(some)))
                connection.execute(sa.delete(_sound).where(_sound.c.number.in_(some)))

    def numbers(self) -> list[int]:
        with self._db.read() as connection:
            return list(connection.execute(sa.select(_sound.c.number).order_by(_sound.c.number)).scalars())

    # -- spaces ----------------------------------------------------------------------------------------------------------

    def space(self, encoder: str, version: str, digest: str, dimension: int) -> Space:
        """The space of an encoder, made when it is new."""
        key = {"encoder": encoder, "version": version, "digest": digest}
        with self._db.write() as connection:
            connection.execute(sa.insert(_space).prefix_with("OR IGNORE").values(**key, dimension=dimension))
            row = connection.execute(sa.select(_space).where(*(_space.c[name] == value for name, value in key.items()))).one()
        return Space(**row._mapping)

    def spaces(self) -> list[Space]:
        with self._db.read() as connection:
            return [Space(**row._mapping) for row in connection.execute(sa.select(_space).order_by(_space.c.id))]

    def embed(self, number: int, vectors: dict[int, Embedded]) -> None:
        """Keep one vector a space (by its id)."""
        rows = [
            {"space_id": space_id, "number": number, "vector": _half(one.vector), "tags": msgspec.json.encode(one.tags).decode()}
            for space_id, one in vectors.items()
        ]
        with self._db.write() as connection:
            connection.execute(sa.insert(_vector).prefix_with("OR REPLACE"), rows)

    def spaces_of(self, number: int) -> frozenset[int]:
        with self._db.read() as connection:
            return frozenset(connection.execute(sa.select(_vector.c.space_id).where(_vector.c.number == number)).scalars())

    def embeddings_of(self, number: int) -> dict[int, Embedded]:
        """Every vector of one payload, by space."""
        with self._db.read() as connection:
            rows = connection.execute(sa.select(_vector).where(_vector.c.number == number)).all()
        decode = msgspec.json.Decoder(tuple[tuple[str, float], ...]).decode
        return {row.space_id: Embedded(vector=_single(row.vector), tags=decode(row.tags)) for row in rows}

    def tags(self, space_id: int, number: int) -> tuple[tuple[str, float], ...]:
        """What the tagger says, most likely first; empty where it has not heard it."""
        where = (_vector.c.space_id == space_id, _vector.c.number == number)
        with self._db.read() as connection:
            text = connection.execute(sa.select(_vector.c.tags).where(*where)).scalar()
        return msgspec.json.decode(text, type=tuple[tuple[str, float], ...]) if text else ()

    def tags_of(self, space_id: int, numbers: Sequence[int]) -> dict[int, tuple[tuple[str, float], ...]]:
        """As :meth:`tags`, of many at once; those without are left out."""
        decode = msgspec.json.Decoder(tuple[tuple[str, float], ...]).decode
        out: dict[int, tuple[tuple[str, float], ...]] = {}
        with self._db.read() as connection:
            for start in range(0, len(numbers), 500):
                where = (_vector.c.space_id == space_id, _vector.c.number.in_(numbers[start : start + 500]))
                rows = connection.execute(sa.select(_vector.c.number, _vector.c.tags).where(*where))
                out |= {row.number: decoded for row in rows if (decoded := decode(row.tags))}
        return out

    def any(self) -> bool:
        """Whether there is any vector, of any space."""
        with self._db.read() as connection:
            return connection.execute(sa.select(_vector.c.number).limit(1)).first() is not None

    def count(self, space_id: int) -> int:
        with self._db.read() as connection:
            return connection.execute(sa.select(sa.func.count()).where(_vector.c.space_id == space_id)).scalar_one()

    def embedded(self, space_id: int) -> list[int]:
        """The numbers that have a vector in a space."""
        with self._db.read() as connection:
            return list(connection.execute(sa.select(_vector.c.number).where(_vector.c.space_id == space_id)).scalars())

    def vectors(self, space: Space, batch: int = 10_000) -> "Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]":
        """Every vector of a space, by number, in batches: ids (n,), rows (n, dimension)."""
        import numpy as np

        after = 0
        while True:
            where = (_vector.c.space_id == space.id, _vector.c.number > after)
            with self._db.read() as connection:
                rows = connection.execute(
                    sa.select(_vector.c.number, _vector.c.vector).where(*where).order_by(_vector.c.number).limit(batch)
                ).all()
            if not rows:
                return
            after = rows[-1][0]
            flat = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f2").reshape(len(rows), space.dimension)
            yield np.array([row[0] for row in rows], dtype=np.int64), flat.astype(np.float32)


def _kept(connection: sa.Connection, values: dict[str, Any]) -> int:
    """Insert, or update what is there under the same hash; the number stays."""
    found = connection.execute(sa.select(_sound.c.number).where(_sound.c.payload_hash == values["payload_hash"])).scalar()
    if found is not None:
        connection.execute(sa.update(_sound).where(_sound.c.number == found).values(**values))
        return int(found)
    made = connection.execute(sa.insert(_sound).values(**values)).inserted_primary_key
    assert made is not None
    number: int = made[0]
    return number


def _record(row: sa.Row[Any]) -> Sound:
    return Sound(
        number=row.number,
        payload_hash=row.payload_hash,
        version=row.version,
        duration_ms=row.duration_ms,
        description=msgspec.msgpack.decode(zlib.decompress(row.described), type=Description),
        waveform=row.waveform,
        fingerprint=row.fingerprint,
        findings=msgspec.json.decode(row.findings, type=tuple[tuple[str, str], ...]),
        heard_at=row.heard_at,
    )


def _half(vector: bytes) -> bytes:
    import numpy as np

    return np.frombuffer(vector, dtype="<f4").astype("<f2").tobytes()


def _single(vector: bytes) -> bytes:
    import numpy as np

    return np.frombuffer(vector, dtype="<f2").astype("<f4").tobytes()
