'''
LSTM encoder and LSTM decoder. The decoder gets the encoder's last (h, c) and is fed
the true previous output (teacher forcing). weights = [encoder, encoder bias, decoder, decoder bias, readout, readout bias]
'''
import numpy as np


def sig(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def cell(K, k, x, h, c):
    inp = np.concatenate((h, x), axis=-1)
    a = np.dot(inp, K) + k
    ai, af, ao, au = np.split(a, 4, axis=-1)
    i, f, o, u = sig(ai), sig(af), sig(ao), np.tanh(au)
    c1 = i * u + f * c
    return o * np.tanh(c1), c1, (inp, i, f, o, u, c, c1)


def cell_back(K, memo, dh, dc):
    """returns the gradients of K and k, then of h and c of the step before"""
    inp, i, f, o, u, c, c1 = memo
    n = c.shape[-1]
    th = np.tanh(c1)
    dc = dc + dh * o * (1 - th * th)
    da = np.concatenate((
        dc * u * i * (1 - i),
        dc * c * f * (1 - f),
        dh * th * o * (1 - o),
        dc * i * (1 - u * u)), axis=-1)
    return inp.T.dot(da), da.sum(0), da.dot(K.T)[:, :n], dc * f


def encode_decode(weights, src, dst):
    E, e, D, d, R, r = weights
    n = len(e) // 4
    h = np.zeros((src.shape[1], n))
    c = np.zeros((src.shape[1], n))
    enc, dec, tops, outs = [], [], [], []
    for x in src:
        h, c, m = cell(E, e, x, h, c)
        enc.append(m)
    fed = np.zeros_like(dst[0])     # start of sequence
    for want in dst:
        h, c, m = cell(D, d, fed, h, c)
        dec.append(m)
        tops.append(h)
        outs.append(np.dot(h, R) + r)
        fed = want
    return enc, dec, tops, outs


def error(weights, src, dst):
    outs = encode_decode(weights, src, dst)[3]
    return 0.5 * np.mean([np.sum((o - w) ** 2) for o, w in zip(outs, dst)])


def error_back(weights, src, dst):
    E, e, D, d, R, r = weights
    enc, dec, tops, outs = encode_decode(weights, src, dst)
    gE, ge, gD, gd, gR, gr = [np.zeros_like(w) for w in weights]
    dh = np.zeros_like(tops[0])
    dc = np.zeros_like(tops[0])

    for t in range(len(dst) - 1, -1, -1):
        dout = (outs[t] - dst[t]) / len(dst)
        gR += tops[t].T.dot(dout)
        gr += dout.sum(0)
        dh = dh + dout.dot(R.T)
        dK, dk, dh, dc = cell_back(D, dec[t], dh, dc)
        gD += dK
        gd += dk

    for memo in enc[::-1]:
        dK, dk, dh, dc = cell_back(E, memo, dh, dc)
        gE += dK
        ge += dk

    return [gE, ge, gD, gd, gR, gr]


def start(n_src, n_dst, n, t_src, t_dst, batch, seed=21):
    g = np.random.RandomState(seed)
    weights = [g.randn(n + n_src, 4 * n) * .5, g.randn(4 * n) * .3,
               g.randn(n + n_dst, 4 * n) * .5, g.randn(4 * n) * .3,
               g.randn(n, n_dst), g.randn(n_dst) * .3]
    return weights, g.randn(t_src, batch, n_src), g.randn(t_dst, batch, n_dst)


weights, src, dst = start(3, 2, 4, 6, 5, 2)
