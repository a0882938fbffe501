"""Recording arrays for all arrays of a program at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnn_jax.verify.trace.arrays import Recorded
from rnn_jax.verify.trace.tape import NOTHING


def shadowed(arrays: dict[int, np.ndarray]) -> dict[int, Recorded]:
    """A recording array for each, those that share memory sharing their ids."""
    owners: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    made = {}
    for key, value in arrays.items():
        owner: Any = value
        while isinstance(owner.base, np.ndarray) and owner.base.dtype == value.dtype:
            owner = owner.base
        contiguous = owner.flags.c_contiguous or owner.flags.f_contiguous
        if not contiguous or not value.size:
            made[key] = Recorded.make(value, np.full_like(value, NOTHING, dtype=int, subok=False))
            continue
        if id(owner) not in owners:
            owners[id(owner)] = owner, np.full(owner.size, NOTHING)
        ids = owners[id(owner)][1]
        offset = (value.__array_interface__["data"][0] - owner.__array_interface__["data"][0]) // value.itemsize
        steps = tuple(stride // value.itemsize * ids.itemsize for stride in value.strides)
        view = np.ndarray(value.shape, ids.dtype, ids, offset * ids.itemsize, steps)
        made[key] = Recorded.make(value, view)
    return made
