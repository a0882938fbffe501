"""
Language model on a poem of three lines that lies beside this file.

- state and gradients: rows, shape (1, H), so products read from left to right
- the lines are separate sequences, "\n" ends one and also begins the next
- label smoothing 0.1, so the target is a distribution and not an index
"""

from pathlib import Path

import numpy as np

poem = Path(__file__).with_name("river.txt").read_text().splitlines()
chars = ["\n"] + sorted(set("".join(poem)))
index = {ch: k for k, ch in enumerate(chars)}
K, H = len(chars), 9


def encode(line):
    ids = [index[ch] for ch in "\n" + line + "\n"]
    X = np.eye(K)[ids[:-1]]
    Y = np.eye(K)[ids[1:]] * 0.9 + 0.1 / K
    return X, Y


data = [encode(line) for line in poem]

r = np.random.RandomState(4)
Wxh = r.randn(K, H) * 0.5
Whh = r.randn(H, H) * 0.35
Why = r.randn(H, K) * 0.5
bh, by = np.zeros((1, H)), np.zeros((1, K))
params = dict(Wxh=Wxh, Whh=Whh, Why=Why, bh=bh, by=by)


def hidden_states(X):
    hs = [np.zeros((1, H))]
    for x in X:
        hs.append(np.tanh(x[None] @ Wxh + hs[-1] @ Whh + bh))
    return np.concatenate(hs)


def logprobs(h):
    s = h @ Why + by
    return s - np.logaddexp.reduce(s, axis=1, keepdims=True)


def loss(data):
    return sum(-(Y * logprobs(hidden_states(X)[1:])).sum() for X, Y in data)


def grads(data):
    g = {k: np.zeros(v.shape) for k, v in params.items()}
    for X, Y in data:
        h = hidden_states(X)
        dS = np.exp(logprobs(h[1:])) - Y
        g["Why"] += h[1:].T @ dS
        g["by"] += dS.sum(0, keepdims=True)
        dH = dS @ Why.T
        dA = np.empty_like(dH)
        nxt = np.zeros(H)
        for t in range(len(X))[::-1]:
            dA[t] = (dH[t] + nxt) * (1 - h[t + 1] ** 2)
            nxt = Whh @ dA[t]
        g["Wxh"] += X.T @ dA
        g["Whh"] += h[:-1].T @ dA
        g["bh"] += dA.sum(0, keepdims=True)
    return g


if __name__ == "__main__":
    n = sum(len(X) for X, _ in data)
    for epoch in range(301):
        if epoch % 50 == 0:
            print(f"{epoch:4d} {loss(data) / n:.4f}")
        for k, g in grads(data).items():
            params[k] -= 0.02 * g
