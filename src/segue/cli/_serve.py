"""``segue serve``, ``segue doctor`` and ``segue demo-library``."""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.panel import Panel
from rich.progress import Progress

from segue import __version__
from segue.cli._common import Data, Json, data_dir, err, out, printable, show_json, table
from segue.config import HELP, SECRETS, Config, load
from segue.errors import DataDirInUse, SegueError


@contextmanager
def _collector_off() -> Iterator[None]:
    """What a start makes lives to the end: looking for waste in it took a tenth of its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_collector_off()
def serve(
    *folders: Path,
    data: Data = None,
    host: str | None = None,
    port: int | None = None,
    base_url: str | None = None,
    demo: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Serve music: the player in a browser, and every app that speaks OpenSubsonic.

    At the first start an account is made and its password printed. A scan runs in the background; what is found can be played at once.
    All settings: `segue doctor`.

    Parameters
    ----------
    folders
        Folders of music, registered as libraries for everyone (repeating is harmless). None: those registered already.
    host
        Address to listen on. 127.0.0.1 keeps it to this machine.
    port
        Port to listen on; 4533 by default, 0 for any free one.
    base_url
        Path it is mounted at behind a proxy, such as /music.
    demo
        Serve the demo library too, made on the spot.
    """
    from segue import app
    from segue.observe import configure_logging
    from segue.parts import assemble

    directory = data_dir(data)
    settings = load(directory.root, {"host": host, "port": port, "base_url": base_url})
    roots = [folder.expanduser().absolute() for folder in folders]
    for root in roots:
        if not root.is_dir():
            raise SegueError(f"{root} is not a folder.")
    configure_logging(settings.config.log_level, settings.config.log_format)
    with directory:
        if demo:
            roots.append(directory.root / "demo-music")
            _make_demo(roots[-1])
        with assemble(directory, settings.config) as parts:
            for root in roots:
                parts.libraries.add(root)
            first = parts.accounts.create_first_admin()

            def ready(address: str) -> None:
                shown = settings.config.public_url or address
                err.print(_welcome(shown, first))
                gc.freeze()
                gc.enable()  # from here on, for what requests make

            app.serve(directory, parts, settings.config, ready=ready)
    return 0


def _welcome(address: str, first: tuple[str, str] | None) -> Panel:
    lines = [f"[bold]Player[/]    {address}"]
    if first:
        lines += [f"[bold]Sign in[/]   {first[0]}, password [bold]{first[1]}[/] (shown this once)"]
    lines += [
        "[bold]Apps[/]      any OpenSubsonic app: the address above, your name, and",
        "          an app password from Settings › Connect an app",
        "[bold]Stop[/]      Ctrl-C",
    ]
    return Panel("\n".join(lines), title=f"Segue {__version__}", border_style="green", expand=False)


def _make_demo(target: Path) -> Any:
    from segue.demo import make_demo_library

    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("making the demo library", total=None)
        return make_demo_library(target, progress=lambda done, total: bar.update(task, completed=done, total=total))


def demo_library(target: Path, /, *, seed: int = 1, json: Json = False) -> None:
    """Make a small library of invented artists: over 60 tracks in clearly different styles, tagged, with covers and lyrics.

    The music is synthesised here and dedicated to the public domain (CC0). The same seed gives the same music. Files that are there
    already are kept.

    Parameters
    ----------
    target
        The folder to make it in.
    seed
        Another number, another library.
    """
    from segue.demo import make_demo_library

    with Progress(console=err, transient=True, disable=json or not err.is_terminal) as bar:
        task = bar.add_task("making the demo library", total=None)
        report = make_demo_library(
            target.expanduser().absolute(), seed=seed, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    show_json(report) if json else out.print(f"{target}: {report.tracks} tracks. Hear them: segue serve {target}")


def doctor(*, data: Data = None, json: Json = False) -> int:
    """Print the whole configuration, where each value came from, and what is wrong with the installation. Exit 1 if anything is.

    Changes nothing; works while the server runs.
    """
    directory = data_dir(data)
    problems: list[str] = []
    settings = None
    try:
        settings = load(directory.root)
    except SegueError as error:
        problems.append(str(error))
    facts = _facts(directory, problems)
    rows = (
        [{"setting": name, "value": _shown(name, settings.config), "from": settings.origins[name], "meaning": HELP[name]} for name in HELP]
        if settings
        else []
    )
    if json:
        show_json({"settings": rows, "facts": facts, "problems": problems})
    else:
        table(
            [{**row, "value": repr(row["value"])} for row in rows],
            [("setting", "setting"), ("value", "value"), ("from", "from"), ("meaning", "meaning")],
        )
        out.print()
        table([{"what": what, "is": value} for what, value in facts.items()], [("what", "what"), ("is", "is")])
        out.print()
        for problem in problems:
            out.print(f"[bold red]problem:[/] {printable(problem)}")
        if not problems:
            out.print("[green]Nothing is wrong.[/]")
    return 1 if problems else 0


def _shown(name: str, config: Config) -> Any:
    value = getattr(config, name)
    return "(set)" if name in SECRETS and value else value


def _facts(directory: Any, problems: list[str]) -> dict[str, Any]:
    from segue.play import ffmpeg_version

    facts: dict[str, Any] = {
        "segue": __version__,
        "python": sys.version.split()[0],
        "data directory": str(directory.root),
        "free space": "unknown",
        "server": "not running",
    }
    try:
        facts["ffmpeg"] = ffmpeg_version()
    except (SegueError, OSError, RuntimeError) as error:
        facts["ffmpeg"] = "missing"
        problems.append(f"FFmpeg cannot be run: {error}. Reinstall the package imageio-ffmpeg; without it nothing is transcoded.")
    if not directory.root.exists():
        facts["server"] = "not set up yet: `segue serve FOLDER` starts"
        return facts
    free = shutil.disk_usage(directory.root).free
    facts["free space"] = f"{free / 1e9:.1f} GB"
    if free < 500_000_000:
        problems.append(f"Only {free / 1e6:.0f} MB are free where {directory.root} lies. Free some space.")
    if not os.access(directory.root, os.W_OK):
        problems.append(f"{directory.root} cannot be written. Give it to the user that runs Segue.")
        return facts
    if directory.root.stat().st_mode & 0o077:
        problems.append(f"Others may read {directory.root}, which holds secrets: chmod 700 {directory.root}")
    try:
        with directory:
            pass
    except DataDirInUse as running:
        facts["server"] = f"running ({running})"
    _look_at_libraries(directory, facts, problems)
    return facts


def _look_at_libraries(directory: Any, facts: dict[str, Any], problems: list[str]) -> None:
    """Read-only: a doctor changes nothing, and works beside a running server."""
    import sqlite3
    from contextlib import closing

    if not directory.database.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{directory.database}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                problems.append(f"{directory.database} is damaged ({verdict}). Stop the server and restore a backup.")
            rows = connection.execute("SELECT name, path FROM library").fetchall()
            facts["findings"] = connection.execute("SELECT count(*) FROM finding").fetchone()[0]
    except sqlite3.DatabaseError as error:
        problems.append(f"{directory.database} cannot be read: {error}.")
        return
    facts["libraries"] = len(rows)
    for name, path in rows:
        root = Path(os.fsdecode(path))
        if not os.access(root, os.R_OK | os.X_OK):
            problems.append(f"The folder of library {name!r}, {root}, cannot be read. Mount it, or remove the library.")
