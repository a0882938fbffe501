# speaker embeddings: anchor / positive / negative utterances, soft triplet loss on the unit sphere.
# The three towers share their weights and are run as one batch. v[b, t] in (0, 1) is a soft voice activity:
# in silence the state just stays.
import numpy as np


def towers(theta, x, v):
    """x (N, T, D), v (N, T)  ->  embeddings (N, E) of length one, and what the way back needs"""
    A, R, b, P, q = theta
    N, T, _ = x.shape
    hs = [np.zeros((N, len(b)))]
    cs = []
    for t in range(T):
        c = np.tanh(x[:, t] @ A + hs[t] @ R + b)
        cs.append(c)
        hs.append(hs[t] + v[:, t, None] * (c - hs[t]))
    y = hs[T] @ P + q
    norm = np.sqrt((y ** 2).sum(1, keepdims=True))
    return y / norm, (hs, cs, norm)


def towers_vjp(theta, x, v, e, memo, de):
    A, R, b, P, q = theta
    hs, cs, norm = memo
    T = len(cs)
    dy = (de - e * (e * de).sum(1, keepdims=True)) / norm
    dP = hs[T].T @ dy
    dq = dy.sum(0)
    dA, dR, db = np.zeros_like(A), np.zeros_like(R), np.zeros_like(b)
    dh = dy @ P.T
    for t in range(T - 1, -1, -1):
        gate = v[:, t, None]
        da = dh * gate * (1 - cs[t] ** 2)
        dA += x[:, t].T @ da
        dR += hs[t].T @ da
        db += da.sum(0)
        dh = dh * (1 - gate) + da @ R.T
    return dA, dR, db, dP, dq


def stack(triplets):
    """(anchor, positive, negative) one above the other"""
    return np.concatenate([x for x, _ in triplets]), np.concatenate([v for _, v in triplets])


def gaps(e, margin, sharp):
    a, p, n = np.split(e, 3)
    near = ((a - p) ** 2).sum(1)
    far = ((a - n) ** 2).sum(1)
    return a, p, n, sharp * (near - far + margin)


def triplet_loss(theta, triplets, margin=0.3, sharp=2.0, ridge=0.01):
    x, v = stack(triplets)
    e, _ = towers(theta, x, v)
    gap = gaps(e, margin, sharp)[-1]
    return np.logaddexp(0, gap).mean() / sharp + ridge * (theta[1] ** 2).sum()


def triplet_grad(theta, triplets, margin=0.3, sharp=2.0, ridge=0.01):
    x, v = stack(triplets)
    e, memo = towers(theta, x, v)
    a, p, n, gap = gaps(e, margin, sharp)
    s = 1 / (1 + np.exp(-gap)) / len(gap)
    s = 2 * s[:, None]
    # near - far = |a - p|^2 - |a - n|^2
    da = s * (n - p)
    dp = s * (p - a)
    dn = s * (a - n)
    dA, dR, db, dP, dq = towers_vjp(theta, x, v, e, memo, np.concatenate([da, dp, dn]))
    return dA, dR + 2 * ridge * theta[1], db, dP, dq


def record(count, T, D, seed):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=(count, T, D)), rng.uniform(0.3, 0.9, (count, T))) for _ in range(3)]


def network(D, H, E, seed):
    rng = np.random.default_rng(seed)
    shapes = (D, H), (H, H), (H,), (H, E), (E,)
    return tuple(rng.normal(size=s) * scale for s, scale in zip(shapes, (0.8, 0.7, 0.3, 1.0, 0.4)))


theta = network(D=3, H=5, E=4, seed=100)
triplets = record(count=3, T=6, D=3, seed=101)


if __name__ == "__main__":
    for epoch in range(200):
        theta = tuple(p - 0.2 * g for p, g in zip(theta, triplet_grad(theta, triplets)))
    print("loss after 200 epochs: %.4f" % triplet_loss(theta, triplets))
