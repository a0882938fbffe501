"""Adding problem: of all the values in a sequence, add the two that are marked. One regression target per sequence."""
import numpy as np

rng = np.random.default_rng(100)
length, batch, hidden = 8, 5, 6

values = rng.uniform(0, 1, (batch, length))
marks = np.zeros((batch, length))
for row in marks:
    row[rng.choice(length, 2, replace=False)] = 1
X = np.stack([values, marks], axis=-1)
Y = (values * marks).sum(axis=1, keepdims=True)

Wx = rng.normal(0, 0.6, (2, hidden))
Wh = rng.normal(0, 0.4, (hidden, hidden))
bh = np.zeros(hidden)
Wy = rng.normal(0, 0.6, (hidden, 1))
by = np.zeros(1)


def forward(X):
    h = np.zeros((batch, hidden))
    hs = [h]
    for t in range(length):
        h = np.tanh(X[:, t] @ Wx + h @ Wh + bh)
        hs.append(h)
    return hs, h @ Wy + by


def mean_squared_error(X, Y):
    _, yhat = forward(X)
    return np.mean((yhat - Y) ** 2)


def bptt(X, Y):
    hs, yhat = forward(X)
    dy = 2 * (yhat - Y) / batch
    dWy = hs[-1].T @ dy
    dby = dy.sum(axis=0)
    dWx, dWh, dbh = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(bh)
    dh_next = np.zeros((batch, hidden))
    for t in reversed(range(length)):
        dh = dy @ Wy.T + dh_next
        dz = dh * (1 - hs[t + 1] ** 2)
        dWx += X[:, t].T @ dz
        dWh += hs[t].T @ dz
        dbh += dz.sum(axis=0)
        dh_next = dz @ Wh.T
    return dWx, dWh, dbh, dWy, dby


if __name__ == "__main__":
    print("error at the start:", mean_squared_error(X, Y))
    for i in range(200):
        for p, g in zip((Wx, Wh, bh, Wy, by), bptt(X, Y)):
            p -= 0.02 * g
    print("error at the end:  ", mean_squared_error(X, Y))
