# Continuous emotion (valence, arousal, ...) from audio features with a GRU.
# The loss is 1 - CCC (concordance correlation coefficient, Lin 1989), pooled over the whole batch
# and averaged over the dimensions of emotion.
import numpy as np


def sig(a):
    return .5 * (1 + np.tanh(.5 * a))


def init(D, H, K, seed=0):
    r = np.random.default_rng(seed)
    return {
        'Wx': r.normal(size=(D, 3 * H)) / np.sqrt(D),
        'Wzr': r.normal(size=(H, 2 * H)) / np.sqrt(H),
        'Wn': r.normal(size=(H, H)) / np.sqrt(H),
        'b': r.normal(size=3 * H) * .1,
        'V': r.normal(size=(H, K)),
        'c': r.normal(size=K) * .1,
    }


def run(p, x):
    B, T, _ = x.shape
    H = p['Wn'].shape[0]
    gx = x @ p['Wx'] + p['b']
    h = np.zeros((B, T + 1, H))
    z, r, n = np.empty((3, B, T, H))
    for t in range(T):
        prev = h[:, t]
        zr = sig(gx[:, t, :2 * H] + prev @ p['Wzr'])
        z[:, t], r[:, t] = zr[:, :H], zr[:, H:]
        n[:, t] = np.tanh(gx[:, t, 2 * H:] + (r[:, t] * prev) @ p['Wn'])
        h[:, t + 1] = z[:, t] * prev + (1 - z[:, t]) * n[:, t]
    return h, z, r, n


def ccc_parts(yhat, y):
    """numerator and denominator for each dimension; population moments over (batch, time)"""
    mp, my = yhat.mean((0, 1)), y.mean((0, 1))
    cov = ((yhat - mp) * (y - my)).mean((0, 1))
    den = yhat.var((0, 1)) + y.var((0, 1)) + (mp - my) ** 2
    return 2 * cov, den, mp, my


def loss_grad(p, x, y):
    B, T, K = y.shape
    H = p['Wn'].shape[0]
    h, z, r, n = run(p, x)
    yhat = h[:, 1:] @ p['V'] + p['c']
    num, den, mp, my = ccc_parts(yhat, y)
    loss = np.mean(1 - num / den)

    # d(num)/dyhat = 2 (y - my) / N;  d(den)/dyhat = 2 (yhat - mp) / N + 2 (mp - my) / N = 2 (yhat - my) / N
    N = B * T
    dnum = 2 * (y - my) / N
    dden = 2 * (yhat - my) / N
    dy = -(dnum / den - num / den ** 2 * dden) / K

    g = {'V': np.einsum('bth,btk->hk', h[:, 1:], dy), 'c': dy.sum((0, 1))}
    dh_out = dy @ p['V'].T
    dgx = np.zeros((B, T, 3 * H))
    drh_all = np.zeros((B, T, H))
    carry = np.zeros((B, H))
    for t in range(T)[::-1]:
        prev = h[:, t]
        dh = dh_out[:, t] + carry
        da_n = dh * (1 - z[:, t]) * (1 - n[:, t] ** 2)
        da_z = dh * (prev - n[:, t]) * z[:, t] * (1 - z[:, t])
        drh = da_n @ p['Wn'].T
        da_r = drh * prev * r[:, t] * (1 - r[:, t])
        dgx[:, t] = np.concatenate([da_z, da_r, da_n], axis=-1)
        drh_all[:, t] = drh
        carry = dh * z[:, t] + drh * r[:, t] + dgx[:, t, :2 * H] @ p['Wzr'].T
    g['Wx'] = np.einsum('btd,btg->dg', x, dgx)
    g['b'] = dgx.sum((0, 1))
    g['Wzr'] = np.einsum('bth,btg->hg', h[:, :-1], dgx[:, :, :2 * H])
    g['Wn'] = np.einsum('bth,btg->hg', r * h[:, :-1], dgx[:, :, 2 * H:])
    return loss, g


def fake(B, T, D, K, seed):
    r = np.random.default_rng(seed)
    return r.normal(size=(B, T, D)), np.cumsum(r.normal(size=(B, T, K)) * .5, axis=1)


p = init(5, 4, 2, seed=311)
x, y = fake(3, 6, 5, 2, seed=312)
