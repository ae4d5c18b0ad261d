"""Every port: what a part needs of another, without knowing it. Adapters meet these by structure; nobody inherits.

Ports that only compute or touch local storage are synchronous and may be called from any thread.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from segue.model import Acquaintance, Appended, Candidate, Event, Play, Query, Sketch, Track, Traits
from segue.types import ArtistId, Instant, LibraryId, TrackId, UserId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Vectors = NDArray[np.float32]


class Clock(Protocol):
    def __call__(self) -> Instant:
        """The wall clock. Tests pass their own."""
        ...


class EventLog(Protocol):
    """The truth of what listeners did: append-only, idempotent by ``event_id`` within a listener.

    Must hold: ``append`` returns after the accepted events are durable (they survive kill -9 and power loss); a repeat is accepted and
    changes nothing; offsets grow and are never reused; ``read`` after any offset returns every later event in offset order.
    """

    def append(self, events: Sequence[Event]) -> Appended: ...

    def read(self, after: int, limit: int, *, user_id: UserId | None = None) -> Sequence[tuple[int, Event]]: ...

    def last_offset(self) -> int: ...

    def find(self, user_id: UserId, event_id: str) -> Event | None:
        """One event of a listener, by its id."""
        ...

    def erase(self, user_id: UserId) -> int:
        """Delete every event of a listener (secure delete) and leave a tombstone that consumers follow. Returns how many."""
        ...

    def backup(self, target: Path) -> None:
        """Write a consistent copy to a new file, while the log is in use."""
        ...


class Catalogue(Protocol):
    """What the path of a listen needs to know of tracks. The whole catalogue is ``segue.library``; this is its narrow side."""

    def tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        """By id, whoever asks; ids unknown are left out; missing files are in, with ``missing_at`` set."""
        ...

    def sketches(self, ids: Sequence[TrackId]) -> dict[TrackId, Sketch]:
        """As :meth:`tracks`, a tenth of the work."""
        ...

    def tracks_like(
        self,
        *,
        artists: Sequence[ArtistId] = (),
        genres: Sequence[str] = (),
        years: tuple[int, int] | None = None,
        libraries: frozenset[LibraryId],
        limit: int,
        seed: int = 0,
    ) -> Sequence[TrackId]:
        """Present tracks that match any of the given artists, genres or the year range; a seeded sample when there are more."""
        ...

    def sample(self, *, libraries: frozenset[LibraryId], limit: int, seed: int = 0) -> Sequence[TrackId]:
        """A seeded uniform sample of present tracks, in milliseconds at 100,000."""
        ...


class History(Protocol):
    """One listener's past as the path of a listen reads it: folds of the log, as fresh as the last acknowledged event.

    Private plays are in none of it, but for :meth:`heard`, which must be true. Each call takes milliseconds, however long the past.
    """

    def plays(self, user_id: UserId, limit: int) -> Sequence[Play]:
        """Latest first."""
        ...

    def favourites(self, user_id: UserId, limit: int, *, not_since: Instant, at: Instant) -> Sequence[Acquaintance]:
        """Tracks liked, rated 4 or 5, or listened to, none of them played since; best first by likes and by listens, recent ones worth
        more."""
        ...

    def artists(self, user_id: UserId, limit: int, *, at: Instant) -> Sequence[Acquaintance]:
        """Artists liked or listened to, here or elsewhere; the most listened to of late first."""
        ...

    def heard(self, user_id: UserId, track_ids: Sequence[TrackId]) -> frozenset[TrackId]:
        """Those of the given tracks this listener ever began or reported."""
        ...


class Neighbours(Protocol):
    """The vectors of one space, and which are near which. Similarity is the inner product of unit vectors: -1..1, higher is nearer.

    Must hold: when ``add`` or ``delete`` returns, it survives kill -9 and the next ``search`` knows it. An id added again has its new
    vector only. A deleted id is returned by no search. An id that ``allowed`` leaves out is never returned, and those it allows are
    found at the recall they are found at without it. Searches run beside writes and merges, from any thread.
    """

    dimension: int

    def add(self, ids: "Ids", vectors: "Vectors") -> None:
        """``ids``: (n,) int64, 0 or more; ``vectors``: (n, dimension) float32, unit length. Raises BadRequest on another shape or NaN."""
        ...

    def delete(self, ids: "Ids") -> int:
        """Returns how many there were."""
        ...

    def search(self, queries: "Vectors", k: int, *, allowed: "Ids | None" = None) -> "tuple[Ids, Vectors]":
        """The nearest first: ids (q, k) int64, padded with -1, and similarities (q, k) float32, padded with -2.

        ``allowed``: the only ids to return, sorted, unique; None: any.
        """
        ...

    def vectors(self, ids: "Ids") -> "Vectors":
        """(n, dimension) float32 as kept; rows of unknown ids are zero."""
        ...

    def __len__(self) -> int: ...

    def close(self) -> None: ...


class Alike(Protocol):
    """Which tracks sound alike, and how they sound. Tracks never heard are in no answer."""

    def embeddings(self, track_ids: Sequence[TrackId]) -> "dict[TrackId, Vectors]":
        """Unit vectors, (dimension,) float32."""
        ...

    def near_all(
        self, track_ids: Sequence[TrackId], limit: int, libraries: frozenset[LibraryId]
    ) -> Sequence[tuple[TrackId, TrackId, float]]:
        """(seed, track, similarity -1..1): for each seed up to ``limit`` present tracks of these libraries, nearest first, no seed among
        them. Raises :class:`~segue.errors.Unavailable` while what was heard cannot be searched; where nothing was heard, nothing is near.
        """
        ...

    def traits(self, track_ids: Sequence[TrackId]) -> dict[TrackId, Traits]:
        """Of every track that exists, heard or not."""
        ...


class Source(Protocol):
    """One way to find candidates. Named; pure in what it reads; never raises for want of data (returns nothing)."""

    name: str

    def __call__(self, query: Query) -> Iterable[Candidate]: ...


class Writer(Protocol):
    """The one write transaction of a database at a time; see ``segue.store``."""

    def __call__(self, *, urgent: bool = ...) -> AbstractContextManager[object]: ...


Progress = Callable[[str, int, int | None], None]
"""Called with (phase, done, total or None); cheap, may be called often; never raises."""

Lines = Iterator[bytes]
