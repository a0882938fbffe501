#!/usr/bin/env python
"""Nursery rhymes, one character at a time, with a multiplicative RNN
(Sutskever, Martens, Hinton: Generating text with recurrent neural networks, 2011).

The character picks its own transition matrix, Whf diag(Wfx x) Wfh, with F factors.
Started from a well-known 100-line gist, so: column vectors, and a function that returns everything.
"""
import numpy as np

rhyme = "one two buckle my shoe"
alphabet = sorted(set(rhyme))
to_ix = {ch: k for k, ch in enumerate(alphabet)}

np.random.seed(11)
n_char = len(alphabet)
n_hid, n_fac = 6, 5

Wfx = np.random.randn(n_fac, n_char) * 0.6    # character -> factors
Wfh = np.random.randn(n_fac, n_hid) * 0.6     # state -> factors
Whf = np.random.randn(n_hid, n_fac) * 0.6     # factors -> state
Whx = np.random.randn(n_hid, n_char) * 0.4    # character -> state, additive part
Who = np.random.randn(n_char, n_hid) * 0.5
bh = np.random.randn(n_hid, 1) * 0.1
bo = np.random.randn(n_char, 1) * 0.1


def bits_and_grads(ins, outs, h0):
    """
    ins, outs: lists of integers, h0: column
    returns bits per character, gradients (same order as the weights above), last state
    """
    xfac, hfac, hs, ps = {}, {}, {-1: np.copy(h0)}, {}
    loss = 0
    # ---- forward
    for t, c in enumerate(ins):
        xfac[t] = Wfx[:, [c]]
        hfac[t] = np.dot(Wfh, hs[t - 1])
        hs[t] = np.tanh(np.dot(Whf, xfac[t] * hfac[t]) + Whx[:, [c]] + bh)
        score = np.dot(Who, hs[t]) + bo
        score = score - np.max(score)
        ps[t] = np.exp(score) / np.sum(np.exp(score))
        loss += -np.log2(ps[t][outs[t], 0])
    n = len(ins)
    loss = loss / n
    # ---- backward
    dWfx, dWfh, dWhf, dWhx = np.zeros_like(Wfx), np.zeros_like(Wfh), np.zeros_like(Whf), np.zeros_like(Whx)
    dWho, dbh, dbo = np.zeros_like(Who), np.zeros_like(bh), np.zeros_like(bo)
    dh_next = np.zeros_like(h0)
    for t in reversed(range(n)):
        c = ins[t]
        dscore = np.copy(ps[t])
        dscore[outs[t]] -= 1
        dscore /= n * np.log(2)               # bits, not nats
        dWho += np.dot(dscore, hs[t].T)
        dbo += dscore
        dh = np.dot(Who.T, dscore) + dh_next
        draw = (1 - hs[t] * hs[t]) * dh
        dbh += draw
        dWhx[:, [c]] += draw
        dWhf += np.dot(draw, (xfac[t] * hfac[t]).T)
        dfac = np.dot(Whf.T, draw)
        dWfx[:, [c]] += dfac * hfac[t]
        dhfac = dfac * xfac[t]
        dWfh += np.dot(dhfac, hs[t - 1].T)
        dh_next = np.dot(Wfh.T, dhfac)
    return loss, (dWfx, dWfh, dWhf, dWhx, dWho, dbh, dbo), hs[n - 1]


def sample(h, c, n):
    """n characters after c"""
    out = []
    for _ in range(n):
        h = np.tanh(np.dot(Whf, Wfx[:, [c]] * np.dot(Wfh, h)) + Whx[:, [c]] + bh)
        e = np.exp(np.dot(Who, h) + bo)
        c = np.random.choice(len(e), p=(e / e.sum()).ravel())
        out.append(c)
    return out


ids = [to_ix[ch] for ch in rhyme]
ins, outs = ids[:8], ids[1:9]
h0 = np.random.randn(n_hid, 1) * 0.3

if __name__ == "__main__":
    h, p, memory = np.zeros((n_hid, 1)), 0, [np.zeros_like(w) for w in (Wfx, Wfh, Whf, Whx, Who, bh, bo)]
    for step in range(3000):
        if p + 9 > len(ids):
            h, p = np.zeros((n_hid, 1)), 0
        loss, grads, h = bits_and_grads(ids[p:p + 8], ids[p + 1:p + 9], h)
        for w, g, m in zip((Wfx, Wfh, Whf, Whx, Who, bh, bo), grads, memory):
            m += g * g
            w -= 0.05 * g / np.sqrt(m + 1e-8)
        p += 8
        if step % 500 == 0:
            print(step, loss, "".join(alphabet[k] for k in sample(h, ids[0], 20)))
