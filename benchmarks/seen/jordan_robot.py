"""
Jordan network: the state is not the hidden layer but a fading memory of the outputs.

    s(t) = mu s(t-1) + y(t-1)
    h(t) = sigm(A x(t) + C s(t) + a)
    y(t) = tanh(B h(t) + b)

All weights live in ONE vector, as the optimiser (scipy's fmin_cg etc.) wants it.
"""
from numpy import (array, concatenate, cos, dot, exp, linspace, ones, outer, sin, tanh, zeros, zeros_like)
from numpy.random import RandomState

MU = 0.6


def sigm(a):
    return 1.0 / (1.0 + exp(-a))


def split(theta, sizes):
    d, h, k = sizes
    cuts, shapes = 0, []
    for shape in [(h, d), (h, k), (h,), (k, h), (k,)]:
        n = shape[0] * (shape[1] if len(shape) > 1 else 1)
        shapes.append(theta[cuts:cuts + n].reshape(shape))
        cuts += n
    return shapes


def run(theta, sizes, xs, y0):
    A, C, a, B, b = split(theta, sizes)
    y, s = y0, zeros(sizes[2])
    trace = []
    for x in xs:
        s = MU * s + y
        h = sigm(dot(A, x) + dot(C, s) + a)
        y = tanh(dot(B, h) + b)
        trace.append((x, s, h, y))
    return trace


def E(theta, sizes, xs, ds, y0):
    """Sum of squared errors over the whole trajectory."""
    total = 0.0
    for (x, s, h, y), d in zip(run(theta, sizes, xs, y0), ds):
        total = total + 0.5 * dot(y - d, y - d)
    return total


def gradE(theta, sizes, xs, ds, y0):
    A, C, a, B, b = split(theta, sizes)
    trace = run(theta, sizes, xs, y0)
    dA, dC, da, dB, db = (zeros_like(m) for m in (A, C, a, B, b))
    # delta_s: dE/ds(t+1), everything that comes back out of the next step's memory
    delta_s = zeros(sizes[2])
    for (x, s, h, y), d in list(zip(trace, ds))[::-1]:
        delta_y = (y - d) + delta_s
        net_y = delta_y * (1 - y * y)
        dB += outer(net_y, h)
        db += net_y
        delta_h = dot(B.T, net_y)
        net_h = delta_h * h * (1 - h)
        dA += outer(net_h, x)
        dC += outer(net_h, s)
        da += net_h
        delta_s = MU * delta_s + dot(C.T, net_h)
    return concatenate([g.ravel() for g in (dA, dC, da, dB, db)])


def problem(T, d, h, k, seed=5):
    prng = RandomState(seed)
    sizes = (d, h, k)
    theta = prng.normal(0, 0.7, h * d + h * k + h + k * h + k)
    phase = linspace(0, 2, T)
    xs = array([sin(phase * (1 + j)) + 0.1 for j in range(d)]).T
    ds = 0.8 * array([cos(phase + j) for j in range(k)]).T
    y0 = 0.3 * ones(k) - 0.2 * prng.rand(k)
    return sizes, theta, xs, ds, y0


sizes, theta, xs, ds, y0 = problem(T=6, d=3, h=5, k=2)
