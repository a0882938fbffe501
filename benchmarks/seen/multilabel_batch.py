# batch-major simple RNN with several yes/no labels at every step; all da[t] first, then the weights' gradients by einsum
import numpy as np

rng = np.random.default_rng(99)


def make(B, T, D, H, K):
    theta = dict(
        Wxh=rng.normal(0, 0.6, (H, D)),
        Whh=rng.normal(0, 0.5, (H, H)),
        bh=rng.normal(0, 0.1, H),
        Why=rng.normal(0, 0.8, (K, H)),
        by=rng.normal(0, 0.1, K),
        h0=rng.normal(0, 0.3, H),
    )
    X = rng.normal(size=(B, T, D))
    Y = (rng.random((B, T, K)) < 0.5).astype(float)
    return theta, X, Y


def fprop(theta, X):
    B, T, _ = X.shape
    Hs = np.empty((B, T + 1, len(theta["bh"])))
    Hs[:, 0] = theta["h0"]
    pre = np.einsum("btd,hd->bth", X, theta["Wxh"]) + theta["bh"]
    for t in range(T):
        Hs[:, t + 1] = np.tanh(pre[:, t] + Hs[:, t] @ theta["Whh"].T)
    logit = Hs[:, 1:] @ theta["Why"].T + theta["by"]
    return Hs, logit


def objective(theta, X, Y):
    _, a = fprop(theta, X)
    return np.sum(np.maximum(a, 0) - a * Y + np.log1p(np.exp(-np.abs(a)))) / Y.shape[0]


def bprop(theta, X, Y):
    Hs, a = fprop(theta, X)
    B, T, _ = X.shape
    P = 1 / (1 + np.exp(-a))
    dlogit = (P - Y) / B
    dH = dlogit @ theta["Why"]
    dA = np.zeros_like(dH)
    for t in range(T)[::-1]:
        flow = dH[:, t]
        if t + 1 < T:
            flow = flow + dA[:, t + 1] @ theta["Whh"]
        dA[:, t] = flow * (1.0 - Hs[:, t + 1] ** 2)
    return {
        "Wxh": np.einsum("bth,btd->hd", dA, X),
        "Whh": np.einsum("bth,btk->hk", dA, Hs[:, :-1]),
        "bh": dA.sum(axis=(0, 1)),
        "Why": np.einsum("btk,bth->kh", dlogit, Hs[:, 1:]),
        "by": dlogit.sum(axis=(0, 1)),
        "h0": (dA[:, 0] @ theta["Whh"]).sum(axis=0),
    }


theta, X, Y = make(4, 6, 3, 5, 2)

if __name__ == "__main__":
    for i in range(200):
        g = bprop(theta, X, Y)
        for k in theta:
            theta[k] -= 0.1 * g[k]
        if i % 50 == 0:
            print(i, objective(theta, X, Y))
