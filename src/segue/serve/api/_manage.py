"""``/api``: users, libraries, scans and findings."""

import contextlib
from pathlib import Path
from typing import Any

import msgspec
from litestar import delete, get, patch, post

from segue.errors import BadRequest, Conflict
from segue.model import Library, Listener, ScanReport, User
from segue.parts import Parts
from segue.serve.api import _shapes as shape
from segue.serve.api._parameters import LibraryNumber, Limit, Offset, Short
from segue.types import LibraryId, UserId

_LONGEST_PATH = 4096
ADMIN = {"scope": "admin", "admin": True}


class NewUser(msgspec.Struct):
    name: str
    password: str
    admin: bool = False


class UserChange(msgspec.Struct):
    name: str | None = None
    password: str | None = None
    admin: bool | None = None


class UserAnswer(msgspec.Struct):
    id: str
    name: str
    admin: bool
    created_at: str
    libraries: list[int]


class Users(msgspec.Struct):
    items: list[UserAnswer]


class NewLibrary(msgspec.Struct):
    path: str
    name: str | None = None


class LibraryChange(msgspec.Struct):
    name: str | None = None
    everyone: bool | None = None
    users: list[str] | None = None


class LibraryAnswer(msgspec.Struct, kw_only=True):
    id: int
    name: str
    path: str | None
    everyone: bool
    users: list[str] | None
    track_count: int
    missing_count: int
    scanned_at: str | None


class Libraries(msgspec.Struct):
    items: list[LibraryAnswer]


class FindingAnswer(msgspec.Struct):
    path: str
    kind: str
    message: str
    library_id: int | None
    found_at: str | None


class Findings(msgspec.Struct):
    items: list[FindingAnswer]
    total: int
    kinds: dict[str, int]


class LastScan(msgspec.Struct, kw_only=True):
    tracks: int
    added: int
    changed: int
    moved: int
    missing: int
    unchanged: int
    seconds: float
    findings: int
    """How many stand; ``GET /api/findings`` lists them."""


class NewScan(msgspec.Struct):
    full: bool = False


class Scan(msgspec.Struct, kw_only=True):
    state: str
    library: str | None = None
    phase: str | None = None
    files_seen: int = 0
    files_done: int = 0
    files_total: int | None = None
    rate_per_s: float = 0.0
    eta_s: float | None = None
    started_at: str | None = None
    last: LastScan | None = None


class Generations(msgspec.Struct):
    items: list[dict[str, Any]]
    live: str | None


def handlers(parts: Parts) -> list[Any]:
    accounts, libraries = parts.accounts, parts.libraries

    def user_answer(user: User) -> UserAnswer:
        granted = sorted(accounts.listener(user).libraries)
        return UserAnswer(user.id, user.name, user.admin, shape.instant(user.created_at) or "", [int(id) for id in granted])

    def library_answer(library: Library, me: Listener) -> LibraryAnswer:
        admin = me.user.admin
        return LibraryAnswer(
            id=library.id,
            name=library.name,
            path=shape.text(library.path) if admin else None,
            everyone=library.everyone,
            users=list(library.user_ids) if admin else None,
            track_count=library.track_count,
            missing_count=library.missing_count,
            scanned_at=shape.instant(library.scanned_at),
        )

    @get("/users", sync_to_thread=True, opt=ADMIN)
    def users(me: Listener) -> Users:
        return Users([user_answer(user) for user in accounts.users()])

    @post("/users", sync_to_thread=True, opt=ADMIN)
    def add_user(data: NewUser, me: Listener) -> UserAnswer:
        return user_answer(accounts.add_user(data.name, data.password, admin=data.admin))

    @patch("/users/{id:str}", sync_to_thread=True, opt=ADMIN)
    def change_user(data: UserChange, me: Listener, id: str) -> UserAnswer:
        return user_answer(accounts.update_user(UserId(id), name=data.name, admin=data.admin, password=data.password))

    @delete("/users/{id:str}", sync_to_thread=True, opt=ADMIN)
    def remove_user(me: Listener, id: str) -> None:
        """With all that is known of them: what they heard is erased from the log."""
        accounts.check_removable(UserId(id))
        parts.imports.forget(UserId(id))
        parts.history.erase(UserId(id))
        accounts.remove_user(UserId(id))

    @get("/libraries", sync_to_thread=True)
    def every_library(me: Listener) -> Libraries:
        """Granted ones; for an admin all of them, with who may hear each."""
        found = libraries.list() if me.user.admin else libraries.for_listener(me)
        return Libraries([library_answer(one, me) for one in found])

    @post("/libraries", sync_to_thread=True, opt=ADMIN)
    def add_library(data: NewLibrary, me: Listener) -> LibraryAnswer:
        """Register a folder of the server, and scan it."""
        if "\0" in data.path or len(data.path) > _LONGEST_PATH or not data.path.startswith(("/", "~")):
            raise BadRequest("Give the whole path of a folder on the server, such as /srv/music.")
        added = libraries.add(Path(data.path), data.name)
        with contextlib.suppress(Conflict):  # a scan under way began before; the next one finds it
            parts.tracks.start_scan()
        return library_answer(added, me)

    @patch("/libraries/{id:int}", sync_to_thread=True, opt=ADMIN)
    def change_library(data: LibraryChange, me: Listener, id: LibraryNumber) -> LibraryAnswer:
        named = None if data.users is None else [UserId(user) for user in data.users]
        return library_answer(libraries.update(LibraryId(id), name=data.name, everyone=data.everyone, users=named), me)

    @delete("/libraries/{id:int}", sync_to_thread=True, opt=ADMIN)
    def remove_library(me: Listener, id: LibraryNumber) -> None:
        """Forget a library; its files are not touched."""
        libraries.remove(LibraryId(id))

    @get("/scan", sync_to_thread=True)
    def scan(me: Listener) -> Scan:
        """How far the scan under way is, and what the last one found."""
        status, report = parts.tracks.status(), parts.tracks.last_report()
        last = _last(report) if report else None
        if status is None:
            return Scan(state="idle", last=last)
        return Scan(
            state="running",
            library=status.library if me.user.admin else None,
            phase=status.phase,
            files_seen=status.files_seen,
            files_done=status.files_done,
            files_total=status.files_total,
            rate_per_s=status.rate_per_s,
            eta_s=status.eta_s,
            last=last,
        )

    @post("/scan", sync_to_thread=True, status_code=202, opt=ADMIN)
    def start_scan(data: NewScan, me: Listener) -> Scan:
        parts.tracks.start_scan(full=data.full)
        return Scan(state="running")

    @delete("/scan", sync_to_thread=True, status_code=202, opt=ADMIN)
    def stop_scan(me: Listener) -> Scan:
        """Stop between two batches; what was read is kept."""
        parts.tracks.stop_scan()
        return Scan(state="idle")

    @get("/findings", sync_to_thread=True)
    def findings(me: Listener, offset: Offset = 0, limit: Limit = 50, kind: Short = None) -> Findings:
        """What is wrong with files of granted libraries, and what to do about it."""
        page, kinds = parts.catalogue.findings(me, kind=kind, offset=offset, limit=limit)
        return Findings(
            [FindingAnswer(shape.text(one.path), one.kind, one.message, one.library_id, shape.instant(one.found_at)) for one in page.items],
            page.total,
            kinds,
        )

    @get("/generations", sync_to_thread=False)
    def generations(me: Listener) -> Generations:
        """Generations of models. There are none yet: what comes next is chosen without."""
        return Generations([], None)

    return [
        users, add_user, change_user, remove_user, every_library, add_library, change_library, remove_library, scan, start_scan, stop_scan,
        findings, generations,
    ]  # fmt: skip


def _last(report: ScanReport) -> LastScan:
    counts = {name: getattr(report, name) for name in ("tracks", "added", "changed", "moved", "missing", "unchanged", "seconds")}
    return LastScan(**counts, findings=len(report.findings))
