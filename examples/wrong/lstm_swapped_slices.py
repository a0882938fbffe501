"""LSTM layer, forward and backward over a whole sequence, batch first. Weights Wx (D, 4H), Wh (H, 4H), b (4H)."""
import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    ai, af, ao, ag = np.split(a, 4, axis=1)
    i, f, o, g = sigmoid(ai), sigmoid(af), sigmoid(ao), np.tanh(ag)
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, i, f, o, g, next_c, Wx, Wh)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, i, f, o, g, next_c, Wx, Wh = cache
    tanh_c = np.tanh(next_c)
    do = dnext_h * tanh_c
    dc = dnext_c + dnext_h * o * (1 - tanh_c ** 2)
    df = dc * prev_c
    di = dc * g
    dg = dc * i

    da = np.zeros((x.shape[0], 4 * prev_h.shape[1]))
    H = prev_h.shape[1]
    da[:, :H] = di * i * (1 - i)
    da[:, H:2 * H] = df * f * (1 - f)
    da[:, 2 * H:3 * H] = dg * (1 - g ** 2)
    da[:, 3 * H:] = do * o * (1 - o)

    return da.dot(Wx.T), da.dot(Wh.T), dc * f, x.T.dot(da), prev_h.T.dot(da), da.sum(axis=0)


def lstm_forward(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    h, c = h0, np.zeros_like(h0)
    out, caches = np.zeros((N, T, h0.shape[1])), []
    for t in range(T):
        h, c, cache = lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        out[:, t] = h
        caches.append(cache)
    return out, caches


def lstm_backward(dout, caches):
    N, T, H = dout.shape
    D = caches[0][0].shape[1]
    dx, dWx, dWh, db = np.zeros((N, T, D)), np.zeros((D, 4 * H)), np.zeros((H, 4 * H)), np.zeros(4 * H)
    dh, dc = np.zeros((N, H)), np.zeros((N, H))
    for t in reversed(range(T)):
        dx[:, t], dh, dc, dWx_t, dWh_t, db_t = lstm_step_backward(dout[:, t] + dh, dc, caches[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dh, dWx, dWh, db


np.random.seed(231)
N, T, D, H = 2, 5, 3, 4
x = np.random.randn(N, T, D)
h0 = np.random.randn(N, H) * 0.5
Wx = np.random.randn(D, 4 * H) * 0.6
Wh = np.random.randn(H, 4 * H) * 0.5
b = np.random.randn(4 * H) * 0.3
dout = np.random.randn(N, T, H)

if __name__ == "__main__":
    out, caches = lstm_forward(x, h0, Wx, Wh, b)
    for name, grad in zip(("dx", "dh0", "dWx", "dWh", "db"), lstm_backward(dout, caches)):
        print(name, grad.shape)
