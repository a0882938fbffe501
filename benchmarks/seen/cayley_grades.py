# Grading of climbing routes (ordinal grades) hold by hold.
#
# The recurrent matrix is kept orthogonal with the scaled Cayley transform (Helfrich, Willmott & Ye 2018):
#     W = (I + A)^-1 (I - A) D,    A skew-symmetric (free numbers above the diagonal),  D diagonal of +-1, fixed.
# The loss is the squared earth mover's distance between the predicted and the true distribution of grades
# (Hou, Yu & Samaras 2016): sum of squares of the difference of the cumulative distributions.
#
# Functional style: a layer takes its inputs and gives (value, vjp).
import numpy as np


def cayley(free, signs):
    n = len(signs)
    rows, cols = np.triu_indices(n, 1)
    A = np.zeros((n, n))
    A[rows, cols] = free
    A = A - A.T
    W = np.linalg.solve(np.eye(n) + A, (np.eye(n) - A) * signs)

    def vjp(dW):
        dN = np.linalg.solve((np.eye(n) + A).T, dW)
        dA = -dN @ W.T - dN * signs
        return dA[rows, cols] - dA[cols, rows]

    return W, vjp


def step(W, V, b, h, x):
    """arcsinh keeps large states apart where tanh would not"""
    a = W @ h + V @ x + b
    slope = 1 / np.sqrt(1 + a * a)

    def vjp(dh):
        da = dh * slope
        return da @ h.T, da @ x.T, da.sum(axis=1, keepdims=True), W.T @ da

    return np.arcsinh(a), vjp


def readout(C, c, h):
    s = C @ h + c
    p = np.exp(s - s.max(axis=0))
    p = p / p.sum(axis=0)

    def vjp(dp):
        ds = p * (dp - (p * dp).sum(axis=0))
        return ds @ h.T, ds.sum(axis=1, keepdims=True), C.T @ ds

    return p, vjp


def emd2(p, grade):
    """p (grades, routes)"""
    true_cdf = (np.arange(len(p))[:, None] >= grade).astype(float)
    gap = np.cumsum(p, axis=0) - true_cdf

    def vjp():
        # p[k] is in every cumulative sum from k on
        return np.cumsum(2 * gap[::-1], axis=0)[::-1] / p.shape[1]

    return np.sum(gap ** 2) / p.shape[1], vjp


def network(params, signs):
    def value_and_vjp(holds, grade):
        """holds (T, features, routes)"""
        free, V, b, C, c, h0 = params
        W, cayley_vjp = cayley(free, signs)
        h = h0 * np.ones((1, holds.shape[2]))
        backs = []
        for x in holds:
            h, back = step(W, V, b, h, x)
            backs.append(back)
        p, readout_vjp = readout(C, c, h)
        loss, emd_vjp = emd2(p, grade)

        def vjp():
            dC, dc, dh = readout_vjp(emd_vjp())
            dW, dV, db = np.zeros_like(W), np.zeros_like(V), np.zeros_like(b)
            for back in backs[::-1]:
                gW, gV, gb, dh = back(dh)
                dW += gW
                dV += gV
                db += gb
            return cayley_vjp(dW), dV, db, dC, dc, dh.sum(axis=1, keepdims=True)

        return loss, vjp

    return value_and_vjp


def new(n, features, grades, seed):
    rng = np.random.default_rng(seed)
    params = [
        rng.normal(0, 0.5, n * (n - 1) // 2),
        rng.normal(0, 0.7, (n, features)), rng.normal(0, 0.2, (n, 1)),
        rng.normal(0, 0.8, (grades, n)), rng.normal(0, 0.2, (grades, 1)),
        rng.normal(0, 0.5, (n, 1)),
    ]
    return params, np.where(np.arange(n) < n // 3, -1.0, 1.0)


def routes(T, features, B, grades, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, features, B)), rng.integers(0, grades, B)


params, signs = new(4, 2, 5, seed=601)
holds, grade = routes(6, 2, 3, 5, seed=602)
