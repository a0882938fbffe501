"""Alignment of short peptides summed over all alignments: a pair hidden Markov model with affine gaps.

Three tables as in Durbin et al., chapter 4: M (match), X (residue of a against a gap), Y (residue of b against a gap).
Plain probabilities, the sequences are short.  The gradient runs the tables from the last cell to the first.
"""
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def softmax_all(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def probabilities(par):
    return {
        "pair": softmax_all(par["pair"]),
        "single": softmax_all(par["single"]),
        "open": 0.5 * sigmoid(par["open"]),
        "extend": sigmoid(par["extend"]),
    }


def fill(pr, a, b):
    n, m = len(a), len(b)
    M, X, Y = np.zeros((n + 1, m + 1)), np.zeros((n + 1, m + 1)), np.zeros((n + 1, m + 1))
    M[0, 0] = 1.0
    d, e = pr["open"], pr["extend"]
    for i in range(n + 1):
        for j in range(m + 1):
            if i > 0 and j > 0:
                before = (1 - 2 * d) * M[i - 1, j - 1] + (1 - e) * (X[i - 1, j - 1] + Y[i - 1, j - 1])
                M[i, j] = pr["pair"][a[i - 1], b[j - 1]] * before
            if i > 0:
                X[i, j] = pr["single"][a[i - 1]] * (d * M[i - 1, j] + e * X[i - 1, j])
            if j > 0:
                Y[i, j] = pr["single"][b[j - 1]] * (d * M[i, j - 1] + e * Y[i, j - 1])
    return M, X, Y


def score(par, family):
    """mean over the pairs of -log P(a, b) per residue"""
    pr = probabilities(par)
    total = 0.0
    for a, b in family:
        M, X, Y = fill(pr, a, b)
        total -= np.log(M[-1, -1] + X[-1, -1] + Y[-1, -1]) / (len(a) + len(b))
    return total / len(family)


def score_gradient(par, family):
    pr = probabilities(par)
    d, e = pr["open"], pr["extend"]
    g_pair, g_single = np.zeros_like(pr["pair"]), np.zeros_like(pr["single"])
    g_d = g_e = 0.0
    for a, b in family:
        n, m = len(a), len(b)
        M, X, Y = fill(pr, a, b)
        bM, bX, bY = np.zeros_like(M), np.zeros_like(X), np.zeros_like(Y)
        whole = M[n, m] + X[n, m] + Y[n, m]
        bM[n, m] = bX[n, m] = bY[n, m] = -1.0 / (whole * (n + m) * len(family))
        for i in range(n, -1, -1):
            for j in range(m, -1, -1):
                if j > 0:
                    q = pr["single"][b[j - 1]]
                    g_single[b[j - 1]] += bY[i, j] * (d * M[i, j - 1] + e * Y[i, j - 1])
                    g_d += bY[i, j] * q * M[i, j - 1]
                    g_e += bY[i, j] * q * Y[i, j - 1]
                    bM[i, j - 1] += bY[i, j] * q * d
                    bY[i, j - 1] += bY[i, j] * q * e
                if i > 0:
                    q = pr["single"][a[i - 1]]
                    g_single[a[i - 1]] += bX[i, j] * (d * M[i - 1, j] + e * X[i - 1, j])
                    g_d += bX[i, j] * q * M[i - 1, j]
                    g_e += bX[i, j] * q * X[i - 1, j]
                    bM[i - 1, j] += bX[i, j] * q * d
                    bX[i - 1, j] += bX[i, j] * q * e
                if i > 0 and j > 0:
                    p = pr["pair"][a[i - 1], b[j - 1]]
                    gaps = X[i - 1, j - 1] + Y[i - 1, j - 1]
                    g_pair[a[i - 1], b[j - 1]] += bM[i, j] * ((1 - 2 * d) * M[i - 1, j - 1] + (1 - e) * gaps)
                    g_d -= 2 * bM[i, j] * p * M[i - 1, j - 1]
                    g_e -= bM[i, j] * p * gaps
                    bM[i - 1, j - 1] += bM[i, j] * p * (1 - 2 * d)
                    bX[i - 1, j - 1] += bM[i, j] * p * (1 - e)
                    bY[i - 1, j - 1] += bM[i, j] * p * (1 - e)
    return {
        "pair": pr["pair"] * (g_pair - np.sum(g_pair * pr["pair"])),
        "single": pr["single"] * (g_single - np.sum(g_single * pr["single"])),
        "open": g_d * d * (1 - 2 * d),
        "extend": g_e * e * (1 - e),
    }


def first_guess(letters, seed):
    rng = np.random.default_rng(seed)
    return {
        "pair": rng.normal(size=(letters, letters)) + 2.0 * np.eye(letters),
        "single": rng.normal(size=letters),
        "open": np.array(-1.0),
        "extend": np.array(0.3),
    }


def relatives(lengths, letters, seed):
    rng = np.random.default_rng(seed)
    return [(rng.integers(letters, size=n), rng.integers(letters, size=m)) for n, m in lengths]


par = first_guess(3, seed=1101)
family = relatives([(4, 3), (3, 4)], 3, seed=1102)
