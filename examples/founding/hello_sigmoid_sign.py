"""LSTM for the word hello. Every gate sees v, the letter and the previous output in one vector."""

import numpy as np

spelling = "hello"
vocab = sorted(set(spelling))
d, n = len(vocab), 3

rnd = np.random.RandomState(106)
Wi, Wf, Wo, Wg = [rnd.uniform(-1, 1, (n, d + n)) for _ in range(4)]
bi, bf, bo, bg = [rnd.uniform(0, 1, n) for _ in range(4)]
R = rnd.uniform(-1, 1, (d, n))
reg = 1e-3

x = np.array([np.eye(d)[vocab.index(ch)] for ch in spelling[:-1]])
y = np.array([np.eye(d)[vocab.index(ch)] for ch in spelling[1:]])


def sigmoid(a):
    return 1 / (1 + np.exp(a))


def forward(x):
    h, c = np.zeros(n), np.full(n, 0.2)
    steps = []
    for xt in x:
        v = np.concatenate((xt, h))
        i = sigmoid(Wi @ v + bi)
        f = sigmoid(Wf @ v + bf)
        o = sigmoid(Wo @ v + bo)
        g = np.tanh(Wg @ v + bg)
        c_prev = c
        c = f * c_prev + i * g
        h = o * np.tanh(c)
        score = np.exp(R @ h)
        steps.append((v, i, f, o, g, c_prev, c, h, score / score.sum()))
    return steps


def loss(x, y):
    nll = sum(-np.log(step[-1] @ yt) for step, yt in zip(forward(x), y))
    return nll + reg / 2 * np.sum(R * R)


def backward(x, y):
    dWi, dWf, dWo, dWg = [np.zeros((n, d + n)) for _ in range(4)]
    dbi, dbf, dbo, dbg = [np.zeros(n) for _ in range(4)]
    dR = reg * R
    dh_next, dc_next = np.zeros(n), np.zeros(n)
    for step, yt in zip(reversed(forward(x)), reversed(y)):
        v, i, f, o, g, c_prev, c, h, p = step
        ds = p - yt
        dR = dR + np.outer(ds, h)
        dh = R.T @ ds + dh_next
        dc = o * (1 - np.tanh(c) ** 2) * dh + dc_next
        do = np.tanh(c) * dh
        di = g * dc
        df = c_prev * dc
        dg = i * dc
        zi = (1 - i) * i * di
        zf = (1 - f) * f * df
        zo = (1 - o) * o * do
        zg = (1 - g**2) * dg
        dWi += np.outer(zi, v)
        dWf += np.outer(zf, v)
        dWo += np.outer(zo, v)
        dWg += np.outer(zg, v)
        dbi += zi
        dbf += zf
        dbo += zo
        dbg += zg
        dh_next = (Wi.T @ zi + Wf.T @ zf + Wo.T @ zo + Wg.T @ zg)[d:]
        dc_next = f * dc
    return {
        "Wi": dWi, "Wf": dWf, "Wo": dWo, "Wg": dWg,
        "bi": dbi, "bf": dbf, "bo": dbo, "bg": dbg,
        "R": dR,
    }
