"""RNN class after the derivation: row vectors, symbols as indices, loss and gradients of one sequence."""

import numpy as np


class RNN:
    def __init__(self, symbols, hidden, seed=3):
        gen = np.random.RandomState(seed)
        self.symbols, self.hidden = symbols, hidden
        lim_i, lim_h = 1 / np.sqrt(symbols), 1 / np.sqrt(hidden)
        self.U = gen.uniform(-lim_i, lim_i, (symbols, hidden))
        self.W = gen.uniform(-lim_h, lim_h, (hidden, hidden))
        self.V = gen.uniform(-lim_h, lim_h, (hidden, symbols))
        self.b = gen.uniform(-0.1, 0.1, hidden)
        self.c = np.zeros(symbols)

    def softmax(self, v):
        e = np.exp(v - np.max(v))
        return e / np.sum(e)

    def forward(self, x):
        T = len(x)
        z = np.zeros((T, self.hidden))
        h = np.zeros((T, self.hidden))
        o = np.zeros((T, self.symbols))
        for t in range(T):
            q = self.U[x[t]] + self.b
            z[t] = q if t <= 1 else q + q @ self.W
            h[t] = np.tanh(z[t])
            o[t] = self.softmax(h[t] @ self.V + self.c)
        return o, h

    def loss(self, x, y):
        o, _ = self.forward(x)
        return -np.log(o[np.arange(len(y)), y]).sum()

    def backward(self, x, y):
        T = len(x)
        o, h = self.forward(x)
        dU, dW, dV = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.V)
        db, dc = np.zeros_like(self.b), np.zeros_like(self.c)

        eo = o.copy()
        eo[np.arange(T), y] -= 1.0
        eh = np.zeros((T, self.hidden))
        for t in range(T - 1, -1, -1):
            eh[t] = self.V @ eo[t]

        for t in range(T):
            ez = (1 - h[t] ** 2) * eh[t]
            dc += eo[t]
            dV += np.outer(h[t], eo[t])
            if t > 1:
                dW += np.outer(self.U[x[t]] + self.b, ez)
                ez = ez + self.W @ ez
            db += ez
            dU[x[t]] += ez
        return dU, dW, dV, db, dc

    def step(self, x, y, lr=0.01):
        for weight, grad in zip((self.U, self.W, self.V, self.b, self.c), self.backward(x, y)):
            weight -= lr * grad


net = RNN(symbols=6, hidden=4)
sequence = np.random.RandomState(10).randint(6, size=9)
x, y = sequence[:-1], sequence[1:]
