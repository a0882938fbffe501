"""Competing species in a lake: d log n_i / dt = r_i + sum_j A_ij n_j / (1 + n_j) + light_i * sun(t).

Classical Runge-Kutta between samplings (a few sub-steps each), log-normal counting error of unknown size per species.
The gradient is the discrete adjoint of the Runge-Kutta steps, not of the differential equation.
"""
import numpy as np


def sat(u):
    """n / (1 + n) for n = exp(u)"""
    return 1.0 / (1.0 + np.exp(-u))


def rate(par, u, t):
    return par["r"] + par["A"] @ sat(u) + par["light"] * np.sin(t)


def rate_adjoint(par, bar, u, t, k):
    """bar.T times the Jacobian of rate: adds to bar, returns the part for u"""
    s = sat(u)
    bar["r"] += k
    bar["A"] += np.outer(k, s)
    bar["light"] += k * np.sin(t)
    return (par["A"].T @ k) * s * (1 - s)


def rk4(par, u, t, dt):
    k1 = rate(par, u, t)
    k2 = rate(par, u + 0.5 * dt * k1, t + 0.5 * dt)
    k3 = rate(par, u + 0.5 * dt * k2, t + 0.5 * dt)
    k4 = rate(par, u + dt * k3, t + dt)
    return u + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4), (k1, k2, k3)


def rk4_adjoint(par, bar, u, t, dt, ks, lam):
    k1, k2, k3 = ks
    b4 = dt / 6 * lam
    a4 = rate_adjoint(par, bar, u + dt * k3, t + dt, b4)
    b3 = dt / 3 * lam + dt * a4
    a3 = rate_adjoint(par, bar, u + 0.5 * dt * k2, t + 0.5 * dt, b3)
    b2 = dt / 3 * lam + 0.5 * dt * a3
    a2 = rate_adjoint(par, bar, u + 0.5 * dt * k1, t + 0.5 * dt, b2)
    b1 = dt / 6 * lam + 0.5 * dt * a2
    a1 = rate_adjoint(par, bar, u, t, b1)
    return lam + a1 + a2 + a3 + a4


def integrate(par, samplings, substeps, dt):
    u, t = par["u0"], 0.0
    visited, observed = [], []
    for k in range(samplings):
        observed.append(u)
        if k < samplings - 1:
            for _ in range(substeps):
                u_next, ks = rk4(par, u, t, dt)
                visited.append((u, t, ks))
                u, t = u_next, t + dt
    return visited, observed


def misfit(par, logs, substeps=2, dt=0.25):
    observed = integrate(par, len(logs), substeps, dt)[1]
    z = (np.array(observed) - logs) * np.exp(-par["lsd"])
    return 0.5 * np.sum(z**2) / len(logs) + np.sum(par["lsd"])


def misfit_adjoint(par, logs, substeps=2, dt=0.25):
    visited, observed = integrate(par, len(logs), substeps, dt)
    n = len(logs)
    precision = np.exp(-2 * par["lsd"])
    bar = {key: np.zeros_like(value) for key, value in par.items()}
    bar["lsd"] += 1.0
    lam = np.zeros_like(par["u0"])
    for k in range(n - 1, -1, -1):
        if k < n - 1:
            for u, t, ks in reversed(visited[k * substeps:(k + 1) * substeps]):
                lam = rk4_adjoint(par, bar, u, t, dt, ks, lam)
        gap = observed[k] - logs[k]
        bar["lsd"] -= gap**2 * precision / n
        lam = lam + gap * precision / n
    bar["u0"] += lam
    return bar


def ecology(species, seed):
    rng = np.random.default_rng(seed)
    return {
        "r": rng.normal(0.6, 0.2, species),
        "A": rng.normal(-0.5, 0.4, (species, species)),
        "light": rng.normal(0.3, 0.3, species),
        "u0": rng.normal(0.0, 0.7, species),
        "lsd": rng.normal(-0.5, 0.2, species),
    }


def sampled(samplings, species, seed):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(0, 0.5, (samplings, species)), axis=0)


par = ecology(3, seed=391)
logs = sampled(5, 3, seed=392)
