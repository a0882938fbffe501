"""Statements made like others: at other indices, for twins, of the forward; calls of methods that nothing calls."""

import ast
from types import SimpleNamespace

import numpy as np
import pytest

from rnn_jax.verify.repair.blocks_alike import blocks_of, lacking, mapping, outline
from rnn_jax.verify.repair.blocks_alike import renamed as made_for
from rnn_jax.verify.repair.match import Matcher
from rnn_jax.verify.repair.never_filled import known_there
from rnn_jax.verify.repair.other_index import at_index, others, repeated
from rnn_jax.verify.repair.right_values import in_nests
from rnn_jax.verify.repair.twins import paired, renamed
from rnn_jax.verify.repair.uncalled import owners, unread_names
from rnn_jax.verify.repair.vocabulary import neighbours


def function(text):
    return ast.parse(text).body[0]


GRID = function("""
def back(E, R):
    for i in range(n):
        for j in range(m):
            e = e + E[i + 1, j]
            e = e + E[i, j + 1] * R[i, j + 1] / R[i, j]
""")


def test_a_statement_is_made_for_the_other_indices_of_its_function():
    statement = GRID.body[0].body[0].body[1]
    assert repeated(statement) == ["(i, j + 1)"]
    assert set(others(GRID, statement, "(i, j + 1)")) == {"(i + 1, j)", "(i + 1, j + 1)"}
    made = at_index(statement, "(i, j + 1)", "(i + 1, j)")
    assert ast.unparse(made) == "e = e + E[i + 1, j] * R[i + 1, j] / R[i, j]"


STAGES = function("""
def back(c, S):
    k1, s1 = f(c, S)
    k2, s2 = f(c + dt * k1, S + dt * s1)
    c = c + dt / 2 * (k1 + k2)
    return S
""")


def test_what_goes_on_beside_something_goes_on_like_it():
    pairs = paired(STAGES)
    assert pairs == {"k1": "s1", "k2": "s2"}
    made = [ast.unparse(each) for each in renamed(STAGES, STAGES.body[2], pairs)]
    assert "S = S + dt / 2 * (s1 + s2)" in made
    assert not list(renamed(STAGES, STAGES.body[2], {"k1": "s1"}))  # one name alone says little


BLOCKS = function("""
def back(H):
    up, left = (i - 1, j), (i, j - 1)
    gi, gu, gl = G[i, j]
    if up in H:
        DH[up] = DH[up] + dz[:k]
        DC[up] = DC[up] + dc * gu
    if left in H:
        DH[left] = DH[left] + dz[k:]
    if right in H:
        other = 0
""")


def test_a_block_gets_what_a_like_one_has():
    found = blocks_of(BLOCKS)
    up, left, other = found
    ((statement, place),) = lacking(up.body, left.body)
    assert place == 1
    made = [ast.unparse(each) for each in made_for(statement, mapping(up, left), [["gi", "gu", "gl"]])]
    assert "DC[left] = DC[left] + dc * gl" in made
    assert not list(lacking(left.body, up.body))
    assert not list(lacking(up.body, other.body))


CALLS = function("""
def back(self, h, error):
    wide = np.full(3, error)
    wide[1] += error
    used = 2 * error
    return self.value.back(h, used)
""")


def test_names_that_are_only_written_into_are_read_by_nothing():
    assert unread_names(CALLS) == ["wide"]
    assert owners(CALLS) == {"self", "self.value"}


class Known:
    def __init__(self, kind):
        self.shape = (kind, "f", (2,))


def test_one_name_that_is_not_known_may_be_any_array():
    stock = {"h": Known("array"), "z": Known("array"), "n": Known("int")}
    assert list(known_there(["h", "z"], stock)) == [["h", "z"]]
    assert list(known_there(["h_old", "z"], stock)) == [["h", "z"]]
    assert not list(known_there(["h_old", "z_old"], stock))


def test_an_item_by_a_number_has_neighbours_from_nought_on():
    assert set(neighbours("self.g[0]")) == {"self.g[1]"}
    assert set(neighbours("g[2]")) == {"g[1]", "g[3]"}


def nest(*iterations):
    return tuple(n for each in iterations for n in (0, each))


NESTS = {
    # Two sequences, three steps, two units; each sequence from its end, the units in their order.
    "steps turned round": (
        [nest(s, t, j) for s in range(2) for t in range(3) for j in range(2)],
        [s * 6 + (2 - t) * 2 + j for s in range(2) for t in range(3) for j in range(2)],
    ),
    # The forward goes through the rows, the backward through the columns, both from the end.
    "loops exchanged": (
        [nest(j, i) for j in range(3) for i in range(2)],
        [(1 - i) * 3 + (2 - j) for j in range(3) for i in range(2)],
    ),
}


@pytest.mark.parametrize("name", NESTS)
def test_values_by_their_place_in_the_loops(name):
    nests, wanted = NESTS[name]
    values = [np.array(float(k)) for k in range(len(nests))]
    offered = [[int(v) for v in order] for order in in_nests([values], [()] * len(nests), nests)]
    assert wanted in offered
    assert all(sorted(order) == list(range(len(nests))) for order in offered)
    assert not list(in_nests([values[:-1]], [()] * len(nests), nests))


def test_nothing_is_sent_on_to_the_first_step_of_a_sequence():
    sent = np.arange(1.0, 5.0)[None]
    two_sequences = SimpleNamespace(starts={0, 2})
    got = Matcher.from_before(two_sequences, sent, np.zeros(4))
    assert got.tolist() == [[0, 1, 0, 3]]


def test_what_sort_of_statement_it_is():
    """A bare `return` and a declaration without a value write to nothing and have none."""
    assert outline(ast.Return()) == "ReturnReturn"
    assert outline(ast.parse("x: int").body[0]) != outline(ast.parse("x.y: int").body[0])
    assert outline(ast.parse("a[k] += f(b)").body[0]) == outline(ast.parse("c[n] += d").body[0])
