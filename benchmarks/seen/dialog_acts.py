"""Dialogue acts with a GRU of GRUs: the lower one reads the words of an utterance, the upper one the utterances.
(a poor man's hierarchical recurrent encoder)

learn() does one SGD step per dialogue, like our old C++ code did.
"""
import numpy as np


def sg(v):
    return 1 / (1 + np.exp(-v))


class Cell:
    """GRU, reset before the product.  K: both gates, (in + n, 2n);  Q: candidate, (in + n, n)"""

    def __init__(self, n_in, n, rng):
        self.n_in, self.n = n_in, n
        self.K = rng.normal(0, 0.6, (n_in + n, 2 * n))
        self.kb = rng.normal(0, 0.2, 2 * n)
        self.Q = rng.normal(0, 0.6, (n_in + n, n))
        self.qb = rng.normal(0, 0.2, n)
        self.reset()

    def reset(self):
        self.dK, self.dkb = np.zeros_like(self.K), np.zeros_like(self.kb)
        self.dQ, self.dqb = np.zeros_like(self.Q), np.zeros_like(self.qb)

    def step(self, x, h):
        xh = np.append(x, h)
        zr = sg(xh @ self.K + self.kb)
        z, r = zr[:self.n], zr[self.n:]
        xr = np.append(x, r * h)
        q = np.tanh(xr @ self.Q + self.qb)
        return z * h + (1 - z) * q, (xh, xr, zr, q, h)

    def back(self, dh, memo):
        """adds to the gradients, returns those of x and of the state before"""
        xh, xr, zr, q, h = memo
        z, r = zr[:self.n], zr[self.n:]
        dq = dh * (1 - z) * (1 - q * q)
        self.dQ += np.outer(xr, dq)
        self.dqb += dq
        dxr = self.Q @ dq
        drh = dxr[self.n_in:]
        dzr = np.append(dh * (h - q), drh * h) * zr * (1 - zr)
        self.dK += np.outer(xh, dzr)
        self.dkb += dzr
        dxh = self.K @ dzr
        dx = dxr[:self.n_in] + dxh[:self.n_in]
        return dx, dh * z + drh * r + dxh[self.n_in:]

    def descend(self, lr):
        self.K -= lr * self.dK
        self.kb -= lr * self.dkb
        self.Q -= lr * self.dQ
        self.qb -= lr * self.dqb
        self.reset()


class Tagger:
    def __init__(self, n_words, d, n_low, n_up, n_acts, seed):
        rng = np.random.default_rng(seed)
        self.E = rng.normal(size=(n_words, d))
        self.low = Cell(d, n_low, rng)
        self.up = Cell(n_low, n_up, rng)
        self.O = rng.normal(size=(n_up, n_acts))
        self.ob = rng.normal(0, 0.1, n_acts)

    def read(self, dialog):
        """for every utterance: memos of its words, memo of the upper cell, upper state, probabilities"""
        s, out = np.zeros(self.up.n), []
        for utterance in dialog:
            h, memos = np.zeros(self.low.n), []
            for w in utterance:
                h, memo = self.low.step(self.E[w], h)
                memos.append(memo)
            s, top = self.up.step(h, s)
            e = np.exp(s @ self.O + self.ob)
            out.append((memos, top, s, e / e.sum()))
        return out

    def surprise(self, dialog, acts):
        return -sum(np.log(p[act]) for (_, _, _, p), act in zip(self.read(dialog), acts))

    def learn(self, dialog, acts, lr):
        seen = self.read(dialog)
        dE, dO, dob = np.zeros_like(self.E), np.zeros_like(self.O), np.zeros_like(self.ob)
        ds = np.zeros(self.up.n)
        for utterance, act, (memos, top, s, p) in list(zip(dialog, acts, seen))[::-1]:
            dlogit = p.copy()
            dlogit[act] -= 1
            dO += np.outer(s, dlogit)
            dob += dlogit
            ds = ds + self.O @ dlogit
            dh, ds = self.up.back(ds, top)
            for w, memo in zip(utterance[::-1], memos[::-1]):
                dx, dh = self.low.back(dh, memo)
                dE[w] += dx
        self.E -= lr * dE
        self.O -= lr * dO
        self.ob -= lr * dob
        self.low.descend(lr)
        self.up.descend(lr)


tagger = Tagger(n_words=9, d=3, n_low=4, n_up=5, n_acts=3, seed=120)
dialog = [[1, 5, 5], [0, 8], [3, 2, 7, 1]]
acts = [2, 0, 1]
