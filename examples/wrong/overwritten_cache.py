"""One reusable cell, called once per time step. Interface: out = cell.forward(x, h), dh = cell.backward(dout)."""
import numpy as np


class Cell:
    def __init__(self, n_in, n_hidden, rng):
        self.Wx = rng.normal(0, 0.7, (n_in, n_hidden))
        self.Wh = rng.normal(0, 0.5, (n_hidden, n_hidden))
        self.b = rng.normal(0, 0.2, n_hidden)
        self.zero_grad()

    def zero_grad(self):
        self.dWx = np.zeros_like(self.Wx)
        self.dWh = np.zeros_like(self.Wh)
        self.db = np.zeros_like(self.b)

    def forward(self, x, h):
        self.x, self.h_prev = x, h
        self.h = np.tanh(x @ self.Wx + h @ self.Wh + self.b)
        return self.h

    def backward(self, dh):
        da = dh * (1 - self.h ** 2)
        self.dWx += self.x.T @ da
        self.dWh += self.h_prev.T @ da
        self.db += da.sum(axis=0)
        return da @ self.Wh.T


class Readout:
    def __init__(self, n_hidden, n_out, rng):
        self.W = rng.normal(0, 0.7, (n_hidden, n_out))

    def forward(self, h):
        return h @ self.W

    def backward(self, h, dy):
        return h.T @ dy, dy @ self.W.T


class Network:
    def __init__(self, n_in, n_hidden, n_out, seed=3):
        rng = np.random.default_rng(seed)
        self.cell = Cell(n_in, n_hidden, rng)
        self.readout = Readout(n_hidden, n_out, rng)
        self.n_hidden = n_hidden

    def forward(self, x):
        h = np.zeros((x.shape[1], self.n_hidden))
        self.hs = []
        for xt in x:
            h = self.cell.forward(xt, h)
            self.hs.append(h)
        return [self.readout.forward(h) for h in self.hs]

    def loss(self, x, y):
        return sum(np.sum((out - yt) ** 2) for out, yt in zip(self.forward(x), y)) / y.size

    def backward(self, x, y):
        outs = self.forward(x)
        self.cell.zero_grad()
        self.dW_out = np.zeros_like(self.readout.W)
        dh_next = 0
        for h, out, yt in zip(self.hs[::-1], outs[::-1], y[::-1]):
            dW, dh = self.readout.backward(h, 2 * (out - yt) / y.size)
            self.dW_out += dW
            dh_next = self.cell.backward(dh + dh_next)


rng = np.random.default_rng(30)
x = rng.normal(size=(5, 3, 2))
y = rng.normal(size=(5, 3, 6))
net = Network(n_in=2, n_hidden=4, n_out=6)

if __name__ == "__main__":
    net.backward(x, y)
    print("loss", net.loss(x, y))
    print("dWh\n", net.cell.dWh)
