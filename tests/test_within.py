"""What is wrong within a curve or a quotient, what is carried side by side, what objects are never asked."""

import pytest
from small_programs import mended_there

from rnn_jax.verify.of_file import Expressions

UNIT = """import numpy as np

rng = np.random.RandomState(1)
T, n = 4, 3
x = rng.randn(T, 2)
W, U, v = rng.randn(n, n) * 0.7, rng.randn(n, 2), rng.randn(n)


def unit(h):
    size = np.sqrt(h @ h)
    return h / size, size


def unit_back(y, size, dy):
    return (dy - y * (y @ dy)) / size


def forward(x):
    h, hs, ys, sizes, scores = np.zeros(n), [np.zeros(n)], [], [], []
    for t in range(len(x)):
        h = np.tanh(W @ h + U @ x[t])
        y, size = unit(h)
        hs.append(h)
        ys.append(y)
        sizes.append(size)
        scores.append(v @ y)
    total = np.log(np.sum(np.exp(scores)))
    return total - scores[1], hs, ys, sizes, scores, total


def backward(x):
    _, hs, ys, sizes, scores, total = forward(x)
    dW, dU, dv, dh = np.zeros_like(W), np.zeros_like(U), np.zeros_like(v), np.zeros(n)
    for t in reversed(range(len(x))):
        share = np.exp(scores[t] - total)
        ds = share - (t == 1)
        dv += ds * ys[t]
        dh = dh + unit_back(ys[t], sizes[t], ds * v)
        da = dh * (1 - hs[t + 1] ** 2)
        dW += np.outer(da, hs[t])
        dU += np.outer(da, x[t])
        dh = W.T @ da
    return dW, dU, dv
"""

STAGES = """import numpy as np

rng = np.random.RandomState(3)
n, dt = 2, 0.4
W = rng.randn(n, n)
feeds, wanted = rng.randn(4, n), rng.randn(4, n)


def rate(c, feed):
    return feed - c + np.tanh(W @ c)


def loss():
    c, total = np.zeros(n), 0.0
    for feed, want in zip(feeds, wanted):
        k1 = rate(c, feed)
        k2 = rate(c + dt * k1, feed)
        c = c + dt / 2 * (k1 + k2)
        total += 0.5 * np.sum((c - want) ** 2)
    return total


def rates(c, S, feed):
    r = np.tanh(W @ c)
    slope = 1 - r**2
    jac = slope[:, None] * W - np.eye(n)
    direct = np.kron(np.diag(slope), c)
    return feed - c + r, jac @ S + direct


def sensitivities():
    c, S, grad = np.zeros(n), np.zeros((n, W.size)), np.zeros(W.size)
    for feed, want in zip(feeds, wanted):
        k1, s1 = rates(c, S, feed)
        k2, s2 = rates(c + dt * k1, S + dt * s1, feed)
        c = c + dt / 2 * (k1 + k2)
        S = S + dt / 2 * (s1 + s2)
        grad += (c - want) @ S
    return grad.reshape(W.shape)
"""

MODULES = """import numpy as np


class Part:
    def __init__(self, shapes, rng):
        self.w = [rng.randn(*s) * 0.7 for s in shapes]
        self.clear()

    def clear(self):
        self.g = [np.zeros_like(w) for w in self.w]


class Linear(Part):
    def run(self, x):
        return self.w[0] @ x + self.w[1]

    def back(self, x, dy):
        self.g[0] += np.outer(dy, x)
        self.g[1] += dy
        return self.w[0].T @ dy


class Cell(Part):
    def run(self, x, h):
        return np.tanh(self.w[0] @ x + self.w[1] @ h)

    def back(self, x, before, h, dh):
        da = dh * (1 - h**2)
        self.g[0] += np.outer(da, x)
        self.g[1] += np.outer(da, before)
        return self.w[1].T @ da


class Net:
    def __init__(self, seed):
        rng = np.random.RandomState(seed)
        self.cell = Cell([(3, 2), (3, 3)], rng)
        self.where, self.when = Linear([(2, 3), (2,)], rng), Linear([(1, 3), (1,)], rng)
        self.parts = [self.cell, self.where, self.when]

    def forward(self, xs):
        h, kept = np.zeros(3), []
        for x in xs:
            before, h = h, self.cell.run(x, h)
            kept.append((x, before, h))
        return kept

    def loss(self, xs, places, times):
        kept = self.forward(xs)
        return sum(
            0.5 * np.sum((self.where.run(h) - p) ** 2) + 0.5 * np.sum((self.when.run(h) - s) ** 2)
            for (_, _, h), p, s in zip(kept, places, times)
        )

    def gradients(self, xs, places, times):
        for part in self.parts:
            part.clear()
        dh = np.zeros(3)
        for (x, before, h), p, s in reversed(list(zip(self.forward(xs), places, times))):
            late = self.when.run(h) - s
            off = self.where.run(h) - p
            dh = dh + self.where.back(h, off) + self.when.back(h, late)
            dh = self.cell.back(x, before, h, dh)
        return [part.g for part in self.parts]


net = Net(2)
rng = np.random.RandomState(7)
xs, places, times = rng.randn(4, 2), rng.randn(4, 2), rng.randn(4, 1)
weights = [part.w for part in net.parts]
"""

SEQUENCES = """import numpy as np

rng = np.random.RandomState(4)
n, m = 3, 4
W, U, V = rng.randn(n, n) * 0.7, rng.randn(n, 2), rng.randn(m, n)
runs = [(rng.randn(3, 2), rng.rand(3, m)), (rng.randn(4, 2), rng.rand(4, m))]


def cell(x, h):
    new = np.tanh(W @ h + U @ x)

    def pull(dnew):
        da = dnew * (1 - new**2)
        return np.outer(da, h), np.outer(da, x), W.T @ da

    return new, pull


def run(xs):
    h, hs, pulls = np.zeros(n), [], []
    for x in xs:
        h, pull = cell(x, h)
        hs.append(h)
        pulls.append(pull)
    return hs, pulls


def loss():
    return sum(0.5 * np.sum((V @ h - y) ** 2) for xs, ys in runs for h, y in zip(run(xs)[0], ys))


def gradients():
    dW, dU, dV = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V)
    for xs, ys in runs:
        hs, pulls = run(xs)
        carried = np.zeros(n)
        for t in reversed(range(len(xs))):
            off = np.zeros(m)
            for k in range(m):
                off[k] = V[k] @ hs[t] - ys[t][k]
                dV[k] += off[k] * hs[t]
            dh = V.T @ off + carried
            gW, gU, back = pulls[t](dh)
            dW += gW
            dU += gU
            carried = back
    return dW, dU, dV
"""

CALLS = {
    "sequences": (SEQUENCES, Expressions("W,U,V", "loss()", "gradients()", None, None, None, 1.0)),
    "unit": (UNIT, Expressions("W,U,v", "forward(x)[0]", "backward(x)", None, None, None, 1.0)),
    "stages": (STAGES, Expressions("W", "loss()", "sensitivities()", None, None, None, 1.0)),
    "modules": (
        MODULES,
        Expressions(
            "weights", "net.loss(xs, places, times)", "net.gradients(xs, places, times)", None, None, None, 1.0
        ),
    ),
}

DAMAGES = [
    ("unit", "np.exp(scores[t] - total)", "np.exp(scores[t])"),
    ("unit", "(dy - y * (y @ dy)) / size", "(dy - (y @ dy)) / size"),
    ("unit", "(dy - y * (y @ dy)) / size", "dy - y * (y @ dy)"),
    ("stages", "        S = S + dt / 2 * (s1 + s2)\n", ""),
    ("stages", "jac @ S + direct", "S + direct"),
    ("sequences", "            carried = back\n", ""),
    ("sequences", "dnew * (1 - new**2)", "dnew"),
    ("sequences", "                off[k] = V[k] @ hs[t] - ys[t][k]\n", ""),
    ("modules", "part.clear()", "pass"),
    ("modules", "        self.g[1] += dy\n", ""),
    ("modules", " + self.when.back(h, late)", ""),
]


@pytest.mark.parametrize(("name", "old", "new"), DAMAGES)
def test_it_is_found_and_mended(tmp_path, name, old, new):
    program, call = CALLS[name]
    assert mended_there(tmp_path / "it.py", program, old, new, call).line
