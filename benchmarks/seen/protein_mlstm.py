# Multiplicative LSTM on amino acids, two heads as in UniRep (Alley et al. 2019):
#   the next residue (softmax), and the stability from the mean hidden state (log-cosh).
# Sequences are padded on the right; `ids` is (batch, time), `lengths` is (batch,).
from typing import NamedTuple

import numpy as np


class Weights(NamedTuple):
    wx: np.ndarray   # residues x 4H
    wm: np.ndarray   # H x 4H
    b: np.ndarray    # 4H
    mx: np.ndarray   # residues x H
    mh: np.ndarray   # H x H
    out: np.ndarray  # H x residues
    bout: np.ndarray
    stab: np.ndarray  # H
    bstab: np.ndarray  # 1


def logistic(v):
    return 0.5 * (np.tanh(0.5 * v) + 1)


def split(v):
    n = v.shape[-1] // 4
    return v[:, :n], v[:, n:2 * n], v[:, 2 * n:3 * n], v[:, 3 * n:]


def mlstm(w, ids):
    batch = ids.shape[0]
    n = w.mh.shape[0]
    h, c = np.zeros((batch, n)), np.zeros((batch, n))
    tape = []
    for t in range(ids.shape[1]):
        left, right = w.mx[ids[:, t]], h @ w.mh
        m = left * right
        i, f, o, u = split(w.wx[ids[:, t]] + m @ w.wm + w.b)
        i, f, o, u = logistic(i), logistic(f), logistic(o), np.tanh(u)
        c_new = f * c + i * u
        h_new = o * np.tanh(c_new)
        tape.append((h, c, left, right, m, i, f, o, u, c_new))
        h, c = h_new, c_new
    states = [step[0] for step in tape[1:]] + [h]
    return np.stack(states, axis=1), tape


def heads(w, states, ids, lengths):
    steps = np.arange(ids.shape[1])
    inside = (steps < lengths[:, None]).astype(float)
    pooled = (states * inside[:, :, None]).sum(axis=1) / lengths[:, None]
    logits = states[:, :-1] @ w.out + w.bout
    logits = logits - logits.max(axis=2, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    return inside, pooled, logp, pooled @ w.stab + w.bstab[0]


def loss(w, ids, lengths, stability, mix=0.5):
    states, _ = mlstm(w, ids)
    inside, _, logp, guess = heads(w, states, ids, lengths)
    picked = np.take_along_axis(logp, ids[:, 1:, None], axis=2)[:, :, 0]
    language = -np.sum(picked * inside[:, 1:]) / np.sum(inside[:, 1:])
    return language + mix * np.mean(np.log(np.cosh(guess - stability)))


def gradient(w, ids, lengths, stability, mix=0.5):
    states, tape = mlstm(w, ids)
    inside, pooled, logp, guess = heads(w, states, ids, lengths)
    g = Weights(*[np.zeros_like(v) for v in w])

    dlogits = np.exp(logp) - np.eye(w.out.shape[1])[ids[:, 1:]]
    dlogits *= inside[:, 1:, None] / np.sum(inside[:, 1:])
    g.out[...] = np.tensordot(states[:, :-1], dlogits, axes=([0, 1], [0, 1]))
    g.bout[...] = dlogits.sum(axis=(0, 1))
    dguess = mix * np.tanh(guess - stability) / len(guess)
    g.stab[...] = dguess @ pooled
    g.bstab[...] = dguess.sum()

    dstates = inside[:, :, None] * (dguess / lengths)[:, None, None] * w.stab
    dstates[:, :-1] += dlogits @ w.out.T
    dh = np.zeros_like(tape[0][0])
    dc = np.zeros_like(dh)
    for t in reversed(range(ids.shape[1])):
        h_prev, c_prev, left, right, m, i, f, o, u, c = tape[t]
        dh = dh + dstates[:, t]
        tc = np.tanh(c)
        dc = dc + dh * o * (1 - tc * tc)
        di, df, do = dc * u * i * (1 - i), dc * c_prev * f * (1 - f), dh * tc * o * (1 - o)
        dz = np.hstack([di, df, do, dc * i * (1 - u * u)])
        dm = dz @ w.wm.T
        np.add.at(g.wx, ids[:, t], dz)
        np.add.at(g.mx, ids[:, t], dm * right)
        g.wm[...] += m.T @ dz
        g.b[...] += dz.sum(axis=0)
        g.mh[...] += h_prev.T @ (dm * left)
        dh = (dm * left) @ w.mh.T
        dc = dc * f
    return g


def random_weights(residues, n, seed):
    r = np.random.default_rng(seed)
    shapes = (residues, 4 * n), (n, 4 * n), (4 * n,), (residues, n), (n, n), (n, residues), (residues,), (n,), (1,)
    return Weights(*[r.normal(size=s) * (0.9 if len(s) == 2 else 0.4) for s in shapes])


def random_peptides(residues, lengths, seed):
    r = np.random.default_rng(seed)
    ids = r.integers(0, residues, (len(lengths), max(lengths)))
    return ids, np.array(lengths), r.normal(size=len(lengths)) * 1.5


w = random_weights(residues=6, n=4, seed=40)
ids, lengths, stability = random_peptides(6, [7, 4, 6], seed=41)
