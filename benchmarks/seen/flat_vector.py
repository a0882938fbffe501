"""All weights in one flat vector, as an optimiser from scipy wants them; an LSTM with coupled gates (i = 1 - f)."""
import numpy as np

SIZES = {"T": 6, "D": 2, "H": 5, "K": 3}


def layout(D, H, K):
    return [("F", (H, D + H + 1)), ("O", (H, D + H + 1)), ("G", (H, D + H + 1)), ("R", (K, H + 1))]


def unpack(vec, D, H, K):
    parts, at = {}, 0
    for name, shape in layout(D, H, K):
        size = shape[0] * shape[1]
        parts[name] = vec[at:at + size].reshape(shape)
        at += size
    return parts


def sg(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def forward(vec, xs, s):
    M = unpack(vec, s["D"], s["H"], s["K"])
    h, c = np.zeros(s["H"]), np.zeros(s["H"])
    trace, scores = [], []
    for x in xs:
        v = np.concatenate((x, h, [1.0]))
        f, o, g = sg(M["F"] @ v), sg(M["O"] @ v), np.tanh(M["G"] @ v)
        c_before = c
        c = f * c_before + (1 - f) * g
        th = np.tanh(c)
        h = o * th
        trace.append((v, f, o, g, c_before, th))
        scores.append(M["R"] @ np.append(h, 1.0))
    return trace, scores


def loss(vec, xs, ks, s):
    _, scores = forward(vec, xs, s)
    return sum(np.log(np.exp(a).sum()) - a[k] for a, k in zip(scores, ks)) / len(ks)


def gradient(vec, xs, ks, s):
    D, H, K = s["D"], s["H"], s["K"]
    M = unpack(vec, D, H, K)
    trace, scores = forward(vec, xs, s)
    grad = np.zeros_like(vec)
    G = unpack(grad, D, H, K)           # views into grad
    dh, dc = np.zeros(H), np.zeros(H)
    for t in range(len(xs) - 1, -1, -1):
        v, f, o, g, c_before, th = trace[t]
        a = np.exp(scores[t])
        da = a / a.sum()
        da[ks[t]] -= 1.0
        da = da / len(ks)
        G["R"] += np.outer(da, np.append(o * th, 1.0))
        dh = dh + M["R"][:, :H].T @ da
        dc = dc + dh * o * (1 - th * th)
        df = dc * (c_before - g) * f * (1 - f)
        do = dh * th * o * (1 - o)
        dg = dc * (1 - f) * (1 - g * g)
        G["F"] += np.outer(df, v)
        G["O"] += np.outer(do, v)
        G["G"] += np.outer(dg, v)
        dv = M["F"].T @ df + M["O"].T @ do + M["G"].T @ dg
        dh = dv[D:D + H]
        dc = dc * f
    return grad


def start(s, seed=6):
    rng = np.random.RandomState(seed)
    n = sum(a * b for _, (a, b) in layout(s["D"], s["H"], s["K"]))
    return rng.randn(n) * 0.4, rng.randn(s["T"], s["D"]), rng.randint(0, s["K"], s["T"])


vec, xs, ks = start(SIZES)

if __name__ == "__main__":
    for k in range(500):
        vec -= 0.2 * gradient(vec, xs, ks, SIZES)
    print(loss(vec, xs, ks, SIZES))
