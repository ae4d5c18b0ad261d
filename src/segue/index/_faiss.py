"""A folder of vectors: a main tier, a fresh tier beside it, and a journal of what the main tier's file does not have yet."""

import contextlib
import fcntl
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segue.errors import Conflict, Unavailable
from segue.index import _build as build
from segue.index import _save as save
from segue.index._check import batch_of, ids_of, k_of, vectors_of
from segue.index._codes import Codec, one_core
from segue.index._fresh import Fresh
from segue.index._journal import ADD, DELETE, Journal, Replay
from segue.index._mapped import MappedTier, Room, free_bytes
from segue.index._options import Options
from segue.index._tier import Tier

if TYPE_CHECKING:
    from segue.ports import Ids, Vectors

_LOW_PRIORITY = 10


@dataclass(frozen=True)
class Status:
    rows: int
    fresh: int
    """Of the rows, those not merged yet."""
    dead: int
    """Deleted or replaced, and still in memory."""
    lists: int
    """1: exact."""
    probed: int
    """Lists probed at the measured k."""
    recall: float
    """Measured at the last build; 1 where it is exact."""
    bytes: int
    """In memory, of the main tier."""
    generation: int


class FaissIndex:
    """The port ``Neighbours`` over a folder. Any thread.

    ``damaged`` says what could not be read back when the folder was opened, else None. The index then works with what is left: add
    everything again from where the vectors are kept, and call :meth:`rebuilt`. ``refused`` says why the last merge was given up, else
    None; what was there before serves on, and the fresh tier holds the rest.
    """

    def __init__(self, folder: Path, dimension: int, options: Options | None = None) -> None:
        self.dimension = dimension
        self.damaged: str | None = None
        self.refused: str | None = None
        self._options = options or Options()
        self._folder = folder
        self._codec = Codec(dimension)
        self._lock = threading.Lock()
        """Held by one writer at a time, and for a swap; never while anything is computed or synced."""
        self._merging = threading.Lock()
        self._worker: threading.Thread | None = None
        self._changes = 0
        """Odd while a replaced vector is neither here nor there."""
        self._dead_since: list[Ids] = []
        self._retry_at = 0
        self._closed = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._own = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"The index folder {folder} cannot be used: {error.strerror}.") from error
        try:
            fcntl.flock(self._own, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._open()
        except BlockingIOError as error:
            os.close(self._own)
            raise Unavailable(f"The index folder {folder} is open already.") from error
        except OSError as error:
            os.close(self._own)
            raise Unavailable(f"The index folder {folder} cannot be read: {error.strerror}.") from error
        except BaseException:
            os.close(self._own)
            raise

    # Opening

    def _open(self) -> None:
        said: dict[str, Any] | None = None
        journals = sorted(self._folder.glob("journal-*"))
        try:
            said = save.read_manifest(self._folder)
            if said is None and any(self._folder.glob("main-*[0-9]")):
                raise save.Damaged("the manifest is missing")
        except save.Damaged as error:
            self.damaged = str(error)
        if said is not None and (said.get("dimension"), said.get("format")) != (self.dimension, 1):
            raise Conflict(f"The index folder {self._folder} is of another format or dimension ({said.get('dimension')}).")
        main = build.flat(self._codec, np.empty(0, np.int64), np.empty((0, self.dimension), np.float16))
        first = 1
        self._main_said: dict[str, Any] | None = None
        if said is not None:
            self.damaged = said["damaged"]
            first = said["journal"]
            self._main_said = said["main"]
            if self._main_said is not None:
                try:
                    main = self._read_main(self._main_said)
                except save.Damaged as error:
                    self.damaged = str(error)
        self._tiers: tuple[Tier, Fresh | None, Fresh] = (main, None, Fresh(self._codec))
        last = first
        harmed = False
        for path in journals:
            number = _number(path)
            if number < first:
                continue
            replay = Replay(path, self.dimension)
            for kind, ids, codes in replay:
                self._apply(kind, ids, codes)
            last, harmed = max(last, number), replay.damaged is not None
            self.damaged = self.damaged or replay.damaged
        self._first = first
        self._generation = last + 1 if harmed else last
        self._journal = Journal(self._folder / f"journal-{self._generation:08d}", self.dimension)
        if said is None or said["damaged"] != self.damaged:
            self._write_manifest()
        self._tidy()

    def _read_main(self, said: dict[str, Any]) -> Tier:
        mapped = int(said["lists"]) > 1 and self._short_of_memory(int(said["rows"]))
        return save.read_tier(self._folder, said, self._codec, mapped=mapped)

    def _short_of_memory(self, rows: int) -> bool:
        most = self._options.memory_bytes
        return 2 * self.dimension * rows > (free_bytes() // 4 if most is None else most)

    def _write_manifest(self) -> None:
        said = {"format": 1, "dimension": self.dimension, "main": self._main_said, "journal": self._first, "damaged": self.damaged}
        save.write_manifest(self._folder, said)

    def _tidy(self) -> None:
        """Files that nothing names any more."""
        named = self._main_said["file"] if self._main_said else None
        for path in self._folder.iterdir():
            old = path.name.startswith("journal-") and _number(path) < self._first
            if old or path.suffix == ".tmp" or (path.name.startswith("main-") and path.name != named):
                with contextlib.suppress(OSError):
                    path.unlink()

    # Writing

    def add(self, ids: "Ids", vectors: "Vectors") -> None:
        ids, vectors = batch_of(ids, vectors, self.dimension)
        if not len(ids):
            return
        codes = self._codec.encode(vectors)
        with self._lock:
            journal, end = self._append(ADD, ids, codes)
            self._apply(ADD, ids, codes)
        journal.sync(end)
        self._merge_if_due()

    def delete(self, ids: "Ids") -> int:
        ids = np.unique(ids_of(ids))
        if not len(ids):
            return 0
        with self._lock:
            journal, end = self._append(DELETE, ids, None)
            gone = self._apply(DELETE, ids, None)
        journal.sync(end)
        self._merge_if_due()
        return gone

    def _append(self, kind: int, ids: "Ids", codes: Any) -> tuple[Journal, int]:
        if self._closed:
            raise Unavailable("The index is closed.")
        return self._journal, self._journal.append(kind, ids, codes)

    def _apply(self, kind: int, ids: "Ids", codes: Any) -> int:
        main, frozen, fresh = self._tiers
        self._changes += 1
        try:
            gone = [main.kill(ids)]
            if frozen is not None:
                gone.append(frozen.kill(ids))
                self._dead_since += gone
            killed = sum(map(len, gone)) + len(fresh.kill(ids))
            if kind == ADD:
                fresh.add(ids, codes)
            return killed
        finally:
            self._changes += 1

    # Searching

    def search(self, queries: "Vectors", k: int, *, allowed: "Ids | None" = None) -> "tuple[Ids, Vectors]":
        queries, k = vectors_of(queries, self.dimension), k_of(k)
        given = None if allowed is None else ids_of(allowed)
        found = np.full((len(queries), k), -1, np.int64)
        similarities = np.full((len(queries), k), -2, np.float32)
        if not k or (given is not None and not len(given)):
            return found, similarities
        one_core()
        for number in range(len(queries)):
            ids, near = self._settled(queries[number], k, given)
            found[number, : len(ids)], similarities[number, : len(ids)] = ids, near
        return found, similarities

    def _settled(self, query: "Vectors", k: int, allowed: "Ids | None") -> "tuple[Ids, Vectors]":
        """Again where a write came between: a vector being replaced would be found twice, or not at all."""
        for _ in range(3):
            before = self._changes
            if before % 2:
                with self._lock:
                    before = self._changes
            answer = self._search(query, k, allowed)
            if self._changes == before:
                return answer
        with self._lock:
            return self._search(query, k, allowed)

    def _search(self, query: "Vectors", k: int, allowed: "Ids | None") -> "tuple[Ids, Vectors]":
        main, *rest = self._tiers
        ids, similarities = main.best(query, k, None if allowed is None else main.chosen(allowed))
        for fresh in rest:
            if fresh is None or not len(fresh):
                continue
            above = float(similarities.min()) if len(ids) >= k else -np.inf
            more, near = fresh.best(query, k, above, None if allowed is None else fresh.chosen(allowed))
            if len(more):
                ids, similarities = np.concatenate([ids, more]), np.concatenate([similarities, near])
                if len(ids) > k:
                    best = np.argpartition(similarities, len(ids) - k)[len(ids) - k :]
                    ids, similarities = ids[best], similarities[best]
        order = np.argsort(-similarities)
        return ids[order], similarities[order]

    def vectors(self, ids: "Ids") -> "Vectors":
        ids = ids_of(ids)
        kept = np.zeros((len(ids), self.dimension), np.float32)
        with self._lock:
            for tier in self._tiers:
                if tier is not None:
                    tier.vectors(ids, kept)
        return kept

    def __len__(self) -> int:
        with self._lock:
            main, frozen, fresh = self._tiers
            return main.live + len(frozen or ()) + len(fresh)

    def status(self) -> Status:
        with self._lock:
            main, frozen, fresh = self._tiers
            held = [tier for tier in (frozen, fresh) if tier is not None]
            new = sum(map(len, held))
            return Status(
                rows=main.live + new,
                fresh=new,
                dead=len(main) - main.live + sum(tier.count for tier in held) - new,
                lists=main.lists,
                probed=main.probes.to_find(self._options.plan.measured_k, main.lists),
                recall=main.probes.recall,
                bytes=main.bytes(),
                generation=self._generation,
            )

    # Merging

    def _due(self) -> bool:
        main, frozen, fresh = self._tiers
        rows = self._options.merge_rows or min(50_000, max(20_000, len(main) // 50))
        full = fresh.count >= max(rows, self._retry_at)
        return not self._closed and frozen is None and (full or len(main) - main.live > max(rows, len(main) // 5))

    def _merge_if_due(self) -> None:
        if not self._due() or not self._merging.acquire(blocking=False):
            return
        try:
            self._worker = threading.Thread(target=self._merge_then_release, name="index-merge", daemon=True)
            self._worker.start()
        except BaseException:
            self._merging.release()
            raise

    def _merge_then_release(self) -> None:
        try:
            with contextlib.suppress(OSError, AttributeError):  # of this thread, on Linux
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOW_PRIORITY)
            while self._due():
                self._merge()
                if self.refused:
                    break
        finally:
            self._merging.release()

    def merge(self) -> None:
        """Merge now, and return when it is done. After it, ``refused`` says whether it was."""
        with self._merging:
            self._merge()

    def _merge(self) -> None:
        main, frozen = self._seal()
        one_core()
        try:
            short = self._short_of_memory(len(main) + frozen.count)
            room = Room(self._folder if short else None)
            new = build.merge(self._codec, main, *frozen.rows(), self._options.plan, room)
            said = save.write_tier(self._folder, f"main-{self._generation:08d}", new)
            if isinstance(new, MappedTier):
                new = save.read_tier(self._folder, said, self._codec, mapped=True)
        except Exception as error:  # whatever it is, what was there before serves on
            self._put_back(frozen)
            self.refused = str(error) if isinstance(error, build.Refused) else repr(error)
            return
        with self._lock:
            for ids in self._dead_since:
                new.kill(ids)
            self._dead_since = []
            self._tiers = (new, None, self._tiers[2])
            self._main_said, self._first = said, self._generation
            self._retry_at = 0
            self.refused = None
        try:
            self._write_manifest()
            self._tidy()
        except OSError as error:  # the manifest of before names files that are all still there
            self.refused = f"the manifest cannot be written: {error.strerror}"

    def _seal(self) -> tuple[Tier, Fresh]:
        """From here on a new journal and a new fresh tier take what comes."""
        with self._lock:
            if self._closed:
                raise Unavailable("The index is closed.")
            main, _, fresh = self._tiers
            self._journal.close()
            self._generation += 1
            self._journal = Journal(self._folder / f"journal-{self._generation:08d}", self.dimension)
            self._dead_since = []
            self._tiers = (main, fresh, Fresh(self._codec))
            return main, fresh

    def _put_back(self, frozen: Fresh) -> None:
        """One fresh tier again, of both."""
        with self._lock:
            main, _, newer = self._tiers
            ids, codes = newer.rows()
            alive = ~np.isnan(codes[:, 0])
            self._changes += 1
            frozen.add(ids[alive], codes[alive])
            self._tiers = (main, None, frozen)
            self._dead_since = []
            self._changes += 1
            self._retry_at = frozen.count * 3 // 2

    def rebuilt(self) -> None:
        """Everything was added again: the damage is forgotten."""
        with self._lock:
            self.damaged = None
            self._write_manifest()

    def close(self) -> None:
        """Waits for a merge that runs."""
        with self._merging, self._lock:
            if self._closed:
                return
            self._closed = True
            self._journal.close()
            os.close(self._own)


def _number(path: Path) -> int:
    digits = path.name.partition("-")[2]
    return int(digits) if digits.isdigit() else 0
