"""RNN whose train_step does everything: forward, backward and the SGD update."""
import numpy as np


class CharRNN:
    def __init__(self, vocab, hidden, seed=0):
        rng = np.random.default_rng(seed)
        self.Wxh = rng.normal(0, 0.5, (vocab, hidden))
        self.Whh = rng.normal(0, 0.4, (hidden, hidden))
        self.Why = rng.normal(0, 0.5, (hidden, vocab))
        self.bh = rng.normal(0, 0.1, hidden)
        self.by = rng.normal(0, 0.1, vocab)

    def run(self, x):
        hs, ps = [np.zeros(self.bh.size)], []
        for ix in x:
            hs.append(np.tanh(self.Wxh[ix] + hs[-1] @ self.Whh + self.bh))
            e = np.exp(hs[-1] @ self.Why + self.by)
            ps.append(e / e.sum())
        return hs, ps

    def loss(self, x, y):
        _, ps = self.run(x)
        return -np.sum([np.log(p[k]) for p, k in zip(ps, y)])

    def train_step(self, x, y, lr=0.1):
        hs, ps = self.run(x)
        dWxh, dWhh, dWhy = np.zeros_like(self.Wxh), np.zeros_like(self.Whh), np.zeros_like(self.Why)
        dbh, dby = np.zeros_like(self.bh), np.zeros_like(self.by)
        dh = np.zeros_like(self.bh)
        for t in reversed(range(len(x))):
            dy = ps[t].copy()
            dy[y[t]] -= 1
            dWhy += np.outer(hs[t + 1], dy)
            dby += dy
            dh = dh + self.Why @ dy
            da = dh * (1 - hs[t + 1] ** 2)
            dWxh[x[t]] += da
            dWhh += np.outer(hs[t], da)
            dbh += da
            dh = self.Whh @ da
        self.Wxh -= lr * dWxh
        self.Whh -= 0.1 * lr * dWhh   # gentler steps for the recurrent weights
        self.Why -= lr * dWhy
        self.bh -= lr * dbh
        self.by -= lr * dby


text = "banana bandana"
symbols = sorted(set(text))
codes = [symbols.index(ch) for ch in text[:8]]
x, y = codes[:-1], codes[1:]
net = CharRNN(vocab=len(symbols), hidden=4)

if __name__ == "__main__":
    for n in range(300):
        net.train_step(x, y)
    print("loss", net.loss(x, y))
