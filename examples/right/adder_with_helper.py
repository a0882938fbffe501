"""Binary addition, least significant bit first: two bits in, one bit of the sum out.

The carry is the network's business.
"""

import numpy as np
from nn_bits import Affine, bce, sigmoid, sigmoid_prime

BITS, BATCH, HIDDEN = 7, 4, 6

rng = np.random.RandomState(99)
into = Affine(rng.randn(2, HIDDEN), rng.randn(HIDDEN) * 0.1)
again = Affine(rng.randn(HIDDEN, HIDDEN) * 0.7, np.zeros(HIDDEN))
out = Affine(rng.randn(HIDDEN, 1), np.zeros(1))
layers = (into, again, out)


def problems(count):
    a, b = rng.randint(2 ** (BITS - 1), size=(2, count))
    bit = lambda n: (n[None, :] >> np.arange(BITS)[:, None]) & 1
    return np.stack([bit(a), bit(b)], axis=-1).astype(float), bit(a + b)[..., None].astype(float)


def predict(x):
    for layer in layers:
        layer.clear()
    h = np.zeros((x.shape[1], HIDDEN))
    hs, ps = [], []
    for t in range(len(x)):
        h = sigmoid(into.forward(x[t]) + again.forward(h))
        hs.append(h)
        ps.append(sigmoid(out.forward(h)))
    return hs, ps


def loss(x, y):
    _, ps = predict(x)
    return sum(bce(p, q) for p, q in zip(ps, y))


def backward(x, y):
    hs, ps = predict(x)
    dh = np.zeros_like(hs[-1])
    for t in range(len(x) - 1, -1, -1):
        dh += out.backward(ps[t] - y[t])
        da = dh * sigmoid_prime(hs[t])
        into.backward(da)
        dh = again.backward(da)
    return into.dA, into.db, again.dA, again.db, out.dA, out.db


x, y = problems(BATCH)

if __name__ == "__main__":
    for step in range(4001):
        xb, yb = problems(16)
        backward(xb, yb)
        for layer in layers:
            layer.A -= 0.02 * layer.dA
            layer.b -= 0.02 * layer.db
        if step % 1000 == 0:
            print(step, loss(xb, yb) / yb.size)
