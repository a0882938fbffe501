# splice sites: is position t a donor, an acceptor or nothing? bidirectional, time first, batch second
import numpy as np

rs = np.random.RandomState(31)


def relu_like(a):
    """softplus: smooth"""
    return np.log(1 + np.exp(a))


def slope(a):
    return 1 / (1 + np.exp(-a))


def new_weights(bases, left, right, classes):
    w = {}
    w['WL'] = rs.randn(bases, left) * .6
    w['RL'] = rs.randn(left, left) * .35
    w['bL'] = rs.randn(1, left) * .3 - .5
    w['WR'] = rs.randn(bases, right) * .6
    w['RR'] = rs.randn(right, right) * .35
    w['bR'] = rs.randn(1, right) * .3 - .5
    w['M'] = rs.randn(left + right, classes)
    w['c'] = rs.randn(1, classes) * .3
    return w


def one_way(W, R, b, dna, order):
    T, B, _ = dna.shape
    act = np.zeros((T, B, R.shape[0]))
    net = np.zeros((T, B, R.shape[0]))
    prev = np.zeros((B, R.shape[0]))
    for t in order:
        net[t] = dna[t] @ W + prev @ R + b
        act[t] = relu_like(net[t])
        prev = act[t]
    return act, net


def both(w, dna):
    T = len(dna)
    L, netL = one_way(w['WL'], w['RL'], w['bL'], dna, range(T))
    R, netR = one_way(w['WR'], w['RR'], w['bR'], dna, range(T - 1, -1, -1))
    joint = np.concatenate([L, R], axis=2)
    score = joint @ w['M'] + w['c']
    logp = score - np.log(np.exp(score).sum(axis=2, keepdims=True))
    return L, netL, R, netR, joint, logp


def nll(w, dna, site):
    logp = both(w, dna)[-1]
    return -np.sum(site * logp) / site.shape[1]


def nll_grads(w, dna, site):
    L, netL, R, netR, joint, logp = both(w, dna)
    T, B, _ = dna.shape
    g = {k: np.zeros_like(w[k]) for k in w}

    dscore = (np.exp(logp) - site) / B
    g['M'] = np.tensordot(joint, dscore, axes=([0, 1], [0, 1]))
    g['c'] = dscore.sum(axis=(0, 1)).reshape(1, -1)
    djoint = dscore @ w['M'].T
    nl = L.shape[2]
    dL, dR = djoint[:, :, :nl], djoint[:, :, nl:]

    # left-to-right net, walked from the right end
    carry = np.zeros((B, nl))
    for t in range(T - 1, -1, -1):
        d = (dL[t] + carry) * slope(netL[t])
        g['WL'] += dna[t].T @ d
        if t > 0:
            g['RL'] += L[t - 1].T @ d
        g['bL'] += d.sum(axis=0)
        carry = d @ w['RL'].T

    # right-to-left net, walked from the left end
    carry = np.zeros((B, R.shape[2]))
    for t in range(T):
        d = (dR[t] + carry) * slope(netR[t])
        g['WR'] += dna[t].T @ d
        if t < T - 1:
            g['RR'] += R[t + 1].T @ d
        g['bR'] += d.sum(axis=0)
        carry = d @ w['RR'].T
    return g


def reads(T, B, bases, classes):
    return rs.randn(T, B, bases), np.eye(classes)[rs.randint(0, classes, (T, B))]


w = new_weights(2, 4, 5, 3)
dna, site = reads(6, 2, 2, 3)
