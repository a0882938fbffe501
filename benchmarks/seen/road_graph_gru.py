"""Speeds on a road network, one step ahead.

The matrix products of a GRU are replaced by diffusion convolutions over the graph (DCRNN, Li et al. 2018). Missing
readings are masked out of the Charbonnier loss.  x: (time, batch, node, feature), y and seen: (time, batch, node).
"""
import numpy as np


class DiffusionConv:
    """sum over k of  S_k X W_k,  with the S_k fixed"""

    def __init__(self, supports, n_in, n_out, rng):
        self.supports = supports
        self.W = rng.standard_normal((len(supports), n_in, n_out)) / np.sqrt(n_in)
        self.b = 0.3 * rng.standard_normal(n_out)
        self.zero()

    def zero(self):
        self.dW = np.zeros_like(self.W)
        self.db = np.zeros_like(self.b)

    def __call__(self, X):
        out = self.b
        for S, W in zip(self.supports, self.W):
            out = out + S @ X @ W
        return out

    def back(self, X, dout):
        self.db += dout.sum(axis=(0, 1))
        dX = np.zeros_like(X)
        for k, S in enumerate(self.supports):
            self.dW[k] += np.einsum("bnf,bng->fg", S @ X, dout)
            dX += S.T @ (dout @ self.W[k].T)
        return dX


class RoadGRU:
    def __init__(self, supports, n_in, n_hid, seed, eps=0.5):
        rng = np.random.default_rng(seed)
        self.H, self.eps = n_hid, eps
        self.gate = DiffusionConv(supports, n_in + n_hid, 2 * n_hid, rng)
        self.cand = DiffusionConv(supports, n_in + n_hid, n_hid, rng)
        self.v = rng.standard_normal(n_hid) * 1.3
        self.v0 = np.array([0.2])

    def forward(self, x):
        h = np.zeros((*x.shape[1:3], self.H))
        self.saved = []
        pred = []
        for xt in x:
            xh = np.concatenate([xt, h], axis=-1)
            ru = 1 / (1 + np.exp(-self.gate(xh)))
            r, u = ru[..., :self.H], ru[..., self.H:]
            xrh = np.concatenate([xt, r * h], axis=-1)
            n = np.tanh(self.cand(xrh))
            new = u * h + (1 - u) * n
            self.saved.append((xh, ru, xrh, n, h, new))
            h = new
            pred.append(h @ self.v + self.v0)
        return np.stack(pred)

    def loss(self, x, y, seen):
        e = self.forward(x) - y
        return np.sum(seen * (np.sqrt(e ** 2 + self.eps ** 2) - self.eps)) / seen.sum()

    def backward(self, x, y, seen):
        e = self.forward(x) - y
        de = seen * e / np.sqrt(e ** 2 + self.eps ** 2) / seen.sum()
        self.gate.zero()
        self.cand.zero()
        self.dv, self.dv0 = np.zeros_like(self.v), np.array([de.sum()])
        D = x.shape[-1]
        dh = 0.0
        for t in range(len(x) - 1, -1, -1):
            xh, ru, xrh, n, h, new = self.saved[t]
            r, u = ru[..., :self.H], ru[..., self.H:]
            self.dv += np.einsum("bn,bnh->h", de[t], new)
            dnew = dh + de[t][..., None] * self.v
            drh = self.cand.back(xrh, dnew * (1 - u) * (1 - n ** 2))[..., D:]
            dru = np.concatenate([drh * h, dnew * (h - n)], axis=-1)
            dxh = self.gate.back(xh, dru * ru * (1 - ru))
            dh = dnew * u + drh * r + dxh[..., D:]


def random_roads(n_nodes, hops, seed):
    """powers of the random walk along the roads and against them"""
    rng = np.random.default_rng(seed)
    A = rng.random((n_nodes, n_nodes)) * (rng.random((n_nodes, n_nodes)) < 0.6) + np.eye(n_nodes)
    there, back = A / A.sum(axis=1, keepdims=True), A.T / A.sum(axis=0)[:, None]
    found = [np.eye(n_nodes)]
    for k in range(1, hops + 1):
        found += [np.linalg.matrix_power(there, k), np.linalg.matrix_power(back, k)]
    return found


def traffic(T, B, N, D, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((T, B, N, D)), rng.standard_normal((T, B, N)), (rng.random((T, B, N)) < 0.8) * 1.0


net = RoadGRU(random_roads(4, 1, seed=60), n_in=2, n_hid=3, seed=61)
x, y, seen = traffic(5, 2, 4, 2, seed=62)
