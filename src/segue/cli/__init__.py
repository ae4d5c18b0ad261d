"""The command line: ``segue``. Exit 0 done, 1 failed, 2 wrong usage; answers on standard output, the rest on standard error."""

import errno
import sys

from cyclopts import App, CycloptsError

from segue import __version__
from segue.cli import _accounts, _analyse, _encoder, _history, _keeping, _libraries, _serve
from segue.cli._common import err, printable
from segue.errors import SegueError

app = App(
    name="segue",
    version=__version__,
    help="""Your own Spotify machine: streams a folder of music to the apps you use, and knows what should come next.

    Start with `segue serve ~/Music`. Each command has a `--help` that says more.""",
    help_format="markdown",
)
app.command(_serve.serve)
app.command(_libraries.scan)
app.command(_libraries.app)
app.command(_analyse.app)
app.command(_accounts.users)
app.command(_accounts.tokens)
app.command(_encoder.app)
app.command(_accounts.apps)
app.command(_history.import_, name="import")
app.command(_history.export)
app.command(_keeping.backup)
app.command(_keeping.restore)
app.command(_serve.doctor)
app.command(_serve.demo_library)


def main(arguments: list[str] | None = None) -> None:
    """Entry of the console script."""
    try:
        code = app(arguments, exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        sys.exit(2)
    except SegueError as error:
        err.print(f"[bold red]segue:[/] {printable(str(error))}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        err.print("[bold red]segue:[/] The disk is full. Free some space, then try again.")
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)
