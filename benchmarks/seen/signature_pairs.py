# Are two signatures by the same hand?  Siamese network with the contrastive loss of
# Hadsell, Chopra & LeCun (2006): both signatures go through the *same* recurrent tower.
#
#   same hand      d^2
#   another hand   max(0, margin - d)^2
#
# The signatures of a pair have different lengths, so the tower takes one at a time.
import numpy as np


class Tower:
    """tanh RNN, mean of the states, linear map to the embedding"""

    def __init__(self, channels, hidden, dim, rng):
        self.U = rng.normal(0, 0.7, (channels, hidden))
        self.W = np.linalg.qr(rng.normal(size=(hidden, hidden)))[0] * 0.9
        self.b = rng.normal(0, 0.1, hidden)
        self.E = rng.normal(0, 1.0, (hidden, dim))

    def weights(self):
        return [self.U, self.W, self.b, self.E]

    def embed(self, sig):
        h = np.zeros(len(self.b))
        states = []
        for point in sig:
            h = np.tanh(point @ self.U + h @ self.W + self.b)
            states.append(h)
        pooled = sum(states) / len(states)

        def pullback(d_embedding):
            n = len(states)
            gU, gW, gb = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.b)
            gE = np.outer(pooled, d_embedding)
            d_pool = self.E @ d_embedding / n
            d_next = np.zeros(len(self.b))
            for t in range(n - 1, -1, -1):
                d_pre = (d_pool + d_next) * (1 - states[t] ** 2)
                gU += np.outer(sig[t], d_pre)
                gb += d_pre
                if t > 0:
                    gW += np.outer(states[t - 1], d_pre)
                    d_next = self.W @ d_pre
            return [gU, gW, gb, gE]

        return pooled @ self.E, pullback


def distance(a, b):
    return np.sqrt(np.sum((a - b) ** 2) + 1e-6)


def contrastive(tower, pairs, margin):
    total = 0.0
    for first, second, same in pairs:
        d = distance(tower.embed(first)[0], tower.embed(second)[0])
        if same:
            total += d ** 2
        else:
            total += max(0.0, margin - d) ** 2
    return total / len(pairs)


def contrastive_gradients(tower, pairs, margin):
    grads = [np.zeros_like(w) for w in tower.weights()]
    for first, second, same in pairs:
        a, pull_a = tower.embed(first)
        b, pull_b = tower.embed(second)
        d = distance(a, b)
        if same:
            dd = 2 * d
        elif d < margin:
            dd = -2 * (margin - d)
        else:
            continue
        da = dd * (a - b) / d / len(pairs)
        for total, ga, gb in zip(grads, pull_a(da), pull_b(-da)):
            total += ga + gb
    return grads


def forge(lengths, channels, rng):
    pairs = []
    for k, (n, m) in enumerate(lengths):
        pairs.append((rng.normal(size=(n, channels)), rng.normal(size=(m, channels)), k % 2 == 0))
    return pairs


def accuracy(tower, pairs, threshold):
    right = 0
    for first, second, same in pairs:
        d = distance(tower.embed(first)[0], tower.embed(second)[0])
        right += (d < threshold) == same
    return right / len(pairs)


rng = np.random.default_rng(1)
tower = Tower(channels=2, hidden=5, dim=3, rng=rng)
pairs = forge([(4, 5), (3, 6), (5, 5), (6, 4)], channels=2, rng=rng)
margin = 2.5
