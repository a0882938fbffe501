"""Letters with a recurrent highway network (Zilly et al. 2017), gates coupled (c = 1 - t), negative sampling.

Between two letters the state climbs `depth` layers; the letter enters at the lowest one only.
"""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


def logistic(a):
    return 1 / (1 + np.exp(-a))


@dataclass
class Layer:
    Rh: np.ndarray
    Rt: np.ndarray
    bh: np.ndarray
    bt: np.ndarray


@dataclass
class Highway:
    Eh: np.ndarray              # letter -> input of the transform, a row each
    Et: np.ndarray              # letter -> input of the gate
    layers: list = field(default_factory=list)
    out: np.ndarray = None      # a vector for every letter that may come next
    bias: np.ndarray = None

    @staticmethod
    def random(letters, n, depth, seed) -> Highway:
        rng = np.random.RandomState(seed)
        layers = [
            Layer(rng.randn(n, n) / np.sqrt(n), rng.randn(n, n) / np.sqrt(n), 0.1 * rng.randn(n), -0.5 + 0.1 * rng.randn(n))
            for _ in range(depth)
        ]
        return Highway(rng.randn(letters, n), rng.randn(letters, n), layers, rng.randn(letters, n), 0.2 * rng.randn(letters))

    def zeros(self) -> Highway:
        layers = [Layer(*[np.zeros_like(a) for a in (y.Rh, y.Rt, y.bh, y.bt)]) for y in self.layers]
        return Highway(np.zeros_like(self.Eh), np.zeros_like(self.Et), layers, np.zeros_like(self.out),
                       np.zeros_like(self.bias))


def climb(net, letter, s, level=0):
    """the state at the top, and what every level did, lowest first"""
    if level == len(net.layers):
        return s, []
    layer = net.layers[level]
    a, g = s @ layer.Rh + layer.bh, s @ layer.Rt + layer.bt
    if level == 0:
        a, g = a + net.Eh[letter], g + net.Et[letter]
    h, t = np.tanh(a), logistic(g)
    top, above = climb(net, letter, s + t * (h - s), level + 1)
    return top, [(s, h, t)] + above


def descend(net, grad, letter, did, ds):
    """adds to grad, returns the derivative by the state below"""
    for level in range(len(did) - 1, -1, -1):
        s, h, t = did[level]
        layer, dlayer = net.layers[level], grad.layers[level]
        da = ds * t * (1 - h * h)
        dg = ds * (h - s) * t * (1 - t)
        dlayer.Rh += np.outer(s, da)
        dlayer.Rt += np.outer(s, dg)
        dlayer.bh += da
        dlayer.bt += dg
        if level == 0:
            grad.Eh[letter] += da
            grad.Et[letter] += dg
        ds = ds * (1 - t) + layer.Rh @ da + layer.Rt @ dg
    return ds


def sampled_loss(net, text, noise):
    s = np.zeros(net.out.shape[1])
    loss = 0.0
    for letter, right, wrong in zip(text, text[1:], noise):
        s, _ = climb(net, letter, s)
        loss -= np.log(logistic(net.out[right] @ s + net.bias[right]))
        for other in wrong:
            loss -= np.log(logistic(-(net.out[other] @ s + net.bias[other])))
    return loss


def sampled_gradient(net, text, noise) -> Highway:
    grad = net.zeros()

    def visit(place, s):
        """forward from here to the end of the text, backward on the way home"""
        if place == len(text) - 1:
            return np.zeros_like(s)
        top, did = climb(net, text[place], s)
        ds = visit(place + 1, top)
        answers = [(text[place + 1], 1.0)] + [(other, 0.0) for other in noise[place]]
        for letter, truth in answers:
            error = logistic(net.out[letter] @ top + net.bias[letter]) - truth
            grad.out[letter] += error * top
            grad.bias[letter] += error
            ds = ds + error * net.out[letter]
        return descend(net, grad, text[place], did, ds)

    visit(0, np.zeros(net.out.shape[1]))
    return grad


def corpus(length, letters, k, seed):
    rng = np.random.RandomState(seed)
    return [int(c) for c in rng.randint(0, letters, length)], rng.randint(0, letters, (length - 1, k)).tolist()


net = Highway.random(letters=5, n=4, depth=3, seed=33)
text, noise = corpus(length=6, letters=5, k=2, seed=34)
