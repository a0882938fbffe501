"""Statements that are missing as a whole: sums of shares, rows of gates, calls of own functions, items of a list."""

import numpy as np
from small_programs import of_damages, of_right_programs

from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.repair.contractions import contractions
from rnn_jax.verify.repair.expressions import parsed
from rnn_jax.verify.repair.harvest import Values
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.shares import cut_of, stretch
from rnn_jax.verify.repair.totals import totals
from rnn_jax.verify.repair.tree import names_in

# A GRU on columns, the state on top of the input; its gradients are in a tuple, of which nothing is renewed.
COLUMNS = """from collections import namedtuple

import numpy as np

Weights = namedtuple("Weights", "Wz Wr Wc start")
rng = np.random.RandomState(0)
n, d = 3, 2
w = Weights(*(rng.randn(n, n + d) * 0.7 for _ in range(3)), rng.randn(n, 1))
xs, y = rng.randn(4, d, 1), rng.randn(n, 1)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def forward(w):
    h, kept = w.start, []
    for x in xs:
        hx = np.vstack((h, x))
        z, r = sigmoid(w.Wz @ hx), sigmoid(w.Wr @ hx)
        c = np.tanh(w.Wc @ np.vstack((r * h, x)))
        kept.append((x, h, z, r, c))
        h = (1 - z) * h + z * c
    return 0.5 * np.sum((h - y) ** 2), h, kept


def backward(w):
    _, h, kept = forward(w)
    g = Weights(*(np.zeros_like(each) for each in w))
    dh = h - y
    for x, h, z, r, c in reversed(kept):
        dc = dh * z * (1 - c**2)
        g.Wc[:] += dc @ np.vstack((r * h, x)).T
        drh = (w.Wc.T @ dc)[:n]
        dr = drh * h * r * (1 - r)
        dz = dh * (c - h) * z * (1 - z)
        hx = np.vstack((h, x))
        g.Wr[:] += dr @ hx.T
        g.Wz[:] += dz @ hx.T
        dh = dh * (1 - z) + drh * r + (w.Wr.T @ dr)[:n] + (w.Wz.T @ dz)[:n]
    g.start[:] += dh
    return g
"""

# The gates of an LSTM one below the other, the batch side by side; a readout that hands a list back.
ROWS = """import numpy as np

rng = np.random.RandomState(1)
n, m = 3, 5
W, b = rng.randn(4 * n, 2 + n) * 0.6, rng.randn(4 * n, 1) * 0.3
V = rng.randn(m, n)
xs, ys = rng.randn(4, 2, 6), rng.randint(0, m, (4, 6))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def steps(xs):
    h = c = np.zeros((n, xs.shape[2]))
    hs, kept = [], []
    for x in xs:
        v = np.vstack((x, h))
        a = W @ v + b
        i, f, g, o = sigmoid(a[:n]), sigmoid(a[n : 2 * n]), np.tanh(a[2 * n : 3 * n]), sigmoid(a[3 * n :])
        before, c = c, f * c + i * g
        h = o * np.tanh(c)
        kept.append((v, i, f, g, o, before, np.tanh(c)))
        hs.append(h)
    return hs, kept


def guesses(hs):
    ps = [np.exp(V @ h) for h in hs]
    return [p / p.sum(axis=0) for p in ps]


def loss():
    ps = guesses(steps(xs)[0])
    return -sum(np.log(p[y, np.arange(len(y))]).sum() for p, y in zip(ps, ys))


def readout_back(hs, ps, dV):
    back = []
    for h, p, y in zip(hs, ps, ys):
        dp = p.copy()
        dp[y, np.arange(len(y))] -= 1
        dV += dp @ h.T
        back.append(V.T @ dp)
    return back


def grads():
    hs, kept = steps(xs)
    dW, db, dV = np.zeros_like(W), np.zeros_like(b), np.zeros_like(V)
    dhs = readout_back(hs, guesses(hs), dV)
    dh_next = dc_next = np.zeros_like(hs[0])
    for t in range(len(dhs) - 1, -1, -1):
        v, i, f, g, o, before, tc = kept[t]
        dh = dhs[t] + dh_next
        dc = dh * o * (1 - tc**2) + dc_next
        da = np.zeros((4 * n, v.shape[1]))
        da[:n] = dc * g * i * (1 - i)
        da[n : 2 * n] = dc * before * f * (1 - f)
        da[2 * n : 3 * n] = dc * i * (1 - g**2)
        da[3 * n :] = dh * tc * o * (1 - o)
        dW += da @ v.T
        db += da.sum(axis=1, keepdims=True)
        dh_next = (W.T @ da)[2:]
        dc_next = dc * f
    return dW, db, dV
"""

# A state on a ring; a function of its own gives the gradients of both kernels.
RING = """import numpy as np

rng = np.random.RandomState(2)
K, U = rng.randn(2, 2, 3) * 0.5, rng.randn(2, 1, 3)
film, y = rng.randn(4, 1, 5), rng.randn(2, 5)


def around(K, x):
    return sum(K[:, :, j] @ np.roll(x, j - 1, axis=1) for j in range(K.shape[2]))


def back(K, d):
    return sum(K[:, :, j].T @ np.roll(d, 1 - j, axis=1) for j in range(K.shape[2]))


def of_kernel(shape, x, d):
    dK = np.zeros(shape)
    for j in range(shape[2]):
        dK[:, :, j] = d @ np.roll(x, j - 1, axis=1).T
    return dK


def loss(film):
    h = np.zeros((2, 5))
    for x in film:
        h = np.tanh(around(K, h) + around(U, x))
    return 0.5 * np.sum((h - y) ** 2)


def grads(film):
    hs = [np.zeros((2, 5))]
    for x in film:
        hs.append(np.tanh(around(K, hs[-1]) + around(U, x)))
    dK, dU, dh = np.zeros_like(K), np.zeros_like(U), hs[-1] - y
    for t in range(len(film) - 1, -1, -1):
        da = dh * (1 - hs[t + 1] ** 2)
        dK += of_kernel(dK.shape, hs[t], da)
        dU += of_kernel(dU.shape, film[t], da)
        dh = back(K, da)
    return dK, dU
"""

# Two units, each with a line of its own; both hang on both.
UNITS = """import numpy as np

w = np.random.RandomState(3).randn(8) * 0.6
xs, ys = np.random.RandomState(4).randn(2, 5)


def run(w):
    a, b = [0.0], [0.0]
    for x in xs:
        before = a[-1], b[-1]
        a.append(np.tanh(w[0] * x + w[1] * before[0] + w[2] * before[1]))
        b.append(np.tanh(w[3] * x + w[4] * before[0] + w[5] * before[1]))
    return a, b


def error(w):
    a, b = run(w)
    return sum(0.5 * (w[6] * a[t + 1] + w[7] * b[t + 1] - ys[t]) ** 2 for t in range(len(xs)))


def slope(w):
    a, b = run(w)
    g, da, db = [0.0] * 8, 0.0, 0.0
    for t in range(len(xs) - 1, -1, -1):
        dy = w[6] * a[t + 1] + w[7] * b[t + 1] - ys[t]
        g[6] += dy * a[t + 1]
        g[7] += dy * b[t + 1]
        da += dy * w[6]
        db += dy * w[7]
        pa = da * (1 - a[t + 1] * a[t + 1])
        pb = db * (1 - b[t + 1] * b[t + 1])
        g[0] += pa * xs[t]
        g[1] += pa * a[t]
        g[2] += pa * b[t]
        g[3] += pb * xs[t]
        g[4] += pb * a[t]
        g[5] += pb * b[t]
        da = pa * w[1] + pb * w[4]
        db = pa * w[2] + pb * w[5]
    return np.array(g)
"""

CALLS = {
    COLUMNS: Expressions("w", "forward(w)[0]", "backward(w)"),
    ROWS: Expressions("W,b,V", "loss()", "grads()"),
    RING: Expressions("K,U", "loss(film)", "grads(film)"),
    UNITS: Expressions("w", "error(w)", "slope(w)"),
}

# The program and the line that is left out.
LEFT_OUT = {
    "four terms": (COLUMNS, "        dh = dh * (1 - z) + drh * r + (w.Wr.T @ dr)[:n] + (w.Wz.T @ dz)[:n]\n"),
    "a sum in a tuple": (COLUMNS, "        g.Wr[:] += dr @ hx.T\n"),
    "the rows of a gate": (ROWS, "        da[:n] = dc * g * i * (1 - i)\n"),
    "the items of a list": (ROWS, "        back.append(V.T @ dp)\n"),
    "what a function of its own gives": (RING, "        dU += of_kernel(dU.shape, film[t], da)\n"),
    "one of two lines alike": (UNITS, "        da += dy * w[6]\n"),
}


test_the_right_programs_are_right = of_right_programs(CALLS)
test_what_is_left_out_is_put_back = of_damages(CALLS, {n: (*each, "") for n, each in LEFT_OUT.items()})


def known_as(**arrays):
    return Monomials({name: Values(("array", "f", a.shape[1:]), list(a)) for name, a in arrays.items()}, "np")


def test_where_in_a_whole_a_part_lies():
    whole = np.arange(12).reshape(4, 3)
    assert cut_of(whole[:2].ravel(), (4, 3)) == (0, 0, 2)
    assert cut_of(whole[:, 1:].ravel(), (4, 3)) == (1, 1, 3)
    assert cut_of(whole[1:3, 1:].ravel(), (4, 3)) is None
    assert cut_of(whole.ravel(), (4, 3)) is None
    assert stretch(0, 2, 4, {2: "n"}) == ":n"
    assert stretch(3, 5, 5, {2: "n"}) == "-n:"
    assert stretch(3, 5, 5, {2: "n", 3: "d"}) == "d:"
    assert stretch(1, 2, 5, {}) == "1:2"


def test_sums_over_axes_of_three_factors_times_a_slope_that_stays():
    rng = np.random.default_rng(0)
    d, v, s = rng.normal(size=(3, 4, 3, 5))  # iterations, batch, units
    decay = rng.uniform(0.2, 0.8, size=5)
    here = {"d": d, "v": v, "s": s, "decay": np.tile(decay, (4, 1))}
    known = known_as(**here)
    wanted = (d * v * (1 - s)).sum(axis=(0, 1)) * decay * (1 - decay)
    (made,) = totals(known, wanted)
    given = [eval(made.text, {}, {name: each[k] for name, each in here.items()}) for k in range(4)]
    assert np.allclose(np.sum(given, axis=0), wanted, rtol=1e-12)
    assert "decay" in made.text
    assert not list(totals(known, wanted + 0.01))


def test_sums_over_all_axes_but_one():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 3, 2, 4, 3, 5))
    (made, *_) = totals(known_as(a=a, b=b), np.einsum("tbhef,tbhef->h", a, b))
    assert made.text == "(a * b).sum(axis=(0, 2, 3))"


def test_products_that_are_added_up_at_each_visit():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 6, 2, 3, 4, 5))
    wanted = np.einsum("tbhef,tbhef->tbh", a, b)
    (made,) = contractions(known_as(a=a, b=b), list(wanted))
    assert made.text == "(a * b).sum(axis=(2, 3))"
    (later,) = contractions(known_as(a=a, b=b), list(wanted[2:]), 2)
    assert later.text == made.text
    assert not list(contractions(known_as(a=a, b=b), list(wanted[::-1])))


def test_three_factors_that_are_added_up_at_each_visit():
    rng = np.random.default_rng(3)
    dh, step, x = rng.normal(size=(6, 2, 3, 4)), rng.normal(size=(6, 2, 3)), rng.normal(size=(6, 2, 3))
    (made,) = contractions(known_as(dh=dh, step=step, x=x), list(np.einsum("tbdn,tbd,tbd->tbn", dh, step, x)))
    assert made.text.endswith(".sum(axis=1)")
    assert {"dh", "step", "x"} <= names_in(parsed(made.text))
