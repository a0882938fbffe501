"""Rain at one gauge, as an ensemble: M runs of the same recurrent net, each with its own noise among the inputs.

The cell is the bistable one of Vecoven, Ernst and Drion (2021):
    a = 1 + tanh(A [x; h] + ka),  z = sigm(Z [x; h] + kz),  h <- z h + (1 - z) tanh(X x + a h + kx)
Score: CRPS of the ensemble,  mean |f_m - y| - 1/2 mean |f_m - f_m'|,  summed over the hours.

Members are columns.
"""
import numpy as np


class RainEnsemble:
    def __init__(self, n_pred, n_noise, n_units, seed):
        rnd = np.random.RandomState(seed)
        n_in = n_pred + n_noise
        self.A = 0.7 * rnd.randn(n_units, n_in + n_units) / np.sqrt(n_in)
        self.Z = 0.7 * rnd.randn(n_units, n_in + n_units) / np.sqrt(n_in)
        self.X = rnd.randn(n_units, n_in) / np.sqrt(n_in)
        self.ka = 0.1 * rnd.randn(n_units, 1)
        self.kz = 0.1 * rnd.randn(n_units, 1)
        self.kx = 0.1 * rnd.randn(n_units, 1)
        self.out = rnd.randn(1, n_units)
        self.offset = 0.3 * rnd.randn(1, 1)

    def integrate(self, predictors, noise):
        members = noise.shape[2]
        h = np.zeros((self.X.shape[0], members))
        rain, tape = [], []
        for p, e in zip(predictors, noise):
            x = np.vstack([np.repeat(p[:, None], members, axis=1), e])
            xh = np.vstack([x, h])
            a = 1 + np.tanh(self.A @ xh + self.ka)
            z = 1 / (1 + np.exp(-(self.Z @ xh + self.kz)))
            c = np.tanh(self.X @ x + a * h + self.kx)
            tape.append((x, xh, h, a, z, c))
            h = z * h + (1 - z) * c
            rain.append((self.out @ h + self.offset, h))
        return rain, tape

    def crps(self, predictors, noise, observed):
        rain, _ = self.integrate(predictors, noise)
        M = noise.shape[2]
        score = 0.0
        for (f, _), y in zip(rain, observed):
            score += np.abs(f - y).sum() / M
            for m in range(M):
                for k in range(m):
                    score -= np.abs(f[0, m] - f[0, k]) / M ** 2
        return score

    def fit(self, predictors, noise, observed, lr):
        """one step down the gradient"""
        rain, tape = self.integrate(predictors, noise)
        n_in, M = self.X.shape[1], noise.shape[2]
        gA, gZ, gX = np.zeros_like(self.A), np.zeros_like(self.Z), np.zeros_like(self.X)
        ga, gz, gx = np.zeros_like(self.ka), np.zeros_like(self.kz), np.zeros_like(self.kx)
        gout, goff = np.zeros_like(self.out), np.zeros_like(self.offset)
        dh = np.zeros((self.X.shape[0], M))
        while tape:
            x, xh, h, a, z, c = tape.pop()
            f, h_new = rain.pop()
            y = observed[len(tape)]
            spread = np.sign(f.T - f).sum(axis=1)       # how many members are below, less those above
            df = np.sign(f - y) / M - spread / M ** 2
            gout += df @ h_new.T
            goff += df.sum()
            dh = dh + self.out.T @ df
            dc = dh * (1 - z) * (1 - c ** 2)
            dz = dh * (h - c) * z * (1 - z)
            da = dc * h * (1 - (a - 1) ** 2)
            gA += da @ xh.T
            gZ += dz @ xh.T
            gX += dc @ x.T
            ga += da.sum(axis=1, keepdims=True)
            gz += dz.sum(axis=1, keepdims=True)
            gx += dc.sum(axis=1, keepdims=True)
            dh = dh * z + dc * a + self.A[:, n_in:].T @ da + self.Z[:, n_in:].T @ dz
        self.A -= lr * gA
        self.Z -= lr * gZ
        self.X -= lr * gX
        self.ka -= lr * ga
        self.kz -= lr * gz
        self.kx -= lr * gx
        self.out -= lr * gout
        self.offset -= lr * goff


def archive(hours, n_pred, n_noise, members, seed):
    rnd = np.random.RandomState(seed)
    predictors = rnd.randn(hours, n_pred)
    noise = rnd.randn(hours, n_noise, members)
    observed = np.maximum(predictors[:, 0] + 0.5 * rnd.randn(hours), 0.05)
    return predictors, noise, observed


model = RainEnsemble(n_pred=2, n_noise=1, n_units=4, seed=17)
predictors, noise, observed = archive(hours=6, n_pred=2, n_noise=1, members=4, seed=18)
