"""Sums before a nonlinearity: of dz = (dh + e) * (1 - h ** 2) what is in the brackets is looked for by itself.

A product of a sum is no product of what is known, and the sum of two products of which each holds the slope is a long
one. But without the right slope it is the gradient of what the nonlinearity gave, and that has a name.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator

import numpy as np

from rnn_jax.verify.repair.contractions import equal_to
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import Written, parsed
from rnn_jax.verify.repair.match import Matcher
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.shares import Shares, written
from rnn_jax.verify.repair.terms import two
from rnn_jax.verify.repair.tree import ATOMS

COST = 0.3  # of the slope


def before_slopes(here: Matcher, shares: Shares, explains: Callable[[np.ndarray], bool]) -> Iterator[Edit]:
    """The expression as a sum times the slope of a tanh or a sigmoid. explains: whether a value is a right one."""
    if here.where is None or len(set(here.shapes)) > 1 or not here.shapes[0]:
        return
    first, last = here.telling()
    known = here.places.monomials(here.where.statement)
    if known is None or last <= first or known.iterations < last:
        return
    wanted = [p + s for p, s in zip(here.healing.present, here.healing.shifts, strict=True)][first:last]
    for text, rest in without_slopes(known, wanted, first):
        if all(explains(value) for value in rest if np.any(value)):
            for other in sums_of(known, shares, rest, first):
                whole = Written(ast.unparse(parsed(f"({other.text}) * {text}")), [], other.cost + COST)
                yield from here.written(None, whole, "wrong-variable")


def without_slopes(known: Monomials, wanted: list[np.ndarray], start: int) -> Iterator[tuple[str, list[np.ndarray]]]:
    """The values divided by the slopes of what a nonlinearity may have given, and how each slope is written."""
    window = slice(start, start + len(wanted))
    for text, values in known.single:
        if values.shape[1:] != wanted[0].shape or not isinstance(parsed(text), ATOMS):
            continue
        given = values[window]
        for written_so, slopes in (
            (f"(1 - {text} ** 2)", 1 - given**2),
            (f"{text} * (1 - {text})", given * (1 - given)),
        ):
            if np.all(slopes) and np.all(np.isfinite(slopes)):
                yield written_so, [w / s for w, s in zip(wanted, slopes, strict=True)]


def sums_of(known: Monomials, shares: Shares, wanted: list[np.ndarray], start: int) -> Iterator[Written]:
    """What is worth this: a product, a sum of two or three, a sum of the shares of single uses."""
    by_shares = (each for parts in shares.making_up(wanted) for each in written(known, parts, start))
    yield from itertools.chain(equal_to(known, wanted, start), two(known, wanted, start), by_shares)
