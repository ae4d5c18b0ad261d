"""``segue analyse``: have every track listened to, see how far it is, carry the results to another server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cyclopts import App
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from segue.cli._common import Data, Json, do, err, out, printable, show_json

app = App(
    name="analyse",
    help="""Listen to every track: tempo, key, loudness, energy, style, and what sounds alike.

    A server does this by itself, in the background. Without a server, `segue analyse` does what is due and ends; it can be stopped at any
    time and goes on where it was. Each recording is heard once: moving a file or changing its tags costs nothing.""",
)


@contextmanager
def _bar(quiet: bool) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=quiet or not err.is_terminal, transient=True) as bar:
        task = bar.add_task("listening", total=None, rate="")

        def show(status: dict[str, Any]) -> None:
            rate, left = status["tracks_per_hour"], status["left_s"]
            told = f"{rate:,.0f} tracks/h, {_duration(left)} left" if rate and left else ""
            bar.update(task, description=status["state"], completed=status["total"] - status["left"], total=status["total"], rate=told)

        yield show


@app.default
def analyse(data: Data = None, json: Json = False) -> int:
    """Analyse what is due, and wait until it is done. Leaving does not stop a server that works on."""
    with _bar(json) as show:
        status = do(data, "analyse", {}, show)
    _show(status, json)
    return 0


@app.command
def status(data: Data = None, json: Json = False) -> None:
    """Show how far it is, how fast it goes, and which encoder answers."""
    _show(do(data, "analyse.status", {}), json)


@app.command
def pause(data: Data = None, json: Json = False) -> None:
    """Stop listening until `segue analyse resume`, also after a restart."""
    _show(do(data, "analyse.pause", {"paused": True}), json)


@app.command
def resume(data: Data = None, json: Json = False) -> None:
    """Go on after a pause."""
    _show(do(data, "analyse.pause", {"paused": False}), json)


@app.command
def retry(data: Data = None, json: Json = False) -> None:
    """Have what could not be heard tried again. `segue scan --json` and the player's Findings page say what was wrong."""
    answer = do(data, "analyse.retry", {})
    show_json(answer) if json else out.print(f"{answer['retried']:,} tracks will be tried again.")


@app.command
def export(target: Path, data: Data = None, json: Json = False) -> None:
    """Write every analysis to a file, for another server with the same music.

    Parameters
    ----------
    target
        The file to write. It holds no names, paths or listeners: analyses by the hash of the sound.
    """
    answer = do(data, "analyse.export", {"target": str(target.expanduser().absolute())})
    show_json(answer) if json else out.print(f"Wrote {answer['sounds']:,} analyses to {printable(answer['path'])}.")


@app.command(name="import")
def import_(source: Path, data: Data = None, json: Json = False) -> None:
    """Take over analyses that `segue analyse export` wrote; tracks with the same sound are then not heard again.

    Parameters
    ----------
    source
        The file. One that is damaged or cut short is refused whole.
    """
    answer = do(data, "analyse.import", {"source": str(source.expanduser().absolute())})
    show_json(answer) if json else out.print(f"{answer['kept']:,} of {answer['met']:,} analyses were new.")


def _show(status: dict[str, Any], json: bool) -> None:
    if json:
        show_json(status)
        return
    rate = f", {status['tracks_per_hour']:,.0f} tracks an hour" if status["tracks_per_hour"] else ""
    left = f", {_duration(status['left_s'])} left" if status["left_s"] else ""
    out.print(f"{status['state']}: {status['done']:,} of {status['total']:,} tracks heard, {status['failed']:,} could not be{rate}{left}.")
    serving = status["serving"] or "none yet"
    out.print(f"Encoder: {status['encoder']}. Answering: {serving}.")
    if status["note"]:
        out.print(status["note"])


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min" if minutes else f"{seconds:.0f} s"
