"""Good or bad review? Word vectors -> LSTM -> the state after each review's last word -> logistic unit."""
import numpy as np

rng = np.random.RandomState(8)
n_words, n_emb, n_cell = 7, 3, 5


def weights(n_words, n_emb, n_cell):
    p = {'table': rng.randn(n_words, n_emb)}
    for gate in 'ifoc':
        p['W' + gate] = rng.randn(n_cell, n_emb) * 0.7
        p['U' + gate] = rng.randn(n_cell, n_cell) * 0.5
        p['b' + gate] = rng.randn(n_cell) * 0.2
    p['v'] = rng.randn(n_cell) * 1.2
    p['v0'] = rng.randn(1) * 0.2
    return p


def sigmoid(x):
    return 1. / (1. + np.exp(-x))


def encode(p, ids, mask):
    """ids, mask: (batch, time). Behind the end of a review h and c stand still."""
    batch, time = ids.shape
    n = p['bi'].shape[0]
    h, c = np.zeros((batch, n)), np.zeros((batch, n))
    cache = []
    for t in range(time):
        x = p['table'][ids[:, t]]
        m = mask[:, t:t + 1]
        i = sigmoid(x @ p['Wi'].T + h @ p['Ui'].T + p['bi'])
        f = sigmoid(x @ p['Wf'].T + h @ p['Uf'].T + p['bf'])
        o = sigmoid(x @ p['Wo'].T + h @ p['Uo'].T + p['bo'])
        z = np.tanh(x @ p['Wc'].T + h @ p['Uc'].T + p['bc'])
        c_hat = f * c + i * z
        h_hat = o * np.tanh(c_hat)
        cache.append((x, m, i, f, o, z, h, c, c_hat))
        h = m * h_hat + (1 - m) * h
        c = m * c_hat + (1 - m) * c
    return h, cache


def bce(p, ids, mask, good):
    h, _ = encode(p, ids, mask)
    s = h @ p['v'] + p['v0']
    # log(1 + e^s) - good * s
    return np.mean(np.log1p(np.exp(s)) - good * s)


def bce_backward(p, ids, mask, good):
    h, cache = encode(p, ids, mask)
    batch = ids.shape[0]
    ds = (sigmoid(h @ p['v'] + p['v0']) - good) / batch
    d = {k: np.zeros_like(w) for k, w in p.items()}
    d['v'] = h.T @ ds
    d['v0'] = np.array([ds.sum()])

    dh = np.outer(ds, p['v'])
    dc = np.zeros_like(dh)
    for t in reversed(range(ids.shape[1])):
        x, m, i, f, o, z, h_in, c_in, c_hat = cache[t]
        # the part that goes through the cell, and the part that stands still
        dh_hat, dh_skip = m * dh, (1 - m) * dh
        dc_hat, dc_skip = m * dc, (1 - m) * dc
        tc = np.tanh(c_hat)
        dc_hat = dc_hat + dh_hat * o * (1 - tc ** 2)
        pre = {
            'i': dc_hat * z * i * (1 - i),
            'f': dc_hat * c_in * f * (1 - f),
            'o': dh_hat * tc * o * (1 - o),
            'c': dc_hat * i * (1 - z ** 2),
        }
        dx = np.zeros_like(x)
        dh = dh_skip
        for gate in pre:
            d['W' + gate] += pre[gate].T @ x
            d['U' + gate] += pre[gate].T @ h_in
            d['b' + gate] += pre[gate].sum(axis=0)
            dx = dx + pre[gate] @ p['W' + gate]
            dh = dh + pre[gate] @ p['U' + gate]
        for b in range(batch):
            d['table'][ids[b, t]] += dx[b]
        dc = dc_skip + dc_hat * f
    return d


p = weights(n_words, n_emb, n_cell)
ids = np.array([[1, 4, 2, 6, 4, 3], [5, 5, 1, 0, 0, 0], [2, 3, 3, 1, 0, 0], [6, 1, 2, 5, 3, 0]])
mask = (ids > 0).astype(float)
good = np.array([1., 0., 0., 1.])
