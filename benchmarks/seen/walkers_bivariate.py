"""Where do pedestrians go next?  Displacements -> ReLU embedding -> GRU -> a bivariate Gaussian (as in Social LSTM,
without the social part).  cuDNN's GRU: the reset gate acts on the product.  tracks: (T + 1, walkers, 2) positions."""
from collections import namedtuple

import numpy as np

Params = namedtuple("Params", "E e Wx Wh bx bh V v")


def params_like(seed, embed, hidden):
    r = np.random.RandomState(seed)
    return Params(
        E=r.randn(2, embed), e=r.randn(embed) * .3,
        Wx=r.randn(embed, 3 * hidden) / np.sqrt(embed), Wh=r.randn(hidden, 3 * hidden) / np.sqrt(hidden),
        bx=r.randn(3 * hidden) * .1, bh=r.randn(3 * hidden) * .1,
        V=r.randn(hidden, 5) * .5, v=r.randn(5) * .1)


def sigmoid(z):
    return 1. / (1. + np.exp(-z))


def step(p, x, h):
    H = h.shape[1]
    a = x @ p.E + p.e
    m = np.maximum(a, 0.)
    gx = m @ p.Wx + p.bx
    gh = h @ p.Wh + p.bh
    r = sigmoid(gx[:, :H] + gh[:, :H])
    z = sigmoid(gx[:, H:2 * H] + gh[:, H:2 * H])
    n = np.tanh(gx[:, 2 * H:] + r * gh[:, 2 * H:])
    h_new = (1 - z) * n + z * h
    return h_new, (x, h, a, m, r, z, n, gh[:, 2 * H:])


def gauss(out, d):
    """-log N(d; mx, my, sx, sy, rho) for each walker, and its derivative in `out`"""
    mx, my, lx, ly, k = out.T
    sx, sy, rho = np.exp(lx), np.exp(ly), np.tanh(k)
    u = (d[:, 0] - mx) / sx
    v = (d[:, 1] - my) / sy
    q = 1 - rho ** 2
    Z = u ** 2 + v ** 2 - 2 * rho * u * v
    nll = Z / (2 * q) + lx + ly + .5 * np.log(q) + np.log(2 * np.pi)
    du = (u - rho * v) / q
    dv = (v - rho * u) / q
    drho = -u * v / q + Z * rho / q ** 2 - rho / q
    dout = np.stack([-du / sx, -dv / sy, 1 - du * u, 1 - dv * v, drho * q], axis=1)
    return nll, dout


def loss(p, tracks):
    d = tracks[1:] - tracks[:-1]
    h = np.zeros((tracks.shape[1], p.Wh.shape[0]))
    total = 0.
    for t in range(len(d) - 1):
        h, _ = step(p, d[t], h)
        total += gauss(h @ p.V + p.v, d[t + 1])[0].mean()
    return total / (len(d) - 1)


def grad(p, tracks):
    d = tracks[1:] - tracks[:-1]
    walkers, H = tracks.shape[1], p.Wh.shape[0]
    h = np.zeros((walkers, H))
    hist, hs = [], []
    for t in range(len(d) - 1):
        h, c = step(p, d[t], h)
        hist.append(c)
        hs.append(h)

    g = Params(*(np.zeros_like(w) for w in p))
    dh = np.zeros((walkers, H))
    for t in range(len(hist) - 1, -1, -1):
        x, h_prev, a, m, r, z, n, hn = hist[t]
        dout = gauss(hs[t] @ p.V + p.v, d[t + 1])[1] / walkers / len(hist)
        g.V[:] += hs[t].T @ dout
        g.v[:] += dout.sum(0)
        dh += dout @ p.V.T

        dn = dh * (1 - z) * (1 - n * n)
        dz = dh * (h_prev - n) * z * (1 - z)
        dr = dn * hn * r * (1 - r)
        dgx = np.concatenate([dr, dz, dn], 1)
        dgh = np.concatenate([dr, dz, dn * r], 1)
        g.Wx[:] += m.T @ dgx
        g.bx[:] += dgx.sum(0)
        g.Wh[:] += h_prev.T @ dgh
        g.bh[:] += dgh.sum(0)
        da = dgx @ p.Wx.T * (a > 0)
        g.E[:] += x.T @ da
        g.e[:] += da.sum(0)
        dh = dh * z + dgh @ p.Wh.T
    return g


def plaza(seed, T, walkers):
    r = np.random.RandomState(seed)
    speed = r.randn(1, walkers, 2)
    return np.cumsum(speed + .4 * r.randn(T + 1, walkers, 2), axis=0)


p = params_like(41, embed=4, hidden=3)
tracks = plaza(42, T=5, walkers=3)
