"""Graph-based dependency parser: words + tags -> bidirectional RNN -> biaffine arc scores (Dozat & Manning 2017).

Token 0 of each sentence is the root.  For each other token a softmax over all tokens says which one is its head.
No labels, no decoding here, only training.
"""
import numpy as np


def elu(a):
    return np.where(a > 0, a, np.expm1(np.minimum(a, 0)))


def elu_slope(y):
    return np.where(y > 0, 1.0, y + 1)


class Direction:
    """one reading direction; its parameters are views into the parser's dictionary"""

    def __init__(self, prefix, reverse):
        self.prefix, self.reverse = prefix, reverse

    def run(self, p, x):
        W, U, b = (p[self.prefix + k] for k in ("W", "U", "b"))
        n = len(x)
        h = np.zeros((n, len(b)))
        prev = np.zeros(len(b))
        for k in (range(n - 1, -1, -1) if self.reverse else range(n)):
            prev = np.tanh(W @ x[k] + U @ prev + b)
            h[k] = prev
        return h

    def back(self, p, g, x, h, dh):
        W, U = p[self.prefix + "W"], p[self.prefix + "U"]
        n = len(x)
        dx = np.zeros_like(x)
        carried = np.zeros(h.shape[1])
        for k in (range(n) if self.reverse else range(n - 1, -1, -1)):
            before = k + 1 if self.reverse else k - 1
            da = (dh[k] + carried) * (1 - h[k] ** 2)
            g[self.prefix + "W"] += np.outer(da, x[k])
            g[self.prefix + "b"] += da
            if 0 <= before < n:
                g[self.prefix + "U"] += np.outer(da, h[before])
            dx[k] = W.T @ da
            carried = U.T @ da
        return dx


class Parser:
    def __init__(self, words, tags, dim, hidden, arc, seed):
        rng = np.random.default_rng(seed)
        r = lambda *s: rng.normal(0, 0.6, s)
        self.p = {
            "word": r(words, dim), "tag": r(tags, dim),
            "fW": r(hidden, 2 * dim), "fU": r(hidden, hidden), "fb": r(hidden),
            "bW": r(hidden, 2 * dim), "bU": r(hidden, hidden), "bb": r(hidden),
            "dep": r(2 * hidden, arc), "dep0": r(arc), "head": r(2 * hidden, arc), "head0": r(arc),
            "S": r(arc, arc), "prior": r(arc),
        }
        self.ways = [Direction("f", False), Direction("b", True)]

    def forward(self, sentence):
        p = self.p
        words, tags = sentence
        x = np.hstack([p["word"][words], p["tag"][tags]])
        hs = [way.run(p, x) for way in self.ways]
        v = np.hstack(hs)
        d = elu(v @ p["dep"] + p["dep0"])
        e = elu(v @ p["head"] + p["head0"])
        scores = d @ p["S"] @ e.T + e @ p["prior"]  # row: dependent, column: head
        scores = scores[1:]
        scores = scores - scores.max(axis=1, keepdims=True)
        logp = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return x, hs, v, d, e, logp

    def loss(self, treebank):
        total, count = 0.0, 0
        for words, tags, heads in treebank:
            logp = self.forward((words, tags))[-1]
            total -= sum(logp[k, head] for k, head in enumerate(heads))
            count += len(heads)
        return total / count

    def grads(self, treebank):
        p = self.p
        g = {k: np.zeros_like(v) for k, v in p.items()}
        count = sum(len(heads) for _, _, heads in treebank)
        for words, tags, heads in treebank:
            x, hs, v, d, e, logp = self.forward((words, tags))
            ds = np.zeros((len(words), len(words)))
            ds[1:] = np.exp(logp)
            ds[np.arange(1, len(words)), heads] -= 1
            ds /= count
            g["S"] += d.T @ ds @ e
            g["prior"] += ds.sum(axis=0) @ e
            dd = ds @ e @ p["S"].T * elu_slope(d)
            de = (ds.T @ d @ p["S"] + np.outer(ds.sum(axis=0), p["prior"])) * elu_slope(e)
            g["dep"] += v.T @ dd
            g["dep0"] += dd.sum(axis=0)
            g["head"] += v.T @ de
            g["head0"] += de.sum(axis=0)
            dv = dd @ p["dep"].T + de @ p["head"].T
            dx = np.zeros_like(x)
            for way, h, dh in zip(self.ways, hs, np.hsplit(dv, 2)):
                dx += way.back(p, g, x, h, dh)
            dword, dtag = np.hsplit(dx, 2)
            np.add.at(g["word"], words, dword)
            np.add.at(g["tag"], tags, dtag)
        return g


def trees(lengths, words, tags, seed):
    rng = np.random.default_rng(seed)
    return [
        (rng.integers(0, words, n), rng.integers(0, tags, n), rng.integers(0, n, n - 1)) for n in lengths
    ]


parser = Parser(8, 4, 2, 3, 4, seed=541)
treebank = trees([5, 6], 8, 4, seed=542)
