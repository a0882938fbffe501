"""What each update is fed: the same sequences each time, or the next window of a long text, by the update's number."""

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Bool, Float, Integer

from rnn_jax.arrays import Array
from rnn_jax.errors import require
from rnn_jax.problems import Problem


class Batch(NamedTuple):
    """One update's sequences; `fresh` says that they go on from nothing, and not from where the last update ended."""

    x: Integer[Array, "T B"] | Float[Array, "T B D"]
    y: Integer[Array, "T B"] | Float[Array, "T B K"]
    mask: Bool[Array, "T B"]
    fresh: Bool[Array, ""]


class Data(NamedTuple):
    """The arrays that batches are cut from, time first."""

    x: Array
    y: Array
    mask: Array


@dataclass(frozen=True)
class Feed:
    """How `Data` of (S, B, ...) becomes batches: windows of T steps one after the other, from the beginning again."""

    T: int
    windows: int

    def batch(self, data: Data, step: Integer[Array, ""]) -> Batch:
        """The batch of an update by its number, counted from 0."""
        which = step % self.windows
        x, y, mask = (lax.dynamic_slice_in_dim(each, which * self.T, self.T) for each in data)
        return Batch(x, y, mask, which == 0)


def of_problem(problem: Problem) -> tuple[Feed, Data]:
    """All of a problem's sequences in each update."""
    return Feed(len(problem.x), 1), Data(problem.x, problem.y, problem.mask)


def of_text(indices: Integer[np.ndarray, " N"], T: int, B: int) -> tuple[Feed, Data]:
    """A long text in B streams side by side, each as long as the others; an update reads T characters of each.

    What does not fill a last window is left out. Raises InputError where the text is too short for one window.
    """
    for name, value in (("T", T), ("B", B)):
        require(value >= 1, f"{name} is {value}, but 1 or more is right")
    windows = (len(indices) - 1) // B // T
    require(
        windows >= 1,
        f"the text has {len(indices):,} characters, but {B} streams of {T} steps need {B * T + 1:,}: "
        "fewer streams or shorter ones are right",
    )
    S = windows * T
    x, y = (np.ascontiguousarray(indices[k : k + B * S].reshape(B, S).T.astype(np.int32)) for k in (0, 1))
    return Feed(T, windows), Data(x, y, np.ones((S, B), bool))


def on_device(data: Data) -> Data:
    """The arrays where JAX computes."""
    return Data(*(jnp.asarray(each) for each in data))
