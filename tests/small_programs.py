"""Small right programs to be damaged, and what a check makes of them."""

from pathlib import Path

import pytest

from rnn_jax.verify.accuse import QUICK, Depth
from rnn_jax.verify.command import check_file
from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.repair.write import spliced
from rnn_jax.verify.report import Verdict

ROWS = """import numpy as np

rng = np.random.RandomState(0)
X, Y = rng.randn(4, 2), rng.randn(4, 3)
U, W, V = rng.randn(2, 4), rng.randn(4, 4) * 0.5, rng.randn(4, 3)
b, c = rng.randn(4) * 0.1, rng.randn(3) * 0.1


def forward(X, Y):
    h = np.zeros((len(X) + 1, 4))
    for t in range(len(X)):
        h[t] = np.tanh(X[t] @ U + h[t - 1] @ W + b)
    o = h[:-1] @ V + c
    return 0.5 * np.sum((o - Y) ** 2), h, o


def backward(X, Y):
    _, h, o = forward(X, Y)
    dU, dW, dV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    db, dc = np.zeros_like(b), np.zeros_like(c)
    do = o - Y
    carry = np.zeros(4)
    for t in reversed(range(len(X))):
        dh = V @ do[t] + carry
        da = dh * (1 - h[t] ** 2)
        dU += np.outer(X[t], da)
        dW += np.outer(h[t - 1], da)
        dV += np.outer(h[t], do[t])
        db += da
        dc += do[t]
        carry = W @ da
    return dU, dW, dV, db, dc
"""

NET = """import numpy as np


class Net:
    def __init__(self, n, m, seed=1):
        rng = np.random.RandomState(seed)
        self.U, self.W, self.b = rng.randn(m, n), rng.randn(m, m) * 0.5, rng.randn(m, 1) * 0.1
        self.v = rng.randn(1, m)

    def loss(self, xs, target):
        self.xs, self.hs, self.zs = xs, [np.zeros_like(self.b)], []
        for x in xs:
            z = self.U @ x + self.W @ self.hs[-1] + self.b
            self.zs.append(z)
            self.hs.append(1 / (1 + np.exp(-z)))
        self.y = self.v @ self.hs[-1]
        return float(np.sum((self.y - target) ** 2))

    def backward(self, target):
        self.dU, self.dW, self.db = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.b)
        dy = 2 * (self.y - target)
        self.dv = dy @ self.hs[-1].T
        dh = self.v.T @ dy
        for t in range(len(self.xs) - 1, -1, -1):
            h = self.hs[t + 1]
            dz = dh * h * (1 - h)
            self.dU += dz @ self.xs[t].T
            self.dW += dz @ self.hs[t].T
            self.db += dz
            dh = self.W.T @ dz


net = Net(3, 4)
xs = [np.array([[0.3], [-1.0], [0.8]]) * k for k in (1, 0.5, -0.7)]
target = np.array([[0.4]])
"""

BATCH = """import numpy as np

rng = np.random.RandomState(2)
B, T, D, H = 3, 4, 2, 5
x, y = rng.randn(B, T, D), rng.randn(B, T)
P = {"Wx": rng.randn(D, H), "Wh": rng.randn(H, H) * 0.4, "b": rng.randn(H) * 0.1, "w": rng.randn(H)}


def forward(P, x, y):
    h, kept = np.zeros((len(x), H)), []
    loss = 0.0
    for t in range(x.shape[1]):
        prev = h
        h = np.tanh(x[:, t] @ P["Wx"] + prev @ P["Wh"] + P["b"])
        error = h @ P["w"] - y[:, t]
        loss += 0.5 * np.sum(error**2) / len(x)
        kept.append((prev, h, error))
    return loss, kept


def backward(P, x, y):
    _, kept = forward(P, x, y)
    g = {name: np.zeros_like(value) for name, value in P.items()}
    dnext = np.zeros((len(x), H))
    for t in range(x.shape[1])[::-1]:
        prev, h, error = kept[t]
        derror = error / len(x)
        g["w"] += h.T @ derror
        dh = np.outer(derror, P["w"]) + dnext
        dz = dh * (1 - h * h)
        g["Wx"] += x[:, t].T @ dz
        g["Wh"] += prev.T @ dz
        g["b"] += dz.sum(axis=0)
        dnext = dz @ P["Wh"].T
    return g
"""

GATED = """import numpy as np

rng = np.random.RandomState(3)
x = rng.randn(4, 3)
P = {name: rng.randn(3, 3) * 0.6 for name in ("Wf", "Uf", "Wc", "Uc")}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def forward():
    s, cache = np.zeros(3), []
    for t in range(len(x)):
        f, c = sigmoid(x[t] @ P["Wf"] + s @ P["Uf"]), np.tanh(x[t] @ P["Wc"] + s @ P["Uc"])
        cache.append((s, f, c))
        s = f * s + (1 - f) * c
    return np.sum(s**2), s, cache


def backward():
    _, s, cache = forward()
    g = {name: np.zeros_like(value) for name, value in P.items()}
    ds = 2 * s
    for t in reversed(range(len(x))):
        before, f, c = cache[t]
        df = ds * (before - c) * f * (1 - f)
        dc = ds * (1 - f) * (1 - c**2)
        g["Wf"] += np.outer(x[t], df)
        g["Uf"] += np.outer(before, df)
        g["Wc"] += np.outer(x[t], dc)
        g["Uc"] += np.outer(before, dc)
        ds = ds * f + df @ P["Uf"].T + dc @ P["Uc"].T
    return g
"""


FORWARD = """import numpy as np

rng = np.random.RandomState(4)
n, m = 3, 2
x, y = rng.randn(5, m), rng.randn(5, n)
W, U = rng.randn(n, n) * 0.6, rng.randn(n, m)


def loss():
    s, total = np.zeros(n), 0.0
    for xt, yt in zip(x, y):
        s = np.tanh(W @ s + U @ xt)
        total += 0.5 * np.sum((s - yt) ** 2)
    return total


def backward():
    unit = np.eye(n)
    s, dW, dU = np.zeros(n), np.zeros_like(W), np.zeros_like(U)
    by_W, by_U = np.zeros((n, n, n)), np.zeros((n, n, m))
    for xt, yt in zip(x, y):
        direct_W = unit[:, :, None] * s
        direct_U = unit[:, :, None] * xt
        carried_W = np.einsum("kl,lij->kij", W, by_W)
        carried_U = np.einsum("kl,lij->kij", W, by_U)
        s = np.tanh(W @ s + U @ xt)
        slope = (1 - s**2)[:, None, None]
        by_W = slope * (direct_W + carried_W)
        by_U = slope * (direct_U + carried_U)
        dW += np.einsum("k,kij->ij", s - yt, by_W)
        dU += np.einsum("k,kij->ij", s - yt, by_U)
    return dW, dU
"""


def said(wrt, loss, grads=None, setup=None, call=None, update=None):
    return Expressions(wrt, loss, grads, setup, call, update, 1.0)


BASES = {
    "rows": (ROWS, said("U,W,V,b,c", "forward(X, Y)[0]", "backward(X, Y)")),
    "net": (
        NET,
        said(
            "net.U,net.W,net.b,net.v",
            "net.loss(xs, target)",
            "(net.dU, net.dW, net.db, net.dv)",
            call="net.backward(target)",
        ),
    ),
    "batch": (BATCH, said("P", "forward(P, x, y)[0]", "backward(P, x, y)")),
    "gated": (GATED, said("P", "forward()[0]", "backward()")),
    "forward": (FORWARD, said("W,U", "loss()", "backward()")),
}


def report_of(path, expressions, *, quick=False, seconds=20.0, points=1):
    """What a check says, without the smallest case."""
    return check_file(Path(path), expressions, depth=QUICK if quick else Depth(seconds, 0), points=points)


def damaged(base, *changes):
    """The right text, the wrong one, and how the program is asked."""
    right, expressions = BASES[base]
    wrong = right
    for old, new in changes:
        assert wrong.count(old) == 1, (old, wrong.count(old))
        wrong = wrong.replace(old, new)
    return right, wrong, expressions


def line_of(text, part):
    """The number of the line in which a part of the text begins."""
    assert text.count(part) == 1
    return text[: text.index(part)].count("\n") + 1


def applied(text, diff):
    """The text with a unified diff applied; every line of context has to be there."""
    lines, made, at = text.splitlines(keepends=True), [], 0
    rows = [row for row in diff.splitlines(keepends=True) if not row.startswith(("--- ", "+++ "))]
    for row in rows:
        if row.startswith("@@"):
            start, _, count = row.split()[1][1:].partition(",")
            first = int(start) - (count != "0")
            made += lines[at:first]
            at = first
        elif row.startswith("+"):
            made.append(row[1:])
        else:
            assert lines[at].rstrip("\r\n") == row[1:].rstrip("\r\n")
            made += [lines[at]] if row.startswith(" ") else []
            at += 1
    return "".join([*made, *lines[at:]])


def mended(path, wrong, call):
    """The first finding in a wrong program, whose fix makes it right; the program is left mended."""
    path.write_text(wrong)
    report = report_of(path, call, points=0)
    assert report.verdict is Verdict.FAIL
    finding = report.findings[0]
    assert finding.fix is not None
    path.write_text(spliced(wrong, finding.fix))
    assert report_of(path, call, quick=True).ok
    return finding


NEAR = 3  # lines


def mended_there(path, program, old, new, call):
    """The same of a right program in which one text was put for another, or left out; where that was it is named."""
    finding = mended(path, program.replace(old, new), call)
    # What is missing may stand anywhere beside the others of its block.
    left_out = new in ("", "pass")
    assert abs(finding.line - line_of(program, old.strip())) <= (NEAR if left_out else 0), finding.fix
    return finding


def of_right_programs(calls):
    """The test that right programs are right, for a module to give a name; `calls`: how each is asked."""

    @pytest.mark.parametrize("program", calls)
    def test(tmp_path, program):
        path = tmp_path / "mine.py"
        path.write_text(program)
        assert report_of(path, calls[program], points=1).ok

    return test


def of_damages(calls, damages, names=None, missing=True):
    """The test that what one text was put in the place of another for is mended, and named where that was.

    damages: by what they are, the program, what stands there, and what it is damaged to (nothing: it is left out).
    names: those that are tried, where some take long. missing: whether what is left out is named as what is missing.
    """

    @pytest.mark.parametrize("name", names or damages)
    def test(tmp_path, name):
        program, old, new = damages[name]
        assert program.count(old) == 1
        finding = mended_there(tmp_path / "mine.py", program, old, new, calls[program])
        assert new or not missing or finding.suspects[0].missing

    return test
