"""The journey of a track, second half: file -> samples -> description, fingerprint, embedding -> index.

What opens a file is a worker process, at the lowest priority; here is only which track is next, and what becomes of the answer.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from segue.analyse import VERSION, AnalysisWorker, Ask, Embedded, Heard, Model, Priority, in_use, models
from segue.analyse.kept import Backlog, Sounds, Task
from segue.errors import NotFound
from segue.flow.recordings import Recordings
from segue.flow.similar import Similar
from segue.model import Record, Space
from segue.observe import get_logger, metrics
from segue.store import Database
from segue.store import schema as s
from segue.types import now

_log = get_logger("flow.sound")
_PAUSED, _ENCODER, _SERVED, _SOUNDS = "analysis_paused", "encoder", "space", "sound_id"
_BUILTIN = "descriptor"
_BATCH = 64
_LOOK_S = 30.0
"""How often what is due is looked up when nobody says that something changed."""
_LOOK_FOR_DISK_S = 8.0
"""The same while a library is away as a whole."""
_GONE = "The folder of a library cannot be read or is empty: is its disk mounted? Its tracks are listened to once it is back."
_RATE_OVER = 50
"""Tracks a rate is measured over."""

State = Literal["off", "idle", "running", "paused", "waiting"]
"""``waiting``: for the hours that analysis may run in."""


class AnalysisStatus(Record, frozen=True, kw_only=True):
    state: State
    total: int
    done: int
    failed: int
    left: int
    tracks_per_hour: float | None = None
    left_s: float | None = None
    encoder: str
    """The one chosen."""
    serving: str | None
    """The space that answers; another than the chosen one while that is being filled."""
    note: str = ""


class _Chosen(Record, frozen=True, kw_only=True):
    """What is embedded with: one value, because tracks are being heard while it is replaced."""

    model: Model
    space: Space
    builtin: Space
    paths: dict[int, str]
    """Model files by space; the built-in one has none."""
    tagger_missing: bool


class SoundFlow:
    """Analyses what is due, in the background or to the end by hand."""

    def __init__(
        self,
        db: Database,
        sounds: Sounds,
        similar: Similar,
        recordings: Recordings,
        model_folder: Path,
        *,
        workers: int = 1,
        share: int = 100,
        hours: str = "",
        priority: Priority = "idle",
    ) -> None:
        """``share``: percent of the time a worker works; ``hours``: ``HH:MM-HH:MM`` of the server's clock, empty for all."""
        self.sounds = sounds
        self.similar = similar
        self._recordings = recordings
        self._priority: Priority = priority
        self.backlog = Backlog(db)
        self._db = db
        self._models = model_folder
        self._count = workers
        self._share = share
        self._hours = parse_hours(hours)
        self._wake = threading.Condition()
        self._following = threading.Lock()
        self._ready: deque[Task] = deque()
        self._busy: set[str] = set()
        self._stale = True
        self._threads: list[threading.Thread] = []
        self._opener: threading.Thread | None = None
        self._closed = threading.Event()
        self._paused = bool(self._setting(_PAUSED))
        self._workers: set[AnalysisWorker] = set()
        self._away: set[str] = set()
        """Tracks whose files cannot be opened now: not tried again before something changes."""
        self._gone: dict[int, str] = {}
        """Libraries, with their folders, that are away as a whole: looked for again when what is due is."""
        self._times: deque[float] = deque(maxlen=_RATE_OVER)
        if self._setting(_SOUNDS) != sounds.id:
            self.backlog.forget_numbers()
            self._set(_SOUNDS, sounds.id)
        self.choose()

    # -- the encoder -------------------------------------------------------------------------------------------------

    def choose(self, name: str | None = None) -> Model:
        """Embed with ``name`` from now on (None: what was chosen last, else the best there is). The space served changes once it is full,
        at once where it is.

        Raises :class:`~segue.errors.NotFound`.
        """
        there = {model.name: model for model in models(self._models)}
        if name is not None and name not in there:
            raise NotFound("encoder", name)
        wished = name or self._setting(_ENCODER)
        model = in_use(list(there.values()), wished)
        if wished is not None and wished != model.name:
            _log.warning("the chosen encoder is gone; another is used", chosen=wished, used=model.name)
        space = self._space_of(model)
        if name is not None:
            self._set(_ENCODER, name)
        self._chosen = _Chosen(
            model=model,
            space=space,
            builtin=self._space_of(there[_BUILTIN]),
            paths={self._space_of(one).id: str(one.path) for one in there.values() if one.path is not None},
            tagger_missing=not any(one.tags for one in there.values()),
        )
        self.backlog.placed(space.id, self.sounds.embedded(space.id))
        self.wake()
        self._follow()
        return model

    def _space_of(self, model: Model) -> Space:
        return self.sounds.space(model.name, model.version, model.digest, model.dimension)

    def serve(self) -> None:
        """Open the index of the space served last, or of the chosen one. Takes seconds for a large library."""
        known = {space.id: space for space in self.sounds.spaces()}
        last = known.get(self._setting(_SERVED) or 0)
        self.similar.serve(self._chosen.space if last is None or not self.sounds.count(last.id) else last)
        self._follow()

    def _follow(self) -> None:
        """Serve the chosen space once nothing is due for it, or nothing is served that has anything."""
        with self._following:
            if self.similar.space is None:
                return
            space = self._chosen.space
            if self.similar.space != space and (self.backlog.counts(VERSION, space.id).space == 0 or not len(self.similar)):
                self.similar.serve(space)
            self._set(_SERVED, self.similar.space.id)

    # -- working -----------------------------------------------------------------------------------------------------

    @property
    def model(self) -> Model:
        """The encoder chosen."""
        return self._chosen.model

    @property
    def working(self) -> bool:
        """Whether it goes on in the background."""
        return bool(self._threads)

    def start(self) -> None:
        """Analyse in the background from now on."""
        self._threads = [threading.Thread(target=self._opening, name="analysis-0", daemon=True)]
        self._threads += [threading.Thread(target=self._work, name=f"analysis-{n}", daemon=True) for n in range(1, self._count)]
        for thread in self._threads:
            thread.start()

    def open(self) -> None:
        """Serve what was heard before, and hear nothing new."""
        if self.sounds.any():
            self._opener = threading.Thread(target=self._open, name="index", daemon=True)
            self._opener.start()

    def _opening(self) -> None:
        self._open()
        self._work(warm=True)

    def _open(self) -> None:
        try:
            self.serve()
        except Exception:
            _log.exception("the index could not be opened: nothing is alike until the next start")

    def close(self) -> None:
        """Stop; what workers are at is begun anew at the next start."""
        self._closed.set()
        with self._wake:
            self._wake.notify_all()
            for worker in self._workers:
                worker.end()
        for thread in (*self._threads, *([self._opener] if self._opener else [])):
            thread.join(30)

    def wake(self) -> None:
        """Something changed in the catalogue: what is due is looked up anew."""
        self.similar.changed()
        with self._wake:
            self._stale = True
            self._away.clear()
            self._wake.notify_all()

    def pause(self, paused: bool = True) -> None:
        """Survives a restart."""
        self._paused = paused
        self._set(_PAUSED, paused)
        self._times.clear()
        with self._wake:
            self._wake.notify_all()

    def retry(self) -> int:
        """Have what failed tried again. Returns how many."""
        found = self.backlog.retry()
        self.wake()
        return found

    def run(self, progress: Callable[[AnalysisStatus], None] = lambda status: None, stop: threading.Event | None = None) -> AnalysisStatus:
        """Analyse everything that is due and return, whatever the hours, the share or a pause say. For when no server runs."""
        self.serve()
        ended = stop or threading.Event()

        def work() -> None:
            with self._worker() as worker:
                while not (ended.is_set() or self._closed.is_set()) and (task := self._take(wait=False)) is not None:
                    self._hear(worker, task)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(self._count)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            threads[0].join(0.3)
            progress(self.status())
        self._follow()
        return self.status()

    def _work(self, *, warm: bool = False) -> None:
        """``warm``: with a worker that is ready before the first track comes."""
        with self._worker() as worker:
            if warm and not self._resting() and not self._closed.is_set():
                chosen = self._chosen
                worker.warm([chosen.paths[chosen.space.id]] if chosen.space.id in chosen.paths else [])
            while not self._closed.is_set():
                if self._resting():
                    worker.close()
                    with self._wake:
                        self._wake.wait(_LOOK_S)
                    continue
                task = self._take(wait=True)
                if task is None:
                    continue
                began = time.monotonic()
                self._hear(worker, task)
                if self._share < 100:
                    self._closed.wait((time.monotonic() - began) * (100 / self._share - 1))

    @contextmanager
    def _worker(self) -> Iterator[AnalysisWorker]:
        worker = AnalysisWorker(models=self._models, priority=self._priority)
        with self._wake:
            self._workers.add(worker)
        try:
            yield worker
        finally:
            with self._wake:
                self._workers.discard(worker)
            worker.close()

    def _resting(self) -> State | None:
        return "paused" if self._paused else None if _within(self._hours, datetime.now()) else "waiting"

    def _take(self, *, wait: bool) -> Task | None:
        """The next track that is due; None when there is none (after a while, where ``wait``)."""
        back = [library for library, root in list(self._gone.items()) if (self._stale or not self._ready) and _there(root)]
        with self._wake:
            for library in back:
                self._gone.pop(library, None)
            if not self._ready or self._stale:
                self._stale = False
                most = _BATCH + len(self._busy) + len(self._away)
                due = self.backlog.due(VERSION, self._chosen.space.id, most, without=list(self._gone))
                self._ready = deque(task for task in due if task.track_id not in self._busy | self._away)
            if self._ready:
                task = self._ready.popleft()
                self._busy.add(task.track_id)
                return task
            if wait:
                self._times.clear()
                self._wake.wait(_LOOK_FOR_DISK_S if self._gone else _LOOK_S)
                self._stale = True
            return None

    def _hear(self, worker: AnalysisWorker, task: Task) -> None:
        chosen = self._chosen
        try:
            found = self._heard(worker, task, chosen)
            metrics.analysed.labels("done" if found else "failed").inc()
        except Exception:
            _log.exception("a track could not be analysed", track=task.track_id)
            self.backlog.failed(task, VERSION, "died", "It could not be analysed; the server's log says why.", now())
        finally:
            with self._wake:
                self._busy.discard(task.track_id)
                self._stale |= chosen is not self._chosen  # it may be due again
                drained = not self._busy and not self._ready
            self._times.append(time.monotonic())
        if drained and self.similar.space != self._chosen.space:
            self._follow()

    def _heard(self, worker: AnalysisWorker, task: Task, chosen: _Chosen) -> bool:
        """Whether it was heard; why not is kept."""
        served = {self.similar.space.id} if self.similar.space else set()
        wanted = {chosen.builtin.id, chosen.space.id} | (served & chosen.paths.keys())
        payload_hash = task.payload_hash if task.due != "new" else None
        if payload_hash is None:
            answer = worker.hear(Ask(path=task.file, duration_ms=task.duration_ms, hash_only=True))
            if answer.error is not None:
                return self._failed(task, answer)
            payload_hash = answer.payload_hash
        sound = self.sounds.find(payload_hash)
        missing = wanted if sound is None else wanted - self.sounds.spaces_of(sound.number)
        if sound is None or sound.version < VERSION:
            answer = worker.hear(_ask(task, chosen, wanted, only=False))
            if answer.error is not None:
                return self._failed(task, answer)
            number = self.sounds.keep(answer, VERSION, now())
            self._place(number, answer, chosen)
            sound = self.sounds.get(number)
            assert sound is not None
        elif missing:
            answer = worker.hear(_ask(task, chosen, missing, only=True))
            if answer.error is not None:
                return self._failed(task, answer)
            self._place(sound.number, answer, chosen)
        self.backlog.done(
            task,
            payload_hash=sound.payload_hash,
            number=sound.number,
            version=VERSION,
            space_id=chosen.space.id,
            values=sound.description.values,
            findings=sound.findings,
            at=now(),
        )
        self._recordings.heard(task.track_id, sound.number)
        self.similar.changed()
        return True

    def _place(self, number: int, answer: Heard, chosen: _Chosen) -> None:
        by_path = {path: space for space, path in chosen.paths.items()} | {_BUILTIN: chosen.builtin.id}
        vectors: dict[int, Embedded] = {by_path[key]: one for key, one in answer.embedded.items() if key in by_path}
        if vectors:
            self.sounds.embed(number, vectors)
            self.similar.add(number, vectors)

    def _failed(self, task: Task, answer: Heard) -> bool:
        assert answer.error is not None
        kind, message = answer.error
        if self._closed.is_set():
            return False  # its worker was ended, not by the file
        if kind == "unreadable":  # a mount that is away, a file that just went: nothing is known of its sound
            there = _there(task.root)
            with self._wake:
                if there:
                    self._away.add(task.track_id)
                else:
                    self._gone[task.library_id] = task.root
                    self._ready = deque(one for one in self._ready if one.library_id != task.library_id)
            return False
        self.backlog.failed(task, VERSION, kind, message, now())
        _log.warning("a file could not be heard", track=task.track_id, kind=kind)
        return False

    # -- telling -----------------------------------------------------------------------------------------------------

    def status(self) -> AnalysisStatus:
        chosen = self._chosen
        counts = self.backlog.counts(VERSION, chosen.space.id)
        gone = list(self._gone)
        within_reach = self.backlog.counts(VERSION, chosen.space.id, without=gone) if gone else counts
        left = max(0, within_reach.left - len(self._away))
        times = list(self._times)
        rate = (len(times) - 1) / (times[-1] - times[0]) * 3600 if len(times) > 4 and times[-1] > times[0] else None
        resting = self._resting()
        state: State = resting or ("running" if left and self._threads else "idle" if self._threads else "off")
        serving = self.similar.space
        return AnalysisStatus(
            state=state,
            total=counts.total,
            done=counts.done,
            failed=counts.failed + len(self._away),
            left=left,
            tracks_per_hour=round(rate, 1) if rate else None,
            left_s=round(left / rate * 3600, 1) if rate and left else None,
            encoder=chosen.model.name,
            serving=serving.encoder if serving else None,
            note=" ".join(filter(None, (_GONE if gone and counts.left > within_reach.left else "", self._note()))),
        )

    def _note(self) -> str:
        if self._chosen.model.name == _BUILTIN and self._chosen.tagger_missing:
            return (
                "Only the built-in descriptor is there: alike is less alike, and there are no tags. `segue encoder add musicnn` adds more."
            )
        return ""

    def _setting(self, key: str) -> Any:
        with self._db.read() as connection:
            text = connection.execute(sa.select(s.setting.c.value).where(s.setting.c.key == key)).scalar()
        return None if text is None else msgspec.json.decode(text)

    def _set(self, key: str, value: object) -> None:
        with self._db.write() as connection:
            text = msgspec.json.encode(value).decode()
            connection.execute(sa.insert(s.setting).prefix_with("OR REPLACE").values(key=key, value=text))


def _ask(task: Task, chosen: _Chosen, spaces: set[int], *, only: bool) -> Ask:
    return Ask(
        path=task.file,
        duration_ms=task.duration_ms,
        encoders=tuple(chosen.paths[space] for space in sorted(spaces) if space in chosen.paths),
        only_encoders=only,
        descriptor=chosen.builtin.id in spaces,
    )


def _there(root: str) -> bool:
    """Whether a library's folder can be read and holds anything: where a disk is mounted nothing is left when it is not."""
    try:
        with os.scandir(root) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


Hours = tuple[int, int]
"""Minutes since midnight: from, until; until may be smaller, over midnight. Both the same: the whole day."""


def parse_hours(text: str) -> Hours | None:
    """``01:00-07:30``; None for the empty text. Raises ValueError."""
    if not text.strip():
        return None
    first, _, last = text.partition("-")
    out = []
    for one in (first, last):
        moment = datetime.strptime(one.strip(), "%H:%M")
        out.append(moment.hour * 60 + moment.minute)
    return out[0], out[1]


def _within(hours: Hours | None, moment: datetime) -> bool:
    if hours is None:
        return True
    minute = moment.hour * 60 + moment.minute
    first, last = hours
    return first <= minute < last if first < last else minute >= first or minute < last
