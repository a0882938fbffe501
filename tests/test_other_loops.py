"""What other loops give names, and the products that a shape allows: what may be missing where NumPy says nothing."""

import ast

import pytest

from rnn_jax.verify.repair.spread import products
from rnn_jax.verify.repair.stale import gives


@pytest.mark.parametrize(
    ("loop", "given"),
    [
        ("for x in xs: pass", {"x": "xs[step]"}),
        ("for t, x in enumerate(xs): pass", {"x": "xs[t]"}),
        ("for x, y in zip(xs, ys): pass", {"x": "xs[step]", "y": "ys[step]"}),
        ("for t in range(T): x = xs[t]", {"x": "xs[t]"}),
        ("for t in range(T): h, c = hs[t], cs[t]", {"h": "hs[t]", "c": "cs[t]"}),
        ("for t in reversed(range(T)): pass", {}),
    ],
)
def test_what_a_loop_gives_names(loop, given):
    found = {each.name: ast.unparse(each.value) for each in gives(ast.parse(loop).body[0])}
    assert found == given


def test_only_products_that_the_shapes_allow():
    found = {ast.unparse(made): shape for made, shape in products(ast.Name("W"), (4, 5), ast.Name("d"), (3, 5))}
    assert found == {"W @ d.T": (4, 3)}
    found = {ast.unparse(made): shape for made, shape in products(ast.Name("u"), (5,), ast.Name("d"), (3, 5))}
    assert found == {"u * d": (3, 5), "u @ d.T": (3,), "d @ u": (3,)}
