"""The work of a training step that all do: the weights, the characters, and their loss; by a seed, in NumPy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
RATE = 1e-3


class Work(NamedTuple):
    """A character model in our own notation (x @ U + h @ W + b, h @ V + c), and what it reads and is to say, (T, B)."""

    cell: str
    U: np.ndarray
    W: np.ndarray
    b: np.ndarray
    V: np.ndarray
    c: np.ndarray
    x: np.ndarray
    y: np.ndarray


def work(case: dict[str, Any]) -> Work:
    """The same for everyone: case has cell, B, H, V (how many characters there are), T."""
    rng = np.random.default_rng(0)
    H, K, G = case["H"], case["V"], GATES[case["cell"]]

    def uniform(*shape: int, scale: float = H**-0.5) -> np.ndarray:
        return rng.uniform(-scale, scale, shape).astype(np.float32)

    x, y = rng.integers(0, K, (2, case["T"], case["B"])).astype(np.int32)
    # Large enough that work which is not the same shows in the loss: with logits near 0 it is log K whatever is done.
    U, V = uniform(K, G * H, scale=1.0), uniform(H, K, scale=1.0)
    return Work(case["cell"], U, uniform(H, G * H), uniform(G * H), V, uniform(K), x, y)


def operations(case: dict[str, Any]) -> float:
    """The multiplications and additions of a training step's matrix products: forward, and twice as many back.

    Of the input none: an index picks a row.
    """
    return 6.0 * case["T"] * case["B"] * case["H"] * (GATES[case["cell"]] * case["H"] + case["V"])
