# Marking apnoea in breathing records: few seconds are positive, so train on the soft Dice coefficient per night,
#     1 - (2 sum p y + eps) / (sum p + sum y + eps)
# Stack of plain recurrent layers with ELU, a sigmoid at the end of every second.
#
# make_net(...) returns (parameters, loss function, gradient function); records are arrays (nights, seconds, channels).
import numpy as np


def elu(a):
    return np.where(a > 0, a, np.expm1(np.minimum(a, 0)))


def delu(y):
    return np.where(y > 0, 1.0, y + 1.0)


def make_net(sizes, eps=1.0, decay=1e-2, seed=0):
    """sizes: channels, units of layer 1, units of layer 2, ..."""
    rng = np.random.default_rng(seed)
    theta = []
    for n, m in zip(sizes[:-1], sizes[1:]):
        q, _ = np.linalg.qr(rng.normal(size=(m, m)))
        theta.append({"in": rng.normal(size=(n, m)) / np.sqrt(n), "rec": 0.7 * q, "bias": rng.normal(size=m) * 0.1})
    theta.append({"w": rng.normal(size=sizes[-1]), "c": np.array(-0.5)})

    def layer(w, x):
        y = np.zeros(x.shape[:2] + w["bias"].shape)
        h = np.zeros_like(y[:, 0])
        for s in range(x.shape[1]):
            h = elu(x[:, s] @ w["in"] + h @ w["rec"] + w["bias"])
            y[:, s] = h
        return y

    def layer_back(w, x, y, dy):
        da = np.zeros_like(y)
        carry = 0.0
        for s in range(x.shape[1] - 1, -1, -1):
            da[:, s] = (dy[:, s] + carry) * delu(y[:, s])
            carry = da[:, s] @ w["rec"].T
        return {
            "in": np.einsum("nsi,nso->io", x, da),
            "rec": np.einsum("nsi,nso->io", y[:, :-1], da[:, 1:]),
            "bias": da.sum((0, 1)),
        }, da @ w["in"].T

    def activities(theta, x):
        acts = [x]
        for w in theta[:-1]:
            acts.append(layer(w, acts[-1]))
        p = 1 / (1 + np.exp(-(acts[-1] @ theta[-1]["w"] + theta[-1]["c"])))
        return acts, p

    def penalty(theta):
        return 0.5 * decay * sum((w["rec"] ** 2).sum() for w in theta[:-1])

    def loss(theta, x, mark):
        _, p = activities(theta, x)
        dice = (2 * (p * mark).sum(1) + eps) / (p.sum(1) + mark.sum(1) + eps)
        return (1 - dice).mean() + penalty(theta)

    def gradient(theta, x, mark):
        acts, p = activities(theta, x)
        top = 2 * (p * mark).sum(1, keepdims=True) + eps
        bottom = p.sum(1, keepdims=True) + mark.sum(1, keepdims=True) + eps
        dp = -(2 * mark * bottom - top) / bottom ** 2 / len(x)
        ds = dp * p * (1 - p)
        out = [{"w": np.einsum("ns,nsh->h", ds, acts[-1]), "c": ds.sum()}]
        dy = ds[:, :, None] * theta[-1]["w"]
        for k in range(len(theta) - 2, -1, -1):
            g, dy = layer_back(theta[k], acts[k], acts[k + 1], dy)
            g["rec"] = g["rec"] + decay * theta[k]["rec"]
            out.insert(0, g)
        return out

    return theta, loss, gradient


def sleep_lab(nights, seconds, channels, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(nights, seconds, channels)).cumsum(1) * 0.6
    mark = (rng.random((nights, seconds)) < 0.4) * 1.0
    return x, mark


theta, dice_loss, dice_grad = make_net([2, 4, 3], seed=61)
x, mark = sleep_lab(3, 5, 2, seed=62)
