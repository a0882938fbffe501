"""
JSB-style piano rolls: which notes sound next?  LSTM, multi-label.

All arrays carry their axes in the einsum strings:
    t time   b batch   n notes   h, k hidden units   g gate (0 in, 1 forget, 2 out, 3 new)
"""
import numpy as np
from numpy import einsum


def σ(a):
    return 1 / (1 + np.exp(-a))


def init(n, h, seed):
    ρ = np.random.default_rng(seed)
    return {
        "W": ρ.normal(size=(4, h, n)) / np.sqrt(n),      # g h n
        "R": ρ.normal(size=(4, h, h)) / np.sqrt(h),      # g h k
        "β": np.array([0, 1, 0, 0])[:, None] + ρ.normal(size=(4, h)) * 0.1,
        "V": ρ.normal(size=(n, h)),                      # n h
        "γ": ρ.normal(size=n) * 0.1 - 1,
    }


def unroll(θ, roll):
    """gates  t g b h,   cells and states  t+1 b h  (zeros first),   logits  t b n"""
    T, B, _ = roll.shape
    H = θ["β"].shape[1]
    drive = einsum("ghn,tbn->tgbh", θ["W"], roll) + θ["β"][:, None, :]
    G = np.zeros((T, 4, B, H))
    C = np.zeros((T + 1, B, H))
    S = np.zeros((T + 1, B, H))
    for t in range(T):
        a = drive[t] + einsum("ghk,bk->gbh", θ["R"], S[t])
        G[t, :3] = σ(a[:3])
        G[t, 3] = np.tanh(a[3])
        C[t + 1] = G[t, 1] * C[t] + G[t, 0] * G[t, 3]
        S[t + 1] = G[t, 2] * np.tanh(C[t + 1])
    logits = einsum("nh,tbh->tbn", θ["V"], S[1:]) + θ["γ"]
    return G, C, S, logits


def loss(θ, roll):
    """binary cross-entropy per frame, frame t predicts frame t + 1"""
    p = σ(unroll(θ, roll[:-1])[3])
    y = roll[1:]
    bce = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    return einsum("tbn->", bce) / (y.shape[0] * y.shape[1])


def grad(θ, roll):
    x, y = roll[:-1], roll[1:]
    G, C, S, logits = unroll(θ, x)
    T, B, _ = x.shape
    δ = (σ(logits) - y) / (T * B)
    from_above = einsum("tbn,nh->tbh", δ, θ["V"])

    A = np.zeros_like(G)                 # d loss / d pre-activation, t g b h
    dS = np.zeros(S.shape[1:])
    dC = np.zeros(C.shape[1:])
    for t in range(T - 1, -1, -1):
        i, f, o, u = G[t]
        dS = dS + from_above[t]
        tc = np.tanh(C[t + 1])
        dC = dC + dS * o * (1 - tc ** 2)
        A[t, 0] = dC * u * i * (1 - i)
        A[t, 1] = dC * C[t] * f * (1 - f)
        A[t, 2] = dS * tc * o * (1 - o)
        A[t, 3] = dC * i * (1 - u ** 2)
        dS = einsum("gbh,ghk->bk", A[t], θ["R"])
        dC = dC * f

    return {
        "W": einsum("tgbh,tbn->ghn", A, x),
        "R": einsum("tgbh,tbk->ghk", A, S[:-1]),
        "β": einsum("tgbh->gh", A),
        "V": einsum("tbn,tbh->nh", δ, S[1:]),
        "γ": einsum("tbn->n", δ),
    }


def adam(θ, roll, steps, η=0.01):
    m = {k: np.zeros_like(v) for k, v in θ.items()}
    v = {k: np.zeros_like(v) for k, v in θ.items()}
    for s in range(1, steps + 1):
        for k, g in grad(θ, roll).items():
            m[k] = 0.9 * m[k] + 0.1 * g
            v[k] = 0.999 * v[k] + 0.001 * g ** 2
            θ[k] = θ[k] - η * (m[k] / (1 - 0.9 ** s)) / (np.sqrt(v[k] / (1 - 0.999 ** s)) + 1e-8)
    return θ


def chords(t, b, n, seed):
    return (np.random.default_rng(seed).random((t, b, n)) < 0.4).astype(float)


θ = init(n=5, h=4, seed=1685)
roll = chords(7, 2, 5, seed=1750)
