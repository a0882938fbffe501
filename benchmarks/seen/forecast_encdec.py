"""Encoder-decoder without attention, vanilla tanh cells.

The encoder reads the past, the decoder writes the future and is fed ITS OWN previous output
(so the error also flows through what was fed back).
"""
from collections import namedtuple

import numpy as np

Model = namedtuple("Model", "We Re be Wd Rd bd Wo bo h0")


def build(n_var, n_hid, rng):
    return Model(
        We=rng.normal(0, 0.6, (n_hid, n_var)),
        Re=rng.normal(0, 0.5, (n_hid, n_hid)),
        be=rng.normal(0, 0.2, n_hid),
        Wd=rng.normal(0, 0.5, (n_hid, n_var)),
        Rd=rng.normal(0, 0.5, (n_hid, n_hid)),
        bd=rng.normal(0, 0.2, n_hid),
        Wo=rng.normal(0, 0.7, (n_var, n_hid)),
        bo=rng.normal(0, 0.2, n_var),
        h0=rng.normal(0, 0.4, n_hid),
    )


def encode(model, past):
    hs = [model.h0]
    for x in past:
        hs.append(np.tanh(model.We @ x + model.Re @ hs[-1] + model.be))
    return hs


def decode(model, context, first, horizon):
    ss, ys = [context], [first]
    for _ in range(horizon):
        ss.append(np.tanh(model.Wd @ ys[-1] + model.Rd @ ss[-1] + model.bd))
        ys.append(model.Wo @ ss[-1] + model.bo)
    return ss, ys


def forecast_loss(model, past, future):
    hs = encode(model, past)
    _, ys = decode(model, hs[-1], past[-1], len(future))
    return sum(0.5 * np.sum((y - f) ** 2) for y, f in zip(ys[1:], future))


def forecast_grads(model, past, future):
    hs = encode(model, past)
    ss, ys = decode(model, hs[-1], past[-1], len(future))
    g = {name: np.zeros_like(value) for name, value in model._asdict().items()}

    grad_s = np.zeros_like(model.h0)
    grad_fed = np.zeros_like(model.bo)
    for t in range(len(future), 0, -1):
        grad_y = ys[t] - future[t - 1] + grad_fed
        g["Wo"] += np.outer(grad_y, ss[t])
        g["bo"] += grad_y
        grad_s = grad_s + model.Wo.T @ grad_y
        grad_a = grad_s * (1 - ss[t] ** 2)
        g["Wd"] += np.outer(grad_a, ys[t - 1])
        g["Rd"] += np.outer(grad_a, ss[t - 1])
        g["bd"] += grad_a
        grad_fed = model.Wd.T @ grad_a
        grad_s = model.Rd.T @ grad_a

    # the decoder's first state is the encoder's last one
    grad_h = grad_s
    for t in range(len(past), 0, -1):
        grad_a = grad_h * (1 - hs[t] ** 2)
        g["We"] += np.outer(grad_a, past[t - 1])
        g["Re"] += np.outer(grad_a, hs[t - 1])
        g["be"] += grad_a
        grad_h = model.Re.T @ grad_a
    g["h0"] = grad_h
    return Model(**g)


rng = np.random.default_rng(17)
model = build(3, 5, rng)
past = rng.normal(size=(6, 3))
future = rng.normal(size=(4, 3))
