"""Units that feed only themselves, each with its own leak. No way back in time: d(state)/d(weight) is carried along.

    h[i] <- (1 - m[i]) * h[i] + m[i] * tanh(w[i] . x + r[i] * h[i] + b[i]),   m[i] = logistic(leak[i])
"""
import numpy as np

rng = np.random.RandomState(2024)
N_UNITS, N_INPUTS = 4, 3

w = rng.randn(N_UNITS, N_INPUTS)
r = rng.randn(N_UNITS) * 0.8
b = rng.randn(N_UNITS) * 0.3
leak = rng.randn(N_UNITS)
v = rng.randn(N_UNITS) * 1.1

inputs = rng.randn(7, N_INPUTS)
targets = rng.randn(7)


def mix(i):
    return 1.0 / (1.0 + np.exp(-leak[i]))


def online_error(inputs, targets):
    h = np.zeros(len(r))
    total = 0.0
    for x, target in zip(inputs, targets):
        for i in range(len(h)):
            h[i] = (1 - mix(i)) * h[i] + mix(i) * np.tanh(np.dot(w[i], x) + r[i] * h[i] + b[i])
        total += 0.5 * (np.dot(v, h) - target) ** 2
    return total


def online_gradient(inputs, targets):
    n = len(r)
    h = np.zeros(n)
    # how h[i] would move if one of its own weights did
    h_by_w = np.zeros(w.shape)
    h_by_r, h_by_b, h_by_leak = np.zeros(n), np.zeros(n), np.zeros(n)
    g_w = np.zeros(w.shape)
    g_r, g_b, g_leak, g_v = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)

    for x, target in zip(inputs, targets):
        for i in range(n):
            m = mix(i)
            a = np.tanh(np.dot(w[i], x) + r[i] * h[i] + b[i])
            slope = m * (1 - a ** 2)
            passed_on = (1 - m) + slope * r[i]     # d h_new / d h_old
            h_by_w[i] = passed_on * h_by_w[i] + slope * x
            h_by_r[i] = passed_on * h_by_r[i] + slope * h[i]
            h_by_b[i] = passed_on * h_by_b[i] + slope
            h_by_leak[i] = passed_on * h_by_leak[i] + (a - h[i]) * m * (1 - m)
            h[i] = (1 - m) * h[i] + m * a
        miss = np.dot(v, h) - target
        for i in range(n):
            g_v[i] += miss * h[i]
            g_w[i] += miss * v[i] * h_by_w[i]
            g_r[i] += miss * v[i] * h_by_r[i]
            g_b[i] += miss * v[i] * h_by_b[i]
            g_leak[i] += miss * v[i] * h_by_leak[i]
    return g_w, g_r, g_b, g_leak, g_v
