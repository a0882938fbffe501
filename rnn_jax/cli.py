"""The command line: rnn-jax."""

import shlex
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, RenderableType

from rnn_jax import cli_exchange, cli_sample, cli_train
from rnn_jax._version import __version__
from rnn_jax.cache import keep_compiled
from rnn_jax.errors import InputError, require
from rnn_jax.files import require_apart, require_writable, write_text
from rnn_jax.interrupts import STATUS as INTERRUPTED
from rnn_jax.interrupts import ending_at_once
from rnn_jax.progress import progress
from rnn_jax.streams import tolerate

if TYPE_CHECKING:
    from rnn_jax.verify.check_report import CheckReport

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


app.command()(cli_train.train)
app.command()(cli_train.problems)
app.command()(cli_sample.sample)
app.command()(cli_exchange.export)
app.command("import")(cli_exchange.import_)


@app.command()
def verify(
    configs: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="Random configurations. [default: 15 of each kind]"),
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
    with ending_at_once():
        from rnn_jax.verify.render import json as as_json
        from rnn_jax.verify.render import text
        from rnn_jax.verify.run import verify as run

    imports = time.perf_counter() - start
    names = None if only is None else [name.strip() for entry in only for name in entry.split(",")]
    with progress("verify") as update:
        report = run(configs=configs, seed=seed, only=names, dtype=dtype, point=point, progress=update)
    report.seconds["imports"] = imports
    if json:
        write_text(json, as_json.dumps(report))
    show(text.render(report, timing), text.WIDTH)
    return STATUS[str(report.verdict)]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A Python file or a notebook.", metavar="FILE")],
    wrt: Annotated[str, typer.Option(help="The parameters: W,U,net.b; a dict, list or object stands for all in it.")],
    loss: Annotated[str, typer.Option(help="An expression for the loss: 'forward(X, Y)[0]'.")],
    grads: Annotated[str | None, typer.Option(help="An expression for the gradients: 'backward(X, Y)'.")] = None,
    setup: Annotated[str | None, typer.Option(help="Statements to run first: 'net = RNN(5, 4); h0 = ...'.")] = None,
    call: Annotated[str | None, typer.Option(help="Run before --grads, where gradients appear by side effect.")] = None,
    update: Annotated[
        str | None, typer.Option(help="In place of --grads: changes the weights by -lr * gradient.")
    ] = None,
    lr: Annotated[float, typer.Option(help="The learning rate of --update.")] = 1.0,
    cells: Annotated[str | None, typer.Option(help="Code cells of a notebook: 1-9,12. [default: all]")] = None,
    until: Annotated[str | None, typer.Option(help="Stop before the first top-level statement with this text.")] = None,
    truncate: Annotated[int | None, typer.Option(help="Meant: each step's loss reaches K cells, its own too.")] = None,
    clip: Annotated[str | None, typer.Option(help="Meant: value:C or norm:C.")] = None,
    scale: Annotated[str | None, typer.Option(help="Meant: mean, the gradient divided by a number of terms.")] = None,
    sign: Annotated[str | None, typer.Option(help="Meant: negative, the gradient's negative.")] = None,
    truth: Annotated[
        str | None, typer.Option(help="Is the forward a standard-rnn, standard-lstm, standard-gru?")
    ] = None,
    vary: Annotated[str | None, typer.Option(help="Which axis of which input is time: x=0,y=0.")] = None,
    points: Annotated[int, typer.Option(parser=whole_number, metavar="N", help="Fresh random points.")] = 2,
    seed: Annotated[int, typer.Option(parser=whole_number, metavar="N", help="Of the random points.")] = 0,
    dtype: Annotated[str | None, typer.Option(help="Judge in float64 or float32. [default: the parameters']")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds after which one run of FILE is stopped.")] = 60.0,
    json: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report to this file as a page for a browser.")] = None,
    emit_test: Annotated[Path | None, typer.Option(help="Write the smallest wrong case as a pytest file.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show the fix as a unified diff.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Make the fix in FILE; the original stays as FILE.orig.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="The verdict alone: no line, no fix.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Compare the hand-written gradients of any NumPy program with jax.grad of its own loss.

    This runs FILE, and the expressions in its namespace: check only what you would run.

    rnn-jax check my_rnn.py --wrt W,U,V,b,c --loss "forward(X, Y)[0]" --grads "backward(X, Y)"

    Exit status: 0 all right, 1 some wrong, 2 could not run, 3 could not be judged.
    """
    require_apart(file, {"--json": json, "--html": html, "--emit-test": emit_test})
    for path in filter(None, (json, html, emit_test)):
        require_writable(path)
    require(not (quick and (diff or fix or emit_test)), "--quick looks for no fix and no case: leave one of them out")
    keep_compiled()
    with ending_at_once():
        from rnn_jax.verify.accuse import QUICK, Depth
        from rnn_jax.verify.command import Intent, check_file
        from rnn_jax.verify.of_file import Expressions
        from rnn_jax.verify.render import check_text

    said = Expressions(wrt, loss, grads, setup, call, update, lr)
    repro = shlex.join(["rnn-jax", *that_only_look(sys.argv[1:])])
    intent = Intent(truncate, clip, scale, sign, truth, vary)
    with progress("check") as step:
        report = check_file(
            file, said, intent, cells=cells, until=until, timeout=timeout, points=points, seed=seed, dtype=dtype,
            progress=step, warn=aside, command=repro, emit_test=emit_test,
            depth=QUICK if quick else Depth(strict=debug),
        )  # fmt: skip
    show(check_text.render(report, diff), check_text.WIDTH)
    write_reports(report, json, html)
    if emit_test:
        print(f"the smallest case: {emit_test}" if emit_test.exists() else "nothing is wrong: no test was written")
    if fix:
        mend(report)
    return STATUS[str(report.verdict)]


def that_only_look(words: list[str]) -> list[str]:
    """The words of a command line without those that write files: what is typed to see the report once more."""
    kept: list[str] = []
    for word in words:
        before = kept.pop() if kept and kept[-1] in WRITING else None
        if before is None and word != "--fix" and not word.startswith(tuple(f"{option}=" for option in WRITING)):
            kept.append(word)
    return kept


WRITING = ("--json", "--html", "--emit-test")


def aside(text: str) -> None:
    """Say something beside the report."""
    print(f"check: {text}", file=sys.stderr, flush=True)


def write_reports(report: "CheckReport", json: Path | None, html: Path | None) -> None:
    """Write a report into the files that were asked for."""
    if json:
        from rnn_jax.verify.render import check_json

        write_text(json, check_json.dumps(report))
    if html:
        from rnn_jax.verify.render import check_html

        write_text(html, check_html.page(report))


def mend(report: "CheckReport") -> None:
    """Write the fix that was found into the user's file, and say so."""
    from rnn_jax.verify.repair.write import write

    found = next((finding.fix for finding in report.findings if finding.fix is not None), None)
    if found is None:
        print("no fix was found: nothing was written" if report.findings else "nothing is wrong: nothing was written")
        return
    path, kept = write(found)
    print(f"{path} is mended; what it was is {kept}")


STATUS = {"pass": 0, "fail": 1, "undecided": 3}


def show(report: RenderableType, width: int) -> None:
    """Print a report: in the terminal's width, or in one fit for a file."""
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(highlight=False, width=width)
    console.print(report, crop=False)  # what is to be copied must not be cut


def main() -> None:
    """Run the command line; a user's mistake ends in one sentence and exit status 2."""
    tolerate()
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    try:
        status = app(arguments or ["--help"], standalone_mode=False)
        status = status if arguments else 2  # asked for nothing, nothing was done
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception as error:
        message = getattr(error, "format_message", None)  # click's errors: of an option that does not exist or fit
        no_room = isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
        if debug or not (message or no_room or isinstance(error, InputError | OSError)):
            traceback.print_exc()
        said = "there is not enough memory for this: smaller sizes are right" if no_room else error
        print(f"rnn-jax: {message() if message else said}", file=sys.stderr)
        status = 2
    sys.exit(status)
