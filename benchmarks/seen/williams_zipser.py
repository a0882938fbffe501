# Real-time recurrent learning as in Williams & Zipser (1989).
# One matrix w for everything: n units, each sees m inputs, a constant 1, and all n units.
# The first units are outputs; p[k, i, j] = d y_k / d w_ij is carried forward in time.
import numpy as np


def f(s):
    return 1.0 / (1.0 + np.exp(-s))


def total_error(w, x, d):
    n = w.shape[0]
    y = np.full(n, 0.5)
    J = 0.0
    for t in range(len(x)):
        z = np.concatenate((x[t], [1.0], y))
        y = f(w @ z)
        e = d[t] - y[:d.shape[1]]
        J += 0.5 * e @ e
    return J


def rtrl(w, x, d):
    n, width = w.shape
    m = width - n - 1
    n_out = d.shape[1]
    y = np.full(n, 0.5)
    p = np.zeros((n, n, width))
    delta_w = np.zeros_like(w)
    for t in range(len(x)):
        z = np.concatenate((x[t], [1.0], y))
        y_new = f(w @ z)
        slope = y_new * (1.0 - y_new)

        p_new = np.zeros_like(p)
        for k in range(n):
            for i in range(n):
                for j in range(width):
                    s = 0.0
                    for l in range(n):
                        s += w[k, m + 1 + l] * p[l, i, j]
                    if i == k:
                        s += z[j]
                    p_new[k, i, j] = slope[k] * s

        y, p = y_new, p_new
        for k in range(n_out):
            delta_w += (y[k] - d[t, k]) * p[k]
    return delta_w


def train(w, x, d, alpha=0.5, epochs=50):
    for epoch in range(epochs):
        w = w - alpha * rtrl(w, x, d)
    return w


rng = np.random.default_rng(1989)
w = rng.normal(0, 0.9, (4, 2 + 1 + 4))
x = rng.normal(size=(5, 2))
d = rng.uniform(0.1, 0.9, (5, 3))

if __name__ == "__main__":
    print("before", total_error(w, x, d))
    w = train(w, x, d)
    print("after", total_error(w, x, d))
