"""Sequence labelling with a tanh RNN. Time-major arrays: X (T, B, D), labels (T, B)."""
from types import SimpleNamespace

import numpy as np

T, B, D, H, K = 7, 3, 4, 6, 5
rng = np.random.default_rng(2024)

p = SimpleNamespace(
    U=rng.standard_normal((D, H)) / np.sqrt(D),
    W=rng.standard_normal((H, H)) / np.sqrt(H),
    b=rng.standard_normal(H) * 0.1,
    V=rng.standard_normal((H, K)) / np.sqrt(H),
    c=rng.standard_normal(K) * 0.1,
)
X = rng.standard_normal((T, B, D))
labels = rng.integers(0, K, size=(T, B))


def log_softmax(o):
    o = o - o.max(axis=-1, keepdims=True)
    return o - np.log(np.exp(o).sum(axis=-1, keepdims=True))


def forward(p, X):
    h = np.zeros((T + 1, B, H))  # h[0] is the initial state, h[t+1] belongs to X[t]
    XU = X @ p.U + p.b
    for t in range(T):
        h[t + 1] = np.tanh(XU[t] + h[t] @ p.W)
    return h, log_softmax(h[1:] @ p.V + p.c)


def nll(p, X, labels):
    _, logp = forward(p, X)
    picked = np.take_along_axis(logp, labels[..., None], axis=-1)
    return -np.sum(picked)


def bptt(p, X, labels):
    h, logp = forward(p, X)
    do = np.exp(logp) - np.eye(K)[labels]
    dV = np.einsum("tbh,tbk->hk", h[1:], do)
    dc = do.sum((0, 1))

    dh_out = do @ p.V.T
    da = np.zeros((T, B, H))
    dh = np.zeros((B, H))
    for t in range(T - 2, -1, -1):
        dh = dh + dh_out[t]
        da[t] = dh * (1 - h[t + 1] ** 2)
        dh = da[t] @ p.W.T
    dU = np.einsum("tbd,tbh->dh", X, da)
    dW = np.einsum("tbh,tbg->hg", h[:-1], da)
    db = da.sum((0, 1))
    return SimpleNamespace(U=dU, W=dW, b=db, V=dV, c=dc)


if __name__ == "__main__":
    print("loss:", nll(p, X, labels))
    for name, grad in vars(bptt(p, X, labels)).items():
        print(name, grad.shape, np.linalg.norm(grad))
