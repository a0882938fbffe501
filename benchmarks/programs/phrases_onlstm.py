"""Ordered neurons (ON-LSTM, Shen et al. 2019): high-ranking units are kept for longer by the master gates.
Word-level language model, batch of sentences, time first."""
import numpy as np


def sigm(a):
    return 1.0 / (1.0 + np.exp(-a))


def softmax(a):
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cumax(a):
    p = softmax(a)
    return np.cumsum(p, axis=-1), p


def cumax_back(dout, p):
    dp = np.cumsum(dout[:, ::-1], axis=-1)[:, ::-1]
    return p * (dp - np.sum(dp * p, axis=-1, keepdims=True))


def cell(x, h, c, W, U, b):
    z = x @ W + h @ U + b
    zf, zi, zo, zg, zmf, zmi = np.split(z, 6, axis=1)
    f, i, o, g = sigm(zf), sigm(zi), sigm(zo), np.tanh(zg)
    mf, pf = cumax(zmf)
    ci, pi = cumax(zmi)
    mi = 1 - ci
    both = mf * mi
    fhat = f * both + (mf - both)
    ihat = i * both + (mi - both)
    c_new = fhat * c + ihat * g
    tc = np.tanh(c_new)
    return o * tc, c_new, (x, h, c, f, i, o, g, mf, pf, mi, pi, both, fhat, ihat, tc)


def cell_back(dh, dc, cache, W, U, dW, dU, db):
    x, h, c, f, i, o, g, mf, pf, mi, pi, both, fhat, ihat, tc = cache
    dzo = dh * tc * o * (1 - o)
    dc = dc + dh * o * (1 - tc ** 2)
    dfhat, dihat = dc * c, dc * g
    dzg = dc * ihat * (1 - g ** 2)
    dzf = dfhat * both * f * (1 - f)
    dzi = dihat * both * i * (1 - i)
    dboth = dfhat * (f - 1) + dihat * (i - 1)
    dmf = dfhat + dboth * mi
    dmi = dihat + dboth * mf
    dz = np.concatenate([dzf, dzi, dzo, dzg, cumax_back(dmf, pf), cumax_back(-dmi, pi)], axis=1)
    dW += x.T @ dz
    dU += h.T @ dz
    db += dz.sum(axis=0)
    return dz @ W.T, dz @ U.T, dc * fhat


def run(model, words):
    E, W, U, b, V, d = model
    B, H = words.shape[1], U.shape[0]
    h, c = np.zeros((B, H)), np.zeros((B, H))
    caches, hs = [], []
    for t in range(len(words) - 1):
        h, c, cache = cell(E[words[t]], h, c, W, U, b)
        caches.append(cache)
        hs.append(h)
    return hs, caches


def cross_entropy(model, words):
    hs, _ = run(model, words)
    V, d = model[4], model[5]
    B = words.shape[1]
    total = 0.0
    for t, h in enumerate(hs):
        p = softmax(h @ V + d)
        total -= np.log(p[np.arange(B), words[t + 1]]).sum()
    return total / (len(hs) * B)


def backprop(model, words):
    E, W, U, b, V, d = model
    dE, dW, dU, db, dV, dd = [np.zeros_like(m) for m in model]
    hs, caches = run(model, words)
    B = words.shape[1]
    dh_next, dc_next = np.zeros_like(hs[0]), np.zeros_like(hs[0])
    for t in reversed(range(len(hs))):
        dlogit = softmax(hs[t] @ V + d)
        dlogit[np.arange(B), words[t + 1]] -= 1
        dlogit /= len(hs) * B
        dV += hs[t].T @ dlogit
        dd += dlogit.sum(axis=0)
        dh = dlogit @ V.T + dh_next
        dx, dh_next, dc_next = cell_back(dh, dc_next, caches[t], W, U, dW, dU, db)
        np.add.at(dE, words[t], dx)
    return [dE, dW, dU, db, dV, dd]


def make(vocab, emb, hidden, seed):
    r = np.random.default_rng(seed)
    return [
        r.normal(0, 0.8, (vocab, emb)),
        r.normal(0, 0.5, (emb, 6 * hidden)),
        r.normal(0, 0.5, (hidden, 6 * hidden)),
        r.normal(0, 0.2, 6 * hidden),
        r.normal(0, 0.6, (hidden, vocab)),
        np.zeros(vocab),
    ]


model = make(6, 3, 4, seed=1181)
words = np.random.default_rng(1182).integers(0, 6, size=(6, 3))
