"""The parts of an array that a block writes part by part and that it does not write."""

import ast

import pytest

from rnn_jax.verify.repair.packed import Cuts, unnumbered, unwritten


@pytest.mark.parametrize(
    ("written", "missing"),
    [
        (["d[:, :n]", "d[:, n:2 * n]", "d[:, 3 * n:]"], (2, "d[:, 2 * n:3 * n]")),
        (["d[:, :n]", "d[:, 2 * n:3 * n]", "d[:, 3 * n:]"], (1, "d[:, n:2 * n]")),
        (["d[:, n:2 * n]", "d[:, 2 * n:3 * n]", "d[:, 3 * n:]"], (0, "d[:, :n]")),
        (["d[:, :n]", "d[:, n:2 * n]", "d[:, 2 * n:3 * n]"], (3, "d[:, 3 * n:]")),
    ],
)
def test_columns_that_nothing_writes(written, missing):
    body = ast.parse("\n".join(f"{each} = x" for each in written)).body
    cut = [each.removeprefix("d[:, ").removesuffix("]") for each in written]
    assert next(unwritten(body, Cuts(cut, {part: {20} for part in cut}, {"d": (3, 20)}))) == missing


@pytest.mark.parametrize(
    ("written", "missing"),
    [
        (["A[t, 0]", "A[t, 1]", "A[t, 2]"], [(3, "A[t, 3]")]),
        (["A[t, 0]", "A[t, 2]", "A[t, 3]"], [(1, "A[t, 1]")]),
        (["A[t, 1]", "A[t, 2]", "A[t, 3]"], [(0, "A[t, 0]")]),
        (["A[t, 0]", "A[t, 1]", "A[t, 2]", "A[t, 3]"], []),
        (["A[t, 0]"], []),  # one alone says nothing of the others
    ],
)
def test_numbers_that_nothing_writes(written, missing):
    body = ast.parse("\n".join(f"{each} = x" for each in written)).body
    assert list(unnumbered(body, Cuts([], {}, {"A": (6, 4, 5)}))) == missing
