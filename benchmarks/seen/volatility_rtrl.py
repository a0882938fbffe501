"""Online volatility forecasts: an update-gate RNN that learns by RTRL, so nothing is ever stored.

The network sees one return vector at a time and predicts mean and log-variance of the next one.
S is the whole Jacobian d h / d theta, one column for each number in theta (gate rows, candidate rows).
The readout needs no sensitivities: its gradient is immediate.
"""
import numpy as np


class VolatilityRNN:
    def __init__(self, assets, units, seed):
        rng = np.random.default_rng(seed)
        self.d, self.n = assets, units
        self.m = 1 + assets + units                              # bias, input, state
        self.theta = rng.normal(0, 0.6, 2 * units * self.m)      # gate first, then candidate
        self.readout = rng.normal(0, 0.4, (2 * assets, units + 1))

    def tables(self):
        return self.theta.reshape(2, self.n, self.m)

    def step(self, h, x):
        G, C = self.tables()
        v = np.concatenate([[1.0], x, h])
        g = 1.0 / (1.0 + np.exp(-(G @ v)))
        c = np.tanh(C @ v)
        return h + g * (c - h), v, g, c

    def sensitivity(self, S, h, v, g, c):
        """d h_new / d theta from S = d h / d theta."""
        G, C = self.tables()
        first = 1 + self.d                                       # where the state starts in v
        dG = G[:, first:] @ S
        dC = C[:, first:] @ S
        half = self.n * self.m
        for k in range(self.n):
            dG[k, k * self.m:(k + 1) * self.m] += v
            dC[k, half + k * self.m:half + (k + 1) * self.m] += v
        dg = (g * (1 - g))[:, None] * dG
        dc = (1 - c ** 2)[:, None] * dC
        return (1 - g)[:, None] * S + (c - h)[:, None] * dg + g[:, None] * dc

    def predict(self, h):
        out = self.readout @ np.append(h, 1.0)
        return out[:self.d], out[self.d:]

    def score(self, returns):
        """Gaussian negative log-likelihood of returns[1:], each given what came before."""
        h, total = np.zeros(self.n), 0.0
        for x, nxt in zip(returns[:-1], returns[1:]):
            h = self.step(h, x)[0]
            mu, lv = self.predict(h)
            total += 0.5 * np.sum(lv + (nxt - mu) ** 2 * np.exp(-lv))
        return total

    def online(self, returns):
        """The gradients of score, put together on the way."""
        h = np.zeros(self.n)
        S = np.zeros((self.n, self.theta.size))
        dtheta, dreadout = np.zeros(self.theta.size), np.zeros(self.readout.shape)
        for x, nxt in zip(returns[:-1], returns[1:]):
            h_new, v, g, c = self.step(h, x)
            S = self.sensitivity(S, h, v, g, c)
            h = h_new
            mu, lv = self.predict(h)
            precision = np.exp(-lv)
            dout = np.concatenate([(mu - nxt) * precision, 0.5 * (1 - (nxt - mu) ** 2 * precision)])
            dreadout += np.outer(dout, np.append(h, 1.0))
            dtheta += (self.readout[:, :-1].T @ dout) @ S
        return dtheta, dreadout


def market(days, assets, seed):
    rng = np.random.default_rng(seed)
    scale = np.exp(0.3 * np.cumsum(rng.normal(size=days)))
    return rng.normal(size=(days, assets)) * scale[:, None]


net = VolatilityRNN(assets=2, units=4, seed=1987)
returns = market(days=6, assets=2, seed=2008)
