"""``segue import`` and ``segue export``: a listener's past, brought along and taken away."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from segue.cli._common import Data, Json, do, err, out, printable, show_json

User = Annotated[str, Parameter(name="--user", help="Whose history it is.")]


@contextmanager
def _bar(quiet: bool) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal, transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def show(status: dict[str, Any]) -> None:
            bar.update(task, completed=status["done"], total=status["total"])

        yield show


def import_(
    service: Literal["spotify", "listenbrainz", "lastfm"],
    path: Path,
    *,
    user: User,
    timezone: str | None = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Bring a listening history along from another service.

    It teaches taste at once. Plays are matched to your library; those of things you do not have are kept too, count for their artists,
    and are matched when a track arrives. Doing it again, or bringing several services' copies of one play, counts nothing twice. It can be
    stopped at any time: run it again to go on.

    Parameters
    ----------
    service
        spotify: the extended streaming history (zip, folder or JSON). listenbrainz: the export zip. lastfm: a CSV or JSON export.
    path
        The export, as it was downloaded.
    timezone
        Where the listener was, such as Europe/Berlin: exports are in UTC, hours and days in statistics the listener's. Default: what the
        player said of itself, else UTC.
    """
    with _bar(json) as show:
        answer = do(
            data, "import", {"service": service, "path": str(path.expanduser().absolute()), "user": user, "timezone": timezone}, show
        )
    if json:
        show_json(answer)
        return
    out.print(
        f"{answer['read']:,} plays read, {answer['new']:,} of them new: {answer['matched']:,} of tracks in the library, "
        f"{answer['unmatched']:,} of others. {answer['refused']:,} entries could not be read."
    )
    if answer["timezone"]:
        out.print(f"Hours and days count by the clock of {printable(answer['timezone'])}.")
    else:
        out.print("Hours and days count by UTC, since no time zone is known: use --timezone, before the first import.")
    for example in answer["examples"]:
        out.print(f"  {printable(example)}")


def export(
    target: Path = Path(),
    *,
    user: User,
    format: Literal["jsonl", "parquet"] = "jsonl",
    what: Literal["listens", "events"] = "listens",
    data: Data = None,
    json: Json = False,
) -> None:
    """Write a listener's whole history to a file.

    Parameters
    ----------
    target
        A file to write, or a folder to put a dated one in.
    format
        jsonl: one JSON object a line. parquet: for pandas, DuckDB, Polars and the like (listens only).
    what
        listens: what was heard, with names, latest first. events: the log as it was told, in order.
    """
    args = {"target": str(target.expanduser().absolute()), "user": user, "format": format, "what": what}
    answer = do(data, "export", args)
    show_json(answer) if json else out.print(f"Wrote {answer['path']} ({answer['size_bytes'] / 1e6:.1f} MB).")
