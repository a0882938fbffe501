"""Statements that are left out and that those beside them tell: found, named and mended in whole programs."""

import pytest
from small_programs import mended_there, of_damages, of_right_programs

from rnn_jax.verify.of_file import Expressions

# A batch of words, weights in a named tuple; the targets take off what the probabilities are multiplied with.
TUPLE = """from typing import NamedTuple

import numpy as np


class Weights(NamedTuple):
    E: np.ndarray
    W: np.ndarray
    U: np.ndarray
    V: np.ndarray


rng = np.random.RandomState(3)
w = Weights(rng.randn(5, 3), rng.randn(3, 4), rng.randn(4, 4) * 0.6, rng.randn(4, 5))
words = rng.randint(0, 5, (3, 5))


def run(w, words):
    h, kept, loss = np.zeros((len(words), 4)), [], 0.0
    for t in range(words.shape[1] - 1):
        x, old = w.E[words[:, t]], h
        h = np.tanh(x @ w.W + old @ w.U)
        s = h @ w.V
        p = np.exp(s - s.max(axis=1, keepdims=True))
        p = p / p.sum(axis=1, keepdims=True)
        loss -= np.sum(np.log(p[np.arange(len(p)), words[:, t + 1]])) / words.size
        kept.append((x, old, h, p))
    return loss, kept


def backward(w, words):
    _, kept = run(w, words)
    g = Weights(*[np.zeros_like(each) for each in w])
    scale = 1.0 / words.size
    dh = np.zeros((len(words), 4))
    for t in range(words.shape[1] - 2, -1, -1):
        x, old, h, p = kept[t]
        ds = scale * p
        ds[np.arange(len(p)), words[:, t + 1]] -= scale
        g.V[...] += h.T @ ds
        dh = dh + ds @ w.V.T
        slope = 1 - h * h
        g.W[...] += x.T @ (dh * slope)
        g.U[...] += old.T @ (dh * slope)
        np.add.at(g.E, words[:, t], (dh * slope) @ w.W.T)
        dh = (dh * slope) @ w.U.T
    return g
"""

# Two layers that are objects, input and state in one array, all weights from one vector.
OBJECTS = """import numpy as np


class Layer:
    def __init__(self, w):
        self.w, self.g = w, np.zeros_like(w)

    def forward(self, u):
        return u @ self.w

    def zero(self):
        self.g = np.zeros_like(self.w)

    def back(self, u, d):
        self.g += u.T @ d
        return d @ self.w.T


def parts(theta):
    return theta[:18].reshape(6, 3), theta[18:].reshape(7, 3)


class Net:
    def __init__(self, theta):
        self.low, self.high = (Layer(w.copy()) for w in parts(theta))

    def run(self, x, y):
        a, b, loss, self.kept = np.zeros((2, 3)), np.zeros((2, 3)), 0.0, []
        for xt, yt in zip(x, y):
            u = np.hstack([xt, a])
            a = np.tanh(self.low.forward(u))
            v = np.hstack([xt[:, :1], a, b])
            b = np.tanh(self.high.forward(v))
            loss += 0.5 * np.sum((b - yt) ** 2)
            self.kept.append((u, a, v, b, b - yt))
        return loss

    def backward(self):
        self.low.zero()
        self.high.zero()
        da, db = np.zeros((2, 3)), np.zeros((2, 3))
        for u, a, v, b, miss in reversed(self.kept):
            dv = self.high.back(v, (db + miss) * (1 - b * b))[:, 1:]
            db = dv[:, 3:]
            da = da + dv[:, :3]
            da = self.low.back(u, da * (1 - a * a))[:, 3:]
        found, at = np.zeros(39), 0
        for g in (self.low.g, self.high.g):
            found[at:at + g.size] = g.ravel()
            at += g.size
        return found


rng = np.random.RandomState(6)
theta = rng.randn(39) * 0.6
x, y = rng.randn(4, 2, 3), rng.randn(4, 2, 3)
net = Net(theta)


def cost(theta):
    net.low.w, net.high.w = parts(theta)
    return net.run(x, y)


def gradient(theta):
    cost(theta)
    return net.backward()
"""

CALLS = {TUPLE: Expressions("w", "run(w, words)[0]", "backward(w, words)"),
         OBJECTS: Expressions("theta", "cost(theta)", "gradient(theta)")}  # fmt: skip

MEANS = """import numpy as np

rng = np.random.RandomState(7)
x, y = rng.randn(5, 2), rng.randn(5, 3)
U, W, b = rng.randn(2, 3), rng.randn(3, 3) * 0.6, rng.randn(3)


def loss(U, W, b):
    h, total = np.zeros(3), 0.0
    for xt, yt in zip(x, y):
        h = np.tanh(xt @ U + h @ W + b)
        total += 0.5 * np.sum((h - yt) ** 2)
    return total / len(x)


def backward(U, W, b):
    hs = [np.zeros(3)]
    for xt in x:
        hs.append(np.tanh(xt @ U + hs[-1] @ W + b))
    dU, dW, db, dh, n = np.zeros_like(U), np.zeros_like(W), np.zeros_like(b), np.zeros(3), len(x)
    for t in reversed(range(n)):
        da = (dh + hs[t + 1] - y[t]) * (1 - hs[t + 1] ** 2)
        dU += np.outer(x[t], da)
        dW += np.outer(hs[t], da)
        db += da
        dh = W @ da
    return dU / n, dW / n, db / n
"""


def test_what_all_others_of_a_tuple_have(tmp_path):
    call = Expressions("U,W,b", "loss(U, W, b)", "backward(U, W, b)")
    right = "return dU / n, dW / n, db / n"
    finding = mended_there(tmp_path / "mine.py", MEANS, right, right.replace("dW / n", "dW"), call)
    assert finding.fix.after == (f"    {right}",)


DAMAGES = {
    "an array of a tuple": (TUPLE, "        g.U[...] += old.T @ (dh * slope)\n"),
    "rows by whole numbers": (TUPLE, "        np.add.at(g.E, words[:, t], (dh * slope) @ w.W.T)\n"),
    "the share of the target": (TUPLE, "        ds[np.arange(len(p)), words[:, t + 1]] -= scale\n"),
    "what is asked of another object": (OBJECTS, "        self.high.zero()\n"),
    "a cursor": (OBJECTS, "            at += g.size\n"),
}


test_the_right_programs_are_right = of_right_programs(CALLS)
LONG = {"rows by whole numbers", "the share of the target"}  # some ten seconds each
NAMES = [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in DAMAGES]
test_what_is_left_out_is_put_back = of_damages(CALLS, {n: (*each, "") for n, each in DAMAGES.items()}, NAMES)
