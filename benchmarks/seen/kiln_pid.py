"""Tuning the controllers of a pottery kiln on a simulated firing, gradient by hand through the closed loop."""
from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


@dataclass
class Gains:
    kp: np.ndarray
    ki: np.ndarray
    kd: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Kiln:
    """zones side by side; heat by the elements, loss through the wall and by radiation, exchange between neighbours"""
    power: np.ndarray
    wall: float = 0.3
    radiation: float = 0.05
    exchange: float = 0.25
    dt: float = 0.3

    def neighbours(self, T: np.ndarray) -> np.ndarray:
        out = np.zeros_like(T)
        flow = T[1:] - T[:-1]
        out[:-1] += flow
        out[1:] -= flow
        return out


def fire(gains: Gains, kiln: Kiln, target: np.ndarray) -> list[tuple]:
    zones = len(kiln.power)
    T, total, last = np.zeros(zones), np.zeros(zones), np.zeros(zones)
    log = []
    for want in target:
        err = want - T
        total = total + kiln.dt * err
        rise = (err - last) / kiln.dt
        u = 1 / (1 + np.exp(-(gains.kp * err + gains.ki * total + gains.kd * rise + gains.bias)))
        log.append((T, err, total, rise, u))
        warm = kiln.power * u - kiln.wall * T - kiln.radiation * T * np.abs(T) ** 3 + kiln.exchange * kiln.neighbours(T)
        T, last = T + kiln.dt * warm, err
    log.append((T,))
    return log


def cost(gains: Gains, kiln: Kiln, target: np.ndarray, energy: float) -> float:
    log = fire(gains, kiln, target)
    value = 0.0
    for want, (T, *_, u) in zip(target, log[:-1]):
        value += np.sum((want - T) ** 2) + energy * np.sum(kiln.power * u)
    end = log[-1][0]
    return value / len(target) + np.sum(np.log(1 + np.exp(3 * (end - target[-1])))) / 3


def cost_gradient(gains: Gains, kiln: Kiln, target: np.ndarray, energy: float) -> Gains:
    log = fire(gains, kiln, target)
    n = len(target)
    g = Gains(*(np.zeros_like(getattr(gains, f.name)) for f in fields(Gains)))
    aT = 1 / (1 + np.exp(-3 * (log[-1][0] - target[-1])))
    a_total, a_last = np.zeros_like(aT), np.zeros_like(aT)
    for k in range(n - 1, -1, -1):
        T, err, total, rise, u = log[k]
        a_warm = kiln.dt * aT
        a_u = a_warm * kiln.power + energy * kiln.power / n
        aT = aT - kiln.wall * a_warm - 4 * kiln.radiation * np.abs(T) ** 3 * a_warm
        aT = aT + kiln.exchange * kiln.neighbours(a_warm)
        drive = a_u * u * (1 - u)
        g.kp += drive * err
        g.ki += drive * total
        g.kd += drive * rise
        g.bias += drive
        a_total = a_total + drive * gains.ki
        a_rise = drive * gains.kd
        a_err = a_last + drive * gains.kp + a_rise / kiln.dt + kiln.dt * a_total + 2 * err / n
        a_last = -a_rise / kiln.dt
        aT = aT - a_err
    return g


def new_gains(zones: int, seed: int) -> Gains:
    rng = np.random.default_rng(seed)
    return Gains(1.0 + 0.3 * rng.normal(size=zones), 0.4 + 0.1 * rng.normal(size=zones),
                 0.1 + 0.05 * rng.normal(size=zones), 0.2 * rng.normal(size=zones))


def schedule(steps: int, zones: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.linspace(0.3, 1.5, steps)[:, None] + 0.1 * rng.normal(size=(steps, zones))


gains = new_gains(3, seed=1221)
kiln = Kiln(power=np.array([2.0, 2.5, 1.8]))
target = schedule(8, 3, seed=1222)
