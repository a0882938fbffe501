"""Batched LSTM with packed weights, gate order i, f, o, g. Rows; W_all is (D + H, 4 H)."""
import numpy as np

rng = np.random.default_rng(123)
T, B, D, H = 5, 2, 3, 4

W_all = rng.standard_normal((D + H, 4 * H)) * 0.5
b_all = rng.standard_normal(4 * H) * 0.2
b_all[H:2 * H] += 1.0   # remember by default

inputs = rng.standard_normal((T, B, D))
h_init = rng.standard_normal((B, H)) * 0.5
c_init = rng.standard_normal((B, H)) * 0.5
d_out = rng.standard_normal((T, B, H))


def sig(z):
    return 1.0 / (1.0 + np.exp(-z))


def lstm_forward(inputs, h, c):
    outs, cache = [], []
    for x in inputs:
        z = np.concatenate([x, h], axis=1)
        a = z @ W_all + b_all
        i, f, o = sig(a[:, :H]), sig(a[:, H:2 * H]), sig(a[:, 2 * H:3 * H])
        g = np.tanh(a[:, 3 * H:])
        c_prev = c
        c = f * c_prev + i * g
        tc = np.tanh(c)
        h = o * tc
        outs.append(h)
        cache.append((z, i, f, o, g, c_prev, tc))
    return np.stack(outs), cache


def lstm_backward(d_out, cache):
    dW, db = np.zeros_like(W_all), np.zeros_like(b_all)
    dh = np.zeros((B, H))
    for t in reversed(range(len(cache))):
        z, i, f, o, g, c_prev, tc = cache[t]
        dh = dh + d_out[t]
        dc = dh * o * (1 - tc ** 2)
        da = np.concatenate([
            dc * g * i * (1 - i),
            dc * c_prev * f * (1 - f),
            dh * tc * o * (1 - o),
            dc * i * (1 - g ** 2),
        ], axis=1)
        dW += z.T @ da
        db += da.sum(axis=0)
        dh = (da @ W_all.T)[:, D:]
    return dW, db


if __name__ == "__main__":
    outs, cache = lstm_forward(inputs, h_init, c_init)
    dW, db = lstm_backward(d_out, cache)
    print("output", outs.shape, "dW", dW.shape, "db", db.shape)
