# Gated recurrent unit after the textbook's equations, row vectors (1, n) throughout.
#
#   z = s(x Wz + h Uz + bz)            update gate
#   r = s(x Wr + h Ur + br)            reset gate
#   n = tanh(x Wn + (r * h) Un + bn)   proposal; the state is reset BEFORE the product
#   h' = z * h + (1 - z) * n
import numpy as np


def s(a):
    return 1 / (1 + np.exp(-a))


def gru_step(x, h, par):
    Wz, Uz, bz, Wr, Ur, br, Wn, Un, bn = par
    z = s(x @ Wz + h @ Uz + bz)
    r = s(x @ Wr + h @ Ur + br)
    rh = r * h
    n = np.tanh(x @ Wn + rh @ Un + bn)
    h_new = z * h + (1 - z) * n
    return h_new, (x, h, z, r, rh, n)


def gru_step_backward(delta_h, cache, par):
    """delta_h: dL/dh'. Gives dL/dh and the nine parameter gradients of this step."""
    _, Uz, _, _, Ur, _, _, Un, _ = par
    x, h, z, r, rh, n = cache
    delta_z = delta_h * (h - n) * z * (1 - z)
    delta_n = delta_h * (1 - z) * (1 - n ** 2)
    delta_rh = delta_n @ Un.T
    delta_r = delta_rh * h * r * (1 - r)
    delta_prev = delta_h * z + delta_rh * r + delta_z @ Uz.T + delta_r @ Ur.T
    step = (x.T @ delta_z, h.T @ delta_z, delta_z,
            x.T @ delta_r, h.T @ delta_r, delta_r,
            x.T @ delta_n, rh.T @ delta_n, delta_n)
    return delta_prev, step


def run(xs, h_start, par, readout):
    V, c = readout
    h, caches, hs, ys = h_start, [], [], []
    for x in xs:
        h, cache = gru_step(x, h, par)
        caches.append(cache)
        hs.append(h)
        ys.append(h @ V + c)
    return caches, hs, ys


def L(xs, ds, h_start, par, readout):
    _, _, ys = run(xs, h_start, par, readout)
    return sum(0.5 * np.sum((y - d) ** 2) for y, d in zip(ys, ds))


def dL(xs, ds, h_start, par, readout):
    V, c = readout
    caches, hs, ys = run(xs, h_start, par, readout)
    total = [np.zeros_like(w) for w in par]
    dV, dc = np.zeros_like(V), np.zeros_like(c)
    delta = np.zeros_like(h_start)
    for t in range(len(xs) - 1, -1, -1):
        e = ys[t] - ds[t]
        dV += hs[t].T @ e
        dc += e
        delta, step = gru_step_backward(delta + e @ V.T, caches[t], par)
        total = [a + b for a, b in zip(total, step)]
    return total, [dV, dc], delta


def example(T, n_x, n_h, n_y, seed=31):
    rng = np.random.RandomState(seed)
    par = []
    for _ in range(3):
        par += [rng.randn(n_x, n_h) * 0.8, rng.randn(n_h, n_h) * 0.6, rng.randn(1, n_h) * 0.3]
    readout = [rng.randn(n_h, n_y), rng.randn(1, n_y) * 0.3]
    xs = [rng.randn(1, n_x) for _ in range(T)]
    ds = [rng.randn(1, n_y) for _ in range(T)]
    return xs, ds, rng.randn(1, n_h) * 0.5, par, readout


xs, ds, h_start, par, readout = example(5, 3, 4, 2)
