# Zimm-Bragg model of the helix-coil transition, fitted to how helical each residue is (H/D exchange, NMR).
#
# state of a residue: 0 = coil, 1 = helix.  weight of residue i given residue i-1:
#         to coil   to helix
# coil      1        sigma * s_i
# helix     1        s_i
# ln s_i = ln_s[type of i] + (hbond if the residue four back is of the partner type)
# first residue follows a coil; an N-terminal cap adds cap[type] to a helix that starts on it
import numpy as np


def log_weights(p, seq):
    ln = p["ln_s"][seq].copy()
    for i in range(4, len(seq)):
        ln[i] += p["pair"][seq[i - 4], seq[i]]
    return ln


def matrices(p, seq):
    s = np.exp(log_weights(p, seq))
    M = np.ones((len(seq), 2, 2))
    M[:, 0, 1] = np.exp(p["ln_sigma"]) * s * np.exp(p["cap"][seq])
    M[:, 1, 1] = s
    return M


def both_ways(M):
    n = len(M)
    f = np.zeros((n + 1, 2))
    b = np.ones((n + 1, 2))
    f[0] = [1.0, 0.0]
    for i in range(n):
        f[i + 1] = f[i] @ M[i]
    for i in range(n - 1, -1, -1):
        b[i] = M[i] @ b[i + 1]
    return f, b


def helicity(p, seq):
    f, b = both_ways(matrices(p, seq))
    Z = f[-1].sum()
    return f[1:, 1] * b[1:, 1] / Z


def chi2(p, peptides):
    total = 0.0
    for seq, measured, err in peptides:
        total += np.sum(((helicity(p, seq) - measured) / err) ** 2)
    return total / len(peptides) + 0.5 * np.sum(p["pair"] ** 2)


def chi2_grad(p, peptides):
    g = {k: np.zeros_like(v) for k, v in p.items()}
    for seq, measured, err in peptides:
        n = len(seq)
        M = matrices(p, seq)
        f, b = both_ways(M)
        Z = f[-1].sum()
        theta = f[1:, 1] * b[1:, 1] / Z
        dtheta = 2 * (theta - measured) / err ** 2 / len(peptides)

        df = np.zeros_like(f)
        db = np.zeros_like(b)
        df[1:, 1] = dtheta * b[1:, 1] / Z
        db[1:, 1] = dtheta * f[1:, 1] / Z
        df[-1] -= np.sum(dtheta * theta) / Z
        dM = np.zeros_like(M)
        # b was made from the end, so its adjoint goes from the start
        for i in range(n):
            dM[i] += np.outer(db[i], b[i + 1])
            db[i + 1] += db[i] @ M[i]
        for i in range(n - 1, -1, -1):
            dM[i] += np.outer(f[i], df[i + 1])
            df[i] += M[i] @ df[i + 1]

        dstart = dM[:, 0, 1] * M[:, 0, 1]
        dln = dstart + dM[:, 1, 1] * M[:, 1, 1]
        g["ln_sigma"] += dstart.sum()
        np.add.at(g["cap"], seq, dstart)
        np.add.at(g["ln_s"], seq, dln)
        for i in range(4, n):
            g["pair"][seq[i - 4], seq[i]] += dln[i]
    g["pair"] += p["pair"]
    return g


def textbook(types, seed):
    rng = np.random.RandomState(seed)
    return {
        "ln_s": 0.3 + 0.3 * rng.randn(types),
        "ln_sigma": np.array(-1.5),
        "cap": 0.2 * rng.randn(types),
        "pair": 0.2 * rng.randn(types, types),
    }


def synthetic(lengths, types, seed):
    rng = np.random.RandomState(seed)
    return [(rng.randint(types, size=n), rng.uniform(0.1, 0.9, n), rng.uniform(0.2, 0.5, n)) for n in lengths]


p = textbook(3, 1241)
peptides = synthetic([8, 7, 9], 3, 1242)
