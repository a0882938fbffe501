"""GJR-GARCH(1,1) with an AR(1) mean for several shares that have their own level but share everything else.

    r[t] = mu + phi r[t-1] + e[t]
    s[t] = omega + (alpha + gamma [e[t-1] < 0]) e[t-1]^2 + beta s[t-1]

theta = mu of each share, then phi (through tanh), log omega, log alpha, log gamma, logit beta, log of the first variance.
The score is carried forward with the variance: ds[t]/dtheta is a recursion of its own.
"""
import numpy as np


class GJR:
    def __init__(self, returns):
        self.returns = np.asarray(returns)  # (shares, days), the first day only starts the mean

    @property
    def shares(self):
        return self.returns.shape[0]

    def unpack(self, theta):
        m = self.shares
        phi = np.tanh(theta[m])
        omega, alpha, gamma = np.exp(theta[m + 1:m + 4])
        beta = 1 / (1 + np.exp(-theta[m + 4]))
        return theta[:m], phi, omega, alpha, gamma, beta, np.exp(theta[m + 5])

    def objective(self, theta):
        mus, phi, omega, alpha, gamma, beta, first = self.unpack(theta)
        total = 0.0
        for mu, r in zip(mus, self.returns):
            s = first
            for t in range(1, len(r)):
                e = r[t] - mu - phi * r[t - 1]
                total += 0.5 * (np.log(s) + e * e / s)
                s = omega + alpha * e * e + gamma * min(e, 0.0) ** 2 + beta * s
        return total / (self.returns.shape[1] - 1)

    def score(self, theta):
        mus, phi, omega, alpha, gamma, beta, first = self.unpack(theta)
        m, p = self.shares, len(theta)
        out = np.zeros(p)
        for k in range(m):
            r = self.returns[k]
            s, ds = first, np.zeros(p)
            ds[m + 5] = first
            for t in range(1, len(r)):
                e = r[t] - mus[k] - phi * r[t - 1]
                de = np.zeros(p)
                de[k] = -1.0
                de[m] = -(1 - phi ** 2) * r[t - 1]
                out += 0.5 * (1 / s - e * e / s ** 2) * ds + e / s * de

                down = min(e, 0.0)
                ds = beta * ds + 2 * (alpha * e + gamma * down) * de
                ds[m + 1] += omega
                ds[m + 2] += alpha * e * e
                ds[m + 3] += gamma * down ** 2
                ds[m + 4] += beta * (1 - beta) * s
                s = omega + alpha * e * e + gamma * down ** 2 + beta * s
        return out / (self.returns.shape[1] - 1)


def market(shares, days, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_t(5, size=(shares, days)) * 0.8 + 0.1


def start_values(shares, seed):
    rng = np.random.default_rng(seed)
    centre = np.concatenate([np.full(shares, 0.1), [0.2, -1.5, -2.0, -1.5, 1.0, -0.3]])
    return centre + 0.2 * rng.normal(size=len(centre))


model = GJR(market(3, 7, seed=381))
theta = start_values(3, seed=382)
