"""Power drawn by a heat pump, with the Statistical Recurrent Unit (Oliva, Poczos & Schneider 2017).

The unit keeps nothing but moving averages of statistics phi, at several scales alpha:
    r = relu(Wr mu + br),  phi = relu(Wp r + Wx x + bp),  mu[a] = alpha_a mu[a] + (1 - alpha_a) phi,  o = relu(Wo mu + bo)
A forecast that is too low costs more than one that is too high (LINEX).
"""
import numpy as np


def relu(a):
    return np.maximum(a, 0.0)


class SRU:
    names = ["Wr", "br", "Wp", "Wx", "bp", "Wo", "bo", "v", "c"]
    lean = 0.5

    def __init__(self, n_in, n_stat, n_recur, n_out, alphas, seed):
        rng = np.random.default_rng(seed)
        self.alphas = np.array(alphas)
        m = n_stat * len(alphas)
        self.Wr, self.br = 0.6 * rng.standard_normal((n_recur, m)), 0.3 * rng.standard_normal((n_recur, 1))
        self.Wp, self.Wx = 0.6 * rng.standard_normal((n_stat, n_recur)), rng.standard_normal((n_stat, n_in))
        self.bp = 0.3 * rng.standard_normal((n_stat, 1))
        self.Wo, self.bo = 0.6 * rng.standard_normal((n_out, m)), 0.3 * rng.standard_normal((n_out, 1))
        self.v, self.c = 0.6 * rng.standard_normal((1, n_out)), np.zeros((1, 1))

    def forward(self, X):
        """X (T, n_in, batch) -> forecasts (T, batch)"""
        T, _, batch = X.shape
        a = np.repeat(self.alphas, len(self.bp))[:, None]
        self.mus = [np.zeros((len(a), batch))]
        self.rs, self.phis, self.os = [], [], []
        out = []
        for t in range(T):
            mu = self.mus[-1]
            r = relu(self.Wr @ mu + self.br)
            phi = relu(self.Wp @ r + self.Wx @ X[t] + self.bp)
            mu = a * mu + (1 - a) * np.tile(phi, (len(self.alphas), 1))
            o = relu(self.Wo @ mu + self.bo)
            out.append((self.v @ o + self.c)[0])
            self.rs.append(r)
            self.phis.append(phi)
            self.mus.append(mu)
            self.os.append(o)
        return np.array(out)

    def linex(self, X, Y):
        e = self.lean * (Y - self.forward(X))
        return np.mean(np.exp(e) - e - 1)

    def backward(self, X, Y):
        e = self.lean * (Y - self.forward(X))
        d_out = self.lean * (1 - np.exp(e)) / e.size
        for name in self.names:
            setattr(self, "d" + name, np.zeros_like(getattr(self, name)))
        stats = len(self.bp)
        a = np.repeat(self.alphas, stats)[:, None]
        d_mu = np.zeros_like(self.mus[0])
        for t in range(len(X))[::-1]:
            dy = d_out[t][None, :]
            self.dv += dy @ self.os[t].T
            self.dc += dy.sum()
            d_o = (self.v.T @ dy) * (self.os[t] > 0)
            self.dWo += d_o @ self.mus[t + 1].T
            self.dbo += d_o.sum(axis=1, keepdims=True)
            d_mu += self.Wo.T @ d_o
            d_phi = ((1 - a) * d_mu).reshape(len(self.alphas), stats, -1).sum(axis=0) * (self.phis[t] > 0)
            self.dWp += d_phi @ self.rs[t].T
            self.dWx += d_phi @ X[t].T
            self.dbp += d_phi.sum(axis=1, keepdims=True)
            d_r = (self.Wp.T @ d_phi) * (self.rs[t] > 0)
            self.dWr += d_r @ self.mus[t].T
            self.dbr += d_r.sum(axis=1, keepdims=True)
            d_mu = a * d_mu + self.Wr.T @ d_r
        return {name: getattr(self, "d" + name) for name in self.names}


def winter(T, n_in, batch, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((T, n_in, batch)), rng.standard_normal((T, batch))


pump = SRU(2, 3, 4, 3, [0.0, 0.5, 0.9], seed=1201)
X, Y = winter(6, 2, 3, seed=1202)
