"""``segue scan`` and ``segue library``: folders of music, and who may hear them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from segue.cli._common import Data, Json, do, err, out, printable, show_json, table

app = App(name="library", help="Folders of music, and who may hear them.")


@contextmanager
def _bar(quiet: bool) -> Iterator[Any]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} files"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal, transient=True) as bar:
        task = bar.add_task("scanning", total=None, rate=0.0)

        def show(status: dict[str, Any]) -> None:
            bar.update(
                task,
                description=f"{printable(status['library'])}: {status['phase']}",
                completed=status["files_done"],
                total=status["files_total"],
                rate=status["rate_per_s"],
            )

        yield show


def scan(*folders: Path, full: bool = False, data: Data = None, json: Json = False) -> int:
    """Find what is new, changed, moved or gone in every library.

    With folders: registers them as libraries (repeating is harmless) and scans those. A scan can be stopped at any time; the next one
    goes on where it was. What is wrong with a file is told as a finding, and stands until it is mended.

    Parameters
    ----------
    folders
        Folders of music. None: all registered libraries.
    full
        Read every file again, also those whose size and time did not change.
    """
    with _bar(json) as show:
        report = do(data, "scan", {"folders": [str(folder.expanduser().absolute()) for folder in folders], "full": full}, show)
    if json:
        show_json(report)
        return 0
    out.print(
        f"{report['tracks']:,} tracks: {report['added']:,} added, {report['changed']:,} changed, {report['moved']:,} moved, "
        f"{report['missing']:,} missing, {report['unchanged']:,} unchanged, in {report['seconds']:.1f} s."
    )
    if report["findings"]:
        out.print(f"\n[bold]{len(report['findings']):,} findings[/]")
        table(report["findings"], [("kind", "what"), ("path", "file"), ("message", "what to do")])
    return 0


@app.command
def add(path: Path, name: str | None = None, user: list[str] | None = None, data: Data = None, json: Json = False) -> None:
    """Register a folder as a library, granted to everyone unless users are named. Scan it with `segue scan`.

    Parameters
    ----------
    path
        The folder. It is only ever read.
    name
        What listeners see. Default: the folder's name.
    user
        Grant it to this user only; repeat for more.
    """
    library = do(data, "library.add", {"path": str(path.expanduser().absolute()), "name": name, "users": user})
    show_json(library) if json else out.print(f"Library {library['id']}: {printable(library['name'])} ({printable(library['path'])})")


@app.command(name="list")
def list_(data: Data = None, json: Json = False) -> None:
    """Show every library, its folder, and whether everyone may hear it."""
    rows = do(data, "library.list", {})
    columns = [
        ("id", "id"),
        ("name", "name"),
        ("path", "folder"),
        ("everyone", "everyone"),
        ("track_count", "tracks"),
        ("missing_count", "missing"),
    ]
    show_json(rows) if json else table(rows, columns)


@app.command
def remove(library: str, data: Data = None, json: Json = False) -> None:
    """Forget a library. Its files are not touched, and what was listened to stays in the log.

    Parameters
    ----------
    library
        Its id, name or folder.
    """
    answer = do(data, "library.remove", {"library": library})
    show_json(answer) if json else out.print(
        f"Removed {printable(answer['library'])}: {answer['tracks_removed']:,} tracks are no longer listed."
    )


@app.command
def grant(
    library: str,
    *users: str,
    everyone: Annotated[bool, Parameter(negative="", help="Everyone may hear it, also users added later.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Say who may hear a library: exactly the users named, or everyone.

    For anyone else it does not exist: in no list, search, image, stream or playlist.

    Parameters
    ----------
    library
        Its id, name or folder.
    users
        Names of users. None and no `--everyone`: nobody.
    """
    answer = do(data, "library.grant", {"library": library, "users": list(users), "everyone": everyone})
    show_json(answer) if json else out.print(
        f"{printable(answer['name'])}: {'everyone' if answer['everyone'] else ', '.join(users) or 'nobody'}"
    )
