"""Cloud cover (a fraction between 0 and 1) minute by minute, learned while it comes in.

The units are those of minGRU (Feng et al. 2024): gate and candidate see the input only, so  dh_i / dw  needs nothing
but  dh_i / dw  of the minute before, and the gradient can be had exactly without going back in time.
The cover follows a Kumaraswamy distribution,  log p = log a + log b + (a-1) log y + (b-1) log(1 - y^a).
"""
from typing import NamedTuple

import numpy as np


class Params(NamedTuple):
    Wz: np.ndarray
    bz: np.ndarray
    Wc: np.ndarray
    bc: np.ndarray
    h0: np.ndarray
    head: np.ndarray   # (2, units)
    head0: np.ndarray  # (2,)


class Traces(NamedTuple):
    Wz: np.ndarray
    bz: np.ndarray
    Wc: np.ndarray
    bc: np.ndarray
    h0: np.ndarray


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def minute(p, h, x):
    z = sigmoid(p.Wz @ x + p.bz)
    c = p.Wc @ x + p.bc
    return h + z * (c - h), z, c


def follow(e, h, z, c, x):
    """the traces after a minute in which the state h was replaced"""
    keep = 1 - z
    through_z = (c - h) * z * (1 - z)
    return Traces(
        Wz=keep[:, None] * e.Wz + np.outer(through_z, x),
        bz=keep * e.bz + through_z,
        Wc=keep[:, None] * e.Wc + np.outer(z, x),
        bc=keep * e.bc + z,
        h0=keep * e.h0,
    )


def shape_of(p, h):
    s = p.head @ h + p.head0
    return s, 0.2 + np.logaddexp(0, s)


def surprise(ab, y):
    a, b = ab
    return -np.log(a) - np.log(b) - (a - 1) * np.log(y) - (b - 1) * np.log(1 - y ** a)


def surprise_slope(ab, y):
    a, b = ab
    ya = y ** a
    by_a = -1 / a - np.log(y) + (b - 1) * ya * np.log(y) / (1 - ya)
    by_b = -1 / b - np.log(1 - ya)
    return np.array([by_a, by_b])


def loss(p, xs, cover):
    h = p.h0
    total = 0.0
    for x, y in zip(xs, cover):
        h, _, _ = minute(p, h, x)
        total = total + surprise(shape_of(p, h)[1], y)
    return total / len(cover)


def online(p, xs, cover):
    """yields what each minute adds to the gradient"""
    e = Traces(*(np.zeros_like(w) for w in p[:4]), h0=np.ones_like(p.h0))
    h = p.h0
    for x, y in zip(xs, cover):
        h_new, z, c = minute(p, h, x)
        e = follow(e, h, z, c, x)
        h = h_new
        s, ab = shape_of(p, h)
        ds = surprise_slope(ab, y) * sigmoid(s)
        dh = p.head.T @ ds
        yield Params(
            Wz=dh[:, None] * e.Wz, bz=dh * e.bz, Wc=dh[:, None] * e.Wc, bc=dh * e.bc, h0=dh * e.h0,
            head=np.outer(ds, h), head0=ds,
        )


def gradient(p, xs, cover):
    total = Params(*(np.zeros_like(w) for w in p))
    for part in online(p, xs, cover):
        total = Params(*(a + b for a, b in zip(total, part)))
    return Params(*(w / len(cover) for w in total))


def new_params(sensors, units, seed):
    rng = np.random.default_rng(seed)
    shapes = [(units, sensors), (units,), (units, sensors), (units,), (units,), (2, units), (2,)]
    return Params(*(rng.normal(0, 0.6, s) for s in shapes))


def sky(T, sensors, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, sensors)), rng.uniform(0.08, 0.92, T)


p = new_params(3, 4, seed=621)
xs, cover = sky(7, 3, seed=622)
