# Headline generator: RNN encoder, RNN decoder with additive attention that knows what it has covered so far,
# coverage penalty sum(min(attention, coverage)) after See, Liu & Manning (2017). Teacher forcing.
import numpy as np

LAM = 0.7


def initialise(vocab, emb, hidden, att, seed):
    rng = np.random.default_rng(seed)
    w = lambda *shape: rng.normal(size=shape) / np.sqrt(shape[0])
    return dict(
        E=w(vocab, emb), We=w(emb, hidden), Re=w(hidden, hidden), be=w(hidden) * .3,
        Wd=w(emb, hidden), Rd=w(hidden, hidden), bd=w(hidden) * .3,
        Ah=w(hidden, att), As=w(hidden, att), ac=w(att), ab=w(att) * .3, av=w(att),
        Os=w(hidden, vocab), Oc=w(hidden, vocab), ob=w(vocab) * .3,
    )


def softmax(a):
    a = np.exp(a - a.max(-1, keepdims=True))
    return a / a.sum(-1, keepdims=True)


def encode(p, article):
    B, S = article.shape
    h = np.zeros((S + 1, B, p['be'].size))
    for i in range(S):
        h[i + 1] = np.tanh(p['E'][article[:, i]] @ p['We'] + h[i] @ p['Re'] + p['be'])
    return h


def decode(p, enc, headline):
    """headline[:, 0] is the start symbol; enc is (B, S, H)"""
    keys = enc @ p['Ah']
    s, cov = enc[:, -1], np.zeros(enc.shape[:2])
    trace = []
    for t in range(headline.shape[1] - 1):
        old = s
        s = np.tanh(p['E'][headline[:, t]] @ p['Wd'] + old @ p['Rd'] + p['bd'])
        u = np.tanh(keys + (s @ p['As'])[:, None] + cov[:, :, None] * p['ac'] + p['ab'])
        a = softmax(u @ p['av'])
        ctx = np.einsum('bs,bsh->bh', a, enc)
        prob = softmax(s @ p['Os'] + ctx @ p['Oc'] + p['ob'])
        trace.append((old, s, u, a, cov, ctx, prob))
        cov = cov + a
    return trace


def objective(p, article, headline):
    enc = encode(p, article)[1:].transpose(1, 0, 2)
    B = len(article)
    J = 0.
    for t, (_, _, _, a, cov, _, prob) in enumerate(decode(p, enc, headline)):
        J -= np.log(prob[np.arange(B), headline[:, t + 1]]).sum()
        J += LAM * np.minimum(a, cov).sum()
    return J / B


def objective_grad(p, article, headline):
    h = encode(p, article)
    enc = h[1:].transpose(1, 0, 2)
    B, S = article.shape
    g = {k: np.zeros_like(v) for k, v in p.items()}
    denc = np.zeros_like(enc)
    dkeys = np.zeros((B, S, p['av'].size))
    ds, dcov = np.zeros_like(h[0]), np.zeros((B, S))
    for t, (old, s, u, a, cov, ctx, prob) in reversed(list(enumerate(decode(p, enc, headline)))):
        do = prob.copy()
        do[np.arange(B), headline[:, t + 1]] -= 1
        do /= B
        g['Os'] += s.T @ do
        g['Oc'] += ctx.T @ do
        g['ob'] += do.sum(0)
        ds = ds + do @ p['Os'].T
        dctx = do @ p['Oc'].T

        # dcov is now that of the coverage after this step, cov + a
        small = a < cov
        da = dcov + LAM / B * small + np.einsum('bh,bsh->bs', dctx, enc)
        denc += a[:, :, None] * dctx[:, None]
        de = a * (da - (a * da).sum(1, keepdims=True))
        g['av'] += np.einsum('bs,bsk->k', de, u)
        du = de[:, :, None] * p['av'] * (1 - u ** 2)
        dkeys += du
        g['ac'] += np.einsum('bsk,bs->k', du, cov)
        g['ab'] += du.sum((0, 1))
        g['As'] += s.T @ du.sum(1)
        ds = ds + du.sum(1) @ p['As'].T
        dcov = dcov + LAM / B * ~small + du @ p['ac']

        dz = ds * (1 - s ** 2)
        g['Wd'] += p['E'][headline[:, t]].T @ dz
        g['Rd'] += old.T @ dz
        g['bd'] += dz.sum(0)
        np.add.at(g['E'], headline[:, t], dz @ p['Wd'].T)
        ds = dz @ p['Rd'].T
    g['Ah'] = np.einsum('bsh,bsk->hk', enc, dkeys)
    denc += dkeys @ p['Ah'].T
    denc[:, -1] += ds
    dh = 0.
    for i in reversed(range(S)):
        dz = (dh + denc[:, i]) * (1 - h[i + 1] ** 2)
        g['We'] += p['E'][article[:, i]].T @ dz
        g['Re'] += h[i].T @ dz
        g['be'] += dz.sum(0)
        np.add.at(g['E'], article[:, i], dz @ p['We'].T)
        dh = dz @ p['Re'].T
    return g


def news(B, S, T, vocab, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, vocab, (B, S)), rng.integers(0, vocab, (B, T + 1))


p = initialise(9, 2, 4, 5, seed=361)
article, headline = news(3, 6, 7, 9, seed=362)
