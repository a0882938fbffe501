import numpy as np

# Liquid time-constant network with the fused solver (Hasani et al. 2021) on a wrist sensor sampled at irregular times.
#   dh/dt = -(1/tau + f) h + f A,   f = sigmoid(x Win + h Wrec + b)
#   one step of length s:   h <- (h + s f A) / (1 + s (1/tau + f)),     `unfolds` steps per sample


class LTC:
    def __init__(self, n_in, n_hid, unfolds=3, seed=0):
        rng = np.random.RandomState(seed)
        self.unfolds = unfolds
        self.weights = {
            "Win": rng.randn(n_in, n_hid) / np.sqrt(n_in),
            "Wrec": rng.randn(n_hid, n_hid) / np.sqrt(n_hid),
            "b": 0.3 * rng.randn(n_hid),
            "A": rng.randn(n_hid),
            "logtau": 0.4 * rng.randn(n_hid),
            "v": rng.randn(n_hid),
            "c": np.array(0.1),
        }

    def _forward(self, x, gaps):
        w = self.weights
        rate = np.exp(-w["logtau"])
        h = np.zeros((x.shape[0], len(rate)))
        self._tape = []
        for t in range(x.shape[1]):
            s = gaps[:, t:t + 1] / self.unfolds
            drive = x[:, t] @ w["Win"] + w["b"]
            for _ in range(self.unfolds):
                f = 1 / (1 + np.exp(-(drive + h @ w["Wrec"])))
                den = 1 + s * (rate + f)
                new = (h + s * f * w["A"]) / den
                self._tape.append((t, s, h, f, den, new))
                h = new
        return h

    def score(self, x, gaps):
        return self._forward(x, gaps) @ self.weights["v"] + self.weights["c"]

    def loss(self, x, gaps, moving):
        """Logistic loss; moving is 0 or 1."""
        a = self.score(x, gaps)
        return np.mean(np.logaddexp(0, a) - moving * a)

    def gradients(self, x, gaps, moving):
        w = self.weights
        g = {k: np.zeros_like(v) for k, v in w.items()}
        h = self._forward(x, gaps)
        a = h @ w["v"] + w["c"]
        da = (1 / (1 + np.exp(-a)) - moving) / len(a)
        g["v"] = h.T @ da
        g["c"] = np.sum(da)
        dh = np.outer(da, w["v"])
        drate = np.zeros_like(w["logtau"])
        while self._tape:
            t, s, old, f, den, new = self._tape.pop()
            dnum = dh / den
            dden = -dh * new / den
            df = dnum * s * w["A"] + dden * s
            g["A"] += np.sum(dnum * s * f, axis=0)
            drate += np.sum(dden * s, axis=0)
            dpre = df * f * (1 - f)
            g["Win"] += x[:, t].T @ dpre
            g["b"] += dpre.sum(axis=0)
            g["Wrec"] += old.T @ dpre
            dh = dnum + dpre @ w["Wrec"].T
        g["logtau"] = -drate * np.exp(-w["logtau"])
        return g


def recordings(n, T, n_in, seed):
    rng = np.random.RandomState(seed)
    return rng.randn(n, T, n_in), rng.exponential(0.8, size=(n, T)) + 0.1, rng.randint(0, 2, size=n).astype(float)


net = LTC(n_in=3, n_hid=4, unfolds=2, seed=1191)
x, gaps, moving = recordings(4, 5, 3, seed=1192)
