"""Forward-mode learning: the Jacobian of the state with respect to every weight is carried along (RTRL),
so that no history is kept. Three Jacobians, one for each weight array."""
import numpy as np


class ForwardLearner:
    def __init__(self, inputs, units, outputs, rng):
        self.A = rng.standard_normal((units, units)) * 0.5
        self.B = rng.standard_normal((units, inputs)) * 0.7
        self.b = rng.standard_normal(units) * 0.2
        self.C = rng.standard_normal((outputs, units))

    def squared_error(self, us, ys):
        h = np.zeros(len(self.b))
        total = 0.0
        for u, y in zip(us, ys):
            h = np.tanh(self.A @ h + self.B @ u + self.b)
            total += np.sum((self.C @ h - y) ** 2)
        return total / 2

    def learn(self, us, ys):
        n, m = self.B.shape
        h = np.zeros(n)
        JA = np.zeros((n, n, n))
        JB = np.zeros((n, n, m))
        Jb = np.zeros((n, n))
        gA, gB, gb, gC = 0, 0, 0, 0
        eye = np.eye(n)
        for u, y in zip(us, ys):
            h_prev = h
            h = np.tanh(self.A @ h_prev + self.B @ u + self.b)
            slope = 1 - h ** 2
            # partial (the weight acts now) plus what comes through the state
            JA = np.einsum("ki,j->kij", eye, h_prev) + np.einsum("kl,lij->kij", self.A, JA)
            JB = np.einsum("ki,j->kij", eye, u) + np.einsum("kl,lij->kij", self.A, JB)
            Jb = eye + self.A @ Jb
            JA *= slope[:, None, None]
            JB *= slope[:, None, None]
            Jb *= slope[:, None]
            miss = self.C @ h - y
            dh = self.C.T @ miss
            gA = gA + np.einsum("k,kij->ij", dh, JA)
            gB = gB + np.einsum("k,kij->ij", dh, JB)
            gb = gb + dh @ Jb
            gC = gC + np.outer(miss, h)
        return gA, gB, gb, gC


def task(steps, inputs, outputs, rng):
    us = rng.standard_normal((steps, inputs))
    ys = np.zeros((steps, outputs))
    ys[1:] = us[:-1, :outputs]
    return us, ys


gen = np.random.default_rng(2024)
us, ys = task(6, 3, 2, gen)
rnn = ForwardLearner(3, 5, 2, gen)

if __name__ == "__main__":
    for k in range(500):
        for w, g in zip((rnn.A, rnn.B, rnn.b, rnn.C), rnn.learn(us, ys)):
            w -= 0.02 * g
        if k % 100 == 0:
            print(k, rnn.squared_error(us, ys))
