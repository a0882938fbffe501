"""Real-time recurrent learning (Williams & Zipser 1989), the whole sensitivity tensors.

    PW[k, i, j] = d h_k(t) / d W_ij      PU[k, i, j] = d h_k(t) / d U_ij      Pb[k, i] = d h_k(t) / d b_i

No step back in time: the gradient at time t is the error at time t times the sensitivities.
"""
import numpy as np

rs = np.random.RandomState(1989)

n_in, n_units, n_visible, T = 2, 5, 3, 6

W = rs.normal(scale=0.6, size=(n_units, n_units))
U = rs.normal(scale=0.8, size=(n_units, n_in))
b = rs.normal(scale=0.1, size=n_units)
V = rs.normal(scale=0.7, size=(n_visible, n_units))
h_init = rs.normal(scale=0.4, size=n_units)

X = rs.normal(size=(T, n_in))
D = np.cumsum(X.sum(axis=1))[:, None] * np.linspace(-0.3, 0.4, n_visible)


def step(h, x):
    return np.tanh(np.dot(W, h) + np.dot(U, x) + b)


def total_loss(X, D):
    h = h_init
    J = 0.0
    for x, d in zip(X, D):
        h = step(h, x)
        e = np.dot(V, h) - d
        J += 0.5 * np.sum(e ** 2)
    return J


def rtrl(X, D):
    n, m = U.shape
    h = h_init
    PW = np.zeros((n, n, n))
    PU = np.zeros((n, n, m))
    Pb = np.zeros((n, n))
    gradW, gradU, gradb, gradV = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b), np.zeros_like(V)
    for x, d in zip(X, D):
        h_old = h
        h = step(h_old, x)
        slope = 1.0 - h ** 2

        # what the old state passes on ...
        newW = np.tensordot(W, PW, axes=1)
        newU = np.tensordot(W, PU, axes=1)
        newb = np.dot(W, Pb)
        # ... and what the weights do at this very step
        for k in range(n):
            newW[k, k, :] += h_old
            newU[k, k, :] += x
            newb[k, k] += 1.0
        PW = slope[:, None, None] * newW
        PU = slope[:, None, None] * newU
        Pb = slope[:, None] * newb

        e = np.dot(V, h) - d
        dJdh = np.dot(e, V)
        gradV += np.outer(e, h)
        gradW += np.einsum('k,kij->ij', dJdh, PW)
        gradU += np.einsum('k,kij->ij', dJdh, PU)
        gradb += np.dot(dJdh, Pb)
    return gradW, gradU, gradb, gradV


if __name__ == '__main__':
    for epoch in range(200):
        gW, gU, gb, gV = rtrl(X, D)
        W -= 0.02 * gW
        U -= 0.02 * gU
        b -= 0.02 * gb
        V -= 0.02 * gV
        if epoch % 20 == 0:
            print('%4d  %.5f' % (epoch, total_loss(X, D)))
