"""Parity with PonderNet (Banino, Balaguer & Blundell 2021): the network looks at the same vector again and again and
says after each look how likely it is to stop.

p_n = lambda_n * prod_{m<n} (1 - lambda_m), the last look takes what is left.
loss = sum_n p_n * BCE_n + beta * KL(p || truncated geometric)
"""
import numpy as np


class PonderRNN:
    def __init__(self, n_bits, n_hidden, max_looks, beta=0.1, prior=0.3, seed=0):
        rng = np.random.default_rng(seed)
        self.max_looks, self.beta = max_looks, beta
        g = prior * (1 - prior) ** np.arange(max_looks)
        self.log_prior = np.log(g / g.sum())
        self.theta = {
            'W': rng.normal(0, 1 / np.sqrt(n_bits), (n_bits, n_hidden)),
            'U': rng.normal(0, 1 / np.sqrt(n_hidden), (n_hidden, n_hidden)),
            'b': np.zeros(n_hidden) + 0.1,
            'v': rng.normal(0, 1, n_hidden), 'v0': np.zeros(1),
            's': rng.normal(0, 0.7, n_hidden), 's0': np.zeros(1) - 0.5,
        }

    def looks(self, x):
        th = self.theta
        drive = x @ th['W'] + th['b']   # the same at every look
        h = np.zeros_like(drive)
        remaining = np.ones(len(x))
        for n in range(self.max_looks):
            before = h
            h = np.tanh(drive + before @ th['U'])
            logit = h @ th['v'] + th['v0']
            if n < self.max_looks - 1:
                lam = 1 / (1 + np.exp(-(h @ th['s'] + th['s0'])))
            else:
                lam = np.ones(len(x))
            yield before, h, logit, lam, remaining
            remaining = remaining * (1 - lam)

    def loss(self, x, parity):
        total = np.zeros(len(x))
        for n, (_, _, logit, lam, remaining) in enumerate(self.looks(x)):
            p = lam * remaining
            bce = np.logaddexp(0, logit) - parity * logit
            total += p * (bce + self.beta * (np.log(p) - self.log_prior[n]))
        return total.mean()

    def backward(self, x, parity):
        th = self.theta
        N = len(x)
        tape = list(self.looks(x))
        grad = {name: np.zeros_like(value) for name, value in th.items()}
        ddrive = np.zeros((N, len(th['b'])))
        dh = np.zeros_like(ddrive)
        dremaining = np.zeros(N)
        for n in range(self.max_looks - 1, -1, -1):
            before, h, logit, lam, remaining = tape[n]
            p = lam * remaining
            bce = np.logaddexp(0, logit) - parity * logit
            dp = (bce + self.beta * (np.log(p) - self.log_prior[n] + 1)) / N
            dlogit = p * (1 / (1 + np.exp(-logit)) - parity) / N
            grad['v'] += dlogit @ h
            grad['v0'] += dlogit.sum()
            dh += np.outer(dlogit, th['v'])
            if n < self.max_looks - 1:
                dlam = remaining * (dp - dremaining)
                dstop = dlam * lam * (1 - lam)
                grad['s'] += dstop @ h
                grad['s0'] += dstop.sum()
                dh += np.outer(dstop, th['s'])
                dremaining = lam * dp + (1 - lam) * dremaining
            else:
                dremaining = dp
            da = dh * (1 - h ** 2)
            ddrive += da
            grad['U'] += before.T @ da
            dh = da @ th['U'].T
        grad['W'] = x.T @ ddrive
        grad['b'] = ddrive.sum(axis=0)
        return grad


def parity_task(N, n_bits, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-1, 2, (N, n_bits)).astype(float)  # -1, 0 (absent), 1
    return x, (np.sum(x == 1, axis=1) % 2).astype(float)


model = PonderRNN(4, 5, max_looks=5, seed=631)
x, parity = parity_task(6, 4, seed=632)
