"""Sequence to sequence with two plain RNNs: the encoder reads a word, the decoder spells it backwards.

Trained one pair at a time with SGD.  Label smoothing keeps the thing from being too sure of itself.
"""
import numpy as np

BOS = 0
SMOOTH = 0.1


def softmax(v):
    e = np.exp(v - v.max())
    return e / e.sum()


class Encoder:
    def __init__(self, n_sym, n, rs):
        self.emb = rs.randn(n_sym, n) * 0.6
        self.W = rs.randn(n, n) / np.sqrt(n)
        self.b = rs.randn(n) * 0.1

    def read(self, word):
        self.word, self.hs = word, [np.zeros(len(self.b))]
        for s in word:
            self.hs.append(np.tanh(self.emb[s] + self.W @ self.hs[-1] + self.b))
        return self.hs[-1]

    def learn(self, dh, lr):
        demb, dW, db = np.zeros_like(self.emb), np.zeros_like(self.W), np.zeros_like(self.b)
        for t in range(len(self.word))[::-1]:
            da = dh * (1 - self.hs[t + 1] ** 2)
            demb[self.word[t]] += da
            dW += np.outer(da, self.hs[t])
            db += da
            dh = self.W.T @ da
        self.emb -= lr * demb
        self.W -= lr * dW
        self.b -= lr * db


class Decoder:
    def __init__(self, n_sym, n_enc, n, rs):
        self.emb = rs.randn(n_sym, n) * 0.6
        self.bridge = rs.randn(n, n_enc) / np.sqrt(n_enc)      # encoder state -> first state
        self.C = rs.randn(n, n_enc) / np.sqrt(n_enc)           # encoder state -> every step
        self.W = rs.randn(n, n) / np.sqrt(n)
        self.V = rs.randn(n_sym, n) / np.sqrt(n)
        self.c = np.zeros(n_sym)

    def write(self, code, word):
        """Teacher forcing.  Returns the smoothed cross-entropy of `word` given `code`."""
        self.code, self.word = code, word
        self.given = [BOS] + list(word[:-1])
        self.ss, self.ps = [np.tanh(self.bridge @ code)], []
        loss = 0.0
        for prev, nxt in zip(self.given, word):
            s = np.tanh(self.emb[prev] + self.W @ self.ss[-1] + self.C @ code)
            p = softmax(self.V @ s + self.c)
            loss -= (1 - SMOOTH) * np.log(p[nxt]) + SMOOTH * np.mean(np.log(p))
            self.ss.append(s)
            self.ps.append(p)
        return loss

    def learn(self, lr):
        names = ["emb", "bridge", "C", "W", "V", "c"]
        d = {k: np.zeros_like(getattr(self, k)) for k in names}
        dcode, ds = np.zeros_like(self.code), np.zeros(len(self.W))
        for t in reversed(range(len(self.word))):
            dlogit = self.ps[t] - SMOOTH / len(self.c)
            dlogit[self.word[t]] -= 1 - SMOOTH
            d["V"] += np.outer(dlogit, self.ss[t + 1])
            d["c"] += dlogit
            da = (ds + self.V.T @ dlogit) * (1 - self.ss[t + 1] ** 2)
            d["emb"][self.given[t]] += da
            d["W"] += np.outer(da, self.ss[t])
            d["C"] += np.outer(da, self.code)
            dcode += self.C.T @ da
            ds = self.W.T @ da
        da = ds * (1 - self.ss[0] ** 2)
        d["bridge"] += np.outer(da, self.code)
        dcode += self.bridge.T @ da
        for k in names:
            setattr(self, k, getattr(self, k) - lr * d[k])
        return dcode


def pair_loss(enc, dec, src, dst):
    return dec.write(enc.read(src), dst)


def train_pair(enc, dec, src, dst, lr):
    loss = pair_loss(enc, dec, src, dst)
    enc.learn(dec.learn(lr), lr)
    return loss


rs = np.random.RandomState(77)
enc, dec = Encoder(6, 4, rs), Decoder(6, 4, 5, rs)
src = [3, 1, 5, 5, 2]
dst = src[::-1]
