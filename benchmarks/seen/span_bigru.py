# Find the answer span in a passage: bidirectional GRU (cuDNN style, reset gate after the matrix product),
# one softmax over positions for the start and another one for the end.
from collections import namedtuple

import numpy as np

GRU = namedtuple("GRU", "Wi Wh bi bh")
Reader = namedtuple("Reader", "fw bw start end")


def logistic(x):
    return 1.0 / (1.0 + np.exp(-x))


def gru_forward(cell, xs, mask, order):
    hid = cell.Wh.shape[0]
    h = np.zeros((xs.shape[1], hid))
    outs, saved = np.zeros(xs.shape[:2] + (hid,)), {}
    for t in order:
        gi = xs[t] @ cell.Wi + cell.bi
        gh = h @ cell.Wh + cell.bh
        r = logistic(gi[:, :hid] + gh[:, :hid])
        z = logistic(gi[:, hid:2 * hid] + gh[:, hid:2 * hid])
        hn = gh[:, 2 * hid:]
        n = np.tanh(gi[:, 2 * hid:] + r * hn)
        m = mask[t][:, None]
        saved[t] = (h, r, z, n, hn)
        h = m * (n + z * (h - n)) + (1 - m) * h
        outs[t] = h
    return outs, saved


def gru_backward(cell, xs, mask, order, saved, douts):
    dWi, dWh, dbi, dbh = (np.zeros_like(w) for w in cell)
    dh = np.zeros_like(douts[0])
    for t in reversed(order):
        h, r, z, n, hn = saved[t]
        m = mask[t][:, None]
        dh = dh + douts[t]
        dnew = dh * m
        dn = dnew * (1 - z) * (1 - n ** 2)
        dz = dnew * (h - n) * z * (1 - z)
        dr = dn * hn * r * (1 - r)
        dgi = np.concatenate([dr, dz, dn], axis=1)
        dgh = np.concatenate([dr, dz, dn * r], axis=1)
        dWi += xs[t].T @ dgi
        dbi += dgi.sum(axis=0)
        dWh += h.T @ dgh
        dbh += dgh.sum(axis=0)
        dh = dh * (1 - m) + dnew * z + dgh @ cell.Wh.T
    return GRU(dWi, dWh, dbi, dbh)


def log_positions(feats, w, mask):
    s = np.where(mask > 0, feats @ w, -1e9)
    s = s - s.max(axis=0)
    return s - np.log(np.exp(s).sum(axis=0))


def read(reader, xs, mask):
    forth = list(range(len(xs)))
    back = forth[::-1]
    f, fsaved = gru_forward(reader.fw, xs, mask, forth)
    b, bsaved = gru_forward(reader.bw, xs, mask, back)
    return np.concatenate([f, b], axis=2), (forth, fsaved, back, bsaved)


def span_loss(reader, xs, mask, spans):
    feats, _ = read(reader, xs, mask)
    B = xs.shape[1]
    cols = np.arange(B)
    ls = log_positions(feats, reader.start, mask)
    le = log_positions(feats, reader.end, mask)
    return -(ls[spans[:, 0], cols] + le[spans[:, 1], cols]).sum() / B


def span_grads(reader, xs, mask, spans):
    feats, (forth, fsaved, back, bsaved) = read(reader, xs, mask)
    B = xs.shape[1]
    dfeats = np.zeros_like(feats)
    heads = []
    for k, w in enumerate((reader.start, reader.end)):
        ds = np.exp(log_positions(feats, w, mask))
        ds[spans[:, k], np.arange(B)] -= 1
        ds /= B
        heads.append(np.tensordot(ds, feats, axes=([0, 1], [0, 1])))
        dfeats += ds[:, :, None] * w
    hid = reader.fw.Wh.shape[0]
    dfw = gru_backward(reader.fw, xs, mask, forth, fsaved, dfeats[:, :, :hid])
    dbw = gru_backward(reader.bw, xs, mask, back, bsaved, dfeats[:, :, hid:])
    return Reader(dfw, dbw, *heads)


def new_gru(rng, d, hid):
    shapes = [(d, 3 * hid), (hid, 3 * hid), (3 * hid,), (3 * hid,)]
    return GRU(*(rng.uniform(-0.7, 0.7, s) for s in shapes))


def new_reader(d, hid, seed):
    rng = np.random.default_rng(seed)
    return Reader(new_gru(rng, d, hid), new_gru(rng, d, hid), rng.normal(size=2 * hid), rng.normal(size=2 * hid))


def passages(lengths, d, seed):
    rng = np.random.default_rng(seed)
    xs = rng.normal(size=(max(lengths), len(lengths), d))
    mask = (np.arange(max(lengths))[:, None] < np.array(lengths)).astype(float)
    spans = np.array([sorted(rng.integers(0, n, size=2)) for n in lengths])
    return xs, mask, spans


reader = new_reader(2, 4, seed=331)
xs, mask, spans = passages([6, 4, 5], 2, seed=332)
