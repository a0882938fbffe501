"""Will a thread become a rumour?  Two or more minLSTM layers (Feng et al. 2024: "Were RNNs all we needed?") with skips.

The gates see only the input, not the state:  f' = f / (f + i),  i' = i / (f + i),  h_t = f' h_{t-1} + i' (Wh x_t).
Labels are noisy, so the generalised cross entropy (1 - p_y^q) / q of Zhang & Sabuncu (2018) on the mean state.
"""
import numpy as np

Q = 0.6


def sig(x):
    return 1 / (1 + np.exp(-x))


def layer_forward(p, x, h0):
    f, i, v = sig(x @ p["Wf"] + p["bf"]), sig(x @ p["Wi"] + p["bi"]), x @ p["Wh"] + p["bh"]
    keep = f / (f + i)
    h = np.zeros(v.shape)
    prev = h0
    for t in range(x.shape[1]):
        prev = keep[:, t] * prev + (1 - keep[:, t]) * v[:, t]
        h[:, t] = prev
    return h, (x, f, i, v, keep, h)


def layer_backward(p, g, cache, h0, dh):
    x, f, i, v, keep, h = cache
    dkeep, dv = np.empty_like(v), np.empty_like(v)
    run = np.zeros_like(dh[:, 0])
    for t in range(x.shape[1] - 1, -1, -1):
        run = run + dh[:, t]
        before = h[:, t - 1] if t > 0 else h0
        dkeep[:, t] = run * (before - v[:, t])
        dv[:, t] = run * (1 - keep[:, t])
        run = run * keep[:, t]
    both = (f + i) ** 2
    df = dkeep * i / both * f * (1 - f)
    di = -dkeep * f / both * i * (1 - i)
    dx = 0
    for W, b, d in (("Wf", "bf", df), ("Wi", "bi", di), ("Wh", "bh", dv)):
        g[W] += np.tensordot(x, d, axes=([0, 1], [0, 1]))
        g[b] += d.sum(axis=(0, 1))
        dx = dx + d @ p[W].T
    g["h0"] += run.sum(axis=0)
    return dx


def network(params, x):
    h = np.tanh(x @ params["inp"])
    caches = []
    for p in params["layers"]:
        new, cache = layer_forward(p, h, p["h0"])
        caches.append(cache)
        h = h + new
    pooled = h.mean(axis=1)
    s = pooled @ params["out"]
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return caches, pooled, e / e.sum(axis=1, keepdims=True)


def gce(params, x, y):
    p = network(params, x)[2][np.arange(len(y)), y]
    return np.mean((1 - p ** Q) / Q)


def gce_grad(params, x, y):
    caches, pooled, prob = network(params, x)
    rows = np.arange(len(y))
    weight = prob[rows, y] ** Q / len(y)
    ds = prob * weight[:, None]
    ds[rows, y] -= weight
    grads = {"out": pooled.T @ ds, "layers": []}
    dh = np.repeat((ds @ params["out"].T)[:, None, :], x.shape[1], axis=1) / x.shape[1]
    for p in params["layers"][::-1]:
        g = {name: np.zeros_like(value) for name, value in p.items()}
        dh = dh + layer_backward(p, g, caches.pop(), p["h0"], dh)
        grads["layers"].insert(0, g)
    bottom = np.tanh(x @ params["inp"])
    grads["inp"] = np.einsum("btd,bth->dh", x, dh * (1 - bottom ** 2))
    return grads


def start(D, H, depth, classes, seed):
    rng = np.random.default_rng(seed)
    layers = []
    for _ in range(depth):
        p = {w: rng.normal(size=(H, H)) for w in ("Wf", "Wi", "Wh")}
        p.update({b: 0.3 * rng.normal(size=H) for b in ("bf", "bi", "bh", "h0")})
        layers.append(p)
    return {"inp": rng.normal(size=(D, H)), "layers": layers, "out": rng.normal(size=(H, classes))}


def threads(B, T, D, classes, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(B, T, D)), rng.integers(classes, size=B)


params = start(2, 3, 2, 3, seed=1181)
x, y = threads(4, 5, 2, 3, seed=1182)
