# Recurrent layer as a pair of pure functions. The layer knows nothing of a loss:
# whoever calls it hands in dout, the gradient with respect to every hidden state.
#
#   x    (N, T, D)     a minibatch of sequences
#   h0   (N, H)
#   Wx   (D, H)   Wh (H, H)   b (H,)
#   out  (N, T, H)

import numpy as np


def step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    cache = (x, prev_h, Wx, Wh, next_h)
    return next_h, cache


def step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h * (1.0 - next_h * next_h)
    dx = dz.dot(Wx.T)
    dprev_h = dz.dot(Wh.T)
    dWx = x.T.dot(dz)
    dWh = prev_h.T.dot(dz)
    db = dz.sum(axis=0)
    return dx, dprev_h, dWx, dWh, db


def layer_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    out = np.zeros((N, T, h0.shape[1]))
    caches = []
    h = h0
    for t in range(T):
        h, cache = step_forward(x[:, t, :], h, Wx, Wh, b)
        out[:, t, :] = h
        caches.append(cache)
    return out, caches


def layer_backward(dout, caches):
    N, T, H = dout.shape
    D = caches[0][0].shape[1]
    dx = np.zeros((N, T, D))
    dWx, dWh, db = np.zeros((D, H)), np.zeros((H, H)), np.zeros(H)
    dh = np.zeros((N, H))
    for t in range(T)[::-1]:
        # a hidden state is used twice: it leaves the layer, and it feeds the next step
        dx_t, dh, dWx_t, dWh_t, db_t = step_backward(dout[:, t, :] + dh, caches[t])
        dx[:, t, :] = dx_t
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dh, dWx, dWh, db


# something to run it on
np.random.seed(231)
N, T, D, H = 2, 5, 3, 4
x = np.random.randn(N, T, D)
h0 = np.random.randn(N, H)
Wx = np.random.randn(D, H)
Wh = np.random.randn(H, H) * 0.8
b = np.random.randn(H)
dout = np.random.randn(N, T, H)
