"""Legendre Memory Unit (Voelker, Kajic, Eliasmith, NeurIPS 2019), row-by-row images.

    u_t = x_t e_x + h_{t-1} e_h + m_{t-1} e_m
    m_t = m_{t-1} A' + u_t B'              (A, B are not trained)
    h_t = tanh(x_t W_x + h_{t-1} W_h + m_t W_m)
"""
import numpy as np


def delay_system(order, theta):
    """Legendre delay network, discretised with the bilinear rule, dt = 1"""
    Q = np.arange(order)
    R = (2 * Q + 1)[:, None] / theta
    row, col = np.meshgrid(Q, Q, indexing="ij")
    A = np.where(row < col, -1, (-1.0) ** (row - col + 1)) * R
    B = (-1.0) ** Q[:, None] * R
    left = np.linalg.inv(np.eye(order) - A / 2)
    return left @ (np.eye(order) + A / 2), (left @ B)[:, 0]


class LMU:
    names = ["ex", "eh", "em", "Wx", "Wh", "Wm", "V", "c"]

    def __init__(self, n_in, n_hid, order, theta, n_out, seed):
        self.A, self.B = delay_system(order, theta)
        rng = np.random.default_rng(seed)
        lecun = lambda *s: rng.uniform(-1, 1, s) * np.sqrt(3 / s[0])
        self.ex = lecun(n_in)
        self.eh = lecun(n_hid)
        self.em = lecun(order) * 0.2
        self.Wx = lecun(n_in, n_hid)
        self.Wh = lecun(n_hid, n_hid)
        self.Wm = lecun(order, n_hid)
        self.V = lecun(n_hid, n_out)
        self.c = np.zeros(n_out)

    @property
    def params(self):
        return [getattr(self, name) for name in self.names]

    def __call__(self, X):
        """X (batch, time, n_in) -> log-probabilities, memories, hidden states"""
        batch, time, _ = X.shape
        M = np.zeros((batch, time + 1, len(self.B)))
        H = np.zeros((batch, time + 1, len(self.eh)))
        for t in range(time):
            u = X[:, t] @ self.ex + H[:, t] @ self.eh + M[:, t] @ self.em
            M[:, t + 1] = M[:, t] @ self.A.T + u[:, None] * self.B
            H[:, t + 1] = np.tanh(X[:, t] @ self.Wx + H[:, t] @ self.Wh + M[:, t + 1] @ self.Wm)
        s = H[:, -1] @ self.V + self.c
        s = s - np.max(s, axis=1, keepdims=True)
        return s - np.log(np.sum(np.exp(s), axis=1, keepdims=True)), M, H


def nll(lmu, X, labels):
    logp, _, _ = lmu(X)
    return -np.mean(logp[np.arange(len(labels)), labels])


def nll_grad(lmu, X, labels):
    logp, M, H = lmu(X)
    batch, time, _ = X.shape
    ds = np.exp(logp)
    ds[np.arange(batch), labels] -= 1
    ds /= batch
    gV = H[:, -1].T @ ds
    gc = ds.sum(axis=0)

    gex, geh, gem = np.zeros_like(lmu.ex), np.zeros_like(lmu.eh), np.zeros_like(lmu.em)
    gWx, gWh, gWm = np.zeros_like(lmu.Wx), np.zeros_like(lmu.Wh), np.zeros_like(lmu.Wm)
    dH = ds @ lmu.V.T
    dM = np.zeros_like(M[:, 0])
    for t in reversed(range(time)):
        dz = dH * (1 - H[:, t + 1] ** 2)
        gWx += X[:, t].T @ dz
        gWh += H[:, t].T @ dz
        gWm += M[:, t + 1].T @ dz
        dM = dM + dz @ lmu.Wm.T
        du = dM @ lmu.B
        gex += du @ X[:, t]
        geh += du @ H[:, t]
        gem += du @ M[:, t]
        dH = dz @ lmu.Wh.T + np.outer(du, lmu.eh)
        dM = dM @ lmu.A + np.outer(du, lmu.em)
    return [gex, geh, gem, gWx, gWh, gWm, gV, gc]


def train(lmu, X, labels, rate=0.2, steps=100):
    for step in range(steps):
        for name, g in zip(lmu.names, nll_grad(lmu, X, labels)):
            setattr(lmu, name, getattr(lmu, name) - rate * g)


def pictures(batch, rows, cols, classes, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(batch, rows, cols)), rng.integers(classes, size=batch)


lmu = LMU(n_in=3, n_hid=5, order=4, theta=6.0, n_out=3, seed=150)
X, labels = pictures(3, 7, 3, 3, seed=151)
