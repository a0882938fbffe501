# rnn from scratch, following along with the lecture slides
import numpy as np

T, D, H, K = 6, 3, 5, 4
rng = np.random.default_rng(7)

U = rng.normal(scale=0.7, size=(H, D))
W = rng.normal(scale=0.5, size=(H, H))
V = rng.normal(scale=0.7, size=(K, H))
b = rng.normal(scale=0.2, size=H)
c = rng.normal(scale=0.2, size=K)

X = rng.normal(size=(T, D))
Y = rng.integers(0, K, size=T)


def forward(X, Y):
    h, p = [], []
    prev = np.zeros(H)
    loss = 0.0
    for x, y in zip(X, Y):
        prev = np.tanh(U @ x + W @ prev + b)
        o = V @ prev + c
        e = np.exp(o - o.max())
        h.append(prev)
        p.append(e / e.sum())
        loss -= np.log(p[-1][y])
    return loss / len(X), h, p


def backward(X, Y):
    _, h, p = forward(X, Y)
    dU, dW, dV = np.zeros((H, D)), np.zeros((H, H)), np.zeros((K, H))
    db, dc = np.zeros(H), np.zeros(K)
    for t in reversed(range(len(X))):
        do = p[t] - (np.arange(K) == Y[t])
        do = do / len(X)
        dV += np.outer(do, h[t])
        dc += do
        da = (1 - h[t] ** 2) * (V.T @ do)   # chain rule through tanh
        h_before = h[t - 1] if t > 0 else np.zeros(H)
        dU += np.outer(da, X[t])
        dW += np.outer(da, h_before)
        db += da
    return dU, dW, dV, db, dc


if __name__ == "__main__":
    lr = 0.3
    for i in range(100):
        dU, dW, dV, db, dc = backward(X, Y)
        U -= lr * dU
        W -= lr * dW
        V -= lr * dV
        b -= lr * db
        c -= lr * dc
    print("loss", forward(X, Y)[0])
