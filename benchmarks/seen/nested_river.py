#!/usr/bin/env python3
"""River level forecast by a Nested LSTM.

J. R. A. Moniz and D. Krueger, "Nested LSTMs", ACML 2017.  The sum  f * c + i * g  of the outer cell is replaced by
an inner LSTM, whose input is  i * g  and whose previous output is  f * c :

    outer:  i, f, o = sigm(...), g = tanh(...)   of (x[t], h[t-1])
    inner:  reads  (i * g, f * c[t-1]),  has its own memory  m,  and gives  c[t]
    h[t] = o * tanh(c[t])

One record at a time; half the mean squared error of the level.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vec = NDArray[np.float64]
Mat = NDArray[np.float64]
Quad = tuple[Vec, Vec, Vec, Vec]


@dataclass(frozen=True)
class Gates:  # columns in the order input, forget, output, candidate
    W: Mat  # (inputs, 4 units)
    U: Mat  # (units, 4 units)
    b: Vec  # (4 units,)


@dataclass(frozen=True)
class Params:
    outer: Gates
    inner: Gates
    w: Vec
    w0: Vec


# x, h and c and m before, outer gates, inner gates, m and c and h after
Moment = tuple[Vec, Vec, Vec, Vec, Quad, Quad, Vec, Vec, Vec]


def activate(gates: Gates, x: Vec, h: Vec) -> Quad:
    a = x @ gates.W + h @ gates.U + gates.b
    n = len(a) // 4
    s = 1.0 / (1.0 + np.exp(-a[:3 * n]))
    return s[:n], s[n:2 * n], s[2 * n:], np.tanh(a[3 * n:])


def moments(p: Params, record: Mat) -> list[Moment]:
    h = c = m = np.zeros(len(p.outer.U))
    past: list[Moment] = []
    for x in record:
        i, f, o, g = outer = activate(p.outer, x, h)
        ii, ff, oo, gg = inner = activate(p.inner, i * g, f * c)
        m_new = ff * m + ii * gg
        c_new = oo * np.tanh(m_new)
        h_new = o * np.tanh(c_new)
        past.append((x, h, c, m, outer, inner, m_new, c_new, h_new))
        h, c, m = h_new, c_new, m_new
    return past


def half_mse(p: Params, record: Mat, level: Vec) -> float:
    errors = [step[-1] @ p.w + p.w0[0] - y for step, y in zip(moments(p, record), level, strict=True)]
    return 0.5 * sum(e * e for e in errors) / len(level)


def half_mse_gradient(p: Params, record: Mat, level: Vec) -> Params:
    past = moments(p, record)
    gW, gU, gb = np.zeros_like(p.outer.W), np.zeros_like(p.outer.U), np.zeros_like(p.outer.b)
    kW, kU, kb = np.zeros_like(p.inner.W), np.zeros_like(p.inner.U), np.zeros_like(p.inner.b)
    gw, gw0 = np.zeros_like(p.w), np.zeros_like(p.w0)
    dh, dc, dm = np.zeros_like(p.w), np.zeros_like(p.w), np.zeros_like(p.w)
    for step, y in zip(reversed(past), reversed(level), strict=True):
        x, h_before, c_before, m_before, (i, f, o, g), (ii, ff, oo, gg), m, c, h = step
        error = (h @ p.w + p.w0[0] - y) / len(level)
        gw += error * h
        gw0 += error
        dh = dh + error * p.w
        squashed = np.tanh(c)
        dc = dc + dh * o * (1.0 - squashed ** 2)
        # inner cell
        tm = np.tanh(m)
        dm = dm + dc * oo * (1.0 - tm ** 2)
        da = np.concatenate([
            dm * gg * ii * (1.0 - ii),
            dm * m_before * ff * (1.0 - ff),
            dc * tm * oo * (1.0 - oo),
            dm * ii * (1.0 - gg ** 2),
        ])
        kW += np.outer(i * g, da)
        kU += np.outer(f * c_before, da)
        kb += da
        d_in, d_rec = p.inner.W @ da, p.inner.U @ da
        dm = dm * ff
        # outer cell
        da = np.concatenate([
            d_in * g * i * (1.0 - i),
            d_rec * c_before * f * (1.0 - f),
            dh * squashed * o * (1.0 - o),
            d_in * i * (1.0 - g ** 2),
        ])
        gW += np.outer(x, da)
        gU += np.outer(h_before, da)
        gb += da
        dc = d_rec * f
        dh = p.outer.U @ da
    return Params(Gates(gW, gU, gb), Gates(kW, kU, kb), gw, gw0)


def draw(inputs: int, units: int, seed: int) -> Params:
    rng = np.random.default_rng(seed)

    def gates(k: int) -> Gates:
        cols = 4 * units
        return Gates(rng.normal(0, 0.7, (k, cols)), rng.normal(0, 0.5, (units, cols)), rng.normal(0, 0.2, cols))

    return Params(gates(inputs), gates(units), rng.normal(0, 1.5, units), rng.normal(0, 0.1, 1))


def gauge(steps: int, inputs: int, seed: int) -> tuple[Mat, Vec]:
    rng = np.random.default_rng(seed)
    rain = rng.gamma(0.8, 1.0, (steps, inputs))
    return rain, np.convolve(rain.mean(axis=1), [0.5, 0.3, 0.2])[:steps]


params = draw(inputs=3, units=4, seed=90)
record, level = gauge(6, 3, seed=91)
