"""Read bits one at a time and say, after each, how many ones there were so far, modulo 3.

Everything is a module global; vectors are plain 1-d arrays.
"""

import numpy as np

rng = np.random.RandomState(3)

D, H, K, T = 2, 6, 3, 9  # one-hot bit, hidden units, classes, length of the string

U = rng.randn(H, D) * 0.7
W = rng.randn(H, H) * 0.4
V = rng.randn(K, H) * 0.6
b = rng.randn(H) * 0.1
c = np.zeros(K)
h0 = np.linspace(-0.5, 0.5, H)


def make_example(length):
    bits = rng.randint(2, size=length)
    return bits, np.cumsum(bits) % 3


X, Y = make_example(T)


def forward(X, Y):
    """Total cross-entropy, hidden states h[0..T] (h[0] is the start) and probabilities."""
    h = np.zeros((len(X) + 1, H))
    p = np.zeros((len(X), K))
    h[0] = h0
    loss = 0.0
    for t, bit in enumerate(X):
        x = np.zeros(D)
        x[bit] = 1
        h[t + 1] = np.tanh(U @ x + W @ h[t] + b)
        scores = V @ h[t + 1] + c
        e = np.exp(scores - scores.max())
        p[t] = e / e.sum()
        loss -= np.log(p[t, Y[t]])
    return loss, h, p


def backward(X, Y):
    _, h, p = forward(X, Y)
    dW, dU, dV = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V)
    db, dc = np.zeros_like(b), np.zeros_like(c)
    from_future = np.zeros(H)
    for t in range(len(X) - 1, -1, -1):
        dscores = p[t].copy()
        dscores[Y[t]] -= 1
        dV += np.outer(dscores, h[t + 1])
        dc += dscores
        dh = V.T @ dscores + from_future
        da = dh * (1 - h[t + 1] ** 2)
        dW += np.outer(da, h[t])
        dU[:, X[t]] += da  # x is one-hot: only one column of U was used
        db += da
        from_future = W.T @ da
    return dW, dU, dV, db, dc


if __name__ == "__main__":
    for step in range(2001):
        X, Y = make_example(T)
        if step % 500 == 0:
            print(step, forward(X, Y)[0] / T)
        for param, grad in zip((W, U, V, b, c), backward(X, Y)):
            param -= 0.05 * np.clip(grad, -2, 2)
