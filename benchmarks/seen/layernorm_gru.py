"""A GRU with layer normalisation, put together from small modules.

Each module pushes what it needs on its own stack when called and pops it when run backwards; so one
module may be used at every time step, as long as backward() is called in the reverse order.
"""
import numpy as np


class Module:
    def __init__(self, **params):
        self.p = params
        self.stack = []
        self.reset()

    def reset(self):
        self.g = {k: np.zeros_like(v) for k, v in self.p.items()}


class Dense(Module):
    def __init__(self, n_in, n_out, rng):
        super().__init__(w=rng.standard_normal((n_in, n_out)) / np.sqrt(n_in))

    def __call__(self, x):
        self.stack.append(x)
        return x @ self.p["w"]

    def backward(self, dy):
        x = self.stack.pop()
        self.g["w"] += x.T @ dy
        return dy @ self.p["w"].T


class Norm(Module):
    def __init__(self, n, rng, eps=1e-3):
        super().__init__(gain=1 + 0.1 * rng.standard_normal(n), shift=0.1 * rng.standard_normal(n))
        self.eps = eps

    def __call__(self, x):
        centred = x - x.mean(axis=1, keepdims=True)
        inv = 1 / np.sqrt((centred ** 2).mean(axis=1, keepdims=True) + self.eps)
        xhat = centred * inv
        self.stack.append((xhat, inv))
        return xhat * self.p["gain"] + self.p["shift"]

    def backward(self, dy):
        xhat, inv = self.stack.pop()
        self.g["gain"] += (dy * xhat).sum(axis=0)
        self.g["shift"] += dy.sum(axis=0)
        dxhat = dy * self.p["gain"]
        along = (dxhat * xhat).mean(axis=1, keepdims=True)
        return inv * (dxhat - dxhat.mean(axis=1, keepdims=True) - xhat * along)


class NormGRU:
    def __init__(self, n_in, n, n_class, seed):
        rng = np.random.default_rng(seed)
        self.n = n
        self.x2 = Dense(n_in, 3 * n, rng)
        self.h2 = Dense(n, 3 * n, rng)
        self.nx, self.nh = Norm(3 * n, rng), Norm(3 * n, rng)
        self.head = Dense(n, n_class, rng)
        self.modules = [self.x2, self.h2, self.nx, self.nh, self.head]

    def __call__(self, xs, labels):
        for m in self.modules:
            m.stack.clear()
        n, h = self.n, np.zeros((xs.shape[1], self.n))
        self.saved = []
        for x in xs:
            a, b = self.nx(self.x2(x)), self.nh(self.h2(h))
            zr = 1 / (1 + np.exp(-(a[:, :2 * n] + b[:, :2 * n])))
            z, r = zr[:, :n], zr[:, n:]
            bn = b[:, 2 * n:]
            cand = np.tanh(a[:, 2 * n:] + r * bn)
            self.saved.append((h, z, r, bn, cand))
            h = z * h + (1 - z) * cand
        score = self.head(h)
        score = score - np.log(np.exp(score).sum(axis=1, keepdims=True))
        self.log_prob, self.labels = score, labels
        return -score[np.arange(len(labels)), labels].mean()

    def backward(self):
        for m in self.modules:
            m.reset()
        d = np.exp(self.log_prob)
        d[np.arange(len(d)), self.labels] -= 1
        dh = self.head.backward(d / len(d))
        for h, z, r, bn, cand in reversed(self.saved):
            dcand = dh * (1 - z) * (1 - cand ** 2)
            dz = dh * (h - cand) * z * (1 - z)
            dr = dcand * bn * r * (1 - r)
            self.x2.backward(self.nx.backward(np.concatenate([dz, dr, dcand], axis=1)))
            dh = dh * z + self.h2.backward(self.nh.backward(np.concatenate([dz, dr, dcand * r], axis=1)))
        return [m.g for m in self.modules]


gru = NormGRU(n_in=3, n=4, n_class=3, seed=42)
_rng = np.random.default_rng(43)
xs, labels = _rng.normal(size=(5, 3, 3)), np.array([2, 0, 1])
