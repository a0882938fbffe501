# Nicholson's blowflies: what hatches today was laid tau days ago.
#   N[t+1] = P N[t-tau] exp(-N[t-tau] / N0) + S N[t]
# fitted to counts of several cages in log space.  The first tau + 1 days of each cage are parameters, too.
# pack: 0 log P, 1 log N0, 2 logit S, 3 log sigma, then (tau + 1) log counts for each cage
import numpy as np


def fly_model(cages, tau):
    cages = [np.asarray(c, dtype=float) for c in cages]
    days = sum(c.size for c in cages)
    head = tau + 1

    def series(v, c):
        P, N0 = np.exp(v[0]), np.exp(v[1])
        S = 1 / (1 + np.exp(-v[2]))
        N = [np.exp(v[4 + c * head + d]) for d in range(head)]
        eggs = []
        while len(N) < cages[c].size:
            old = N[len(N) - 1 - tau]
            eggs.append(P * old * np.exp(-old / N0))
            N.append(eggs[-1] + S * N[-1])
        return N, eggs

    def nll(v):
        total = 0.0
        for c, counted in enumerate(cages):
            N, _ = series(v, c)
            for n, y in zip(N, counted):
                total += 0.5 * ((np.log(n) - y) / np.exp(v[3])) ** 2 + v[3]
        return total / days

    def slope(v):
        P, N0 = np.exp(v[0]), np.exp(v[1])
        S = 1 / (1 + np.exp(-v[2]))
        prec = np.exp(-2 * v[3])
        g = np.zeros(v.size)
        for c, counted in enumerate(cages):
            N, eggs = series(v, c)
            bar = [0.0] * len(N)
            for t in range(len(N) - 1, -1, -1):
                miss = np.log(N[t]) - counted[t]
                bar[t] += prec * miss / (N[t] * days)
                g[3] += (1 - prec * miss ** 2) / days
                if t > tau:
                    laid, old = eggs[t - head], N[t - head]
                    g[0] += bar[t] * laid
                    g[1] += bar[t] * laid * old / N0
                    g[2] += bar[t] * N[t - 1] * S * (1 - S)
                    bar[t - 1] += bar[t] * S
                    bar[t - head] += bar[t] * (laid / old - laid / N0)
                else:
                    g[4 + c * head + t] += bar[t] * N[t]
        return g

    return nll, slope


def counts(lengths, seed):
    rng = np.random.default_rng(seed)
    return [0.5 + 0.6 * rng.normal(size=n) for n in lengths]


def initial(cages, tau, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([[1.2, 0.4, 0.2, -0.3], 0.4 * rng.normal(size=cages * (tau + 1))])


v = initial(2, 2, seed=1161)
nll, slope = fly_model(counts([9, 7], seed=1162), 2)
