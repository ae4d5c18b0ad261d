"""What every command shares: its options, doing it locally or through the running server, and how answers and errors are shown."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from segue.config import default_data_dir, load
from segue.control import call
from segue.datadir import DataDir
from segue.errors import BadRequest, DataDirInUse

out = Console(soft_wrap=True)
err = Console(stderr=True)

Data = Annotated[
    Path | None, Parameter(name="--data", help="The data directory. Default: $SEGUE_DATA, else ~/.local/share/segue.", show_default=False)
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print the answer as JSON.")]


def data_dir(path: Path | None) -> DataDir:
    """The data directory named by a flag, the environment or the default."""
    return DataDir((path or default_data_dir()).expanduser().absolute())


def do(path: Path | None, command: str, args: dict[str, Any], progress: Callable[[dict[str, Any]], None] | None = None) -> Any:
    """Run a command where the data directory is owned: here if nobody owns it, else in the server that does."""
    data = data_dir(path)
    report = progress or (lambda _: None)
    settings = load(data.root)
    try:
        with data:
            # Imported late: neither `segue --help`, nor usage errors, nor what a running server does, needs any of it.
            from segue.commands import run
            from segue.observe import configure_logging
            from segue.parts import assemble

            configure_logging(level="warning", format=settings.config.log_format)
            with assemble(data, settings.config) as parts:
                return run(parts, command, args, report)
    except DataDirInUse:
        return call(data, command, args, report)


def show_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value)) + b"\n")
    sys.stdout.flush()


def table(rows: Sequence[dict[str, Any]], columns: Sequence[tuple[str, str]]) -> None:
    """Rows as a table: ``columns`` are (key, heading)."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for _, heading in columns:
        shown.add_column(heading, overflow="fold")
    for row in rows:
        shown.add_row(*(_cell(row.get(key)) for key, _ in columns))
    out.print(shown)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return printable(str(value))


def printable(text: str) -> str:
    """Text from tags and file names, safe for a terminal: control characters and lone surrogates are shown, not sent."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
    return safe.encode("utf-8", "backslashreplace").decode().replace("[", r"\[")


@dataclass
class Password:
    """A password from a prompt or, with ``--password-stdin``, the first line of standard input."""

    text: str

    @classmethod
    def ask(cls, stdin: bool) -> "Password":
        if stdin:
            return cls(sys.stdin.readline().rstrip("\r\n"))
        if not sys.stdin.isatty():
            raise BadRequest("There is no terminal to ask for a password: give it with --password-stdin.")
        import getpass

        first = getpass.getpass("Password: ")
        if first != getpass.getpass("Again: "):
            raise BadRequest("The two passwords differ.")
        return cls(first)
