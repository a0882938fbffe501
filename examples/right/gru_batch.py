import numpy as np

# GRU over a minibatch, columns are examples. Reset gate after the product (as cuDNN has it):
#   r = s(Wr x + Rr h + br)      z = s(Wz x + Rz h + bz)
#   n = tanh(Wn x + bn + r * (Rn h + bRn))
#   h = n + z * (h_prev - n)
# W stacks Wr, Wz, Wn; R stacks Rr, Rz, Rn.

STEPS, FEATURES, UNITS, BATCH = 5, 2, 4, 3
rng = np.random.RandomState(77)
W = rng.randn(3 * UNITS, FEATURES) * 0.6
R = rng.randn(3 * UNITS, UNITS) * 0.6
bW = rng.randn(3 * UNITS, 1) * 0.2
bR = rng.randn(UNITS, 1) * 0.2
out_w = rng.randn(1, UNITS)

inputs = rng.randn(STEPS, FEATURES, BATCH)
targets = inputs.sum(axis=(0, 1))[None, :]          # (1, BATCH): the sum of everything seen
h_start = rng.randn(UNITS, BATCH) * 0.5

sig = lambda a: 1 / (1 + np.exp(-a))
r_, z_, n_ = slice(0, UNITS), slice(UNITS, 2 * UNITS), slice(2 * UNITS, None)


def gru(inputs):
    h, tape = h_start, []
    for x in inputs:
        from_x = W @ x + bW
        from_h = R @ h
        r = sig(from_x[r_] + from_h[r_])
        z = sig(from_x[z_] + from_h[z_])
        inner = from_h[n_] + bR
        n = np.tanh(from_x[n_] + r * inner)
        tape += [(x, h, r, z, n, inner)]
        h = n + z * (h - n)
    return h, tape


def mse(inputs, targets):
    h, _ = gru(inputs)
    return np.mean((out_w @ h - targets) ** 2)


def mse_grads(inputs, targets):
    h, tape = gru(inputs)
    miss = 2 * (out_w @ h - targets) / BATCH
    g_out = miss @ h.T
    gW, gR, gbW, gbR = (np.zeros(p.shape) for p in (W, R, bW, bR))
    dh = out_w.T @ miss
    for x, h_prev, r, z, n, inner in reversed(tape):
        dz = dh * (h_prev - n) * z * (1 - z)
        dn = dh * (1 - z) * (1 - n * n)
        dr = dn * inner * r * (1 - r)
        d_from_x = np.vstack((dr, dz, dn))
        d_from_h = np.vstack((dr, dz, dn * r))
        gW += d_from_x @ x.T
        gbW += d_from_x.sum(axis=1, keepdims=True)
        gR += d_from_h @ h_prev.T
        gbR += (dn * r).sum(1).reshape(-1, 1)
        dh = dh * z + R.T @ d_from_h
    return gW, gR, gbW, gbR, g_out
