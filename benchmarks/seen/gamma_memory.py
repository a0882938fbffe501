"""Gamma memory (de Vries & Principe 1992): a delay line whose taps leak, so that depth is traded for resolution.

    g_0(t) = u(t)
    g_k(t) = (1 - mu) g_k(t-1) + mu g_{k-1}(t-1)           k = 1..K        one mu for each input channel
    y(t)   = w2 . tanh(W1 [all taps] + b1) + b2

The error needs no back-propagation through time: the taps' derivative in mu obeys a recursion of its own that runs
forward with the taps,

    s_k(t) = (1 - mu) s_k(t-1) + mu s_{k-1}(t-1) + g_{k-1}(t-1) - g_k(t-1)

Criterion: squared error over the variance of the wanted signal.
"""
import numpy as np


def advance(mu, g, s, u):
    """Taps (channels, K+1) and their sensitivities, one sample later."""
    m = mu[:, None]
    g_new = np.zeros_like(g)
    s_new = np.zeros_like(s)
    g_new[:, 0] = u
    g_new[:, 1:] = (1 - m) * g[:, 1:] + m * g[:, :-1]
    s_new[:, 1:] = (1 - m) * s[:, 1:] + m * s[:, :-1] + g[:, :-1] - g[:, 1:]
    return g_new, s_new


def readout(par, g):
    mu, W1, b1, w2, b2 = par
    hid = np.tanh(np.tensordot(W1, g, axes=2) + b1)
    return hid @ w2 + b2, hid


def nmse(par, u, wanted):
    mu, W1, b1, w2, b2 = par
    channels, taps = W1.shape[1:]
    g = np.zeros((channels, taps))
    err = 0.0
    for t in range(len(u)):
        g = np.column_stack([u[t], (1 - mu[:, None]) * g[:, 1:] + mu[:, None] * g[:, :-1]])
        y, _ = readout(par, g)
        err += (wanted[t] - y) ** 2
    return err / np.sum((wanted - wanted.mean()) ** 2)


def nmse_gradient(par, u, wanted):
    mu, W1, b1, w2, b2 = par
    g = np.zeros(W1.shape[1:])
    s = np.zeros(W1.shape[1:])
    power = np.sum((wanted - wanted.mean()) ** 2)
    dmu, dW1, db1, dw2, db2 = [np.zeros(np.shape(q)) for q in par]
    for t in range(len(u)):
        g, s = advance(mu, g, s, u[t])
        y, hid = readout(par, g)
        e = -2 * (wanted[t] - y) / power
        db2 += e
        dw2 += e * hid
        back = e * w2 * (1 - hid ** 2)
        db1 += back
        dW1 += back[:, None, None] * g
        dmu += (np.tensordot(back, W1, axes=1) * s).sum(axis=1)
    return [dmu, dW1, db1, dw2, db2]


def fresh(channels, K, hidden, seed):
    rs = np.random.RandomState(seed)
    return [rs.uniform(0.3, 0.9, channels), rs.randn(hidden, channels, K + 1) / np.sqrt(channels * (K + 1)),
            0.2 * rs.randn(hidden), rs.randn(hidden), np.array(0.1 * rs.randn())]


def plant(T, channels, seed):
    """unknown system to identify: two delays and a saturation"""
    rs = np.random.RandomState(seed)
    u = rs.randn(T, channels)
    late = np.vstack([np.zeros((2, channels)), u])[:T]
    return u, np.tanh(u.sum(1)) + 0.5 * late.mean(1) ** 2


par = fresh(channels=2, K=3, hidden=4, seed=91)
u, wanted = plant(T=7, channels=2, seed=92)
