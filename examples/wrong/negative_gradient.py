"""Many-to-many RNN with logistic outputs; the update is written as params += rate * step."""
import numpy as np

rng = np.random.default_rng(5)
T, D, H, K = 6, 3, 5, 4

Wi = rng.normal(0, 0.6, (H, D))
Wr = rng.normal(0, 0.5, (H, H))
Wo = rng.normal(0, 0.6, (K, H))
bi = rng.normal(0, 0.2, H)

frames = rng.normal(size=(T, D))
keys = (rng.uniform(size=(T, K)) > 0.5).astype(float)   # which keys are pressed in each frame


def forward(frames):
    h = np.zeros((T + 1, H))
    for t in range(T):
        h[t + 1] = np.tanh(Wi @ frames[t] + Wr @ h[t] + bi)
    return h, 1 / (1 + np.exp(-(h[1:] @ Wo.T)))


def loss(frames, keys):
    _, q = forward(frames)
    return -np.sum(keys * np.log(q) + (1 - keys) * np.log(1 - q))


def gradients(frames, keys):
    h, q = forward(frames)
    err = keys - q
    dWi, dWr, dWo, dbi = np.zeros_like(Wi), np.zeros_like(Wr), np.zeros_like(Wo), np.zeros_like(bi)
    back = np.zeros(H)
    for t in range(T - 1, -1, -1):
        dWo += np.outer(err[t], h[t + 1])
        da = (Wo.T @ err[t] + back) * (1 - h[t + 1] ** 2)
        dWi += np.outer(da, frames[t])
        dWr += np.outer(da, h[t])
        dbi += da
        back = Wr.T @ da
    return dWi, dWr, dWo, dbi


if __name__ == "__main__":
    rate = 0.05
    for _ in range(200):
        for w, step in zip((Wi, Wr, Wo, bi), gradients(frames, keys)):
            w += rate * step
    print("loss", loss(frames, keys))
