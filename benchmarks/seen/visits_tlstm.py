"""Disease stage at the last visit, from visits at uneven intervals.

Time-aware LSTM (Baytas et al., KDD 2017): before each visit the part of the memory that is short-term is discounted by
the months that have passed. The stage is ordinal, so the head is a proportional-odds model.
"""
import numpy as np


def sigm(a):
    return 1.0 / (1.0 + np.exp(-a))


class TimeAwareLSTM:
    gates = "forget", "input", "output", "new"

    def __init__(self, n_labs, n_hidden, n_stages, seed=0):
        rng = np.random.RandomState(seed)
        self.n_hidden = n_hidden
        self.W = {g: rng.normal(0, .7, (n_hidden, n_labs)) for g in self.gates}
        self.U = {g: rng.normal(0, .5, (n_hidden, n_hidden)) for g in self.gates}
        self.b = {g: rng.normal(0, .2, (n_hidden, 1)) for g in self.gates}
        self.Wd = rng.normal(0, .8, (n_hidden, n_hidden))
        self.bd = rng.normal(0, .5, (n_hidden, 1))
        self.beta = rng.normal(0, 1.2, (n_hidden, 1))
        # the first cut, then the logarithms of the distances
        self.cuts = np.append(-.6, rng.normal(0, .3, n_stages - 2))

    def thresholds(self):
        return np.cumsum(np.append(self.cuts[:1], np.exp(self.cuts[1:])))

    def run(self, visits, months):
        h = c = np.zeros((self.n_hidden, 1))
        steps = []
        for x, gap in zip(visits, months):
            x = x.reshape(-1, 1)
            s = dict(x=x, h_prev=h, c_prev=c, decay=1.0 / np.log(np.e + gap))
            s["short"] = np.tanh(self.Wd @ c + self.bd)
            s["c_star"] = c - s["short"] + s["decay"] * s["short"]
            for g in self.gates:
                a = self.W[g] @ x + self.U[g] @ h + self.b[g]
                s[g] = np.tanh(a) if g == "new" else sigm(a)
            c = s["forget"] * s["c_star"] + s["input"] * s["new"]
            s["tanh_c"] = np.tanh(c)
            h = s["output"] * s["tanh_c"]
            steps.append(s)
        return h, steps

    def interval(self, h, stage):
        """P(y <= stage) and P(y <= stage - 1)"""
        theta = self.thresholds()
        score = (self.beta.T @ h)[0, 0]
        upper = sigm(theta[stage] - score) if stage < len(theta) else 1.0
        lower = sigm(theta[stage - 1] - score) if stage > 0 else 0.0
        return upper, lower

    def loss(self, cohort):
        total = 0.0
        for visits, months, stage in cohort:
            h, _ = self.run(visits, months)
            upper, lower = self.interval(h, stage)
            total -= np.log(upper - lower)
        return total

    def gradients(self, cohort):
        self.dW = {g: np.zeros_like(self.W[g]) for g in self.gates}
        self.dU = {g: np.zeros_like(self.U[g]) for g in self.gates}
        self.db = {g: np.zeros_like(self.b[g]) for g in self.gates}
        self.dWd, self.dbd, self.dbeta = np.zeros_like(self.Wd), np.zeros_like(self.bd), np.zeros_like(self.beta)
        dtheta = np.zeros(len(self.cuts))
        for visits, months, stage in cohort:
            h, steps = self.run(visits, months)
            upper, lower = self.interval(h, stage)
            d_upper = -upper * (1 - upper) / (upper - lower)
            d_lower = lower * (1 - lower) / (upper - lower)
            if stage < len(dtheta):
                dtheta[stage] += d_upper
            if stage > 0:
                dtheta[stage - 1] += d_lower
            dscore = -(d_upper + d_lower)
            self.dbeta += dscore * h
            self.backward(steps, dscore * self.beta)
        dsteps = np.cumsum(dtheta[::-1])[::-1]
        self.dcuts = np.append(dsteps[:1], dsteps[1:] * np.exp(self.cuts[1:]))
        return self.dW, self.dU, self.db, self.dWd, self.dbd, self.dbeta, self.dcuts

    def backward(self, steps, dh):
        dc = np.zeros_like(dh)
        for s in reversed(steps):
            dc = dc + dh * s["output"] * (1 - s["tanh_c"] ** 2)
            da = {
                "forget": dc * s["c_star"] * s["forget"] * (1 - s["forget"]),
                "input": dc * s["new"] * s["input"] * (1 - s["input"]),
                "output": dh * s["tanh_c"] * s["output"] * (1 - s["output"]),
                "new": dc * s["input"] * (1 - s["new"] ** 2),
            }
            dh = np.zeros_like(dh)
            for g in self.gates:
                self.dW[g] += da[g] @ s["x"].T
                self.dU[g] += da[g] @ s["h_prev"].T
                self.db[g] += da[g]
                dh += self.U[g].T @ da[g]
            dc_star = dc * s["forget"]
            dshort = dc_star * (s["decay"] - 1.0) * (1 - s["short"] ** 2)
            self.dWd += dshort @ s["c_prev"].T
            self.dbd += dshort
            dc = dc_star + self.Wd.T @ dshort


def simulate(lengths, n_labs, n_stages, seed):
    rng = np.random.RandomState(seed)
    return [(rng.normal(size=(n, n_labs)), rng.exponential(4.0, n), k % n_stages) for k, n in enumerate(lengths)]


net = TimeAwareLSTM(n_labs=3, n_hidden=4, n_stages=4, seed=12)
cohort = simulate([4, 6, 3, 5], 3, 4, seed=13)
