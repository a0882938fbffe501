"""RNN with a learned initial state h0 (one row, shared by the batch)."""
import numpy as np

rng = np.random.default_rng(93)
T, B, D, H = 5, 4, 2, 6

params = dict(
    U=rng.normal(0, 0.6, (D, H)),
    W=rng.normal(0, 0.4, (H, H)),
    h0=rng.normal(0, 0.5, (1, H)),
    v=rng.normal(0, 0.6, (H, 1)),
)
x = rng.normal(size=(T, B, D))
y = rng.normal(size=(T, B, 1))


def forward(params, x):
    h = [np.repeat(params["h0"], B, axis=0)]
    for t in range(T):
        h.append(np.tanh(x[t] @ params["U"] + h[t] @ params["W"]))
    return h, np.stack([state @ params["v"] for state in h[1:]])


def loss(params, x, y):
    return np.mean((forward(params, x)[1] - y) ** 2)


def backward(params, x, y):
    h, pred = forward(params, x)
    dpred = 2 * (pred - y) / pred.size
    grads = {key: np.zeros(value.shape) for key, value in params.items()}
    dh = np.zeros((B, H))
    for t in range(T, 0, -1):
        dh = dh + dpred[t - 1] @ params["v"].T
        grads["v"] += h[t].T @ dpred[t - 1]
        da = dh * (1 - h[t] ** 2)
        grads["U"] += x[t - 1].T @ da
        grads["W"] += h[t - 1].T @ da
        dh = da @ params["W"].T
    return grads


if __name__ == "__main__":
    for _ in range(200):
        grads = backward(params, x, y)
        for key in params:
            params[key] -= 0.1 * grads[key]
    print("loss", loss(params, x, y), "h0", params["h0"])
