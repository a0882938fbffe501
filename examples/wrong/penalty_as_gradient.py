"""RNN with weight decay: loss = squared error + lam * (|W|^2 + |U|^2 + |V|^2)."""
import numpy as np

lam = 0.01


class DecayedRNN:
    def __init__(self, d, h, k, rng):
        self.U = rng.normal(size=(h, d)) * 0.6
        self.W = rng.normal(size=(h, h)) * 0.5
        self.V = rng.normal(size=(k, h)) * 0.6
        self.b = rng.normal(size=h) * 0.1
        self.c = rng.normal(size=k) * 0.1

    def states(self, x):
        s = [np.zeros(self.b.shape)]
        for v in x:
            s.append(np.tanh(self.U @ v + self.W @ s[-1] + self.b))
        return s

    def penalty(self, weight):
        return lam * np.sum(weight ** 2)

    def loss(self, x, y):
        s = np.array(self.states(x)[1:])
        data_term = 0.5 * np.sum((s @ self.V.T + self.c - y) ** 2)
        return data_term + self.penalty(self.U) + self.penalty(self.W) + self.penalty(self.V)

    def gradient(self, x, y):
        s = self.states(x)
        dU, dW, dV = (np.zeros(m.shape) for m in (self.U, self.W, self.V))
        db, dc = np.zeros(self.b.shape), np.zeros(self.c.shape)
        ds = np.zeros(self.b.shape)
        for t in range(len(x), 0, -1):
            e = self.V @ s[t] + self.c - y[t - 1]
            dV += np.outer(e, s[t])
            dc += e
            da = (self.V.T @ e + ds) * (1 - s[t] ** 2)
            dU += np.outer(da, x[t - 1])
            dW += np.outer(da, s[t - 1])
            db += da
            ds = self.W.T @ da
        for grad, weight in ((dU, self.U), (dW, self.W), (dV, self.V)):
            grad += self.penalty(weight)
        return dU, dW, dV, db, dc


rng = np.random.default_rng(28)
x = rng.normal(size=(6, 3))
y = rng.normal(size=(6, 2))
net = DecayedRNN(d=3, h=4, k=2, rng=rng)

if __name__ == "__main__":
    for epoch in range(100):
        for p, g in zip((net.U, net.W, net.V, net.b, net.c), net.gradient(x, y)):
            p -= 0.05 * g
    print("loss", net.loss(x, y))
