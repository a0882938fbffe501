"""The adding problem with a ReLU network that starts near the identity.

Two inputs a step: a number, and a mark that is 1 at exactly two steps. The answer is the sum of the two marked numbers.
"""

import numpy as np


def sample(rng, batch, length):
    numbers = rng.uniform(0, 1, (batch, length))
    marks = np.zeros((batch, length))
    for k in range(batch):
        marks[k, rng.choice(length, size=2, replace=False)] = 1
    return np.stack([numbers, marks], axis=2), (numbers * marks).sum(axis=1)


class ReluNet:
    def __init__(self, hidden, rng):
        self.U = rng.normal(0, 0.5, (2, hidden))
        self.W = np.eye(hidden) + rng.normal(0, 0.1, (hidden, hidden))
        self.b = rng.normal(0, 0.1, hidden)
        self.v = rng.normal(0, 0.5, hidden)
        self.c = np.zeros(1)

    def forward(self, x):
        h = np.full((len(x), len(self.b)), 0.1)
        hs, pres = [h], []
        for t in range(x.shape[1]):
            pre = x[:, t] @ self.U + h @ self.W + self.b
            h = np.maximum(pre, 0)
            pres.append(pre)
            hs.append(h)
        return h @ self.v + self.c, hs, pres

    def loss(self, x, y):
        guess, _, _ = self.forward(x)
        return 0.5 * ((guess - y) ** 2).mean()

    def gradient(self, x, y):
        guess, hs, pres = self.forward(x)
        err = (guess - y) / len(y)
        dv = hs[-1].T @ err
        dc = err.sum(keepdims=True)
        dU, dW, db = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.b)
        dh = np.outer(err, self.v)
        for t in range(len(pres) - 1, -1, -1):
            dpre = dh * (pres[t] > 0)
            dU += x[:, t].T @ dpre
            dW += hs[t].T @ dpre
            db += dpre.sum(axis=0)
            dh = dpre @ self.W.T
        return dU, dW, db, dv, dc


rng = np.random.default_rng(6)
net = ReluNet(7, rng)
x, y = sample(rng, batch=3, length=6)

if __name__ == "__main__":
    for step in range(3001):
        xb, yb = sample(rng, 20, 6)
        for p, g in zip((net.U, net.W, net.b, net.v, net.c), net.gradient(xb, yb)):
            p -= 0.02 * g
        if step % 500 == 0:
            print(step, net.loss(xb, yb))
