"""Gated delta rule: a layer of fast weights written and read at every step.

Per head, with keys and queries of length one,

    S_t = a_t S_{t-1} + b_t (v_t - a_t S_{t-1} k_t) k_t^T,        o_t = S_t q_t

a_t (how much is kept) and b_t (how strongly is written) are scalars between 0 and 1.  Input (batch, time, features).
The heads' outputs are concatenated and projected.  Loss: squared error relative to the power of the target.
"""
import numpy as np


def init(features, heads, d_key, d_val, outputs, seed):
    rng = np.random.default_rng(seed)

    def normal(*shape, scale=1.0):
        return scale * rng.standard_normal(shape) / np.sqrt(shape[0])

    return {
        "Wq": normal(features, heads, d_key),
        "Wk": normal(features, heads, d_key),
        "Wv": normal(features, heads, d_val),
        "Wa": normal(features, heads, scale=0.7),
        "ba": 1.0 + 0.3 * rng.standard_normal(heads),
        "Wb": normal(features, heads, scale=0.7),
        "bb": 0.3 * rng.standard_normal(heads),
        "Wo": normal(heads, d_val, outputs),
    }


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def unit(x):
    size = np.sqrt((x ** 2).sum(axis=-1, keepdims=True))
    return x / size, size


def unit_vjp(y, size, dy):
    return (dy - y * (y * dy).sum(axis=-1, keepdims=True)) / size


def layer(p, x):
    B, T, _ = x.shape
    heads, d_val = p["Wv"].shape[1:]
    d_key = p["Wk"].shape[2]
    q, q_size = unit(np.einsum("btf,fhk->bthk", x, p["Wq"]))
    k, k_size = unit(np.einsum("btf,fhk->bthk", x, p["Wk"]))
    v = np.einsum("btf,fhv->bthv", x, p["Wv"])
    a = sigmoid(np.einsum("btf,fh->bth", x, p["Wa"]) + p["ba"])
    b = sigmoid(np.einsum("btf,fh->bth", x, p["Wb"]) + p["bb"])
    S = np.zeros((T + 1, B, heads, d_val, d_key))
    surprise = np.zeros((B, T, heads, d_val))
    o = np.zeros((B, T, heads, d_val))
    for t in range(T):
        kept = a[:, t, :, None, None] * S[t]
        surprise[:, t] = v[:, t] - np.einsum("bhvk,bhk->bhv", kept, k[:, t])
        S[t + 1] = kept + np.einsum("bh,bhv,bhk->bhvk", b[:, t], surprise[:, t], k[:, t])
        o[:, t] = np.einsum("bhvk,bhk->bhv", S[t + 1], q[:, t])
    y = np.einsum("bthv,hvo->bto", o, p["Wo"])
    return y, (q, q_size, k, k_size, v, a, b, S, surprise, o)


def relative_error(p, x, target):
    y, _ = layer(p, x)
    return ((y - target) ** 2).sum() / (target ** 2).sum()


def relative_error_grad(p, x, target):
    y, (q, q_size, k, k_size, v, a, b, S, surprise, o) = layer(p, x)
    dy = 2 * (y - target) / (target ** 2).sum()
    g = {"Wo": np.einsum("bthv,bto->hvo", o, dy)}
    do = np.einsum("bto,hvo->bthv", dy, p["Wo"])

    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    da, db = np.zeros_like(a), np.zeros_like(b)
    dS = np.zeros_like(S[0])
    for t in range(x.shape[1] - 1, -1, -1):
        kept = a[:, t, :, None, None] * S[t]
        dq[:, t] = np.einsum("bhvk,bhv->bhk", S[t + 1], do[:, t])
        dS = dS + np.einsum("bhv,bhk->bhvk", do[:, t], q[:, t])
        written = np.einsum("bhvk,bhk->bhv", dS, k[:, t])
        db[:, t] = (written * surprise[:, t]).sum(axis=-1)
        d_surprise = b[:, t, :, None] * written
        dv[:, t] = d_surprise
        dk[:, t] = (np.einsum("bh,bhvk,bhv->bhk", b[:, t], dS, surprise[:, t])
                    - np.einsum("bhvk,bhv->bhk", kept, d_surprise))
        d_kept = dS - np.einsum("bhv,bhk->bhvk", d_surprise, k[:, t])
        da[:, t] = np.einsum("bhvk,bhvk->bh", d_kept, S[t])
        dS = a[:, t, :, None, None] * d_kept

    g["Wq"] = np.einsum("btf,bthk->fhk", x, unit_vjp(q, q_size, dq))
    g["Wk"] = np.einsum("btf,bthk->fhk", x, unit_vjp(k, k_size, dk))
    g["Wv"] = np.einsum("btf,bthv->fhv", x, dv)
    for name, gate, dgate in (("a", a, da), ("b", b, db)):
        slope = dgate * gate * (1 - gate)
        g["W" + name] = np.einsum("btf,bth->fh", x, slope)
        g["b" + name] = slope.sum(axis=(0, 1))
    return {name: g[name] for name in p}


def recall_task(batch, steps, features, outputs, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, steps, features))
    target = np.cumsum(rng.standard_normal((batch, steps, outputs)), axis=1)
    return x, target


p = init(features=3, heads=2, d_key=2, d_val=3, outputs=2, seed=15)
x, target = recall_task(batch=2, steps=5, features=3, outputs=2, seed=16)
