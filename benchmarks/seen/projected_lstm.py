"""LSTMP (Sak, Senior, Beaufays 2014): the cell is wide, what recurs is a narrow projection of it.

A bit of a framework in miniature: Param holds .data and .grad, backward() adds to .grad,
zero_grad() clears it.  Acoustic frames in (time, batch, coefficients), regression targets out.
"""
import numpy as np


class Param:
    def __init__(self, data, decay=0.0):
        self.data = data
        self.grad = np.zeros_like(data)
        self.decay = decay


def sigmoid(v):
    return 0.5 * (1.0 + np.tanh(0.5 * v))


class LSTMP:
    def __init__(self, n_in, n_cell, n_proj, n_out, rng, decay=1e-2):
        k = 1.0 / np.sqrt(n_in + n_proj)
        self.n_cell, self.n_proj = n_cell, n_proj
        self.W = Param(rng.uniform(-k, k, (n_in + n_proj, 4 * n_cell)), decay)
        self.b = Param(np.zeros(4 * n_cell))
        self.b.data[n_cell:2 * n_cell] = 1.0              # open the forget gates
        self.P = Param(rng.uniform(-0.7, 0.7, (n_cell, n_proj)), decay)
        self.Y = Param(rng.uniform(-1, 1, (n_proj, n_out)), decay)
        self.by = Param(np.zeros(n_out))

    def parameters(self):
        return [self.W, self.b, self.P, self.Y, self.by]

    def zero_grad(self):
        for p in self.parameters():
            p.grad.fill(0.0)

    def forward(self, frames):
        T, N, _ = frames.shape
        H = self.n_cell
        r = np.zeros((N, self.n_proj))
        c = np.zeros((N, H))
        self.cache = []
        out = []
        for t in range(T):
            z = np.concatenate((frames[t], r), axis=1)
            a = z.dot(self.W.data) + self.b.data
            i, f, o = (sigmoid(a[:, k * H:(k + 1) * H]) for k in (0, 1, 2))
            g = np.tanh(a[:, 3 * H:])
            c_prev, c = c, f * c + i * g
            tc = np.tanh(c)
            m = o * tc
            r = m.dot(self.P.data)
            out.append(r.dot(self.Y.data) + self.by.data)
            self.cache.append((z, i, f, o, g, c_prev, tc, m, r))
        return np.array(out)

    def loss(self, frames, targets):
        self.residual = self.forward(frames) - targets
        penalty = sum(p.decay * (p.data ** 2).sum() for p in self.parameters())
        return 0.5 * (self.residual ** 2).mean() + 0.5 * penalty

    def backward(self):
        dout = self.residual / self.residual.size
        N = dout.shape[1]
        dr_next = np.zeros((N, self.n_proj))
        dc_next = np.zeros((N, self.n_cell))
        for t in range(len(dout) - 1, -1, -1):
            z, i, f, o, g, c_prev, tc, m, r = self.cache[t]
            self.Y.grad += r.T.dot(dout[t])
            self.by.grad += dout[t].sum(axis=0)
            dr = dout[t].dot(self.Y.data.T) + dr_next
            self.P.grad += m.T.dot(dr)
            dm = dr.dot(self.P.data.T)
            do = dm * tc
            dc = dc_next + dm * o * (1 - tc * tc)
            da = np.concatenate((
                dc * g * i * (1 - i),
                dc * c_prev * f * (1 - f),
                do * o * (1 - o),
                dc * i * (1 - g * g)), axis=1)
            self.W.grad += z.T.dot(da)
            self.b.grad += da.sum(axis=0)
            dr_next = da.dot(self.W.data.T)[:, -self.n_proj:]
            dc_next = dc * f
        for p in self.parameters():
            p.grad += p.decay * p.data


rng = np.random.default_rng(2014)
net = LSTMP(n_in=2, n_cell=5, n_proj=3, n_out=2, rng=rng)
frames = rng.normal(size=(4, 3, 2))
targets = rng.normal(size=(4, 3, 2))
