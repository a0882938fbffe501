"""
GRU, one cell step at a time.

Each time step is an object that remembers what it saw on the way forward and
knows how to send an error back. The sequence is then nothing but a list.
Reset gate before the product:  n = tanh(Wn x + Un (r * h) + bn),
update gate keeps the old:      h' = z * h + (1 - z) * n.
"""
import numpy as np


def sigm(v):
    return 1.0 / (1.0 + np.exp(-v))


class Weights:
    def __init__(self, d, h, rng):
        for gate in "zrn":
            setattr(self, "W" + gate, rng.uniform(-0.8, 0.8, (h, d)))
            setattr(self, "U" + gate, rng.uniform(-0.8, 0.8, (h, h)))
            setattr(self, "b" + gate, rng.uniform(-0.2, 0.2, h))


class Step:
    def __init__(self, w, x, h):
        self.w, self.x, self.h = w, x, h
        self.z = sigm(w.Wz @ x + w.Uz @ h + w.bz)
        self.r = sigm(w.Wr @ x + w.Ur @ h + w.br)
        self.rh = self.r * h
        self.n = np.tanh(w.Wn @ x + w.Un @ self.rh + w.bn)
        self.out = self.z * h + (1 - self.z) * self.n

    def back(self, dout, grads):
        """Add this step's share to grads, return the error of the previous state."""
        w = self.w
        dn = dout * (1 - self.z) * (1 - self.n ** 2)
        dz = dout * (self.h - self.n) * self.z * (1 - self.z)
        drh = w.Un.T @ dn
        dr = drh * self.h * self.r * (1 - self.r)
        for gate, d, state in (("z", dz, self.h), ("r", dr, self.h), ("n", dn, self.rh)):
            grads["W" + gate] += np.outer(d, self.x)
            grads["U" + gate] += np.outer(d, state)
            grads["b" + gate] += d
        return dout * self.z + drh * self.r + w.Uz.T @ dz + w.Ur.T @ dr


rng = np.random.RandomState(8)
T, D, H = 6, 3, 4
w = Weights(D, H, rng)
xs = rng.randn(T, D)
targets = rng.uniform(-0.9, 0.9, (T, H))
first = rng.uniform(-0.5, 0.5, H)


def unroll(xs):
    steps, h = [], first
    for x in xs:
        steps.append(Step(w, x, h))
        h = steps[-1].out
    return steps


def loss(xs, targets):
    return sum(((s.out - y) ** 2).sum() for s, y in zip(unroll(xs), targets))


def gradients(xs, targets):
    grads = {name: np.zeros_like(value) for name, value in vars(w).items()}
    dh = np.zeros(H)
    steps = unroll(xs)
    while steps:
        step = steps.pop()
        y = targets[len(steps)]
        dh = step.back(dh + 2 * (step.out - y), grads)
    return grads


if __name__ == "__main__":
    for i in range(301):
        for name, g in gradients(xs, targets).items():
            getattr(w, name)[...] -= 0.1 * g
        if i % 100 == 0:
            print(i, loss(xs, targets))
