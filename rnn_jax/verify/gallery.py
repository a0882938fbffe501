"""Every hand-written implementation, those in `reference/` and the fast path, ready to be run at a point."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rnn_jax import bptt
from rnn_jax.bptt import cudnn
from rnn_jax.verify import autodiff, canonical, one_example
from rnn_jax.verify.autodiff import Values
from rnn_jax.verify.points import OF_ALL_CELLS, Point


class Implementation(NamedTuple):
    """One hand-written gradient: what it is judged on, and how it is run."""

    name: str
    family: str  # whose points it is judged at: a cell's, or one of all cells
    differentiate: Callable[[Point], Values]
    loss: Callable[[Point], Any]  # its own forward alone: complex numbers pass through it
    fits: Callable[[Point], bool] = lambda point: True
    without: frozenset[str] = frozenset()  # symbols that its derivation does not differentiate
    notes: Callable[[Point], tuple[str, ...]] = lambda point: ()
    in_numpy: Callable[[Point], Values] | None = None  # the same where JAX compiles it, which has no higher precision
    dtype: str | None = None  # the only one that it has


def whole_model(family: str) -> Implementation:
    """The canonical model with a cell, or with every cell and a kind of noise or another readout."""
    return Implementation(family, family, canonical.differentiate, canonical.loss)


def fast_path(cell: str) -> Implementation:
    """The backward by hand that training takes, as JAX's own rule for the recurrence (rnn_jax/bptt)."""
    differentiate = partial(autodiff.differentiate, plan="fast")
    return Implementation(f"fast-{cell}", cell, differentiate, canonical.loss, in_numpy=canonical.differentiate)


def by_cudnn() -> Implementation:
    """CuDNN's LSTM as training takes it on a GPU (rnn_jax/bptt/cudnn.py), beside autodiff and the NumPy in float32.

    It is judged as the others are: allowed is 16 times what rounding does to the NumPy in float32, 2^-24 of each tanh,
    exp and product. CUDA's tanh and exp are documented to within two units in the last place, four such roundings at
    most, and sums in another order lose about as much as they do anyhow; that leaves what cuDNN does not document the
    same again. Factors rounded to TF32, which is 2^-11, would lie thousands of roundings beyond.
    """
    differentiate = partial(autodiff.differentiate, plan="cudnn")
    made = Implementation("cudnn-lstm", cudnn.CELL, differentiate, canonical.loss, in_numpy=canonical.differentiate)
    return made._replace(dtype=cudnn.DTYPE, notes=lambda point: (f"in {cudnn.DTYPE}, which is all that it has",))


def tanh_example(name: str, run: one_example.Run, without: frozenset[str] = frozenset()) -> Implementation:
    """A tanh network written for one example."""
    differentiate, loss = partial(one_example.differentiate, run), partial(one_example.loss, run)
    return Implementation(name, "rnn", differentiate, loss, one_example.fits, without)


IMPLEMENTATIONS = (
    whole_model("rnn"),
    whole_model("rnn-relu")._replace(notes=canonical.kinks),
    tanh_example("columns", one_example.run_columns),
    tanh_example("steps", one_example.run_steps, without=frozenset({"x"})),
    tanh_example("rtrl", one_example.run_rtrl, without=frozenset({"x"})),
    whole_model("lstm"),
    whole_model("gru"),
    whole_model("gru-before"),
    whole_model("rnn-norm"),
    whole_model("lstm-norm"),
    whole_model("gru-norm"),
    *map(whole_model, OF_ALL_CELLS),
    *map(fast_path, bptt.CELLS),
)
# What can be run on an NVIDIA GPU alone.
ON_A_GPU = (by_cudnn(),)
