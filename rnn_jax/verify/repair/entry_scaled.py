"""One entry of a vector of all weights that lacks the slope of what its weight goes through: g[3] *= 1 - beta ** 2.

The entry alone is one number, of which any sum of two products may be worth the rest; what it lacks as a factor is a
slope as a rule, and slopes are few.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from rnn_jax.verify.repair.accumulators import Accumulator
from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import parsed
from rnn_jax.verify.repair.live import LiveCode, Site
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.places import Places
from rnn_jax.verify.repair.tree import ATOMS, at

# What lacks is a difference of two gradients, each right to about 1e-12 of its size; among some five hundred slopes
# one is so near by chance once in a million.
NEAR = 1e-9
COST = 1.5


def scaled_entry(live: LiveCode, places: Places, found: Accumulator) -> Iterator[Edit]:
    """A statement that multiplies a sum of one number that has been added up by a slope."""
    if len(found.lacks) != 1 or len(found.visits[0]) != 1 or found.lacks[0].size != 1:
        return
    made = places.visited(found.place, tuple(found.visits[0]))
    present = made.stock.get(found.text)
    if present is None or not np.all(present.values[0]):
        return
    factor = float(np.ravel((present.values[0] + found.lacks[0]) / present.values[0])[0])
    place = behind_last(live, found.place, found.text)
    for text, slope in slopes_of_numbers(made):
        if abs(slope - factor) <= NEAR * abs(factor) and found.text not in text:
            target: Any = parsed(found.text)
            target.ctx = ast.Store()
            yield inserted(live, place, ast.AugAssign(target, ast.Mult(), parsed(text)), COST + 0.02 * len(text))


def slopes_of_numbers(made: Monomials) -> Iterator[tuple[str, float]]:
    """The numbers at a place, and the slopes of the tanh, the sigmoid, the square or the logarithm that gave them."""
    for text, values in made.single:
        if values[0].size == 1 and isinstance(parsed(text), ATOMS):
            x = float(np.ravel(values[0])[0])
            yield text, x
            yield f"1 - {text} ** 2", 1 - x * x
            yield f"{text} * (1 - {text})", x * (1 - x)
            yield f"2 * {text}", 2 * x
            yield f"1 / {text}", 1 / x


def behind_last(live: LiveCode, place: Site, text: str) -> Site:
    """The place behind the last statement before it in its block that has to do with a sum."""
    (field, k), above = place.path[-1], place.path[:-1]
    body = getattr(at(live.statement(place.spot), above), field)
    known = [n for n in range(k or 0) if any(ast.unparse(e) == text for e in ast.walk(body[n]) if isinstance(e, ATOMS))]
    return Site(*place.spot, (*above, (field, known[-1] + 1))) if known else place
