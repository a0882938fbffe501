"""Fixed-size buffers, allocated once: no garbage for the collector in the inner loop."""
import numpy as np

T, D, H, K = 6, 3, 5, 2
rng = np.random.default_rng(44)

Wx = rng.normal(0, 0.7, (H, D))
Wh = rng.normal(0, 0.5, (H, H))
bh = rng.normal(0, 0.2, H)
Wo = rng.normal(0, 0.7, (K, H))

xs = rng.normal(size=(T, D))
ys = rng.normal(size=(T, K))


def forward(xs):
    h_prev = np.zeros(H)
    h = np.zeros(H)
    cache = []
    out = np.zeros((T, K))
    for t, x in enumerate(xs):
        h[:] = np.tanh(Wx @ x + Wh @ h_prev + bh)
        out[t] = Wo @ h
        cache.append((x, h_prev, h))
        h_prev = h
    return out, cache


def loss(xs, ys):
    out, _ = forward(xs)
    return 0.5 * np.mean(np.sum((out - ys) ** 2, axis=1))


def backward(xs, ys):
    out, cache = forward(xs)
    dout = (out - ys) / T
    dWx, dWh, dbh, dWo = (np.zeros(m.shape) for m in (Wx, Wh, bh, Wo))
    dh_next = np.zeros(H)
    for (x, h_prev, h), do in zip(cache[::-1], dout[::-1]):
        dWo += np.outer(do, h)
        da = (Wo.T @ do + dh_next) * (1 - h ** 2)
        dWx += np.outer(da, x)
        dWh += np.outer(da, h_prev)
        dbh += da
        dh_next = Wh.T @ da
    return dWx, dWh, dbh, dWo


if __name__ == "__main__":
    print("loss", loss(xs, ys))
    print("gradient norms", [round(float(np.sqrt((g ** 2).sum())), 4) for g in backward(xs, ys)])
