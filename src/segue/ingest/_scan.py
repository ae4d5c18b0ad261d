"""A scan: walk, mark what vanished, read what is new, write it.

The walk comes whole before the reading, so that a moved file is known to be missing from its old place before it is met at its new one.
What is to be read waits in a temporary file, not in memory. Every batch written is committed: a scan that is killed has lost nothing, and
the next goes on where it was.
"""

import itertools
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from segue.ingest._images import KINDS, known_images, refused_images, write_image
from segue.ingest._playlists import update_playlist
from segue.ingest._record import Answer, ImageAnswer
from segue.ingest._spool import BATCH_FILES, Job, Spool
from segue.ingest._walk import FolderSeen, walk
from segue.ingest._workers import Item, TagWorker
from segue.ingest._write import File, Touched, Writer, Written, display, refresh_artists, refresh_folders, refresh_releases
from segue.model import Finding, Library, ScanProgress, ScanReport
from segue.observe import get_logger, metrics
from segue.store import Database
from segue.store import schema as s
from segue.types import FolderId, LibraryId, new_id, now

_log = get_logger("ingest")
_PUBLISH_S = 1.0
"""Seconds between two updates of counts and search while a long scan goes on."""
_FOLDERS_A_SNAPSHOT = 1000
"""Folders compared under one read snapshot: a longer one would keep the write-ahead log from being folded in."""

Publish = Callable[[Touched], None]


@dataclass(slots=True)
class _Run:
    """One library's scan under way."""

    library: Library
    report: Callable[[ScanProgress], None]
    stop: threading.Event
    started: float = field(default_factory=time.monotonic)
    findings: dict[tuple[str, str], str] = field(default_factory=dict)
    seen: int = 0
    done: int = 0
    total: int | None = None
    unchanged: int = 0
    missing: int = 0
    written: Written = field(default_factory=Written)
    playlists: list[str] = field(default_factory=list)
    root: tuple[int, int] | None = None
    """Which folder the library's was when the scan began: a disk that is mounted or goes meanwhile makes it another."""
    lost: list[tuple[list[str], FolderId, list[str]]] = field(default_factory=list)
    """Of each folder, tracks and failed files that are not there."""

    def is_where_it_was(self) -> bool:
        try:
            status = os.stat(self.library.path)
        except OSError:
            return False
        return self.root == (status.st_dev, status.st_ino)

    def found(self, path: str, kind: str, message: str) -> None:
        self.findings[path, kind] = message

    def tell(self, phase: str) -> None:
        spent = max(time.monotonic() - self.started, 1e-3)
        rate = (self.done if phase == "reading" else self.seen) / spent
        left = (self.total - self.done) / rate if self.total is not None and rate > 0 else None
        self.report(
            ScanProgress(
                library=self.library.name,
                phase=phase,
                files_seen=self.seen,
                files_done=self.done,
                files_total=self.total,
                rate_per_s=round(rate, 1),
                eta_s=None if left is None else round(left, 1),
            )
        )


class _KnownFolders:
    """A library's folders as the database has them; new ones are written together."""

    def __init__(self, db: Database, library: Library) -> None:
        self._db, self._library = db, library
        f = s.folder
        self.ids: dict[str, FolderId] = {}
        with db.read() as connection:
            for row in connection.execute(sa.select(f.c.path, f.c.id).where(f.c.library_id == library.id)):
                self.ids[row.path] = row.id
            self.images = known_images(connection, library.id)
            failures = sa.select(s.failed_file.c.folder_id).distinct().where(s.failed_file.c.library_id == library.id)
            self.with_failures = frozenset(connection.execute(failures).scalars())
        self._new: list[dict[str, Any]] = []

    def id(self, path: str) -> FolderId:
        """The folder's id; a new one is made for it, and for those above it, if there is none."""
        if path in self.ids:
            return self.ids[path]
        parent = self.id(path.rpartition("/")[0]) if path else None
        id = self.ids[path] = FolderId(new_id())
        name = display(path.rpartition("/")[2]) if path else self._library.name
        self._new.append({"id": id, "library_id": self._library.id, "parent_id": parent, "path": path, "name": name})
        return id

    def flush(self) -> None:
        for start in range(0, len(self._new), 1000):
            with self._db.write() as connection:
                connection.execute(s.folder.insert(), self._new[start : start + 1000])
        self._new.clear()


class _Unsettled:
    """A mark that lies in the database while a scan has written more than counts and search know: what a killed scan leaves behind."""

    def __init__(self, db: Database, library_id: LibraryId) -> None:
        self._db = db
        self._key = f"unsettled {library_id}"
        with db.read() as connection:
            self.was_left = connection.execute(sa.select(s.setting.c.key).where(s.setting.c.key == self._key)).first() is not None

    def mark(self) -> None:
        with self._db.write() as connection:
            connection.execute(s.setting.insert().prefix_with("OR REPLACE").values(key=self._key, value="true"))

    def clear(self) -> None:
        with self._db.write() as connection:
            connection.execute(s.setting.delete().where(s.setting.c.key == self._key))


class Scanner:
    """Scans one library at a time. ``publish`` is told what changed, at least once a second: it updates what is derived."""

    def __init__(self, db: Database, publish: Publish, *, workers: int | None = None) -> None:
        self._db = db
        self._publish = publish
        self._n_workers = workers or min(os.cpu_count() or 1, 4)

    def scan(
        self,
        library: Library,
        *,
        folders: Sequence[str] | None = None,
        full: bool = False,
        stop: threading.Event,
        report: Callable[[ScanProgress], None],
    ) -> ScanReport:
        """Bring a library up to date with its folder, or only the ``folders`` (relative paths) and what is below them.

        ``full`` reads every file again. Ends early, with what is committed, when ``stop`` is set.
        """
        run = _Run(library, report, stop)
        writer = Writer(library.id)
        spool = Spool()
        unsettled = _Unsettled(self._db, library.id)
        try:
            if unsettled.was_left:
                self._touch_all(library.id, writer)
            if self._root_is_there(run):
                self._walk(run, spool, folders, full, writer)
                if spool.files:
                    unsettled.mark()
                if not stop.is_set():
                    self._read(run, spool, writer)
                for path in run.playlists if not stop.is_set() else ():
                    update_playlist(self._db, library.id, library.path, path, run.found)
            self._settle(writer)
            unsettled.clear()
            self._keep_findings(run, folders)
        finally:
            spool.close()
        for result, n in (("added", run.written.added), ("changed", run.written.changed), ("missing", run.missing)):
            metrics.scan_files.labels(result).inc(n)
        return self._report(run)

    # -- walking -----------------------------------------------------------------------------------------------------

    def _root_is_there(self, run: _Run) -> bool:
        """A root that cannot be read, is empty though tracks are known, or is not the one it was when the scan began, is an unmounted
        disk: nothing is marked missing."""
        root = run.library.path
        t = s.track
        try:
            status = os.stat(root)
            folder = status.st_dev, status.st_ino
            with os.scandir(root) as entries:
                empty = next(entries, None) is None
        except OSError as error:
            run.found("", "unreadable", f"The folder of this library cannot be read: {error.strerror}. Mount it, or check its permissions.")
            return False
        if run.root not in (None, folder):
            run.found("", "unreadable", "The folder of this library changed under the scan: did its disk go? Its tracks were kept.")
            return False
        run.root = folder
        if empty:
            with self._db.read() as connection:
                known = connection.execute(
                    sa.select(t.c.id).where(t.c.library_id == run.library.id, t.c.missing_at.is_(None)).limit(1)
                ).first()
            if known:
                run.found("", "unreadable", "The folder of this library is empty: is its disk mounted? Its tracks were kept.")
                return False
        return True

    def _walk(self, run: _Run, spool: Spool, folders: Sequence[str] | None, full: bool, writer: Writer) -> None:
        known = _KnownFolders(self._db, run.library)
        met: set[str] = set()
        for start in _outermost(folders) if folders is not None else [""]:
            if start and not os.path.isdir(os.path.join(run.library.path, start)):
                continue
            seen = walk(run.library.path, start, run.found)
            while part := list(itertools.islice(seen, _FOLDERS_A_SNAPSHOT)):
                with self._db.read() as connection:
                    raw = connection.connection.cursor()
                    for folder in part:
                        if run.stop.is_set():
                            return
                        is_new = folder.path not in known.ids
                        folder_id = known.id(folder.path)
                        met.add(folder.path)
                        self._compare(run, spool, raw, folder, folder_id, is_new, known, full, writer)
                known.flush()
        if not self._root_is_there(run):
            return
        for lost in run.lost:
            self._mark(run, writer, *lost)
        gone = [path for path in known.ids if path not in met and (folders is None or _inside(path, folders))]
        unreadable = {path for path, kind in run.findings if kind == "unreadable"}
        gone = [path for path in gone if not _inside(path, list(unreadable))] if unreadable else gone
        for path in gone:
            self._vanish(run, writer, known.ids[path])
        if gone:
            self._forget_folders([known.ids[path] for path in gone])

    def _compare(
        self,
        run: _Run,
        spool: Spool,
        raw: Any,
        folder: FolderSeen,
        folder_id: FolderId,
        is_new: bool,
        known: "_KnownFolders",
        full: bool,
        writer: Writer,
    ) -> None:
        """Which files of a folder are new, changed, unchanged or gone."""
        rows: dict[str, Any] = {}
        failed: dict[str, Any] = {}
        if not is_new:
            raw.execute("SELECT path, id, size_bytes, mtime_ns, missing_at, lrc_mtime_ns FROM track WHERE folder_id = ?", (folder_id,))
            rows = {os.fsdecode(row[0]): row[1:] for row in raw.fetchall()}
            if folder_id in known.with_failures:
                raw.execute("SELECT path, size_bytes, mtime_ns FROM failed_file WHERE folder_id = ?", (folder_id,))
                failed = {os.fsdecode(row[0]): row[1:] for row in raw.fetchall()}
        prefix = f"{folder.path}/" if folder.path else ""
        jobs: list[Job] = []
        for seen in folder.audio:
            path = prefix + seen.name
            lrc = folder.lrc.get(seen.name.rpartition(".")[0]) if folder.lrc else None
            lrc_time = lrc.mtime_ns if lrc else 0
            row = rows.pop(path, None)
            if row and row[3] is None and not full and row[1] == seen.size and row[2] == seen.mtime_ns and row[4] == lrc_time:
                run.unchanged += 1
                continue
            if not full and row is None and failed.get(path) == (seen.size, seen.mtime_ns):
                failed.pop(path)
                continue
            failed.pop(path, None)
            jobs.append(
                Job(
                    path,
                    folder_id,
                    seen.size,
                    seen.mtime_ns,
                    row[0] if row else None,
                    bool(row and row[3] is not None),
                    prefix + lrc.name if lrc else None,
                    lrc_time,
                )
            )
        run.seen += len(folder.audio)
        run.playlists += [prefix + one.name for one in folder.playlists]
        for kind in KINDS:
            image, before = folder.image if kind == "image" else folder.portrait, known.images.get((folder_id, kind))
            if image and (full or before != (prefix + image.name, f"{image.size} {image.mtime_ns}")):
                jobs.insert(0, Job(prefix + image.name, folder_id, image.size, image.mtime_ns, image=kind))
            elif before and not image:
                with self._db.write() as connection:
                    write_image(connection, writer.touched, run.library.id, folder_id, kind, None)
        lost = [row[0] for row in rows.values() if row[3] is None]
        if lost or failed:
            run.lost.append((lost, folder_id, list(failed)))
        if jobs:
            spool.add(jobs)
        if run.seen % 4096 < len(folder.audio) or run.seen < 64:
            run.tell("walking")

    def _mark(self, run: _Run, writer: Writer, lost: Sequence[str], folder_id: FolderId, failed: Sequence[str]) -> None:
        """Tracks whose files are gone are missing from now on; nothing of them is forgotten. Failed files that are gone are."""
        t, at = s.track, now()
        for start in range(0, max(len(lost), 1), 500):
            part = list(lost[start : start + 500])
            with self._db.write() as connection:
                touched = connection.execute(sa.select(t.c.release_id).where(t.c.id.in_(part))).scalars()
                writer.touched.releases.update(touched)
                by = s.track_artist
                writer.touched.artists.update(connection.execute(sa.select(by.c.artist_id).where(by.c.track_id.in_(part))).scalars())
                connection.execute(t.update().where(t.c.id.in_(part)).values(missing_at=at))
        for start in range(0, len(failed), 500):
            part = list(failed[start : start + 500])
            with self._db.write() as connection:
                for table in (s.failed_file, s.finding):
                    connection.execute(table.delete().where(table.c.library_id == run.library.id, table.c.path.in_(part)))
        writer.touched.tracks.update(lost)
        writer.touched.folders.add(folder_id)
        run.missing += len(lost)

    def _vanish(self, run: _Run, writer: Writer, folder_id: FolderId) -> None:
        t = s.track
        with self._db.read() as connection:
            lost = list(connection.execute(sa.select(t.c.id).where(t.c.folder_id == folder_id, t.c.missing_at.is_(None))).scalars())
            failed = list(connection.execute(sa.select(s.failed_file.c.path).where(s.failed_file.c.folder_id == folder_id)).scalars())
        if lost or failed:
            self._mark(run, writer, lost, folder_id, failed)

    def _forget_folders(self, ids: Sequence[FolderId]) -> None:
        """Folders that are gone, but for those that missing tracks still name."""
        t = s.track
        for start in range(0, len(ids), 500):
            part = list(ids[start : start + 500])
            with self._db.write() as connection:
                kept = sa.select(t.c.folder_id).where(t.c.folder_id.in_(part))
                needed = sa.select(s.release.c.folder_id).where(s.release.c.folder_id.in_(part))
                connection.execute(
                    s.folder.delete().where(s.folder.c.id.in_(part), s.folder.c.id.not_in(kept), s.folder.c.id.not_in(needed))
                )

    def _touch_all(self, library_id: LibraryId, writer: Writer) -> None:
        """Everything of a library: after a scan that was killed, nothing tells what it had changed."""
        r, t, f, by = s.release, s.track, s.folder, s.track_artist
        with self._db.read() as connection:
            writer.touched.releases.update(connection.execute(sa.select(r.c.id).where(r.c.library_id == library_id)).scalars())
            writer.touched.folders.update(connection.execute(sa.select(f.c.id).where(f.c.library_id == library_id)).scalars())
            writer.touched.tracks.update(connection.execute(sa.select(t.c.id).where(t.c.library_id == library_id)).scalars())
            artists = sa.select(by.c.artist_id).distinct().join(t, t.c.id == by.c.track_id).where(t.c.library_id == library_id)
            writer.touched.artists.update(connection.execute(artists).scalars())

    # -- reading and writing -------------------------------------------------------------------------------------------

    def _read(self, run: _Run, spool: Spool, writer: Writer) -> None:
        run.total, run.started = spool.files, time.monotonic()
        if not spool.files:
            spool.rewind()
            return
        spool.rewind()
        published = time.monotonic()
        for jobs, answers in self._answers(run, spool):
            self._write(run, writer, jobs, answers)
            run.done += len(jobs)
            run.tell("reading")
            if time.monotonic() - published > _PUBLISH_S:
                self._settle(writer)
                published = time.monotonic()

    def _answers(self, run: _Run, spool: Spool) -> Iterator[tuple[list[Job], list[Answer | ImageAnswer]]]:
        """Batches with their answers, as the workers finish them."""
        out: queue.Queue[tuple[list[Job], list[Answer | ImageAnswer]] | BaseException | None] = queue.Queue(maxsize=self._n_workers * 2)
        quit_ = threading.Event()

        def work() -> None:
            worker = TagWorker()
            try:
                while not (run.stop.is_set() or quit_.is_set()) and (jobs := spool.take()):
                    answers = list(worker.read([self._item(run.library.path, job) for job in jobs]))
                    _put(out, (jobs, answers), quit_)
            except BaseException as error:
                _put(out, error, quit_)
            finally:
                worker.close()
                _put(out, None, quit_)

        n = min(self._n_workers, max(1, spool.files // BATCH_FILES + 1))
        threads = [threading.Thread(target=work, name=f"tags-{number}", daemon=True) for number in range(n)]
        for thread in threads:
            thread.start()
        try:
            ended = 0
            while ended < n:
                got = out.get()
                if got is None:
                    ended += 1
                elif isinstance(got, BaseException):
                    raise got
                else:
                    yield got
        finally:
            quit_.set()
            for thread in threads:
                thread.join(60)

    def _item(self, root: str, job: Job) -> Item:
        return Item(os.path.join(root, job.path), job.lrc and os.path.join(root, job.lrc), job.image is not None)

    def _write(self, run: _Run, writer: Writer, jobs: Sequence[Job], answers: Sequence[Answer | ImageAnswer]) -> None:
        files: list[File] = []
        findings: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        images: list[tuple[Job, ImageAnswer]] = []
        if any(answer.error for answer in answers) and not run.is_where_it_was():
            readable = [number for number, answer in enumerate(answers) if not answer.error]  # the others went with their disk
            jobs, answers = [jobs[n] for n in readable], [answers[n] for n in readable]
        for job, answer in zip(jobs, answers, strict=True):
            told = [answer.error] if answer.error else []
            if isinstance(answer, ImageAnswer):
                images.append((job, answer))
            elif answer.record:
                told += answer.record.findings
                # The worker's own look at the file may be newer than the walk's: what counts is what was read.
                files.append(File(job.path, job.folder_id, answer.record, job.lrc_mtime_ns, job.known_id, job.was_missing))
            else:
                failed.append({"path": job.path, "folder_id": job.folder_id, "size_bytes": job.size, "mtime_ns": job.mtime_ns})
            findings += [{"path": job.path, "kind": kind, "message": message} for kind, message in dict(told).items()]
        lost = [job.known_id for job, answer in zip(jobs, answers, strict=True) if job.known_id and answer.error and not job.was_missing]
        if lost:
            self._mark(run, writer, lost, FolderId(jobs[0].folder_id), ())
        here = {"library_id": run.library.id, "found_at": now()}
        with self._db.write() as connection:
            paths = [job.path for job in jobs]
            for table in (s.finding, s.failed_file):
                connection.execute(table.delete().where(table.c.library_id == run.library.id, table.c.path.in_(paths)))
            for job, image in images:
                found = (job.path, f"{job.size} {job.mtime_ns}", image)
                write_image(connection, writer.touched, run.library.id, job.folder_id, job.image or "image", found)
            written = writer.write(connection, files) if files else Written()
            if findings:
                connection.execute(s.finding.insert().prefix_with("OR REPLACE"), [one | here for one in findings])
            if failed:
                connection.execute(
                    s.failed_file.insert().prefix_with("OR REPLACE"), [one | {"library_id": run.library.id} for one in failed]
                )
        run.written.added += written.added
        run.written.changed += written.changed
        run.written.moved += written.moved
        # What moved was counted missing by the walk of this very scan, or of an earlier one.
        run.missing = max(0, run.missing - written.moved)

    # -- settling ------------------------------------------------------------------------------------------------------

    def _settle(self, writer: Writer) -> None:
        """Bring counts up to date, in short transactions, and publish what changed."""
        touched, writer.touched = writer.touched, Touched()
        for part in _parts(touched.releases, 100):
            with self._db.write() as connection:
                refresh_releases(connection, part, writer.artist_of)
        touched.artists |= writer.touched.artists
        writer.touched = Touched()
        with self._db.read() as connection:
            of = s.release_artist
            for part in _parts(touched.releases, 500):
                touched.artists.update(connection.execute(sa.select(of.c.artist_id).where(of.c.release_id.in_(part))).scalars())
        for part in _parts(touched.artists, 200):
            with self._db.write() as connection:
                refresh_artists(connection, part)
        for part in _parts(touched.folders, 500):
            with self._db.write() as connection:
                refresh_folders(connection, part)
        if touched.tracks or touched.releases or touched.artists:
            self._publish(touched)

    def _keep_findings(self, run: _Run, folders: Sequence[str] | None) -> None:
        """Findings of the walk and of playlists; those that a whole scan did not meet again are gone."""
        f, at = s.finding, now()
        rows = [
            {"library_id": run.library.id, "path": path, "kind": kind, "message": message, "found_at": at}
            for (path, kind), message in run.findings.items()
        ]
        failed = sa.select(s.failed_file.c.path).where(s.failed_file.c.library_id == run.library.id)
        present = sa.select(s.track.c.path).where(s.track.c.library_id == run.library.id, s.track.c.missing_at.is_(None))
        with self._db.write() as connection:
            if folders is None and not run.stop.is_set():
                own = sa.select(f.c.path, f.c.kind).where(f.c.library_id == run.library.id)
                own = own.where(f.c.path.not_in(failed), f.c.path.not_in(present), f.c.path.not_in(refused_images(run.library.id)))
                for row in connection.execute(own).all():
                    if (row.path, row.kind) not in run.findings:
                        gone = (f.c.library_id == run.library.id) & (f.c.path == row.path) & (f.c.kind == row.kind)
                        connection.execute(f.delete().where(gone))
            if rows:
                told = sqlite.insert(f)
                told = told.on_conflict_do_update(index_elements=["library_id", "path", "kind"], set_={"message": told.excluded.message})
                connection.execute(told, rows)
            if folders is None:
                connection.execute(s.library.update().where(s.library.c.id == run.library.id).values(scanned_at=at))

    def _report(self, run: _Run) -> ScanReport:
        f, t = s.finding, s.track
        with self._db.read() as connection:
            rows = connection.execute(sa.select(f).where(f.c.library_id == run.library.id).order_by(f.c.path, f.c.kind)).all()
            n = connection.execute(
                sa.select(sa.func.coalesce(sa.func.sum(s.release.c.track_count), 0)).where(s.release.c.library_id == run.library.id)
            ).scalar_one()
            missing = connection.execute(
                sa.select(sa.func.count()).select_from(t).where(t.c.library_id == run.library.id, t.c.missing_at.is_not(None))
            ).scalar_one()
        root = Path(run.library.path)
        return ScanReport(
            tracks=n,
            added=run.written.added,
            changed=run.written.changed,
            moved=run.written.moved,
            missing=missing,
            unchanged=run.unchanged,
            seconds=0.0,
            findings=tuple(
                Finding(
                    path=str(root / row.path) if row.path else str(root),
                    kind=row.kind,
                    message=row.message,
                    library_id=row.library_id,
                    found_at=row.found_at,
                )
                for row in rows
            ),
        )


def _parts(ids: set[str], n: int) -> Iterator[list[str]]:
    ordered = sorted(ids)
    for start in range(0, len(ordered), n):
        yield ordered[start : start + n]


def _outermost(folders: Sequence[str]) -> list[str]:
    out: list[str] = []
    for folder in sorted(set(folders)):
        if not out or not _inside(folder, out):
            out.append(folder)
    return out


def _inside(path: str, folders: Sequence[str]) -> bool:
    return any(folder == "" or path == folder or path.startswith(folder + "/") for folder in folders)


def _put(out: "queue.Queue[Any]", value: Any, quit_: threading.Event) -> None:
    while True:
        try:
            out.put(value, timeout=0.5)
        except queue.Full:
            if quit_.is_set():
                return
        else:
            return
