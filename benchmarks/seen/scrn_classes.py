"""Structurally constrained recurrent network (Mikolov et al. 2014) with the class-factored softmax of rnnlm.

    s[t] = (1 - alpha) * B[w[t]] + alpha * s[t-1]              slow context; here alpha is learned, one for each unit
    h[t] = sigmoid(P s[t] + A[w[t]] + R h[t-1])
    P(next) = softmax over classes (Uc h + Vc s) * softmax over the words of its class (Uw h + Vw s)

Words are sorted by class, class k is words edges[k] up to edges[k+1].
"""
from dataclasses import dataclass, fields

import numpy as np


@dataclass
class Net:
    A: np.ndarray
    B: np.ndarray
    R: np.ndarray
    P: np.ndarray
    a: np.ndarray   # alpha = sigmoid(a)
    Uc: np.ndarray
    Vc: np.ndarray
    Uw: np.ndarray
    Vw: np.ndarray

    def arrays(self):
        return [getattr(self, f.name) for f in fields(self)]

    def zeros(self):
        return Net(*(np.zeros_like(v) for v in self.arrays()))


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def softmax(v):
    e = np.exp(v - v.max())
    return e / e.sum()


def fresh(words, hid, slow, classes, seed):
    rng = np.random.default_rng(seed)

    def mat(rows, cols):
        return rng.normal(size=(rows, cols)) * 0.9

    return Net(mat(words, hid), mat(words, slow), mat(hid, hid), mat(hid, slow), rng.normal(size=slow) + 0.3,
               mat(classes, hid), mat(classes, slow), mat(words, hid), mat(words, slow))


def class_of(word, edges):
    return int(np.searchsorted(edges, word, side="right")) - 1


def read(net, text, edges):
    """one record for every word but the last"""
    h = np.full(len(net.R), 0.1)
    s = np.zeros(len(net.a))
    alpha = sigmoid(net.a)
    records = []
    for word, following in zip(text[:-1], text[1:]):
        before = h, s
        s = (1 - alpha) * net.B[word] + alpha * s
        h = sigmoid(net.P @ s + net.A[word] + net.R @ h)
        k = class_of(following, edges)
        own = slice(edges[k], edges[k + 1])
        pc = softmax(net.Uc @ h + net.Vc @ s)
        pw = softmax(net.Uw[own] @ h + net.Vw[own] @ s)
        records.append((word, k, own, following - edges[k], before, s, h, pc, pw))
    return records


def entropy(net, text, edges):
    """nats per word"""
    records = read(net, text, edges)
    return -sum(np.log(pc[k]) + np.log(pw[j]) for _, k, _, j, _, _, _, pc, pw in records) / len(records)


def entropy_gradient(net, text, edges):
    records = read(net, text, edges)
    g = net.zeros()
    alpha = sigmoid(net.a)
    dh, ds, dalpha = np.zeros(len(net.R)), np.zeros(len(net.a)), np.zeros(len(net.a))
    while records:
        n = len(text) - 1
        word, k, own, j, (h_before, s_before), s, h, pc, pw = records.pop()
        ec, ew = pc / n, pw / n
        ec[k] -= 1 / n
        ew[j] -= 1 / n
        g.Uc += np.outer(ec, h)
        g.Vc += np.outer(ec, s)
        g.Uw[own] += np.outer(ew, h)
        g.Vw[own] += np.outer(ew, s)
        dh = dh + net.Uc.T @ ec + net.Uw[own].T @ ew
        ds = ds + net.Vc.T @ ec + net.Vw[own].T @ ew

        dz = dh * h * (1 - h)
        g.P += np.outer(dz, s)
        g.A[word] += dz
        g.R += np.outer(dz, h_before)
        dh = net.R.T @ dz

        ds = ds + net.P.T @ dz
        g.B[word] += (1 - alpha) * ds
        dalpha += ds * (s_before - net.B[word])
        ds = alpha * ds
    g.a += dalpha * alpha * (1 - alpha)
    return g


edges = [0, 2, 4, 7]
net = fresh(words=7, hid=4, slow=3, classes=3, seed=55)
text = [3, 0, 6, 1, 4, 0, 2, 5]
