"""Elman network for sequences of symbols, straight from a derivation in row vectors.

    z_t = h_{t-1} W + x_t U + b      h_t = tanh(z_t)      o_t = h_t V + c      yhat_t = softmax(o_t)

x_t is one-hot, so x_t U is a row of U. The loss is the mean over the steps.
"""

import numpy as np


class RNN:
    def __init__(self, symbols, hidden, seed=8):
        rng = np.random.RandomState(seed)
        self.symbols, self.hidden = symbols, hidden
        bound_in, bound_hid = np.sqrt(1.0 / symbols), np.sqrt(1.0 / hidden)
        self.U = rng.uniform(-bound_in, bound_in, (symbols, hidden))
        self.W = rng.uniform(-bound_hid, bound_hid, (hidden, hidden))
        self.V = rng.uniform(-bound_hid, bound_hid, (hidden, symbols))
        self.b = np.zeros(hidden)
        self.c = np.zeros(symbols)

    @staticmethod
    def softmax(o):
        e = np.exp(o - o.max())
        return e / e.sum()

    def forward(self, x):
        T = len(x)
        h = np.zeros((T, self.hidden))
        yhat = np.zeros((T, self.symbols))
        for t in range(T):
            z = self.U[x[t]] + self.b
            if t > 0:
                z = z + h[t - 1] @ self.W
            h[t] = np.tanh(z)
            yhat[t] = self.softmax(h[t] @ self.V + self.c)
        return yhat, h

    def loss(self, x, y):
        yhat, _ = self.forward(x)
        return -np.mean(np.log(yhat[np.arange(len(y)), y]))

    def backward(self, x, y, limit=None):
        T = len(x)
        yhat, h = self.forward(x)
        delta_o = yhat
        delta_o[np.arange(T), y] -= 1.0
        delta_o /= T

        delta_h = delta_o @ self.V.T  # each output's own term, all at once
        for t in range(T - 2, -1, -1):
            delta_h[t] += self.W @ ((1 - h[t + 1] ** 2) * delta_h[t + 1])
        delta_z = (1 - h**2) * delta_h

        dU = np.zeros_like(self.U)
        np.add.at(dU, x, delta_z)
        dW = h[:-1].T @ delta_z[1:]
        dV = h.T @ delta_o
        grads = dU, dW, dV, delta_z.sum(axis=0), delta_o.sum(axis=0)
        if limit is not None:
            grads = tuple(np.clip(g, -limit, limit) for g in grads)
        return grads

    def step(self, x, y, lr=0.1, limit=5.0):
        for p, g in zip((self.U, self.W, self.V, self.b, self.c), self.backward(x, y, limit)):
            p -= lr * g


net = RNN(symbols=7, hidden=5)
sequence = np.random.RandomState(7).randint(7, size=13)
x, y = sequence[:-1], sequence[1:]

if __name__ == "__main__":
    for epoch in range(1001):
        net.step(x, y)
        if epoch % 200 == 0:
            print(epoch, net.loss(x, y))
