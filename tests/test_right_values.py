"""Which right values may be put in the place of an expression's: the windows of a sequence, and of whose calls."""

import numpy as np
import pytest

from rnn_jax.verify.repair.grammar import transposed_subscripts
from rnn_jax.verify.repair.right_values import by_dependence, by_name


def numbers(*values):
    return [np.full(2, float(value)) for value in values]


def told(found):
    return [[float(v[0]) for v in values] for values in found]


# The sequence in the order of the forward, how many values the expression gives, and what has to be among the offers.
OFFERED = {
    "back in time": ((1, 2, 3), 3, [3, 2, 1]),
    "forward in time": ((1, 2, 3), 3, [1, 2, 3]),
    "what is sent on, without the last step's": ((1, 2, 3), 3, [2, 1, 0]),
    "one too many": ((1, 2, 3, 4), 3, [3, 2, 1]),
    "nothing is sent before the first": ((2, 3), 3, [3, 2, 0]),
    "the second layer's, called after the first": ((1, 2, 3, 4), 2, [4, 3]),
    "the first layer's, called in turn": ((1, 2, 3, 4), 2, [3, 1]),
}


@pytest.mark.parametrize("name", OFFERED)
def test_windows(name):
    sequence, length, wanted = OFFERED[name]
    offered = list(by_name([numbers(*sequence)], [(2,)] * length))
    assert [float(v) for v in wanted] in told(offered)
    assert all(len(values) == length for values in offered)


# The same where the values are of several runs of a loop: how many of each run, and what has to be among the offers.
IN_RUNS = {
    "one direction after the other, each from its end": ((1, 2, 3, 4), [2, 2], [2, 1, 4, 3]),
    "of runs of different lengths": ((1, 2, 3, 4, 5), [3, 2], [3, 2, 1, 5, 4]),
    "the gates of a step in their own order": ((1, 2, 3, 4), [2, 2], [3, 4, 1, 2]),
    "what is sent on within each": ((2, 3, 5, 6), [3, 3], [3, 2, 0, 6, 5, 0]),
}


@pytest.mark.parametrize("name", IN_RUNS)
def test_run_by_run(name):
    sequence, runs, wanted = IN_RUNS[name]
    offered = told(by_name([numbers(*sequence)], [(2,)] * sum(runs), runs))
    assert [float(v) for v in wanted] in offered


def test_all_at_once_in_the_shape_that_is_asked_for():
    (found,) = by_name([numbers(1, 2, 3)], [(3, 2)])
    np.testing.assert_array_equal(found[0], [[1, 1], [2, 2], [3, 3]])


def test_nothing_of_another_size():
    assert list(by_name([numbers(1, 2, 3)], [(3,)] * 3)) == []


def test_a_sensitivity_may_be_that_of_the_step_before():
    assert told(by_dependence([numbers(1, 2, 3)], [(2,)] * 3)) == [[1, 2, 3], [0, 1, 2]]


def test_subscripts_with_two_axes_exchanged():
    assert list(transposed_subscripts("lk,l->k")) == ["kl,l->k"]
    assert "kl,lij->kij" in transposed_subscripts("lk,lij->kij")
