"""Sensor runs of unequal length, padded to (B, T, D); smooth Huber cost on the valid steps only."""
import numpy as np


class SensorRNN:
    def __init__(self, n_feat, n_units, n_targets, seed=21):
        g = np.random.RandomState(seed)
        self.W_in = g.standard_normal((n_feat, n_units)) * 0.7
        self.W_rec = g.standard_normal((n_units, n_units)) * 0.45
        self.bias = g.standard_normal(n_units) * 0.2
        self.W_out = g.standard_normal((n_units, n_targets)) * 0.9
        self.b_out = g.standard_normal(n_targets) * 0.2

    def predict(self, X):
        B, T, _ = X.shape
        self.H = np.zeros((B, T + 1, self.bias.size))   # H[:, 0] is the empty state
        for t in range(T):
            self.H[:, t + 1] = np.tanh(X[:, t].dot(self.W_in) + self.H[:, t].dot(self.W_rec) + self.bias)
        return self.H[:, 1:].dot(self.W_out) + self.b_out

    def cost(self, X, Y, lengths, knee=0.8):
        resid = self.predict(X) - Y
        size = np.abs(resid)
        each = np.where(size < knee, 0.5 * resid ** 2, knee * (size - 0.5 * knee))
        keep = valid(lengths, X.shape[1])
        return np.sum(each * keep[:, :, None]) / keep.sum()

    def backprop(self, X, Y, lengths, knee=0.8):
        resid = self.predict(X) - Y
        keep = valid(lengths, X.shape[1])
        err = np.clip(resid, -knee, knee) * keep[:, :, None] / keep.sum()

        H = self.H
        # the output layer for all steps at once
        n_units = H.shape[2]
        self.grad_W_out = H[:, 1:].reshape(-1, n_units).T.dot(err.reshape(-1, err.shape[2]))
        self.grad_b_out = err.sum(axis=(0, 1))

        self.grad_W_in = np.zeros_like(self.W_in)
        self.grad_W_rec = np.zeros_like(self.W_rec)
        self.grad_bias = np.zeros_like(self.bias)
        back = np.zeros((X.shape[0], n_units))
        for t in reversed(range(X.shape[1])):
            dh = err[:, t].dot(self.W_out.T) + back
            da = dh * (1 - H[:, t + 1] ** 2)
            self.grad_W_in += X[:, t].T.dot(da)
            self.grad_W_rec += H[:, t].T.dot(da)
            self.grad_bias += da.sum(axis=0)
            back = da.dot(self.W_rec.T)


def valid(lengths, T):
    return (np.arange(T)[None, :] < np.asarray(lengths)[:, None]).astype(float)


def make_runs(B, T, D, K, seed=5):
    g = np.random.RandomState(seed)
    return g.standard_normal((B, T, D)), 1.3 * g.standard_normal((B, T, K))


X, Y = make_runs(4, 7, 3, 2)
lengths = [7, 4, 6, 3]
rnn = SensorRNN(3, 5, 2)
