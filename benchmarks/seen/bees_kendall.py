"""Two questions to one recurrent net: how heavy is the hive tomorrow, and will the bees swarm?

The two losses are weighed by learned log variances (Kendall, Gal & Cipolla 2018); the recurrent and the input matrix
are weight-normalised, W = g * V / |V| row by row (Salimans & Kingma 2016).
Arrays are (days, features, hives).
"""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np


@dataclass
class Params:
    Vx: np.ndarray
    gx: np.ndarray
    Vh: np.ndarray
    gh: np.ndarray
    bias: np.ndarray
    heavy: np.ndarray      # (units,)
    swarm: np.ndarray      # (units,)
    offsets: np.ndarray    # (2,)
    log_var: np.ndarray    # (2,)


@dataclass(frozen=True)
class Apiary:
    sensors: np.ndarray    # (days, features, hives)
    weight: np.ndarray     # (days, hives)
    weighed: np.ndarray    # (days, hives) 1 where the scales worked
    swarmed: np.ndarray    # (days, hives)


def normalised(V: np.ndarray, g: np.ndarray) -> np.ndarray:
    return g[:, None] * V / np.linalg.norm(V, axis=1, keepdims=True)


def normalised_back(V: np.ndarray, g: np.ndarray, dW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    length = np.linalg.norm(V, axis=1, keepdims=True)
    unit = V / length
    dg = np.sum(dW * unit, axis=1)
    dV = g[:, None] / length * (dW - dg[:, None] * unit)
    return dV, dg


def states(p: Params, sensors: np.ndarray) -> np.ndarray:
    """(days + 1, units, hives)"""
    Wx, Wh = normalised(p.Vx, p.gx), normalised(p.Vh, p.gh)
    h = np.zeros((len(sensors) + 1, len(p.bias), sensors.shape[2]))
    for day, x in enumerate(sensors):
        h[day + 1] = np.tanh(Wx @ x + Wh @ h[day] + p.bias[:, None])
    return h


def heads(p: Params, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.tensordot(p.heavy, h[1:], (0, 1)) + p.offsets[0],
        np.tensordot(p.swarm, h[1:], (0, 1)) + p.offsets[1],
    )


def joint_loss(p: Params, a: Apiary) -> float:
    kilos, logit = heads(p, states(p, a.sensors))
    squares = np.sum(a.weighed * (kilos - a.weight) ** 2) / a.weighed.sum()
    cross = np.mean(np.logaddexp(0, logit) - a.swarmed * logit)
    s1, s2 = p.log_var
    return 0.5 * np.exp(-s1) * squares + np.exp(-s2) * cross + 0.5 * (s1 + s2)


def joint_gradient(p: Params, a: Apiary) -> Params:
    h = states(p, a.sensors)
    kilos, logit = heads(p, h)
    precision = np.exp(-p.log_var)
    miss = a.weighed * (kilos - a.weight) / a.weighed.sum()
    squares = np.sum(miss * (kilos - a.weight))
    cross = np.mean(np.logaddexp(0, logit) - a.swarmed * logit)
    d_log_var = 0.5 - precision * np.array([0.5 * squares, cross])

    d_kilos = precision[0] * miss
    d_logit = precision[1] * (1 / (1 + np.exp(-logit)) - a.swarmed) / logit.size
    d_heavy = np.einsum("db,dub->u", d_kilos, h[1:])
    d_swarm = np.einsum("db,dub->u", d_logit, h[1:])

    Wh = normalised(p.Vh, p.gh)
    delta = np.zeros_like(h[1:])
    back = np.zeros_like(h[0])
    for day in range(len(delta) - 1, -1, -1):
        dh = back + np.outer(p.heavy, d_kilos[day]) + np.outer(p.swarm, d_logit[day])
        delta[day] = dh * (1 - h[day + 1] ** 2)
        back = Wh.T @ delta[day]
    dVx, dgx = normalised_back(p.Vx, p.gx, np.einsum("dub,dfb->uf", delta, a.sensors))
    dVh, dgh = normalised_back(p.Vh, p.gh, np.einsum("dub,dvb->uv", delta, h[:-1]))
    return dataclasses.replace(
        p, Vx=dVx, gx=dgx, Vh=dVh, gh=dgh, bias=delta.sum(axis=(0, 2)), heavy=d_heavy, swarm=d_swarm,
        offsets=np.array([d_kilos.sum(), d_logit.sum()]), log_var=d_log_var,
    )


def initial(features: int, units: int, seed: int) -> Params:
    r = np.random.default_rng(seed)
    shapes = [(units, features), units, (units, units), units, units, units, units, 2, 2]
    return Params(*(r.normal(scale=0.8, size=shape) for shape in shapes))


def season(days: int, features: int, hives: int, seed: int) -> Apiary:
    r = np.random.default_rng(seed)
    weighed = (r.random((days, hives)) < 0.7).astype(float)
    weighed[0] = 1.0
    swarmed = (r.random((days, hives)) < 0.3).astype(float)
    return Apiary(r.normal(size=(days, features, hives)), r.normal(size=(days, hives)), weighed, swarmed)


params = initial(3, 4, seed=921)
apiary = season(6, 3, 4, seed=922)
