"""The derivatives of what a forward writes out, against differences of it."""

import ast

import numpy as np
import pytest

from rnn_jax.verify.repair.derivatives import derivative, factors, recounted

HAVE = {"np": np, "x": np.array([0.4, 1.3]), "u": np.array([0.7, 0.2]), "r": np.array([1.1, -0.6]), "tau": 0.8}
STEP = 1e-6  # central differences err by its square and by eps / STEP: 1e-10

KNOWN = [
    "x + 0.3 * ((u - x) / tau + u * (1 - x) * r)",
    "x ** 2 / (1 + x ** 2)",
    "-u / x",
    "np.exp(-x * u) + np.log(x)",
    "np.tanh(r * x) * u",
    "np.sqrt(x) - np.sin(x) * np.cos(u * x)",
    "u - np.abs(x - u)",
    "np.square(x * r) * x ** 3",
]


@pytest.mark.parametrize("text", KNOWN)
def test_a_derivative_is_what_differences_say(text):
    ahead, behind = (eval(text, HAVE | {"x": HAVE["x"] + step}) for step in (STEP, -STEP))
    found = derivative(ast.parse(text, mode="eval").body, "x")
    value = eval(ast.unparse(found), HAVE)
    np.testing.assert_allclose(value, (ahead - behind) / (2 * STEP), rtol=1e-7, atol=1e-8)


def test_of_a_sum_it_is_that_of_each_entry():
    found = derivative(ast.parse("np.sum(x ** 2) / 2", mode="eval").body, "x")
    np.testing.assert_allclose(eval(ast.unparse(found), HAVE), HAVE["x"])


@pytest.mark.parametrize("text", ["f(x) * u", "W @ x", "x ** u", "np.where(x > 0, x, 0)"])
def test_where_no_rule_is_known_nothing_is_claimed(text):
    assert derivative(ast.parse(text, mode="eval").body, "x") is None


def test_an_item_has_a_derivative_of_its_own_and_counters_may_have_other_names():
    node = ast.parse("u[i] + dt * ((U[i] - u[i]) / tau + U[i] * (1 - u[i]) * r[i])", mode="eval").body
    found = derivative(node, "U[i]")
    assert ast.unparse(found) == "dt * (1 / tau + (1 - u[i]) * r[i])"
    (inner,) = factors(found)
    assert [ast.unparse(each) for each in recounted(inner, {"i", "j"})] == ["1 / tau + (1 - u[j]) * r[j]"]
