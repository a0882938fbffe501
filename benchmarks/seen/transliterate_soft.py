"""Transliteration with a GRU encoder and a GRU decoder.

The decoder never sees the right letters: it is fed the expected embedding of its own last distribution, so that
the whole thing stays differentiable. One word at a time, row vectors.
"""
import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def softmax(a):
    e = np.exp(a - a.max())
    return e / e.sum()


def gru(W, U, b, x, h):
    H = h.size
    wx = x @ W + b
    zr = sigmoid(wx[: 2 * H] + h @ U[:, : 2 * H])
    z, r = zr[:H], zr[H:]
    n = np.tanh(wx[2 * H :] + (r * h) @ U[:, 2 * H :])
    return (1 - z) * h + z * n, (x, h, z, r, n)


def gru_back(W, U, memo, dh, gW, gU, gb):
    """adds to gW, gU, gb; returns dx and the gradient of the state before"""
    x, h, z, r, n = memo
    H = h.size
    dn = dh * z * (1 - n**2)
    drh = U[:, 2 * H :] @ dn
    dz = dh * (n - h) * z * (1 - z)
    dr = drh * h * r * (1 - r)
    da = np.r_[dz, dr, dn]
    gW += np.outer(x, da)
    gU[:, : 2 * H] += np.outer(h, da[: 2 * H])
    gU[:, 2 * H :] += np.outer(r * h, dn)
    gb += da
    return W @ da, dh * (1 - z) + drh * r + U[:, : 2 * H] @ da[: 2 * H]


def build(floor):
    """floor mixes the distribution with the uniform one inside the loss"""

    def spell(params, source, steps):
        Es, We, Ue, be, Et, Wd, Ud, bd, Wo, bo = params
        h = np.zeros(Ue.shape[0])
        enc, dec = [], []
        for s in source:
            h, memo = gru(We, Ue, be, Es[s], h)
            enc.append(memo)
        fed = np.full(len(bo), 1 / len(bo))
        for _ in range(steps):
            h, memo = gru(Wd, Ud, bd, fed @ Et, h)
            prob = softmax(h @ Wo + bo)
            dec.append((memo, fed, h, prob))
            fed = prob
        return enc, dec

    def loss(params, pairs):
        value = 0.0
        for source, target in pairs:
            _, dec = spell(params, source, len(target))
            for (_, _, _, prob), letter in zip(dec, target):
                value -= np.log((1 - floor) * prob[letter] + floor / len(prob)) / len(target)
        return value

    def grad(params, pairs):
        Es, We, Ue, be, Et, Wd, Ud, bd, Wo, bo = params
        grads = [np.zeros_like(w) for w in params]
        gEs, gWe, gUe, gbe, gEt, gWd, gUd, gbd, gWo, gbo = grads
        for source, target in pairs:
            enc, dec = spell(params, source, len(target))
            dh = np.zeros(Ue.shape[0])
            dprob = np.zeros(len(bo))  # through what the next step is fed
            for (memo, fed, h, prob), letter in zip(dec[::-1], target[::-1]):
                mixed = (1 - floor) * prob[letter] + floor / len(prob)
                dprob[letter] -= (1 - floor) / mixed / len(target)
                dlogit = prob * (dprob - dprob @ prob)
                gWo += np.outer(h, dlogit)
                gbo += dlogit
                dh = dh + Wo @ dlogit
                dx, dh = gru_back(Wd, Ud, memo, dh, gWd, gUd, gbd)
                gEt += np.outer(fed, dx)
                dprob = Et @ dx
            for memo, s in zip(enc[::-1], source[::-1]):
                dx, dh = gru_back(We, Ue, memo, dh, gWe, gUe, gbe)
                gEs[s] += dx
        return grads

    return loss, grad


def weights(src, tgt, emb, H, seed):
    rng = np.random.default_rng(seed)
    shapes = [(src, emb), (emb, 3 * H), (H, 3 * H), (3 * H,), (tgt, emb), (emb, 3 * H), (H, 3 * H), (3 * H,),
              (H, tgt), (tgt,)]
    return [rng.normal(size=s) * 0.6 for s in shapes]


def words(lengths, src, tgt, seed):
    rng = np.random.default_rng(seed)
    return [(rng.integers(0, src, size=m), rng.integers(0, tgt, size=n)) for m, n in lengths]


loss, grad = build(floor=0.05)
params = weights(7, 5, 3, 4, seed=351)
pairs = words([(6, 5), (5, 6)], 7, 5, seed=352)
