import numpy as np

# Layers with forward() and backward(), in the manner of a small framework:
# two GRU layers (reset gate after the matrix product) and a dense layer on every step.
# Arrays are (time, batch, features).


class Layer:
    def __init__(self):
        self.params = {}
        self.grads = {}

    def zero(self):
        for k in self.params:
            self.grads[k] = np.zeros_like(self.params[k])


class GRU(Layer):
    def __init__(self, n_in, n, rng):
        super().__init__()
        self.n = n
        self.params["Wx"] = rng.normal(size=(n_in, 3 * n)) * 0.5
        self.params["Wh"] = rng.normal(size=(n, 3 * n)) * 0.5
        self.params["b"] = rng.normal(size=3 * n) * 0.1
        self.params["bh"] = rng.normal(size=n) * 0.1
        self.zero()

    def forward(self, x):
        n = self.n
        Wx, Wh, b, bh = (self.params[k] for k in ("Wx", "Wh", "b", "bh"))
        h = np.zeros((x.shape[1], n))
        self.cache = []
        hs = []
        for xt in x:
            ax = xt @ Wx + b
            ah = h @ Wh
            u = 1 / (1 + np.exp(-(ax[:, :n] + ah[:, :n])))
            r = 1 / (1 + np.exp(-(ax[:, n:2 * n] + ah[:, n:2 * n])))
            q = ah[:, 2 * n:] + bh
            m = np.tanh(ax[:, 2 * n:] + r * q)
            self.cache.append((xt, h, u, r, q, m))
            h = u * h + (1 - u) * m
            hs.append(h)
        return np.array(hs)

    def backward(self, dhs):
        Wx, Wh = self.params["Wx"], self.params["Wh"]
        self.zero()
        dxs = []
        dh = np.zeros_like(dhs[0])
        for dout, (xt, hp, u, r, q, m) in zip(dhs[::-1], self.cache[::-1]):
            dh = dh + dout
            du = dh * (hp - m) * u * (1 - u)
            dm = dh * (1 - u) * (1 - m * m)
            dr = dm * q * r * (1 - r)
            dq = dm * r
            dax = np.concatenate([du, dr, dm], axis=1)
            dah = np.concatenate([du, dr, dq], axis=1)
            self.grads["Wx"] += xt.T @ dax
            self.grads["Wh"] += hp.T @ dah
            self.grads["b"] += dax.sum(0)
            self.grads["bh"] += dq.sum(0)
            dh = dh * u + dah @ Wh.T
            dxs.insert(0, dax @ Wx.T)
        return np.array(dxs)


class Dense(Layer):
    def __init__(self, n_in, n_out, rng):
        super().__init__()
        self.params["W"] = rng.normal(size=(n_in, n_out))
        self.params["b"] = rng.normal(size=n_out) * 0.1
        self.zero()

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy):
        self.zero()
        flat_x = self.x.reshape(-1, self.x.shape[-1])
        flat_dy = dy.reshape(-1, dy.shape[-1])
        self.grads["W"] += flat_x.T @ flat_dy
        self.grads["b"] += flat_dy.sum(axis=0)
        return dy @ self.params["W"].T


def build(n_in, n1, n2, n_out, seed=2):
    rng = np.random.default_rng(seed)
    return [GRU(n_in, n1, rng), GRU(n1, n2, rng), Dense(n2, n_out, rng)]


def mse(layers, x, y):
    for layer in layers:
        x = layer.forward(x)
    return np.mean((x - y) ** 2)


def mse_backward(layers, x, y):
    out = x
    for layer in layers:
        out = layer.forward(out)
    d = 2 * (out - y) / out.size
    for layer in reversed(layers):
        d = layer.backward(d)
    return [layer.grads for layer in layers]


def data(T, B, D, K):
    r = np.random.default_rng(41)
    x = r.normal(size=(T, B, D))
    return x, np.cumsum(x, axis=0)[:, :, :K] * 0.3


layers = build(3, 5, 4, 2)
weights = [layer.params for layer in layers]
x, y = data(6, 7, 3, 2)

if __name__ == "__main__":
    for epoch in range(401):
        grads = mse_backward(layers, x, y)
        for w, g in zip(weights, grads):
            for k in w:
                w[k] -= 0.1 * g[k]
        if epoch % 100 == 0:
            print(epoch, mse(layers, x, y))
