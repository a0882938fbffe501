"""Gradients that come entry by entry, each from a call of its own: some of the calls are enough to try edits with."""

import ast

import numpy as np
import pytest
from small_programs import line_of, mended

from rnn_jax.verify import blame
from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.repair.by_entry import entries, in_order
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.tree import located

TANGENT = """import numpy as np

rng = np.random.RandomState(5)
x, y = rng.randn(4, 2), rng.randn(4)
p = {"U": rng.randn(3, 2), "W": rng.randn(3, 3) * 0.7, "b": rng.randn(3), "v": rng.randn(3)}


def loss(p):
    h, total = np.zeros(3), 0.0
    for xt, yt in zip(x, y):
        h = np.tanh(p["U"] @ xt + p["W"] @ h + p["b"])
        total += 0.5 * (p["v"] @ h - yt) ** 2
    return total


def along(p, dp):
    h, dh, total = np.zeros(3), np.zeros(3), 0.0
    for xt, yt in zip(x, y):
        da = dp["U"] @ xt + dp["W"] @ h + p["W"] @ dh + dp["b"]
        h = np.tanh(p["U"] @ xt + p["W"] @ h + p["b"])
        dh = da * (1 - h**2)
        total += (p["v"] @ h - yt) * (dp["v"] @ h + p["v"] @ dh)
    return total


def gradients(p):
    g = {name: np.zeros_like(value) for name, value in p.items()}
    still = {name: np.zeros_like(value) for name, value in p.items()}
    for name in p:
        for entry in np.ndindex(p[name].shape):
            unit = np.zeros_like(p[name])
            unit[entry] = 1
            g[name][entry] = along(p, {**still, name: unit})
    return g
"""
ASKED = Expressions("p", "loss(p)", "gradients(p)")
TRANSPOSED = ('dp["W"] @ h +', 'dp["W"].T @ h +')
MISTAKES = {
    "a matrix transposed": TRANSPOSED,
    "another state": ('dp["v"] @ h +', 'dp["v"] @ dh +'),
    "too late": ("dh = da * (1 - h**2)", "dh = da * (1 - dh**2)"),
    "who makes the calls": ("unit[entry] = 1", "unit[entry] = 2"),
    "a slope left out": ("dh = da * (1 - h**2)", "dh = da"),
    "a term that is used nowhere": (' + dp["b"]\n', "\n"),
    "a state computed once more, without its past": ('p["W"] @ h + p["b"])\n        dh', 'p["b"])\n        dh'),
}


@pytest.fixture
def search(tmp_path, monkeypatch):
    """That for the fault in a transposed matrix, before anything is tried."""
    begun = []
    monkeypatch.setattr(blame, "mending", lambda bench, search, own, over: begun.append(search))
    monkeypatch.setattr(blame, "in_short", lambda *args: None)
    monkeypatch.setattr(blame, "both", lambda *args: None)
    path = tmp_path / "program.py"
    path.write_text(TANGENT.replace(*TRANSPOSED))
    with pytest.raises(AssertionError):
        mended(path, path.read_text(), ASKED)
    return begun[0]


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(tmp_path, name):
    right, wrong = MISTAKES[name]
    damaged = TANGENT.replace(right, wrong)
    assert mended(tmp_path / "program.py", damaged, ASKED).line == line_of(TANGENT, right.strip())


def test_a_direction_that_is_none(tmp_path):
    finding = mended(tmp_path / "program.py", TANGENT.replace("            unit[entry] = 1\n", ""), ASKED)
    assert finding.line == line_of(TANGENT, "unit = np.zeros_like")


def test_a_direction_that_is_set_too_late(tmp_path):
    order = "            unit[entry] = 1\n", "            g[name][entry] = along(p, {**still, name: unit})\n"
    damaged = TANGENT.replace("".join(order), "".join(order[::-1]))
    finding = mended(tmp_path / "program.py", damaged, ASKED)
    assert finding.line in (line_of(damaged, text.strip()) for text in order)


def test_one_call_is_made_for_each_parameter(search):
    assert search.trial.few.function.__name__ == "along"
    assert search.trial.few.given.count(None) == 4
    assert search.wrong == {"p.W"} == search.trial.wrong(search.trial.gradients())
    assert search.trial.right_entries["p.W"].sum() == 8


def test_tangents_explain_what_is_right(search):
    """That of `a` in `tanh(a)` by the entry that is told, at the first step where it is not 0."""
    entry = next(k for name, k in search.trial.few.entries if name == "p.W")
    p = {n.removeprefix("p."): np.array(v) for n, v in search.trial.made.values.items()}
    x = search.live.subject.program.namespace["x"]
    h = np.tanh(p["U"] @ x[0] + p["b"])
    moved = np.zeros((3, 3))
    moved.flat[entry] = 1
    assert search.explains(moved @ h)
    assert not search.explains(moved.T @ h)


def test_an_edit_that_mends_these_alone_is_none(search):
    site, node = next((s, n) for spot in search.live.spots for s, n in search.live.sites(spot) if is_matrix(n))
    ((kept,),) = np.nonzero(~search.trial.right_entries["p.W"].ravel())
    for text, found in ((f'dp["W"].flat[{kept}]', 0), ('dp["W"].sum()', 1)):
        new = ast.parse(f'dp["W"] if {text} else dp["W"].T', mode="eval").body
        search.stage_until = search.until = float("inf")
        search.attempt([Edit(site, located(new, node), "transpose", 1.0, node.lineno)])
        assert len(search.found) == found


def is_matrix(node):
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "dp['W'].T"


def test_values_that_are_there_twice_are_no_ones():
    manual = {"a": np.array([1.5, 2.5, 0.0, 0.0]), "b": np.array([[2.5], [3.5], [4.5]])}
    assert entries([1.5, 2.5, 3.5, 0.0, 4.5, 4.5, 6.5], manual) == {0: ("a", 0), 2: ("b", 1)}


def test_values_in_the_order_of_the_entries():
    manual = {"a": np.zeros((2, 1)), "b": np.array([0.0, 3.5])}
    assert in_order([0.0, 0.0, 0.0, 3.5], manual) == {0: ("a", 0), 1: ("a", 1), 2: ("b", 0), 3: ("b", 1)}
    assert in_order([3.5, 0.0, 0.0, 0.0], manual) == {}
