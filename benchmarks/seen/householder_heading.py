# Head direction from turning velocity (path integration). The recurrent matrix has to be orthogonal, otherwise the
# heading fades: product of Householder reflections (Mhammedi et al. 2017), with the OPLU nonlinearity
# (Chernodub & Nowicki 2016: sort every pair of units), which also keeps the length.
#
# states are rows (batch x units), the reflections are the rows of V.
# Loss: 1 - cos(angle between the decoded and the true direction), mean over animals, sum over time.

import numpy as np


def reflect(h, v):
    return h - 2 * np.outer(h @ v, v) / (v @ v)


def reflect_back(dy, h, v):
    vv = v @ v
    hv, yv = h @ v, dy @ v
    dv = -2 / vv * (hv @ dy + yv @ h) + 4 * (hv @ yv) / vv ** 2 * v
    return reflect(dy, v), dv


def oplu(a):
    even, odd = a[:, 0::2], a[:, 1::2]
    out = np.empty_like(a)
    out[:, 0::2] = np.maximum(even, odd)
    out[:, 1::2] = np.minimum(even, odd)
    return out, even < odd


def oplu_back(dout, swapped):
    first, second = dout[:, 0::2], dout[:, 1::2]
    da = np.empty_like(dout)
    da[:, 0::2] = np.where(swapped, second, first)
    da[:, 1::2] = np.where(swapped, first, second)
    return da


def rotate(h, V):
    """all reflections, with what each of them got"""
    got = []
    for v in V:
        got.append(h)
        h = reflect(h, v)
    return h, got


def walk(V, Win, bias, Wout, start, turns):
    h = np.tile(start, (turns.shape[1], 1))
    hist = []
    for x in turns:
        r, got = rotate(h, V)
        h, swapped = oplu(r + x @ Win + bias)
        p = h @ Wout
        hist.append((got, swapped, h, p))
    return hist


def cosine_loss(V, Win, bias, Wout, start, turns, heading):
    loss = 0.0
    for (_, _, _, p), d in zip(walk(V, Win, bias, Wout, start, turns), heading):
        loss += np.mean(1 - np.sum(p * d, axis=1) / np.sqrt(np.sum(p * p, axis=1)))
    return loss


def cosine_loss_grad(V, Win, bias, Wout, start, turns, heading):
    hist = walk(V, Win, bias, Wout, start, turns)
    n_animals = turns.shape[1]
    gV = np.zeros_like(V)
    gWin = np.zeros_like(Win)
    gbias = np.zeros_like(bias)
    gWout = np.zeros_like(Wout)
    dh = np.zeros((n_animals, len(bias)))
    for t in range(len(turns) - 1, -1, -1):
        got, swapped, h, p = hist[t]
        length = np.sqrt(np.sum(p * p, axis=1, keepdims=True))
        along = p / length
        cos = np.sum(along * heading[t], axis=1, keepdims=True)
        dp = (cos * along - heading[t]) / length / n_animals
        gWout += h.T @ dp
        dh = dh + dp @ Wout.T
        da = oplu_back(dh, swapped)
        gWin += turns[t].T @ da
        gbias += np.sum(da, axis=0)
        dh = da
        for k in range(len(V) - 1, -1, -1):
            dh, dv = reflect_back(dh, got[k], V[k])
            gV[k] += dv
    gstart = np.sum(dh, axis=0)
    return gV, gWin, gbias, gWout, gstart


def new_network(units, reflections, inputs, seed):
    rng = np.random.RandomState(seed)
    V = rng.randn(reflections, units)
    Win = rng.randn(inputs, units) * 0.7
    bias = rng.randn(units) * 0.1
    Wout = rng.randn(units, 2)
    start = rng.randn(units)
    return V, Win, bias, Wout, start


def rats(animals, steps, inputs, seed):
    """turns: time x animals x inputs (angular velocity and distractors);  heading: time x animals x (cos, sin)"""
    rng = np.random.RandomState(seed)
    turns = rng.randn(steps, animals, inputs) * 0.5
    angle = np.cumsum(turns[:, :, 0], axis=0)
    return turns, np.stack([np.cos(angle), np.sin(angle)], axis=2)


V, Win, bias, Wout, start = new_network(units=6, reflections=3, inputs=2, seed=160)
turns, heading = rats(3, 5, 2, seed=161)
