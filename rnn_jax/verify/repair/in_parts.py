"""What a part of an array lacks: `before[:2] += dseen[:2]`, `dprob[letter] -= ...`, the rest of it being right."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.contractions import equal_to
from rnn_jax.verify.repair.expressions import Written, is_index, parsed
from rnn_jax.verify.repair.harvest import Stock, Values
from rnn_jax.verify.repair.match import Matcher
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.terms import two
from rnn_jax.verify.repair.tree import ATOMS

NOTHING = 1e-9  # relative: what is left of a shift of 0 by solving equations
COST = 1.2
MOST_ROWS = 8  # of an array whose rows have numbers: a pose, a gate
MOST_DIVIDED = 12  # factors that a whole sum may have in common

Index = tuple[int | slice, ...]


class Part(NamedTuple):
    """A part of an array: how it is written, and where it is at each visit."""

    text: str
    places: list[Index]


def in_parts(here: Matcher) -> Iterator[Edit]:
    """Statements that add to a part of what a name holds what that lacks, where the rest lacks nothing."""
    if here.where is None or not isinstance(here.node, ATOMS) or len(set(here.shapes)) > 1 or not here.shapes[0]:
        return
    first, last = here.telling()
    shifts = here.healing.shifts
    stock = here.places.stocks.get(here.where.statement)
    if stock is None or last <= first or not np.all(np.isfinite(np.stack(shifts))):
        return
    for part in parts_of(shifts, stock):
        wanted = [shift[place] for shift, place in zip(shifts, part.places, strict=True)]
        known = Monomials(stock | same_parts(stock, part, here.shapes[0]), here.places.numpy)
        if known.iterations != len(shifts):
            continue
        for other in worth(known, wanted[first:last], first):
            target: Any = parsed(f"{ast.unparse(here.node)}[{part.text}]")
            target.ctx = ast.Store()
            value, operator = parsed(other.text), ast.Add()
            if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
                value, operator = value.operand, ast.Sub()
            cost = other.cost + COST + 0.02 * len(other.text)
            yield inserted(here.live, here.where.statement, ast.AugAssign(target, operator, value), cost)


def parts_of(shifts: list[np.ndarray], stock: Stock) -> Iterator[Part]:
    """The parts outside of which nothing is lacking: an item that has a name at each visit, or the same one always."""
    size = max(float(np.max(np.abs(s))) for s in shifts)
    lacking = [np.abs(s) > NOTHING * size for s in shifts]
    for axis in range(min(2, shifts[0].ndim)):
        rest = tuple(k for k in range(shifts[0].ndim) if k != axis)
        rows = [np.flatnonzero(each.any(axis=rest)) for each in lacking]
        before = ":, " * axis
        every = np.unique(np.concatenate(rows))
        low, high, whole = int(every[0]), int(every[-1]) + 1, shifts[0].shape[axis]
        if high - low == whole == 1:
            continue
        if len(every) == 1:
            yield Part(f"{before}{low}", [(*[slice(None)] * axis, low)] * len(shifts))
        elif high - low == len(every) < whole:
            text = f"{before}{low or ''}:{high if high < whole else ''}"
            yield Part(text, [(*[slice(None)] * axis, slice(low, high))] * len(shifts))
        for text, known in stock.items():
            if len(known.values) == len(shifts) and is_index(text, known):
                at = [int(v) for v in known.values]
                if all(0 <= k < whole and set(r.tolist()) <= {k} for k, r in zip(at, rows, strict=True)):
                    yield Part(before + text, [(*[slice(None)] * axis, k) for k in at])


def same_parts(stock: Stock, part: Part, shape: tuple[int, ...]) -> Stock:
    """The same part of other arrays, and of those with a few rows each row."""
    found: Stock = {}
    for text, known in stock.items():
        if known.shape[0] != "array" or not isinstance(parsed(text), ATOMS) or {v.ndim for v in known.values} != {len(shape)}:
            continue
        pieces = {part.text: part.places}
        if len(known.values[0]) <= MOST_ROWS and len(shape) > 1:
            pieces |= {str(k): [(k,)] * len(known.values) for k in range(len(known.values[0]))}
        for index, places in pieces.items() if len(known.values) == len(part.places) else ():
            try:
                values = [value[place] for value, place in zip(known.values, places, strict=True)]
            except IndexError:
                continue
            kind = ("array", known.shape[1], values[0].shape) if values[0].ndim else ("float",)
            if values[0].size and len({v.shape for v in values}) == 1:
                found.setdefault(f"{text}[{index}]", replace(known, shape=kind, values=[np.array(v) for v in values]))
    return found


def worth(known: Monomials, wanted: list[np.ndarray], start: int) -> Iterator[Written]:
    """What is worth this: a product, a sum of two or three, such a sum times what its terms have in common."""
    found = False
    for other in (*equal_to(known, wanted, start), *two(known, wanted, start)):
        found = True
        yield other
    if found:
        return
    factors = known.factors(wanted[0].shape)
    window = slice(start, start + len(wanted))
    for text, values in list(zip(factors.texts, factors.values, strict=True))[:MOST_DIVIDED]:
        if np.all(values[window]):
            for other in two(known, [w / v for w, v in zip(wanted, values[window], strict=True)], start):
                yield Written(f"({other.text}) * {text}", [], other.cost + 0.5)
