"""An LSTM over a whole batch of sequences as a function and its vector-Jacobian product.

    hs, (hT, cT), tape = lstm(x, h0, c0, M)
    dx, dh0, dc0, dM   = lstm_vjp(dhs, dcT, tape)

x: (batch, time, features).  M has one row for each feature, one for each unit and a
last one for the bias; its columns are four blocks: candidate, input, forget, output.
"""

import numpy as np


def logistic(v):
    return 0.5 * (1 + np.tanh(0.5 * v))


def blocks(n):
    return slice(0, n), slice(n, 2 * n), slice(2 * n, 3 * n), slice(3 * n, 4 * n)


def lstm(x, h0, c0, M):
    N, T, D = x.shape
    n = h0.shape[1]
    G, I, F, O = blocks(n)
    hs = np.empty((N, T, n))
    cs = np.empty((N, T, n))
    gates = np.empty((N, T, 4 * n))
    rows = np.empty((N, T, D + n + 1))
    h, c = h0, c0
    for t in range(T):
        rows[:, t, :D] = x[:, t]
        rows[:, t, D:-1] = h
        rows[:, t, -1] = 1.0
        a = rows[:, t] @ M
        gates[:, t, G] = np.tanh(a[:, G])
        gates[:, t, n:] = logistic(a[:, n:])
        c = gates[:, t, F] * c + gates[:, t, I] * gates[:, t, G]
        h = gates[:, t, O] * np.tanh(c)
        cs[:, t] = c
        hs[:, t] = h
    return hs, (h, c), (rows, gates, cs, c0, M, D)


def lstm_vjp(dhs, dcT, tape):
    rows, gates, cs, c0, M, D = tape
    N, T, n = cs.shape
    G, I, F, O = blocks(n)
    dM = np.zeros_like(M)
    dx = np.zeros((N, T, D))
    dh = np.zeros_like(c0)
    dc = dcT.copy()
    for t in range(T - 1, -1, -1):
        q = gates[:, t]
        squashed = np.tanh(cs[:, t])
        c_prev = cs[:, t - 1] if t > 0 else c0
        dh = dh + dhs[:, t]
        dc = dc + dh * q[:, O] * (1 - squashed ** 2)
        da = np.zeros_like(q)
        da[:, G] = dc * q[:, I] * (1 - q[:, G] ** 2)
        da[:, I] = dc * q[:, G]
        da[:, F] = dc * c_prev
        da[:, O] = dh * squashed
        da[:, n:] *= q[:, n:] * (1 - q[:, n:])
        dM += rows[:, t].T @ da
        drow = da @ M.T
        dx[:, t] = drow[:, :D]
        dh = drow[:, D:-1]
        dc = dc * q[:, F]
    return dx, dh, dc, dM


def inner(x, h0, c0, M, dhs, dcT):
    hs, (_, cT), _ = lstm(x, h0, c0, M)
    return np.sum(hs * dhs) + np.sum(cT * dcT)


def example(batch, time, features, units, seed=0):
    g = np.random.default_rng(seed)
    x = g.normal(size=(batch, time, features))
    h0, c0 = g.normal(size=(2, batch, units)) * 0.5
    M = g.normal(size=(features + units + 1, 4 * units)) * 0.6
    return x, h0, c0, M, g.normal(size=(batch, time, units)), g.normal(size=(batch, units))


x, h0, c0, M, dhs, dcT = example(batch=2, time=6, features=3, units=5)
