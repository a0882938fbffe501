"""Names by letter with step functions and dictionaries. The targets know two ways to be asked."""

import numpy as np

NAME = "sofya"
vocab = "\n" + "".join(sorted(set(NAME)))
n_a, vocab_size = 4, len(vocab)


class Targets(list):
    """targets[t] is the letter to be predicted at step t, targets(t) the one before it (at the start: the first)."""

    def __call__(self, t):
        return self[max(t - 1, 0)]


np.random.seed(1)
parameters = {
    "Wax": np.random.randn(n_a, vocab_size) * 0.5,
    "Waa": np.random.randn(n_a, n_a) * 0.5,
    "Wya": np.random.randn(vocab_size, n_a) * 0.5,
    "b": np.zeros((n_a, 1)),
    "by": np.zeros((vocab_size, 1)),
}

spelled = [vocab.index(ch) for ch in NAME]
X = [None] + spelled
Y = Targets(spelled + [0])
a_start = np.zeros((n_a, 1))


def column(k):
    x = np.zeros((vocab_size, 1))
    if k is not None:
        x[k] = 1
    return x


def rnn_forward(X, Y, before, parameters):
    loss, steps = 0, []
    for t, k in enumerate(X):
        x = column(k)
        a = np.tanh(parameters["Wax"] @ x + parameters["Waa"] @ before + parameters["b"])
        o = parameters["Wya"] @ a + parameters["by"]
        y_hat = np.exp(o) / np.sum(np.exp(o), axis=0)
        loss -= np.log(y_hat[Y(t), 0])
        steps.append((x, before, a, y_hat))
        before = a
    return loss, steps


def rnn_backward(X, Y, before, parameters):
    _, steps = rnn_forward(X, Y, before, parameters)
    grads = {"d" + k: np.zeros_like(v) for k, v in parameters.items()}
    later = np.zeros_like(before)
    for t in reversed(range(len(X))):
        x, before, a, y_hat = steps[t]
        e = np.copy(y_hat)
        e[Y[t]] -= 1
        grads["dWya"] += e @ a.T
        grads["dby"] += e
        dz = (1 - a * a) * (parameters["Wya"].T @ e + later)
        grads["db"] += dz
        grads["dWax"] += dz @ x.T
        grads["dWaa"] += dz @ before.T
        later = parameters["Waa"].T @ dz
    return grads
