"""Stateful training: a long sequence is cut into chunks, the hidden state is handed on from chunk to chunk."""
import numpy as np

rng = np.random.default_rng(12)
LENGTH, CHUNK, B, D, H, K = 12, 4, 2, 3, 5, 6

theta = {
    "Wx": rng.normal(0, 0.6, (D, H)),
    "Wh": rng.normal(0, 0.5, (H, H)),
    "bh": rng.normal(0, 0.1, H),
    "Wy": rng.normal(0, 0.6, (H, K)),
    "by": rng.normal(0, 0.1, K),
}
stream = rng.normal(size=(LENGTH, B, D))
labels = rng.integers(0, K, size=(LENGTH, B))


def chunk_forward(theta, xs, h):
    hs = [h]
    for x in xs:
        hs.append(np.tanh(x @ theta["Wx"] + hs[-1] @ theta["Wh"] + theta["bh"]))
    scores = np.stack(hs[1:]) @ theta["Wy"] + theta["by"]
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    return hs, scores / scores.sum(-1, keepdims=True)


def chunk_loss(probs, ys):
    return -np.log(np.take_along_axis(probs, ys[..., None], -1)).sum()


def chunk_backward(theta, xs, ys, hs, probs, grads):
    dscores = probs - np.eye(K)[ys]
    dh = np.zeros((B, H))
    for t in reversed(range(len(xs))):
        grads["Wy"] += hs[t + 1].T @ dscores[t]
        grads["by"] += dscores[t].sum(0)
        da = (dscores[t] @ theta["Wy"].T + dh) * (1 - hs[t + 1] ** 2)
        grads["Wx"] += xs[t].T @ da
        grads["Wh"] += hs[t].T @ da
        grads["bh"] += da.sum(0)
        dh = da @ theta["Wh"].T


def epoch(theta, stream, labels):
    """Loss and gradients of the whole stream, chunk by chunk."""
    grads = {k: np.zeros_like(v) for k, v in theta.items()}
    h, loss = np.zeros((B, H)), 0.0
    for start in range(0, LENGTH, CHUNK):
        xs, ys = stream[start:start + CHUNK], labels[start:start + CHUNK]
        hs, probs = chunk_forward(theta, xs, h)
        loss += chunk_loss(probs, ys)
        chunk_backward(theta, xs, ys, hs, probs, grads)
        h = hs[-1]
    return loss, grads


if __name__ == "__main__":
    for n in range(100):
        loss, grads = epoch(theta, stream, labels)
        for k in theta:
            theta[k] -= 0.01 * grads[k]
    print("loss", loss)
