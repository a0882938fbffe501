"""Two neurons by plain Python: no matrices, only math.tanh and lists, as on a first page about recurrence.

w = [input->1, input->2, 1->1, 1->2, 2->1, 2->2, bias 1, bias 2, out 1, out 2]
"""
import math

import numpy as np

w = np.array([0.6, -0.4, 0.3, 0.8, -0.5, 0.2, 0.1, -0.2, 0.9, -0.7])
heat = [0.5, -1.0, 0.25, 1.5, -0.75, 0.1]
want = [0.1, 0.3, -0.2, 0.4, 0.0, 0.25]


def states(w, heat):
    a, b = [0.2], [-0.1]
    for v in heat:
        pa = w[0] * v + w[2] * a[-1] + w[4] * b[-1] + w[6]
        pb = w[1] * v + w[3] * a[-1] + w[5] * b[-1] + w[7]
        a.append(math.tanh(pa))
        b.append(math.tanh(pb))
    return a, b


def error(w, heat, want):
    a, b = states(w, heat)
    total = 0.0
    for t in range(len(heat)):
        y = w[8] * a[t + 1] + w[9] * b[t + 1]
        total += (y - want[t]) ** 2
    return total


def error_gradient(w, heat, want):
    a, b = states(w, heat)
    g = [0.0] * 10
    da, db = 0.0, 0.0
    for t in range(len(heat) - 1, -1, -1):
        y = w[8] * a[t + 1] + w[9] * b[t + 1]
        dy = 2 * (y - want[t])
        g[8] += dy * a[t + 1]
        g[9] += dy * b[t + 1]
        da += dy * w[8]
        db += dy * w[9]
        pa = da * (1 - a[t + 1] * a[t + 1])
        pb = db * (1 - b[t + 1] * b[t + 1])
        g[0] += pa * heat[t]
        g[1] += pb * heat[t]
        g[2] += pa * a[t]
        g[3] += pb * a[t]
        g[4] += pa * b[t]
        g[5] += pb * b[t]
        g[6] += pa
        g[7] += pb
        da = pa * w[2] + pb * w[3]
        db = pa * w[4] + pb * w[5]
    return np.array(g)


if __name__ == "__main__":
    for _ in range(1000):
        w -= 0.05 * error_gradient(w, heat, want)
    print(error(w, heat, want))
