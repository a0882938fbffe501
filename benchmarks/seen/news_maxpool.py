"""Sentence classifier: embedding, bidirectional LSTM, maximum over time, linear, softmax (an InferSent in miniature).

Every layer has .params and .grads (lists in the same order), forward(x) and backward(dy); the network chains them.
Sentences in a batch have equal length; ids: (batch, time).
"""
import numpy as np

class Layer:
    params, grads = (), ()

class Embedding(Layer):
    def __init__(self, words, dim, rng):
        self.params = [rng.standard_normal((words, dim))]
        self.grads = [np.zeros((words, dim))]

    def forward(self, ids):
        self.ids = ids
        return self.params[0][ids]

    def backward(self, dy):
        np.add.at(self.grads[0], self.ids, dy)

class LSTM(Layer):
    """gates in the order input, forget, cell, output; goes from the last word to the first if reverse"""

    def __init__(self, dim, units, rng, reverse=False):
        self.reverse = reverse
        self.params = [rng.standard_normal((dim, 4, units)) / np.sqrt(dim),
                       rng.standard_normal((units, 4, units)) / np.sqrt(units),
                       rng.standard_normal((4, units)) * 0.2]
        self.grads = [np.zeros_like(p) for p in self.params]

    def forward(self, x):
        W, U, b = self.params
        B, T, _ = x.shape
        h, c = np.zeros((B, U.shape[0])), np.zeros((B, U.shape[0]))
        self.x, self.memo = x, {}
        out = np.zeros((B, T, U.shape[0]))
        for t in range(T)[::-1 if self.reverse else 1]:
            a = np.tensordot(x[:, t], W, 1) + np.tensordot(h, U, 1) + b
            s = 1 / (1 + np.exp(-a))
            i, f, o = s[:, 0], s[:, 1], s[:, 3]
            g = np.tanh(a[:, 2])
            c_new = f * c + i * g
            self.memo[t] = h, c, i, f, g, o, np.tanh(c_new)
            c = c_new
            h = out[:, t] = o * np.tanh(c)
        return out

    def backward(self, dy):
        W, U, b = self.params
        dW, dU, db = self.grads
        dx = np.zeros_like(self.x)
        dh = dc = np.zeros_like(dy[:, 0])
        for t in range(dy.shape[1])[::1 if self.reverse else -1]:
            h, c, i, f, g, o, tc = self.memo[t]
            dh = dh + dy[:, t]
            dc = dc + dh * o * (1 - tc ** 2)
            da = np.stack([dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g ** 2), dh * tc * o * (1 - o)], 1)
            dW += np.tensordot(self.x[:, t].T, da, 1)
            dU += np.tensordot(h.T, da, 1)
            db += da.sum(0)
            dx[:, t] = np.tensordot(da, W, ((1, 2), (1, 2)))
            dh = np.tensordot(da, U, ((1, 2), (1, 2)))
            dc = dc * f
        return dx

class MaxOverTime(Layer):
    def forward(self, x):
        self.shape, self.where = x.shape, x.argmax(axis=1)
        return x.max(axis=1)

    def backward(self, dy):
        dx = np.zeros(self.shape)
        B, _, F = self.shape
        dx[np.arange(B)[:, None], self.where, np.arange(F)] = dy
        return dx

class Linear(Layer):
    def __init__(self, n, k, rng):
        self.params = [rng.standard_normal((n, k)), np.zeros(k)]
        self.grads = [np.zeros_like(p) for p in self.params]

    def forward(self, x):
        self.x = x
        return x @ self.params[0] + self.params[1]

    def backward(self, dy):
        self.grads[0] += self.x.T @ dy
        self.grads[1] += dy.sum(0)
        return dy @ self.params[0].T

class Classifier:
    def __init__(self, words, dim, units, classes, seed):
        rng = np.random.default_rng(seed)
        self.emb, self.right = Embedding(words, dim, rng), LSTM(dim, units, rng)
        self.left = LSTM(dim, units, rng, reverse=True)
        self.pool, self.top = MaxOverTime(), Linear(2 * units, classes, rng)
        self.layers = [self.emb, self.right, self.left, self.pool, self.top]

    def grads(self):
        return [g for layer in self.layers for g in layer.grads]

    def loss(self, ids, topics):
        x = self.emb.forward(ids)
        both = np.concatenate([self.right.forward(x), self.left.forward(x)], axis=2)
        s = self.top.forward(self.pool.forward(both))
        s = s - s.max(1, keepdims=True)
        logp = s - np.log(np.exp(s).sum(1, keepdims=True))
        self.ds = (np.exp(logp) - np.eye(s.shape[1])[topics]) / len(topics)
        return -logp[np.arange(len(topics)), topics].mean()

    def backprop(self, ids, topics):
        for g in self.grads():
            g[...] = 0
        self.loss(ids, topics)
        d = self.pool.backward(self.top.backward(self.ds))
        right, left = np.split(d, 2, axis=2)
        self.emb.backward(self.right.backward(right) + self.left.backward(left))
        return self.grads()

def headlines(batch, T, words, classes, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, words, (batch, T)), rng.integers(0, classes, batch)

net = Classifier(words=6, dim=3, units=3, classes=3, seed=51)
ids, topics = headlines(batch=2, T=4, words=6, classes=3, seed=52)
