import numpy as np


class ElectronicNose:
    """Concentrations of gases from drifting sensors, a fully recurrent net trained without an endless memory.

    Gradient after Schmidhuber (1992), "A fixed size storage O(n^3) time complexity learning algorithm for fully
    recurrent continually running networks": the record is cut into blocks. Within a block errors are propagated
    backwards. What happened before the block is summed up in  P[k, :, :] = d state_k / d w  at its first moment,
    and at the end of the block P is brought up to date by one backward sweep for each unit.

    w : units x (1 + sensors + units), acts on [1, sensors, state].   v : gases x units
    """

    def __init__(self, sensors, units, gases, block, seed):
        g = np.random.RandomState(seed)
        self.block = block
        self.w = g.randn(units, 1 + sensors + units) * 0.6
        self.v = g.randn(gases, units) * 0.8
        self.first = 1 + sensors  # first column of the recurrent part

    def run(self, sniffs, state):
        """inputs of all steps of a stretch (with the 1 and the state before) and the states after"""
        zs, hs = [], []
        for s in sniffs:
            z = np.concatenate([[1.0], s, state])
            state = np.tanh(self.w.dot(z))
            zs.append(z)
            hs.append(state)
        return zs, hs

    def error(self, sniffs, gases):
        _, hs = self.run(sniffs, np.zeros(len(self.w)))
        e = 0.0
        for h, y in zip(hs, gases):
            e += 0.5 * np.sum((self.v.dot(h) - y) ** 2)
        return e

    def learn(self, sniffs, gases):
        """leaves the gradient of the error in self.grad_w, self.grad_v"""
        n = len(self.w)
        self.grad_w = np.zeros_like(self.w)
        self.grad_v = np.zeros_like(self.v)
        P = np.zeros((n,) + self.w.shape)
        state = np.zeros(n)
        for begin in range(0, len(sniffs), self.block):
            end = min(begin + self.block, len(sniffs))
            zs, hs = self.run(sniffs[begin:end], state)
            self.errors_back(zs, hs, gases[begin:end], P)
            P = self.units_back(zs, hs, P)
            state = hs[-1]

    def errors_back(self, zs, hs, wanted, P):
        delta = np.zeros(len(self.w))
        for z, h, y in zip(zs[::-1], hs[::-1], wanted[::-1]):
            miss = self.v.dot(h) - y
            self.grad_v += np.outer(miss, h)
            delta = (delta + self.v.T.dot(miss)) * (1.0 - h ** 2)
            self.grad_w += np.outer(delta, z)
            delta = self.w[:, self.first:].T.dot(delta)
        # what is left reaches the state before the block
        self.grad_w += np.tensordot(delta, P, 1)

    def units_back(self, zs, hs, P):
        n = len(self.w)
        Q = np.zeros_like(P)
        reach = np.eye(n)  # row k: d (last state)_k / d (state at the present step)
        for z, h in zip(zs[::-1], hs[::-1]):
            reach = reach * (1.0 - h ** 2)
            Q += reach[:, :, None] * z
            reach = reach.dot(self.w[:, self.first:])
        return Q + np.tensordot(reach, P, 1)


def bottles(steps, sensors, gases, seed):
    g = np.random.RandomState(seed)
    drift = np.cumsum(0.2 * g.randn(steps, sensors), axis=0)
    return g.randn(steps, sensors) + drift, np.abs(g.randn(steps, gases))


nose = ElectronicNose(sensors=2, units=4, gases=2, block=3, seed=811)
sniffs, gases = bottles(8, 2, 2, seed=812)
