"""The gradient by hand in NumPy: reference/, vectorised over the batch, weight gradients added step by step."""

from __future__ import annotations

import tracemalloc
from typing import Any

import characters
import numpy as np
from versus import Prepared

from reference import losses, model, parameters


def prepare(case: dict[str, Any]) -> Prepared:
    """Gradients of the mean loss of a character model, in float32."""
    w = characters.work(case)
    zero = np.zeros((case["B"], case["H"]), np.float32)
    bh = np.zeros_like(w.b) if w.cell == "gru" else None
    params = model.Params(((parameters.Params(w.U, w.W, w.b, bh),),), w.V, w.c)
    start = ((parameters.State(zero, zero if w.cell == "lstm" else None),),)

    def gradient() -> float:
        o, _, cache = model.forward(params, w.x, start, cell=w.cell)
        do = losses.cross_entropy_gradient(o, w.y, reduction="mean")
        model.backward(params, cache, do, start, cell=w.cell)  # zeros for the final states' gradients
        return float(losses.cross_entropy(o, w.y, reduction="mean"))

    tracemalloc.start()
    loss = gradient()
    stored = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    def work(units: int) -> None:
        for _ in range(units):
            gradient()

    return Prepared(loss, work, stored=stored)
