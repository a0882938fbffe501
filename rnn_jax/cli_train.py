"""The commands that train a model and go on with a text: rnn-jax train, rnn-jax sample."""

import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from rnn_jax.cache import keep_compiled
from rnn_jax.errors import InputError, require
from rnn_jax.interrupts import STATUS as INTERRUPTED
from rnn_jax.interrupts import ending_at_once
from rnn_jax.meter import meter

if TYPE_CHECKING:
    from rnn_jax.runs import Material, Run

LAST = "last.safetensors"
SAVED_EVERY = 50  # chunks of updates, some seconds
VALIDATED = 20  # times in a run
TINY, FEW = 32, 4  # units and streams, up to which a whole loop over time is one kernel
ALL_IN_ONE = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1000000000"


def train(
    context: typer.Context,
    problem: Annotated[str | None, typer.Argument(help="learn, alphabet, words, hello or theory.")] = None,
    text: Annotated[list[Path] | None, typer.Option(help="A UTF-8 text file; may be given again.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for checkpoints. [default: runs/NAME]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    cell: Annotated[str | None, typer.Option(help="rnn, rnn-relu, lstm, gru, gru-before.")] = None,
    hidden: Annotated[int, typer.Option(help="Units of a layer, for --text.")] = 128,
    layers: Annotated[int, typer.Option(help="Layers, for --text.")] = 1,
    steps: Annotated[int, typer.Option(help="Characters that an update goes back through, for --text.")] = 64,
    batch: Annotated[int, typer.Option(help="Streams of the text side by side, for --text.")] = 32,
    held_out: Annotated[float, typer.Option(help="How much of a text, its end, is not trained on.")] = 0.1,
    updates: Annotated[
        int | None, typer.Option(help="How many. [default: 100000 for a problem, 2000 for a text]")
    ] = None,
    optimizer: Annotated[str | None, typer.Option(help="sgd, momentum, rmsprop, adagrad, adam, adamw.")] = None,
    rate: Annotated[float | None, typer.Option(help="Learning rate. [default: 0.01 for a problem, 0.002]")] = None,
    schedule: Annotated[str, typer.Option(help="constant, linear or cosine.")] = "constant",
    warmup: Annotated[int, typer.Option(help="Updates until the rate is reached.")] = 0,
    clip_norm: Annotated[float, typer.Option(help="Bound of the norm of all gradients together; 0 is none.")] = 0.0,
    clip_value: Annotated[float, typer.Option(help="Bound of each entry of a gradient; 0 is none.")] = 0.0,
    weight_decay: Annotated[float, typer.Option(help="Of adamw; for the others L2.")] = 0.0,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of the initial weights of a text's model.")] = 0,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Train a character model, on a small problem or on text files, and keep checkpoints.

    rnn-jax train alphabet; rnn-jax train --text book.txt --hidden 256

    Ctrl-C saves and says how to go on. Exit status: 0 done, 2 could not run, 130 stopped.
    """
    require((problem is None) != (text is None), "a PROBLEM or --text FILE is right, and not both")
    folder = out or Path("runs") / (problem or (text or [Path()])[0].stem)
    if resume:
        only_with_resume(context)
    elif out is None:
        folder = free(folder)
    else:
        require(
            not (out / LAST).exists(), f"{out} holds a run already: --resume goes on with it, another --out keeps it"
        )
    prepare(was_small(folder / LAST) if resume else problem is not None or is_small(hidden, batch))
    with ending_at_once():
        from rnn_jax import runs
        from rnn_jax.recipe import Recipe

    if updates is None:
        updates = 100_000 if problem else 2_000
    if rate is None:
        rate = 0.01 if problem else 0.002
    recipe = Recipe(
        updates, optimizer or ("sgd" if problem else "adam"), rate, schedule=schedule, warmup=warmup,
        clip_norm=clip_norm, clip_value=clip_value, weight_decay=weight_decay, dtype=dtype, seed=seed,
    )  # fmt: skip
    make_folder(folder)
    if resume:
        run = runs.load(folder / LAST)
        require(
            bool(shown(run)),
            f"the run in {folder} was imported without a text to train on: rnn-jax import with --text is right",
        )
        named = (problem or "", tuple(map(str, text or ())))
        require(
            named == (run.source.problem, run.source.texts),
            f"the run in {folder} is of {shown(run)}: rnn-jax train {shown(run)} --out {folder} --resume is right",
        )
        material = runs.again(run)
    elif problem:
        run, material = runs.of_problem(problem, recipe, cell)
    else:
        run, material = runs.of_texts(
            text or [], recipe, cell=cell or "lstm", H=hidden, layers=layers, T=steps, B=batch, held_out=held_out
        )
    return trained(run, material, folder)


def only_with_resume(context: typer.Context) -> None:
    """Raise InputError where --resume is given another setting: those are the checkpoint's."""
    for name in context.params:
        given = context.get_parameter_source(name)
        if (
            name not in ("problem", "text", "out", "resume", "debug")
            and given is not None
            and given.name == "COMMANDLINE"
        ):
            option = "--" + name.replace("_", "-")
            raise InputError(
                f"{option} {context.params[name]} is given with --resume, which takes it from the run: leave it out"
            )


def free(folder: Path) -> Path:
    """The folder, or the first of folder-2, folder-3, ... that holds no run."""
    tried, number = folder, 1
    while (tried / LAST).exists():
        number += 1
        tried = folder.with_name(f"{folder.name}-{number}")
    return tried


def trained(run: "Run", material: "Material", folder: Path) -> int:
    """Make the updates that are left, and save now and then, at the end, and where it is stopped."""
    from rnn_jax import runs
    from rnn_jax import train as training

    total, size = run.plan.recipe.updates, training.chunk(run.plan, run.B)
    between = math.ceil(total / VALIDATED / size) * size
    name, said = run.source.problem or Path(run.source.texts[0]).stem, ""
    letters = int(material.data.mask[: run.plan.feed.T].sum())
    with stopping() as stopped, meter(name, run.step, total, letters) as show:
        for made, losses in runs.advance(run, material):
            run = replace(made, best=run.best)  # what is yielded knows of no best since it began
            said = f"loss {losses[-1]:.4f}"
            better = False
            if run.step % between == 0 or run.step == total:
                valid = runs.validated(run, material)
                if valid is not None:
                    better = valid < run.best
                    run = replace(run, best=valid) if better else run
            if math.isfinite(run.best):
                said += f", held out {run.best / math.log(2):.3f} bits a character"
            show(run.step, said)
            if better or run.step == total or stopped() or (run.step // size) % SAVED_EVERY == 0:
                runs.save(folder, run, best=better)
            if stopped():
                break
    print(f"{name}: {run.step:,} of {total:,} updates, {said}; {folder / 'last.safetensors'}")
    if run.step < total:
        print(f"stopped: rnn-jax train {shown(run)} --out {folder} --resume goes on")
        return INTERRUPTED
    return 0


def shown(run: "Run") -> str:
    """How the command line names what a run is of."""
    return run.source.problem or " ".join(f"--text {each}" for each in run.source.texts)


def sample(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint, or the folder of a run.")],
    prompt: Annotated[str, typer.Option(help="The text to go on with.")],
    length: Annotated[int, typer.Option(help="So many more characters.")] = 200,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest character each time.")] = 0.0,
    top_k: Annotated[int, typer.Option(help="Draw among so many of the likeliest; 0 is all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Draw among the likeliest that make up so much.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Go on with a prompt, character by character, as a trained model does.

    rnn-jax sample runs/alphabet --prompt ABCDEFG --length 4
    """
    require(length >= 0, f"the length is {length}, but 0 or more is right")
    prepare(small=True)
    with ending_at_once():
        import jax

        from rnn_jax import generate, runs
        from rnn_jax import text as letters

    run = runs.load(checkpoint / LAST if checkpoint.is_dir() else checkpoint)
    how = generate.Sampler(temperature, top_k, top_p).checked()
    stream = generate.prime(run.plan.spec, run.state.params, letters.encode(prompt, run.vocabulary))
    print(prompt, end="", flush=True)
    key, left = jax.random.key(seed), length
    while left:
        count = min(left, AT_ONCE)
        stream, drawn = generate.go_on(run.plan.spec, run.state.params, stream, key, count, how)
        print(letters.decode(drawn.tolist(), run.vocabulary), end="", flush=True)
        left -= count
    print()
    return 0


AT_ONCE = 64  # characters that are shown together


def is_small(hidden: int, batch: int) -> bool:
    """Whether XLA is to make one kernel of a whole loop over time, which only pays for the smallest networks."""
    return hidden <= TINY and batch <= FEW


def was_small(path: Path) -> bool:
    """Whether a run began as a small one: it must go on with the same kernels to end in the same bytes."""
    from rnn_jax.checkpoint import read

    try:
        meta = read(path).meta
    except InputError:
        return False  # what is wrong with it is told where it is loaded
    return bool(meta["source"]["problem"]) or is_small(meta["spec"]["H"], meta["B"])


def prepare(small: bool) -> None:
    """Settings that JAX takes before it computes anything."""
    flags = os.environ.get("XLA_FLAGS", "")
    if small and "xla_backend_extra_options" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {ALL_IN_ONE}".strip()
    keep_compiled()
    import jax

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]  # every array names its own precision


def make_folder(folder: Path) -> None:
    """The folder of a run, without what a killed one left half written; raises InputError where there can be none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for half in folder.glob(".*.safetensors.*"):
            half.unlink()
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror or error}") from error
    require(os.access(folder, os.W_OK), f"{folder} cannot be written to: another --out is right")


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Within, a first Ctrl-C is only noted, for the updates under way to be finished; a second one stops at once."""
    noted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal noted
        if noted:
            raise KeyboardInterrupt
        noted = True
        print("stopping after these updates", file=sys.stderr, flush=True)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: noted
    finally:
        signal.signal(signal.SIGINT, before)
