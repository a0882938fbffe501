"""Word-count RNN with global-norm clipping, object API; the gradients come back as a dict."""
import numpy as np


class SequenceModel:
    names = ("U", "W", "V", "b", "c")

    def __init__(self, D, H, K, seed=1):
        rng = np.random.default_rng(seed)
        self.U = rng.normal(0, 0.8, (D, H))
        self.W = rng.normal(0, 0.5, (H, H))
        self.V = rng.normal(0, 0.8, (H, K))
        self.b = rng.normal(0, 0.2, (H,))
        self.c = rng.normal(0, 0.2, (K,))

    def forward(self, x):
        h, o = [np.zeros((x.shape[1], self.b.size))], []
        for xt in x:
            h.append(np.tanh(xt @ self.U + h[-1] @ self.W + self.b))
            o.append(h[-1] @ self.V + self.c)
        return h, o

    def loss(self, x, y):
        _, o = self.forward(x)
        return sum(0.5 * np.sum((ot - yt) ** 2) for ot, yt in zip(o, y))

    def grads(self, x, y, max_norm=1.0):
        h, o = self.forward(x)
        g = {n: np.zeros_like(getattr(self, n)) for n in self.names}
        dh = np.zeros_like(h[0])
        for t in range(len(x) - 1, -1, -1):
            do = o[t] - y[t]
            g["V"] += h[t + 1].T @ do
            g["c"] += do.sum(axis=0)
            da = (do @ self.V.T + dh) * (1 - h[t + 1] ** 2)
            g["U"] += x[t].T @ da
            g["W"] += h[t].T @ da
            g["b"] += da.sum(axis=0)
            dh = da @ self.W.T
        norm = np.sqrt(sum(np.sum(v ** 2) for v in g.values()))
        if norm > max_norm:
            g = {n: v * (max_norm / norm) for n, v in g.items()}
        return g


rng = np.random.default_rng(52)
x = rng.poisson(1.0, size=(6, 3, 4)).astype(float)
y = rng.normal(size=(6, 3, 2))
model = SequenceModel(D=4, H=5, K=2)

if __name__ == "__main__":
    for n in range(100):
        for name, g in model.grads(x, y).items():
            getattr(model, name)[...] -= 0.05 * g
    print("loss", model.loss(x, y))
