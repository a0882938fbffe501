"""The alphabet: 26 letters, each to be followed by the next, ten hidden units, SGD at 0.01; and the first weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LETTERS, H, RATE = 26, 10, 0.01


class Weights(NamedTuple):
    """Of columns: h[t] = tanh(U x[t] + W h[t-1] + b), o[t] = V h[t] + c."""

    U: np.ndarray
    W: np.ndarray
    b: np.ndarray
    V: np.ndarray
    c: np.ndarray


def weights() -> Weights:
    """As rnn_jax's problem `alphabet` has them: small, normal, biases of zero."""
    rng = np.random.RandomState(1)
    W, U, V = (0.01 * rng.randn(*shape) for shape in ((H, H), (H, LETTERS), (LETTERS, H)))
    return Weights(U, W, np.zeros((H, 1)), V, np.zeros((LETTERS, 1)))
