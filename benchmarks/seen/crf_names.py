"""Named entities: bidirectional GRU, linear-chain CRF on top (Lample et al. 2016, without the character part).

minus log p(tags | words) = log Z - score(tags).  Its gradient with respect to the scores is "marginals minus what was
observed", for emissions and transitions alike, so backward needs the beta recursion of the CRF first.
"""
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def logsumexp(a, axis):
    m = a.max(axis=axis, keepdims=True)
    return np.squeeze(m, axis) + np.log(np.exp(a - m).sum(axis=axis))


# ------------------------------------------------------------------ GRU

def gru_states(q, words):
    """words: list of vectors -> list of states, list of (x, h before, z, r, candidate)"""
    h = np.zeros(q["Uz"].shape[0])
    states, memo = [], []
    for x in words:
        z = sigmoid(q["Wz"] @ x + q["Uz"] @ h + q["bz"])
        r = sigmoid(q["Wr"] @ x + q["Ur"] @ h + q["br"])
        cand = np.tanh(q["Wc"] @ x + q["Uc"] @ (r * h) + q["bc"])
        memo.append((x, h, z, r, cand))
        h = z * h + (1 - z) * cand
        states.append(h)
    return states, memo


def gru_pull(q, memo, d_states):
    g = {k: np.zeros_like(v) for k, v in q.items()}
    d_words = []
    dh = np.zeros(q["Uz"].shape[0])
    for (x, h, z, r, cand), d_here in zip(reversed(memo), reversed(d_states)):
        dh = dh + d_here
        ac = dh * (1 - z) * (1 - cand ** 2)
        az = dh * (h - cand) * z * (1 - z)
        d_rh = q["Uc"].T @ ac
        ar = d_rh * h * r * (1 - r)
        for gate, a, seen in (("z", az, h), ("r", ar, h), ("c", ac, r * h)):
            g["W" + gate] += np.outer(a, x)
            g["U" + gate] += np.outer(a, seen)
            g["b" + gate] += a
        d_words.append(q["Wz"].T @ az + q["Wr"].T @ ar + q["Wc"].T @ ac)
        dh = dh * z + d_rh * r + q["Uz"].T @ az + q["Ur"].T @ ar
    return g, d_words[::-1]


# ------------------------------------------------------------------ CRF

def alphas(em, trans):
    rows = [em[0]]
    for t in range(1, len(em)):
        rows.append(logsumexp(rows[-1][:, None] + trans, axis=0) + em[t])
    return np.array(rows)


def betas(em, trans):
    rows = [np.zeros(em.shape[1])]
    for t in range(len(em) - 1, 0, -1):
        rows.insert(0, logsumexp(trans + em[t] + rows[0], axis=1))
    return np.array(rows)


# ------------------------------------------------------------------ the whole tagger

def emissions(p, ids):
    words = [p["lookup"][k] for k in ids]
    there, memo_there = gru_states(p["there"], words)
    back, memo_back = gru_states(p["back"], words[::-1])
    both = np.hstack([np.array(there), np.array(back[::-1])])
    return both @ p["V"] + p["c"], both, memo_there, memo_back


def crf_loss(p, ids, tags):
    em = emissions(p, ids)[0]
    gold = em[np.arange(len(tags)), tags].sum() + p["trans"][tags[:-1], tags[1:]].sum()
    return logsumexp(alphas(em, p["trans"])[-1], axis=0) - gold


def crf_grad(p, ids, tags):
    em, both, memo_there, memo_back = emissions(p, ids)
    T, n = len(ids), both.shape[1] // 2
    a, b = alphas(em, p["trans"]), betas(em, p["trans"])
    log_z = logsumexp(a[-1], axis=0)
    d_em = np.exp(a + b - log_z)
    d_em[np.arange(T), tags] -= 1
    d_trans = np.zeros_like(p["trans"])
    for t in range(1, T):
        d_trans += np.exp(a[t - 1][:, None] + p["trans"] + em[t] + b[t] - log_z)
        d_trans[tags[t - 1], tags[t]] -= 1
    d_both = d_em @ p["V"].T
    g_there, d_words = gru_pull(p["there"], memo_there, list(d_both[:, :n]))
    g_back, d_words_back = gru_pull(p["back"], memo_back, list(d_both[::-1, n:]))
    d_lookup = np.zeros_like(p["lookup"])
    for t, k in enumerate(ids):
        d_lookup[k] += d_words[t] + d_words_back[T - 1 - t]
    return {"lookup": d_lookup, "there": g_there, "back": g_back, "V": both.T @ d_em, "c": d_em.sum(0), "trans": d_trans}


def new_tagger(vocab, d, n, tags, seed):
    rng = np.random.default_rng(seed)
    gru = lambda: {k + gate: rng.normal(0, 0.6, s) for gate in "zrc" for k, s in (("W", (n, d)), ("U", (n, n)), ("b", n))}
    return {"lookup": rng.normal(size=(vocab, d)), "there": gru(), "back": gru(), "V": rng.normal(0, 0.6, (2 * n, tags)),
            "c": rng.normal(0, 0.1, tags), "trans": rng.normal(0, 0.5, (tags, tags))}


p = new_tagger(vocab=9, d=3, n=3, tags=4, seed=16)
ids, tags = np.array([2, 7, 0, 7, 5, 1]), np.array([0, 1, 2, 0, 3, 3])
