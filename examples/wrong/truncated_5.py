"""A recurrent language model as in the well-known tutorial: class, indices, bptt_truncate."""
import numpy as np


def softmax(x):
    xt = np.exp(x - np.max(x))
    return xt / np.sum(xt)


class RNNNumpy:
    def __init__(self, word_dim, hidden_dim=6, bptt_truncate=4):
        self.word_dim = word_dim
        self.hidden_dim = hidden_dim
        self.bptt_truncate = bptt_truncate
        rs = np.random.RandomState(10)
        self.U = rs.uniform(-1.0, 1.0, (hidden_dim, word_dim))
        self.V = rs.uniform(-0.7, 0.7, (word_dim, hidden_dim))
        self.W = rs.uniform(-0.6, 0.6, (hidden_dim, hidden_dim))

    def forward_propagation(self, x):
        T = len(x)
        s = np.zeros((T + 1, self.hidden_dim))
        o = np.zeros((T, self.word_dim))
        for t in np.arange(T):
            s[t] = np.tanh(self.U[:, x[t]] + self.W.dot(s[t - 1]))
            o[t] = softmax(self.V.dot(s[t]))
        return o, s

    def calculate_total_loss(self, x, y):
        o, _ = self.forward_propagation(x)
        return -1 * np.sum(np.log(o[np.arange(len(y)), y]))

    def bptt(self, x, y):
        T = len(y)
        o, s = self.forward_propagation(x)
        dLdU = np.zeros(self.U.shape)
        dLdV = np.zeros(self.V.shape)
        dLdW = np.zeros(self.W.shape)
        delta_o = o
        delta_o[np.arange(len(y)), y] -= 1.0
        for t in np.arange(T)[::-1]:
            dLdV += np.outer(delta_o[t], s[t])
            delta_t = self.V.T.dot(delta_o[t]) * (1 - s[t] ** 2)
            # at most bptt_truncate steps back from step t
            for bptt_step in np.arange(max(0, t - self.bptt_truncate), t + 1)[::-1]:
                dLdW += np.outer(delta_t, s[bptt_step - 1])
                dLdU[:, x[bptt_step]] += delta_t
                delta_t = self.W.T.dot(delta_t) * (1 - s[bptt_step - 1] ** 2)
        return [dLdU, dLdV, dLdW]


sentence = [0, 7, 3, 5, 1, 8, 2, 7, 4, 6]
x_train, y_train = sentence[:-1], sentence[1:]
model = RNNNumpy(word_dim=10)

if __name__ == "__main__":
    for epoch in range(20):
        for p, g in zip((model.U, model.V, model.W), model.bptt(x_train, y_train)):
            p -= 0.05 * g
    print("loss", model.calculate_total_loss(x_train, y_train) / len(y_train))
