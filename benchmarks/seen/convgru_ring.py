"""Nowcast of temperature on a ring of sensors (round a blast furnace): one-dimensional convolutional GRU."""
import numpy as np


def conv(K, x):
    """K: (out, in, width), x: (in, sensors); the ring closes on itself"""
    half = K.shape[2] // 2
    y = 0.0
    for j in range(K.shape[2]):
        y = y + K[:, :, j] @ np.roll(x, half - j, axis=1)
    return y


def conv_adj(K, dy):
    half = K.shape[2] // 2
    dx = 0.0
    for j in range(K.shape[2]):
        dx = dx + np.roll(K[:, :, j].T @ dy, j - half, axis=1)
    return dx


def conv_kernel(shape, x, dy):
    half = shape[2] // 2
    dK = np.zeros(shape)
    for j in range(shape[2]):
        dK[:, :, j] = dy @ np.roll(x, half - j, axis=1).T
    return dK


class RingGRU:

    names = ("Kz", "Kr", "Kn", "bz", "br", "bn", "out", "bias")

    def __init__(self, channels, features, width=3, seed=0):
        rng = np.random.default_rng(seed)
        both = channels + features
        for k in ("Kz", "Kr", "Kn"):
            setattr(self, k, rng.normal(size=(features, both, width)) / np.sqrt(both * width))
        for b in ("bz", "br", "bn"):
            setattr(self, b, rng.normal(size=(features, 1)) * 0.2)
        self.out = rng.normal(size=(channels, features, 1))
        self.bias = np.zeros((channels, 1))
        self.features = features

    def step(self, x, h):
        xh = np.vstack([x, h])
        z = 1 / (1 + np.exp(-(conv(self.Kz, xh) + self.bz)))
        r = 1 / (1 + np.exp(-(conv(self.Kr, xh) + self.br)))
        xrh = np.vstack([x, r * h])
        n = np.tanh(conv(self.Kn, xrh) + self.bn)
        return (1 - z) * n + z * h, (xh, xrh, h, z, r, n)

    def forecast(self, film):
        h = np.zeros((self.features, film.shape[2]))
        self.saved = []
        frames = []
        for x in film[:-1]:
            h, cache = self.step(x, h)
            self.saved.append((cache, h))
            frames.append(x + conv(self.out, h) + self.bias)
        return np.array(frames)

    def loss(self, film):
        e = self.forecast(film) - film[1:]
        return np.mean(e ** 2)

    def backprop(self, film):
        e = self.forecast(film) - film[1:]
        de = 2 * e / e.size
        for k in self.names:
            setattr(self, "d" + k, np.zeros_like(getattr(self, k)))
        n_in = film.shape[1]
        dh = np.zeros((self.features, film.shape[2]))
        for dy in de[::-1]:
            (xh, xrh, h_old, z, r, n), h = self.saved.pop()
            self.dout += conv_kernel(self.out.shape, h, dy)
            self.dbias += dy.sum(axis=1, keepdims=True)
            dh = dh + conv_adj(self.out, dy)
            an = dh * (1 - z) * (1 - n ** 2)
            az = dh * (h_old - n) * z * (1 - z)
            drh = conv_adj(self.Kn, an)[n_in:]
            ar = drh * h_old * r * (1 - r)
            for gate, a, inp in (("n", an, xrh), ("z", az, xh), ("r", ar, xh)):
                dK = getattr(self, "dK" + gate)
                dK += conv_kernel(dK.shape, inp, a)
                db = getattr(self, "db" + gate)
                db += a.sum(axis=1, keepdims=True)
            dh = dh * z + drh * r + conv_adj(self.Kz, az)[n_in:] + conv_adj(self.Kr, ar)[n_in:]


def furnace(frames, channels, sensors, seed):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(size=(frames, channels, sensors)) * 0.5, axis=0)


gru = RingGRU(channels=1, features=3, seed=101)
film = furnace(5, 1, 5, seed=102)
