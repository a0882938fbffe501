"""LSTM with peephole connections (Gers & Schmidhuber 2000) for a batch of short signals.

Input is (batch, time, features). The gradients end up in d-attributes, one for each weight.
"""
import numpy as np


def logistic(a):
    return 1 / (1 + np.exp(-a))


class PeepholeLSTM:
    def __init__(self, n_in, n_cell, n_out, seed=0):
        g = np.random.default_rng(seed)
        w = lambda a, b: g.normal(size=(a, b)) / np.sqrt(a)
        self.n_cell = n_cell
        self.Wi, self.Wf, self.Wo, self.Wg = (w(n_in, n_cell) for _ in range(4))
        self.Ri, self.Rf, self.Ro, self.Rg = (w(n_cell, n_cell) for _ in range(4))
        self.pi, self.pf, self.po = (0.5 * g.normal(size=n_cell) for _ in range(3))
        self.bi, self.bf, self.bo, self.bg = (0.2 * g.normal(size=n_cell) for _ in range(4))
        self.Wy = w(n_cell, n_out)
        self.by = 0.1 * g.normal(size=n_out)
        self.names = ["Wi", "Wf", "Wo", "Wg", "Ri", "Rf", "Ro", "Rg", "pi", "pf", "po",
                      "bi", "bf", "bo", "bg", "Wy", "by"]

    def forward(self, x):
        B, T, _ = x.shape
        h = np.zeros((B, self.n_cell))
        c = np.zeros((B, self.n_cell))
        self.memory = []
        out = []
        for t in range(T):
            xt, h_old, c_old = x[:, t], h, c
            i = logistic(xt @ self.Wi + h_old @ self.Ri + self.pi * c_old + self.bi)
            f = logistic(xt @ self.Wf + h_old @ self.Rf + self.pf * c_old + self.bf)
            g = np.tanh(xt @ self.Wg + h_old @ self.Rg + self.bg)
            c = f * c_old + i * g
            o = logistic(xt @ self.Wo + h_old @ self.Ro + self.po * c + self.bo)
            tc = np.tanh(c)
            h = o * tc
            self.memory.append((xt, h_old, c_old, i, f, g, o, c, tc, h))
            out.append(h @ self.Wy + self.by)
        return np.stack(out, axis=1)

    def error(self, x, y):
        d = self.forward(x) - y
        return 0.5 * np.sum(d * d) / len(x)

    def backward(self, x, y):
        dout = (self.forward(x) - y) / len(x)
        for n in self.names:
            setattr(self, "d" + n, np.zeros_like(getattr(self, n)))
        dh_later = 0.0
        dc_later = 0.0
        for t in range(x.shape[1] - 1, -1, -1):
            xt, h_old, c_old, i, f, g, o, c, tc, h = self.memory[t]
            e = dout[:, t]
            self.dWy += h.T @ e
            self.dby += e.sum(axis=0)
            dh = e @ self.Wy.T + dh_later
            do = dh * tc * o * (1 - o)
            dc = dh * o * (1 - tc ** 2) + dc_later + do * self.po
            di = dc * g * i * (1 - i)
            df = dc * c_old * f * (1 - f)
            dg = dc * i * (1 - g ** 2)
            self.dWi += xt.T @ di
            self.dWf += xt.T @ df
            self.dWo += xt.T @ do
            self.dWg += xt.T @ dg
            self.dRi += h_old.T @ di
            self.dRf += h_old.T @ df
            self.dRo += h_old.T @ do
            self.dRg += h_old.T @ dg
            self.dpi += (di * c_old).sum(axis=0)
            self.dpf += (df * c_old).sum(axis=0)
            self.dpo += (do * c).sum(axis=0)
            self.dbi += di.sum(axis=0)
            self.dbf += df.sum(axis=0)
            self.dbo += do.sum(axis=0)
            self.dbg += dg.sum(axis=0)
            dh_later = di @ self.Ri.T + df @ self.Rf.T + do @ self.Ro.T + dg @ self.Rg.T
            dc_later = dc * f + di * self.pi + df * self.pf


def toy(B, T, D, K):
    g = np.random.default_rng(8)
    return g.normal(size=(B, T, D)), g.normal(size=(B, T, K))


x, y = toy(4, 6, 3, 2)
net = PeepholeLSTM(3, 5, 2)

if __name__ == "__main__":
    for step in range(301):
        net.backward(x, y)
        for n in net.names:
            setattr(net, n, getattr(net, n) - 0.05 * getattr(net, "d" + n))
        if step % 100 == 0:
            print(step, net.error(x, y))
