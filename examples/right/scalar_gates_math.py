"""A leaky counter with two hidden cells, each worked out with plain Python floats and the math module.

    s_k <- g_k s_k + (1 - g_k) tanh(u_k x + b_k + coupling from the other cell),   g_k = 1 / (1 + exp(-(a_k x + d_k)))

Slow, but it reads like the formula. Only the parameters are arrays.
"""

import math

import numpy as np

N = 2
leak = np.array([[0.8, -0.5], [0.3, 1.2]])  # rows: a, d
drive = np.array([[0.9, -1.1], [0.2, 0.1], [0.4, -0.7]])  # rows: u, b, coupling
mix = np.array([1.3, -0.6])

signal = [0.5, -1.0, 0.25, 1.5, -0.75]
target = [0.1, -0.2, 0.0, 0.4, 0.3]
s_first = [0.3, -0.2]


def logistic(v):
    if v >= 0:
        return 1.0 / (1.0 + math.exp(-v))
    return math.exp(v) / (1.0 + math.exp(v))


def simulate(signal):
    s = list(s_first)
    log = []
    for x in signal:
        g = [logistic(float(leak[0, k]) * x + float(leak[1, k])) for k in range(N)]
        m = [math.tanh(float(drive[0, k]) * x + drive[1, k] + drive[2, k] * s[1 - k]) for k in range(N)]
        new = [g[k] * s[k] + (1 - g[k]) * m[k] for k in range(N)]
        log.append((x, s, g, m, new))
        s = new
    return log


def loss(signal, target):
    total = 0.0
    for (_, _, _, _, s), y in zip(simulate(signal), target):
        total += (float(mix[0]) * s[0] + float(mix[1]) * s[1] - y) ** 2
    return total


def gradients(signal, target):
    g_leak, g_drive, g_mix = np.zeros((2, N)), np.zeros((3, N)), np.zeros(N)
    ds = [0.0] * N
    for (x, old, g, m, s), y in reversed(list(zip(simulate(signal), target))):
        e = 2 * (mix[0] * s[0] + mix[1] * s[1] - y)
        down = [0.0] * N
        for k in range(N):
            total = ds[k] + e * mix[k]
            g_mix[k] += e * s[k]
            dg = total * (old[k] - m[k]) * g[k] * (1 - g[k])
            dm = total * (1 - g[k]) * (1 - m[k] ** 2)
            g_leak[0, k] += dg * x
            g_leak[1, k] += dg
            g_drive[0, k] += dm * x
            g_drive[1, k] += dm
            g_drive[2, k] += dm * old[1 - k]
            down[k] += total * g[k]
            down[1 - k] += dm * drive[2, k]
        ds = down
    return g_leak, g_drive, g_mix
