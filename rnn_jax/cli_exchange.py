"""The commands that take weights to other frameworks and back: rnn-jax export, rnn-jax import."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnn_jax.cli_train import LAST, prepare
from rnn_jax.errors import InputError, require
from rnn_jax.files import require_writable, write_bytes
from rnn_jax.folders import checkpoints, claimed, free
from rnn_jax.interrupts import ending_at_once

if TYPE_CHECKING:
    from rnn_jax.spec import Spec

KNOWN = "torch, keras, flax, flax-nnx, flax-nnx-optimized"


def export(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint, or the folder of a run.")],
    to: Annotated[str, typer.Option(help=f"{KNOWN}.")],
    out: Annotated[Path | None, typer.Option(help="A file. [default: beside it, as last-torch.safetensors]")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Write a model's weights as another framework names, turns and orders them, in a safetensors file.

    rnn-jax export runs/alphabet --to torch

    flax is flax.linen; flax-nnx-optimized is flax.nnx.OptimizedLSTMCell. Exit status: 0 done, 2 could not.
    """
    path = checkpoint / LAST if checkpoint.is_dir() else checkpoint
    out = out or path.with_name(f"{path.stem}-{to}.safetensors")
    prepare(small=False)
    with ending_at_once():
        from rnn_jax import saved
        from rnn_jax.interchange.layouts import CLASSES, layout
        from rnn_jax.interchange.outward import as_file

    run = saved.load(path)
    spec = run.plan.spec
    layout(to, spec.cell)  # what is wrong with --to comes before what is wrong with --out
    require_writable(out)
    require(
        not (out.is_file() and saved.is_whole(out)),
        f"--out {out} is a checkpoint, which would be lost: the name of a file of its own is right",
    )
    data, folded = as_file(spec, run.state.params, run.vocabulary, to)
    write_bytes(out, data)
    print(f"{out}: {CLASSES[to][spec.cell]}, {described(spec, str(run.state.params.V.dtype))}")
    if folded:
        print(f"the two biases of a gate were added up, for {to} has one")
    return 0


def import_(
    file: Annotated[Path, typer.Argument(help="A safetensors file.", metavar="FILE")],
    source: Annotated[str | None, typer.Option("--from", help=f"{KNOWN}. [default: what FILE says]")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for the run. [default: runs/NAME]")] = None,
    cell: Annotated[str | None, typer.Option(help="Where the weights do not tell: rnn-relu, gru-before.")] = None,
    vocabulary: Annotated[str | None, typer.Option(help="The characters, in the order of their indices.")] = None,
    text: Annotated[list[Path] | None, typer.Option(help="A UTF-8 text whose characters these are, sorted.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Make a checkpoint of the weights that another framework has, in a safetensors file.

    rnn-jax import model.safetensors --from torch --text book.txt

    FILE holds one stack of recurrent layers and one affine map, under any names that end as the framework's do. With
    --text, rnn-jax train --text book.txt --resume goes on with them. Exit status: 0 done, 2 could not.
    """
    folder = out or free(Path("runs") / file.stem, checkpoints)
    require(not checkpoints(folder), f"{folder} holds a run already: another --out is right")
    prepare(small=False)
    with ending_at_once():
        from rnn_jax import saved
        from rnn_jax.interchange import begin, files
        from rnn_jax.interchange.inward import imported

    arrays, about = files.decode(read(file), str(file))
    framework = source or about.framework or ""
    require(bool(framework), f"{file} does not say whose weights it holds: --from with one of {KNOWN} is right")
    try:
        found = imported(arrays, framework, cell, about)
        letters = begin.vocabulary_of(found.spec, vocabulary, about.vocabulary, text or [])
        run = begin.begun(found, letters, text or [])
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    with claimed(folder):
        saved.save(folder, run)
    print(f"{folder / LAST}: {found.spec.cell}, {described(found.spec, str(run.state.params.V.dtype))}")
    for bare, what in ((found.bare_layers, "the layers have"), (found.bare_readout, "the readout has")):
        if bare:
            print(f"{what} no bias in {file}: it is 0")
    return 0


def described(spec: "Spec", dtype: str) -> str:
    """A model in a few words."""
    layers = f"{spec.layers} layer{'s' * (spec.layers > 1)}"
    ways = " and ".join(spec.directions)
    return f"{layers}, {ways}, D = {spec.D}, H = {spec.H}, K = {spec.K}, {dtype}"


def read(path: Path) -> bytes:
    """The bytes of a file; raises InputError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
