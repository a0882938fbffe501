"""Is a tweet for, against, or neither?  Long Short-Term Memory-Network (Cheng, Dong & Lapata 2016).

Instead of the last state the cell takes a mixture of all earlier ones: two tapes (hidden, memory) are kept and an
attention over them, which looks at the present word and at the last mixture, says what to read.

    a_i     = v . tanh(Wh h_i + Wx x_t + Wm m_{t-1})        i < t
    m_t, n_t = sum_i softmax(a)_i (h_i, c_i)
    c_t     = f * n_t + i * g,   h_t = o * tanh(c_t)         gates from m_t and x_t
"""
import numpy as np


def softmax(a):
    e = np.exp(a - np.max(a))
    return e / e.sum()


class StanceReader:
    NAMES = ["E", "Wh", "Wx", "Wm", "v", "G", "bg", "out", "bout"]

    def __init__(self, words, D, H, A, stances=3, seed=0):
        rs = np.random.RandomState(seed)
        self.H = H
        self.E = rs.randn(words, D)
        self.Wh = rs.randn(A, H) * 0.7
        self.Wx = rs.randn(A, D) * 0.7
        self.Wm = rs.randn(A, H) * 0.7
        self.v = rs.randn(A)
        self.G = rs.randn(4 * H, H + D) * 0.5   # rows: i, f, o, g
        self.bg = rs.randn(4 * H) * 0.2
        self.out = rs.randn(stances, H)
        self.bout = np.zeros(stances)

    def read(self, tweet):
        H, T = self.H, len(tweet)
        h, c = np.zeros((T, H)), np.zeros((T, H))
        m, n = np.zeros((T + 1, H)), np.zeros((T, H))   # m[t + 1] is the mixture made at t
        looks, gates = [], []
        for t, word in enumerate(tweet):
            x = self.E[word]
            if t > 0:
                u = np.tanh(h[:t] @ self.Wh.T + self.Wx @ x + self.Wm @ m[t])
                s = softmax(u @ self.v)
                m[t + 1] = s @ h[:t]
                n[t] = s @ c[:t]
                looks.append((u, s))
            else:
                looks.append(None)
            a = self.G @ np.concatenate([m[t + 1], x]) + self.bg
            i, f, o = 1 / (1 + np.exp(-a[:3 * H].reshape(3, H)))
            g = np.tanh(a[3 * H:])
            c[t] = f * n[t] + i * g
            h[t] = o * np.tanh(c[t])
            gates.append((i, f, o, g))
        p = softmax(self.out @ h.mean(axis=0) + self.bout)
        return p, (h, c, m, n, looks, gates)

    def loss(self, tweets, stances, weight):
        """cross-entropy; rare stances weigh more"""
        total = 0.0
        for tweet, k in zip(tweets, stances):
            total -= weight[k] * np.log(self.read(tweet)[0][k])
        return total / len(tweets)

    def backward(self, tweets, stances, weight):
        d = {name: np.zeros_like(getattr(self, name)) for name in self.NAMES}
        for tweet, k in zip(tweets, stances):
            self.back_one(d, tweet, k, weight[k] / len(tweets))
        return d

    def back_one(self, d, tweet, k, w):
        H, T = self.H, len(tweet)
        p, (h, c, m, n, looks, gates) = self.read(tweet)
        dscore = w * p
        dscore[k] -= w
        d["out"] += np.outer(dscore, h.mean(axis=0))
        d["bout"] += dscore
        dh = np.tile(self.out.T @ dscore / T, (T, 1))   # gradients of the two tapes
        dc = np.zeros((T, H))
        dm = np.zeros((T + 1, H))
        for t in range(T - 1, -1, -1):
            x = self.E[tweet[t]]
            i, f, o, g = gates[t]
            tc = np.tanh(c[t])
            dct = dc[t] + dh[t] * o * (1 - tc ** 2)
            da = np.concatenate([
                dct * g * i * (1 - i), dct * n[t] * f * (1 - f), dh[t] * tc * o * (1 - o), dct * i * (1 - g ** 2),
            ])
            d["G"] += np.outer(da, np.concatenate([m[t + 1], x]))
            d["bg"] += da
            dmx = self.G.T @ da
            dm[t + 1] += dmx[:H]
            dx = dmx[H:]
            if t > 0:
                u, s = looks[t]
                dn = dct * f
                dh[:t] += np.outer(s, dm[t + 1])
                dc[:t] += np.outer(s, dn)
                ds = h[:t] @ dm[t + 1] + c[:t] @ dn
                de = s * (ds - s @ ds)
                d["v"] += u.T @ de
                du = np.outer(de, self.v) * (1 - u ** 2)
                d["Wh"] += du.T @ h[:t]
                dh[:t] += du @ self.Wh
                du = du.sum(axis=0)
                d["Wx"] += np.outer(du, x)
                d["Wm"] += np.outer(du, m[t])
                dx = dx + self.Wx.T @ du
                dm[t] += self.Wm.T @ du
            d["E"][tweet[t]] += dx


def debate(lengths, words, stances, seed):
    rs = np.random.RandomState(seed)
    return [list(rs.randint(words, size=k)) for k in lengths], [int(k) for k in rs.randint(stances, size=len(lengths))]


reader = StanceReader(8, 3, 4, 3, seed=741)
tweets, stances = debate([5, 3, 6], 8, 3, seed=742)
weight = np.array([1.0, 1.6, 0.7])
