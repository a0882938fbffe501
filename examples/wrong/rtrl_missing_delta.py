"""Real-time recurrent learning: gradients without going backwards.

Next to the state h[t] we carry its sensitivities
    S_W[i, j, k] = d h[i] / d W[j, k]        S_U[i, j, d] = d h[i] / d U[j, d]
and update them in the same loop:
    S_W' = diag(1 - h'^2) (W S_W + direct term)
"""
import numpy as np

T, D, H, K = 6, 2, 4, 3
rng = np.random.default_rng(1989)

U = rng.normal(0, 0.7, (H, D))
W = rng.normal(0, 0.5, (H, H))
V = rng.normal(0, 0.7, (K, H))

x = rng.normal(size=(T, D))
y = rng.normal(size=(T, K))
h_init = rng.normal(size=H) * 0.5


def loss(x, y):
    h, total = h_init, 0.0
    for t in range(T):
        h = np.tanh(U @ x[t] + W @ h)
        total += 0.5 * np.sum((V @ h - y[t]) ** 2)
    return total


def rtrl(x, y):
    h = h_init
    S_W = np.zeros((H, H, H))
    S_U = np.zeros((H, H, D))
    gU, gW, gV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    identity = np.eye(H)
    for t in range(T):
        h_new = np.tanh(U @ x[t] + W @ h)
        slope = 1 - h_new ** 2

        direct_U = np.einsum("ij,d->ijd", identity, x[t])
        direct_W = np.broadcast_to(h, (H, H, H))
        S_U = slope[:, None, None] * (np.einsum("il,ljd->ijd", W, S_U) + direct_U)
        S_W = slope[:, None, None] * (np.einsum("il,ljk->ijk", W, S_W) + direct_W)

        error = V @ h_new - y[t]
        dh = V.T @ error
        gV += np.outer(error, h_new)
        gU += np.einsum("i,ijd->jd", dh, S_U)
        gW += np.einsum("i,ijk->jk", dh, S_W)
        h = h_new
    return gU, gW, gV


if __name__ == "__main__":
    for epoch in range(100):
        gU, gW, gV = rtrl(x, y)
        U -= 0.02 * gU
        W -= 0.02 * gW
        V -= 0.02 * gV
    print("loss", loss(x, y))
