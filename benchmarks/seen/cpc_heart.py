"""Contrastive predictive coding of heart sounds (van den Oord et al. 2018), tiny.

frame encoder  z_t = tanh(x_t E + e)
context        GRU (reset applied to the state before the product)
score          c_t M_k . z_{t+k}   for k = 1..K, against the frames at t + k of the other recordings in the batch

Each stage returns its value and a pullback.  Arrays are (time, batch, features).
"""
import numpy as np


def encoder(w, x):
    E, e = w
    z = np.tanh(x @ E + e)

    def pull(dz):
        da = dz * (1 - z ** 2)
        return [np.einsum("tbi,tbo->io", x, da), da.sum(axis=(0, 1))]

    return z, pull


def gru_step(w, z, c):
    Ku, Ru, bu, Kr, Rr, br, Kn, Rn, bn = w
    u = 1 / (1 + np.exp(-(z @ Ku + c @ Ru + bu)))
    r = 1 / (1 + np.exp(-(z @ Kr + c @ Rr + br)))
    rc = r * c
    n = np.tanh(z @ Kn + rc @ Rn + bn)
    new = c + u * (n - c)

    def pull(dnew):
        dn = dnew * u * (1 - n ** 2)
        drc = dn @ Rn.T
        du = dnew * (n - c) * u * (1 - u)
        dr = drc * c * r * (1 - r)
        dw = [z.T @ du, c.T @ du, du.sum(0), z.T @ dr, c.T @ dr, dr.sum(0), z.T @ dn, rc.T @ dn, dn.sum(0)]
        dz = du @ Ku.T + dr @ Kr.T + dn @ Kn.T
        dc = dnew * (1 - u) + drc * r + du @ Ru.T + dr @ Rr.T
        return dw, dz, dc

    return new, pull


def context(w, z):
    c = np.zeros((z.shape[1], len(w[2])))
    cs, pulls = [], []
    for zt in z:
        c, pull = gru_step(w, zt, c)
        cs.append(c)
        pulls.append(pull)

    def pull_all(dcs):
        dw = [np.zeros_like(a) for a in w]
        dz = np.zeros_like(z)
        dc = np.zeros_like(c)
        for t in reversed(range(len(pulls))):
            more, dz[t], dc = pulls[t](dc + dcs[t])
            dw = [a + b for a, b in zip(dw, more)]
        return dw, dz

    return np.stack(cs), pull_all


def info_nce(Ms, cs, z):
    """mean over all pairs (t, k) and the batch"""
    T, batch = z.shape[:2]
    pairs = [(t, k) for k in range(1, len(Ms) + 1) for t in range(T - k)]
    loss, soft = 0.0, {}
    for t, k in pairs:
        score = cs[t] @ Ms[k - 1] @ z[t + k].T          # row: whose context, column: whose frame
        score = score - score.max(axis=1, keepdims=True)
        logp = score - np.log(np.exp(score).sum(axis=1, keepdims=True))
        loss = loss - np.trace(logp) / (batch * len(pairs))
        soft[t, k] = np.exp(logp)

    def pull():
        dMs = [np.zeros_like(M) for M in Ms]
        dcs, dz = np.zeros_like(cs), np.zeros_like(z)
        for t, k in pairs:
            M = Ms[k - 1]
            ds = (soft[t, k] - np.eye(batch)) / (batch * len(pairs))
            dMs[k - 1] += cs[t].T @ ds @ z[t + k]
            dcs[t] += ds @ z[t + k] @ M.T
            dz[t + k] += ds.T @ cs[t] @ M
        return dMs, dcs, dz

    return loss, pull


def cpc(weights, x):
    enc, gru, Ms = weights
    z, pull_z = encoder(enc, x)
    cs, pull_c = context(gru, z)
    loss, pull_loss = info_nce(Ms, cs, z)

    def gradients():
        dMs, dcs, dz = pull_loss()
        dgru, dz_context = pull_c(dcs)
        return [pull_z(dz + dz_context), dgru, dMs]

    return loss, gradients


def build(n_in, n_z, n_c, K, seed):
    rng = np.random.default_rng(seed)

    def mat(a, b):
        return rng.standard_normal((a, b)) / np.sqrt(a)

    def vec(n):
        return 0.1 * rng.standard_normal(n)

    gru = [m for _ in range(3) for m in (mat(n_z, n_c), mat(n_c, n_c), vec(n_c))]
    return [[mat(n_in, n_z), vec(n_z)], gru, [2 * mat(n_c, n_z) for _ in range(K)]]


def auscultation(T, batch, n_in, seed):
    rng = np.random.default_rng(seed)
    beat = rng.uniform(1, 3, batch)[:, None]
    return np.stack([np.cos(beat * t + np.arange(n_in)) + 0.5 * rng.standard_normal((batch, n_in)) for t in range(T)])


weights = build(n_in=3, n_z=3, n_c=4, K=2, seed=50)
x = auscultation(5, 3, 3, seed=51)
