"""Minimal gated unit (one gate that forgets and resets), written with pullbacks.

Each building block returns its value and a function that takes the cotangent of the
value to the cotangents of the arguments. Vectors are 1-d; one sequence at a time.
"""

import numpy as np


def affine(w, u, b, x, h):
    def pull(ct):
        return np.outer(ct, x), np.outer(ct, h), ct, u.T @ ct
    return w @ x + u @ h + b, pull


def mgu_cell(p, x, h):
    wf, uf, bf, wc, uc, bc = p
    a, pull_a = affine(wf, uf, bf, x, h)
    f = 1 / (1 + np.exp(-a))
    gated = f * h
    q, pull_q = affine(wc, uc, bc, x, gated)
    cand = np.tanh(q)
    new = h + f * (cand - h)

    def pull(ct):
        ct_q = ct * f * (1 - cand ** 2)
        g_wc, g_uc, g_bc, ct_gated = pull_q(ct_q)
        ct_f = ct * (cand - h) + ct_gated * h
        ct_a = ct_f * f * (1 - f)
        g_wf, g_uf, g_bf, ct_h = pull_a(ct_a)
        ct_h = ct_h + ct * (1 - f) + ct_gated * f
        return [g_wf, g_uf, g_bf, g_wc, g_uc, g_bc], ct_h

    return new, pull


def squared(v, c, h, y):
    err = v @ h + c - y

    def pull(weight):
        d = weight * err
        return np.outer(d, h), d, v.T @ d

    return 0.5 * err @ err, pull


def run(params, h0, xs, ys):
    """Mean error over time, and the pullback that gives all gradients and that of h0."""
    *cell, v, c = params
    h, total, pulls = h0, 0.0, []
    for x, y in zip(xs, ys):
        h, pull_cell = mgu_cell(cell, x, h)
        e, pull_error = squared(v, c, h, y)
        total = total + e
        pulls.append((pull_cell, pull_error))
    steps = len(pulls)

    def pull():
        grads = [np.zeros_like(p) for p in params]
        ct_h = np.zeros_like(h0)
        for pull_cell, pull_error in reversed(pulls):
            g_v, g_c, from_error = pull_error(1.0 / steps)
            cell_grads, ct_h = pull_cell(ct_h + from_error)
            for total_grad, g in zip(grads, cell_grads + [g_v, g_c]):
                total_grad += g
        return grads, ct_h

    return total / steps, pull


def setup(steps, n_in, n_hid, n_out, seed):
    rng = np.random.default_rng(seed)
    gate = [rng.normal(size=(n_hid, n_in)), rng.normal(size=(n_hid, n_hid)) / 2, rng.normal(size=n_hid) / 5]
    cand = [rng.normal(size=(n_hid, n_in)), rng.normal(size=(n_hid, n_hid)) / 2, rng.normal(size=n_hid) / 5]
    head = [rng.normal(size=(n_out, n_hid)), rng.normal(size=n_out) / 5]
    h0 = rng.normal(size=n_hid) / 2
    return gate + cand + head, h0, rng.normal(size=(steps, n_in)), rng.normal(size=(steps, n_out))


params, h0, xs, ys = setup(steps=6, n_in=3, n_hid=5, n_out=2, seed=19)
