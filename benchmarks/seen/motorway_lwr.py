"""Density of traffic on a motorway, calibrated to loop detectors.

Conservation of cars in cells (LWR model), Greenshields' speed, Lax-Friedrichs fluxes:
    q(r) = v r (1 - r),     F[j] = (q[j-1] + q[j]) / 2 - A (r[j] - r[j-1]) / 2,     r += LAMBDA (F[j] - F[j+1])
r is relative to the density of a jam.  What is sought: free speed of each cell, density at both ends in time, start.
"""
from types import SimpleNamespace

import numpy as np

LAMBDA = 0.4
A = 1.1


def squash(z):
    return 0.5 + 0.5 * np.tanh(z)


def simulate(road):
    v = np.exp(road.logv)
    west, east = squash(road.west), squash(road.east)
    T, N = len(west), len(v)
    speeds = np.concatenate([v[:1], v, v[-1:]])
    r = np.zeros((T + 1, N))
    r[0] = squash(road.start)
    for t in range(T):
        full = np.concatenate([west[t:t + 1], r[t], east[t:t + 1]])
        q = speeds * full * (1 - full)
        F = 0.5 * (q[:-1] + q[1:]) - 0.5 * A * (full[1:] - full[:-1])
        r[t + 1] = r[t] + LAMBDA * (F[:-1] - F[1:])
    return r


def misfit(road, detectors, readings):
    r = simulate(road)
    e = r[1:, detectors] - readings
    rough = np.diff(road.west) ** 2
    return 50 * np.mean(e ** 2) + 0.1 * np.sum(rough) + 0.1 * np.sum(np.diff(road.east) ** 2)


def adjoint(road, detectors, readings):
    r = simulate(road)
    v = np.exp(road.logv)
    west, east = squash(road.west), squash(road.east)
    speeds = np.concatenate([v[:1], v, v[-1:]])
    T, N = len(west), len(v)
    e = r[1:, detectors] - readings
    lam = np.zeros(N)
    g_speeds, g_west, g_east = np.zeros(N + 2), np.zeros(T), np.zeros(T)
    for t in range(T - 1, -1, -1):
        lam[detectors] += 100 * e[t] / e.size
        # r[t + 1] = r[t] + LAMBDA * (F[:-1] - F[1:])
        gF = np.zeros(N + 1)
        gF[:-1] += LAMBDA * lam
        gF[1:] -= LAMBDA * lam
        gq = np.zeros(N + 2)
        gq[:-1] += 0.5 * gF
        gq[1:] += 0.5 * gF
        full = np.concatenate([west[t:t + 1], r[t], east[t:t + 1]])
        g_speeds += gq * full * (1 - full)
        g_full = gq * speeds * (1 - 2 * full)
        g_full[1:] -= 0.5 * A * gF
        g_full[:-1] += 0.5 * A * gF
        g_west[t], g_east[t] = g_full[0], g_full[-1]
        lam = lam + g_full[1:-1]
    g_v = g_speeds[1:-1].copy()
    g_v[0] += g_speeds[0]
    g_v[-1] += g_speeds[-1]
    r0 = squash(road.start)
    out = SimpleNamespace()
    out.logv = g_v * v
    out.start = lam * 2 * r0 * (1 - r0)
    out.west = g_west * 2 * west * (1 - west)
    out.east = g_east * 2 * east * (1 - east)
    for name in ("west", "east"):
        jump = 0.2 * np.diff(getattr(road, name))
        getattr(out, name)[1:] += jump
        getattr(out, name)[:-1] -= jump
    return out


def motorway(cells, steps, seed):
    rng = np.random.default_rng(seed)
    return SimpleNamespace(
        logv=-0.2 + 0.2 * rng.normal(size=cells),
        start=0.5 * rng.normal(size=cells),
        west=0.4 * rng.normal(size=steps),
        east=0.4 * rng.normal(size=steps),
    )


road = motorway(6, 7, seed=1151)
detectors = [1, 4]
readings = np.random.default_rng(1152).uniform(0.1, 0.9, size=(7, 2))
