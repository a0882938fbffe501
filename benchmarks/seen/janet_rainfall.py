"""Daily rain amounts with JANET (an LSTM that has only the forget gate), stacked; Tweedie loss with power 1.5."""
import numpy as np


class Janet:
    def __init__(self, n_in, n_units, beta=1.0, rng=None):
        rng = rng or np.random.default_rng()
        # forget gate: U, W, b; candidate: U, W, b
        self.weights = []
        for offset in (1.0, 0.0):
            self.weights += [
                rng.normal(size=(n_units, n_units)) / np.sqrt(n_units),
                rng.normal(size=(n_units, n_in)) / np.sqrt(n_in),
                np.full((n_units, 1), offset),
            ]
        self.beta = beta

    def __call__(self, xs):
        Uf, Wf, bf, Uc, Wc, bc = self.weights
        h = np.zeros((len(bf), xs[0].shape[1]))
        self.trace = []
        hs = []
        for x in xs:
            s = Uf @ h + Wf @ x + bf
            f = 1 / (1 + np.exp(-s))
            i = 1 - 1 / (1 + np.exp(-(s - self.beta)))
            g = np.tanh(Uc @ h + Wc @ x + bc)
            self.trace.append((x, h, f, i, g))
            h = f * h + i * g
            hs.append(h)
        return hs

    def back(self, dhs):
        Uf, Wf, bf, Uc, Wc, bc = self.weights
        grads = [np.zeros_like(w) for w in self.weights]
        dxs = []
        carry = 0
        for (x, h, f, i, g), dh in zip(self.trace[::-1], dhs[::-1]):
            dh = dh + carry
            ds = dh * h * f * (1 - f) - dh * g * i * (1 - i)
            da = dh * i * (1 - g * g)
            for j, d in ((0, ds), (3, da)):
                grads[j] += d @ h.T
                grads[j + 1] += d @ x.T
                grads[j + 2] += d.sum(axis=1, keepdims=True)
            dxs.append(Wf.T @ ds + Wc.T @ da)
            carry = dh * f + Uf.T @ ds + Uc.T @ da
        return grads, dxs[::-1]


class RainModel:
    def __init__(self, n_in, sizes, seed):
        rng = np.random.default_rng(seed)
        self.layers = [Janet(a, b, rng=rng) for a, b in zip([n_in] + sizes, sizes)]
        self.head = [0.5 * rng.normal(size=(1, sizes[-1])), np.zeros((1, 1))]

    def log_mean(self, xs):
        for layer in self.layers:
            xs = layer(xs)
        self.top = xs
        return [self.head[0] @ h + self.head[1] for h in xs]

    def deviance(self, xs, rain):
        total = 0
        for eta, y in zip(self.log_mean(xs), rain):
            total = total + np.sum(2 * y * np.exp(-0.5 * eta) + 2 * np.exp(0.5 * eta))
        return total / np.size(rain)

    def gradients(self, xs, rain):
        etas = self.log_mean(xs)
        dw, db = np.zeros_like(self.head[0]), np.zeros_like(self.head[1])
        dhs = []
        for eta, y, h in zip(etas, rain, self.top):
            d = (np.exp(0.5 * eta) - y * np.exp(-0.5 * eta)) / np.size(rain)
            dw += d @ h.T
            db += d.sum()
            dhs.append(self.head[0].T @ d)
        result = [[dw, db]]
        for layer in reversed(self.layers):
            grads, dhs = layer.back(dhs)
            result.append(grads)
        return result[::-1]


def stations(days, n_in, batch, seed):
    rng = np.random.default_rng(seed)
    xs = [rng.normal(size=(n_in, batch)) for _ in range(days)]
    rain = [rng.gamma(0.8, 2.0, size=(1, batch)) * (rng.random((1, batch)) < 0.6) for _ in range(days)]
    return xs, rain


model = RainModel(2, [4, 3], seed=141)
xs, rain = stations(5, 2, 3, seed=142)
