"""Dates in any notation -> ISO digits: LSTM encoder, LSTM decoder, Luong's "general" attention.

Homework 4, part 2.  Shapes: B batch, S source steps, T target steps, H hidden, A attentional, K symbols.
"""
from collections import namedtuple

import numpy as np

Weights = namedtuple("Weights", "enc dec score mix out")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cell(w, x, h, c):
    """w: (4, X + H + 1, H), the last row is the bias."""
    inp = np.concatenate([x, h, np.ones((len(x), 1))], axis=1)
    a = np.einsum("bx,gxh->gbh", inp, w)
    i, f, o, g = sigmoid(a[0]), sigmoid(a[1]), sigmoid(a[2]), np.tanh(a[3])
    c_new = f * c + i * g
    return o * np.tanh(c_new), c_new, (inp, i, f, o, g, c, c_new)


def cell_back(w, dh, dc, saved):
    inp, i, f, o, g, c, c_new = saved
    th = np.tanh(c_new)
    dc = dc + dh * o * (1 - th ** 2)
    da = np.stack([dc * g * i * (1 - i), dc * c * f * (1 - f), dh * th * o * (1 - o), dc * i * (1 - g ** 2)])
    dw = np.einsum("bx,gbh->gxh", inp, da)
    dinp = np.einsum("gbh,gxh->bx", da, w)
    n = w.shape[2]
    return dw, dinp[:, -1 - n:-1], dc * f


def forward(w, src, tgt_in, tgt):
    B, H = len(src), w.enc.shape[2]
    h, c = np.zeros((B, H)), np.zeros((B, H))
    enc_saved, memory = [], []
    for s in range(src.shape[1]):
        h, c, saved = cell(w.enc, src[:, s], h, c)
        enc_saved.append(saved)
        memory.append(h)
    memory = np.stack(memory, axis=1)                           # B S H
    dec_saved, loss = [], 0.0
    for t in range(tgt.shape[1]):
        h, c, saved = cell(w.dec, tgt_in[:, t], h, c)
        query = h @ w.score
        alpha = softmax(np.einsum("bsh,bh->bs", memory, query))
        context = np.einsum("bs,bsh->bh", alpha, memory)
        both = np.concatenate([context, h], axis=1)
        attentional = np.tanh(both @ w.mix)
        prob = softmax(attentional @ w.out)
        loss += -np.sum(tgt[:, t] * np.log(prob)) / B
        dec_saved.append((saved, h, query, alpha, both, attentional, prob))
    return loss, (enc_saved, memory, dec_saved)


def backward(w, tgt, saved):
    enc_saved, memory, dec_saved = saved
    B, S, H = memory.shape
    d_enc, d_dec, d_score, d_mix, d_out = [np.zeros_like(v) for v in w]
    dmemory = np.zeros_like(memory)
    dh, dc = np.zeros((B, H)), np.zeros((B, H))
    for t in range(len(dec_saved) - 1, -1, -1):
        lstm, h, query, alpha, both, attentional, prob = dec_saved[t]
        dlogit = (prob - tgt[:, t]) / B
        d_out += attentional.T @ dlogit
        dpre = dlogit @ w.out.T * (1 - attentional ** 2)
        d_mix += both.T @ dpre
        dcontext, dh_mix = np.split(dpre @ w.mix.T, 2, axis=1)
        dalpha = np.einsum("bh,bsh->bs", dcontext, memory)
        de = alpha * (dalpha - np.sum(alpha * dalpha, axis=1, keepdims=True))
        dquery = np.einsum("bs,bsh->bh", de, memory)
        dmemory += np.einsum("bs,bh->bsh", alpha, dcontext) + np.einsum("bs,bh->bsh", de, query)
        d_score += h.T @ dquery
        dw, dh, dc = cell_back(w.dec, dh + dh_mix + dquery @ w.score.T, dc, lstm)
        d_dec += dw
    for s in range(S - 1, -1, -1):
        dw, dh, dc = cell_back(w.enc, dh + dmemory[:, s], dc, enc_saved[s])
        d_enc += dw
    return Weights(d_enc, d_dec, d_score, d_mix, d_out)


def make(B, S, T, X, H, A, K, seed):
    rng = np.random.default_rng(seed)
    n = lambda *shape: rng.normal(size=shape) / np.sqrt(shape[-2])
    w = Weights(enc=n(4, X + H + 1, H), dec=n(4, K + H + 1, H), score=n(H, H), mix=n(2 * H, A), out=n(A, K))
    tgt = np.eye(K)[rng.integers(K, size=(B, T))]
    tgt_in = np.concatenate([np.zeros((B, 1, K)), tgt[:, :-1]], axis=1)
    return w, rng.normal(size=(B, S, X)), tgt_in, tgt


w, src, tgt_in, tgt = make(B=2, S=5, T=4, X=3, H=3, A=4, K=5, seed=4)
