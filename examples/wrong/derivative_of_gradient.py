"""
Two-function RNN: rnn_step_forward does one step, rnn_step_backward undoes it.
The driver averages the squared distance of each state to a wanted state.
"""
import numpy as np

N, T, D, H = 2, 5, 3, 4
np.random.seed(99)

x = np.random.randn(N, T, D)
wanted = np.random.uniform(-0.9, 0.9, size=(N, T, H))
h0 = np.random.randn(N, H) * 0.3
Wx = np.random.randn(D, H) * 0.7
Wh = np.random.randn(H, H) * 0.6
b = np.random.randn(H) * 0.2


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    return next_h, (x, prev_h, next_h, Wx, Wh)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, next_h, Wx, Wh = cache
    dscores = dnext_h * (1 - dnext_h ** 2)
    dx = dscores.dot(Wx.T)
    dprev_h = dscores.dot(Wh.T)
    dWx = x.T.dot(dscores)
    dWh = prev_h.T.dot(dscores)
    db = dscores.sum(axis=0)
    return dx, dprev_h, dWx, dWh, db


def run(x, h0):
    h, caches, states = h0, [], []
    for t in range(T):
        h, cache = rnn_step_forward(x[:, t, :], h, Wx, Wh, b)
        caches.append(cache)
        states.append(h)
    return np.stack(states, axis=1), caches


def loss(x, h0):
    states, _ = run(x, h0)
    return 0.5 * np.sum((states - wanted) ** 2) / (N * T)


def grads(x, h0):
    states, caches = run(x, h0)
    dh_all = (states - wanted) / (N * T)
    dx = np.zeros_like(x)
    dprev = np.zeros_like(h0)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    for t in range(T - 1, -1, -1):
        dx[:, t, :], dprev, dWx_t, dWh_t, db_t = rnn_step_backward(dh_all[:, t, :] + dprev, caches[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dict(Wx=dWx, Wh=dWh, b=db, h0=dprev)


if __name__ == "__main__":
    print(loss(x, h0), {k: v.shape for k, v in grads(x, h0).items()})
