"""A minimal recurrent net in plain NumPy (column vectors), squared error at each step."""
import numpy as np

HIDDEN, INPUTS, OUTPUTS, STEPS = 4, 3, 2, 6


class ElmanNet:
    def __init__(self, seed=0):
        r = np.random.RandomState(seed)
        self.Wx = r.randn(HIDDEN, INPUTS) * 0.6
        self.Wh = r.randn(HIDDEN, HIDDEN) * 0.5
        self.bh = r.randn(HIDDEN, 1) * 0.2
        self.Wy = r.randn(OUTPUTS, HIDDEN) * 0.7
        self.by = r.randn(OUTPUTS, 1) * 0.1

    def forward(self, xs):
        self.hs = {-1: np.zeros((HIDDEN, 1))}
        self.ys = {}
        for t in range(len(xs)):
            z = self.Wx @ xs[t] + self.Wh @ self.hs[t - 1] + self.bh
            self.hs[t] = np.tanh(z)
            self.ys[t] = self.Wy @ self.hs[t] + self.by
        return self.ys

    def loss(self, xs, targets):
        ys = self.forward(xs)
        return sum(0.5 * np.sum((ys[t] - targets[t]) ** 2) for t in range(len(xs)))

    def backward(self, xs, targets):
        self.forward(xs)
        dWx = np.zeros_like(self.Wx)
        dWh = np.zeros_like(self.Wh)
        dbh = np.zeros_like(self.bh)
        dWy = np.zeros_like(self.Wy)
        dby = np.zeros_like(self.by)
        back = np.zeros((HIDDEN, 1))
        # walk from the last step to the first one
        for t in range(len(xs) - 1, 0, -1):
            err = self.ys[t] - targets[t]
            dWy += err @ self.hs[t].T
            dby += err
            dz = (self.Wy.T @ err + back) * (1 - self.hs[t] * self.hs[t])
            dWx += dz @ xs[t].T
            dWh += dz @ self.hs[t - 1].T
            dbh += dz
            back = self.Wh.T @ dz
        return [dWx, dWh, dbh, dWy, dby]


data = np.random.RandomState(1)
xs = [data.randn(INPUTS, 1) for _ in range(STEPS)]
targets = [data.randn(OUTPUTS, 1) for _ in range(STEPS)]
net = ElmanNet()

if __name__ == "__main__":
    for i in range(101):
        if i % 20 == 0:
            print("iter %3d  loss %.4f" % (i, net.loss(xs, targets)))
        for p, g in zip([net.Wx, net.Wh, net.bh, net.Wy, net.by], net.backward(xs, targets)):
            p -= 0.02 * g
