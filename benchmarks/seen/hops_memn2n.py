# End-to-end memory network (Sukhbaatar et al. 2015) that answers questions about bookings, RNN-like tying:
# the same embeddings in every hop, u <- u H + o.   Sentences are bags of words weighted by position.
# Word 0 fills up short sentences, it has no embedding of its own.
import numpy as np


def position_weights(L, dim):
    j = np.arange(1, L + 1)[:, None]/L
    k = np.arange(1, dim + 1)[None]/dim
    return (1 - j) - k*(1 - 2*j)


def softmax(s):
    e = np.exp(s - s.max())
    return e/e.sum()


class MemoryNet:
    names = ('A', 'B', 'C', 'TA', 'TC', 'H', 'W')

    def __init__(self, words, dim, slots, hops, rng):
        self.hops = hops
        self.A, self.B, self.C = (0.7*rng.randn(words, dim) for _ in range(3))
        self.TA, self.TC = 0.3*rng.randn(slots, dim), 0.3*rng.randn(slots, dim)
        self.H = rng.randn(dim, dim)/np.sqrt(dim)
        self.W = rng.randn(dim, words)

    def params(self):
        return [getattr(self, n) for n in self.names]

    def bag(self, E, sentences):
        """(S, L) -> (S, dim)"""
        pw = position_weights(sentences.shape[1], E.shape[1])
        return np.sum(E[sentences]*pw*(sentences > 0)[:, :, None], axis=1)

    def bag_back(self, dE, sentences, dbag):
        pw = position_weights(sentences.shape[1], dE.shape[1])
        np.add.at(dE, sentences, dbag[:, None, :]*pw*(sentences > 0)[:, :, None])

    def read(self, story, question):
        S = len(story)
        # the newest sentence is in slot 0
        m = self.bag(self.A, story) + self.TA[:S][::-1]
        c = self.bag(self.C, story) + self.TC[:S][::-1]
        us = [self.bag(self.B, question[None])[0]]
        ps = []
        for _ in range(self.hops):
            p = softmax(m @ us[-1])
            ps.append(p)
            us.append(us[-1] @ self.H + p @ c)
        return m, c, us, ps, softmax(us[-1] @ self.W)

    def loss(self, bookings):
        return -np.mean([np.log(self.read(story, question)[-1][answer]) for story, question, answer in bookings])

    def backward(self, bookings):
        g = {n: np.zeros_like(getattr(self, n)) for n in self.names}
        for story, question, answer in bookings:
            m, c, us, ps, y = self.read(story, question)
            dy = y.copy()
            dy[answer] -= 1
            dy /= len(bookings)
            g['W'] += np.outer(us[-1], dy)
            du = self.W @ dy
            dm, dc = np.zeros_like(m), np.zeros_like(c)
            for k in range(self.hops - 1, -1, -1):
                p, u = ps[k], us[k]
                dc += np.outer(p, du)
                dp = c @ du
                ds = p*(dp - p @ dp)
                dm += np.outer(ds, u)
                g['H'] += np.outer(u, du)
                du = self.H @ du + m.T @ ds
            S = len(story)
            g['TA'][:S] += dm[::-1]
            g['TC'][:S] += dc[::-1]
            self.bag_back(g['A'], story, dm)
            self.bag_back(g['C'], story, dc)
            self.bag_back(g['B'], question[None], du[None])
        return [g[n] for n in self.names]


def talk(sentences, words, length, rng):
    """a list of (story, question, answer)"""
    data = []
    for S in sentences:
        story = rng.randint(1, words, size=(S, length))
        for i in range(S):
            story[i, length - i % 2:] = 0
        data.append((story, rng.randint(1, words, size=length), rng.randint(1, words)))
    return data


net = MemoryNet(7, 4, 6, 3, np.random.RandomState(1021))
bookings = talk([4, 5, 3], 7, 4, np.random.RandomState(1022))
