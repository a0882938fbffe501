#!/usr/bin/env python3
# Strong-constraint 4D-Var for the Lorenz-96 ring.
#
# control vector  chi = [z, eta]:   x(0) = xb + L z  (L: square root of B),   forcing of the cells = F0 + SIG_F * eta
# J(chi) = 1/2 |z|^2 + 1/2 |eta|^2 + 1/2 sum_obs ((h(x) - y) / SIG_O)^2,   h(x) = sqrt(1 + x^2)  ("wind speed")
#
# Adjoint routines carry the suffix _ad and are written line by line below the routine they belong to.
import numpy as np

DT = 0.05
F0 = 4.0
SIG_F = 0.5
SIG_O = 0.4


def tendency(x, f):
    return (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + f


def tendency_ad(x, dx_ad):
    x_ad = -dx_ad
    prod = dx_ad * np.roll(x, 1)
    x_ad = x_ad + np.roll(prod, 1)
    x_ad = x_ad - np.roll(prod, -2)
    x_ad = x_ad + np.roll(dx_ad * (np.roll(x, -1) - np.roll(x, 2)), -1)
    return x_ad, dx_ad


def step(x, f):
    """Ralston's second order scheme"""
    k1 = tendency(x, f)
    xm = x + 2.0 / 3.0 * DT * k1
    k2 = tendency(xm, f)
    return x + DT * (0.25 * k1 + 0.75 * k2)


def step_ad(x, f, xnew_ad):
    k1 = tendency(x, f)
    xm = x + 2.0 / 3.0 * DT * k1
    # x + DT * (k1 / 4 + 3 k2 / 4)
    x_ad = xnew_ad.copy()
    k1_ad = 0.25 * DT * xnew_ad
    k2_ad = 0.75 * DT * xnew_ad
    # k2
    xm_ad, f_ad = tendency_ad(xm, k2_ad)
    # xm
    x_ad += xm_ad
    k1_ad = k1_ad + 2.0 / 3.0 * DT * xm_ad
    # k1
    more_x, more_f = tendency_ad(x, k1_ad)
    return x_ad + more_x, f_ad + more_f


def split(chi, xb, L):
    n = xb.size
    z, eta = chi[:n], chi[n:]
    return xb + L @ z, F0 + SIG_F * eta


def hop(x, sites):
    return np.sqrt(1.0 + x[sites] ** 2)


def hop_ad(x, sites, y_ad):
    x_ad = np.zeros_like(x)
    np.add.at(x_ad, sites, y_ad * x[sites] / np.sqrt(1.0 + x[sites] ** 2))
    return x_ad


def cost(chi, xb, L, obs, nstep):
    """obs: {time step: (sites, values)}"""
    x, f = split(chi, xb, L)
    J = 0.5 * np.dot(chi, chi)
    for k in range(nstep + 1):
        if k in obs:
            sites, y = obs[k]
            J += 0.5 * np.sum(((hop(x, sites) - y) / SIG_O) ** 2)
        if k < nstep:
            x = step(x, f)
    return J


def cost_gradient(chi, xb, L, obs, nstep):
    x, f = split(chi, xb, L)
    path = np.empty((nstep + 1, x.size))
    path[0] = x
    for k in range(nstep):
        path[k + 1] = step(path[k], f)

    x_ad, f_ad = np.zeros(x.size), np.zeros(x.size)
    for k in range(nstep, -1, -1):
        if k < nstep:
            x_ad, more = step_ad(path[k], f, x_ad)
            f_ad += more
        if k in obs:
            sites, y = obs[k]
            x_ad = x_ad + hop_ad(path[k], sites, (hop(path[k], sites) - y) / SIG_O ** 2)
    return chi + np.concatenate([L.T @ x_ad, SIG_F * f_ad])


def window(n, nstep, every, seed):
    """background, root of its covariance (correlated with the neighbours on the ring), observations"""
    rng = np.random.RandomState(seed)
    xb = 1.5 + rng.randn(n)
    d = np.abs(np.arange(n)[:, None] - np.arange(n))
    B = 0.6 * np.exp(-np.minimum(d, n - d) / 1.5)
    obs = {}
    for k in range(every - 1, nstep + 1, every):
        sites = np.sort(rng.choice(n, size=n // 2, replace=False))
        obs[k] = (sites, 1.5 + np.abs(rng.randn(len(sites))))
    return xb, np.linalg.cholesky(B), obs


NSTEP = 8
xb, L, obs = window(7, NSTEP, 3, seed=732)
chi = 0.5 * np.random.RandomState(731).randn(14)
