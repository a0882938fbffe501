"""Multi-scale retention (RetNet) in its recurrent form, warning of faults in a turbine at every time stamp.

    S_t = g S_{t-1} + k_t v_t^T        per head, the decay g is learned
    o_t = q_t S_t

Output gate with swish; one score per time stamp, squared hinge on labels of -1 and +1.
"""
import numpy as np


def heads(W, x):
    return np.einsum("btd,dhe->bhte", x, W)


def forward(w, x):
    q, k, v = heads(w["q"], x), heads(w["k"], x), heads(w["v"], x)
    g = 1 / (1 + np.exp(-w["decay"]))
    B, H, T, E = q.shape
    S = np.zeros((B, H, E, v.shape[-1]))
    states, o = [S], []
    for t in range(T):
        S = g[None, :, None, None] * S + k[:, :, t, :, None] * v[:, :, t, None, :]
        states.append(S)
        o.append(np.einsum("bhe,bhef->bhf", q[:, :, t], S) / np.sqrt(E))
    o = np.stack(o, axis=2)
    pre = heads(w["gate"], x)
    sg = 1 / (1 + np.exp(-pre))
    mixed = pre * sg * o
    score = np.einsum("bhtf,hf->bt", mixed, w["out"]) + w["bias"]
    return score, (q, k, v, g, states, o, pre, sg, mixed)


def hinge(w, x, label):
    score, _ = forward(w, x)
    return 0.5 * np.mean(np.maximum(0.0, 1 - label * score) ** 2)


def hinge_grads(w, x, label):
    score, (q, k, v, g, states, o, pre, sg, mixed) = forward(w, x)
    dscore = -label * np.maximum(0.0, 1 - label * score) / label.size
    dmixed = np.einsum("bt,hf->bhtf", dscore, w["out"])
    do = dmixed * pre * sg / np.sqrt(q.shape[-1])
    dpre = dmixed * o * sg * (1 + pre * (1 - sg))

    dq, dk, dv = np.empty_like(q), np.empty_like(k), np.empty_like(v)
    dg = np.zeros_like(g)
    dS = np.zeros_like(states[0])
    for t in reversed(range(x.shape[1])):
        dq[:, :, t] = np.einsum("bhf,bhef->bhe", do[:, :, t], states[t + 1])
        dS += np.einsum("bhe,bhf->bhef", q[:, :, t], do[:, :, t])
        dk[:, :, t] = np.einsum("bhef,bhf->bhe", dS, v[:, :, t])
        dv[:, :, t] = np.einsum("bhef,bhe->bhf", dS, k[:, :, t])
        dg += np.einsum("bhef,bhef->h", dS, states[t])
        dS *= g[None, :, None, None]

    back = lambda d: np.einsum("btd,bhte->dhe", x, d)
    return {
        "q": back(dq), "k": back(dk), "v": back(dv), "gate": back(dpre),
        "decay": dg * g * (1 - g),
        "out": np.einsum("bhtf,bt->hf", mixed, dscore),
        "bias": dscore.sum(),
    }


def fresh(D, H, E, F, seed):
    rng = np.random.default_rng(seed)
    return {
        "q": rng.normal(size=(D, H, E)),
        "k": rng.normal(size=(D, H, E)),
        "v": rng.normal(size=(D, H, F)),
        "gate": rng.normal(size=(D, H, F)),
        "decay": np.log(2.0 ** (1 + np.arange(H)) - 1) + 0.5,
        "out": rng.normal(size=(H, F)) * 0.4,
        "bias": np.array(0.1),
    }


def turbine(B, T, D, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(B, T, D))
    return x * 0.7, np.where(x.sum(2).cumsum(1) > 0.5, 1.0, -1.0)


w = fresh(3, 2, 2, 3, seed=131)
x, label = turbine(2, 5, 3, seed=132)
