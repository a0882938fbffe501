# Sleep stages from EEG epochs: dilated recurrent network (Chang et al. 2017), every layer looks back twice as far as the
# one below.  The cell is the update-gate RNN (Collins et al. 2016), with a residual connection from the second layer on.
# x (B, T, D), stages (B, T) integers, scored (B, T): epochs that the technician could not score have 0 there.
import numpy as np


def dilated_forward(layer, dilation, x):
    B, T, _ = x.shape
    H = layer["b"].shape[0] // 2
    # rows 0..dilation-1 of `h` are the zeros before the night starts
    h = np.zeros((B, T + dilation, H))
    g = np.zeros((B, T, H))
    c = np.zeros((B, T, H))
    pre = x @ layer["U"] + layer["b"]
    for t in range(T):
        a = pre[:, t] + h[:, t] @ layer["W"]
        g[:, t] = 1.0 / (1.0 + np.exp(-a[:, :H]))
        c[:, t] = np.tanh(a[:, H:])
        h[:, t + dilation] = g[:, t] * h[:, t] + (1.0 - g[:, t]) * c[:, t]
    return h[:, dilation:], (x, h, g, c)


def dilated_backward(layer, dilation, cache, dout):
    x, h, g, c = cache
    B, T, H = g.shape
    dh = np.zeros_like(h)
    dh[:, dilation:] = dout
    da = np.zeros((B, T, 2 * H))
    for t in range(T - 1, -1, -1):
        d = dh[:, t + dilation]
        da[:, t, :H] = d * (h[:, t] - c[:, t]) * g[:, t] * (1.0 - g[:, t])
        da[:, t, H:] = d * (1.0 - g[:, t]) * (1.0 - c[:, t] ** 2)
        dh[:, t] += d * g[:, t] + da[:, t] @ layer["W"].T
    flat = da.reshape(B * T, 2 * H)
    grad = {
        "U": x.reshape(B * T, -1).T @ flat,
        "W": h[:, :T].reshape(B * T, H).T @ flat,
        "b": flat.sum(axis=0),
    }
    return da @ layer["U"].T, grad


def scores(params, x):
    caches = []
    for k, layer in enumerate(params["layers"]):
        out, cache = dilated_forward(layer, 2 ** k, x)
        caches.append(cache)
        x = out + x if k > 0 else out
    return x @ params["head"] + params["offset"], x, caches


def sleep_loss(params, x, stages, scored, balance, smooth=0.1, want_grads=True):
    """Weighted cross-entropy with smoothed labels.  Returns (loss, grads)."""
    logits, top, caches = scores(params, x)
    K = logits.shape[-1]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    wanted = (1.0 - smooth) * np.eye(K)[stages] + smooth / K
    w = scored * balance[stages]
    w = w / w.sum()
    loss = -np.sum(w[..., None] * wanted * logp)
    if not want_grads:
        return loss, None

    dlogits = w[..., None] * (np.exp(logp) - wanted)
    grads = {
        "head": np.tensordot(top, dlogits, axes=([0, 1], [0, 1])),
        "offset": dlogits.sum(axis=(0, 1)),
        "layers": [None] * len(caches),
    }
    dx = dlogits @ params["head"].T
    for k in range(len(caches) - 1, -1, -1):
        dbelow, grads["layers"][k] = dilated_backward(params["layers"][k], 2 ** k, caches[k], dx)
        dx = dbelow + dx if k > 0 else dbelow
    return loss, grads


def init_params(D, H, K, depth, seed):
    rng = np.random.default_rng(seed)
    layers = []
    for k in range(depth):
        n = D if k == 0 else H
        layers.append({
            "U": rng.normal(size=(n, 2 * H)) / np.sqrt(n),
            "W": rng.normal(size=(H, 2 * H)) / np.sqrt(H),
            "b": 0.1 * rng.normal(size=2 * H),
        })
    return {"layers": layers, "head": rng.normal(size=(H, K)), "offset": 0.1 * rng.normal(size=K)}


def polysomnography(B, T, D, K, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(B, T, D))
    stages = rng.integers(0, K, size=(B, T))
    scored = (rng.random((B, T)) < 0.8).astype(float)
    scored[:, 0] = 1.0
    return x, stages, scored, 0.5 + rng.random(K)


params = init_params(3, 4, 3, depth=3, seed=751)
x, stages, scored, balance = polysomnography(2, 9, 3, 3, seed=752)
