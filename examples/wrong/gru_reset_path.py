"""Batched GRU layer (reset gate before the product). Weights in a dict, rows, time first."""
import numpy as np

T, B, D, H, K = 5, 3, 2, 4, 6
rng = np.random.default_rng(2014)

w = {}
for gate in ("update", "reset", "cand"):
    w[f"x_{gate}"] = rng.normal(size=(D, H)) * 0.8
    w[f"h_{gate}"] = rng.normal(size=(H, H)) * 0.6
    w[f"b_{gate}"] = rng.normal(size=H) * 0.2
w["out"] = rng.normal(size=(H, K)) * 0.7

x = rng.normal(size=(T, B, D))
y = rng.integers(0, K, size=(T, B))


def sigmoid(a):
    return 0.5 * (1.0 + np.tanh(0.5 * a))


def forward(w, x):
    h = np.zeros((T + 1, B, H))
    z, r, n = np.zeros((T, B, H)), np.zeros((T, B, H)), np.zeros((T, B, H))
    for t in range(T):
        z[t] = sigmoid(x[t] @ w["x_update"] + h[t] @ w["h_update"] + w["b_update"])
        r[t] = sigmoid(x[t] @ w["x_reset"] + h[t] @ w["h_reset"] + w["b_reset"])
        n[t] = np.tanh(x[t] @ w["x_cand"] + (r[t] * h[t]) @ w["h_cand"] + w["b_cand"])
        h[t + 1] = z[t] * h[t] + (1 - z[t]) * n[t]
    logits = h[1:] @ w["out"]
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return h, z, r, n, e / e.sum(-1, keepdims=True)


def loss(w, x, y):
    p = forward(w, x)[-1]
    return -np.log(np.take_along_axis(p, y[..., None], -1)).sum() / B


def backward(w, x, y):
    h, z, r, n, p = forward(w, x)
    dlogits = (p - np.eye(K)[y]) / B
    dw = {k: np.zeros_like(v) for k, v in w.items()}
    dw["out"] = np.tensordot(h[1:], dlogits, axes=([0, 1], [0, 1]))
    dh_next = np.zeros((B, H))
    for t in range(T - 1, -1, -1):
        dh = dlogits[t] @ w["out"].T + dh_next
        dz = dh * (h[t] - n[t]) * z[t] * (1 - z[t])
        dn = dh * (1 - z[t]) * (1 - n[t] ** 2)
        drh = dn @ w["h_cand"].T
        dr = drh * h[t] * r[t] * (1 - r[t])
        for gate, da, left in (("update", dz, h[t]), ("reset", dr, h[t]), ("cand", dn, r[t] * h[t])):
            dw["x_" + gate] += x[t].T @ da
            dw["h_" + gate] += left.T @ da
            dw["b_" + gate] += da.sum(axis=0)
        dh_next = dh * z[t]
        dh_next += dz @ w["h_update"].T
        dh_next += dr @ w["h_reset"].T
    return dw


if __name__ == "__main__":
    before = loss(w, x, y)
    for k in range(50):
        dw = backward(w, x, y)
        for name in w:
            w[name] -= 0.1 * dw[name]
    print("loss %.4f -> %.4f" % (before, loss(w, x, y)))
