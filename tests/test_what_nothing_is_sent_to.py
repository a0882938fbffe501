"""Statements that are missing where what they write to stays zero, or where their like stands beside them."""

import ast

import numpy as np
import pytest
from small_programs import line_of, of_damages, of_right_programs, report_of, said

from rnn_jax.verify.repair.halves import Other
from rnn_jax.verify.repair.harvest import Values
from rnn_jax.verify.repair.healing import Healing, tells_all
from rnn_jax.verify.repair.kinds import of_new
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.numbered import renumbered
from rnn_jax.verify.repair.packed import unsent
from rnn_jax.verify.repair.sent_on import never_renewed
from rnn_jax.verify.repair.softmax import through_softmax
from rnn_jax.verify.repair.worded import divisors, powers
from rnn_jax.verify.repair.zero_numbers import only_zero

# A population with a delay, as lists of numbers; the first three are parameters.
DELAY = """import numpy as np

rng = np.random.RandomState(11)
v = rng.randn(5) * 0.3
tables = [np.abs(rng.randn(7)) + 0.5, np.abs(rng.randn(5)) + 0.5]


def course(v, steps):
    r, s, n = np.exp(v[0]), 1 / (1 + np.exp(-v[1])), [np.exp(each) for each in v[2:]]
    while len(n) < steps:
        n.append(r / (1 + n[len(n) - 3]) + s * n[-1])
    return n


def loss(v):
    return sum(0.5 * (np.log(n) - np.log(y)) ** 2 for table in tables for n, y in zip(course(v, len(table)), table))


def gradient(v):
    r, s, g = np.exp(v[0]), 1 / (1 + np.exp(-v[1])), np.zeros(5)
    for table in tables:
        n = course(v, len(table))
        d = [0.0] * len(n)
        for t in range(len(n) - 1, -1, -1):
            off = np.log(n[t]) - np.log(table[t])
            d[t] += off / n[t]
            if t > 2:
                old = n[t - 3]
                g[0] += d[t] * r / (1 + old)
                g[1] += d[t] * n[t - 1] * s * (1 - s)
                d[t - 1] += d[t] * s
                d[t - 3] -= d[t] * r / (1 + old) ** 2
            else:
                g[2 + t] += d[t] * n[t]
    return g
"""

# A loss at some times of some rows, of what goes forward row by row.
SEEN_AT = """import math
import numpy as np

b, z = np.array([0.3, -0.5]), np.array([0.4, -0.2, 0.9])
push = [0.7, -0.4, 1.1, 0.2, -0.8]
seen = [[(1, 0.3), (4, -0.2)], [(2, 0.5)], [(0, 0.1), (3, -0.6), (5, 0.4)]]


def shown(p, w):
    return p * p + w * p * (1.0 - p)


def course(b, z):
    rows = [[float(math.tanh(each)) for each in z]]
    for soot in push:
        mean = sum(rows[-1]) / len(rows[-1])
        rows.append([math.tanh(b[0] * p * p + 0.2 * p + 0.5 * mean + b[1] * soot * p) for p in rows[-1]])
    return rows


def loss(b, z):
    rows = course(b, z)
    w = 1.0 / (1.0 + math.exp(-b[1]))
    return sum(0.5 * (shown(rows[t][k], w) - y) ** 2 for k, row in enumerate(seen) for t, y in row)


def gradient(b, z):
    rows = course(b, z)
    w = 1.0 / (1.0 + math.exp(-b[1]))
    back = [[0.0] * len(z) for _ in rows]
    g_a = g_b = g_w = 0.0
    for k, row in enumerate(seen):
        for t, y in row:
            p = rows[t][k]
            off = shown(p, w) - y
            back[t][k] += off * (2.0 * p + w * (1.0 - 2.0 * p))
            g_w += off * p * (1.0 - p)
    for t in range(len(push) - 1, -1, -1):
        slopes = [back[t + 1][k] * (1.0 - rows[t + 1][k] ** 2) for k in range(len(z))]
        whole = sum(slopes)
        for k in range(len(z)):
            p = rows[t][k]
            g_a += slopes[k] * p * p
            g_b += slopes[k] * push[t] * p
            back[t][k] += slopes[k] * (2.0 * b[0] * p + 0.2 + b[1] * push[t]) + 0.5 * whole / len(z)
    first = [d * (1.0 - p**2) for d, p in zip(back[0], rows[0])]
    return np.array([g_a, g_b + g_w * w * (1.0 - w)]), np.array(first)
"""

# Down a tree that is (leaf,) or (left, right), from the top.
TREE = """import numpy as np

rng = np.random.RandomState(6)
E, W, c, out = rng.randn(4, 3), rng.randn(3, 6) * 0.5, rng.randn(3) * 0.2, rng.randn(3)
trees = [((0,), ((1,), (2,))), (((3,), (1,)), (0,))]
decay = 0.05


def up(tree):
    if len(tree) == 1:
        return E[tree[0]], tree[0], ()
    left, right = up(tree[0]), up(tree[1])
    return np.tanh(W @ np.concatenate([left[0], right[0]]) + c), -1, (left, right)


def loss():
    whole = sum(0.5 * (out @ up(tree)[0] - k) ** 2 for k, tree in enumerate(trees))
    return whole + 0.5 * decay * (np.sum(E**2) + np.sum(W**2) + np.sum(out**2))


def down(node, d, g):
    h, word, below = node
    if not below:
        g[0][word] += d
        return
    da = d * (1 - h**2)
    g[1] += np.outer(da, np.concatenate([below[0][0], below[1][0]]))
    g[2] += da
    dx = W.T @ da
    down(below[0], dx[:3], g)
    down(below[1], dx[3:], g)


def gradient():
    g = [np.zeros_like(p) for p in (E, W, c, out)]
    for k, tree in enumerate(trees):
        node = up(tree)
        off = out @ node[0] - k
        g[3] += off * node[0]
        down(node, off * out, g)
    g[0] += decay * E
    g[1] += decay * W
    g[3] += decay * out
    return g
"""

# Layers beside which the input goes on; what a layer sends back begins as a number.
BESIDE = """import numpy as np

rng = np.random.RandomState(13)
x, y = rng.randn(4, 3), rng.randn(4, 3)
layers = [{"a": rng.randn(3, 3) * 0.5, "b": rng.randn(3, 3) * 0.5} for _ in range(2)]


def one(p, x):
    return np.tanh(x @ p["a"]), np.sin(x @ p["b"])


def run(layers):
    hs = [x]
    for p in layers:
        a, b = one(p, hs[-1])
        hs.append(hs[-1] + a * b)
    return hs


def loss(layers):
    return 0.5 * np.sum((run(layers)[-1] - y) ** 2)


def back(p, g, x, d):
    a, b = one(p, x)
    dx = 0
    for name, da in (("a", d * b * (1 - a**2)), ("b", d * a * np.cos(x @ p["b"]))):
        g[name] += x.T @ da
        dx = dx + da @ p[name].T
    return dx


def gradient(layers):
    hs = run(layers)
    d, grads = hs[-1] - y, []
    for p, h in zip(layers[::-1], hs[-2::-1]):
        g = {name: np.zeros_like(value) for name, value in p.items()}
        d = d + back(p, g, h, d)
        grads.insert(0, g)
    return grads
"""

# One vector of all weights, of which the backward fills one entry after the other.
PACKED = """import numpy as np

rng = np.random.RandomState(17)
w = rng.randn(5) * 0.4
days = [rng.randn(6), rng.randn(4)]


def course(w, x):
    a, b, s = np.tanh(w[0]), w[1], [w[2]]
    for each in x:
        s.append(a * s[-1] + b * each + 0.1 * np.sin(s[-1]))
    return s


def loss(w):
    total = 0.0
    for x in days:
        s = np.array(course(w, x)[1:])
        total += np.sum(np.exp(w[3]) * (s - x) ** 2) - len(x) * w[3] + w[4] * np.sum(s)
    return total


def gradient(w):
    a, b, k = np.tanh(w[0]), w[1], np.exp(w[3])
    g = np.zeros(5)
    for x in days:
        s = course(w, x)
        off = np.array(s[1:]) - x
        g[3] += k * np.sum(off**2) - len(x)
        g[4] += np.sum(s[1:])
        d = 0.0
        for t in range(len(x) - 1, -1, -1):
            d += 2 * k * off[t] + w[4]
            g[0] += d * s[t]
            g[1] += d * x[t]
            d *= a + 0.1 * np.cos(s[t])
            if t == 0:
                g[2] += d
    g[0] *= 1 - a**2
    return g
"""

# A forward that leaves a cache, and a loss of which the slope holds the forward itself.
CACHED = """import numpy as np


class Net:
    def __init__(self, n, m, rng):
        self.W, self.U, self.v = rng.randn(m, m) * 0.5, rng.randn(m, n), rng.randn(m)

    def forward(self, X):
        self.hs = [np.zeros(len(self.v))]
        out = []
        for x in X:
            h = np.tanh(self.W @ self.hs[-1] + self.U @ x)
            self.hs.append(h)
            out.append(self.v @ h)
        return np.array(out)

    def loss(self, X, Y):
        e = 0.7 * (Y - self.forward(X))
        return np.mean(np.exp(e) - e - 1)

    def backward(self, X, Y):
        e = 0.7 * (Y - self.forward(X))
        dy = 0.7 * (1 - np.exp(e)) / e.size
        self.dW, self.dU, self.dv = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.v)
        dh = np.zeros(len(self.v))
        for t in range(len(X))[::-1]:
            self.dv += dy[t] * self.hs[t + 1]
            da = (dh + dy[t] * self.v) * (1 - self.hs[t + 1] ** 2)
            self.dW += np.outer(da, self.hs[t])
            self.dU += np.outer(da, X[t])
            dh = self.W.T @ da


rng = np.random.RandomState(19)
net, X, Y = Net(2, 3, rng), rng.randn(5, 2), rng.randn(5)
"""

# A stretch of rods that give heat to their neighbours, each step in two statements.
RODS = """import numpy as np

rng = np.random.RandomState(23)
x0, w, c = rng.randn(4), np.array(0.3), np.array(0.2)
push = rng.randn(5)


def beside(x):
    return np.roll(x, 1) + np.roll(x, -1)


def run(x0, w, c):
    xs = [x0]
    for p in push:
        xs.append(0.9 * xs[-1] - w * np.sin(xs[-1]) + c * beside(xs[-1]) + p)
    return xs


def loss(x0, w, c):
    return 0.5 * np.sum(run(x0, w, c)[-1] ** 2)


def gradient(x0, w, c):
    xs = run(x0, w, c)
    d, dw, dc = xs[-1], 0.0, 0.0
    for t in range(len(push) - 1, -1, -1):
        now = d
        dw -= np.sum(now * np.sin(xs[t]))
        dc += np.sum(now * beside(xs[t]))
        d = d - w * np.cos(xs[t]) * now
        d = d + c * beside(now)
        d = d - 0.1 * now
    return d, dw, dc
"""

CALLS = {
    DELAY: said("v", "loss(v)", "gradient(v)"),
    SEEN_AT: said("b, z", "loss(b, z)", "gradient(b, z)"),
    TREE: said("E, W, c, out", "loss()", "gradient()"),
    BESIDE: said("layers", "loss(layers)", "gradient(layers)"),
    PACKED: said("w", "loss(w)", "gradient(w)"),
    CACHED: said("net.W, net.U, net.v", "net.loss(X, Y)", "net.dW, net.dU, net.dv", call="net.backward(X, Y)"),
    RODS: said("x0, w, c", "loss(x0, w, c)", "gradient(x0, w, c)"),
}
LEFT_OUT = {
    "what is sent to the step before": (DELAY, "                d[t - 1] += d[t] * s\n", ""),
    "the slope of a logarithm": (DELAY, "            d[t] += off / n[t]\n", ""),
    "what a loop before begins with": (
        SEEN_AT,
        "            back[t][k] += off * (2.0 * p + w * (1.0 - 2.0 * p))\n",
        "",
    ),
    "the other half": (TREE, "    down(below[0], dx[:3], g)\n", ""),
    "the next in a row": (TREE, "    g[3] += decay * out\n", ""),
    "what is given back as 0": (BESIDE, "        dx = dx + da @ p[name].T\n", ""),
    "a sum beside a forward that leaves a cache": (CACHED, "            self.dU += np.outer(da, X[t])\n", ""),
    "an entry's slope": (PACKED, "    g[0] *= 1 - a**2\n", ""),
}
CHANGED = {
    "a residual of which squares are taken": (PACKED, "off = np.array(s[1:]) - x", "off = np.array(s[1:])"),
    "the other half of a slope": (SEEN_AT, "g_b + g_w * w * (1.0 - w)", "g_b + g_w * w"),
}

test_the_right_programs_are_right = of_right_programs(CALLS)
test_what_is_left_out_is_put_back = of_damages(CALLS, LEFT_OUT)
test_what_is_changed_is_named = pytest.mark.slow(of_damages(CALLS, CHANGED, missing=False))


def test_a_term_may_have_been_a_statement_before(tmp_path):
    """It is mended where d is used next; that the statement before the one that does so is missing is told as well."""
    path = tmp_path / "mine.py"
    path.write_text(RODS.replace("        d = d + c * beside(now)\n", ""))
    suspects = report_of(path, CALLS[RODS], points=0).findings[0].suspects
    before = [s.line for s in suspects if s.missing and s.expression == "d += ..."]
    assert before == [line_of(RODS, "        d = d - w")]


def test_a_loop_in_which_nothing_is_done(tmp_path):
    """No call can be made up that takes what the loop has; where it is missing is told."""
    wrong = TREE.replace(
        "        off = out @ node[0] - k\n        g[3] += off * node[0]\n        down(node, off * out, g)\n", ""
    )
    path = tmp_path / "mine.py"
    path.write_text(wrong.replace("        node = up(tree)\n", "        pass\n"))
    first = report_of(path, CALLS[TREE], points=0).findings[0].suspects[0]
    assert first.missing
    assert first.line == line_of(TREE, "    for k, tree in enumerate(trees):")


@pytest.mark.slow
def test_an_entry_that_nothing_is_added_to(tmp_path):
    """One number may be worth many things; where the others are added to is told: in the loop, or before the inner."""
    path = tmp_path / "mine.py"
    path.write_text(PACKED.replace("        g[3] += k * np.sum(off**2) - len(x)\n", ""))
    (finding,) = report_of(path, CALLS[PACKED]).findings
    places = [s.line for s in finding.suspects if s.missing and s.expression == "g[3] += ..."]
    assert places == [line_of(PACKED, "                g[2] += d") - 1, line_of(PACKED, "        d = 0.0") - 1]
    assert finding.diagnosis is None


def test_what_nothing_is_sent_to():
    code = "old = n[t - 3]\ng[0] += d[t] * n[t - 1]\nd[t - 3] += d[t]\ne[k] += n[t - 1]"
    assert list(unsent(ast.parse(code).body)) == [(2, "d[t - 1]")]


def test_what_logarithms_divide_by():
    assert divisors({"np.log(n[t])": 0, "n[t]": 0, "a / b": 0, "b": 0, "np.log1p(c)": 0, "c": 0}) == {"n[t]", "b"}


def test_the_other_half():
    known = {"left", "right", "dl", "dr", "h1", "h2"}
    other = lambda text: ast.unparse(Other(known).visit(ast.parse(text).body[0]))  # noqa: E731
    assert other("back(n.left, dl[:k], h1, x[0])") == "back(n.right, dr[k:], h2, x[1])"
    assert other("back(n.lower, d, x[2], x[1:3])") == "back(n.lower, d, x[2], x[1:3])"


def test_another_of_a_row():
    assert ast.unparse(renumbered(ast.parse("g[2] += c * W").body[0], 4, "W", "U")) == "g[4] += c * U"


def test_names_that_are_given_back_as_the_number_0():
    only = lambda text: list(only_zero(ast.parse(text).body[0]))  # noqa: E731
    assert only("def f(x):\n    dx = 0\n    return dx") == ["dx"]
    assert only("def f(x):\n    dx = 0\n    dx += x\n    return dx") == []
    assert only("def f(x):\n    return x") == []


def test_what_a_factor_that_was_missing_is_called():
    assert of_new(ast.parse("g[3] *= 1 - a ** 2").body[0]) == "derivative-omitted"
    assert of_new(ast.parse("g[3] *= 2").body[0]) == "scale"


def test_what_equations_leave_open():
    """Two numbers of which only the sum is known, and a third."""
    slopes = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    values = [np.array(0.0)] * 3
    healing = Healing(None, values, values, 0, frozenset(), slopes, np.ones(2))
    assert not tells_all(healing, 0, 3)
    assert tells_all(healing, 2, 3)


def test_what_goes_back_through_a_softmax():
    rng = np.random.default_rng(1)
    p, dp = rng.random((3, 4)), rng.normal(size=(3, 4))
    p /= p.sum(axis=1, keepdims=True)
    stock = {"p": Values(("array", "f", (4,)), list(p)), "dp": Values(("array", "f", (4,)), list(dp))}
    wanted = list(p * (dp - np.sum(dp * p, axis=1, keepdims=True)))
    assert [each.text for each in through_softmax(Monomials(stock, "np"), wanted)] == ["p * (dp - np.sum(dp * p))"]
    assert list(through_softmax(Monomials(stock, "np"), list(p * dp))) == []


def test_the_powers_that_a_program_takes():
    assert powers({"x", "y"}, ["a * x ** 3", "y ** 2", "z ** 4", "x ** n"]) == {("x", 3)}


def test_a_carried_name_that_no_iteration_renews():
    body = "a, b = np.zeros_like(x), 0\nc = np.zeros(3)\nfor t in ts:\n    a = a + b\n    e = c * 2\n    f = x"
    tree = ast.parse(body)
    assert never_renewed(tree, tree.body[-1]) == ["b", "c"]
