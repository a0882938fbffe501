# Homework 4, exercise 2: a *deep* vanilla RNN language model over syllables.
# Every layer is an object that knows how to run a whole sequence forward and
# how to take the gradients of its outputs back to the gradients of its inputs.
# Everything is stored as columns: (features, batch).
import numpy as np


class TanhLayer:
    def __init__(self, nIn, nOut, rng):
        self.Wx = rng.uniform(-1, 1, (nOut, nIn)) / np.sqrt(nIn)
        self.Wh = rng.uniform(-1, 1, (nOut, nOut)) / np.sqrt(nOut)
        self.b = rng.uniform(-.1, .1, (nOut, 1))

    def forward(self, seq, hInit):
        self.seq = seq
        self.hs = [hInit]
        for x in seq:
            self.hs.append(np.tanh(self.Wx.dot(x) + self.Wh.dot(self.hs[-1]) + self.b))
        return self.hs[1:]

    def backward(self, dOut):
        self.gWx, self.gWh, self.gb = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        dIn = [None] * len(dOut)
        dhNext = 0
        for t in reversed(range(len(dOut))):
            dh = dOut[t] + dhNext
            dpre = dh - dh * self.hs[t + 1] ** 2
            self.gWx += dpre.dot(self.seq[t].T)
            self.gWh += dpre.dot(self.hs[t].T)
            self.gb += dpre.sum(axis=1, keepdims=True)
            dIn[t] = self.Wx.T.dot(dpre)
            dhNext = self.Wh.T.dot(dpre)
        return dIn


class SoftmaxReadout:
    def __init__(self, nIn, nOut, rng):
        self.V = rng.uniform(-1, 1, (nOut, nIn)) / np.sqrt(nIn)
        self.c = np.zeros((nOut, 1))

    def forward(self, seq):
        self.seq, self.probs = seq, []
        for h in seq:
            scores = self.V.dot(h) + self.c
            scores = np.exp(scores - scores.max(axis=0))
            self.probs.append(scores / scores.sum(axis=0))
        return self.probs

    def backward(self, labels):
        self.gV, self.gc = np.zeros_like(self.V), np.zeros_like(self.c)
        dIn = []
        for h, p, y in zip(self.seq, self.probs, labels):
            d = p.copy()
            d[y, np.arange(len(y))] -= 1
            d /= len(y)
            self.gV += d.dot(h.T)
            self.gc += d.sum(axis=1, keepdims=True)
            dIn.append(self.V.T.dot(d))
        return dIn


class SyllableModel:
    def __init__(self, nSyll, nLow, nHigh, batch, rng):
        self.lower = TanhLayer(nSyll, nLow, rng)
        self.upper = TanhLayer(nLow, nHigh, rng)
        self.readout = SoftmaxReadout(nHigh, nSyll, rng)
        self.hLow, self.hHigh = rng.uniform(-.5, .5, (nLow, batch)), rng.uniform(-.5, .5, (nHigh, batch))
        self.eye = np.eye(nSyll)

    def loss(self, text):
        seq = [self.eye[:, column] for column in text[:-1]]
        low = self.lower.forward(seq, self.hLow)
        probs = self.readout.forward(self.upper.forward(low, self.hHigh))
        picked = [np.log(p[y, np.arange(len(y))]).mean() for p, y in zip(probs, text[1:])]
        return -sum(picked)

    def backprop(self, text):
        self.loss(text)
        self.lower.backward(self.upper.backward(self.readout.backward(text[1:])))


rng = np.random.RandomState(2024)
text = rng.randint(0, 7, size=(6, 2))       # 5 predictions, a batch of 2, 7 syllables
model = SyllableModel(7, 4, 3, 2, rng)
