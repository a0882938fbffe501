"""What is wanted of a part of an expression, from what is wanted of the whole: each operation undone."""

import ast

import numpy as np
import pytest

from rnn_jax.verify.repair.inverse import close, parts
from rnn_jax.verify.repair.tree import at

RNG = np.random.default_rng(5)
HAVE = {
    "np": np,
    "a": RNG.uniform(0.2, 0.8, (3, 4)),
    "b": RNG.uniform(0.2, 0.8, (3, 4)),
    "M": RNG.normal(size=(4, 4)),
    "L": RNG.normal(size=(3, 3)),
    "u": RNG.uniform(0.2, 0.8, 3),
    "v": RNG.uniform(0.2, 0.8, 4),
}


def undone(text, part):
    """What the part has to be for the whole to be what it is with another part; and that other part."""
    node = ast.parse(text, mode="eval").body
    other = HAVE[part] * RNG.uniform(0.6, 1.4, np.shape(HAVE[part]))
    wanted = eval(text, HAVE | {part: other})
    for each in parts(node):
        if ast.unparse(at(node, each.path)) == part:
            values = [np.asarray(eval(ast.unparse(at(node, path)), HAVE)) for path in each.others]
            return each.undo(np.asarray(wanted), HAVE[part], values), other
    return None, other


UNDONE = {
    "-a": "a",
    "a + b": "a",
    "b - a": "a",
    "a - b": "a",
    "a * b": "b",
    "a / b": "a",
    "b / a": "a",
    "a ** 3": "a",
    "L @ a": "a",
    "a @ M": "a",
    "v @ M": "v",
    "M @ v": "v",
    "np.exp(a)": "a",
    "np.log(a)": "a",
    "np.tanh(a)": "a",
    "np.sqrt(a)": "a",
    "np.expm1(a)": "a",
    "np.arctan(a)": "a",
    "u[:, None]": "u",
    "a.T": "a",
    "a.ravel()": "a",
    "np.outer(u, v)": "u",
    "np.outer(u, v) ": "v",
    "np.hstack([a, b])": "b",
    "np.vstack([b, a])": "b",
    "np.concatenate([u, v])": "u",
}


@pytest.mark.parametrize("text", UNDONE)
def test_what_is_wanted_of_a_part_gives_the_whole(text):
    found, other = undone(text.strip(), UNDONE[text])
    assert found is not None
    np.testing.assert_allclose(found, other, rtol=1e-9)


def test_a_matrix_that_loses_something_tells_nothing():
    (left, _) = parts(ast.parse("x @ M", mode="eval").body)
    assert left.undo(np.ones((1, 4)), np.ones((1, 4)), [np.ones((4, 4))]) is None
    assert left.undo(np.ones((1, 4)), np.ones((1, 4)), [HAVE["M"]]) is not None


def test_a_matrix_product_that_no_values_give_is_not_made_up():
    (left, _) = parts(ast.parse("x @ W", mode="eval").body)
    wide = RNG.normal(size=(2, 5))
    assert left.undo(RNG.normal(size=(3, 5)), np.zeros((3, 2)), [wide]) is None
    right = RNG.normal(size=(3, 2))
    np.testing.assert_allclose(left.undo(right @ wide, np.zeros((3, 2)), [wide]), right, rtol=1e-9)


def test_a_piece_tells_nothing_where_another_piece_is_wrong_as_well():
    both = {part.path: part for part in parts(ast.parse("np.hstack([a, b])", mode="eval").body)}
    first = both[(("args", 0), ("elts", 0))]
    whole = np.hstack([HAVE["a"] + 1, HAVE["b"]])
    np.testing.assert_allclose(first.undo(whole, HAVE["a"], [HAVE["b"]]), HAVE["a"] + 1)
    assert first.undo(whole, HAVE["a"], [HAVE["b"] + 1]) is None


def test_where_a_factor_is_zero_anything_will_do():
    (left, _) = parts(ast.parse("x * m", mode="eval").body)
    found = left.undo(np.array([2.0, 0.0]), np.ones(2), [np.array([4.0, 0.0])])
    assert found[0] == 0.5
    assert np.isnan(found[1])
    assert left.undo(np.array([2.0, 1.0]), np.ones(2), [np.array([4.0, 0.0])]) is None
    assert close(np.array([0.5, np.nan]), np.array([0.5, 7.0]))
    assert not close(np.array([0.5, np.nan]), np.array([0.6, 7.0]))
