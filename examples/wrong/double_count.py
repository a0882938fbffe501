"""Tanh RNN over a batch of sequences, weight gradients gathered with einsum after the loop."""
import numpy as np

rng = np.random.default_rng(81)
B, T, D, H, K = 3, 7, 4, 5, 2

U = rng.normal(size=(D, H)) * 0.5
W = rng.normal(size=(H, H)) * 0.4
b = rng.normal(size=H) * 0.3
V = rng.normal(size=(H, K)) * 0.6
c = rng.normal(size=K) * 0.2
h0 = rng.normal(size=(B, H)) * 0.4

x = rng.normal(size=(B, T, D))
y = rng.normal(size=(B, T, K))


def forward():
    h = np.zeros((B, T + 1, H))
    h[:, 0] = h0
    for t in range(T):
        h[:, t + 1] = np.tanh(x[:, t] @ U + h[:, t] @ W + b)
    return h, h[:, 1:] @ V + c


def loss():
    _, o = forward()
    return np.mean((o - y) ** 2)


def grads():
    h, o = forward()
    do = 2.0 * (o - y) / o.size
    da = np.zeros((B, T, H))
    db = np.zeros_like(b)
    dh = np.zeros((B, H))
    for t in range(T - 1, -1, -1):
        dh = dh + do[:, t] @ V.T
        da[:, t] = dh * (1 - h[:, t + 1] ** 2)
        db += da[:, t].sum(axis=0)
        dh = da[:, t] @ W.T
    dh0 = dh

    dU = np.einsum("btd,bth->dh", x, da)
    dW = np.einsum("btg,bth->gh", h[:, :-1], da)
    db += np.einsum("bth->h", da)
    dV = np.einsum("bth,btk->hk", h[:, 1:], do)
    dc = np.einsum("btk->k", do)
    return dU, dW, db, dV, dc, dh0


if __name__ == "__main__":
    for k in range(200):
        for p, g in zip((U, W, b, V, c, h0), grads()):
            p -= 0.1 * g
    print("mean squared error", loss())
