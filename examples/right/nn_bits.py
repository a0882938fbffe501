"""Odds and ends that several of my scripts share."""

import numpy as np


def sigmoid(v):
    return 1.0 / (1.0 + np.exp(-v))


def sigmoid_prime(y):
    """Derivative, from the value of the sigmoid itself."""
    return y * (1.0 - y)


class Affine:
    """y = x A + b, remembers its inputs so that backward can be called once for every forward, last one first."""

    def __init__(self, A, b):
        self.A, self.b = A, b
        self.dA, self.db = np.zeros_like(A), np.zeros_like(b)
        self.seen = []

    def clear(self):
        self.seen = []
        self.dA, self.db = np.zeros_like(self.A), np.zeros_like(self.b)

    def forward(self, x):
        self.seen.append(x)
        return x @ self.A + self.b

    def backward(self, dy):
        x = self.seen.pop()
        self.dA += x.T @ dy
        self.db += dy.sum(axis=0)
        return dy @ self.A.T


def bce(p, y):
    """Binary cross-entropy, summed."""
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
