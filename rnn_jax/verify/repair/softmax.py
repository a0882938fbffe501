"""What goes back through a softmax: dz = p * (dp - (dp * p).sum()), with p what it gave.

The last part is a sum of products over all entries, so that the whole is no product and no sum of two of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.expressions import Written
from rnn_jax.verify.repair.monomials import Monomials

NEAR = 1e-6  # as of all that comes from solving equations
ONE = 1e-9  # of a sum that rounding alone moves
COST = 2.0


def through_softmax(here: Monomials, wanted: list[np.ndarray], start: int = 0) -> Iterator[Written]:
    """The values that are this: of each array of shares that add up to 1, along the last axis, and of each other."""
    shape, window = wanted[0].shape, slice(start, start + len(wanted))
    goal = np.stack(wanted)
    size = float(np.linalg.norm(goal))
    if not shape or not size or not np.isfinite(size):
        return
    same = [(t, v[window]) for t, v in here.single if v.shape[1:] == shape and len(v) >= start + len(wanted)]
    shares = [(t, v) for t, v in same if np.all(v >= 0) and np.all(np.abs(np.sum(v, axis=-1) - 1) <= ONE)]
    for p, share in shares:
        for d, given in same:
            made = share * (given - np.sum(given * share, axis=-1, keepdims=True))
            if np.linalg.norm(made - goal) <= NEAR * size:
                along = ", axis=-1, keepdims=True" if len(shape) > 1 else ""
                yield Written(f"{p} * ({d} - {here.numpy}.sum({d} * {p}{along}))", [], COST)
