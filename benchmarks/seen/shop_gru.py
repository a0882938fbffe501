"""GRU as in Cho et al. (2014): the reset gate is applied to the state *before* the matrix.

Customers have histories of different length; after the end of a history the state just stands.
"""
from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

Array = np.ndarray


@dataclass
class Gru:
    update_x: Array
    update_h: Array
    update_b: Array
    reset_x: Array
    reset_h: Array
    reset_b: Array
    cand_x: Array
    cand_h: Array
    cand_b: Array
    head: Array

    @classmethod
    def random(cls, inputs: int, units: int, outputs: int, rng) -> Gru:
        square = lambda: rng.normal(scale=0.5, size=(units, units))
        wide = lambda: rng.normal(scale=0.7, size=(inputs, units))
        bias = lambda: rng.normal(scale=0.1, size=units)
        gates = [make() for _ in range(3) for make in (wide, square, bias)]
        return cls(*gates, head=rng.normal(size=(units, outputs)))

    def zeros_like(self) -> Gru:
        return Gru(*(np.zeros_like(getattr(self, f.name)) for f in fields(self)))


class Step(NamedTuple):
    x: Array
    before: Array
    alive: Array
    z: Array
    r: Array
    n: Array


def sigmoid(a: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-a))


def encode(gru: Gru, x: Array, length: Array, h: Array) -> tuple[Array, list[Step]]:
    steps = []
    for t in range(x.shape[0]):
        alive = (t < length).astype(float)[:, None]
        z = sigmoid(x[t] @ gru.update_x + h @ gru.update_h + gru.update_b)
        r = sigmoid(x[t] @ gru.reset_x + h @ gru.reset_h + gru.reset_b)
        n = np.tanh(x[t] @ gru.cand_x + (r * h) @ gru.cand_h + gru.cand_b)
        steps.append(Step(x[t], h, alive, z, r, n))
        h = alive * (z * h + (1 - z) * n) + (1 - alive) * h
    return h, steps


def loss(gru: Gru, x: Array, length: Array, h0: Array, spent: Array) -> float:
    h, _ = encode(gru, x, length, h0)
    return np.mean((h @ gru.head - spent) ** 2)


def grad(gru: Gru, x: Array, length: Array, h0: Array, spent: Array) -> tuple[Gru, Array]:
    h, steps = encode(gru, x, length, h0)
    d = gru.zeros_like()
    derr = 2 * (h @ gru.head - spent) / spent.size
    d.head += h.T @ derr
    dh = derr @ gru.head.T
    for s in reversed(steps):
        dnew = s.alive * dh
        dcand = dnew * (1 - s.z) * (1 - s.n**2)
        dreset_h = dcand @ gru.cand_h.T
        dupdate = dnew * (s.before - s.n) * s.z * (1 - s.z)
        dreset = dreset_h * s.before * s.r * (1 - s.r)
        for gate, da, rec in (("update", dupdate, s.before), ("reset", dreset, s.before), ("cand", dcand, s.r * s.before)):
            setattr(d, f"{gate}_x", getattr(d, f"{gate}_x") + s.x.T @ da)
            setattr(d, f"{gate}_h", getattr(d, f"{gate}_h") + rec.T @ da)
            setattr(d, f"{gate}_b", getattr(d, f"{gate}_b") + da.sum(axis=0))
        dh = (1 - s.alive) * dh + dnew * s.z + dreset_h * s.r + dupdate @ gru.update_h.T + dreset @ gru.reset_h.T
    return d, dh


rng = np.random.default_rng(8)
gru = Gru.random(2, 4, 1, rng)
x, h0 = rng.normal(size=(5, 3, 2)), rng.normal(scale=0.5, size=(3, 4))
length, spent = np.array([5, 3, 4]), rng.normal(size=(3, 1))
