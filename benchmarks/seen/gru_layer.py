"""GRU layer as an object: the reset gate acts AFTER the recurrent product. Three gates side by side: r | u | n."""
import numpy as np


class GRULayer:
    def __init__(self, n_in, n_out, rng):
        self.K = rng.normal(scale=0.6, size=(n_in, 3 * n_out))
        self.R = rng.normal(scale=0.5, size=(n_out, 3 * n_out))
        self.bk = rng.normal(scale=0.2, size=3 * n_out)
        self.br = rng.normal(scale=0.2, size=3 * n_out)
        self.n = n_out

    def __call__(self, x):
        T, B = x.shape[:2]
        n = self.n
        self.x = x
        self.h = np.zeros((T + 1, B, n))
        self.r, self.u, self.c, self.q = (np.zeros((T, B, n)) for _ in range(4))
        from_input = x @ self.K + self.bk
        for t in range(T):
            from_state = self.h[t] @ self.R + self.br
            ru = 1 / (1 + np.exp(-(from_input[t, :, :2 * n] + from_state[:, :2 * n])))
            self.r[t], self.u[t] = ru[:, :n], ru[:, n:]
            self.q[t] = from_state[:, 2 * n:]
            self.c[t] = np.tanh(from_input[t, :, 2 * n:] + self.r[t] * self.q[t])
            self.h[t + 1] = (1 - self.u[t]) * self.h[t] + self.u[t] * self.c[t]
        return self.h[1:]

    def backward(self, gout):
        T, B, n = gout.shape
        gx = np.zeros(self.x.shape)
        self.gK, self.gR = np.zeros(self.K.shape), np.zeros(self.R.shape)
        self.gbk, self.gbr = np.zeros(3 * n), np.zeros(3 * n)
        gh = np.zeros((B, n))
        for t in range(T - 1, -1, -1):
            r, u, c, q, h = self.r[t], self.u[t], self.c[t], self.q[t], self.h[t]
            gh = gh + gout[t]
            g_c = gh * u * (1 - c ** 2)
            g_u = gh * (c - h) * u * (1 - u)
            g_r = g_c * q * r * (1 - r)
            g_in = np.hstack([g_r, g_u, g_c])
            g_st = np.hstack([g_r, g_u, g_c * r])
            self.gK += self.x[t].T @ g_in
            self.gbk += g_in.sum(axis=0)
            self.gR += h.T @ g_st
            self.gbr += g_st.sum(axis=0)
            gx[t] = g_in @ self.K.T
            gh = gh * (1 - u) + g_st @ self.R.T
        return gx


class Decoder:
    """The layer with a softmax on top of every step."""

    def __init__(self, n_in, n_hid, n_sym, seed=77):
        rng = np.random.RandomState(seed)
        self.gru = GRULayer(n_in, n_hid, rng)
        self.S = rng.normal(scale=0.9, size=(n_hid, n_sym))

    def log_probs(self, x):
        scores = self.gru(x) @ self.S
        top = scores.max(axis=2, keepdims=True)
        return scores - top - np.log(np.exp(scores - top).sum(axis=2, keepdims=True))

    def loss(self, x, sym):
        assert x.shape[:2] == sym.shape, "one symbol for each step"
        lp = self.log_probs(x)
        T, B = sym.shape
        return -lp[np.arange(T)[:, None], np.arange(B), sym].mean()

    def grads(self, x, sym):
        T, B = sym.shape
        gs = np.exp(self.log_probs(x))
        gs[np.arange(T)[:, None], np.arange(B), sym] -= 1
        gs /= T * B
        self.gS = np.einsum("tbh,tbs->hs", self.gru.h[1:], gs)
        gx = self.gru.backward(gs @ self.S.T)
        g = self.gru
        return g.gK, g.gR, g.gbk, g.gbr, self.gS, gx


data = np.random.RandomState(78)
x = data.normal(size=(6, 2, 3))
sym = data.randint(0, 4, size=(6, 2))
model = Decoder(3, 5, 4)
