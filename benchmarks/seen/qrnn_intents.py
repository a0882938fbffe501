"""Quasi-recurrent network (Bradbury et al. 2017), fo-pooling, for the intent of short commands."""
import numpy as np


def sigm(x):
    return 1.0 / (1.0 + np.exp(-x))


class QRNN:
    """Convolution of width two over the words, then pooling with forget and output gates."""

    def __init__(self, n_words, n_emb, n_hid, n_intents, seed=0):
        rng = np.random.RandomState(seed)
        self.n_hid = n_hid
        self.params = {
            "emb": rng.randn(n_words, n_emb) * 0.8,
            "K0": rng.randn(n_emb, 3 * n_hid) / np.sqrt(n_emb),
            "K1": rng.randn(n_emb, 3 * n_hid) / np.sqrt(n_emb),
            "b": rng.randn(3 * n_hid) * 0.1,
            "V": rng.randn(n_hid, n_intents) / np.sqrt(n_hid),
            "c": np.zeros(n_intents),
        }
        self.grads = {}

    def convolve(self, ids):
        p = self.params
        x = p["emb"][ids]
        before = np.concatenate([np.zeros_like(x[:, :1]), x[:, :-1]], axis=1)
        a = before @ p["K0"] + x @ p["K1"] + p["b"]
        z, f, o = np.split(a, 3, axis=2)
        return x, before, np.tanh(z), sigm(f), sigm(o)

    def forward(self, ids, lengths):
        x, before, z, f, o = self.convolve(ids)
        B, T = ids.shape
        cells = [np.zeros((B, self.n_hid))]
        top = np.zeros((B, self.n_hid))
        for t in range(T):
            cells.append(f[:, t] * cells[-1] + (1 - f[:, t]) * z[:, t])
            last = (lengths == t + 1)[:, None]
            top = np.where(last, o[:, t] * cells[-1], top)
        s = top @ self.params["V"] + self.params["c"]
        s = s - s.max(axis=1, keepdims=True)
        logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        return logp, (x, before, z, f, o, cells, top)

    def cost(self, ids, lengths, intents):
        logp, _ = self.forward(ids, lengths)
        return -logp[np.arange(len(ids)), intents].mean()

    def backward(self, ids, lengths, intents):
        p = self.params
        logp, (x, before, z, f, o, cells, top) = self.forward(ids, lengths)
        B, T = ids.shape
        ds = np.exp(logp)
        ds[np.arange(B), intents] -= 1
        ds /= B
        g = {"V": top.T @ ds, "c": ds.sum(0)}
        dtop = ds @ p["V"].T
        da = np.zeros((B, T, 3 * self.n_hid))
        dz, df, do = np.split(da, 3, axis=2)
        dc = np.zeros((B, self.n_hid))
        for t in reversed(range(T)):
            last = (lengths == t + 1)[:, None]
            dh = np.where(last, dtop, 0.0)
            do[:, t] = dh * cells[t + 1] * o[:, t] * (1 - o[:, t])
            dc = dc + dh * o[:, t]
            dz[:, t] = dc * (1 - f[:, t]) * (1 - z[:, t] ** 2)
            df[:, t] = dc * (cells[t] - z[:, t]) * f[:, t] * (1 - f[:, t])
            dc = dc * f[:, t]
        g["K0"] = np.tensordot(before, da, axes=([0, 1], [0, 1]))
        g["K1"] = np.tensordot(x, da, axes=([0, 1], [0, 1]))
        g["b"] = da.sum(axis=(0, 1))
        dx = da @ p["K1"].T
        dx[:, :-1] += da[:, 1:] @ p["K0"].T
        g["emb"] = np.zeros_like(p["emb"])
        np.add.at(g["emb"], ids, dx)
        self.grads = g


def commands(B, T, n_words, n_intents, seed):
    rng = np.random.RandomState(seed)
    lengths = rng.randint(2, T + 1, size=B)
    lengths[0] = T
    return rng.randint(n_words, size=(B, T)), lengths, rng.randint(n_intents, size=B)


net = QRNN(n_words=6, n_emb=3, n_hid=4, n_intents=3, seed=51)
ids, lengths, intents = commands(3, 5, 6, 3, seed=52)
