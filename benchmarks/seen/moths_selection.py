"""Dark moths and smog: frequency of the dark allele in a few woods, fitted to trap counts (Haldane's recursion).

p is the frequency of the dark allele in a wood.  Dark moths are DD and Dd (the heterozygote by a factor of its own).
Selection of a year depends on the smog; then some moths fly to the other woods.
The traps give (year, dark moths, all moths).
"""
import math

import numpy as np


def logistic(a):
    return 1.0 / (1.0 + math.exp(-a))


def selection(p, s, h):
    """fitness 1 + s, 1 + h s, 1"""
    q = 1.0 - p
    mean = 1.0 + s * p * p + 2.0 * h * s * p * q
    return (p * p * (1.0 + s) + p * q * (1.0 + h * s)) / mean


def selection_slopes(p, s, h):
    q = 1.0 - p
    top = p * p * (1.0 + s) + p * q * (1.0 + h * s)
    mean = 1.0 + s * p * p + 2.0 * h * s * p * q
    top_p = 2.0 * p * (1.0 + s) + (q - p) * (1.0 + h * s)
    mean_p = 2.0 * s * p + 2.0 * h * s * (q - p)
    top_s = p * p + h * p * q
    mean_s = p * p + 2.0 * h * p * q
    top_h = s * p * q
    mean_h = 2.0 * s * p * q
    new = top / mean
    return (top_p - new * mean_p) / mean, (top_s - new * mean_s) / mean, (top_h - new * mean_h) / mean


def history(beta, start, smog):
    """frequencies by year and wood"""
    a, b, dom, move = beta
    h, m = logistic(dom), 0.3 * logistic(move)
    years = [[logistic(z) for z in start]]
    for soot in smog:
        s = 0.8 * math.tanh(a + b * soot)
        grown = [selection(p, s, h) for p in years[-1]]
        pool = sum(grown) / len(grown)
        years.append([(1.0 - m) * p + m * pool for p in grown])
    return years


def shown(p, h):
    return p * p + 2.0 * p * (1.0 - p) * h


def misfit(beta, start, smog, traps):
    years = history(beta, start, smog)
    h = logistic(beta[2])
    total = 0.0
    for wood, catches in enumerate(traps):
        for year, dark, n in catches:
            f = shown(years[year][wood], h)
            total -= dark * math.log(f) + (n - dark) * math.log(1.0 - f)
    return total / sum(n for catches in traps for _, _, n in catches)


def misfit_slopes(beta, start, smog, traps):
    a, b, dom, move = beta
    h, u = logistic(dom), logistic(move)
    m = 0.3 * u
    years = history(beta, start, smog)
    everything = sum(n for catches in traps for _, _, n in catches)
    back = [[0.0] * len(start) for _ in years]
    g_a = g_b = g_h = g_m = 0.0
    for wood, catches in enumerate(traps):
        for year, dark, n in catches:
            p = years[year][wood]
            f = shown(p, h)
            slope = ((n - dark) / (1.0 - f) - dark / f) / everything
            back[year][wood] += slope * (2.0 * p + 2.0 * (1.0 - 2.0 * p) * h)
            g_h += slope * 2.0 * p * (1.0 - p)
    for year in range(len(smog) - 1, -1, -1):
        inner = math.tanh(a + b * smog[year])
        s = 0.8 * inner
        grown = [selection(p, s, h) for p in years[year]]
        pool = sum(grown) / len(grown)
        arrived = sum(back[year + 1])
        g_s = 0.0
        for wood, p in enumerate(years[year]):
            g_m += back[year + 1][wood] * (pool - grown[wood])
            g_grown = (1.0 - m) * back[year + 1][wood] + m * arrived / len(grown)
            by_p, by_s, by_h = selection_slopes(p, s, h)
            back[year][wood] += g_grown * by_p
            g_s += g_grown * by_s
            g_h += g_grown * by_h
        g_inner = g_s * 0.8 * (1.0 - inner * inner)
        g_a += g_inner
        g_b += g_inner * smog[year]
    first = [g * p * (1.0 - p) for g, p in zip(back[0], years[0])]
    return np.array([g_a, g_b, g_h * h * (1.0 - h), g_m * 0.3 * u * (1.0 - u)]), np.array(first)


def woods(count, years, seed):
    rng = np.random.default_rng(seed)
    traps = []
    for _ in range(count):
        when = sorted(rng.choice(years + 1, size=3, replace=False).tolist())
        traps.append([(t, int(rng.integers(1, 12)), 14) for t in when])
    return rng.normal(size=years), traps


beta = np.array([0.2, 0.4, 0.5, -0.3])
start = np.array([-0.8, 0.1, -0.2])
smog, traps = woods(3, 8, seed=1132)
