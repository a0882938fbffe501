"""Pointer network (Vinyals, Fortunato, Jaitly 2015) that sorts numbers.

Encoder and decoder are LSTMs.  At step t the decoder points at one of the inputs,
    u_tj = v . tanh(W1 e_j + W2 d_t),       p_t = softmax(u_t over the inputs not yet taken),
and the number pointed at (teacher forcing: the right one) is its next input.  x: (B, N), order: (B, N) from argsort.
"""
import numpy as np

ein = np.einsum


def lstm_init(rng, H):
    return {"x": rng.normal(0, 1, (4, H)), "h": rng.normal(0, H ** -.5, (4, H, H)), "b": rng.normal(0, .2, (4, H))}


def init(H, A, seed):
    rng = np.random.default_rng(seed)
    return {"enc": lstm_init(rng, H), "dec": lstm_init(rng, H),
            "att": {"W1": rng.normal(0, 1, (A, H)), "W2": rng.normal(0, 1, (A, H)), "v": rng.normal(0, 1, A)},
            "go": rng.normal(0, 1, ())}


def lstm(w, x, h, c):
    a = ein("gh,b->gbh", w["x"], x) + ein("ghk,bk->gbh", w["h"], h) + w["b"][:, None]
    i, f, o = 1 / (1 + np.exp(-a[:3]))
    g = np.tanh(a[3])
    c1 = f * c + i * g
    tc = np.tanh(c1)
    return o * tc, c1, (x, h, c, i, f, o, g, tc)


def lstm_vjp(w, G, rec, dh, dc):
    x, h, c, i, f, o, g, tc = rec
    dc = dc + dh * o * (1 - tc ** 2)
    da = np.stack([dc * g * i * (1 - i), dc * c * f * (1 - f), dh * tc * o * (1 - o), dc * i * (1 - g ** 2)])
    G["x"] += ein("gbh,b->gh", da, x)
    G["h"] += ein("gbh,bk->ghk", da, h)
    G["b"] += ein("gbh->gh", da)
    return ein("gbh,gh->b", da, w["x"]), ein("gbh,ghk->bk", da, w["h"]), dc * f


def forward(p, x, order):
    B, N = x.shape
    H = p["enc"]["b"].shape[1]
    h, c = np.zeros((2, B, H))
    enc_rec, dec_rec, e, d = [], [], [], []
    for j in range(N):
        h, c, rec = lstm(p["enc"], x[:, j], h, c)
        enc_rec.append(rec)
        e.append(h)
    inp = p["go"] * np.ones(B)
    for t in range(N):
        h, c, rec = lstm(p["dec"], inp, h, c)
        dec_rec.append(rec)
        d.append(h)
        inp = x[np.arange(B), order[:, t]]
    e, d = np.stack(e, 1), np.stack(d, 1)
    s = np.tanh(ein("ah,bjh->baj", p["att"]["W1"], e)[:, None] + ein("ah,bth->bta", p["att"]["W2"], d)[..., None])
    u = ein("a,btaj->btj", p["att"]["v"], s)
    rank = np.argsort(order, 1)
    free = rank[:, None, :] >= np.arange(N)[None, :, None]
    u = np.where(free, u, -1e9)
    u = u - u.max(2, keepdims=True)
    logp = u - np.log(np.exp(u).sum(2, keepdims=True))
    return logp, (e, d, s, enc_rec, dec_rec)


def loss(p, x, order):
    logp, _ = forward(p, x, order)
    return -np.take_along_axis(logp, order[:, :, None], 2).mean()


def grads(p, x, order):
    B, N = x.shape
    logp, (e, d, s, enc_rec, dec_rec) = forward(p, x, order)
    att = p["att"]
    G = {k: {n: np.zeros_like(w) for n, w in p[k].items()} for k in ("enc", "dec", "att")}
    du = (np.exp(logp) - (order[:, :, None] == np.arange(N))) / (B * N)
    G["att"]["v"] = ein("btj,btaj->a", du, s)
    dpre = ein("btj,a,btaj->btaj", du, att["v"], 1 - s ** 2)
    G["att"]["W1"] = ein("btaj,bjh->ah", dpre, e)
    G["att"]["W2"] = ein("btaj,bth->ah", dpre, d)
    de = ein("btaj,ah->bjh", dpre, att["W1"])
    dd = ein("btaj,ah->bth", dpre, att["W2"])
    dh, dc = np.zeros((2,) + e[:, 0].shape)
    for t in reversed(range(N)):
        dinp, dh, dc = lstm_vjp(p["dec"], G["dec"], dec_rec[t], dh + dd[:, t], dc)
    G["go"] = dinp.sum()            # the first input only
    for j in reversed(range(N)):
        _, dh, dc = lstm_vjp(p["enc"], G["enc"], enc_rec[j], dh + de[:, j], dc)
    return G


def numbers(B, N, seed):
    x = np.random.default_rng(seed).uniform(-1, 1, (B, N))
    return x, np.argsort(x, axis=1)


p = init(H=3, A=4, seed=71)
x, order = numbers(B=2, N=4, seed=72)
