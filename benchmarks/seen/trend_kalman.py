"""Maximum likelihood of a linear state-space model, exact score by the tangent filter.

    m[t] = A m[t-1] + B u[t] + N(0, diag(exp(lq)))        y[t] = c m[t] + N(0, exp(lr))

Each step of the Kalman filter is differentiated once, and the derivatives with respect to all K parameters are carried
forward beside mean and covariance: dm is (K, n), dP is (K, n, n). No backward pass, so a series may be as long as it
likes.
"""
import numpy as np

NAMES = "A", "B", "c", "lq", "lr", "m0"


def basis(theta):
    """for each name an array (K, *shape): the unit direction of every parameter, zeros for those of other names"""
    K = sum(theta[name].size for name in NAMES)
    found, at = {}, 0
    for name in NAMES:
        size = theta[name].size
        block = np.zeros((K, size))
        block[at:at + size] = np.eye(size)
        found[name] = block.reshape(K, *theta[name].shape)
        at += size
    return K, found


def minus_loglik(theta, u, y):
    A, B, c, lq, lr, m = (theta[name] for name in NAMES)
    P = np.eye(len(m))
    total = 0.0
    for u_t, y_t in zip(u, y):
        m = A @ m + B @ u_t
        P = A @ P @ A.T + np.diag(np.exp(lq))
        e = y_t - c @ m
        s = c @ P @ c + np.exp(lr[0])
        total += 0.5 * (np.log(s) + e ** 2 / s)
        k = P @ c / s
        m = m + k * e
        P = P - np.outer(k, k) * s
    return total


def score(theta, u, y):
    A, B, c, lq, lr, m = (theta[name] for name in NAMES)
    n = len(m)
    K, unit = basis(theta)
    dA, dB, dc = unit["A"], unit["B"], unit["c"]
    dQ = np.zeros((K, n, n))
    for i in range(n):
        dQ[:, i, i] = unit["lq"][:, i] * np.exp(lq[i])
    dr = unit["lr"][:, 0] * np.exp(lr[0])
    P = np.eye(n)
    dm, dP = unit["m0"], np.zeros((K, n, n))
    gradient = np.zeros(K)
    for u_t, y_t in zip(u, y):
        # predict
        dm = dA @ m + dm @ A.T + dB @ u_t
        m = A @ m + B @ u_t
        half = dA @ P @ A.T
        dP = half + np.transpose(half, (0, 2, 1)) + A @ dP @ A.T + dQ
        P = A @ P @ A.T + np.diag(np.exp(lq))
        # innovation
        e = y_t - c @ m
        de = -dc @ m - dm @ c
        v = P @ c
        dv = dP @ c + dc @ P
        s = c @ v + np.exp(lr[0])
        ds = dc @ v + dv @ c + dr
        gradient += 0.5 * ds / s + e * de / s - 0.5 * e ** 2 * ds / s ** 2
        # update
        k = v / s
        dk = dv / s - np.outer(ds, v) / s ** 2
        dm = dm + dk * e + np.outer(de, k)
        m = m + k * e
        kk = np.outer(k, k)
        dkk = dk[:, :, None] * k + k[:, None] * dk[:, None, :]
        dP = dP - dkk * s - kk * ds[:, None, None]
        P = P - kk * s
    return {name: np.tensordot(gradient, unit[name], axes=1) for name in NAMES}


def local_trend(n, inputs, seed):
    rng = np.random.default_rng(seed)
    return {
        "A": 0.8 * np.eye(n) + 0.3 * rng.normal(size=(n, n)),
        "B": rng.normal(size=(n, inputs)),
        "c": rng.normal(size=n),
        "lq": rng.normal(size=n) * 0.3 - 0.5,
        "lr": np.array([-0.7]),
        "m0": rng.normal(size=n),
    }


def sales(T, inputs, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, inputs)), np.cumsum(rng.normal(size=T))


theta = local_trend(n=3, inputs=2, seed=70)
u, y = sales(6, 2, seed=71)
