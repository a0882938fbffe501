# Does a bit string have an odd number of ones?  No matrix products here: the weights are looked up
# one by one, and everything that is computed is a number in a list.
import math

import numpy as np

gen = np.random.RandomState(3)


def table(rows, cols, spread):
    return [[float(gen.uniform(-spread, spread)) for _ in range(cols)] for _ in range(rows)]


def row(n, spread):
    return [float(gen.uniform(-spread, spread)) for _ in range(n)]


net = {
    "inp": table(4, 2, 1.2),     # 4 units see a bit and its opposite
    "rec": table(4, 4, 0.9),
    "thr": row(4, 0.3),
    "read": row(4, 1.5),
    "off": [0.15],
}
for key in net:
    net[key] = np.array(net[key])
bits = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
odd = 1.0


def squash(v):
    return 1.0 / (1.0 + math.exp(-v))


def unroll(net, bits):
    n = len(net["thr"])
    act = [[0.0] * n]
    for bit in bits:
        last = act[-1]
        new = []
        for i in range(n):
            s = net["thr"][i]
            for j in range(len(bit)):
                s += net["inp"][i][j] * bit[j]
            for j in range(n):
                s += net["rec"][i][j] * last[j]
            new.append(math.tanh(s))
        act.append(new)
    logit = net["off"][0] + sum(v * a for v, a in zip(net["read"], act[-1]))
    return act, squash(logit)


def surprise(net, bits, odd):
    _, p = unroll(net, bits)
    return -(odd * math.log(p) + (1.0 - odd) * math.log(1.0 - p))


def backtrack(net, bits, odd):
    act, p = unroll(net, bits)
    n, m = len(net["thr"]), len(bits[0])
    g_inp = [[0.0] * m for _ in range(n)]
    g_rec = [[0.0] * n for _ in range(n)]
    g_thr = [0.0] * n

    err = p - odd
    g_read = [err * a for a in act[-1]]
    g_off = [err]
    blame = [err * v for v in net["read"]]
    for t in range(len(bits), 0, -1):
        delta = [blame[i] * (1.0 - act[t][i] ** 2) for i in range(n)]
        for i in range(n):
            g_thr[i] += delta[i]
            for j in range(m):
                g_inp[i][j] += delta[i] * bits[t - 1][j]
            for j in range(n):
                g_rec[i][j] += delta[i] * act[t - 1][j]
        blame = [sum(net["rec"][i][j] * delta[i] for i in range(n)) for j in range(n)]
    grads = {"inp": g_inp, "rec": g_rec, "thr": g_thr, "read": g_read, "off": g_off}
    return {key: np.array(g) for key, g in grads.items()}
