"""Read a tiny picture row by row, name the digit at the end: many inputs, one answer, whole batch at once."""

import numpy as np

ZERO = "0110 1001 1001 1001 0110"
ONE = "0010 0110 0010 0010 0111"
SEVEN = "1111 0001 0010 0100 0100"


def picture(rows):
    return [[float(c) for c in row] for row in rows.split()]


def dataset(rng, copies=2, noise=0.2):
    images = np.array([picture(p) for p in (ZERO, ONE, SEVEN)] * copies)
    labels = np.tile(np.arange(3), copies)
    return images + noise * rng.standard_normal(images.shape), labels


def init(rng, n_rows_in=4, n_hidden=7, n_classes=3):
    def glorot(i, o):
        lim = np.sqrt(6.0 / (i + o))
        return rng.uniform(-lim, lim, size=(i, o))

    return [
        glorot(n_rows_in, n_hidden),
        glorot(n_hidden, n_hidden),
        np.zeros(n_hidden),
        glorot(n_hidden, n_classes),
        np.zeros(n_classes),
    ]


def forward(theta, images):
    Wx, Wh, bh, Wy, by = theta
    B, T, _ = images.shape
    hs = np.zeros((T + 1, B, len(bh)))
    projected = np.einsum("btd,dh->tbh", images, Wx) + bh  # needs no recurrence: all steps at once
    for t in range(T):
        hs[t + 1] = np.tanh(projected[t] + hs[t] @ Wh)
    logits = hs[-1] @ Wy + by
    logits = logits - np.max(logits, axis=1, keepdims=True)
    logp = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    return hs, logp


def nll(theta, images, labels):
    _, logp = forward(theta, images)
    return -np.mean(logp[np.arange(len(labels)), labels])


def grad_nll(theta, images, labels):
    Wx, Wh, bh, Wy, by = theta
    hs, logp = forward(theta, images)
    B, T, _ = images.shape
    dlogits = np.exp(logp)
    dlogits[np.arange(B), labels] -= 1
    dlogits /= B
    gWy = hs[-1].T @ dlogits
    gby = dlogits.sum(axis=0)
    dpre = np.zeros((T, B, len(bh)))
    dh = dlogits @ Wy.T
    for t in range(T - 1, -1, -1):
        dpre[t] = dh * (1.0 - hs[t + 1] ** 2)
        dh = dpre[t] @ Wh.T
    gWx = np.einsum("btd,tbh->dh", images, dpre)
    gWh = np.einsum("tbi,tbj->ij", hs[:-1], dpre)
    gbh = dpre.sum(axis=(0, 1))
    return [gWx, gWh, gbh, gWy, gby]


rng = np.random.default_rng(0)
images, labels = dataset(rng)
theta = init(rng)

if __name__ == "__main__":
    for step in range(300):
        theta = [p - 0.3 * g for p, g in zip(theta, grad_nll(theta, images, labels))]
        if step % 50 == 0:
            print(step, nll(theta, images, labels))
