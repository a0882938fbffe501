"""Names, letter by letter, in the style of a course notebook: little functions that pass dictionaries around.

None as an input means "nothing yet": a zero column. A newline ends a name.
"""

import numpy as np

names = ["ada", "emmy", "grace", "hedy"]
letters = ["\n"] + sorted(set("".join(names)))
char_id = dict((ch, k) for k, ch in enumerate(letters))


def softmax(x):
    e = np.exp(x - x.max())
    return e / np.sum(e)


def one_hot(k, size):
    column = np.zeros((size, 1))
    if k is not None:
        column[k] = 1.0
    return column


def initialize(n_x, n_a, n_y, seed=1):
    np.random.seed(seed)
    return {
        "Wax": np.random.randn(n_a, n_x) * 0.3,
        "Waa": np.random.randn(n_a, n_a) * 0.3,
        "Wya": np.random.randn(n_y, n_a) * 0.3,
        "b": np.zeros((n_a, 1)),
        "by": np.zeros((n_y, 1)),
    }


def step_forward(parameters, a_before, x):
    z = np.dot(parameters["Wax"], x) + np.dot(parameters["Waa"], a_before) + parameters["b"]
    a = np.tanh(z)
    return a, softmax(np.dot(parameters["Wya"], a) + parameters["by"])


def step_backward(dy, da_later, parameters, x, a, a_before):
    """This step's share of every gradient, and what goes on to the step before."""
    dz = (parameters["Wya"].T.dot(dy) + da_later) * (1 - a ** 2)
    share = {"dWya": dy.dot(a.T), "dby": dy, "dWax": dz.dot(x.T), "dWaa": dz.dot(a_before.T), "db": dz}
    return share, parameters["Waa"].T.dot(dz)


def rnn_forward(X, Y, a0, parameters):
    x, a, y_hat = {}, {-1: a0}, {}
    loss = 0
    for t in range(len(X)):
        x[t] = one_hot(X[t], parameters["Wax"].shape[1])
        a[t], y_hat[t] = step_forward(parameters, a[t - 1], x[t])
        loss -= np.log(y_hat[t][Y[t], 0])
    return loss, (y_hat, a, x)


def rnn_backward(X, Y, a0, parameters):
    _, (y_hat, a, x) = rnn_forward(X, Y, a0, parameters)
    gradients = {"d" + key: np.zeros_like(value) for key, value in parameters.items()}
    da_later = np.zeros_like(a0)
    for t in range(len(X) - 1, -1, -1):
        dy = y_hat[t].copy()
        dy[Y[t], 0] -= 1
        share, da_later = step_backward(dy, da_later, parameters, x[t], a[t], a[t - 1])
        for key in share:
            gradients[key] += share[key]
    return gradients


def example(name):
    ids = [char_id[ch] for ch in name]
    return [None] + ids, ids + [char_id["\n"]]


n_a = 6
parameters = initialize(len(letters), n_a, len(letters))
a0 = 0.2 * np.ones((n_a, 1))
X, Y = example("grace")

if __name__ == "__main__":
    for epoch in range(500):
        X, Y = example(names[epoch % len(names)])
        loss, _ = rnn_forward(X, Y, a0, parameters)
        gradients = rnn_backward(X, Y, a0, parameters)
        for key in parameters:
            parameters[key] -= 0.05 * np.clip(gradients["d" + key], -5, 5)
        if epoch % 100 == 0:
            print(epoch, loss)
