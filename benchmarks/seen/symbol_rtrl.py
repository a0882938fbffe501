"""Real-time recurrent learning, full network; influence tensors are (unit, row, column)."""
import numpy as np


class RTRL:
    def __init__(self, n_in, n, n_sym, seed=55):
        g = np.random.RandomState(seed)
        self.Win = g.uniform(-1, 1, size=(n, n_in))
        self.Wrec = g.uniform(-1, 1, size=(n, n)) * 0.7
        self.b = g.uniform(-1, 1, size=n) * 0.3
        self.Wout = g.uniform(-1, 1, size=(n_sym, n)) * 1.4
        self.bout = g.uniform(-1, 1, size=n_sym) * 0.2

    def activate(self, u, s):
        return np.tanh(self.Win @ u + self.Wrec @ s + self.b)

    def symbol_probs(self, s):
        e = np.exp(self.Wout @ s + self.bout)
        return e / np.sum(e)

    def cross_entropy(self, stream, symbols):
        s, ce = np.zeros(len(self.b)), 0.0
        for u, k in zip(stream, symbols):
            s = self.activate(u, s)
            ce -= np.log(self.symbol_probs(s)[k])
        return ce / len(symbols)

    def learn(self, stream, symbols):
        """Goes through the stream once and leaves the gradient in self.bptt_free."""
        n, n_in = self.Win.shape
        unit = np.arange(n)
        s = np.zeros(n)
        J_in = np.zeros((n, n, n_in))
        J_rec = np.zeros((n, n, n))
        J_b = np.zeros((n, n))
        acc = {"Win": np.zeros_like(self.Win), "Wrec": np.zeros_like(self.Wrec), "b": np.zeros_like(self.b),
               "Wout": np.zeros_like(self.Wout), "bout": np.zeros_like(self.bout)}

        for u, k in zip(stream, symbols):
            s_new = self.activate(u, s)
            fprime = 1 - s_new ** 2

            # what came through the old state ...
            J_in = np.tensordot(self.Wrec, J_in, axes=(1, 0))
            J_rec = np.tensordot(self.Wrec, J_rec, axes=(1, 0))
            J_b = self.Wrec @ J_b
            # ... and what the weight does right now, to its own unit
            J_in[unit, unit] += u
            J_rec[unit, unit] += s
            J_b[unit, unit] += 1
            J_in *= fprime[:, None, None]
            J_rec *= fprime[:, None, None]
            J_b *= fprime[:, None]
            s = s_new

            eps = self.symbol_probs(s)
            eps[k] -= 1
            eps /= len(symbols)
            acc["Wout"] += np.outer(eps, s)
            acc["bout"] += eps
            on_state = self.Wout.T @ eps
            acc["Win"] += np.tensordot(on_state, J_in, axes=1)
            acc["Wrec"] += np.tensordot(on_state, J_rec, axes=1)
            acc["b"] += on_state @ J_b
        self.bptt_free = acc


def make_stream(T, n_in, n_sym, seed=56):
    g = np.random.RandomState(seed)
    return g.randn(T, n_in), g.randint(n_sym, size=T)


stream, symbols = make_stream(6, 2, 3)
learner = RTRL(2, 4, 3)
