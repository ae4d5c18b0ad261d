"""The journey of a track: file -> tags -> catalogue -> search. Playable and searchable within a second of its file's appearing."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import sqlalchemy as sa

from segue.errors import Conflict
from segue.ingest import Scanner, Touched, Watcher
from segue.model import Library, ScanProgress, ScanReport
from segue.observe import get_logger
from segue.store import Database
from segue.store import schema as s
from segue.types import ArtistId, LibraryId, ReleaseId, TrackId

_log = get_logger("flow.track")
_LAST = "last_scan"
_MOST_FINDINGS_KEPT = 1000
_MANY = 200
"""Tracks written by a scan that make it worth looking at the tables again."""


class Index(Protocol):
    """What must follow the catalogue: search."""

    def update(
        self, track_ids: Sequence[TrackId] = (), release_ids: Sequence[ReleaseId] = (), artist_ids: Sequence[ArtistId] = ()
    ) -> None: ...


class TrackFlow:
    """Scans, one at a time, by hand, on the clock, and when something changes in a watched folder."""

    def __init__(self, db: Database, index: Index, *, workers: int | None = None, changed: Callable[[], None] = lambda: None) -> None:
        """``changed`` is told after a scan wrote something: cheap, from any thread."""
        self._db = db
        self._tell = changed
        self._index = index
        self._scanner = Scanner(db, self._publish, workers=workers)
        self._one = threading.Lock()
        self._status: ScanProgress | None = None
        self._stop = threading.Event()
        self._closed = threading.Event()
        self._watcher: Watcher | None = None
        self._watched: frozenset[tuple[int, str]] = frozenset()
        self._changed: dict[LibraryId, set[str]] = {}
        self._wake = threading.Condition()
        self._threads: list[threading.Thread] = []

    # -- asking --------------------------------------------------------------------------------------------------------

    def status(self) -> ScanProgress | None:
        """How far the scan under way is; None when there is none."""
        return self._status

    def last_report(self) -> ScanReport | None:
        """Of the last scan of all libraries or of chosen ones, also before a restart."""
        with self._db.read() as connection:
            text = connection.execute(sa.select(s.setting.c.value).where(s.setting.c.key == _LAST)).scalar()
        return msgspec.json.decode(text, type=ScanReport) if text else None

    # -- scanning ------------------------------------------------------------------------------------------------------

    def scan(
        self, library_ids: Sequence[LibraryId] | None = None, *, full: bool = False, stop: threading.Event | None = None
    ) -> ScanReport:
        """Bring libraries (None: all) up to date. Waits for a scan under way; ends early, with what is committed, when ``stop`` is set."""
        return self._scan(library_ids, None, full, stop or threading.Event())

    def start_scan(self, *, full: bool = False) -> None:
        """Scan all libraries in the background. Raises Conflict while a scan is under way."""
        if self._status is not None:
            raise Conflict("A scan is under way.")
        self._stop.clear()
        thread = threading.Thread(target=self._quietly, args=(None, None, full), name="scan", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def stop_scan(self) -> None:
        """End the scan under way between two batches."""
        self._stop.set()

    def _scan(
        self, library_ids: Sequence[LibraryId] | None, folders: Sequence[str] | None, full: bool, stop: threading.Event
    ) -> ScanReport:
        with self._one:
            started = time.monotonic()
            either = _Either(stop, self._stop, self._closed)
            if folders is None:
                self._stop.clear()
            try:
                reports = [
                    self._scanner.scan(library, folders=folders, full=full, stop=either, report=self._report)
                    for library in self._libraries(library_ids)
                ]
            finally:
                self._status = None
            total = _together(reports, time.monotonic() - started)
            if total.added + total.changed + total.moved >= _MANY:
                self._db.analyse()
            if total.added or total.changed or total.moved or total.missing:
                self._tell()
            if folders is None:
                self._keep(total)
                _log.info(
                    "scanned", **{name: getattr(total, name) for name in ("tracks", "added", "changed", "moved", "missing", "seconds")}
                )
            return total

    def _quietly(self, library_ids: Sequence[LibraryId] | None, folders: Sequence[str] | None, full: bool) -> None:
        try:
            self._scan(library_ids, folders, full, self._closed)
        except Exception:
            _log.exception("the scan ended early; what was read is kept")

    def _report(self, progress: ScanProgress) -> None:
        self._status = progress

    def _publish(self, touched: Touched) -> None:
        self._index.update(
            [TrackId(id) for id in touched.tracks], [ReleaseId(id) for id in touched.releases], [ArtistId(id) for id in touched.artists]
        )

    def _keep(self, report: ScanReport) -> None:
        brief = msgspec.structs.replace(report, findings=report.findings[:_MOST_FINDINGS_KEPT])
        with self._db.write() as connection:
            text = msgspec.json.encode(_printable(brief)).decode()
            connection.execute(s.setting.insert().prefix_with("OR REPLACE").values(key=_LAST, value=text))

    def _libraries(self, ids: Sequence[LibraryId] | None) -> list[Library]:
        with self._db.read() as connection:
            rows = connection.execute(sa.select(s.library).order_by(s.library.c.id)).all()
        return [
            Library(id=row.id, name=row.name, path=row.path, everyone=bool(row.everyone), scanned_at=row.scanned_at)
            for row in rows
            if ids is None or row.id in ids
        ]

    # -- by itself -----------------------------------------------------------------------------------------------------

    def start(self, *, watch: bool, rescan_interval_s: int, poll_interval_s: int) -> None:
        """Scan all libraries now and every ``rescan_interval_s`` (0: not again), and folders as they change."""
        self._threads.append(
            threading.Thread(target=self._clock, args=(watch, rescan_interval_s, poll_interval_s), name="scan-clock", daemon=True)
        )
        self._threads.append(threading.Thread(target=self._follow, name="scan-follow", daemon=True))
        for thread in self._threads[-2:]:
            thread.start()

    def close(self) -> None:
        """Stop between two batches."""
        self._closed.set()
        with self._wake:
            self._wake.notify_all()
        if self._watcher:
            self._watcher.close()
        for thread in self._threads:
            thread.join(30)

    def _clock(self, watch: bool, rescan_interval_s: int, poll_interval_s: int) -> None:
        self._rewatch(watch, poll_interval_s)
        self._quietly(None, None, False)
        last = time.monotonic()
        while not self._closed.wait(1.0):
            self._rewatch(watch, poll_interval_s)
            if rescan_interval_s and time.monotonic() - last >= rescan_interval_s:
                self._quietly(None, None, False)
                last = time.monotonic()

    def _rewatch(self, watch: bool, poll_interval_s: int) -> None:
        """Watch the libraries that there are now."""
        if not watch:
            return
        libraries = self._libraries(None)
        wanted = frozenset((library.id, library.path) for library in libraries)
        if wanted != self._watched:
            if self._watcher:
                self._watcher.close()
            self._watcher = Watcher(libraries, self._notice, poll_interval_s=poll_interval_s)
            self._watched = wanted

    def _notice(self, library_id: LibraryId, folders: Sequence[str]) -> None:
        with self._wake:
            self._changed.setdefault(library_id, set()).update(folders)
            self._wake.notify_all()

    def _follow(self) -> None:
        while not self._closed.is_set():
            with self._wake:
                while not self._changed and not self._closed.is_set():
                    self._wake.wait(1.0)
                changed, self._changed = self._changed, {}
            for library_id, folders in changed.items():
                self._quietly([library_id], sorted(folders), False)


class _Either(threading.Event):
    """Set when any of several is."""

    def __init__(self, *events: threading.Event) -> None:
        super().__init__()
        self._events = events

    def is_set(self) -> bool:
        return any(event.is_set() for event in self._events)


def _together(reports: Sequence[ScanReport], seconds: float) -> ScanReport:
    counts = {
        name: sum(getattr(report, name) for report in reports) for name in ("tracks", "added", "changed", "moved", "missing", "unchanged")
    }
    return ScanReport(**counts, seconds=round(seconds, 3), findings=tuple(one for report in reports for one in report.findings))


def _printable(report: ScanReport) -> ScanReport:
    """Paths with undecodable bytes cannot be written as JSON: they are shown with the replacement character."""
    shown = tuple(msgspec.structs.replace(one, path=one.path.encode("utf-8", "replace").decode()) for one in report.findings)
    return msgspec.structs.replace(report, findings=shown)
