"""Which material is the rod made of?  Heat conduction, Crank-Nicolson steps, discrete adjoint.

Unknown: logarithm of the conductivity between neighbouring nodes, the initial temperatures, the power of a heater at
the left end in each step, the logarithm of the heat loss to the room.  The right end is held at 0.
Each step solves the tridiagonal system  (I + dt/2 K) u_new = (I - dt/2 K) u + dt f   by the Thomas algorithm.
"""
import numpy as np
from types import SimpleNamespace

DT = 0.4


def stiffness(rod):
    """diagonal and off-diagonal of K"""
    k = np.exp(rod.logk)            # k[i] between node i and i + 1, the last one to the cold end
    diag = k + np.exp(rod.logloss)
    diag[1:] += k[:-1]
    return diag, -k[:-1]


def times(diag, off, u):
    out = diag * u
    out[:-1] += off * u[1:]
    out[1:] += off * u[:-1]
    return out


def thomas(diag, off, rhs):
    n = len(rhs)
    c, x = np.zeros(n), np.zeros(n)
    c[0] = diag[0]
    x[0] = rhs[0]
    for i in range(1, n):
        m = off[i - 1] / c[i - 1]
        c[i] = diag[i] - m * off[i - 1]
        x[i] = rhs[i] - m * x[i - 1]
    x[-1] /= c[-1]
    for i in range(n - 2, -1, -1):
        x[i] = (x[i] - off[i] * x[i + 1]) / c[i]
    return x


def march(rod):
    diag, off = stiffness(rod)
    us = [rod.start]
    for power in rod.heater:
        u = us[-1]
        rhs = u - 0.5 * DT * times(diag, off, u)
        rhs[0] += DT * power
        us.append(thomas(1 + 0.5 * DT * diag, 0.5 * DT * off, rhs))
    return us


def misfit(rod, lab):
    us = march(rod)
    total = 0.0
    for u, seen in zip(us[1:], lab.seen):
        total += 0.5 * np.sum((u[lab.where] - seen) ** 2) / lab.sigma ** 2
    rough = np.diff(rod.logk)
    return total + 0.5 * lab.smooth * np.sum(rough ** 2) + 0.5 * lab.ridge * np.sum(rod.heater ** 2)


def misfit_adjoint(rod, lab):
    us = march(rod)
    diag, off = stiffness(rod)
    g_diag, g_off = np.zeros_like(diag), np.zeros_like(off)
    g_heater = lab.ridge * rod.heater
    lam = np.zeros_like(rod.start)
    for s in reversed(range(len(rod.heater))):
        new, old = us[s + 1], us[s]
        lam[lab.where] += (new[lab.where] - lab.seen[s]) / lab.sigma ** 2
        mu = thomas(1 + 0.5 * DT * diag, 0.5 * DT * off, lam)   # the matrix is symmetric
        both = new + old
        g_diag -= 0.5 * DT * mu * both
        g_off -= 0.5 * DT * (mu[:-1] * both[1:] + mu[1:] * both[:-1])
        g_heater[s] += DT * mu[0]
        lam = mu - 0.5 * DT * times(diag, off, mu)
    k = np.exp(rod.logk)
    g_k = g_diag.copy()
    g_k[:-1] += g_diag[1:] - g_off
    g_logk = g_k * k
    rough = np.diff(rod.logk)
    g_logk[1:] += lab.smooth * rough
    g_logk[:-1] -= lab.smooth * rough
    g_logloss = np.exp(rod.logloss) * np.sum(g_diag)
    return SimpleNamespace(logk=g_logk, start=lam, heater=g_heater, logloss=g_logloss)


def make_rod(nodes, steps, seed):
    r = np.random.RandomState(seed)
    return SimpleNamespace(
        logk=0.4 * r.randn(nodes), start=r.randn(nodes), heater=r.randn(steps), logloss=np.array(-1.0)
    )


def make_lab(where, steps, seed):
    r = np.random.RandomState(seed)
    return SimpleNamespace(where=np.array(where), seen=r.randn(steps, len(where)), sigma=0.7, smooth=0.3, ridge=0.1)


rod = make_rod(6, 7, seed=991)
lab = make_lab([0, 2, 5], 7, seed=992)
