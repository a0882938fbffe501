"""Coupled phase oscillators (Kuramoto with a matrix of couplings and a lag), fitted to observed flash phases.

The misfit of an angle is 1 - cos(error); an L2 term keeps the couplings small.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Swarm:
    omega: np.ndarray    # natural frequencies (N,)
    K: np.ndarray        # K[i, j]: pull of j on i
    lag: np.ndarray      # ()
    phase0: np.ndarray   # (N,)

    @classmethod
    def random(cls, n: int, seed: int) -> Swarm:
        rng = np.random.default_rng(seed)
        return cls(
            rng.normal(1.0, 0.3, size=n),
            rng.normal(0.4, 0.3, size=(n, n)),
            np.array(rng.normal(0.2, 0.1)),
            rng.uniform(-np.pi, np.pi, size=n),
        )


def differences(theta, lag):
    """theta_j - theta_i - lag, as a matrix over i, j"""
    return theta[None, :] - theta[:, None] - lag


def trajectory(sw: Swarm, T: int, dt: float):
    n = len(sw.omega)
    theta = sw.phase0
    states = [theta]
    for _ in range(T - 1):
        pull = (sw.K * np.sin(differences(theta, sw.lag))).sum(axis=1) / n
        theta = theta + dt * (sw.omega + pull)
        states.append(theta)
    return states


def misfit(sw: Swarm, seen: np.ndarray, dt: float, ridge: float = 0.05) -> float:
    states = trajectory(sw, len(seen), dt)
    total = 0.0
    for theta, phi in zip(states, seen):
        total = total + np.sum(1 - np.cos(theta - phi))
    return total / seen.size + 0.5 * ridge * np.sum(sw.K ** 2)


def adjoint(sw: Swarm, seen: np.ndarray, dt: float, ridge: float = 0.05) -> Swarm:
    n = len(sw.omega)
    states = trajectory(sw, len(seen), dt)
    d_omega = np.zeros(n)
    d_K = ridge * sw.K
    d_lag = 0.0

    lam = np.sin(states[-1] - seen[-1]) / seen.size
    for t in range(len(seen) - 2, -1, -1):
        diff = differences(states[t], sw.lag)
        d_omega += dt * lam
        d_K = d_K + dt / n * lam[:, None] * np.sin(diff)
        slope = dt / n * lam[:, None] * sw.K * np.cos(diff)
        d_lag -= slope.sum()
        lam = lam + slope.sum(axis=0) - slope.sum(axis=1)
        lam = lam + np.sin(states[t] - seen[t]) / seen.size
    return Swarm(d_omega, d_K, np.array(d_lag), lam)


def meadow(T: int, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(0.5, 0.4, size=(T, n)), axis=0)


swarm = Swarm.random(4, seed=111)
seen = meadow(7, 4, seed=112)
