"""RNN encoder with a bias in each layer; numpy only; columns; regression on the mean of all outputs."""
import numpy as np

rs = np.random.RandomState(58)
N_STEPS, N_X, N_H, N_Y = 5, 3, 4, 2


class Encoder:
    def __init__(self):
        self.Wx = rs.randn(N_H, N_X) * 0.6
        self.Wh = rs.randn(N_H, N_H) * 0.5
        self.bh = rs.randn(N_H, 1) * 0.3
        self.Wy = rs.randn(N_Y, N_H) * 0.6
        self.by = rs.randn(N_Y, 1) * 0.3

    def step(self, x, h):
        return np.tanh(np.dot(self.Wx, x) + np.dot(self.Wh, h))

    def out(self, h):
        return np.dot(self.Wy, h) + self.by

    def forward(self, xs):
        hs = [np.zeros((N_H, 1))]
        for x in xs:
            hs.append(self.step(x, hs[-1]))
        mean = sum(self.out(h) for h in hs[1:]) / len(xs)
        return hs, mean

    def loss(self, xs, y):
        _, mean = self.forward(xs)
        return np.sum((mean - y) ** 2)

    def backward(self, xs, y):
        hs, mean = self.forward(xs)
        dy = 2 * (mean - y) / len(xs)
        grads = dict(Wx=0 * self.Wx, Wh=0 * self.Wh, bh=0 * self.bh, Wy=0 * self.Wy, by=0 * self.by)
        dh_next = np.zeros((N_H, 1))
        for t in range(len(xs), 0, -1):
            grads["Wy"] += np.dot(dy, hs[t].T)
            grads["by"] += dy
            da = (np.dot(self.Wy.T, dy) + dh_next) * (1 - hs[t] ** 2)
            grads["Wx"] += np.dot(da, xs[t - 1].T)
            grads["Wh"] += np.dot(da, hs[t - 1].T)
            grads["bh"] += da
            dh_next = np.dot(self.Wh.T, da)
        return grads


net = Encoder()
xs = [rs.randn(N_X, 1) for _ in range(N_STEPS)]
y = rs.randn(N_Y, 1)

if __name__ == "__main__":
    for epoch in range(50):
        for name, g in net.backward(xs, y).items():
            getattr(net, name)[...] -= 0.1 * g
    print("loss", net.loss(xs, y))
