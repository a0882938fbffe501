"""Bottleneck of a feeder line: forecast the upper expectile of the load with a HyperRNN.

A small RNN (the "hyper" net) watches the same input and tells the main net, row by row, how strongly to weigh its
recurrent and its input term (Ha, Dai, Le 2016, without layer norm):

    g' = tanh(Gx x + Gg g + gb)
    s  = 1 + S g'            r = 1 + R g'
    h' = tanh(s * (Wh h) + r * (Wx x) + B g' + b)

Expectile loss: like squares, but an under-forecast costs TAU and an over-forecast 1 - TAU.
All weights live in one vector, because the optimiser (L-BFGS) wants it so.
"""
from math import prod

import numpy as np

TAU = 0.9


def layout(nx, nh, ng):
    return [
        ("Gx", (ng, nx)), ("Gg", (ng, ng)), ("gb", (ng,)),
        ("S", (nh, ng)), ("R", (nh, ng)), ("Wh", (nh, nh)), ("Wx", (nh, nx)), ("B", (nh, ng)), ("b", (nh,)),
        ("v", (nh,)), ("v0", (1,)),
    ]


def views(vec, dims):
    out, at = {}, 0
    for name, shape in layout(*dims):
        out[name] = vec[at:at + prod(shape)].reshape(shape)
        at += prod(shape)
    return out


def run(w, xs):
    g, h = np.zeros(w["gb"].size), np.zeros(w["b"].size)
    log = []
    for x in xs:
        step = {"x": x, "g_old": g, "h_old": h}
        g = np.tanh(w["Gx"] @ x + w["Gg"] @ g + w["gb"])
        step["s"], step["r"] = 1 + w["S"] @ g, 1 + w["R"] @ g
        step["rec"], step["inp"] = w["Wh"] @ h, w["Wx"] @ x
        h = np.tanh(step["s"] * step["rec"] + step["r"] * step["inp"] + w["B"] @ g + w["b"])
        step.update(g=g, h=h, y=w["v"] @ h + w["v0"][0])
        log.append(step)
    return log


def expectile_loss(vec, dims, days):
    w = views(vec, dims)
    cost, count = 0.0, 0
    for xs, load in days:
        for step, actual in zip(run(w, xs), load):
            miss = actual - step["y"]
            cost = cost + np.where(miss > 0, TAU, 1 - TAU) * miss ** 2
            count += 1
    return cost / count


def expectile_gradient(vec, dims, days):
    w = views(vec, dims)
    grad = np.zeros(vec.shape)
    d = views(grad, dims)       # writing to d fills grad
    count = sum(len(load) for _, load in days)
    for xs, load in days:
        log = run(w, xs)
        dg, dh = np.zeros(w["gb"].size), np.zeros(w["b"].size)
        for step, actual in zip(log[::-1], load[::-1]):
            miss = actual - step["y"]
            dy = -2 * np.where(miss > 0, TAU, 1 - TAU) * miss / count
            d["v"] += dy * step["h"]
            d["v0"] += dy
            dh = dh + dy * w["v"]

            da = dh * (1 - step["h"] ** 2)
            ds, dr = da * step["rec"], da * step["inp"]
            drec, dinp = da * step["s"], da * step["r"]
            d["b"] += da
            d["B"] += np.outer(da, step["g"])
            d["Wh"] += np.outer(drec, step["h_old"])
            d["Wx"] += np.outer(dinp, step["x"])
            d["S"] += np.outer(ds, step["g"])
            d["R"] += np.outer(dr, step["g"])
            dh = drec @ w["Wh"]

            dg = dg + da @ w["B"] + ds @ w["S"] + dr @ w["R"]
            dq = dg * (1 - step["g"] ** 2)
            d["Gx"] += np.outer(dq, step["x"])
            d["Gg"] += np.outer(dq, step["g_old"])
            d["gb"] += dq
            dg = dq @ w["Gg"]
    return grad


def start(dims, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([
        rng.standard_normal(prod(shape)) / np.sqrt(shape[-1]) * (0.3 if len(shape) == 1 else 0.8)
        for _, shape in layout(*dims)
    ])


def feeder(lengths, nx, seed):
    rng = np.random.default_rng(seed)
    days = []
    for n in lengths:
        xs = rng.standard_normal((n, nx))
        days.append((xs, 0.8 * xs[:, 0] + np.sin(np.arange(n)) + 0.3 * rng.standard_normal(n)))
    return days


dims = (2, 4, 3)
vec = start(dims, seed=40)
days = feeder([4, 6], 2, seed=41)
