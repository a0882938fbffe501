"""What adds up to a given array over all steps."""

import numpy as np
import pytest

from rnn_jax.verify.repair.harvest import Values
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.scattered import gathered
from rnn_jax.verify.repair.totals import totals


def stock(steps=5):
    rng = np.random.default_rng(0)
    return {name: Values(("array", "f", (3,)), list(rng.normal(size=(steps, 3)))) for name in ("a", "b", "c", "m")}


def texts(wanted):
    return [each.text for each in totals(Monomials(stock(), "np"), wanted(**{k: v.values for k, v in stock().items()}))]


def test_one_product():
    assert texts(lambda a, b, c, m: sum(x * y for x, y in zip(a, m, strict=True)))[0] in ("a * m", "m * a")


def test_a_multiple_as_where_a_mean_is_taken_later():
    assert texts(lambda a, b, c, m: sum(a) / 7)[0] == "a"


def test_two_terms_where_no_one_will_do():
    assert texts(lambda a, b, c, m: sum(a) + sum(b)) == ["a + b"]


def test_what_both_have_in_common_is_written_once():
    found = texts(lambda a, b, c, m: sum((x + y) * z for x, y, z in zip(a, b, m, strict=True)))
    assert found == ["(a + b) * m"]


def test_nothing_for_what_nothing_adds_up_to():
    assert texts(lambda a, b, c, m: np.array([0.3, -0.1, 0.8])) == []


def batches(steps=4, rows=3):
    rng = np.random.default_rng(1)
    named = {
        name: Values(("array", "f", (rows, 4)), list(rng.normal(size=(steps, rows, 4)))) for name in ("x", "y", "z")
    }
    return named | {"ids": Values(("array", "i", (rows,)), list(rng.integers(0, 5, size=(steps, rows))))}


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (lambda x, y, z: sum((a * b).T @ c for a, b, c in zip(x, y, z, strict=True)), "(x * y).T @ z"),
        (lambda x, y, z: sum(a.T @ (b * c) for a, b, c in zip(x, y, z, strict=True)), "x.T @ (y * z)"),
    ],
)
def test_the_product_may_be_on_either_side(wanted, text):
    stock = batches()
    goal = wanted(*(stock[name].values for name in "xyz"))
    assert [each.text for each in totals(Monomials(stock, "np"), goal)] == [text]


def test_rows_that_an_array_of_whole_numbers_says():
    stock = batches()
    goal = np.zeros((5, 4))
    for k, a, b in zip(stock["ids"].values, stock["x"].values, stock["z"].values, strict=True):
        np.add.at(goal, k, a * b)
    found = [(index, each.text) for index, each in gathered(Monomials(stock, "np"), goal)]
    assert found == [("[ids]", "x * z")]
    matrix = np.random.default_rng(2).normal(size=(6, 4))
    stock["M"] = Values(("array", "f", (6, 4)), [matrix] * 4)
    image = np.zeros((5, 6))
    for k, a, b in zip(stock["ids"].values, stock["x"].values, stock["z"].values, strict=True):
        np.add.at(image, k, (a * b) @ matrix.T)
    assert [each.text for _, each in gathered(Monomials(stock, "np"), image)] == ["x * z @ M.T"]
    assert not list(gathered(Monomials(stock, "np"), goal[:3]))  # there are numbers of rows that it does not have
