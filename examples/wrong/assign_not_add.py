#!/usr/bin/env python3
"""Next-word prediction with a vanilla RNN; words are indices and the input matrix is an embedding table."""
import numpy as np

sentence = "the cat sat on the mat and the dog sat on the rug".split()
words = sorted(set(sentence))
index = {w: i for i, w in enumerate(words)}
ids = np.array([index[w] for w in sentence[:8]])

V_SIZE, H_SIZE = len(words), 6


class WordRNN(object):
    def __init__(self, vocab_size, hidden_size, seed=10):
        rs = np.random.RandomState(seed)
        self.E = rs.uniform(-0.7, 0.7, (vocab_size, hidden_size))
        self.W = rs.uniform(-0.6, 0.6, (hidden_size, hidden_size))
        self.V = rs.uniform(-0.7, 0.7, (hidden_size, vocab_size))

    def forward(self, ids):
        """Hidden states (one more than steps) and probabilities."""
        h = [np.zeros(self.W.shape[0])]
        probs = []
        for w in ids:
            h.append(np.tanh(self.E[w] + np.dot(h[-1], self.W)))
            scores = np.dot(h[-1], self.V)
            scores = np.exp(scores - np.max(scores))
            probs.append(scores / np.sum(scores))
        return h, probs

    def perplexity_loss(self, ids):
        _, probs = self.forward(ids[:-1])
        return -sum(np.log(p[w]) for p, w in zip(probs, ids[1:]))

    def gradients(self, ids):
        inputs, targets = ids[:-1], ids[1:]
        h, probs = self.forward(inputs)
        dE = np.zeros(self.E.shape)
        dW = np.zeros(self.W.shape)
        dV = np.zeros(self.V.shape)
        dnext = np.zeros(self.W.shape[0])
        for t in reversed(range(len(inputs))):
            dscores = probs[t].copy()
            dscores[targets[t]] -= 1
            dV += np.outer(h[t + 1], dscores)
            da = (np.dot(self.V, dscores) + dnext) * (1 - h[t + 1] ** 2)
            dE[inputs[t]] = da
            dW += np.outer(h[t], da)
            dnext = np.dot(self.W, da)
        return {"E": dE, "W": dW, "V": dV}


model = WordRNN(V_SIZE, H_SIZE)

if __name__ == "__main__":
    for epoch in range(50):
        g = model.gradients(ids)
        model.E -= 0.1 * g["E"]
        model.W -= 0.1 * g["W"]
        model.V -= 0.1 * g["V"]
    print("loss per word:", model.perplexity_loss(ids) / (len(ids) - 1))
