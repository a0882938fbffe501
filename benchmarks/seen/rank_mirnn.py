"""
Learning to rank the documents of the next query from the queries before (all given as feature vectors).

Multiplicative integration RNN (Wu et al. 2016):
    h <- tanh( al * Wx * Uh + b1 * Uh + b2 * Wx + b )          * is by element
Listwise loss ListMLE (Xia et al. 2008): likelihood of the true order under Plackett-Luce,
    - sum_k ( s[k] - log sum_{j >= k} exp s[j] ),     documents sorted from best to worst.
params = (W, U, al, b1, b2, b, M, m), M is bilinear between state and document, m is linear in the document.
"""
import numpy as np


def read_session(params, queries):
    W, U, al, b1, b2, b, M, m = params
    h = np.zeros(len(b))
    memory = []
    for q in queries:
        wx, uh = W.dot(q), U.dot(h)
        h_new = np.tanh(al * wx * uh + b1 * uh + b2 * wx + b)
        memory.append((q, h, wx, uh, h_new))
        h = h_new
    return h, memory


def tail_logsumexp(s):
    """log of the sum of exp over this place and all below"""
    out = np.zeros(len(s))
    running = -np.inf
    for k in range(len(s) - 1, -1, -1):
        running = np.logaddexp(running, s[k]) if k < len(s) - 1 else s[k]
        out[k] = running
    return out


def list_mle(params, sessions):
    M, m = params[-2:]
    value = 0.0
    for queries, docs in sessions:
        h, _ = read_session(params, queries)
        s = docs.dot(M.T.dot(h) + m)
        value += (tail_logsumexp(s) - s).sum() / len(docs)
    return value / len(sessions)


def list_mle_grad(params, sessions):
    W, U, al, b1, b2, b, M, m = params
    grads = tuple(np.zeros(p.shape) for p in params)
    gW, gU, gal, gb1, gb2, gb, gM, gm = grads
    for queries, docs in sessions:
        h, memory = read_session(params, queries)
        s = docs.dot(M.T.dot(h) + m)
        tails = tail_logsumexp(s)
        ds = -np.ones(len(s))
        for k in range(len(s)):
            # document j is in the tails that start at k <= j
            ds[k:] += np.exp(s[k:] - tails[k])
        ds /= len(docs) * len(sessions)
        dv = docs.T.dot(ds)
        gm += dv
        gM += np.outer(h, dv)
        dh = M.dot(dv)
        while memory:
            q, h_old, wx, uh, h_new = memory.pop()
            da = dh * (1 - h_new * h_new)
            gal += da * wx * uh
            gb1 += da * uh
            gb2 += da * wx
            gb += da
            dwx = da * (al * uh + b2)
            duh = da * (al * wx + b1)
            gW += np.outer(dwx, q)
            gU += np.outer(duh, h_old)
            dh = U.T.dot(duh)
    return grads


def start(features, hidden, seed):
    rng = np.random.RandomState(seed)
    return (
        rng.randn(hidden, features) * 0.6,
        rng.randn(hidden, hidden) * 0.6,
        1.0 + 0.3 * rng.randn(hidden),
        0.5 + 0.2 * rng.randn(hidden),
        0.5 + 0.2 * rng.randn(hidden),
        0.2 * rng.randn(hidden),
        rng.randn(hidden, features) * 0.7,
        rng.randn(features) * 0.3,
    )


def search_log(sizes, features, seed):
    """sizes: (number of queries, number of documents) of each session"""
    rng = np.random.RandomState(seed)
    return [(rng.randn(nq, features), rng.randn(nd, features)) for nq, nd in sizes]


params = start(3, 4, seed=641)
sessions = search_log([(5, 4), (6, 5), (4, 3)], 3, seed=642)
