# Which birds sing in a recording?  Pyramid of bidirectional LSTMs as in "Listen, Attend and Spell": the upper layer reads
# pairs of neighbouring frames, so it runs half as long. Mean over time, one sigmoid per species, rare species weigh more.
# time x batch x features everywhere
import numpy as np

def sigmoid(z):
    return 1/(1 + np.exp(-z))


class LSTM:
    def __init__(self, n_in, n_out, backwards, rng):
        self.n, self.backwards = n_out, backwards
        self.K = rng.normal(0, .5, (n_in, 4*n_out))
        self.R = rng.normal(0, .5, (n_out, 4*n_out))
        self.b = rng.normal(0, .2, 4*n_out)

    def order(self, T):
        return range(T - 1, -1, -1) if self.backwards else range(T)

    def forward(self, x):
        T, B, _ = x.shape
        n = self.n
        self.x, self.y = x, np.zeros((T, B, n))
        self.memo = [None]*T
        h = np.zeros((B, n)); c = np.zeros((B, n))
        for t in self.order(T):
            z = x[t] @ self.K + h @ self.R + self.b
            i = sigmoid(z[:, :n]); f = sigmoid(z[:, n:2*n] + 1); g = np.tanh(z[:, 2*n:3*n]); o = sigmoid(z[:, 3*n:])
            cn = f*c + i*g
            self.memo[t] = (h, c, i, f, g, o, np.tanh(cn))
            c = cn
            h = o*np.tanh(cn)
            self.y[t] = h
        return self.y

    def backward(self, dy):
        self.dK, self.dR, self.db = np.zeros_like(self.K), np.zeros_like(self.R), np.zeros_like(self.b)
        dx = np.zeros_like(self.x)
        dh = np.zeros_like(dy[0]); dc = np.zeros_like(dy[0])
        for t in list(self.order(len(dy)))[::-1]:
            h, c, i, f, g, o, tc = self.memo[t]
            dh = dh + dy[t]
            dc = dc + dh*o*(1 - tc*tc)
            dz = np.hstack([dc*g*i*(1 - i), dc*c*f*(1 - f), dc*i*(1 - g*g), dh*tc*o*(1 - o)])
            self.dK += self.x[t].T @ dz
            self.dR += h.T @ dz
            self.db += dz.sum(0)
            dx[t] = dz @ self.K.T
            dh = dz @ self.R.T
            dc = dc*f
        return dx


class Both:
    def __init__(self, n_in, n_out, rng):
        self.there, self.back = LSTM(n_in, n_out, False, rng), LSTM(n_in, n_out, True, rng)

    def forward(self, x):
        return np.concatenate([self.there.forward(x), self.back.forward(x)], 2)

    def backward(self, dy):
        n = self.there.n
        return self.there.backward(dy[:, :, :n]) + self.back.backward(dy[:, :, n:])


class Pairs:
    """(T, B, D) -> (T/2, B, 2D); an odd last frame is dropped"""
    def forward(self, x):
        self.T = len(x)
        k = self.T//2
        return np.concatenate([x[0:2*k:2], x[1:2*k:2]], 2)

    def backward(self, dy):
        k, B, D = dy.shape
        dx = np.zeros((self.T, B, D//2))
        dx[0:2*k:2] = dy[:, :, :D//2]
        dx[1:2*k:2] = dy[:, :, D//2:]
        return dx


class BirdNet:
    def __init__(self, n_mel, n_low, n_high, n_species, seed):
        rng = np.random.default_rng(seed)
        self.low, self.pairs, self.high = Both(n_mel, n_low, rng), Pairs(), Both(4*n_low, n_high, rng)
        self.layers = [self.low, self.pairs, self.high]
        self.V = rng.normal(0, .7, (2*n_high, n_species))
        self.v = np.zeros(n_species)

    def logits(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        self.frames, self.pool = len(x), x.mean(0)
        return self.pool @ self.V + self.v

    def loss(self, x, sings, rare):
        a = self.logits(x)
        return np.mean(rare*sings*np.logaddexp(0, -a) + (1 - sings)*np.logaddexp(0, a))

    def backward(self, x, sings, rare):
        a = self.logits(x)
        da = ((1 - sings)*sigmoid(a) - rare*sings*sigmoid(-a))/a.size
        self.dV, self.dv = self.pool.T @ da, da.sum(0)
        d = np.repeat((da @ self.V.T)[None]/self.frames, self.frames, axis=0)
        for layer in self.layers[::-1]:
            d = layer.backward(d)
        lstms = [self.low.there, self.low.back, self.high.there, self.high.back]
        return [(l.dK, l.dR, l.db) for l in lstms] + [self.dV, self.dv]


def dawn(T, B, n_mel, n_species, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, B, n_mel)), (rng.random((B, n_species)) < .4).astype(float), 1 + 2*rng.random(n_species)


net = BirdNet(3, 2, 3, 3, seed=831)
weights = [(l.K, l.R, l.b) for l in (net.low.there, net.low.back, net.high.there, net.high.back)] + [net.V, net.v]
x, sings, rare = dawn(7, 2, 3, 3, seed=832)
