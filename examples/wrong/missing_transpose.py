"""RNN in row-vector form, parameters held in one dictionary P. Mean cross-entropy over the batch and all steps."""
import numpy as np

T, B, D, H, K = 5, 4, 3, 6, 2

rng = np.random.default_rng(15)
P = {
    "U": rng.normal(size=(D, H)) * 0.6,
    "W": rng.normal(size=(H, H)) * 0.5,
    "b": rng.normal(size=H) * 0.1,
    "V": rng.normal(size=(H, K)) * 0.6,
    "c": rng.normal(size=K) * 0.1,
}
x = rng.normal(size=(T, B, D))
y = rng.integers(0, K, size=(T, B))


def softmax(o):
    e = np.exp(o - o.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(P, x):
    h = np.empty((T, B, H))
    state = np.zeros((B, H))
    for t in range(T):
        state = np.tanh(x[t] @ P["U"] + state @ P["W"] + P["b"])
        h[t] = state
    return h, softmax(h @ P["V"] + P["c"])


def cross_entropy(P, x, y):
    _, p = forward(P, x)
    right = p[np.arange(T)[:, None], np.arange(B)[None, :], y]
    return -np.mean(np.log(right))


def backward(P, x, y):
    h, p = forward(P, x)
    do = p.copy()
    do[np.arange(T)[:, None], np.arange(B)[None, :], y] -= 1.0
    do /= T * B

    G = {k: np.zeros_like(v) for k, v in P.items()}
    dh = np.zeros((B, H))
    for t in range(T - 1, -1, -1):
        G["V"] += h[t].T @ do[t]
        G["c"] += do[t].sum(0)
        dh += do[t] @ P["V"].T
        da = dh * (1 - h[t] ** 2)
        G["U"] += x[t].T @ da
        G["b"] += da.sum(0)
        if t > 0:
            G["W"] += h[t - 1].T @ da
        dh = da @ P["W"]
    return G


def sgd(P, G, rate):
    for k in P:
        P[k] -= rate * G[k]


if __name__ == "__main__":
    for i in range(200):
        sgd(P, backward(P, x, y), 0.5)
    print("cross-entropy after 200 updates:", cross_entropy(P, x, y))
