"""Forecasting RNN with the usual precaution against exploding gradients."""
import numpy as np

np.random.seed(7)
n_in, n_hid, n_out, n_steps = 3, 6, 2, 8

Wxh = np.random.randn(n_hid, n_in) * 0.5
Whh = np.random.randn(n_hid, n_hid) * 0.4
Why = np.random.randn(n_out, n_hid) * 1.5
bh = np.random.randn(n_hid, 1) * 0.1
by = np.zeros((n_out, 1))

xs = [np.random.randn(n_in, 1) for _ in range(n_steps)]
ts = [5 * np.random.randn(n_out, 1) + 4 for _ in range(n_steps)]


def forward(xs, ts):
    hs, ys = {-1: np.zeros((n_hid, 1))}, {}
    loss = 0.0
    for t, x in enumerate(xs):
        hs[t] = np.tanh(Wxh @ x + Whh @ hs[t - 1] + bh)
        ys[t] = Why @ hs[t] + by
        loss += 0.5 * np.sum((ys[t] - ts[t]) ** 2)
    return loss, hs, ys


def backward(xs, ts):
    _, hs, ys = forward(xs, ts)
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros((n_hid, 1))
    for t in reversed(range(len(xs))):
        dy = ys[t] - ts[t]
        dWhy += dy @ hs[t].T
        dby += dy
        dh = Why.T @ dy + dhnext
        dhraw = dh * (1 - hs[t] ** 2)
        dWxh += dhraw @ xs[t].T
        dWhh += dhraw @ hs[t - 1].T
        dbh += dhraw
        dhnext = Whh.T @ dhraw
    for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
        np.clip(dparam, -5, 5, out=dparam)
    return dWxh, dWhh, dWhy, dbh, dby


if __name__ == "__main__":
    for n in range(200):
        for p, d in zip([Wxh, Whh, Why, bh, by], backward(xs, ts)):
            p += -0.005 * d
    print("loss", forward(xs, ts)[0])
