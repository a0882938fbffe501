"""Vehicles on the next ferry, by a small universal transformer: one causal block, applied `depth` times with the same
weights.  Attention with linear biases (ALiBi, Press et al. 2022) instead of positions, RMS norm before both sublayers,
SiLU in the feed-forward part.  The error follows a logistic distribution whose scale is predicted too.

x: (batch, time, features), y: (batch, time)
"""
from typing import NamedTuple

import numpy as np

EPS = 1e-3


class Weights(NamedTuple):
    inp: np.ndarray    # features, model
    gain1: np.ndarray
    q: np.ndarray      # heads, model, key
    k: np.ndarray
    v: np.ndarray
    o: np.ndarray      # heads, key, model
    gain2: np.ndarray
    up: np.ndarray     # model, wide
    down: np.ndarray   # wide, model
    head: np.ndarray   # model, 2


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def rms_norm(x, gain):
    inv = 1 / np.sqrt(np.mean(x ** 2, axis=-1, keepdims=True) + EPS)
    return x * inv * gain, inv


def rms_norm_back(x, gain, inv, dy):
    dgain = np.sum(dy * x * inv, axis=(0, 1))
    dn = dy * gain
    return inv * dn - x * inv ** 3 * np.mean(dn * x, axis=-1, keepdims=True), dgain


def biases(heads, T):
    slopes = 2.0 ** -np.arange(1, heads + 1)
    back = np.arange(T)[:, None] - np.arange(T)[None, :]
    return np.where(back >= 0, -slopes[:, None, None] * back, -1e9)


def block(w, x):
    n1, inv1 = rms_norm(x, w.gain1)
    q, k, v = (np.einsum("btm,hmd->bhtd", n1, m) for m in (w.q, w.k, w.v))
    s = np.einsum("bhtd,bhud->bhtu", q, k) / np.sqrt(q.shape[-1]) + biases(q.shape[1], x.shape[1])
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    mix = np.einsum("bhtu,bhud->bhtd", p, v)
    y = x + np.einsum("bhtd,hdm->btm", mix, w.o)
    n2, inv2 = rms_norm(y, w.gain2)
    a = n2 @ w.up
    z = y + (a * sigmoid(a)) @ w.down
    return z, (x, n1, inv1, q, k, v, p, mix, y, n2, inv2, a)


def block_back(w, cache, dz, g):
    x, n1, inv1, q, k, v, p, mix, y, n2, inv2, a = cache
    sg = sigmoid(a)
    g["down"] += np.einsum("btw,btm->wm", a * sg, dz)
    da = (dz @ w.down.T) * (sg + a * sg * (1 - sg))
    g["up"] += np.einsum("btm,btw->mw", n2, da)
    dy, dgain = rms_norm_back(y, w.gain2, inv2, da @ w.up.T)
    g["gain2"] += dgain
    dy = dy + dz
    g["o"] += np.einsum("bhtd,btm->hdm", mix, dy)
    dmix = np.einsum("btm,hdm->bhtd", dy, w.o)
    dv = np.einsum("bhtu,bhtd->bhud", p, dmix)
    dp = np.einsum("bhtd,bhud->bhtu", dmix, v)
    ds = p * (dp - np.sum(dp * p, axis=-1, keepdims=True)) / np.sqrt(q.shape[-1])
    dq = np.einsum("bhtu,bhud->bhtd", ds, k)
    dk = np.einsum("bhtu,bhtd->bhud", ds, q)
    dn1 = 0.0
    for name, d in (("q", dq), ("k", dk), ("v", dv)):
        g[name] += np.einsum("btm,bhtd->hmd", n1, d)
        dn1 = dn1 + np.einsum("bhtd,hmd->btm", d, getattr(w, name))
    dx, dgain = rms_norm_back(x, w.gain1, inv1, dn1)
    g["gain1"] += dgain
    return dx + dy


def run(w, x, depth):
    state, caches = x @ w.inp, []
    for _ in range(depth):
        state, cache = block(w, state)
        caches.append(cache)
    return state, caches


def logistic_nll(w, x, y, depth):
    out = run(w, x, depth)[0] @ w.head
    z = (y - out[..., 0]) * np.exp(-out[..., 1])
    return np.mean(z + 2 * np.logaddexp(0, -z) + out[..., 1])


def logistic_nll_grad(w, x, y, depth):
    state, caches = run(w, x, depth)
    out = state @ w.head
    scale = np.exp(-out[..., 1])
    z = (y - out[..., 0]) * scale
    dz = (1 - 2 * sigmoid(-z)) / z.size
    dout = np.stack([-dz * scale, 1 / z.size - dz * z], axis=-1)
    g = {name: np.zeros_like(value) for name, value in w._asdict().items()}
    g["head"] += np.einsum("btm,bto->mo", state, dout)
    d = dout @ w.head.T
    for cache in caches[::-1]:
        d = block_back(w, cache, d, g)
    g["inp"] += np.einsum("btf,btm->fm", x, d)
    return Weights(**g)


def init(features, model, heads, key, wide, seed):
    rng = np.random.default_rng(seed)
    shapes = [(features, model), (model,), *[(heads, model, key)] * 3, (heads, key, model), (model,), (model, wide), (wide, model), (model, 2)]
    return Weights(*(0.6 * rng.normal(size=s) + (len(s) == 1) for s in shapes))


def timetable(batch, time, features, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(batch, time, features)), rng.normal(size=(batch, time))


w = init(2, 4, 2, 3, 5, seed=1031)
x, y = timetable(2, 5, 2, seed=1032)
DEPTH = 2
