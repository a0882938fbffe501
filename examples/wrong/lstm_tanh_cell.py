"""LSTM with its weights in one matrix [W_h W_x b], acting on the column [h; x; 1].

Rows of the matrix, from top to bottom: forget, input, candidate, output.
"""
import numpy as np

n_h, n_x, n_t = 3, 2, 7
rng = np.random.default_rng(66)
W = rng.normal(0.0, 0.6, (4 * n_h, n_h + n_x + 1))
xs = rng.normal(size=(n_t, n_x))
targets = rng.uniform(-0.6, 0.6, (n_t, n_h))


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def forward(W, xs):
    h, c = np.zeros(n_h), np.zeros(n_h)
    steps = []
    for x in xs:
        v = np.concatenate((h, x, [1.0]))
        z = W @ v
        f, i, o = sigmoid(z[:n_h]), sigmoid(z[n_h:2 * n_h]), sigmoid(z[3 * n_h:])
        g = np.tanh(z[2 * n_h:3 * n_h])
        c_old, c = c, f * c + i * g
        h = o * np.tanh(c)
        steps.append((v, f, i, g, o, c_old, c, h))
    return steps


def loss(W, xs, targets):
    return 0.5 * sum(np.sum((step[-1] - d) ** 2) for step, d in zip(forward(W, xs), targets))


def grad(W, xs, targets):
    dW = np.zeros_like(W)
    dh, dc = np.zeros(n_h), np.zeros(n_h)
    for (v, f, i, g, o, c_old, c, h), d in zip(reversed(forward(W, xs)), reversed(targets)):
        dh = dh + (h - d)
        dc = dc + dh * o * (1 - c ** 2)
        dz = np.concatenate((
            dc * c_old * f * (1 - f),
            dc * g * i * (1 - i),
            dc * i * (1 - g ** 2),
            dh * np.tanh(c) * o * (1 - o),
        ))
        dW += np.outer(dz, v)
        dh = (W.T @ dz)[:n_h]
        dc = dc * f
    return dW


if __name__ == "__main__":
    for k in range(200):
        W -= 0.1 * grad(W, xs, targets)
    print("loss", loss(W, xs, targets))
