"""Every hand-written implementation in `reference/`, ready to be run at a point."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rnn_jax.verify import canonical, one_example
from rnn_jax.verify.autodiff import Values
from rnn_jax.verify.points import Point


class Implementation(NamedTuple):
    """One hand-written gradient: what it is judged on, and how it is run."""

    name: str
    cell: str  # the cell of rnn_jax whose gradient is the truth
    differentiate: Callable[[Point], Values]
    loss: Callable[[Point], Any]  # its own forward alone: complex numbers pass through it
    fits: Callable[[Point], bool] = lambda point: True
    without: frozenset[str] = frozenset()  # symbols that its derivation does not differentiate
    notes: Callable[[Point], tuple[str, ...]] = lambda point: ()


def whole_model(cell: str) -> Implementation:
    """A cell of the canonical model."""
    return Implementation(cell, cell, canonical.differentiate, canonical.loss)


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
)
