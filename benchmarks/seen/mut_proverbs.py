# Character model with the MUT1 unit found by Jozefowicz et al. (2015), one proverb at a time, plain SGD.
import numpy as np

text = "no pain no gain"
chars = sorted(set(text))
V = len(chars)
H = 4


def sigma(v):
    return 1 / (1 + np.exp(-v))


def make_weights(V, H, seed):
    rng = np.random.RandomState(seed)
    W = dict(
        E=rng.randn(H, V),
        xz=rng.randn(H, H) * 0.5,
        bz=rng.randn(H, 1) * 0.1,
        xr=rng.randn(H, H) * 0.5,
        hr=rng.randn(H, H) * 0.5,
        br=rng.randn(H, 1) * 0.1,
        hh=rng.randn(H, H) * 0.5,
        bh=rng.randn(H, 1) * 0.1,
        out=rng.randn(V, H) * 0.5,
        bo=np.zeros((V, 1)),
    )
    return W


def unit(W, x, h):
    z = sigma(W["xz"] @ x + W["bz"])
    r = sigma(W["xr"] @ x + W["hr"] @ h + W["br"])
    cand = np.tanh(W["hh"] @ (r * h) + np.tanh(x) + W["bh"])
    return z * cand + (1 - z) * h, z, r, cand


def predict(W, h):
    e = np.exp(W["out"] @ h + W["bo"])
    return e / e.sum()


def bits(W, seq):
    """bits per character"""
    h = np.zeros((W["hh"].shape[0], 1))
    total = 0.0
    for now, nxt in zip(seq[:-1], seq[1:]):
        h, _, _, _ = unit(W, W["E"][:, [now]], h)
        total -= np.log2(predict(W, h)[nxt, 0])
    return total / (len(seq) - 1)


def sgd_step(W, seq, rate):
    T = len(seq) - 1
    hs, memory = [np.zeros((W["hh"].shape[0], 1))], []
    for t in range(T):
        x = W["E"][:, [seq[t]]]
        h, z, r, cand = unit(W, x, hs[t])
        memory.append((x, z, r, cand))
        hs.append(h)

    G = {k: np.zeros_like(w) for k, w in W.items()}
    dh = np.zeros_like(hs[0])
    for t in range(T - 1, -1, -1):
        x, z, r, cand = memory[t]
        h = hs[t]
        dy = predict(W, hs[t + 1])
        dy[seq[t + 1]] -= 1
        dy /= T * np.log(2)
        G["out"] += dy @ hs[t + 1].T
        G["bo"] += dy
        dh = dh + W["out"].T @ dy

        dcand = dh * z * (1 - cand * cand)
        dz = dh * (cand - h) * z * (1 - z)
        drh = W["hh"].T @ dcand
        dr = drh * h * r * (1 - r)
        G["hh"] += dcand @ (r * h).T
        G["bh"] += dcand
        G["xr"] += dr @ x.T
        G["hr"] += dr @ h.T
        G["br"] += dr
        G["xz"] += dz @ x.T
        G["bz"] += dz
        dx = W["xz"].T @ dz + W["xr"].T @ dr + dcand * (1 - np.tanh(x) ** 2)
        G["E"][:, [seq[t]]] += dx
        dh = dh * (1 - z) + drh * r + W["hr"].T @ dr

    for k in W:
        W[k] -= rate * G[k]


W = make_weights(V, H, seed=61)
seq = [chars.index(c) for c in text[:8]]
