"""Tags for every frame from a left-to-right and a right-to-left net; weights held small by a penalty."""
from collections import namedtuple

import numpy as np

Pass = namedtuple("Pass", "order states")
PENALTY = 0.03


def init(n_x, n_h, n_tags, seed):
    rng = np.random.RandomState(seed)
    theta = {}
    for way in ("ltr", "rtl"):
        theta["X_" + way] = 0.7 * rng.randn(n_h, n_x)
        theta["R_" + way] = 0.5 * rng.randn(n_h, n_h)
        theta["b_" + way] = 0.2 * rng.randn(n_h)
    theta["V_ltr"] = 0.8 * rng.randn(n_tags, n_h)
    theta["V_rtl"] = 0.8 * rng.randn(n_tags, n_h)
    theta["c"] = 0.1 * rng.randn(n_tags)
    return theta


def scan(theta, frames, way):
    order = list(range(len(frames)))
    if way == "rtl":
        order.reverse()
    B, n_h = frames.shape[1], theta["b_" + way].shape[0]
    states = np.zeros((len(frames), B, n_h))
    s = np.zeros((B, n_h))
    for t in order:
        drive = np.einsum("bx,hx->bh", frames[t], theta["X_" + way])
        s = np.tanh(drive + np.einsum("bk,hk->bh", s, theta["R_" + way]) + theta["b_" + way])
        states[t] = s
    return Pass(order, states)


def tag_probs(theta, frames):
    passes = {way: scan(theta, frames, way) for way in ("ltr", "rtl")}
    u = theta["c"] + sum(np.einsum("tbh,kh->tbk", passes[way].states, theta["V_" + way]) for way in passes)
    u = np.exp(u - u.max(axis=-1, keepdims=True))
    return passes, u / u.sum(axis=-1, keepdims=True)


def nll(theta, frames, onehot):
    _, q = tag_probs(theta, frames)
    data = -np.sum(onehot * np.log(q)) / frames.shape[1]
    ridge = sum(np.sum(w ** 2) for name, w in theta.items() if name[0] in "XRV")
    return data + 0.5 * PENALTY * ridge


def nll_grad(theta, frames, onehot):
    passes, q = tag_probs(theta, frames)
    eps = (q - onehot) / frames.shape[1]
    out = {"c": eps.sum(axis=(0, 1))}
    for way, (order, states) in passes.items():
        R = theta["R_" + way]
        out["V_" + way] = np.einsum("tbk,tbh->kh", eps, states)
        above = np.einsum("tbk,kh->tbh", eps, theta["V_" + way])
        gX, gR = np.zeros_like(theta["X_" + way]), np.zeros_like(R)
        gb = np.zeros_like(theta["b_" + way])
        behind = np.zeros_like(states[0])
        for k in range(len(order) - 1, -1, -1):
            t = order[k]
            pre = (above[t] + behind) * (1 - states[t] ** 2)
            gX += np.einsum("bh,bx->hx", pre, frames[t])
            if k > 0:
                gR += np.einsum("bh,bk->hk", pre, states[order[k - 1]])
            gb += pre.sum(axis=0)
            behind = np.einsum("bh,hk->bk", pre, R)
        out["X_" + way], out["R_" + way], out["b_" + way] = gX, gR, gb
    for name in out:
        if name[0] in "XRV":
            out[name] = out[name] + PENALTY * theta[name]
    return out


def corpus(T, B, n_x, n_tags, seed):
    rng = np.random.RandomState(seed)
    return rng.randn(T, B, n_x), np.eye(n_tags)[rng.randint(n_tags, size=(T, B))]


theta = init(4, 5, 3, seed=11)
frames, onehot = corpus(6, 2, 4, 3, seed=12)
