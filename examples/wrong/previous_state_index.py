"""Next-character RNN on one word. Row vectors, one sequence at a time.

    a[t] = x[t] U + h[t-1] W + b,   h[t] = tanh(a[t]),   o[t] = h[t] V + c
"""
import numpy as np

word = "abracadabra"
chars = sorted(set(word))
D = K = len(chars)
H = 7

np.random.seed(3)
U = np.random.randn(D, H) * 0.5
W = np.random.randn(H, H) * 0.4
V = np.random.randn(H, K) * 0.5
b = np.random.randn(H) * 0.1
c = np.zeros(K)

ids = [chars.index(ch) for ch in word]
X, Y = ids[:-1], ids[1:]


def softmax(o):
    e = np.exp(o - np.max(o))
    return e / e.sum()


def forward(X, Y):
    T = len(X)
    h = np.zeros((T, H))
    p = np.zeros((T, K))
    loss = 0.0
    prev = np.zeros(H)
    for t in range(T):
        h[t] = np.tanh(U[X[t]] + prev @ W + b)
        p[t] = softmax(h[t] @ V + c)
        loss -= np.log(p[t, Y[t]])
        prev = h[t]
    return loss, h, p


def backward(X, Y):
    _, h, p = forward(X, Y)
    T = len(X)
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    db, dc = np.zeros_like(b), np.zeros_like(c)
    dh_next = np.zeros(H)
    for t in range(T - 1, -1, -1):
        do = p[t].copy()
        do[Y[t]] -= 1.0
        dV += np.outer(h[t], do)
        dc += do
        dh = do @ V.T + dh_next
        da = dh * (1.0 - h[t] ** 2)
        dU[X[t]] += da
        dW += np.outer(h[t], da)
        db += da
        dh_next = da @ W.T
    return dU, dW, dV, db, dc


if __name__ == "__main__":
    for step in range(200):
        loss = forward(X, Y)[0]
        for param, grad in zip((U, W, V, b, c), backward(X, Y)):
            param -= 0.05 * grad
        if step % 50 == 0:
            print(step, loss)
