# Recursive neural tensor network (Socher et al. 2013), from the leaves of a parsed sentence to the top.
# A tree is (label, word) or (label, left, right); every node has a label.
#     p = tanh([l; r]' V [l; r] + W [l; r] + b),   one slice of V for each unit
import numpy as np

rng = np.random.RandomState(1191)

dim = 3
classes = 3
words = 5
reg = 0.01

L = rng.randn(words, dim)
V = 0.2 * rng.randn(dim, 2 * dim, 2 * dim)
W = 0.5 * rng.randn(dim, 2 * dim)
b = 0.1 * rng.randn(dim)
Ws = rng.randn(classes, dim)
bs = 0.1 * rng.randn(classes)


def size(tree):
    return 1 if len(tree) == 2 else 1 + size(tree[1]) + size(tree[2])


def up(tree):
    """annotated copy: (vector, class probabilities, label, children or word)"""
    if len(tree) == 2:
        label, word = tree
        vec, below = L[word], word
    else:
        label, left, right = tree
        below = (up(left), up(right))
        c = np.concatenate([below[0][0], below[1][0]])
        vec = np.tanh(np.array([c @ V[k] @ c for k in range(len(b))]) + W @ c + b)
    score = Ws @ vec + bs
    prob = np.exp(score - np.max(score))
    return vec, prob / np.sum(prob), label, below


def surprise(node):
    _, prob, label, below = node
    s = -np.log(prob[label])
    if isinstance(below, tuple):
        s = s + surprise(below[0]) + surprise(below[1])
    return s


def cost(trees):
    n = sum(size(tree) for tree in trees)
    return sum(surprise(up(tree)) for tree in trees) / n + 0.5 * reg * (np.sum(V ** 2) + np.sum(W ** 2) + np.sum(Ws ** 2))


def down(node, delta, n, grads):
    dL, dV, dW, db, dWs, dbs = grads
    vec, prob, label, below = node
    ds = prob / n
    ds[label] -= 1 / n
    dWs += np.outer(ds, vec)
    dbs += ds
    delta = delta + Ws.T @ ds
    if not isinstance(below, tuple):
        dL[below] += delta
        return
    delta = delta * (1 - vec ** 2)
    c = np.concatenate([below[0][0], below[1][0]])
    dW += np.outer(delta, c)
    db += delta
    dc = W.T @ delta
    for k in range(len(delta)):
        dV[k] += delta[k] * np.outer(c, c)
        dc += delta[k] * (V[k] + V[k].T) @ c
    half = len(vec)
    down(below[0], dc[:half], n, grads)
    down(below[1], dc[half:], n, grads)


def gradients(trees):
    grads = [np.zeros_like(p) for p in (L, V, W, b, Ws, bs)]
    n = sum(size(tree) for tree in trees)
    for tree in trees:
        down(up(tree), np.zeros(len(b)), n, grads)
    grads[1] += reg * V
    grads[2] += reg * W
    grads[4] += reg * Ws
    return grads


trees = [
    (2, (1, (0, 3), (1, 1)), (0, 4)),
    (0, (1, 0), (2, (0, 2), (1, (2, 4), (0, 0)))),
]
