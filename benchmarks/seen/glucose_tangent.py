"""Glucose in mg/dl (standardised) an hour ahead from insulin and meals.   GRU, one patient.

The derivative is taken forward: `tangent` is the model linearised about its trajectory, with a perturbation dp of the
parameters that rides along; one run of it for every entry of every parameter gives the gradient. Slow, but the
trajectory need not be stored and the code is checked line by line against `predict`.
"""
import numpy as np


def logistic(x):
    return 1 / (1 + np.exp(-x))


def patient(n_in, n, seed):
    g = np.random.default_rng(seed)
    p = {}
    for gate in "zrh":
        p["W" + gate] = g.normal(size=(n, n_in)) * 0.8
        p["U" + gate] = g.normal(size=(n, n)) * 0.7
        p["b" + gate] = g.normal(size=n) * 0.3
    p["v"] = g.normal(size=n)
    p["v0"] = g.normal(size=1) * 0.2
    p["h0"] = g.normal(size=n) * 0.5
    return p


def diary(T, n_in, seed):
    g = np.random.default_rng(seed)
    return g.exponential(size=(T, n_in)), g.normal(size=T) * 1.2


def predict(p, doses):
    h = p["h0"]
    glucose = []
    for x in doses:
        z = logistic(p["Wz"] @ x + p["Uz"] @ h + p["bz"])
        r = logistic(p["Wr"] @ x + p["Ur"] @ h + p["br"])
        q = np.tanh(p["Wh"] @ x + r * (p["Uh"] @ h) + p["bh"])
        h = h + z * (q - h)
        glucose.append(p["v"] @ h + p["v0"][0])
    return np.array(glucose)


def penalty(residual, width):
    """Cauchy: outliers are common with cheap sensors"""
    return np.log1p((residual / width) ** 2)


def penalty_slope(residual, width):
    return 2 * residual / (width ** 2 + residual ** 2)


def misfit(p, doses, measured, width=0.8):
    return penalty(predict(p, doses) - measured, width).sum()


def tangent(p, dp, doses, measured, width):
    """d misfit along dp"""
    h, dh = p["h0"], dp["h0"]
    slope = 0.0
    for x, y in zip(doses, measured):
        z = logistic(p["Wz"] @ x + p["Uz"] @ h + p["bz"])
        dz = dp["Wz"] @ x + dp["Uz"] @ h + p["Uz"] @ dh + dp["bz"]
        dz = dz * z * (1 - z)

        r = logistic(p["Wr"] @ x + p["Ur"] @ h + p["br"])
        dr = dp["Wr"] @ x + dp["Ur"] @ h + p["Ur"] @ dh + dp["br"]
        dr = dr * r * (1 - r)

        memory = p["Uh"] @ h
        dmemory = dp["Uh"] @ h + p["Uh"] @ dh
        q = np.tanh(p["Wh"] @ x + r * memory + p["bh"])
        dq = dp["Wh"] @ x + dr * memory + r * dmemory + dp["bh"]
        dq = dq * (1 - q ** 2)

        dh = (1 - z) * dh + z * dq + dz * (q - h)
        h = h + z * (q - h)

        residual = p["v"] @ h + p["v0"][0] - y
        dresidual = dp["v"] @ h + p["v"] @ dh + dp["v0"][0]
        slope += penalty_slope(residual, width) * dresidual
    return slope


def misfit_gradient(p, doses, measured, width=0.8):
    gradient = {name: np.zeros_like(value) for name, value in p.items()}
    still = {name: np.zeros_like(value) for name, value in p.items()}
    for name in p:
        for entry in np.ndindex(p[name].shape):
            push = np.zeros_like(p[name])
            push[entry] = 1.0
            gradient[name][entry] = tangent(p, {**still, name: push}, doses, measured, width)
    return gradient


p = patient(n_in=2, n=3, seed=94)
doses, measured = diary(5, 2, seed=95)
