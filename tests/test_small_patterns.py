"""Statements that are missing, of which the like stands elsewhere: in the other branch, in a function, for a part."""

import ast
from types import SimpleNamespace

import numpy as np
import pytest
from small_programs import line_of, of_damages, of_right_programs, report_of, said

from rnn_jax.verify.repair.blocks_alike import as_it_is
from rnn_jax.verify.repair.einsums import einsum_totals, einsums
from rnn_jax.verify.repair.harvest import Values
from rnn_jax.verify.repair.live import Site
from rnn_jax.verify.repair.match import same_along
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.probe import added_up
from rnn_jax.verify.repair.scope import exchange_words
from rnn_jax.verify.repair.tokens import as_it_stands, exchanged
from rnn_jax.verify.repair.totals import totals
from rnn_jax.verify.repair.transposed import Moved, moved
from rnn_jax.verify.repair.write import spliced

ANSWERS = """import numpy as np

rng = np.random.RandomState(4)
v = rng.randn(6)
answers = [(0, True), (1, False), (1, True), (0, False), (1, True)]


def known(v):
    p, L, total = 1 / (1 + np.exp(-v)), 0.4, 0.0
    for item, right in answers:
        g, s = p[item], p[2 + item]
        yes, no = (L * (1 - s), (1 - L) * g) if right else (L * s, (1 - L) * (1 - g))
        total -= np.log(yes + no)
        L = p[4] + (1 - p[4] - p[5]) * yes / (yes + no)
    return total


def slope(v):
    p = 1 / (1 + np.exp(-v))
    d = p * (1 - p)
    L, dL, grad = 0.4, np.zeros(6), np.zeros(6)
    for item, right in answers:
        g, s = p[item], p[2 + item]
        if right:
            yes, no = L * (1 - s), (1 - L) * g
            dyes, dno = dL * (1 - s), -dL * g
            dyes[2 + item] -= L * d[2 + item]
            dno[item] += (1 - L) * d[item]
        else:
            yes, no = L * s, (1 - L) * (1 - g)
            dyes, dno = dL * s, -dL * (1 - g)
            dyes[2 + item] += L * d[2 + item]
            dno[item] -= (1 - L) * d[item]
        both = yes + no
        grad -= (dyes + dno) / both
        post, dpost = yes / both, (dyes * no - yes * dno) / both**2
        L = p[4] + (1 - p[4] - p[5]) * post
        dL = (1 - p[4] - p[5]) * dpost
        dL[4] += (1 - post) * d[4]
        dL[5] -= post * d[5]
    return grad
"""

LAYERS = """import numpy as np

rng = np.random.RandomState(5)
x, y = rng.randn(4, 3), rng.randn(4, 3)
W, v = rng.randn(3, 3) * 0.6, rng.randn(3)


def back(W, cache, dz, g):
    x, z = cache
    da = dz * (1 - z**2)
    g["W"] += x.T @ da
    return da @ W.T


def run(W):
    s, caches = x, []
    for _ in range(3):
        caches.append((s, np.tanh(s @ W)))
        s = caches[-1][1]
    return s, caches


def loss(W, v):
    return 0.5 * np.sum((run(W)[0] * v - y) ** 2)


def gradient(W, v):
    s, caches = run(W)
    g = {"W": np.zeros_like(W)}
    e = np.zeros_like(y)
    e[:] = s * v - y
    dv = np.sum(e * s, axis=0)
    d = e * v
    for cache in caches[::-1]:
        d = back(W, cache, d, g)
    return g["W"], dv
"""

SPRINGS = """import numpy as np

rng = np.random.RandomState(7)
x0, goal = rng.randn(4), rng.randn(4)
k, push = rng.randn(4), rng.randn(5)


def to_nodes(pull):
    f = -pull
    f[:-1] += pull[1:]
    return f


def to_springs(f):
    pull = -f
    pull[1:] += f[:-1]
    return pull


def run(k, push):
    xs = [x0]
    for p in push:
        xs.append(np.tanh(xs[-1] + 0.3 * to_nodes(k * xs[-1]) + p))
    return xs


def loss(k, push):
    return 0.5 * np.sum((run(k, push)[-1] - goal) ** 2)


def gradient(k, push):
    xs = run(k, push)
    dk, dpush, dx = np.zeros_like(k), np.zeros_like(push), xs[-1] - goal
    for t in range(len(push) - 1, -1, -1):
        da = dx * (1 - xs[t + 1] ** 2)
        dpush[t] = da.sum()
        dpull = 0.3 * to_springs(da)
        dk += dpull * xs[t]
        dx = da + dpull * k
    return dk, dpush
"""

PHASES = """import numpy as np

rng = np.random.RandomState(9)
x = rng.randn(6, 2)
w, A = rng.randn(3, 2), rng.randn(6, 3)


def loss(w, A):
    seen = np.vstack([np.zeros(3), np.cumsum(x @ w.T, axis=0)])
    return sum(float(np.sum(np.tanh(A[t] * (seen[t + 2] - seen[t])))) for t in range(5))


def gradient(w, A):
    seen = np.vstack([np.zeros(3), np.cumsum(x @ w.T, axis=0)])
    dA, change = np.zeros_like(A), np.zeros((8, 3))
    for t in range(5):
        slope = 1 - np.tanh(A[t] * (seen[t + 2] - seen[t])) ** 2
        dA[t] += slope * (seen[t + 2] - seen[t])
        share = np.stack([slope * A[t]])
        change[t] += share.sum(axis=0)
        change[t + 2:t + 3] -= share
    return np.cumsum(change[:6], axis=0).T @ x, dA
"""

RATES = """import numpy as np

rng = np.random.RandomState(12)
p = {"log_k": rng.randn(3) * 0.2, "log_d": np.array(0.3), "x": rng.randn(3)}
y = rng.randn(5, 3)


def run(p):
    xs = [p["x"]]
    for t in range(5):
        xs.append(np.tanh(np.exp(p["log_k"]) * xs[-1] - np.exp(p["log_d"]) * y[t]))
    return xs


def loss(p):
    return 0.5 * np.sum(run(p)[-1] ** 2)


def gradient(p):
    k, d, xs = np.exp(p["log_k"]), np.exp(p["log_d"]), run(p)
    g_k, g_d, dx = np.zeros(3), 0.0, xs[-1]
    for t in range(4, -1, -1):
        da = dx * (1 - xs[t + 1] ** 2)
        g_k += da * xs[t]
        g_d -= np.sum(da * y[t])
        dx = da * k
    return {"log_k": g_k * k, "log_d": g_d * d, "x": dx}
"""

SOFT = """import numpy as np

rng = np.random.RandomState(3)
x, y = rng.randn(4, 5), rng.randn(4, 5)
u, M = rng.randn(5), rng.randn(5, 5) * 0.5


def loss(u, M):
    s, total = u, 0.0
    for t in range(4):
        e = np.exp(M @ s + x[t])
        p = e / e.sum()
        s = np.tanh(p * y[t] + s)
        total += 0.5 * np.sum(s**2)
    return total


def gradient(u, M):
    ss, ps = [u], []
    for t in range(4):
        e = np.exp(M @ ss[-1] + x[t])
        ps.append(e / e.sum())
        ss.append(np.tanh(ps[-1] * y[t] + ss[-1]))
    dM, ds = np.zeros_like(M), np.zeros(5)
    for t in range(3, -1, -1):
        da = (ds + ss[t + 1]) * (1 - ss[t + 1] ** 2)
        dp, p = da * y[t], ps[t]
        dz = p * (dp - p @ dp)
        dM += np.outer(dz, ss[t])
        ds = da + M.T @ dz
    return ds, dM
"""

ROD = """import numpy as np


def rod(n, steps, seed=1):
    rng = np.random.RandomState(seed)
    return {"k": rng.randn(n) * 0.3, "q": rng.randn(steps)}


def lab(n, steps, seed=2):
    return np.random.RandomState(seed).randn(steps, n)


P, seen = rod(n=3, steps=6), lab(n=3, steps=6)


def run(P):
    us = [np.ones(3)]
    for q in P["q"]:
        us.append(np.tanh(us[-1] * P["k"] + q))
    return us


def loss(P):
    return sum(0.5 * np.sum((u - s) ** 2) for u, s in zip(run(P)[1:], seen))


def gradient(P):
    us, g, d = run(P), {name: np.zeros_like(v) for name, v in P.items()}, np.zeros(3)
    for t in reversed(range(len(P["q"]))):
        da = (d + us[t + 1] - seen[t]) * (1 - us[t + 1] ** 2)
        g["k"] += da * us[t]
        g["q"][t] += da.sum()
        d = da * P["k"]
    return g
"""

ALONG = """import numpy as np

rng = np.random.RandomState(8)
a0, A = rng.randn(3), rng.randn(3, 3)


def lse(a, axis=None):
    top = np.max(a)
    return top + np.log(np.sum(np.exp(a - top), axis=axis))


def forward(a0, A):
    a = [a0]
    for t in range(4):
        a.append(lse(a[-1][:, None] + A, axis=0))
    return a


def loss(a0, A):
    return float(lse(forward(a0, A)[-1]))


def gradient(a0, A):
    a, total = forward(a0, A), loss(a0, A)
    dA, rest = np.zeros_like(A), np.zeros(3)
    for t in range(3, -1, -1):
        dA += np.exp(a[t][:, None] + A + rest - total)
        rest = lse(A + rest, axis=1)
    return np.exp(a0 + rest - total), dA
"""

CALLS = {
    ANSWERS: said("v", "known(v)", "slope(v)"),
    LAYERS: said("W, v", "loss(W, v)", "gradient(W, v)"),
    SPRINGS: said("k, push", "loss(k, push)", "gradient(k, push)"),
    PHASES: said("w, A", "loss(w, A)", "gradient(w, A)"),
    RATES: said("p", "loss(p)", "gradient(p)"),
    SOFT: said("u, M", "loss(u, M)", "gradient(u, M)"),
    ROD: said("P", "loss(P)", "gradient(P)"),
    ALONG: said("a0, A", "loss(a0, A)", "gradient(a0, A)"),
}
LEFT_OUT = {
    "in the other branch": (ANSWERS, "            dno[item] -= (1 - L) * d[item]\n", ""),
    "a call from one layer to the next": (LAYERS, "d = back(W, cache, d, g)", "pass"),
    "the transpose": (SPRINGS, "    pull[1:] += f[:-1]\n", ""),
    "where a stretch begins": (PHASES, "        change[t] += share.sum(axis=0)\n", ""),
}
CHANGED = {
    "one number for all": (SOFT, "p * (dp - p @ dp)", "p * (dp - dp)"),
    "sizes that have to agree": (ROD, 'range(len(P["q"])))', 'range(len(P["q"]) - 1))'),
    "a factor that other keys have": (RATES, '"log_d": g_d * d', '"log_d": g_d'),
    "an axis": (ALONG, "lse(A + rest, axis=1)", "lse(A + rest)"),
    "read before it was made": (
        LAYERS,
        "    e[:] = s * v - y\n    dv = np.sum(e * s, axis=0)\n",
        "    dv = np.sum(e * s, axis=0)\n    e[:] = s * v - y\n",
    ),
}

test_the_right_programs_are_right = of_right_programs(CALLS)
test_what_is_left_out_is_put_back = of_damages(CALLS, LEFT_OUT)
test_what_is_changed_is_named = of_damages(CALLS, CHANGED, missing=False)


def test_what_adds_takes_off_in_the_other_branch():
    texts = lambda code: [ast.unparse(made) for made in as_it_is(ast.parse(code).body[0])]  # noqa: E731
    assert texts("d[k] += a") == ["d[k] += a", "d[k] -= a"]
    assert texts("d = a") == ["d = a"]


def test_parts_that_are_added_to_parts():
    found = list(moved(ast.parse("f[:-1] += g[1:]\nf[k] += g[1:]\nf[:2] *= g[2:]\nf += g[1:]\nf[:, 1:] -= g[:, :-1]")))
    assert found == [Moved(":-1", "1:"), Moved(":, 1:", ":, :-1")]


def test_what_is_used_of_the_like():
    table = {"layer": {"W": 1, "b": 2, "u": 3}, "grad": {"W": 1, "b": 2}, "other": {"W": 7}}
    exchange_words(table)
    assert table == {"layer": {"W": 1, "b": 2, "u": 3}, "grad": {"W": 1, "b": 2, "u": 3}, "other": {"W": 7}}


def test_one_number_for_all_entries_or_along_an_axis():
    rows = np.array([[1.0, 1.0], [3.0, 3.0]])
    assert same_along(rows, (0, 1), keepdims=False) is None
    assert same_along(rows, (1,), keepdims=True).tolist() == [[1.0], [3.0]]
    assert same_along(np.array([2.0, np.nan, 2.0]), (0,), keepdims=False).tolist() == 2.0
    assert same_along(np.array([np.nan, np.nan]), (0,), keepdims=False) is None


def heads(steps=1):
    rng = np.random.default_rng(6)
    shapes = {"mix": (2, 3, 4, 5), "p": (2, 3, 4, 4), "dy": (2, 4, 6), "w": (3, 5, 6), "a": (2, 4, 6), "s": (2, 4, 6)}
    return {n: Values(("array", "f", shape), list(rng.normal(size=(steps, *shape)))) for n, shape in shapes.items()}


def made(stock, subscripts, *names):
    """The product at each step."""
    return [np.einsum(subscripts, *each) for each in zip(*(stock[n].values for n in names), strict=True)]


def same_product(text, subscripts, *names):
    """Whether a text makes the product of these names."""
    values = {n: v.values[0] for n, v in heads().items()}
    return np.allclose(eval(text, {"np": np}, values), np.einsum(subscripts, *(values[n] for n in names)))


def test_arrays_of_many_axes_as_einsum_multiplies_them():
    stock = heads(steps=2)
    total = sum(made(stock, "bhtd,btm->hdm", "mix", "dy"))
    found = [each.text for each in einsum_totals(Monomials(stock, "np"), total)]
    assert found
    assert same_product(found[0], "bhtd,btm->hdm", "mix", "dy")
    at_each = made(stock, "bhtu,bhud->bhtd", "p", "mix")
    found = [each.text for each in einsums(Monomials(stock, "np"), at_each)]
    assert found
    assert same_product(found[0], "bhtu,bhud->bhtd", "p", "mix")


def test_one_of_them_may_be_a_product():
    stock = heads()
    (found, *_) = einsum_totals(Monomials(stock, "np"), made(stock, "btm,btm,btn->mn", "a", "s", "dy")[0])
    assert same_product(found.text, "btm,btm,btn->mn", "a", "s", "dy")


def test_no_einsum_for_numbers_of_chance():
    wanted = np.random.default_rng(7).normal(size=(3, 5, 6))
    assert list(einsum_totals(Monomials(heads(), "np"), wanted)) == []


def test_a_number_that_is_the_sum_of_products_of_three():
    rng = np.random.default_rng(2)
    stock = {f"a{k}": Values(("float",), list(rng.normal(size=12))) for k in range(50)}
    wanted = np.array(sum(a * b * c for a, b, c in zip(*(stock[n].values for n in ("a3", "a31", "a48")), strict=True)))
    (first, *_) = totals(Monomials(stock, "np"), wanted)
    assert sorted(first.text.split(" * ")) == ["a3", "a31", "a48"]


@pytest.mark.slow
def test_two_on_the_way_of_what_goes_forward_in_time(tmp_path):
    """With either edit more of what is carried along is how the forward hangs on the parameters."""
    wrong = ANSWERS.replace("yes, no = L * s,", "yes, no = L / s,").replace("-= L * d[2 + item]", "-= L * d[1 + item]")
    path = tmp_path / "mine.py"
    path.write_text(wrong)
    report = report_of(path, CALLS[ANSWERS], points=0, seconds=9.0)
    assert {finding.line for finding in report.findings} == {
        line_of(ANSWERS, "-= L * d[2 + item]"),
        line_of(ANSWERS, "yes, no = L * s, (1 - L) * (1 - g)\n            dyes"),
    }
    path.write_text(spliced(wrong, report.findings[0].fix))
    assert report_of(path, CALLS[ANSWERS], quick=True).ok


def test_what_loops_add_up():
    loops = "    for t in ts:\n        b[t] += 1\n        while s:\n            net.c -= 1\n            d = d + 1"
    code = f"def f():\n    a += 1\n{loops}"
    assert added_up(ast.parse(code).body[0]) == {"b", "net.c"}


def test_another_operator_within_brackets_that_are_needed_then():
    """(a * b * c) / d is (a - b * c) / d with one sign more, not a - b * c / d."""
    text = "x = (a * b * c) / d"
    live = SimpleNamespace(sources={"f.py": SimpleNamespace(text=text)})
    (statement,) = ast.parse(text).body
    assert as_it_stands(live, Site("f.py", 0, ()), statement.value) == "(a * b * c) / d"
    (elsewhere,) = ast.parse("y = a * b").body
    assert as_it_stands(live, Site("f.py", 0, ()), elsewhere.value) == "a * b"
    assert list(exchanged("(a * b) / (c\n * d)"))[-1] == "(a * b) / (c\n @ d)"
