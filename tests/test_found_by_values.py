"""What is written in other ways than arrays with names: lists, items by a variable's name, numbers, comprehensions."""

import pytest
from small_programs import line_of, mended, of_right_programs

from rnn_jax.verify.of_file import Expressions

# A cell with gates in a dictionary, words as inputs, a batch of classes as targets, and a penalty.
GATES = """import numpy as np

rng = np.random.RandomState(3)
ids = np.array([[1, 4, 2, 0], [3, 0, 1, 2]])
labels = np.array([2, 0])
p = {"E": rng.randn(5, 3), "S": rng.randn(4, 3)}
for gate in "zc":
    p["W" + gate], p["U" + gate] = rng.randn(4, 3) * 0.7, rng.randn(4, 4) * 0.5
WEIGHT = 0.07


def forward(p, ids):
    h, kept = np.zeros((len(ids), 4)), []
    for t in range(ids.shape[1]):
        x = p["E"][ids[:, t]]
        z = 1 / (1 + np.exp(-(x @ p["Wz"].T + h @ p["Uz"].T)))
        c = np.tanh(x @ p["Wc"].T + h @ p["Uc"].T)
        kept.append((x, h, z, c))
        h = z * h + (1 - z) * c
    scores = h @ p["S"]
    return h, kept, scores


def loss(p, ids, labels):
    scores = forward(p, ids)[2]
    nats = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(labels)), labels]
    return nats.mean() + 0.5 * WEIGHT * sum(np.sum(w**2) for name, w in p.items() if name != "E")


def backward(p, ids, labels):
    h, kept, scores = forward(p, ids)
    g = {name: np.zeros_like(w) for name, w in p.items()}
    dy = np.exp(scores) / np.exp(scores).sum(axis=1)[:, None]
    dy[np.arange(len(labels)), labels] -= 1
    dy = dy / len(labels)
    g["S"] += h.T @ dy
    dh = dy @ p["S"].T
    for t in reversed(range(ids.shape[1])):
        x, h, z, c = kept[t]
        pre = {"z": dh * (h - c) * z * (1 - z), "c": dh * (1 - z) * (1 - c**2)}
        dx = np.zeros_like(x)
        dh = dh * z
        for gate in pre:
            g["W" + gate] += pre[gate].T @ x
            g["U" + gate] += pre[gate].T @ h
            dx = dx + pre[gate] @ p["W" + gate]
            dh = dh + pre[gate] @ p["U" + gate]
        for b in range(len(ids)):
            g["E"][ids[b, t]] += dx[b]
    for name in g:
        if name != "E":
            g[name] += WEIGHT * p[name]
    return g
"""

# The same recurrence in lists of numbers.
LISTS = """import math
import numpy as np

xs, ys = [[0.3, -0.8], [1.1, 0.2], [-0.5, 0.9]], [0.4, -0.2, 0.7]
U, v = np.array([[0.4, -0.3], [0.2, 0.6], [-0.7, 0.1]]), np.array([0.5, -0.6, 0.8])
W = np.array([[0.1, 0.5, -0.2], [0.3, -0.4, 0.6], [0.2, 0.1, 0.3]])


def forward(U, W, v, xs):
    hs, outs = [[0.0, 0.0, 0.0]], []
    for x in xs:
        a = [sum(U[i][j] * x[j] for j in range(2)) + sum(W[i][j] * hs[-1][j] for j in range(3)) for i in range(3)]
        hs.append([math.tanh(each) for each in a])
        outs.append(sum(v[i] * hs[-1][i] for i in range(3)))
    return hs, outs


def loss(U, W, v, xs, ys):
    return sum(0.5 * (o - y) ** 2 for o, y in zip(forward(U, W, v, xs)[1], ys))


def backward(U, W, v, xs, ys):
    hs, outs = forward(U, W, v, xs)
    dU, dW, dv = [[0.0] * 2 for _ in range(3)], [[0.0] * 3 for _ in range(3)], [0.0] * 3
    carry = [0.0] * 3
    for t in range(len(xs) - 1, -1, -1):
        err = outs[t] - ys[t]
        dh = [err * v[i] + carry[i] for i in range(3)]
        da = [dh[i] * (1 - hs[t + 1][i] ** 2) for i in range(3)]
        for i in range(3):
            dv[i] += err * hs[t + 1][i]
            for j in range(2):
                dU[i][j] += da[i] * xs[t][j]
            for j in range(3):
                dW[i][j] += da[i] * hs[t][j]
        carry = [sum(W[i][j] * da[i] for i in range(3)) for j in range(3)]
    return np.array(dU), np.array(dW), np.array(dv)
"""

# Two units without arrays' help, all gradients in one vector, and forward in time: the state is computed once more.
FORWARD = """import numpy as np

xs, ys = np.array([0.9, -0.4, 0.7, 0.3]), np.array([0.1, 0.5, -0.3, 0.2])
w = np.array([0.6, -0.5, 0.3])


def loss(w, xs, ys):
    h, total = 0.0, 0.0
    for x, y in zip(xs, ys):
        h = 0.8 * h + 0.2 * np.tanh(w[0] * x + w[1] * h)
        total = total + 0.5 * (w[2] * h - y) ** 2
    return total


def gradient(w, xs, ys):
    g, by = np.zeros(3), np.zeros(2)
    h = 0.0
    for x, y in zip(xs, ys):
        a = np.tanh(w[0] * x + w[1] * h)
        slope = 0.2 * (1 - a**2)
        by = (0.8 + slope * w[1]) * by + slope * np.array([x, h])
        h = 0.8 * h + 0.2 * a
        miss = w[2] * h - y
        g[:2] += miss * w[2] * by
        g[2] += miss * h
    return g
"""

# Forward in time with a tensor of three axes for each matrix, new values made beside the old, and a rectifier.
SENSITIVE = """import numpy as np

rng = np.random.RandomState(5)
xs, ys = rng.randn(4, 2), rng.randn(4, 3)
A, B, k = rng.randn(3, 3) * 0.6, rng.randn(3, 2), rng.randn(3) * 0.3


def loss(A, B, k, xs, ys):
    h, total = np.full(3, 0.2), 0.0
    for x, y in zip(xs, ys):
        h = np.tanh(A @ h + B @ x + k)
        total = total + 0.5 * np.sum((np.maximum(h, 0) - y) ** 2)
    return total


def gradients(A, B, k, xs, ys):
    h, dA, dB, dk = np.full(3, 0.2), np.zeros((3, 3)), np.zeros((3, 2)), np.zeros(3)
    S_A, S_B, S_k = np.zeros((3, 3, 3)), np.zeros((3, 3, 2)), np.zeros((3, 3))
    for x, y in zip(xs, ys):
        h_new = np.tanh(A @ h + B @ x + k)
        slope = 1 - h_new * h_new
        J = slope[:, None] * A
        direct = np.diag(slope)
        S_A_new = np.einsum("pq,qij->pij", J, S_A) + np.einsum("pi,j->pij", direct, h)
        S_B_new = np.einsum("pq,qij->pij", J, S_B) + np.einsum("pi,j->pij", direct, x)
        S_k = J @ S_k + direct
        h, S_A, S_B = h_new, S_A_new, S_B_new
        miss = np.maximum(h, 0) - y
        miss = miss * (h > 0)
        dA += np.tensordot(miss, S_A, axes=1)
        dB += np.tensordot(miss, S_B, axes=1)
        dk += miss @ S_k
    return dA, dB, dk
"""

POPPED = GATES.replace("for t in reversed(range(ids.shape[1])):", "while kept:").replace(
    "        x, h, z, c = kept[t]\n", "        x, h, z, c = kept.pop()\n        t = len(kept)\n"
)

CALLS = {
    POPPED: Expressions("p", "loss(p, ids, labels)", "backward(p, ids, labels)"),
    SENSITIVE: Expressions("A,B,k", "loss(A, B, k, xs, ys)", "gradients(A, B, k, xs, ys)"),
    GATES: Expressions("p", "loss(p, ids, labels)", "backward(p, ids, labels)"),
    LISTS: Expressions("U,W,v", "loss(U, W, v, xs, ys)", "backward(U, W, v, xs, ys)"),
    FORWARD: Expressions("w", "loss(w, xs, ys)", "gradient(w, xs, ys)"),
}

# The program, what stands there, what it is damaged to (nothing: the line is left out), the kinds it may be called.
DAMAGES = {
    "a gate's sum": (GATES, '            g["U" + gate] += pre[gate].T @ h\n', "", {"missing-term", "never-computed"}),
    "words": (GATES, '            g["E"][ids[b, t]] += dx[b]', "            pass", {"never-computed"}),
    "the penalty": (GATES, "            g[name] += WEIGHT * p[name]", "            pass", {"penalty"}),
    "the target": (GATES, "    dy[np.arange(len(labels)), labels] -= 1\n", "", {"loss-seed", "missing-term"}),
    "the mean": (GATES, "    dy = dy / len(labels)\n", "", {"scale", "loss-seed"}),
    "into another's sum": (GATES, 'g["W" + gate] += pre[gate].T @ x', 'g["Wz"] += pre[gate].T @ x', None),
    "a slope in a comprehension": (LISTS, "dh[i] * (1 - hs[t + 1][i] ** 2)", "dh[i]", {"derivative-omitted"}),
    "a sum in rows": (LISTS, " dW[i][j] += da[i] * hs[t][j]", " pass", {"never-computed"}),
    "a sum in a list": (LISTS, "            dv[i] += err * hs[t + 1][i]\n", "", {"never-computed"}),
    "one entry": (FORWARD, "        g[2] += miss * h\n", "", {"missing-term"}),
    "the state once more": (FORWARD, "h = 0.8 * h + 0.2 * a", "h = 0.8 * h + a", {"other-forward", "scale"}),
    "what is kept": (POPPED, "        kept.append((x, h, z, c))\n", "", None),
    "what is handed on": (SENSITIVE, "        h, S_A, S_B = h_new, S_A_new, S_B_new\n", "", None),
    "a sum of another shape": (SENSITIVE, "        dB += np.tensordot(miss, S_B, axes=1)\n", "", {"never-computed"}),
    "a sensitivity": (SENSITIVE, "        S_k = J @ S_k + direct\n", "", None),
    "a slope forward in time": (SENSITIVE, "1 - h_new * h_new", "1 - h_new", None),
    "a mask": (SENSITIVE, "        miss = miss * (h > 0)\n", "", {"derivative-omitted", "missing-term"}),
    "a factor of a sum": (FORWARD, "g[2] += miss * h", "g[2] += h", {"missing-term", "scale"}),
}  # fmt: skip


test_the_right_programs_are_right = of_right_programs(CALLS)


@pytest.mark.parametrize("name", DAMAGES)
def test_it_is_mended_where_it_was_damaged(tmp_path, name):
    program, old, new, kinds = DAMAGES[name]
    finding = mended(tmp_path / "mine.py", program.replace(old, new), CALLS[program])
    # What is missing may stand anywhere beside the others of its block.
    assert abs(finding.line - line_of(program, old.strip())) <= (1 if new else 3), finding.fix
    assert kinds is None or finding.kind in kinds
