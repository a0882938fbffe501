# many-to-one: LSTM reads a message (row vectors), a sigmoid decides: spam or not
import numpy as np

T, D, H = 6, 3, 5


def init(D, H, seed=0):
    np.random.seed(seed)
    return (np.random.randn(D, 4 * H) * 0.5,
            np.random.randn(H, 4 * H) * 0.4,
            np.random.randn(1, 4 * H) * 0.1,
            np.random.randn(H, 1),
            np.random.randn(1, 1) * 0.1)


def message(T, D):
    np.random.seed(5)
    return np.random.randn(T, 1, D)


W_x, W_h, b, w_out, b_out = init(D, H)
msg = message(T, D)
label = 1.0


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def dsigmoid(y):
    return y * (1 - y)


def dtanh(y):
    return 1 - y * y


def lstm_step(x, h, c):
    a = np.dot(x, W_x) + np.dot(h, W_h) + b
    i, f, o, g = np.split(a, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c_new = f * c + i * g
    h_new = o * np.tanh(c_new)
    return h_new, c_new, (x, h, c, i, f, o, g, c_new)


def lstm_step_back(dh, dc, cache):
    x, h, c, i, f, o, g, c_new = cache
    tc = np.tanh(c_new)
    dc = dc + dh * o * dtanh(tc)
    d_i = dc * g * dsigmoid(i)
    d_f = dc * c * dsigmoid(f)
    d_o = dh * tc * dsigmoid(o)
    d_g = dc * i * dtanh(g)
    da = np.hstack((d_i, d_f, d_o, d_g))
    dW_x = np.dot(x.T, da)
    dW_h = np.dot(h.T, da)
    return np.dot(da, W_h.T), dc * f, dW_x, dW_h, da


def read(msg):
    n = W_h.shape[0]
    h, c = np.zeros((1, n)), np.zeros((1, n))
    caches = []
    for x in msg:
        h, c, cache = lstm_step(x, h, c)
        caches.append(cache)
    return h, caches


def bce(msg, label):
    h, _ = read(msg)
    s = (np.dot(h, w_out) + b_out).item()
    return np.logaddexp(0, s) - label * s


def bce_grad(msg, label):
    h, caches = read(msg)
    p = sigmoid(np.dot(h, w_out) + b_out)
    ds = p - label
    g_w_out = np.dot(h.T, ds)
    g_b_out = ds
    dh = np.dot(ds, w_out.T)
    dc = np.zeros_like(dh)
    gW_x, gW_h, gb = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(b)
    while caches:
        dh, dc, dW_x, dW_h, db = lstm_step_back(dh, dc, caches.pop())
        gW_x += dW_x
        gW_h += dW_h
        gb += db
    return gW_x, gW_h, gb, g_w_out, g_b_out


if __name__ == "__main__":
    for n in range(100):
        for w, g in zip((W_x, W_h, b, w_out, b_out), bce_grad(msg, label)):
            w -= 0.2 * g
    print(bce(msg, label))
