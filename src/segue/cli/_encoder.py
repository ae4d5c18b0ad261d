"""``segue encoder``: the models that put like beside like."""

from typing import Annotated

from cyclopts import App, Parameter

from segue.cli._common import Data, Json, data_dir, do, err, out, printable, show_json, table

app = App(
    name="encoder",
    help="""The models that hear what sounds alike, and their tags.

    `descriptor` is built in. `musicnn` is better, and fetched by `make setup`, or by `segue encoder add musicnn`.""",
)


@app.command
def add(
    named: str,
    /,
    *,
    shared: Annotated[bool, Parameter(negative="", help="Put it beside the Python environment, for every data directory.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Add an encoder to the data directory, also while a server runs. It is used once it is chosen with `segue encoder use`.

    `musicnn` (ISC licence) and `silero-vad` (MIT; tells speech from music) are fetched with pip as wheels, held to their hashes, and
    made into model files. Nothing of the wheels is run.

    Parameters
    ----------
    named
        `musicnn`, `silero-vad`, a wheel of either that was fetched before, or an ONNX file with a description in it or beside it.
    """
    from segue.analyse import add_model, shared_folder

    made = add_model(named, shared_folder() if shared else data_dir(data).models)
    if not shared:
        do(data, "encoder.look", {})
    if json:
        show_json({"path": str(made)})
        return
    out.print(f"Added {printable(str(made))}")


@app.command(name="list")
def list_(data: Data = None, json: Json = False) -> None:
    """Show every encoder there is, and which one is used."""
    answer = do(data, "encoder.list", {})
    if json:
        show_json(answer)
        return
    columns = [
        ("name", "name"),
        ("used", "used"),
        ("version", "version"),
        ("dimension", "dimension"),
        ("tags", "tags"),
        ("text", "text"),
        ("licence", "licence"),
        ("path", "file"),
    ]
    table(answer["encoders"], columns)
    for each in answer["broken"]:
        err.print(f"[yellow]Not usable:[/] {printable(each['problem'])}")


@app.command
def use(name: str, data: Data = None, json: Json = False) -> None:
    """Choose the encoder that says what sounds alike.

    The choice is kept at once. Every track is then heard anew with it, in the background; until that is done, the one before serves.

    Parameters
    ----------
    name
        As `segue encoder list` shows it.
    """
    answer = do(data, "encoder.use", {"name": name})
    show_json(answer) if json else out.print(f"Encoder: {printable(answer['encoder'])}")
