"""Memory-saving BPTT for long batches: gradients are summed in buffers allocated by one helper."""
import numpy as np

T, B, D, H, K = 8, 3, 4, 5, 2
rng = np.random.default_rng(16)

weights = {
    "in": rng.normal(size=(D, H)) * 0.5,
    "rec": rng.normal(size=(H, H)) * 0.4,
    "out": rng.normal(size=(H, K)) * 0.5,
    "bias": rng.normal(size=(H,)) * 0.1,
}
x = rng.normal(size=(T, B, D))
y = rng.integers(0, K, size=(T, B))


def buffers(like):
    return {name: np.zeros(a.shape, dtype=np.float32) for name, a in like.items()}


def forward(weights, x):
    h = np.zeros((T + 1, B, H))
    for t in range(T):
        h[t + 1] = np.tanh(x[t] @ weights["in"] + h[t] @ weights["rec"] + weights["bias"])
    z = h[1:] @ weights["out"]
    z -= z.max(axis=2, keepdims=True)
    return h, z - np.log(np.exp(z).sum(axis=2, keepdims=True))


def loss(weights, x, y):
    _, logp = forward(weights, x)
    return -np.sum(logp * np.eye(K)[y]) / B


def backward(weights, x, y):
    h, logp = forward(weights, x)
    dz = (np.exp(logp) - np.eye(K)[y]) / B
    grad = buffers(weights)
    dh = np.zeros((B, H))
    for t in range(T)[::-1]:
        dh = dh + dz[t] @ weights["out"].T
        grad["out"] += h[t + 1].T @ dz[t]
        da = dh * (1 - h[t + 1] ** 2)
        grad["in"] += x[t].T @ da
        grad["rec"] += h[t].T @ da
        grad["bias"] += da.sum(axis=0)
        dh = da @ weights["rec"].T
    return grad


if __name__ == "__main__":
    for k in range(100):
        grad = backward(weights, x, y)
        for name in weights:
            weights[name] -= 0.1 * grad[name]
    print("loss", loss(weights, x, y))
