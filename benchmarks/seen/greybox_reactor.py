"""Grey-box model of a stirred tank: known in- and outflow, unknown kinetics.

    dc/dt = exp(q) (feed - c) + A tanh(B c + b)

c: concentrations of the ns species, q: log of the dilution rate, A, B, b: a small network for the net rates.
Unknown as well: the concentrations at the start.  Integrated with classical Runge-Kutta, the feed is constant
over a sampling interval.  The gradient comes from the sensitivity equations

    dS/dt = (df/dc) S + df/dp,        S = dc/dp,

which are integrated along with c by the same scheme, stage by stage.  Bad samples (bubbles!) are frequent,
therefore Geman-McClure instead of least squares.

theta = [ q | A (ns x nr) | B (nr x ns) | b (nr) | c0 (ns) ]
"""
import numpy as np


def split(theta, ns, nr):
    q, A, B, b, c0 = np.split(theta, np.cumsum([1, ns * nr, nr * ns, nr]))
    return q[0], A.reshape(ns, nr), B.reshape(nr, ns), b, c0


def rhs(c, feed, kin):
    q, A, B, b, _ = kin
    return np.exp(q) * (feed - c) + A @ np.tanh(B @ c + b)


def rhs_sens(c, S, feed, kin):
    """time derivatives of c and S"""
    q, A, B, b, _ = kin
    ns, nr = A.shape
    dil = np.exp(q)
    r = np.tanh(B @ c + b)
    slope = A * (1 - r ** 2)                    # d(rates)/d(pre-activation), ns x nr
    jac = slope @ B - dil * np.eye(ns)
    dfdq = dil * (feed - c)[:, None]
    dfdA = np.kron(np.eye(ns), r)               # f_i depends on row i of A only
    dfdB = np.einsum('ij,k->ijk', slope, c).reshape(ns, nr * ns)
    dfdb = slope
    dfdc0 = np.zeros((ns, ns))
    dfdp = np.hstack([dfdq, dfdA, dfdB, dfdb, dfdc0])
    return dil * (feed - c) + A @ r, jac @ S + dfdp


def simulate(theta, feeds, dt, nr):
    ns = feeds.shape[1]
    kin = split(theta, ns, nr)
    c = kin[4]
    out = []
    for feed in feeds:
        k1 = rhs(c, feed, kin)
        k2 = rhs(c + 0.5 * dt * k1, feed, kin)
        k3 = rhs(c + 0.5 * dt * k2, feed, kin)
        k4 = rhs(c + dt * k3, feed, kin)
        c = c + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        out.append(c)
    return np.array(out)


def cost(theta, feeds, samples, dt, nr):
    res = simulate(theta, feeds, dt, nr) - samples
    return np.sum(res ** 2 / (1 + res ** 2))


def cost_gradient(theta, feeds, samples, dt, nr):
    ns = feeds.shape[1]
    kin = split(theta, ns, nr)
    c = kin[4]
    S = np.zeros((ns, len(theta)))
    S[:, -ns:] = np.eye(ns)
    grad = np.zeros(len(theta))
    for feed, sample in zip(feeds, samples):
        k1, s1 = rhs_sens(c, S, feed, kin)
        k2, s2 = rhs_sens(c + 0.5 * dt * k1, S + 0.5 * dt * s1, feed, kin)
        k3, s3 = rhs_sens(c + 0.5 * dt * k2, S + 0.5 * dt * s2, feed, kin)
        k4, s4 = rhs_sens(c + dt * k3, S + dt * s3, feed, kin)
        c = c + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        S = S + dt / 6 * (s1 + 2 * s2 + 2 * s3 + s4)
        res = c - sample
        grad += (2 * res / (1 + res ** 2) ** 2) @ S
    return grad


def guess(ns, nr, seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([[-0.5], 0.6 * rng.standard_normal(2 * ns * nr), 0.3 * rng.standard_normal(nr),
                           rng.uniform(0.2, 1.0, ns)])


def campaign(steps, ns, seed):
    rng = np.random.default_rng(seed)
    feeds = rng.uniform(0.0, 1.5, (steps, ns))
    samples = 0.7 * feeds + 0.3 * rng.standard_normal((steps, ns))
    samples[steps // 2, 0] += 4.0               # a bubble
    return feeds, samples


dt, nr = 0.3, 3
theta = guess(2, nr, seed=64)
feeds, samples = campaign(6, 2, seed=65)
