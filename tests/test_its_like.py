"""What a statement beside it, another loop or the shape of an array says of what is missing or wrong."""

from small_programs import mended_there, of_damages, of_right_programs

from rnn_jax.verify.of_file import Expressions

# Gates in one array that is not set before, and a mean that is taken when the weights change.
PACKED = """import numpy as np

rng = np.random.RandomState(4)
xs, ys = rng.randn(2, 4, 3), rng.randn(2, 5)
W, b, V = rng.randn(8, 20) * 0.4, rng.randn(20) * 0.3, rng.randn(5, 5)


def sig(a):
    return 1 / (1 + np.exp(-a))


def run(x, n=5):
    h, c, kept = np.zeros(n), np.zeros(n), []
    for t in range(len(x)):
        u = np.concatenate([x[t], h])
        a = u @ W + b
        s, g = sig(a[: 3 * n]), np.tanh(a[3 * n :])
        kept.append((u, s, g, c))
        c = s[n : 2 * n] * c + s[:n] * g
        h = s[2 * n :] * np.tanh(c)
    return h, c, kept


def loss(xs, ys):
    return 0.5 * sum(np.sum((run(x)[0] @ V - y) ** 2) for x, y in zip(xs, ys)) / len(xs)


def learn(xs, ys, rate, n=5):
    dW, db, dV = np.zeros_like(W), np.zeros_like(b), np.zeros_like(V)
    for x, y in zip(xs, ys):
        h, c, kept = run(x)
        miss = h @ V - y
        dV += np.outer(h, miss)
        dh, dc = V @ miss, np.zeros(n)
        for t in range(len(x) - 1, -1, -1):
            u, s, g, c_before = kept[t]
            i, f, o = s[:n], s[n : 2 * n], s[2 * n :]
            q = np.tanh(f * c_before + i * g)
            dc = dc + dh * o * (1 - q ** 2)
            da = np.empty(4 * n)
            da[:n] = dc * g * i * (1 - i)
            da[n : 2 * n] = dc * c_before * f * (1 - f)
            da[2 * n : 3 * n] = dh * q * o * (1 - o)
            da[3 * n :] = dc * i * (1 - g ** 2)
            dW += np.outer(u, da)
            db += da
            dh = W[3:] @ da
            dc = dc * f
    step = rate / len(xs)
    W[...] = W - step * dW
    b[...] = b - step * db
    V[...] = V - step * dV
"""

# Sensitivities forward in time, of two weights and the state before the first step, over words with a mark at the end.
FORWARD = """import numpy as np

rng = np.random.RandomState(7)
A, B, start = rng.randn(3, 3) * 0.6, rng.randn(3, 4) * 0.8, np.array([0.3, -0.2, 0.5])
words, wanted, END = [[0, 2, 1], [1, 0]], [0.4, -0.3], 3


def run(A, B, start, word):
    h = start
    for k in word + [END]:
        h = np.tanh(A @ h + B[:, k])
    return h


def loss(A, B, start):
    return sum(0.5 * (run(A, B, start, word)[0] - y) ** 2 for word, y in zip(words, wanted))


def gradients(A, B, start):
    dA, dB, dstart = np.zeros_like(A), np.zeros_like(B), np.zeros_like(start)
    for word, y in zip(words, wanted):
        h, P, Q, R = start, np.zeros((3, 3, 3)), np.zeros((3, 3, 4)), np.eye(3)
        for k in word + [END]:
            new = np.tanh(A @ h + B[:, k])
            P_new, Q_new, R_new = np.zeros_like(P), np.zeros_like(Q), np.zeros_like(R)
            for i in range(3):
                for j in range(3):
                    P_new[i] += A[i, j] * P[j]
                    Q_new[i] += A[i, j] * Q[j]
                    R_new[i] += A[i, j] * R[j]
                P_new[i, i] += h
                Q_new[i, i, k] += 1.0
                slope = 1 - new[i] ** 2
                P_new[i] *= slope
                Q_new[i] *= slope
                R_new[i] *= slope
            h, P, Q, R = new, P_new, Q_new, R_new
        miss = h[0] - y
        dA += miss * P[0]
        dB += miss * Q[0]
        dstart += miss * R[0]
    return dA, dB, dstart
"""

# A batch of sequences in one array, diagonal recurrence, a rectifier, two uses of one weight.
STACK = """import numpy as np

rng = np.random.RandomState(9)
X, y = rng.randn(3, 5, 2), rng.randn(3)
U, u, v = rng.randn(2, 4), rng.rand(4), rng.randn(4)


def forward(U, u, v, X):
    drive = X @ U
    S, h = np.empty_like(drive), np.zeros_like(drive[:, 0])
    for t, d in enumerate(drive.transpose(1, 0, 2)):
        h = np.maximum(d + u * h, 0) + 0.1 * u
        S[:, t] = h - 0.1 * u
    return h @ v, S


def loss(U, u, v, X, y):
    return np.mean((forward(U, u, v, X)[0] - y) ** 2)


def backward(U, u, v, X, y):
    guess, S = forward(U, u, v, X)
    d = 2 * (guess - y) / len(y)
    before = np.concatenate([np.zeros_like(S[:, :1]), S[:, :-1]], axis=1)
    before[:, 1:] += 0.1 * u
    dH = np.zeros_like(S)
    dH[:, -1] = np.outer(d, v)
    dpre = np.empty_like(S)
    carry, du = np.zeros_like(S[:, 0]), np.zeros_like(u)
    for t in range(S.shape[1] - 1, -1, -1):
        du += (0.1 * (dH[:, t] + carry)).sum(0)
        dpre[:, t] = (dH[:, t] + carry) * (S[:, t] > 0)
        carry = dpre[:, t] * u
        du += (dpre[:, t] * before[:, t]).sum(0)
    return np.tensordot(X, dpre, axes=([0, 1], [0, 1])), du, (S[:, -1] + 0.1 * u).T @ d
"""

CALLS = {
    PACKED: Expressions("W,b,V", "loss(xs, ys)", update="learn(xs, ys, 0.5)", lr=0.5),
    FORWARD: Expressions("A,B,start", "loss(A, B, start)", "gradients(A, B, start)"),
    STACK: Expressions("U,u,v", "loss(U, u, v, X, y)", "backward(U, u, v, X, y)"),
}

# The program, what stands there, what it is damaged to (nothing: the line is left out).
DAMAGES = {
    "columns of the wrong gate": (PACKED, "da[2 * n : 3 * n] = dh", "da[:n] = dh"),
    "a weight that never moves": (PACKED, "    b[...] = b - step * db\n", ""),
    "a carry of gradients that are averaged later": (PACKED, "dc = dc * f", "dc = f"),
    "a scaling that its like have": (FORWARD, "                P_new[i] *= slope\n", ""),
    "a factor that its like have": (FORWARD, "R_new[i] += A[i, j] * R[j]", "R_new[i] += R[j]"),
    "what the loss runs over": (FORWARD, "k in word + [END]:\n            new", "k in word:\n            new"),
    "the end of an array": (STACK, "    dH[:, -1] = np.outer(d, v)\n", ""),
    "an array that is never set": (STACK, "        dpre[:, t] = (dH[:, t] + carry) * (S[:, t] > 0)\n", ""),
}  # fmt: skip


test_the_right_programs_are_right = of_right_programs(CALLS)
test_it_is_mended_where_it_was_damaged = of_damages(CALLS, DAMAGES, missing=False)


# Sensitivities of a gated unit to two matrices: both terms of what is carried have a factor spread over two more axes.
GATED = """import numpy as np

rng = np.random.RandomState(5)
n, m = 3, 3
x, y = rng.randn(5, m), rng.randn(5, n)
P = {"k": rng.randn(n, n + m) * 0.8, "c": rng.randn(n, n + m) * 0.8}


def cell(P, s, xt):
    z = np.append(s, xt)
    return z, 1 / (1 + np.exp(-P["k"] @ z)), np.tanh(P["c"] @ z)


def loss():
    s, total = np.zeros(n), 0.0
    for xt, yt in zip(x, y):
        z, k, c = cell(P, s, xt)
        s = k * c + (1 - k) * s
        total += 0.5 * np.sum((s - yt) ** 2)
    return total


def sensitivities():
    s, by = np.zeros(n), {Q: np.zeros((n, n, n + m)) for Q in P}
    grad = {Q: np.zeros_like(P[Q]) for Q in P}
    for xt, yt in zip(x, y):
        z, k, c = cell(P, s, xt)
        for Q in P:
            dot = {}
            for name, slope in (("k", k * (1 - k)), ("c", 1 - c**2)):
                da = np.tensordot(P[name][:, :n], by[Q], axes=1)
                if name == Q:
                    da = da + np.eye(n)[:, :, None] * z
                dot[name] = slope[:, None, None] * da
            by[Q] = k[:, None, None] * dot["c"] + (c - s)[:, None, None] * dot["k"] + (1 - k)[:, None, None] * by[Q]
        s = k * c + (1 - k) * s
        for Q in P:
            grad[Q] += np.tensordot(s - yt, by[Q], axes=1)
    return grad
"""


def test_what_is_spread_over_the_terms_beside_is_missing_in_one(tmp_path):
    asked = Expressions("P", "loss()", "sensitivities()")
    factor = "k[:, None, None] * dot"
    finding = mended_there(tmp_path / "program.py", GATED, f'= {factor}["c"]', '= dot["c"]', asked)
    assert f"= {factor}['c']" in "".join(finding.fix.after).replace('"', "'")
