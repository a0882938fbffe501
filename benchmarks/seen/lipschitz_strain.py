"""Bridge deck strain from passing lorries with a Lipschitz RNN (Erichson et al. 2021).

    h' = A h + tanh(W h + U x + b)
    A = (1 - beta) (M_A + M_A^T) + beta (M_A - M_A^T) - gamma I,   W likewise from M_W

by explicit Euler steps of length eps.  Squared error of a linear gauge reading, plus the squared speed of the states
(kinetic energy), which keeps trajectories smooth.
"""
from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy import ndarray


@dataclass(frozen=True)
class Dynamics:
    beta: float = 0.65
    gamma: float = 0.01
    eps: float = 0.2
    kinetic: float = 0.05

    def matrix(self, M: ndarray) -> ndarray:
        return (1 - self.beta) * (M + M.T) + self.beta * (M - M.T) - self.gamma * np.eye(len(M))

    def matrix_adjoint(self, d: ndarray) -> ndarray:
        # M -> M has weight (1 - beta) + beta, M -> M^T has weight (1 - beta) - beta
        return d + (1 - 2 * self.beta) * d.T


@dataclass
class Weights:
    M_A: ndarray
    M_W: ndarray
    U: ndarray
    b: ndarray
    D: ndarray
    d: ndarray

    @staticmethod
    def sample(n_in: int, n_units: int, n_gauges: int, seed: int) -> Weights:
        rng = np.random.default_rng(seed)
        s = 1 / np.sqrt(n_units)
        return Weights(
            M_A=rng.normal(0, s, (n_units, n_units)), M_W=rng.normal(0, s, (n_units, n_units)),
            U=rng.normal(0, 1, (n_units, n_in)), b=rng.normal(0, 0.2, n_units),
            D=rng.normal(0, s, (n_gauges, n_units)), d=rng.normal(0, 0.2, n_gauges))

    def zeros(self) -> Weights:
        return Weights(*(np.zeros_like(getattr(self, f.name)) for f in fields(self)))


@dataclass
class Trajectory:
    h: list[ndarray] = field(default_factory=list)
    act: list[ndarray] = field(default_factory=list)
    speed: list[ndarray] = field(default_factory=list)


def integrate(w: Weights, dyn: Dynamics, loads: ndarray) -> Trajectory:
    A, W = dyn.matrix(w.M_A), dyn.matrix(w.M_W)
    tr = Trajectory()
    h = np.zeros((loads.shape[0], len(w.b)))
    tr.h.append(h)
    for t in range(loads.shape[1]):
        act = np.tanh(h @ W.T + loads[:, t] @ w.U.T + w.b)
        speed = h @ A.T + act
        h = h + dyn.eps * speed
        tr.act.append(act)
        tr.speed.append(speed)
        tr.h.append(h)
    return tr


def objective(w: Weights, dyn: Dynamics, loads: ndarray, strain: ndarray) -> float:
    tr = integrate(w, dyn, loads)
    lorries, T, _ = loads.shape
    total = 0.0
    for t in range(T):
        total += 0.5 * np.sum((tr.h[t + 1] @ w.D.T + w.d - strain[:, t]) ** 2)
        total += 0.5 * dyn.kinetic * np.sum(tr.speed[t] ** 2)
    return total / (lorries * T)


def adjoint(w: Weights, dyn: Dynamics, loads: ndarray, strain: ndarray) -> Weights:
    tr = integrate(w, dyn, loads)
    lorries, T, _ = loads.shape
    A, W = dyn.matrix(w.M_A), dyn.matrix(w.M_W)
    dA, dW, g = np.zeros_like(A), np.zeros_like(W), w.zeros()
    lam = np.zeros_like(tr.h[0])
    for t in reversed(range(T)):
        miss = (tr.h[t + 1] @ w.D.T + w.d - strain[:, t]) / (lorries * T)
        g.D += miss.T @ tr.h[t + 1]
        g.d += miss.sum(axis=0)
        lam = lam + miss @ w.D
        d_speed = dyn.eps * lam + dyn.kinetic * tr.speed[t] / (lorries * T)
        d_pre = d_speed * (1 - tr.act[t] ** 2)
        dA += d_speed.T @ tr.h[t]
        dW += d_pre.T @ tr.h[t]
        g.U += d_pre.T @ loads[:, t]
        g.b += d_pre.sum(axis=0)
        lam = lam + d_speed @ A + d_pre @ W
    g.M_A, g.M_W = dyn.matrix_adjoint(dA), dyn.matrix_adjoint(dW)
    return g


def traffic(lorries: int, T: int, n_in: int, n_gauges: int, seed: int) -> tuple[ndarray, ndarray]:
    rng = np.random.default_rng(seed)
    loads = np.abs(rng.normal(0, 1, (lorries, T, n_in)))
    return loads, np.cumsum(rng.normal(0, 0.5, (lorries, T, n_gauges)), axis=1)


w, dyn = Weights.sample(n_in=2, n_units=4, n_gauges=2, seed=101), Dynamics()
loads, strain = traffic(lorries=3, T=5, n_in=2, n_gauges=2, seed=102)
