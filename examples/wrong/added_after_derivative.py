"""Recurrent layer as a class that keeps its own gradients, with a squared-error head."""
import numpy as np


def glorot(rng, rows, cols):
    return rng.normal(0.0, np.sqrt(2.0 / (rows + cols)), size=(rows, cols))


class RNN:
    def __init__(self, x_dim, h_dim, y_dim, seed=4):
        rng = np.random.default_rng(seed)
        self.Wxh = glorot(rng, x_dim, h_dim)
        self.Whh = glorot(rng, h_dim, h_dim)
        self.Why = glorot(rng, h_dim, y_dim)
        self.bh = 0.1 * rng.normal(size=h_dim)
        self.by = np.zeros(y_dim)

    def forward(self, x):
        T, B, _ = x.shape
        self.x = x
        self.h = [0.5 * np.ones((B, len(self.bh)))]
        self.y = []
        for t in range(T):
            self.h.append(np.tanh(x[t] @ self.Wxh + self.h[t] @ self.Whh + self.bh))
            self.y.append(self.h[t + 1] @ self.Why + self.by)
        return np.array(self.y)

    def loss(self, x, target):
        return np.mean((self.forward(x) - target) ** 2)

    def backward(self, x, target):
        y = self.forward(x)
        dy = 2 * (y - target) / y.size
        for name in ("Wxh", "Whh", "Why", "bh", "by"):
            setattr(self, "d" + name, np.zeros_like(getattr(self, name)))

        carried = np.zeros_like(self.h[0])
        for t in range(len(x) - 1, -1, -1):
            h, h_prev = self.h[t + 1], self.h[t]
            self.dWhy += h.T @ dy[t]
            self.dby += dy[t].sum(0)
            da = (dy[t] @ self.Why.T) * (1 - h * h) + carried
            self.dWxh += x[t].T @ da
            self.dWhh += h_prev.T @ da
            self.dbh += da.sum(0)
            carried = da @ self.Whh.T


rng = np.random.default_rng(40)
x = rng.normal(size=(7, 3, 2))
target = rng.normal(size=(7, 3, 4))
net = RNN(2, 5, 4)

if __name__ == "__main__":
    for k in range(3):
        net.backward(x, target)
        for name in ("Wxh", "Whh", "Why", "bh", "by"):
            getattr(net, name)[...] -= 0.1 * getattr(net, "d" + name)
        print(k, net.loss(x, target))
