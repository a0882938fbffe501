import numpy as np


def expit(v):
    return np.exp(v) / (1 + np.exp(v))


class EchoLSTM:
    # All four gates live in one matrix: rows [0,H) input, [H,2H) forget, [2H,3H) cell, [3H,4H) output.
    # Columns: the input first, then the hidden state. Batches are columns.

    def __init__(self, n_x, n_h, n_y, rng):
        self.n_h = n_h
        self.Wall = rng.standard_normal((4 * n_h, n_x + n_h)) * 0.5
        self.ball = rng.standard_normal((4 * n_h, 1)) * 0.25
        self.Wout = rng.standard_normal((n_y, n_h))
        self.bout = rng.standard_normal((n_y, 1)) * 0.1

    def _forward(self, xs):
        H = self.n_h
        T, _, B = xs.shape
        h = np.zeros((H, B)); c = np.zeros((H, B))
        trace = []
        logits = []
        for t in range(T):
            v = np.vstack([xs[t], h])
            z = self.Wall @ v + self.ball
            ig = expit(z[:H])
            fg = expit(z[H:2*H])
            cg = np.tanh(z[2*H:3*H])
            og = expit(z[3*H:])
            c_old = c
            c = fg * c_old + ig * cg
            ct = np.tanh(c)
            h = og * ct
            trace.append((v, ig, fg, cg, og, c_old, ct, h))
            logits.append(self.Wout @ h + self.bout)
        return trace, logits

    def loss(self, xs, syms):
        _, logits = self._forward(xs)
        T, B = syms.shape
        nll = 0.0
        for t in range(T):
            lse = np.log(np.sum(np.exp(logits[t]), axis=0))
            nll += np.sum(lse - logits[t][syms[t], np.arange(B)])
        return nll / (T * B)

    def backward(self, xs, syms):
        """leaves the gradients in dWall, dball, dWout, dbout"""
        H = self.n_h
        T, n_x, B = xs.shape
        trace, logits = self._forward(xs)
        self.dWall = np.zeros_like(self.Wall)
        self.dball = np.zeros_like(self.ball)
        self.dWout = np.zeros_like(self.Wout)
        self.dbout = np.zeros_like(self.bout)
        dh_rec = np.zeros((H, B))
        dc_rec = np.zeros((H, B))
        for t in reversed(range(T)):
            v, ig, fg, cg, og, c_old, ct, h = trace[t]
            soft = np.exp(logits[t]); soft = soft / soft.sum(axis=0)
            soft[syms[t], np.arange(B)] -= 1
            dl = soft / (T * B)
            self.dWout += dl @ h.T
            self.dbout += dl.sum(axis=1, keepdims=True)

            dh = self.Wout.T @ dl + dh_rec
            dc = dh * og * (1 - ct**2) + dc_rec
            dz = np.zeros((4 * H, B))
            dz[:H] = dc * cg * ig * (1 - ig)
            dz[H:2*H] = dc * c_old * fg * (1 - fg)
            dz[2*H:3*H] = dc * ig * (1 - cg**2)
            dz[3*H:] = dh * ct * og * (1 - og)

            self.dWall += dz @ v.T
            self.dball += dz.sum(axis=1, keepdims=True)
            dh_rec = (self.Wall.T @ dz)[n_x:]
            dc_rec = dc * fg


gen = np.random.default_rng(3)
net = EchoLSTM(2, 3, 5, gen)
xs = gen.standard_normal((6, 2, 4))
syms = gen.integers(0, 5, (6, 4))
