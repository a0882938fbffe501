"""What adds up to a given array over all steps."""

import numpy as np

from rnn_jax.verify.repair.harvest import Values
from rnn_jax.verify.repair.monomials import Monomials
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
