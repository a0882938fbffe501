"""The command that trains a model: rnn-jax train."""

import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnn_jax.cache import keep_compiled
from rnn_jax.errors import InputError, require
from rnn_jax.files import require_writable
from rnn_jax.folders import checkpoints, claimed, free, latest, set_aside
from rnn_jax.going_on import again, longer, only_with_resume, the_same
from rnn_jax.interrupts import STATUS as INTERRUPTED
from rnn_jax.interrupts import ending_at_once, stopping
from rnn_jax.meter import meter

if TYPE_CHECKING:
    from rnn_jax.runs import Material, Run

LAST = "last.safetensors"
# What can be trained, told without importing JAX; a test holds them against the modules that have it.
CELLS = ("rnn", "rnn-relu", "lstm", "gru", "gru-before", "rnn-norm", "lstm-norm", "gru-norm")
FOUNDING = ("learn", "alphabet", "words", "hello", "theory")
SAVED_EVERY = 10.0  # seconds, between two checkpoints that nothing else asks for
VALIDATED = 20  # times in a run
TINY, FEW = 32, 4  # units and streams, up to which a whole loop over time is one kernel
ALL_IN_ONE = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1000000000"


def train(
    context: typer.Context,
    problem: Annotated[str | None, typer.Argument(help="Its name; `rnn-jax problems` lists them.")] = None,
    text: Annotated[list[Path] | None, typer.Option(help="A UTF-8 text file; may be given again.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for checkpoints. [default: runs/NAME]")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder; without --out the last one begun.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the curves into this .svg, .png or .pdf.")] = None,
    cell: Annotated[str | None, typer.Option(help=f"{', '.join(CELLS)}.")] = None,
    hidden: Annotated[int | None, typer.Option(help="Units of a layer in one direction.")] = None,
    layers: Annotated[int | None, typer.Option(help="Layers.")] = None,
    both: Annotated[bool, typer.Option("--both", help="Read in both directions of time.")] = False,
    steps: Annotated[int | None, typer.Option(help="Steps that an update goes back through, or of a task.")] = None,
    batch: Annotated[int | None, typer.Option(help="Streams of a text, or sequences, side by side.")] = None,
    held_out: Annotated[
        float | None, typer.Option(help="How much of a text, its end, is not trained on. [default: 0.1]")
    ] = None,
    updates: Annotated[
        int | None, typer.Option(help="How many in all. [default: the problem's; 2000; with --resume the run's]")
    ] = None,
    optimizer: Annotated[str | None, typer.Option(help="sgd, momentum, rmsprop, adagrad, adam, adamw.")] = None,
    rate: Annotated[float | None, typer.Option(help="Learning rate. [default: the problem's; 0.002]")] = None,
    schedule: Annotated[str, typer.Option(help="constant, linear or cosine.")] = "constant",
    warmup: Annotated[int, typer.Option(help="Updates until the rate is reached.")] = 0,
    clip_norm: Annotated[
        float | None, typer.Option(help="Bound of the norm of all gradients together; 0 is none.")
    ] = None,
    clip_value: Annotated[float, typer.Option(help="Bound of each entry of a gradient; 0 is none.")] = 0.0,
    weight_decay: Annotated[
        float | None, typer.Option(help="Of adamw; for the others L2. [default: 0.01 for adamw; 0]")
    ] = None,
    l2: Annotated[float, typer.Option(help="Penalty on the readout's matrix.")] = 0.0,
    dropout: Annotated[float, typer.Option(help="Of what a layer hands on, to the next or to the readout.")] = 0.0,
    recurrent_dropout: Annotated[float, typer.Option(help="Of the state, the same at every step.")] = 0.0,
    zoneout: Annotated[float, typer.Option(help="Of the hidden state: so much of it is kept as it was.")] = 0.0,
    zoneout_cell: Annotated[float, typer.Option(help="Of the LSTM's cell state.")] = 0.0,
    init: Annotated[str, typer.Option(help="Initial weights: uniform or orthogonal.")] = "uniform",
    forget_bias: Annotated[
        float | None, typer.Option(help="Added to the LSTM's forget bias at first. [default: the problem's; 0]")
    ] = None,
    patience: Annotated[int, typer.Option(help="Measurements without a better one that end it; 0 is never.")] = 0,
    dtype: Annotated[str, typer.Option(help="float32, float64, or bfloat16 for products alone.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    plan: Annotated[bool, typer.Option("--plan", help="Print how updates are computed, and why.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Train a model, on a problem by its name or on text files, and keep checkpoints.

    rnn-jax train alphabet; rnn-jax train --text book.txt --hidden 256

    Ctrl-C, or SIGTERM, saves and says how to go on. Exit status: 0 done, 2 could not run, 130 stopped.
    """
    require((problem is None) != (text is None), "a PROBLEM or --text FILE is right, and not both")
    folder = place(problem or (text or [Path()])[0].stem, out, resume, context)
    if plot is not None:
        require_writable(plot)
        metrics_of_run().require_plottable(plot)
    tiny = is_small(problem, hidden or 128, batch or 32)
    prepare(was_small(folder / LAST) if resume else tiny)
    with ending_at_once():
        from rnn_jax import begin, saved
        from rnn_jax.noise import Rates
        from rnn_jax.recipe import Recipe

    with claimed(folder), stopping() as stopped:
        if resume:
            run = saved.load(folder / LAST)
            run = longer(the_same(run, problem, text or [], folder), updates)
            material = begin.again(run)
        else:
            usual = begin.usual(problem, cell)
            decay = (0.01 if optimizer == "adamw" else 0.0) if weight_decay is None else weight_decay
            recipe = Recipe(
                usual.updates if updates is None else updates, optimizer or usual.optimizer,
                usual.rate if rate is None else rate, schedule=schedule, warmup=warmup,
                clip_norm=usual.clip_norm if clip_norm is None else clip_norm, clip_value=clip_value,
                weight_decay=decay, l2=l2, rates=Rates(dropout, recurrent_dropout, zoneout, zoneout_cell),
                init=init, forget_bias=usual.forget_bias if forget_bias is None else forget_bias,
                patience=patience, dtype=dtype, seed=seed,
            )  # fmt: skip
            ways: tuple[Any, ...] = ("forward", "reverse") if both else ("forward",)
            sizes = begin.Sizes(cell, hidden, layers, ways, steps, batch)
            if problem:
                run, material = begin.of_problem(problem, recipe, sizes, held_out)
            else:
                end = begin.HELD_OUT if held_out is None else held_out
                run, material = begin.of_texts(text or [], recipe, sizes, end)
            require(
                not patience or material.held_out is not None,
                f"--patience is {patience}, but nothing is held out that could get no better",
            )
            left = set_aside(folder, metrics_of_run().FILE)
            if left is not None:
                print(f"what another run has left in {folder}, without its {LAST}, is in {left}")
        status = trained(run, material, folder, stopped, plan)
    if plot is not None:
        metrics_of_run().plot(folder, plot)
    return status


def problems() -> int:
    """List what `rnn-jax train` knows by name, and how each is trained where nothing else is asked for.

    rnn-jax problems
    """
    with ending_at_once():
        from rnn_jax import begin

    print("\n".join(begin.described()))
    return 0


def metrics_of_run() -> ModuleType:
    """The module that keeps curves, which imports JAX."""
    with ending_at_once():
        from rnn_jax import metrics

    return metrics


def place(name: str, out: Path | None, resume: bool, context: typer.Context) -> Path:
    """The folder of a run; raises InputError where it holds one already, or where settings are given to one."""
    folder = out or Path("runs") / name
    if resume:
        only_with_resume(context)
        return out or latest(folder)
    if out is None:
        return free(folder, checkpoints)
    require(not (out / LAST).exists(), f"{out} holds a run already: --resume goes on with it, another --out keeps it")
    return folder


def trained(run: "Run", material: "Material", folder: Path, stopped: Callable[[], bool], explained: bool) -> int:
    """Make the updates that are left; measure, note and save now and then, at the end, and where it is stopped."""
    from rnn_jax import cache, planner, runs, saved
    from rnn_jax import train as training

    choice = planner.of(run.plan, run.B)
    how, material = choice.execution, runs.placed(material, choice.execution)
    run = replace(run, state=training.placed(run.state, how))
    if explained:
        print(choice, f"what XLA compiles is kept in {cache.folder()}", sep="\n")
    metrics = metrics_of_run()
    total, size = run.plan.recipe.updates, training.chunk(run.plan, run.B)
    between = max(1, total // VALIDATED // size) * size
    name, said, held_out = run.label, "", ""
    lines, begun = metrics.Lines(folder, run.step), time.monotonic()
    written = begun
    unit = "characters" if run.plan.spec.predicts == "characters" else "steps"
    if stopped():
        raise KeyboardInterrupt  # before anything was made that could be saved
    with meter(name, run.step, total, run.plan.feed.T * run.B, unit) as show:
        while not runs.over(run) and not stopped():
            run, losses = runs.advance(run, material, how)
            loss, better = float(losses.mean()), False
            line: dict[str, Any] = {"updates": run.step, "loss": loss, "seconds": round(time.monotonic() - begun, 3)}
            due = run.step % between == 0 or run.step == total
            found = runs.validated(run, material, how) if due else None
            if found is not None:
                run, better = runs.noted(run, found)
                line["held_out"] = metrics.told(found, run.plan.spec)
                held_out = f", held out {metrics.in_words(line['held_out'])}"
            require_finite(run, loss, folder)
            lines.note(**line)
            said = f", loss {metrics.in_digits(loss, 4)}{held_out}"
            show(run.step, said.removeprefix(", "))
            if better or runs.over(run) or stopped() or time.monotonic() - written > SAVED_EVERY:
                saved.save(folder, run, best=better)
                written = time.monotonic()
    print(f"{name}: {run.step:,} of {total:,} updates{said}; {folder / LAST}")
    if run.stale and runs.over(run) and run.step < total:
        print(f"nothing better in {run.stale} measurements: the best is {folder / 'best.safetensors'}")
    if not runs.over(run):
        print(f"stopped: {again(run, folder)} goes on")
        return INTERRUPTED
    return 0


def require_finite(run: "Run", loss: float, folder: Path) -> None:
    """Raise InputError where a run has lost itself in infinities, before they are written over what was there."""
    from rnn_jax import runs

    if not math.isfinite(loss) or not runs.finite(run.state.params):
        kept = f"; {folder / LAST} is from before" if (folder / LAST).exists() else ""
        raise InputError(
            f"the loss is {loss}, and not all weights are finite, after {run.step:,} updates: "
            f"a smaller --rate, or --clip-norm, is right{kept}"
        )


def is_small(problem: str | None, hidden: int, batch: int) -> bool:
    """Whether XLA is to make one kernel of a whole loop over time, which only pays for the smallest networks."""
    return problem in FOUNDING if problem else hidden <= TINY and batch <= FEW


def was_small(path: Path) -> bool:
    """Whether a run began as a small one: it must go on with the same kernels to end in the same bytes."""
    with ending_at_once():
        from rnn_jax.checkpoint import read

    try:
        meta = read(path).meta
        return is_small(meta["source"]["problem"], meta["spec"]["H"], meta["B"])
    except (InputError, KeyError, TypeError):
        return False  # what is wrong with it is told where it is loaded


def prepare(small: bool) -> None:
    """Settings that JAX takes before it computes anything."""
    flags = os.environ.get("XLA_FLAGS", "")
    if small and "xla_backend_extra_options" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {ALL_IN_ONE}".strip()
    keep_compiled()
    with ending_at_once():
        import jax

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]  # every array names its own precision
    with suppress(RuntimeError):  # who calls this from Python has let JAX compute: it goes on with the devices it has
        jax.config.update("jax_num_cpu_devices", cores())  # type: ignore[no-untyped-call]


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
