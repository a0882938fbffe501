"""Inverse optimal control: which quadratic cost makes a pilot fly as they do?

The gains come from the Riccati recursion, run from the end of the flight,
    G = R + B'PB,  F = B'PA,  K = G^-1 F,  P <- Q + A'PA - F'K,
and the recorded commands are compared with -K_k x_k.  The model (A, B) is identified along with the cost.
"""
from dataclasses import dataclass

import numpy as np


@dataclass
class Pilot:
    log_q: np.ndarray  # cost of each state
    log_r: np.ndarray  # cost of each command
    log_end: np.ndarray  # cost of each state at the end
    A: np.ndarray
    B: np.ndarray


def riccati(pilot: Pilot, horizon: int):
    A, B = pilot.A, pilot.B
    Q, R = np.diag(np.exp(pilot.log_q)), np.diag(np.exp(pilot.log_r))
    P = np.diag(np.exp(pilot.log_end))
    steps = []
    for _ in range(horizon):
        G = R + B.T @ P @ B
        F = B.T @ P @ A
        K = np.linalg.solve(G, F)
        steps.append((P, G, F, K))
        P = Q + A.T @ P @ A - F.T @ K
    return steps


def discrepancy(pilot: Pilot, states: np.ndarray, commands: np.ndarray, ridge: float = 0.01) -> float:
    horizon = len(commands)
    steps = riccati(pilot, horizon)
    total = 0.0
    for k in range(horizon):
        K = steps[horizon - 1 - k][3]
        miss = commands[k] + K @ states[k]
        total += 0.5 * miss @ miss
    return total / horizon + ridge * (np.sum(pilot.log_q ** 2) + np.sum(pilot.log_r ** 2))


def discrepancy_gradient(pilot: Pilot, states: np.ndarray, commands: np.ndarray, ridge: float = 0.01) -> Pilot:
    A, B = pilot.A, pilot.B
    horizon = len(commands)
    steps = riccati(pilot, horizon)
    gA, gB = np.zeros_like(A), np.zeros_like(B)
    gQ, gR = np.zeros(len(A)), np.zeros(B.shape[1])
    gP = np.zeros_like(A)  # with respect to the P that the step makes
    for k in range(horizon):
        P, G, F, K = steps[horizon - 1 - k]
        miss = commands[k] + K @ states[k]
        gK = np.outer(miss, states[k]) / horizon
        # P_new = Q + A'PA - F'K
        gQ += np.diag(gP)
        gF = -K @ gP.T
        gK = gK - F @ gP
        gA += P @ A @ gP.T + P.T @ A @ gP
        before = A @ gP @ A.T
        # K = G^-1 F
        Y = np.linalg.solve(G.T, gK)
        gF = gF + Y
        gG = -Y @ K.T
        # F = B'PA
        gA += P.T @ B @ gF
        gB += P @ A @ gF.T
        before += B @ gF @ A.T
        # G = R + B'PB
        gR += np.diag(gG)
        gB += P @ B @ gG.T + P.T @ B @ gG
        before += B @ gG @ B.T
        gP = before
    return Pilot(
        log_q=gQ * np.exp(pilot.log_q) + 2 * ridge * pilot.log_q,
        log_r=gR * np.exp(pilot.log_r) + 2 * ridge * pilot.log_r,
        log_end=np.diag(gP) * np.exp(pilot.log_end),
        A=gA,
        B=gB,
    )


def guess(n: int, m: int, seed: int) -> Pilot:
    rng = np.random.default_rng(seed)
    return Pilot(
        log_q=0.3 * rng.normal(size=n),
        log_r=0.3 * rng.normal(size=m),
        log_end=0.3 * rng.normal(size=n),
        A=0.8 * np.eye(n) + 0.2 * rng.normal(size=(n, n)),
        B=0.6 * rng.normal(size=(n, m)),
    )


def flight(horizon: int, n: int, m: int, seed: int):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(horizon, n)), 0.5 * rng.normal(size=(horizon, m))


pilot = guess(3, 2, seed=1211)
states, commands = flight(5, 3, 2, seed=1212)
