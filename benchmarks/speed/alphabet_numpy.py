"""The alphabet in NumPy as a learner writes it: dictionaries of columns, step by step, an outer product at each."""

from __future__ import annotations

from typing import Any

import letters
import numpy as np
from versus import Prepared


def prepare(case: dict[str, Any]) -> Prepared:
    """Updates by hand."""
    p = letters.weights()._asdict()
    inputs = [np.eye(letters.LETTERS)[:, [t]] for t in range(letters.LETTERS)]
    targets = [(t + 1) % letters.LETTERS for t in range(letters.LETTERS)]

    def softmax(o: np.ndarray) -> np.ndarray:
        e = np.exp(o - np.max(o))
        return e / e.sum()

    def forward() -> tuple[float, dict[int, np.ndarray], dict[int, np.ndarray]]:
        h, probabilities, loss = {-1: np.zeros((letters.H, 1))}, {}, 0.0
        for t, x in enumerate(inputs):
            h[t] = np.tanh(np.dot(p["U"], x) + np.dot(p["W"], h[t - 1]) + p["b"])
            probabilities[t] = softmax(np.dot(p["V"], h[t]) + p["c"])
            loss -= np.log(probabilities[t][targets[t], 0])
        return loss, h, probabilities

    def update() -> None:
        _, h, probabilities = forward()
        g = {name: np.zeros_like(value) for name, value in p.items()}
        dh_next = np.zeros_like(h[0])
        for t in reversed(range(letters.LETTERS)):
            do = np.copy(probabilities[t])
            do[targets[t]] -= 1
            g["V"] += np.dot(do, h[t].T)
            g["c"] += do
            da = (1 - h[t] * h[t]) * (np.dot(p["V"].T, do) + dh_next)
            g["b"] += da
            g["U"] += np.dot(da, inputs[t].T)
            g["W"] += np.dot(da, h[t - 1].T)
            dh_next = np.dot(p["W"].T, da)
        for name in p:
            p[name] -= letters.RATE * g[name]

    first = float(forward()[0])
    for _ in range(case["updates"]):
        update()
    later = float(forward()[0])

    def work(units: int) -> None:
        for _ in range(units):
            update()

    return Prepared(first, work, later=later)
