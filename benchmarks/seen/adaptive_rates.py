# Soft integrate-and-fire units with adaptation; the spike is a steep sigmoid, so plain calculus will do.
#
#   v <- decay * v * (1 - s) + x Win + s Wrec        decay = sigmoid(leak), one per unit
#   a <- rho * a + s
#   s <- sigmoid(slope * (v - 1 - theta * a))
#
# A leaky readout is averaged over the trial and classified. A small term holds the mean activity near a target rate.
import numpy as np

SLOPE, RHO, KAPPA, RATE, STRENGTH = 3.0, 0.8, 0.7, 0.2, 0.5


def sigmoid(u):
    return 1 / (1 + np.exp(-u))


def unroll(p, x):
    """Yields what happens at every time step (state before, state after)."""
    B, n = x.shape[1], len(p["leak"])
    v = a = s = np.zeros((B, n))
    out = np.zeros((B, p["Wout"].shape[1]))
    decay = sigmoid(p["leak"])
    for xt in x:
        v0, s0 = v, s
        v = decay * v * (1 - s) + xt @ p["Win"] + s @ p["Wrec"]
        a = RHO * a + s0
        s = sigmoid(SLOPE * (v - 1 - p["theta"] * a))
        out = KAPPA * out + s @ p["Wout"]
        yield xt, v0, s0, a, s, out


def softmax(u):
    e = np.exp(u - u.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def loss(p, x, cls):
    T, B = x.shape[:2]
    mean_out, activity = 0.0, 0.0
    for *_, s, out in unroll(p, x):
        mean_out = mean_out + out / T
        activity = activity + s.mean(axis=0) / T
    q = softmax(mean_out)
    return -np.log(q[np.arange(B), cls]).mean() + STRENGTH * ((activity - RATE) ** 2).sum()


def gradient(p, x, cls):
    T, B = x.shape[:2]
    steps = list(unroll(p, x))
    mean_out = sum(step[-1] for step in steps) / T
    activity = sum(step[-2].mean(axis=0) for step in steps) / T
    dmean = softmax(mean_out)
    dmean[np.arange(B), cls] -= 1
    dmean /= B
    dact = 2 * STRENGTH * (activity - RATE) / (T * B)

    decay = sigmoid(p["leak"])
    g = {k: np.zeros(w.shape) for k, w in p.items()}
    n = len(decay)
    dv, da, ds = np.zeros((3, B, n))
    dout = np.zeros_like(dmean)
    while steps:
        xt, v0, s0, a, s, _ = steps.pop()
        dout = KAPPA * dout + dmean / T
        g["Wout"] += s.T @ dout
        ds = ds + dout @ p["Wout"].T + dact
        du = ds * SLOPE * s * (1 - s)
        dv = dv + du
        da = da - du * p["theta"]
        g["theta"] -= (du * a).sum(axis=0)
        g["Win"] += xt.T @ dv
        g["Wrec"] += s0.T @ dv
        g["leak"] += (dv * v0 * (1 - s0)).sum(axis=0) * decay * (1 - decay)
        ds = dv @ p["Wrec"].T - dv * decay * v0 + da
        dv = dv * decay * (1 - s0)
        da = RHO * da
    return g


def neurons(n_in, n, n_cls, seed):
    rng = np.random.default_rng(seed)
    return {
        "Win": rng.normal(size=(n_in, n)),
        "Wrec": rng.normal(size=(n, n)) / np.sqrt(n),
        "Wout": rng.normal(size=(n, n_cls)),
        "leak": rng.normal(1.5, 0.3, size=n),
        "theta": rng.uniform(0.1, 0.6, size=n),
    }


def trials(T, B, n_in, n_cls, seed):
    rng = np.random.default_rng(seed)
    return (rng.random((T, B, n_in)) < 0.5) * 1.5, rng.integers(n_cls, size=B)


p = neurons(3, 4, 2, seed=121)
x, cls = trials(6, 3, 3, 2, seed=122)
