"""Statements and terms that are left out: what has to stand there is found by its values, and is named first."""

import pytest
from small_programs import line_of, mended, of_right_programs

from rnn_jax.verify.of_file import Expressions

# Both directions of time, each swept back by one function that fills an array; too few numbers in the gradients of one
# to tell by themselves what stood in it.
BOTH = """import numpy as np

rng = np.random.RandomState(1)
x, y = rng.randn(6, 1), rng.randn(6)
p = {d + k: rng.randn(*s) * 0.7 for d in ("f", "b") for k, s in (("U", (1, 3)), ("W", (3, 3)), ("v", (3,)))}


def sweep(d, x):
    h, hs = np.zeros(3), []
    for k in range(len(x)):
        h = np.tanh(x[k] @ p[d + "U"] + h @ p[d + "W"])
        hs.append(h)
    return np.stack(hs)


def forward():
    hf, hb = sweep("f", x), sweep("b", x[::-1])[::-1]
    o = hf @ p["fv"] + hb @ p["bv"]
    return 0.5 * np.sum((o - y) ** 2), hf, hb, o


def sweep_back(g, d, x, hs, dhs):
    before = np.concatenate([np.zeros((1, 3)), hs[:-1]])
    delta = np.zeros_like(hs)
    carry = 0.0
    for k in reversed(range(len(x))):
        delta[k] = (dhs[k] + carry) * (1 - hs[k] ** 2)
        carry = delta[k] @ p[d + "W"].T
    g[d + "U"], g[d + "W"] = x.T @ delta, before.T @ delta


def backward():
    _, hf, hb, o = forward()
    do = o - y
    g = {"fv": hf.T @ do, "bv": hb.T @ do}
    sweep_back(g, "f", x, hf, np.outer(do, p["fv"]))
    sweep_back(g, "b", x[::-1], hb[::-1], np.outer(do, p["bv"])[::-1])
    return {name: g[name] for name in p}
"""

# One vector of all weights; a name f beside keys that are f-strings.
FLAT = """import numpy as np

rng = np.random.RandomState(2)
T, D, H = 3, 1, 2
x, y = rng.randn(T, D), rng.randn(T, H)
theta = rng.randn(2 * D * H + 2 * H * H + 2 * H) * 0.6


def views(flat):
    found, at = {}, 0
    for k in range(2):
        for name, shape in (("U", (D, H)), ("W", (H, H)), ("b", (H,))):
            size = int(np.prod(shape))
            found[f"{name}{k}"] = flat[at : at + size].reshape(shape)
            at += size
    return found


def cost(theta):
    p, grad = views(theta), np.zeros_like(theta)
    g = views(grad)
    h, kept, loss = np.zeros(H), [], 0.0
    for t in range(T):
        f = 1 / (1 + np.exp(-(x[t] @ p[f"U{0}"] + h @ p[f"W{0}"] + p[f"b{0}"])))
        u = np.tanh(x[t] @ p[f"U{1}"] + h @ p[f"W{1}"] + p[f"b{1}"])
        kept.append((h, f, u))
        h = f * h + (1 - f) * u
        loss += 0.5 * np.sum((h - y[t]) ** 2)
    dh = np.zeros(H)
    for t in reversed(range(T)):
        h_old, f, u = kept.pop()
        dh = dh + f * h_old + (1 - f) * u - y[t]
        da = [dh * (h_old - u) * f * (1 - f), dh * (1 - f) * (1 - u**2)]
        dh = dh * f
        for k in range(2):
            g[f"U{k}"] += np.outer(x[t], da[k])
            g[f"W{k}"] += np.outer(h_old, da[k])
            g[f"b{k}"] += da[k]
            dh = dh + p[f"W{k}"] @ da[k]
    return loss, grad
"""

# Oscillators that know nothing of each other, each with the traces of its own decay and pace.
TRACES = """import numpy as np

rng = np.random.RandomState(3)
x, y = rng.randn(5, 4, 2), rng.randn(5, 4, 2)
bank = {"a": rng.uniform(0.3, 0.8, 4), "w": rng.uniform(0.2, 1.5, 4)}


def turn(s):
    p, q = bank["a"] * np.cos(bank["w"]), bank["a"] * np.sin(bank["w"])
    return p[:, None] * s + q[:, None] * quarter(s)


def quarter(s):
    return np.stack([-s[:, 1], s[:, 0]], axis=1)


def loss():
    s, total = np.zeros((4, 2)), 0.0
    for t in range(len(x)):
        s = turn(s) + x[t]
        total += 0.5 * np.sum((s - y[t]) ** 2)
    return total


def gradients():
    g = {name: np.zeros_like(v) for name, v in bank.items()}
    s, trace_a, trace_w = np.zeros((4, 2)), np.zeros((4, 2)), np.zeros((4, 2))
    for t in range(len(x)):
        turned = turn(s)
        trace_a = turn(trace_a) + turned / bank["a"][:, None]
        trace_w = turn(trace_w) + quarter(turned)
        s = turned + x[t]
        g["a"] += np.sum((s - y[t]) * trace_a, axis=1)
        g["w"] += np.sum((s - y[t]) * trace_w, axis=1)
    return g
"""

# A penalty on what another function fills; a state that moves on before what hangs on the old one is computed.
PENALTY = """import numpy as np
from types import SimpleNamespace

rng = np.random.RandomState(4)
x, y = rng.randn(5, 3), rng.randn(5, 3)
net = SimpleNamespace(W1=rng.randn(3, 3), U1=rng.randn(3, 3) * 0.5)
RIDGE = 0.03


def forward():
    h, kept, loss = np.zeros(3), [], 0.0
    for t in range(len(x)):
        q = np.tanh(x[t] @ net.W1 + h @ net.U1)
        kept.append((h, q))
        h = 0.5 * h + 0.5 * q
        loss += 0.5 * np.sum((h - y[t]) ** 2)
    return loss + RIDGE * (np.sum(net.W1**2) + np.sum(net.U1**2)), kept


def add(grad):
    _, kept = forward()
    dh = np.zeros(3)
    for t in reversed(range(len(x))):
        h, q = kept[t]
        dh = dh + 0.5 * h + 0.5 * q - y[t]
        da = dh * 0.5 * (1 - q**2)
        grad.W1 += np.outer(x[t], da)
        grad.U1 += np.outer(h, da)
        dh = 0.5 * dh + net.U1 @ da


def backward():
    grad = SimpleNamespace(**{name: np.zeros_like(w) for name, w in vars(net).items()})
    add(grad)
    grad.W1 += 2 * RIDGE * net.W1
    grad.U1 += 2 * RIDGE * net.U1
    return grad
"""

GATED = """import numpy as np

rng = np.random.RandomState(5)
x, y = rng.randn(5, 2), rng.randn(5, 3)
p = {"Z": rng.randn(2, 3), "C": rng.randn(2, 3), "R": rng.randn(3, 3) * 0.5}


def forward():
    h, kept, loss = np.zeros(3), [], 0.0
    for t in range(len(x)):
        z, c = 1 / (1 + np.exp(-(x[t] @ p["Z"]))), np.tanh(x[t] @ p["C"] + h @ p["R"])
        kept.append((h, z, c))
        h = h + z * (c - h)
        loss += 0.5 * np.sum((h - y[t]) ** 2)
    return loss, kept


def backward():
    _, kept = forward()
    g = {name: np.zeros_like(v) for name, v in p.items()}
    dh = np.zeros(3)
    for t in reversed(range(len(x))):
        h, z, c = kept[t]
        dh = dh + h + z * (c - h) - y[t]
        daz = dh * (c - h) * z * (1 - z)
        dac = dh * z * (1 - c**2)
        g["Z"] += np.outer(x[t], daz)
        g["C"] += np.outer(x[t], dac)
        g["R"] += np.outer(h, dac)
        dh = dh * (1 - z) + p["R"] @ dac
    return g
"""

CALLS = {
    BOTH: Expressions("p", "forward()[0]", "backward()"),
    FLAT: Expressions("theta", "cost(theta)[0]", "cost(theta)[1]"),
    TRACES: Expressions("bank", "loss()", "gradients()"),
    PENALTY: Expressions("net", "forward()[0]", "backward()"),
    GATED: Expressions("p", "forward()[0]", "backward()"),
}

# The program, what stands there, what it is damaged to (nothing: the line is left out).
DAMAGES = {
    "what fills an array": (BOTH, "        delta[k] = (dhs[k] + carry) * (1 - hs[k] ** 2)\n", ""),
    "what is carried, in both directions": (BOTH, "(dhs[k] + carry) * (1 - hs[k] ** 2)", "dhs[k] * (1 - hs[k] ** 2)"),
    "a slope in one vector": (FLAT, "(h_old - u) * f * (1 - f), dh", "(h_old - u) * f, dh"),
    "a trace": (TRACES, "        trace_w = turn(trace_w) + quarter(turned)\n", ""),
    "a sibling of what a function fills": (PENALTY, "    grad.U1 += 2 * RIDGE * net.U1\n", ""),
    "the order of what is kept": (
        GATED,
        "        kept.append((h, z, c))\n        h = h + z * (c - h)\n",
        "        h = h + z * (c - h)\n        kept.append((h, z, c))\n",
    ),
}


test_the_right_programs_are_right = of_right_programs(CALLS)


@pytest.mark.parametrize("name", DAMAGES)
def test_it_is_mended_where_it_was_damaged(tmp_path, name):
    program, old, new = DAMAGES[name]
    assert program.count(old) == 1
    finding = mended(tmp_path / "mine.py", program.replace(old, new), CALLS[program])
    first = old.split("\n")[0].strip()
    # What is left out may be named anywhere between what it needs and what needs it.
    assert abs(finding.line - line_of(program, first)) <= (1 if new else 3), finding.fix
    assert finding.suspects[0].missing == (not new)
