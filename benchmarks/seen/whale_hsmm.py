"""Dive phases of a sperm whale: hidden semi-Markov model with explicit durations, maximum likelihood.

A phase k lasts d = 1..D records with probability dur[k, d-1]; records within are independent Gaussians; then another
phase follows (never the same one, so the rows of the transition matrix have K - 1 entries).  Everything in logarithms.
Gradient: expected counts from the forward-backward recursions, minus what the normalisation of each softmax takes away.
"""
import numpy as np


def lse(a, axis=None):
    top = np.max(a, axis=axis, keepdims=True)
    out = top + np.log(np.sum(np.exp(a - top), axis=axis, keepdims=True))
    return np.squeeze(out, axis=axis) if axis is not None else float(out.ravel()[0])


def log_softmax(a):
    return a - a.max(axis=-1, keepdims=True) - np.log(np.sum(np.exp(a - a.max(axis=-1, keepdims=True)), axis=-1, keepdims=True))


def others(k, K):
    return [j for j in range(K) if j != k]


def logs(par):
    K = len(par["first"])
    trans = np.full((K, K), -np.inf)
    rows = log_softmax(par["next"])
    for k in range(K):
        trans[k, others(k, K)] = rows[k]
    return log_softmax(par["first"]), trans, log_softmax(par["stay"])


def record_logs(par, dive):
    z = (dive[:, None, :] - par["mean"]) * np.exp(-par["logsd"])
    return np.sum(-0.5 * z ** 2 - par["logsd"], axis=2)


def forward(par, dive):
    """begin[t, k]: a phase k starts with record t; end[t, k]: a phase k has ended before record t"""
    first, trans, stay = logs(par)
    T, (K, D) = len(dive), stay.shape
    cum = np.vstack([np.zeros(K), np.cumsum(record_logs(par, dive), axis=0)])
    begin, end = np.full((T + 1, K), -np.inf), np.full((T + 1, K), -np.inf)
    begin[0] = first
    for t in range(1, T + 1):
        longest = min(D, t)
        end[t] = lse(np.array([begin[t - d] + stay[:, d - 1] + cum[t] - cum[t - d] for d in range(1, longest + 1)]), axis=0)
        begin[t] = lse(end[t][:, None] + trans, axis=0)
    return begin, end, cum


def nll(par, dives):
    return -sum(lse(forward(par, dive)[1][-1]) for dive in dives) / sum(map(len, dives))


def nll_grad(par, dives):
    first, trans, stay = logs(par)
    K, D = stay.shape
    n_first, n_trans, n_stay = np.zeros(K), np.zeros((K, K)), np.zeros((K, D))
    d_mean, d_logsd = np.zeros_like(par["mean"]), np.zeros_like(par["logsd"])
    for dive in dives:
        T = len(dive)
        begin, end, cum = forward(par, dive)
        total = lse(end[T])
        rest = np.full((T + 1, K), -np.inf)   # of the records from t on, when a phase has ended there
        fresh = np.full((T + 1, K), -np.inf)  # when a phase starts there
        rest[T] = 0.0
        change = np.zeros((T + 1, K))         # of the occupation probability
        for t in range(T - 1, -1, -1):
            longest = min(D, T - t)
            spans = np.array([stay[:, d - 1] + cum[t + d] - cum[t] + rest[t + d] for d in range(1, longest + 1)])
            fresh[t] = lse(spans, axis=0)
            post = np.exp(begin[t] + spans - total)
            n_stay[:, :longest] += post.T
            change[t] += post.sum(axis=0)
            change[t + 1:t + 1 + longest] -= post
            if t > 0:
                rest[t] = lse(trans + fresh[t], axis=1)
                n_trans += np.exp(end[t][:, None] + trans + fresh[t] - total)
        n_first += np.exp(first + fresh[0] - total)
        occupied = np.cumsum(change[:T], axis=0)
        z = (dive[:, None, :] - par["mean"]) * np.exp(-par["logsd"])
        d_mean += np.einsum("tk,tkf->kf", occupied, z * np.exp(-par["logsd"]))
        d_logsd += np.einsum("tk,tkf->kf", occupied, z ** 2 - 1)
    moved = np.array([n_trans[k, others(k, K)] for k in range(K)])
    score = {
        "first": n_first - n_first.sum() * np.exp(first),
        "next": moved - moved.sum(axis=1, keepdims=True) * np.exp(log_softmax(par["next"])),
        "stay": n_stay - n_stay.sum(axis=1, keepdims=True) * np.exp(stay),
        "mean": d_mean,
        "logsd": d_logsd,
    }
    records = sum(map(len, dives))
    return {name: -value / records for name, value in score.items()}


def guess(phases, longest, features, seed):
    rng = np.random.default_rng(seed)
    return {
        "first": rng.normal(size=phases),
        "next": rng.normal(size=(phases, phases - 1)),
        "stay": rng.normal(size=(phases, longest)),
        "mean": rng.normal(size=(phases, features)),
        "logsd": 0.2 * rng.normal(size=(phases, features)),
    }


def tags(lengths, features, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, features)) for n in lengths]


par = guess(3, 4, 2, seed=961)
dives = tags([7, 5], 2, seed=962)
