#!/usr/bin/env python
# 1-D full waveform inversion, acoustic, second order in time and space, adjoint-state gradient.
#
#   u[n+1] = (2 u[n] - (1 - g) u[n-1] + k (L u[n]) + s[n]) / (1 + g)      k = (c dt/dx)^2,  g = sponge near the ends
#
# Unknowns: the velocity of every cell, squeezed between CMIN and CMAX, and the source signature.
# Misfit: 1 - normalised correlation of each trace, so amplitudes of the shots do not matter; plus smoothness of the model.
import numpy as np

CMIN, CMAX = 0.3, 0.8   # in units of dx/dt
SMOOTH = 0.05


def courant(m):
    return (CMIN + (CMAX - CMIN) / (1 + np.exp(-m))) ** 2


def courant_slope(m):
    s = 1 / (1 + np.exp(-m))
    return 2 * (CMIN + (CMAX - CMIN) * s) * (CMAX - CMIN) * s * (1 - s)


def lap(u):
    out = -2 * u
    out[1:] += u[:-1]
    out[:-1] += u[1:]
    return out


def sponge(nx):
    x = np.linspace(-1, 1, nx)
    return 0.3 * x ** 4


def shoot(m, wavelet, src):
    """wavefield, (nt + 1, nx): u[0] = 0 is before the first sample of the source"""
    nt, nx = len(wavelet), len(m)
    k, g = courant(m), sponge(nx)
    u = np.zeros((nt + 1, nx))
    for n in range(nt):
        rhs = 2 * u[n] + k * lap(u[n])
        if n > 0:
            rhs -= (1 - g) * u[n - 1]
        rhs[src] += wavelet[n]
        u[n + 1] = rhs / (1 + g)
    return u


def correlation(d, obs):
    """1 - corr of every column, and the slope by d"""
    a = np.sqrt((d ** 2).sum(0) + 1e-4)
    b = np.sqrt((obs ** 2).sum(0))
    r = (d * obs).sum(0) / (a * b)
    return np.sum(1 - r), r * d / a ** 2 - obs / (a * b)


def misfit(m, wavelet, survey):
    J = 0.5 * SMOOTH * np.sum(np.diff(m) ** 2)
    for src, receivers, obs in survey:
        u = shoot(m, wavelet, src)
        J += correlation(u[1:, receivers], obs)[0] / len(survey)
    return J


def fwi_gradient(m, wavelet, survey):
    nt, nx = len(wavelet), len(m)
    k, g = courant(m), sponge(nx)
    grad_k, grad_w = np.zeros(nx), np.zeros(nt)
    for src, receivers, obs in survey:
        u = shoot(m, wavelet, src)
        residual = correlation(u[1:, receivers], obs)[1] / len(survey)
        # adjoint field, backwards in time, driven by the residuals at the receivers
        later, now = np.zeros(nx), np.zeros(nx)     # of u[n+2] and of u[n+1]
        for n in range(nt - 1, -1, -1):
            lam = 2 * now + lap(k * now) - (1 - g) * later
            lam[receivers] += residual[n]
            lam /= 1 + g
            grad_w[n] += lam[src]
            grad_k += lam * lap(u[n])
            later, now = now, lam
    grad_m = grad_k * courant_slope(m)
    grad_m[1:] += SMOOTH * np.diff(m)
    grad_m[:-1] -= SMOOTH * np.diff(m)
    return grad_m, grad_w


def ground(nx, nt, seed):
    rng = np.random.RandomState(seed)
    t = np.arange(nt) - 2.
    return rng.normal(0, .8, nx), (1 - .5 * t ** 2) * np.exp(-.25 * t ** 2) + .1 * rng.randn(nt)


def field_campaign(nx, nt, shots, seed):
    rng = np.random.RandomState(seed)
    receivers = np.arange(1, nx, 2)
    return [(int(rng.randint(nx)), receivers, rng.randn(nt, len(receivers))) for _ in range(shots)]


m, wavelet = ground(7, 9, seed=581)
survey = field_campaign(7, 9, 2, seed=582)
