"""
Online identification of a control valve: LSTM trained with real-time recurrent learning.

No going back in time.  For every weight matrix Q the tangents  dc/dQ  and  dh/dQ  (unit, row, column) are carried
forward next to c and h, so that the gradient of the error is known at every sample.

q["i"], q["f"], q["o"], q["g"]: (units, inputs + units + 1), acting on [u, h, 1];   q["y"]: (outputs, units + 1)
"""
import numpy as np

GATES = "ifog"


def squash(name, a):
    return np.tanh(a) if name == "g" else 1 / (1 + np.exp(-a))


def slope(name, s):
    """of squash, from its value"""
    return 1 - s * s if name == "g" else s * (1 - s)


def cell(q, u, h, c):
    z = np.concatenate([u, h, [1.0]])
    s = {name: squash(name, q[name] @ z) for name in GATES}
    c = s["f"] * c + s["i"] * s["g"]
    return s["o"] * np.tanh(c), c, s, z


def squared_error(q, signal, target):
    h = c = np.zeros(len(q["i"]))
    total = 0.0
    for u, d in zip(signal, target):
        h, c, _, _ = cell(q, u, h, c)
        e = q["y"] @ np.append(h, 1.0) - d
        total += 0.5 * e @ e
    return total


def rtrl(q, signal, target):
    n = len(q["i"])
    k = signal.shape[1]
    unit = np.eye(n)
    h = c = np.zeros(n)
    Th = {name: np.zeros((n,) + q[name].shape) for name in GATES}
    Tc = {name: np.zeros((n,) + q[name].shape) for name in GATES}
    grad = {name: np.zeros_like(w) for name, w in q.items()}
    for u, d in zip(signal, target):
        c_old = c
        h, c, s, z = cell(q, u, h, c)
        tc = np.tanh(c)
        for Q in GATES:
            # tangents of the four gates with respect to matrix Q
            dot = {}
            for name in GATES:
                da = np.tensordot(q[name][:, k:k + n], Th[Q], axes=1)
                if name == Q:
                    da = da + unit[:, :, None] * z
                dot[name] = slope(name, s[name])[:, None, None] * da
            Tc[Q] = (s["f"][:, None, None] * Tc[Q] + c_old[:, None, None] * dot["f"]
                     + s["g"][:, None, None] * dot["i"] + s["i"][:, None, None] * dot["g"])
            Th[Q] = tc[:, None, None] * dot["o"] + (s["o"] * (1 - tc ** 2))[:, None, None] * Tc[Q]
        h1 = np.append(h, 1.0)
        e = q["y"] @ h1 - d
        grad["y"] += np.outer(e, h1)
        eh = q["y"][:, :n].T @ e
        for Q in GATES:
            grad[Q] += np.tensordot(eh, Th[Q], axes=1)
    return grad


def fresh_valve(k, n, outputs, seed):
    rng = np.random.default_rng(seed)
    q = {name: rng.normal(0, 0.7, (n, k + n + 1)) for name in GATES}
    q["y"] = rng.normal(0, 1, (outputs, n + 1))
    return q


def stroke_test(steps, k, outputs, seed):
    """position command (staircase) and flow (with stiction)"""
    rng = np.random.default_rng(seed)
    signal = np.cumsum(rng.choice([-0.5, 0.0, 0.5], (steps, k)), axis=0)
    target = np.round(signal.sum(axis=1, keepdims=True)) + 0.1 * rng.normal(size=(steps, outputs))
    return signal, target


q = fresh_valve(k=2, n=3, outputs=1, seed=140)
signal, target = stroke_test(6, 2, 1, seed=141)
