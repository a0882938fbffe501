"""Gated feedback RNN (Chung et al., 2015), character level.

Every layer listens to every layer of the step before, through a scalar gate for each pair:
    g[i][j] = sigmoid(wg[i][j] . x_j + ug[i][j] . H),      H = all states of the step before, one after the other
    h_j     = tanh(W[j] x_j + sum_i g[i][j] U[i][j] h_i_prev + b[j])
where x_j is the input for j = 0 and h_{j-1} otherwise.
"""
import numpy as np


class GatedFeedbackRNN:

    def __init__(self, n_chars, sizes, rng):
        self.sizes = sizes
        L = len(sizes)
        total = sum(sizes)
        ins = [n_chars] + sizes[:-1]
        self.W = [rng.normal(size=(sizes[j], ins[j])) * 0.6 for j in range(L)]
        self.b = [rng.normal(size=sizes[j]) * 0.2 for j in range(L)]
        self.U = [[rng.normal(size=(sizes[j], sizes[i])) * 0.5 for j in range(L)] for i in range(L)]
        self.wg = [[rng.normal(size=ins[j]) * 0.5 for j in range(L)] for i in range(L)]
        self.ug = [[rng.normal(size=total) * 0.5 for j in range(L)] for i in range(L)]
        self.V = rng.normal(size=(n_chars, total)) * 0.5
        self.c = np.zeros(n_chars)

    def params(self):
        return [self.W, self.b, self.U, self.wg, self.ug, self.V, self.c]

    def step(self, char, prev):
        L = len(self.sizes)
        x = np.zeros(len(self.c))
        x[char] = 1.0
        H = np.concatenate(prev)
        inputs, states = [], []
        gates = [[0.0] * L for _ in range(L)]
        for j in range(L):
            inputs.append(x)
            a = self.W[j] @ x + self.b[j]
            for i in range(L):
                gates[i][j] = 1 / (1 + np.exp(-(self.wg[i][j] @ x + self.ug[i][j] @ H)))
                a = a + gates[i][j] * (self.U[i][j] @ prev[i])
            x = np.tanh(a)
            states.append(x)
        scores = self.V @ np.concatenate(states) + self.c
        p = np.exp(scores - scores.max())
        return states, p / p.sum(), (prev, H, inputs, gates)

    def forward(self, text):
        states = [np.zeros(n) for n in self.sizes]
        history = []
        for char in text[:-1]:
            states, p, memo = self.step(char, states)
            history.append((states, p, memo))
        return history

    def loss(self, text):
        return -sum(np.log(p[target]) for (_, p, _), target in zip(self.forward(text), text[1:]))

    def backward(self, text):
        L = len(self.sizes)
        cuts = np.cumsum(self.sizes)[:-1]
        dW = [np.zeros_like(w) for w in self.W]
        db = [np.zeros_like(b) for b in self.b]
        dU = [[np.zeros_like(u) for u in row] for row in self.U]
        dwg = [[np.zeros_like(w) for w in row] for row in self.wg]
        dug = [[np.zeros_like(u) for u in row] for row in self.ug]
        dV, dc = np.zeros_like(self.V), np.zeros_like(self.c)
        dstates = [np.zeros(n) for n in self.sizes]
        history = self.forward(text)
        for t in range(len(history) - 1, -1, -1):
            states, p, (prev, H, inputs, gates) = history[t]
            ds = p.copy()
            ds[text[t + 1]] -= 1
            dV += np.outer(ds, np.concatenate(states))
            dc += ds
            from_output = np.split(self.V.T @ ds, cuts)
            dh = [a + b for a, b in zip(dstates, from_output)]
            dprev = [np.zeros(n) for n in self.sizes]
            dH = np.zeros_like(H)
            for j in range(L - 1, -1, -1):
                da = dh[j] * (1 - states[j] ** 2)
                dW[j] += np.outer(da, inputs[j])
                db[j] += da
                dx = self.W[j].T @ da
                for i in range(L):
                    g = gates[i][j]
                    dz = (da @ (self.U[i][j] @ prev[i])) * g * (1 - g)
                    dU[i][j] += g * np.outer(da, prev[i])
                    dprev[i] += g * (self.U[i][j].T @ da)
                    dwg[i][j] += dz * inputs[j]
                    dug[i][j] += dz * H
                    dx += dz * self.wg[i][j]
                    dH += dz * self.ug[i][j]
                if j > 0:
                    dh[j - 1] = dh[j - 1] + dx
            dstates = [a + b for a, b in zip(dprev, np.split(dH, cuts))]
        return [dW, db, dU, dwg, dug, dV, dc]


net = GatedFeedbackRNN(4, [3, 2], np.random.default_rng(1271))
text = [0, 2, 1, 3, 3, 0, 1]
