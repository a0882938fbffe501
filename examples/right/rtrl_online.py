# Real-time recurrent learning (Williams and Zipser 1989) on a delay line.
#
# No way back in time: next to the state y we carry its sensitivity
#     P[k, i, j] = d y_k / d w_ij
# forward. The matrix w holds recurrent, input and bias weights side by side,
# z = (y, x, 1) is everything a unit can see.

import numpy as np

n, m, T = 4, 2, 8                       # units, inputs, steps
rnd = np.random.RandomState(1989)
w = rnd.uniform(-1, 1, (n, n + m + 1))
y_start = rnd.uniform(-0.4, 0.4, n)
inputs = rnd.choice([0.0, 1.0], (T, m))
wanted = np.vstack([np.zeros((2, m)), inputs[:-2]])     # the first two units echo the input, two steps late


def squash(s):
    return 1 / (1 + np.exp(-s))


def total_error(inputs, wanted):
    y, E = y_start, 0.0
    for x, d in zip(inputs, wanted):
        y = squash(w @ np.concatenate([y, x, [1.0]]))
        E += 0.5 * np.sum((d - y[:m]) ** 2)
    return E


def rtrl(inputs, wanted):
    y = y_start
    P = np.zeros((n,) + w.shape)        # the start does not depend on w
    grad = np.zeros_like(w)
    for x, d in zip(inputs, wanted):
        z = np.concatenate([y, x, [1.0]])
        y = squash(w @ z)
        direct = np.zeros_like(P)
        for i in range(n):
            direct[i, i, :] = z         # w_ij moves unit i alone ...
        carried = np.tensordot(w[:, :n], P, axes=(1, 0))     # ... and every unit one step later
        P = (y * (1 - y))[:, None, None] * (carried + direct)
        e = d - y[:m]
        for k in range(m):
            grad -= e[k] * P[k]
    return grad


if __name__ == "__main__":
    for epoch in range(3000):
        w -= 0.5 * rtrl(inputs, wanted)
        if epoch % 500 == 0:
            print(epoch, total_error(inputs, wanted))
