"""The command line: rnn-jax."""

import sys
import time
import traceback
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rnn_jax._version import __version__
from rnn_jax.errors import InputError
from rnn_jax.files import require_writable, write_text
from rnn_jax.progress import progress
from rnn_jax.streams import tolerate

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        print(f"rnn-jax {__version__}")
        raise typer.Exit


def whole_number(text: str) -> int:
    """A whole number of 0 or more, or click's error with the offending value."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise typer.BadParameter(f"{text!r} is not a whole number of 0 or more")
    return number


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Hand-written back-propagation through time, verified against jax.grad."""


@app.command()
def verify(
    configs: Annotated[
        int | None, typer.Option(parser=whole_number, metavar="N", help="Random configurations. [default: 75]")
    ] = None,
    seed: Annotated[int, typer.Option(parser=whole_number, metavar="N", help="Of the random configurations.")] = 0,
    only: Annotated[list[str] | None, typer.Option(help="Implementations, by comma: rnn, columns, lstm, ...")] = None,
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
    point: Annotated[Path | None, typer.Option(help="Your own arrays in an .npz: x, U, W, b, V, c, ...")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the whole report to this file.")] = None,
    timing: Annotated[bool, typer.Option("--timing", help="Say where the time went.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Compare every hand-written gradient in reference/ with jax.grad of the same forward.

    Exit status: 0 all agree, 1 some disagree, 2 could not run, 3 too ill-conditioned to say.
    """
    start = time.perf_counter()
    if json:
        require_writable(json)
    from rnn_jax.verify.render import json as as_json
    from rnn_jax.verify.render import text
    from rnn_jax.verify.report import Verdict
    from rnn_jax.verify.run import verify as run

    imports = time.perf_counter() - start
    names = None if only is None else [name.strip() for entry in only for name in entry.split(",")]
    with progress("verify") as update:
        report = run(configs=configs, seed=seed, only=names, dtype=dtype, point=point, progress=update)
    report.seconds["imports"] = imports
    if json:
        write_text(json, as_json.dumps(report))
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=text.WIDTH)
    console.print(text.render(report, timing))
    return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.UNDECIDED: 3}[report.verdict]


def main() -> None:
    """Run the command line; a user's mistake ends in one sentence and exit status 2."""
    tolerate()
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    try:
        status = app(arguments or ["--help"], standalone_mode=False)
        status = status if arguments else 2  # asked for nothing, nothing was done
    except KeyboardInterrupt:
        status = 130
    except Exception as error:
        message = getattr(error, "format_message", None)  # click's errors: of an option that does not exist or fit
        if debug or not (message or isinstance(error, InputError | OSError)):
            traceback.print_exc()
        print(f"rnn-jax: {message() if message else error}", file=sys.stderr)
        status = 2
    sys.exit(status)
