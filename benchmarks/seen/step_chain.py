# An Elman network as a chain of Step objects; sigmoid units, column vectors, squared error.
# Every Step knows the one before it and the one after it.
import numpy as np


class Weights:
    def __init__(self, n_in, n_hid, n_out):
        r = np.random.RandomState(31)
        self.V = r.uniform(-1, 1, (n_hid, n_in))
        self.U = r.uniform(-1, 1, (n_hid, n_hid))
        self.W = r.uniform(-1, 1, (n_out, n_hid))
        self.bias_hid = r.uniform(-0.5, 0.5, (n_hid, 1))
        self.bias_out = r.uniform(-0.5, 0.5, (n_out, 1))


class Totals:
    """gradient sums, same names as Weights"""


class Step:
    def __init__(self, weights, x, before):
        self.weights = weights
        self.x = x
        self.before = before
        self.after = None
        if before is not None:
            before.after = self

    def old_state(self):
        if self.before is None:
            return np.full((self.weights.U.shape[0], 1), 0.5)
        return self.before.s

    def forward(self):
        w = self.weights
        self.s = squash(w.V.dot(self.x) + w.U.dot(self.old_state()) + w.bias_hid)
        self.y = squash(w.W.dot(self.s) + w.bias_out)

    def backward(self, target, totals):
        w = self.weights
        self.delta_out = (self.y - target) * self.y * (1 - self.y)
        err = w.W.T.dot(self.delta_out)
        if self.after is not None:
            err = err + w.U.T.dot(self.after.delta)
        self.delta = err * self.s * (1 - self.s)
        totals.W += self.delta_out.dot(self.s.T)
        totals.bias_out += self.delta_out
        totals.U += self.delta.dot(self.old_state().T)
        totals.V += self.delta.dot(self.x.T)
        totals.bias_hid += self.delta


def squash(a):
    return 1.0 / (1.0 + np.exp(-a))


def chain(weights, xs):
    steps = []
    last = None
    for x in xs:
        last = Step(weights, x, last)
        last.forward()
        steps.append(last)
    return steps


def cost(weights, xs, targets):
    return sum(0.5 * ((s.y - d) ** 2).sum() for s, d in zip(chain(weights, xs), targets))


def bptt(weights, xs, targets):
    totals = Totals()
    for name, value in vars(weights).items():
        setattr(totals, name, np.zeros(value.shape))
    steps = chain(weights, xs)
    for step, target in list(zip(steps, targets))[::-1]:
        step.backward(target, totals)
    return totals


def example(T, n_in, n_out):
    r = np.random.RandomState(4)
    return [r.randn(n_in, 1) for _ in range(T)], [r.rand(n_out, 1) for _ in range(T)]


weights = Weights(3, 5, 2)
xs, targets = example(6, 3, 2)

if __name__ == "__main__":
    for i in range(2000):
        t = bptt(weights, xs, targets)
        for name in vars(weights):
            getattr(weights, name)[...] -= 0.5 * getattr(t, name)
        if i % 400 == 0:
            print(i, cost(weights, xs, targets))
