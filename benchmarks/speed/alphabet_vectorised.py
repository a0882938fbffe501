"""The alphabet in NumPy with all that can be in one product: only the recurrence is a loop, over rows."""

from __future__ import annotations

from typing import Any

import letters
import numpy as np
from versus import Prepared


def prepare(case: dict[str, Any]) -> Prepared:
    """Updates by hand; the one-hot input picks a column of U, all letters in order."""
    start = letters.weights()
    U, W, V = start.U.T.copy(), start.W.T.copy(), start.V.T.copy()
    b, c = np.zeros(letters.H), np.zeros(letters.LETTERS)
    steps = np.arange(letters.LETTERS)
    targets = np.roll(steps, -1)
    h, da = np.zeros((letters.LETTERS + 1, letters.H)), np.zeros((letters.LETTERS, letters.H))

    def forward() -> tuple[float, np.ndarray]:
        a = U + b
        for t in steps:
            h[t + 1] = np.tanh(a[t] + h[t] @ W)
        o = h[1:] @ V + c
        o -= o.max(axis=1, keepdims=True)
        e = np.exp(o)
        total = e.sum(axis=1, keepdims=True)
        return float(np.sum(np.log(total[:, 0]) - o[steps, targets])), e / total

    def update() -> None:
        nonlocal U, W, b, V, c
        _, do = forward()
        do[steps, targets] -= 1
        dh = do @ V.T
        slope, back, carried = 1 - h[1:] ** 2, W.T, np.zeros(letters.H)
        for t in steps[::-1]:
            da[t] = (dh[t] + carried) * slope[t]
            carried = da[t] @ back
        V = V - letters.RATE * (h[1:].T @ do)
        c = c - letters.RATE * do.sum(axis=0)
        U = U - letters.RATE * da
        W = W - letters.RATE * (h[:-1].T @ da)
        b = b - letters.RATE * da.sum(axis=0)

    first = forward()[0]
    for _ in range(case["updates"]):
        update()
    later = forward()[0]

    def work(units: int) -> None:
        for _ in range(units):
            update()

    return Prepared(first, work, later=later)
