"""What an administrator can have done, by name: the same function whether the command line owns the data directory or a server does.

Each takes the parts, its arguments as JSON gave them, and where to report progress; each returns what JSON can carry. Arguments were
checked by the command line; whoever reaches the control socket is the owner of the directory.
"""

import os
import sqlite3
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from segue import __version__
from segue.analyse import broken, models
from segue.analyse.kept import export_sounds, import_sounds
from segue.errors import BadRequest, Conflict, NotFound, Unavailable
from segue.flow.export import event_lines, listen_lines, write_parquet
from segue.flow.imports import bring_export
from segue.flow.sound import AnalysisStatus
from segue.model import Library, Token, User
from segue.parts import Parts

Report = Callable[[dict[str, Any]], None]


def run(parts: Parts, command: str, args: dict[str, Any], report: Report) -> Any:
    """Do ``command``. Raises :class:`~segue.errors.SegueError` with what to do about it."""
    return msgspec.to_builtins(_COMMANDS[command](parts, report, **args))


# -- scanning and libraries ------------------------------------------------------------------------------------------


def _scan(parts: Parts, report: Report, folders: list[str], full: bool = False) -> Any:
    libraries = [parts.libraries.add(Path(folder)).id for folder in folders] or None
    stop = threading.Event()
    done = threading.Event()

    def tell() -> None:
        while not done.wait(0.2):
            if status := parts.tracks.status():
                try:
                    report(msgspec.to_builtins(status))
                except OSError:  # the caller went away: stop between two batches
                    stop.set()
                    return

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        scanned = parts.tracks.scan(libraries, full=full, stop=stop)
        if not parts.history.following:  # no server runs: what was heard elsewhere is matched here
            parts.listening.catch_up()
            parts.history.follow()
        return scanned
    finally:
        done.set()
        teller.join()


def _library_add(parts: Parts, report: Report, path: str, name: str | None = None, users: list[str] | None = None) -> Any:
    library = parts.libraries.add(Path(path), name)
    if users:
        library = parts.libraries.update(library.id, everyone=False, users=[_user(parts, user).id for user in users])
    return library


def _library_list(parts: Parts, report: Report) -> Any:
    return parts.libraries.list()


def _library_remove(parts: Parts, report: Report, library: str) -> Any:
    found = _library(parts, library)
    return {"library": found.name, "tracks_removed": parts.libraries.remove(found.id)}


def _library_grant(parts: Parts, report: Report, library: str, users: list[str], everyone: bool = False) -> Any:
    return parts.libraries.update(_library(parts, library).id, everyone=everyone, users=[_user(parts, user).id for user in users])


# -- people and their apps -------------------------------------------------------------------------------------------


def _user_add(parts: Parts, report: Report, name: str, password: str, admin: bool = False) -> Any:
    return parts.accounts.add_user(name, password, admin=admin)


def _user_list(parts: Parts, report: Report) -> Any:
    return parts.accounts.users()


def _user_passwd(parts: Parts, report: Report, name: str, password: str) -> Any:
    parts.accounts.set_password(_user(parts, name).id, password)
    return {"user": name}


def _user_remove(parts: Parts, report: Report, name: str) -> Any:
    user = _user(parts, name)
    parts.accounts.check_removable(user.id)
    parts.imports.forget(user.id)
    parts.history.erase(user.id)
    parts.accounts.remove_user(user.id)
    return {"user": user.name}


def _token_create(
    parts: Parts,
    report: Report,
    user: str,
    name: str,
    kind: str = "app",
    scopes: list[str] | None = None,
    expires: str | None = None,
) -> Any:
    owner = _user(parts, user)
    token, secret = parts.accounts.create_token(
        owner.id,
        name,
        kind=kind,  # type: ignore[arg-type]
        scopes=tuple(scopes or ()),
        expires_in_s=None if expires is None else _seconds(expires),
    )
    return {
        "id": token.id,
        "user": owner.name,
        "name": token.name,
        "kind": token.kind,
        "secret": secret,
        "scopes": list(token.scopes),
        "expires_at": _instant(token.expires_at),
    }


def _app_add(parts: Parts, report: Report, name: str, callback: str | None = None) -> Any:
    app, secret = parts.accounts.lastfm.add_app(name, callback)
    return {**msgspec.to_builtins(app), "secret": secret}


def _app_list(parts: Parts, report: Report) -> Any:
    return list(parts.accounts.lastfm.apps())


def _app_remove(parts: Parts, report: Report, api_key: str) -> Any:
    parts.accounts.lastfm.remove_app(api_key)
    return {"api_key": api_key}


_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}


def _seconds(text: str) -> int:
    number, unit = text.strip()[:-1], text.strip()[-1:].lower()
    if unit not in _UNITS_S or not (number.isascii() and number.isdigit()):
        raise BadRequest("Give a time such as 12h, 30d, 8w or 1y.")
    return int(number[:12]) * _UNITS_S[unit]


def _instant(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _token_list(parts: Parts, report: Report, user: str | None = None) -> Any:
    owners = [_user(parts, user)] if user else parts.accounts.users()
    return [
        {"user": owner.name, **msgspec.to_builtins(token), "expires": (_instant(token.expires_at) or "never")[:16].replace("T", " ")}
        for owner in owners
        for token in parts.accounts.tokens(owner.id)
    ]


def _token_revoke(parts: Parts, report: Report, id: str) -> Any:
    owner, token = _token(parts, id)
    parts.accounts.revoke(owner.id, token.id)
    return {"id": token.id, "user": owner.name, "name": token.name}


# -- what tracks sound like ---------------------------------------------------------------------------------------------


def _analyse(parts: Parts, report: Report) -> Any:
    """To the end: what is due here, or, in a server, what it is at; whoever asked may leave, it goes on."""

    def tell(status: AnalysisStatus) -> None:
        report(msgspec.to_builtins(status))

    if not parts.sound.working:
        return parts.sound.run(tell)
    parts.sound.wake()
    while (status := parts.sound.status()).left and status.state == "running":
        try:
            tell(status)
        except OSError:  # the caller went away
            break
        time.sleep(0.3)
    return status


def _analyse_status(parts: Parts, report: Report) -> Any:
    return parts.sound.status()


def _analyse_pause(parts: Parts, report: Report, paused: bool) -> Any:
    parts.sound.pause(paused)
    return parts.sound.status()


def _analyse_retry(parts: Parts, report: Report) -> Any:
    return {"retried": parts.sound.retry()}


def _analyse_export(parts: Parts, report: Report, target: str) -> Any:
    return {"path": target, "sounds": export_sounds(parts.sound.sounds, Path(target))}


def _analyse_import(parts: Parts, report: Report, source: str) -> Any:
    kept, met = import_sounds(parts.sound.sounds, Path(source))
    parts.sound.wake()
    return {"kept": kept, "met": met}


# -- a listener's past -------------------------------------------------------------------------------------------------


def _import(parts: Parts, report: Report, service: Any, path: str, user: str, timezone: str | None = None) -> Any:
    listener = parts.accounts.listener(_user(parts, user))
    told = time.monotonic()

    def progress(phase: str, done: int, total: int | None) -> None:
        nonlocal told
        if time.monotonic() - told > 0.2:
            told = time.monotonic()
            report({"phase": phase, "done": done, "total": total})

    timezone = timezone or parts.accounts.preferences(listener.user.id).timezone
    done, examples = bring_export(parts.history, listener, service, Path(path), progress, timezone=timezone)
    return {**msgspec.to_builtins(done), "examples": examples}


def _export(parts: Parts, report: Report, target: str, user: str, format: str, what: str) -> Any:
    listener = parts.accounts.listener(_user(parts, user))
    if format == "parquet" and what == "events":
        raise BadRequest("Parquet holds listens; export the events as jsonl.")
    path = Path(target)
    if path.is_dir():
        path /= f"segue-{what}-{listener.user.name.replace(os.sep, '_')}-{time.strftime('%Y%m%d')}.{format}"
    part = path.with_name(f".{path.name}.part")
    try:
        if format == "parquet":
            write_parquet(parts.history, listener, part)
        else:
            with part.open("wb") as file:
                file.writelines(event_lines(parts.listening, listener) if what == "events" else listen_lines(parts.history, listener))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Unavailable(f"{path} cannot be written: {error.strerror or error}.") from error
    return {"path": str(path), "size_bytes": path.stat().st_size}


# -- encoders ----------------------------------------------------------------------------------------------------------


def _encoder_list(parts: Parts, report: Report) -> Any:
    used = parts.sound.model
    rows = [{**msgspec.to_builtins(model, enc_hook=str), "used": model == used} for model in models(parts.data.models)]
    return {"encoders": rows, "broken": [{"path": str(each.path), "problem": each.problem} for each in broken(parts.data.models)]}


def _encoder_use(parts: Parts, report: Report, name: str) -> Any:
    model = parts.sound.choose(name)
    return {"encoder": model.name, "space": model.space}


def _encoder_look(parts: Parts, report: Report) -> Any:
    """Model files came or went."""
    return {"encoder": parts.sound.choose().name}


# -- keeping ---------------------------------------------------------------------------------------------------------


def _backup(parts: Parts, report: Report, target: str, secrets: bool = True) -> Any:
    """One archive of everything that cannot be made again: the library database, the event log, the key and the settings.

    Compressed a little (gzip, level 1), unless its name ends in ``.tar``. It has that name once it is whole and on the disk, not before.
    """
    path = Path(target)
    if path.is_dir():
        path = path / f"segue-backup-{time.strftime('%Y%m%dT%H%M%S')}.tar.gz"
    if path.exists():
        raise Conflict(f"{path} exists already. Choose another name, or move it away.")
    data = parts.data
    data.work.mkdir(exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}.") from error
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, tempfile.TemporaryDirectory(dir=data.work) as work:
            files = {"segue.db": Path(work) / "segue.db", "events.db": Path(work) / "events.db"}
            # The log is copied last: projections are never ahead of the log, and catch up with it.
            parts.db.backup(files["segue.db"])
            parts.listening.log.backup(files["events.db"])
            files |= {file.name: file for file in (data.secret, data.config) if file.exists() and (secrets or file != data.secret)}
            manifest = Path(work) / "manifest.json"
            manifest.write_bytes(msgspec.json.encode({"segue": __version__, "made_at": int(time.time() * 1000), "files": list(files)}))
            with _archive(out, compressed=path.suffix != ".tar") as archive:
                archive.add(manifest, "manifest.json")
                for name, file in files.items():
                    archive.add(file, name)
            out.flush()
            os.fsync(out.fileno())
        if path.exists():
            raise Conflict(f"{path} was made meanwhile. Choose another name.")
        part.rename(path)
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"The backup could not be written: {error}. There is no {path.name}; older backups are as they were.") from error
    finally:
        part.unlink(missing_ok=True)
    return {"path": str(path), "size_bytes": path.stat().st_size}


def _archive(out: IO[bytes], *, compressed: bool) -> tarfile.TarFile:
    return tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) if compressed else tarfile.open(fileobj=out, mode="w:")


# -- finding what was named ------------------------------------------------------------------------------------------


def _user(parts: Parts, name: str) -> User:
    for user in parts.accounts.users():
        if user.name.casefold() == name.strip().casefold():
            return user
    raise NotFound("user", name)


def _library(parts: Parts, named: str) -> Library:
    """By id, name or folder."""
    found = [
        library
        for library in parts.libraries.list()
        if named in {str(library.id), library.name, library.path} or (os.sep in named and library.path == str(Path(named).resolve()))
    ]
    if len(found) > 1:
        raise BadRequest(f"{len(found)} libraries are called {named!r}: give the id. `segue library list` shows them.")
    if not found:
        raise NotFound("library", named)
    return found[0]


def _token(parts: Parts, id: str) -> tuple[User, Token]:
    for owner in parts.accounts.users():
        for token in parts.accounts.tokens(owner.id):
            if token.id == id:
                return owner, token
    raise NotFound("token", id)


_COMMANDS: dict[str, Callable[..., Any]] = {
    "scan": _scan,
    "library.add": _library_add,
    "library.list": _library_list,
    "library.remove": _library_remove,
    "library.grant": _library_grant,
    "user.add": _user_add,
    "user.list": _user_list,
    "user.passwd": _user_passwd,
    "user.remove": _user_remove,
    "token.create": _token_create,
    "token.list": _token_list,
    "token.revoke": _token_revoke,
    "analyse": _analyse,
    "analyse.status": _analyse_status,
    "analyse.pause": _analyse_pause,
    "analyse.retry": _analyse_retry,
    "analyse.export": _analyse_export,
    "analyse.import": _analyse_import,
    "lastfm-app.add": _app_add,
    "lastfm-app.list": _app_list,
    "lastfm-app.remove": _app_remove,
    "import": _import,
    "export": _export,
    "encoder.list": _encoder_list,
    "encoder.use": _encoder_use,
    "encoder.look": _encoder_look,
    "backup": _backup,
}
