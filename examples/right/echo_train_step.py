"""Echo: repeat the input of two steps ago. The training step changes the weights itself and keeps no gradients."""

import numpy as np

DELAY = 2


class Echo:
    def __init__(self, d, h, seed=0):
        rs = np.random.RandomState(seed)
        self.A = rs.randn(h, h) / np.sqrt(h)  # state to state
        self.B = rs.randn(d, h) / np.sqrt(d)  # input to state
        self.C = rs.randn(h, d) / np.sqrt(h)  # state to output
        self.bias = np.full(h, 0.1)

    def states(self, x):
        """All states, the first of which is not zero but a soft one half."""
        s = [np.full(len(self.bias), 0.5)]
        for row in x:
            s.append(np.tanh(s[-1] @ self.A + row @ self.B + self.bias))
        return np.array(s)

    def loss(self, x):
        out = self.states(x)[1:] @ self.C
        miss = out[DELAY:] - x[:-DELAY]
        return np.mean(miss ** 2)

    def train_step(self, x, lr):
        s = self.states(x)
        out = s[1:] @ self.C
        miss = np.zeros_like(out)
        miss[DELAY:] = out[DELAY:] - x[:-DELAY]
        d_out = 2 * miss / miss[DELAY:].size

        dA, dB, dbias = 0 * self.A, 0 * self.B, 0 * self.bias
        dC = s[1:].T @ d_out
        ds = d_out @ self.C.T

        delta = np.zeros_like(self.bias)
        for t in range(len(x) - 1, -1, -1):
            delta = (ds[t] + delta) * (1 - s[t + 1] ** 2)
            dA += np.outer(s[t], delta)
            dB += np.outer(x[t], delta)
            dbias += delta
            delta = self.A @ delta  # the rows of A belong to the earlier state

        self.A -= lr * dA
        self.B -= lr * dB
        self.C -= lr * dC
        self.bias -= lr * dbias


x = np.random.RandomState(1).choice([-1.0, 1.0], size=(10, 2))
net = Echo(2, 5)

if __name__ == "__main__":
    rs = np.random.RandomState(2)
    for k in range(20000):
        net.train_step(rs.choice([-1.0, 1.0], size=(12, 2)), lr=0.03)
        if k % 4000 == 0:
            print(k, net.loss(x))
