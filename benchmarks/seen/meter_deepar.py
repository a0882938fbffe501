"""DeepAR-like model of smart meters: an LSTM fed the last reading and the calendar, Student-t observations.

Every household has its own scale nu_i = 1 + mean(|history|): readings are divided by it on the way in, location and
spread are multiplied by it on the way out.  Teacher forcing.  Readings that are missing carry weight 0.

All weights live in one vector (for scipy.optimize), layout in `SHAPES(...)`.  Arrays: (household, hour, ...).
"""
import numpy as np

DOF = 4.0


def SHAPES(n_cov, n_hid):
    return {"K": (1 + n_cov, 4 * n_hid), "R": (n_hid, 4 * n_hid), "b": (4 * n_hid,),
            "loc": (n_hid + 1,), "spread": (n_hid + 1,)}


def split(vec, shapes):
    at, out = 0, {}
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        out[name] = vec[at:at + size].reshape(shape)
        at += size
    return out


def sigm(a):
    return 0.5 * (1 + np.tanh(0.5 * a))


def run(w, cov, y):
    B, T, _ = cov.shape
    H = w["R"].shape[0]
    scale = 1 + np.abs(y).mean(axis=1)
    h = c = np.zeros((B, H))
    tape = []
    loc, spread = np.zeros((B, T)), np.zeros((B, T))
    for t in range(1, T):
        x = np.hstack([(y[:, t - 1] / scale)[:, None], cov[:, t]])
        i, f, g, o = np.split(x @ w["K"] + h @ w["R"] + w["b"], 4, axis=1)
        i, f, g, o = sigm(i), sigm(f), np.tanh(g), sigm(o)
        h_old, c_old = h, c
        c = f * c + i * g
        h = o * np.tanh(c)
        tape.append((x, h_old, c_old, i, f, g, o, c, h))
        loc[:, t] = scale * (h @ w["loc"][:-1] + w["loc"][-1])
        spread[:, t] = scale * np.log1p(np.exp(h @ w["spread"][:-1] + w["spread"][-1]))
    return scale, loc, spread, tape


def nll(vec, shapes, cov, y, ok):
    """without the constant of the t density"""
    _, loc, spread, _ = run(split(vec, shapes), cov, y)
    e = (y - loc)[:, 1:] / spread[:, 1:]
    each = 0.5 * (DOF + 1) * np.log1p(e ** 2 / DOF) + np.log(spread[:, 1:])
    return (ok[:, 1:] * each).sum() / ok[:, 1:].sum()


def nll_grad(vec, shapes, cov, y, ok):
    w = split(vec, shapes)
    scale, loc, spread, tape = run(w, cov, y)
    out = np.zeros_like(vec)
    d = split(out, shapes)                     # views into out
    n = ok[:, 1:].sum()
    dh = dc = np.zeros_like(tape[0][1])
    for t in range(len(tape), 0, -1):
        x, h_old, c_old, i, f, g, o, c, h = tape[t - 1]
        s = spread[:, t]
        e = (y[:, t] - loc[:, t]) / s
        de = (DOF + 1) * e / (DOF + e ** 2) * ok[:, t] / n
        dm = -de / s * scale
        ds = (-de * e / s + ok[:, t] / n / s) * scale * -np.expm1(-s / scale)     # softplus' = 1 - exp(-softplus)
        d["loc"][:-1] += h.T @ dm
        d["loc"][-1] += dm.sum()
        d["spread"][:-1] += h.T @ ds
        d["spread"][-1] += ds.sum()
        dh = dh + np.outer(dm, w["loc"][:-1]) + np.outer(ds, w["spread"][:-1])
        tc = np.tanh(c)
        dc = dc + dh * o * (1 - tc ** 2)
        da = np.hstack([dc * g * i * (1 - i), dc * c_old * f * (1 - f), dc * i * (1 - g ** 2), dh * tc * o * (1 - o)])
        d["K"] += x.T @ da
        d["R"] += h_old.T @ da
        d["b"] += da.sum(axis=0)
        dh = da @ w["R"].T
        dc = dc * f
    return out


def draw(n_cov, n_hid, seed):
    rng = np.random.default_rng(seed)
    total = sum(int(np.prod(s)) for s in SHAPES(n_cov, n_hid).values())
    return rng.normal(0, 0.5, total)


def meters(houses, hours, n_cov, seed):
    rng = np.random.default_rng(seed)
    cov = rng.normal(size=(houses, hours, n_cov))
    y = rng.gamma(2, 1, (houses, 1)) + rng.standard_t(DOF, (houses, hours))
    ok = (rng.random((houses, hours)) < 0.8).astype(float)
    ok[:, 1] = 1
    return cov, y, ok


shapes = SHAPES(2, 3)
vec = draw(2, 3, seed=31)
cov, y, ok = meters(3, 5, 2, seed=32)
