"""Two LSTM layers over (T, B, D) arrays, mean squared error at every step."""
from dataclasses import dataclass

import numpy as np


@dataclass
class Saved:
    X: np.ndarray
    gates: np.ndarray  # (T, B, 4, H): keep, write, show, new
    C: np.ndarray
    H: np.ndarray


def logistic(v):
    return 0.5 * (1.0 + np.tanh(0.5 * v))


def lstm_layer(X, wx, wh, b):
    T, B, _ = X.shape
    n = wh.shape[0]
    gates = np.empty((T, B, 4, n))
    C, H = np.zeros((T + 1, B, n)), np.zeros((T + 1, B, n))
    for t in range(T):
        pre = (X[t] @ wx + H[t] @ wh + b).reshape(B, 4, n)
        gates[t, :, :3] = logistic(pre[:, :3])
        gates[t, :, 3] = np.tanh(pre[:, 3])
        C[t + 1] = gates[t, :, 0] * C[t] + gates[t, :, 1] * gates[t, :, 3]
        H[t + 1] = gates[t, :, 2] * np.tanh(C[t + 1])
    return H[1:], Saved(X, gates, C, H)


def lstm_layer_back(dH, saved, wx, wh):
    T, B, n = dH.shape
    dX = np.zeros_like(saved.X)
    gwx, gwh, gb = np.zeros_like(wx), np.zeros_like(wh), np.zeros(4 * n)
    dh_rec, dc_rec = np.zeros((B, n)), np.zeros((B, n))
    for t in range(T - 1, -1, -1):
        keep, write, show, new = (saved.gates[t, :, k] for k in range(4))
        tc = np.tanh(saved.C[t + 1])
        dh = dH[t] + dh_rec
        dc = dc_rec + dh * show * (1 - tc * tc)
        dpre = np.empty((B, 4, n))
        dpre[:, 0] = dc * saved.C[t] * keep * (1 - keep)
        dpre[:, 1] = dc * new * write * (1 - write)
        dpre[:, 2] = dh * tc * show * (1 - show)
        dpre[:, 3] = dc * write * (1 - new * new)
        dpre = dpre.reshape(B, 4 * n)
        gwx += saved.X[t].T @ dpre
        gwh += saved.H[t].T @ dpre
        gb += dpre.sum(0)
        dX[t] = dpre @ wx.T
        dh_rec = dpre @ wh.T
        dc_rec = dc * keep
    return dX, [gwx, gwh, gb]


def forward(ws, X):
    low, saved_low = lstm_layer(X, *ws[0:3])
    top, saved_top = lstm_layer(low, *ws[3:6])
    return top @ ws[6] + ws[7], top, saved_low, saved_top


def mean_error(ws, X, Y):
    return np.mean((forward(ws, X)[0] - Y) ** 2)


def mean_error_back(ws, X, Y):
    out, top, saved_low, saved_top = forward(ws, X)
    dout = 2 * (out - Y) / out.size
    gw_out = np.tensordot(top, dout, axes=([0, 1], [0, 1]))
    dtop = dout @ ws[6].T
    dlow, grads_top = lstm_layer_back(dtop, saved_top, ws[3], ws[4])
    _, grads_low = lstm_layer_back(dlow, saved_low, ws[0], ws[1])
    return grads_low + grads_top + [gw_out, dout.sum(axis=(0, 1))]


def problem(T, B, D, low, top, K, seed=0):
    rng = np.random.RandomState(seed)
    shapes = [(D, 4 * low), (low, 4 * low), (4 * low,), (low, 4 * top), (top, 4 * top), (4 * top,), (top, K), (K,)]
    return [rng.randn(*s) * 0.6 for s in shapes], rng.randn(T, B, D), rng.randn(T, B, K)


ws, X, Y = problem(5, 3, 2, 6, 4, 1)
