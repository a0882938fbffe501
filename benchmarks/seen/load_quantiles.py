"""
Day-ahead electricity load: not one number but quantiles (10 %, 50 %, 90 %), so that the desk sees the risk.
GRU (cuDNN convention: the reset gate acts after the recurrent product), pinball loss.

    loss, grads = make_objective(taus)      # closures over the quantile levels
"""
import numpy as np
from numpy import concatenate, tanh, zeros, zeros_like


def sigm(v):
    return 0.5 * (1 + tanh(0.5 * v))


def make_objective(taus, l2=1e-3):
    taus = np.asarray(taus)

    def roll(params, X):
        Wx, bx, Wh, bh, Q, bq = params
        n_batch, n_steps, _ = X.shape
        n = Wh.shape[0]
        h, trace, out = zeros((n_batch, n)), [], []
        for t in range(n_steps):
            gx = X[:, t] @ Wx + bx              # r | z | n
            gh = h @ Wh + bh
            r = sigm(gx[:, :n] + gh[:, :n])
            z = sigm(gx[:, n:2 * n] + gh[:, n:2 * n])
            cand = tanh(gx[:, 2 * n:] + r * gh[:, 2 * n:])
            h_old, h = h, (1 - z) * cand + z * h
            trace.append((h_old, r, z, cand, gh[:, 2 * n:], h))
            out.append(h @ Q + bq)
        return np.stack(out, axis=1), trace

    def loss(params, X, Y):
        quantiles, _ = roll(params, X)
        gap = Y[..., None] - quantiles
        pinball = np.where(gap > 0, taus * gap, (taus - 1) * gap)
        ridge = sum((params[k] ** 2).sum() for k in (0, 2, 4))
        return pinball.sum(axis=-1).mean() + l2 * ridge

    def grads(params, X, Y):
        Wx, bx, Wh, bh, Q, bq = params
        quantiles, trace = roll(params, X)
        gap = Y[..., None] - quantiles
        dq = np.where(gap > 0, -taus, 1 - taus) / Y.size
        gWx, gbx, gWh, gbh = zeros_like(Wx), zeros_like(bx), zeros_like(Wh), zeros_like(bh)
        gQ, gbq = zeros_like(Q), zeros_like(bq)
        dh = 0.0
        for t in reversed(range(X.shape[1])):
            h_old, r, z, cand, hn, h = trace[t]
            gQ += h.T @ dq[:, t]
            gbq += dq[:, t].sum(0)
            dh = dh + dq[:, t] @ Q.T
            dn = dh * (1 - z) * (1 - cand ** 2)
            dz = dh * (h_old - cand) * z * (1 - z)
            dr = dn * hn * r * (1 - r)
            dgx = concatenate([dr, dz, dn], axis=1)
            dgh = concatenate([dr, dz, dn * r], axis=1)
            gWx += X[:, t].T @ dgx
            gbx += dgx.sum(0)
            gWh += h_old.T @ dgh
            gbh += dgh.sum(0)
            dh = dh * z + dgh @ Wh.T
        gWx += 2 * l2 * Wx
        gWh += 2 * l2 * Wh
        gQ += 2 * l2 * Q
        return [gWx, gbx, gWh, gbh, gQ, gbq]

    return loss, grads


def start(n_feat, n_hid, n_q, seed):
    rng = np.random.default_rng(seed)
    s = 1 / np.sqrt(n_hid)
    shapes = [(n_feat, 3 * n_hid), (3 * n_hid,), (n_hid, 3 * n_hid), (3 * n_hid,), (n_hid, n_q), (n_q,)]
    return [rng.uniform(-s, s, shape) for shape in shapes]


def meters(n_batch, n_steps, n_feat, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_batch, n_steps, n_feat))
    hours = np.arange(n_steps)
    Y = np.sin(hours / 24 * 2 * np.pi) + 0.5 * X[..., 0] + 0.3 * rng.standard_normal((n_batch, n_steps))
    return X, Y


def train(params, X, Y, lr=0.1, steps=200):
    for _ in range(steps):
        params = [p - lr * g for p, g in zip(params, grads(params, X, Y))]
    return params


loss, grads = make_objective([0.1, 0.5, 0.9])
params = start(3, 4, 3, seed=1)
X, Y = meters(3, 6, 3, seed=2)
