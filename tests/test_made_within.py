"""Functions that a function has made once, layers of several sizes, gradients that are carried forward by entries."""

import ast

from small_programs import mended, of_damages, of_right_programs

from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.program import Program
from rnn_jax.verify.repair.live import LiveCode
from rnn_jax.verify.repair.readers import Readers

# Two layers of different sizes; the functions share what the one around them holds, and each takes some of it.
MADE = """import numpy as np


def make(sizes, decay):
    rng = np.random.RandomState(4)
    W = [{"U": rng.randn(n, m) * 0.7, "V": rng.randn(m, m) * 0.5} for n, m in zip(sizes, sizes[1:])]
    out = rng.randn(sizes[-1])

    def layer(w, x):
        y, h = np.zeros((len(x), len(w["V"]))), 0.0 * w["V"][0]
        for t in range(len(x)):
            h = np.tanh(x[t] @ w["U"] + h @ w["V"])
            y[t] = h
        return y

    def back(w, x, y, dy):
        da, sent = np.zeros_like(y), 0.0
        for t in range(len(x) - 1, -1, -1):
            da[t] = (dy[t] + sent) * (1 - y[t] ** 2)
            sent = da[t] @ w["V"].T
        return {"U": x.T @ da, "V": y[:-1].T @ da[1:]}, da @ w["U"].T

    def shrinkage():
        return 0.5 * decay * sum((w["V"] ** 2).sum() for w in W)

    def loss(x, target):
        ys = [x]
        for w in W:
            ys.append(layer(w, ys[-1]))
        e = ys[-1] @ out - target
        return (e**2).mean() / (e**2 + 1).mean() + shrinkage()

    def gradient(x, target):
        ys = [x]
        for w in W:
            ys.append(layer(w, ys[-1]))
        e = ys[-1] @ out - target
        top = (e**2).mean()
        below = (e**2).mean() + 1
        de = 2 * e / len(e) * (below - top) / below**2
        g, dy = [], de[:, None] * out
        for k in (1, 0):
            each, dy = back(W[k], ys[k], ys[k + 1], dy)
            each["V"] = each["V"] + decay * W[k]["V"]
            g.insert(0, each)
        return [g, ys[-1].T @ de]

    return [W, out], loss, gradient


weights, loss, gradient = make([2, 4, 3], 0.05)
rng = np.random.RandomState(5)
x, target = rng.randn(5, 2), rng.randn(5)
"""

# A gate's place is an axis of its own.
GATES = """import numpy as np

rng = np.random.RandomState(6)
p = {"W": rng.randn(3, 2, 3) * 0.6, "U": rng.randn(3, 2, 3) * 0.6, "b": rng.randn(2, 3) * 0.3}
x, y = rng.randn(4, 2, 3), rng.randn(2, 3)


def forward():
    h, kept = np.zeros((2, 3)), []
    for t in range(4):
        a = np.tensordot(x[t], p["W"], 1) + np.tensordot(h, p["U"], 1) + p["b"]
        f, c = 1 / (1 + np.exp(-a[:, 0])), np.tanh(a[:, 1])
        kept.append((h, f, c))
        h = f * h + (1 - f) * c
    return 0.5 * np.sum((h - y) ** 2), h, kept


def backward():
    _, h, kept = forward()
    dW, dU, db = [np.zeros_like(v) for v in p.values()]
    dh = h - y
    for t in range(3, -1, -1):
        h, f, c = kept[t]
        da = np.stack([dh * (h - c) * f * (1 - f), dh * (1 - f) * (1 - c**2)], 1)
        dW += np.tensordot(x[t].T, da, 1)
        dU += np.tensordot(h.T, da, 1)
        db += da.sum(0)
        dh = dh * f + np.tensordot(da, p["U"], ((1, 2), (1, 2)))
    return [dW, dU, db]
"""

# A tank that leaks, with a pump for each part of the day: derivatives of the level go forward, in plain numbers.
TANK = """import numpy as np

theta = np.array([0.3, -0.4, 0.2, 0.6, -0.2])
seen = [0.9, 1.4, 1.1, 0.6, 1.3, 1.0, 0.8]
parts = 2


def squashed(v):
    return 1 / (1 + np.exp(-v))


def misfit(theta):
    keep, gain = squashed(theta[0]), squashed(theta[1])
    level, drift = theta[2], 0.0
    pump = [theta[3], theta[4]]
    total = 0.0
    for t in range(len(seen)):
        e = seen[t] - (keep * level + pump[t % parts] + drift)
        level = keep * level + pump[t % parts] + gain * e
        drift = 0.5 * drift + gain * e
        pump[t % parts] = pump[t % parts] + 0.1 * gain * e
        total = total + 0.5 * e * e
    return total


def slopes(theta):
    keep, gain = squashed(theta[0]), squashed(theta[1])
    level, drift, pump = theta[2], 0.0, [theta[3], theta[4]]
    n = len(theta)
    by_level, by_drift, by_pump = [0.0] * n, [0.0] * n, [[0.0] * n for _ in range(parts)]
    by_level[2] = 1.0
    for k in range(parts):
        by_pump[k][3 + k] = 1.0
    g = np.zeros(n)
    for t in range(len(seen)):
        k = t % parts
        miss = seen[t] - (keep * level + pump[k] + drift)
        for j in range(n):
            inflow = keep * by_level[j] + by_pump[k][j]
            if j == 0:
                inflow += keep * (1 - keep) * level
            by_e = -inflow - by_drift[j]
            by_gain = gain * (1 - gain) * miss if j == 1 else 0.0
            by_level[j] = inflow + gain * by_e + by_gain
            by_drift[j] = 0.5 * by_drift[j] + gain * by_e + by_gain
            by_pump[k][j] = by_pump[k][j] + 0.1 * gain * by_e + 0.1 * by_gain
            g[j] += miss * by_e
        level, drift = keep * level + pump[k] + gain * miss, 0.5 * drift + gain * miss
        pump[k] = pump[k] + 0.1 * gain * miss
    return g
"""

CALLS = {
    MADE: Expressions("weights", "loss(x, target)", "gradient(x, target)"),
    GATES: Expressions("p", "forward()[0]", "backward()"),
    TANK: Expressions("theta", "misfit(theta)", "slopes(theta)"),
}

# The program, what stands there, what it is damaged to (nothing: the line is left out).
DAMAGES = {
    "what is sent on, in layers of two sizes": (MADE, '            sent = da[t] @ w["V"].T\n', ""),
    "what is computed once more": (MADE, "below = (e**2).mean() + 1", "below = (e**2).mean()"),
    "a sum over the batch": (GATES, "        db += da.sum(0)\n", ""),
    "a product over the batch": (GATES, "        dU += np.tensordot(h.T, da, 1)\n", ""),
    "a path to one entry": (TANK, "by_drift[j] = 0.5 * by_drift[j] + gain * by_e", "by_drift[j] = gain * by_e"),
    "what is done for one entry": (TANK, "inflow += keep * (1 - keep) * level", "pass"),
    "an index that a loop has left": (TANK, "        k = t % parts\n", ""),
    "a state that goes on, by another name": (TANK, "        pump[k] = pump[k] + 0.1 * gain * miss\n", ""),
    "two states that go on": (
        TANK,
        "        level, drift = keep * level + pump[k] + gain * miss, 0.5 * drift + gain * miss\n",
        "",
    ),
}


test_the_right_programs_are_right = of_right_programs(CALLS)
test_it_is_mended_where_it_was_damaged = of_damages(CALLS, DAMAGES)


def test_what_its_sibling_alone_takes_from_around(tmp_path):
    left_out = '            each["V"] = each["V"] + decay * W[k]["V"]\n'
    assert MADE.count(left_out) == 1
    # It may as well stand where each layer's gradients are made.
    assert "decay" in mended(tmp_path / "mine.py", MADE.replace(left_out, ""), CALLS[MADE]).fix.diff


def test_what_an_index_hangs_on_is_known_by_who_reads_it(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(TANK)
    program = Program(path)
    program.load()
    live = LiveCode(FileSubject(program, CALLS[TANK]))
    lines = TANK.split("\n")
    at_line = {
        site: node.lineno for spot in live.spots for site, node in live.sites(spot) if isinstance(node, ast.Assign)
    }
    index = next(site for site, line in at_line.items() if lines[line - 1].strip() == "k = t % parts")
    read = {lines[at_line[site] - 1].strip() for site in Readers(live).of(index) if site in at_line}
    assert read == {
        "miss = seen[t] - (keep * level + pump[k] + drift)",
        "inflow = keep * by_level[j] + by_pump[k][j]",
        "by_pump[k][j] = by_pump[k][j] + 0.1 * gain * by_e + 0.1 * by_gain",
        "level, drift = keep * level + pump[k] + gain * miss, 0.5 * drift + gain * miss",
        "pump[k] = pump[k] + 0.1 * gain * miss",
        "by_pump[k][3 + k] = 1.0",
    }
