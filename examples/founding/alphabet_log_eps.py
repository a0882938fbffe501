"""The alphabet through a vanilla RNN, column by column: next letters, and a loss that cannot take the log of zero."""

import numpy as np

letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
size, n = len(letters), 10

np.random.seed(12)
W = np.random.randn(n, n) * 0.01
U = np.random.randn(n, size) * 0.01
V = np.random.randn(size, n) * 0.01
b = np.zeros((n, 1))
c = np.zeros((size, 1))

X = np.eye(size).reshape(size, size, 1)
Y = np.roll(X, -1, axis=0)


def softmax(o):
    o = np.exp(o - o.max())
    return o / o.sum()


def unroll(X):
    s, a, prob = {}, {-1: np.zeros((n, 1))}, {}
    for t in range(len(X)):
        s[t] = U @ X[t] + W @ a[t - 1] + b
        a[t] = np.tanh(s[t])
        prob[t] = softmax(V @ a[t] + c)
    return s, a, prob


def loss(X, Y):
    prob = unroll(X)[2]
    total = 0.0
    for t in range(len(Y)):
        total -= np.sum(Y[t] * np.log(prob[t] + 1e-15))
    return total


def backprop(X, Y):
    s, a, prob = unroll(X)
    dW, dU, dV, db, dc = [np.zeros_like(p) for p in (W, U, V, b, c)]
    later = np.zeros_like(b)
    for t in reversed(range(len(X))):
        err = prob[t] - Y[t]
        dc += err
        dV += err @ a[t].T
        ds = (V.T @ err + later) * (1 - np.tanh(s[t]) ** 2)
        dW += ds @ a[t - 1].T
        dU += ds @ X[t].T
        db += ds
        later = W.T @ ds
    return dW, dU, dV, db, dc


if __name__ == "__main__":
    for epoch in range(1001):
        grads = backprop(X, Y)
        for p, g in zip((W, U, V, b, c), grads):
            p -= 0.01 * g
        if epoch % 250 == 0:
            print(epoch, loss(X, Y))
