"""Gradients of one sequence each, which are added up: what all of them lack is missing in each of their sums."""

import numpy as np
from small_programs import of_damages, of_right_programs

from rnn_jax.verify.of_file import Expressions
from rnn_jax.verify.repair.accumulators import Outlet

DECKS = """import numpy as np

rng = np.random.RandomState(12)
grades = [[1, 2, 1, 3], [3, 2, 2], [2, 1, 1, 2, 3], [1, 3]]
decks = [[(grade, x) for grade, x in zip(each, rng.randn(len(each)))] for each in grades]
w = rng.randn(5) * 0.6


def run(w, deck):
    s = [w[deck[0][0] - 1]]
    for grade, x in deck[1:]:
        s.append(np.tanh(w[3] * s[-1] + w[4] * x * grade))
    return s


def loss(w, decks):
    return sum(0.5 * (run(w, deck)[-1] - 0.3) ** 2 for deck in decks) / len(decks)


def of_deck(w, deck):
    s, g = run(w, deck), np.zeros(5)
    start, ds = deck[0][0], s[-1] - 0.3
    for t in range(len(deck) - 1, 0, -1):
        grade, x = deck[t]
        da = ds * (1 - s[t] ** 2)
        g[3] += da * s[t - 1]
        g[4] += da * x * grade
        ds = w[3] * da
    g[start - 1] += ds
    return g


def gradient(w, decks):
    total = np.zeros(5)
    for deck in decks:
        total += of_deck(w, deck)
    return total / len(decks)
"""
CALLS = {DECKS: Expressions("w", "loss(w, decks)", "gradient(w, decks)")}
LEFT_OUT = {
    "an entry that is counted from 1": (DECKS, "    g[start - 1] += ds\n", ""),
    "an entry of each step": (DECKS, "        g[3] += da * s[t - 1]\n", ""),
}

test_the_right_programs_are_right = of_right_programs(CALLS)
test_what_is_left_out_is_put_back = of_damages(CALLS, LEFT_OUT)


def test_arrays_that_come_out_in_the_same_entries_are_one_sum():
    one = Outlet([0], np.array([2, 3]), np.array([0.5, 0.5]), (2,))
    assert one.like(one._replace(visits=[1]))
    assert not one.like(one._replace(entries=np.array([3, 2])))
    assert not one.like(one._replace(share=np.array([0.5, 1.0])))
    assert not one.like(one._replace(shape=(2, 1)))
