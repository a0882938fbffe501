"""Phased LSTM (Neil, Pfeiffer, Liu, NIPS 2016) on asynchronous sensor events.

Each unit has a rhythm: period exp(log_tau), shift s.  It is updated only in its open phase (a fraction R_ON of the
period); in between a little leaks through.  Label of the recording from the last state (0/1).
"""

import numpy as np

R_ON = 0.5
LEAK = 0.05


def logistic(v):
    return 1.0 / (1.0 + np.exp(-v))


class PhasedLSTM:

    def __init__(self, n_in, n_units, seed):
        rnd = np.random.RandomState(seed)
        self.Wf, self.Wi, self.Wo, self.Wc = [rnd.randn(n_in + n_units, n_units) * 0.5 for _ in range(4)]
        self.bf, self.bi, self.bo, self.bc = [rnd.randn(n_units) * 0.2 for _ in range(4)]
        self.log_tau = rnd.uniform(0.0, 1.5, n_units)
        self.shift = rnd.uniform(0.0, 1.0, n_units)
        self.wy = rnd.randn(n_units)
        self.by = np.zeros(1)

    def openness(self, when):
        """when: times of the events (batch).  k and dk/dphi, batch x units"""
        tau = np.exp(self.log_tau)
        cycles = (when[:, None] - self.shift) / tau
        phi = cycles - np.floor(cycles)
        rising = phi < 0.5 * R_ON
        falling = (phi >= 0.5 * R_ON) & (phi < R_ON)
        k = np.where(rising, 2 * phi / R_ON, np.where(falling, 2 - 2 * phi / R_ON, LEAK * phi))
        slope = np.where(rising, 2 / R_ON, np.where(falling, -2 / R_ON, LEAK))
        return k, slope, cycles

    def step(self, x, when, h, c):
        xh = np.hstack([x, h])
        f = logistic(xh @ self.Wf + self.bf)
        i = logistic(xh @ self.Wi + self.bi)
        o = logistic(xh @ self.Wo + self.bo)
        g = np.tanh(xh @ self.Wc + self.bc)
        k, slope, cycles = self.openness(when)
        c_open = f * c + i * g
        h_open = o * np.tanh(c_open)
        memo = xh, f, i, o, g, k, slope, cycles, c_open, h_open, h, c
        return k * h_open + (1 - k) * h, k * c_open + (1 - k) * c, memo

    def run(self, x, when):
        h = np.zeros((len(x), len(self.wy)))
        c = np.zeros_like(h)
        self.memos = []
        for t in range(x.shape[1]):
            h, c, memo = self.step(x[:, t], when[:, t], h, c)
            self.memos.append(memo)
        self.h_last = h
        return h @ self.wy + self.by

    def loss(self, x, when, label):
        a = self.run(x, when)
        return np.mean(np.log(1 + np.exp(a)) - label * a)

    def backprop(self, x, when, label):
        d = {}
        a = self.run(x, when)
        da = (logistic(a) - label) / len(label)
        d["wy"] = self.h_last.T @ da
        d["by"] = da.sum(keepdims=True)
        for name in ("Wf", "Wi", "Wo", "Wc", "bf", "bi", "bo", "bc", "log_tau", "shift"):
            d[name] = np.zeros_like(getattr(self, name))
        n_in = x.shape[2]
        dh = np.outer(da, self.wy)
        dc = np.zeros_like(dh)
        while self.memos:
            xh, f, i, o, g, k, slope, cycles, c_open, h_open, h, c = self.memos.pop()
            # the time gate
            dk = dh * (h_open - h) + dc * (c_open - c)
            dphi = dk * slope
            d["log_tau"] -= (dphi * cycles).sum(axis=0)
            d["shift"] -= (dphi * np.exp(-self.log_tau)).sum(axis=0)
            # what would have happened with an open gate
            th = np.tanh(c_open)
            dh_open = k * dh
            dc_open = k * dc + dh_open * o * (1 - th ** 2)
            do = dh_open * th * o * (1 - o)
            df = dc_open * c * f * (1 - f)
            di = dc_open * g * i * (1 - i)
            dg = dc_open * i * (1 - g ** 2)
            d["Wf"] += xh.T @ df
            d["Wi"] += xh.T @ di
            d["Wo"] += xh.T @ do
            d["Wc"] += xh.T @ dg
            d["bf"] += df.sum(axis=0)
            d["bi"] += di.sum(axis=0)
            d["bo"] += do.sum(axis=0)
            d["bc"] += dg.sum(axis=0)
            dxh = df @ self.Wf.T + di @ self.Wi.T + do @ self.Wo.T + dg @ self.Wc.T
            dh = dxh[:, n_in:] + (1 - k) * dh
            dc = dc_open * f + (1 - k) * dc
        self.d = d


def events(n, length, n_in, seed):
    rnd = np.random.RandomState(seed)
    when = np.cumsum(rnd.exponential(0.7, (n, length)), axis=1)
    return np.sin(when)[..., None] + rnd.randn(n, length, n_in), when, (rnd.rand(n) > 0.5) * 1.0


net = PhasedLSTM(n_in=2, n_units=5, seed=80)
x, when, label = events(4, 6, 2, seed=81)
