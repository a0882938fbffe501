"""The word "learn" through a 5-5-5 network, the gradient of W by forward sensitivities.

No biases. The state is a 1-d array, the letters are one-hot in the order l, e, a, r, n. Targets are the following
letters; after the last one there is none, and its row is all zeros.
"""

import numpy as np

rs = np.random.RandomState(42)
U, bu, W, bw, V, bv = (rs.randn(5, k) for k in (5, 1, 5, 1, 5, 1))

letters = np.eye(5)
X = letters
Y = np.vstack([letters[1:], np.zeros(5)])


def softmax(v):
    e = np.exp(v - v.max())
    return e / e.sum()


def step_losses(X, Y):
    s = np.zeros(5)
    losses = []
    for x, y in zip(X, Y):
        s = np.tanh(U @ x + W @ s)
        losses.append(-np.sum(y * np.log(softmax(V @ s))))
    return losses


def loss(X, Y):
    return sum(step_losses(X, Y))


def sensitivities(X, Y):
    """Gradients of W, U and V, in one pass and without looking back."""
    n = len(W)
    eye = np.eye(n)
    s = np.zeros(n)
    ds_dW = np.zeros((n, n, n))  # [k, i, j]: state k, weight i j
    ds_dU = np.zeros((n, n, n))
    gW, gU, gV = np.zeros_like(W), np.zeros_like(U), np.zeros_like(V)
    for x, y in zip(X, Y):
        # row i of W meets the previous state and moves unit i: a Kronecker delta in k and i
        dz_dW = eye[:, :, None] * s + np.einsum("kl,lij->kij", W, ds_dW)
        dz_dU = eye[:, :, None] * x + np.einsum("kl,lij->kij", W, ds_dU)
        s = np.tanh(U @ x + W @ s)
        slope = (1 - s**2)[:, None, None]
        ds_dW = slope * dz_dW
        ds_dU = slope * dz_dU
        do = y.sum() * softmax(V @ s) - y  # where nothing is asked, nothing comes back
        gV += np.outer(do, s)
        gW += np.einsum("k,kij->ij", do @ V, ds_dW)
        gU += np.einsum("k,kij->ij", do @ V, ds_dU)
    return gW, gU, gV


if __name__ == "__main__":
    print(*step_losses(X, Y), sep="\n")
    print("total", loss(X, Y))
    print(sensitivities(X, Y)[0])
