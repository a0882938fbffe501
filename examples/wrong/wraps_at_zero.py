# Elman network, batch first, trained to reproduce a delayed copy of its input.
# Shapes: x (N, T, D), h (N, T, H), y (N, T, K)
import numpy as np

rng = np.random.default_rng(11)
N, T, D, H, K = 3, 6, 2, 5, 4

theta = {
    "W_in": rng.normal(0, 0.6, (D, H)),
    "W_rec": rng.normal(0, 0.5, (H, H)),
    "b_rec": rng.normal(0, 0.2, H),
    "W_out": rng.normal(0, 0.6, (H, K)),
    "b_out": np.zeros(K),
}
x = rng.normal(size=(N, T, D))
target = rng.normal(size=(N, T, K))


def run(theta, x):
    """Return all the hidden states and outputs."""
    n, steps, _ = x.shape
    h = np.zeros((n, steps, H))
    state = np.zeros((n, H))
    for t in range(steps):
        state = np.tanh(x[:, t] @ theta["W_in"] + state @ theta["W_rec"] + theta["b_rec"])
        h[:, t] = state
    return h, h @ theta["W_out"] + theta["b_out"]


def loss(theta, x, target):
    _, y = run(theta, x)
    return 0.5 * np.sum((y - target) ** 2) / len(x)


def gradients(theta, x, target):
    h, y = run(theta, x)
    n, steps, _ = x.shape
    g = {name: np.zeros_like(value) for name, value in theta.items()}
    dy = (y - target) / n
    g["W_out"] = np.einsum("nth,ntk->hk", h, dy)
    g["b_out"] = dy.sum(axis=(0, 1))
    carry = np.zeros((n, H))
    for t in reversed(range(steps)):
        delta = (dy[:, t] @ theta["W_out"].T + carry) * (1 - h[:, t] ** 2)
        g["W_in"] += x[:, t].T @ delta
        g["W_rec"] += h[:, t - 1].T @ delta
        g["b_rec"] += delta.sum(axis=0)
        carry = delta @ theta["W_rec"].T
    return g


if __name__ == "__main__":
    for epoch in range(300):
        g = gradients(theta, x, target)
        for name in theta:
            theta[name] -= 0.05 * g[name]
    print("final loss", loss(theta, x, target))
