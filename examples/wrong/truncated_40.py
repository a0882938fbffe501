"""Long-memory RNN: orthogonal recurrent weights keep the signal alive over T = 60 steps."""
import numpy as np

T, D, H, K = 60, 3, 5, 2
BPTT_STEPS = 40

rng = np.random.default_rng(60)
Q, _ = np.linalg.qr(rng.normal(size=(H, H)))

U = rng.normal(size=(H, D)) * 0.05
W = 1.02 * Q
b = rng.normal(size=H) * 0.01
V = rng.normal(size=(K, H)) * 0.5

x = rng.normal(size=(T, D))
y = 0.3 * np.cumsum(x[:, :K], axis=0) / np.sqrt(np.arange(1, T + 1))[:, None]


def forward(x):
    s = np.zeros((T + 1, H))   # s[-1] is the initial state
    for t in range(T):
        s[t] = np.tanh(U @ x[t] + W @ s[t - 1] + b)
    return s, s[:-1] @ V.T


def loss(x, y):
    _, out = forward(x)
    return 0.5 * np.sum((out - y) ** 2)


def bptt(x, y):
    s, out = forward(x)
    dU, dW, db, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(b), np.zeros_like(V)
    for t in range(T):
        e = out[t] - y[t]
        dV += np.outer(e, s[t])
        delta = (V.T @ e) * (1 - s[t] ** 2)
        for k in range(t, max(-1, t - BPTT_STEPS), -1):
            dU += np.outer(delta, x[k])
            dW += np.outer(delta, s[k - 1])
            db += delta
            delta = (W.T @ delta) * (1 - s[k - 1] ** 2)
    return dU, dW, db, dV


if __name__ == "__main__":
    print("loss", loss(x, y))
    print("norms", [float(np.linalg.norm(g)) for g in bptt(x, y)])
