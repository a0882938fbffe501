# Branch lengths of a tree of finches from aligned sites: Felsenstein's pruning algorithm, F81 substitutions,
# a few classes of rates.  The adjoint walks the tree from the root to the tips.
import numpy as np


class Phylogeny:
    """children: list over inner nodes of lists of node numbers; tips are 0 .. tips-1, inner nodes follow, root last."""

    def __init__(self, children, tips, rng):
        self.children = children
        self.tips = tips
        self.nodes = tips + len(children)
        self.loglen = -1.0 + 0.4 * rng.standard_normal(self.nodes - 1)   # the branch above each node but the root
        self.comp = 0.5 * rng.standard_normal(4)
        self.spread = np.array(0.6)

    def base_frequencies(self):
        w = np.exp(self.comp)
        return w / w.sum()

    def rates(self):
        return np.exp(self.spread * np.array([-1.0, 0.0, 1.0]))

    def prune(self, leaves, pi, rate):
        """conditional likelihoods (sites, 4) at every node, and what came up each branch"""
        part = [leaf for leaf in leaves]
        up = [None] * (self.nodes - 1)
        for kids in self.children:
            here = 1.0
            for k in kids:
                stay = np.exp(-rate * np.exp(self.loglen[k]))
                up[k] = stay * part[k] + (1.0 - stay) * (part[k] @ pi)[:, None]
                here = here * up[k]
            part.append(here)
        return part, up

    def minus_log_likelihood(self, leaves):
        pi, rates = self.base_frequencies(), self.rates()
        site = 0.0
        for rate in rates:
            part, _ = self.prune(leaves, pi, rate)
            site = site + part[-1] @ pi
        return -np.mean(np.log(site / len(rates)))

    def differentiate(self, leaves):
        pi, rates = self.base_frequencies(), self.rates()
        runs = [self.prune(leaves, pi, rate) for rate in rates]
        site = sum(part[-1] @ pi for part, _ in runs)
        dsite = -1.0 / (site * len(site))
        self.g_loglen = np.zeros_like(self.loglen)
        self.g_spread = 0.0
        dpi = np.zeros(4)
        for rate, by, (part, up) in zip(rates, (-1.0, 0.0, 1.0), runs):
            dpart = [None] * self.nodes
            dpart[-1] = np.outer(dsite, pi)
            dpi += part[-1].T @ dsite
            for n in range(self.nodes - 1, self.tips - 1, -1):
                kids = self.children[n - self.tips]
                for k in kids:
                    dup = dpart[n]
                    for sister in kids:
                        if sister != k:
                            dup = dup * up[sister]
                    length = np.exp(self.loglen[k])
                    stay = np.exp(-rate * length)
                    mixed = part[k] @ pi
                    dmixed = (1.0 - stay) * dup.sum(axis=1)
                    dstay = np.sum(dup * (part[k] - mixed[:, None]))
                    dpart[k] = stay * dup + np.outer(dmixed, pi)
                    dpi += part[k].T @ dmixed
                    dtime = -stay * dstay
                    self.g_loglen[k] += dtime * rate * length
                    self.g_spread += dtime * length * rate * by
        self.g_comp = pi * (dpi - dpi @ pi)


def sequence(tips, sites, seed):
    rng = np.random.default_rng(seed)
    return [np.eye(4)[rng.integers(4, size=sites)] for _ in range(tips)]


tree = Phylogeny([[0, 1], [2, 3], [5, 6, 4]], 5, np.random.default_rng(1111))
leaves = sequence(5, 6, seed=1112)
