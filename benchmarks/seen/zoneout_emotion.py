"""Emotion in speech: annotators disagree, so the target is their distribution over the emotions.

Bidirectional LSTM with zoneout (units that keep their old value, drawn beforehand), frames padded at the end, mean of
the valid frames, Kullback-Leibler divergence from the annotators. Arrays are (time, batch, features).
"""
import numpy as np


def sig(a):
    return 1 / (1 + np.exp(-a))


def lstm(w, x, valid, keep, order):
    """One direction. keep is 1 where a unit's cell stays as it was; padded frames change nothing."""
    Wx, Wh, b = w
    T, B, _ = x.shape
    n = Wh.shape[0]
    h, c = np.zeros((B, n)), np.zeros((B, n))
    out = [None] * T
    tape = []
    for t in order:
        a = x[t] @ Wx + h @ Wh + b
        i, f, o, g = sig(a[:, :n]), sig(a[:, n:2 * n]), sig(a[:, 2 * n:3 * n]), np.tanh(a[:, 3 * n:])
        stay = 1 - valid[t][:, None] * (1 - keep[t])
        c_new = stay * c + (1 - stay) * (f * c + i * g)
        tanh_c = np.tanh(c_new)
        m = valid[t][:, None]
        h_new = m * o * tanh_c + (1 - m) * h
        tape.append((t, h, c, i, f, o, g, stay, tanh_c, m))
        h, c = h_new, c_new
        out[t] = h
    return np.stack(out), tape


def lstm_back(w, x, tape, dout):
    Wx, Wh, b = w
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    dh = np.zeros_like(tape[0][1])
    dc = np.zeros_like(dh)
    for t, h, c, i, f, o, g, stay, tanh_c, m in reversed(tape):
        dh = dh + dout[t]
        do = dh * m * tanh_c
        dc = dc + dh * m * o * (1 - tanh_c ** 2)
        dcell = dc * (1 - stay)
        da = np.concatenate([
            dcell * g * i * (1 - i),
            dcell * c * f * (1 - f),
            do * o * (1 - o),
            dcell * i * (1 - g ** 2),
        ], axis=1)
        dWx += x[t].T @ da
        dWh += h.T @ da
        db += da.sum(axis=0)
        dh = dh * (1 - m) + da @ Wh.T
        dc = dc * stay + dcell * f
    return dWx, dWh, db


def network(weights, x, valid, keeps):
    ahead, back, (V, e) = weights
    T = len(x)
    hf, tape_f = lstm(ahead, x, valid, keeps[0], range(T))
    hb, tape_b = lstm(back, x, valid, keeps[1], range(T - 1, -1, -1))
    both = np.concatenate([hf, hb], axis=2)
    share = valid / valid.sum(axis=0)
    pooled = np.sum(share[:, :, None] * both, axis=0)
    s = pooled @ V + e
    logq = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    return logq, pooled, share, tape_f, tape_b


def divergence(weights, x, valid, keeps, votes):
    logq = network(weights, x, valid, keeps)[0]
    return np.sum(votes * (np.log(votes) - logq)) / len(votes)


def divergence_grad(weights, x, valid, keeps, votes):
    ahead, back, (V, e) = weights
    logq, pooled, share, tape_f, tape_b = network(weights, x, valid, keeps)
    ds = (np.exp(logq) - votes) / len(votes)
    dboth = share[:, :, None] * (ds @ V.T)
    n = ahead[1].shape[0]
    return (
        lstm_back(ahead, x, tape_f, dboth[:, :, :n]),
        lstm_back(back, x, tape_b, dboth[:, :, n:]),
        (pooled.T @ ds, ds.sum(axis=0)),
    )


def sample(d, n, k, seed):
    r = np.random.default_rng(seed)
    one = lambda: (r.normal(size=(d, 4 * n)) * 0.6, r.normal(size=(n, 4 * n)) * 0.6, r.normal(size=4 * n) * 0.2)
    return one(), one(), (r.normal(size=(2 * n, k)), np.zeros(k))


def speech(lengths, d, n, k, seed):
    r = np.random.default_rng(seed)
    T, B = max(lengths), len(lengths)
    valid = (np.arange(T)[:, None] < np.array(lengths)) * 1.0
    keeps = (r.random((2, T, B, n)) < 0.25) * 1.0
    return r.normal(size=(T, B, d)), valid, keeps, r.dirichlet(np.ones(k) * 2, size=B)


weights = sample(2, 3, 3, seed=91)
x, valid, keeps, votes = speech([5, 3, 4], 2, 3, 3, seed=92)
