"""What a part of an array lacks: `before[:2] += dseen[:2]`, `dprob[letter] -= ...`, the rest of it being right."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.repair.around import inserted
from rnn_jax.verify.repair.contractions import equal_to
from rnn_jax.verify.repair.edit import Edit
from rnn_jax.verify.repair.expressions import Written, is_index, parsed
from rnn_jax.verify.repair.filling import counts_in
from rnn_jax.verify.repair.harvest import Stock
from rnn_jax.verify.repair.healing import Healing
from rnn_jax.verify.repair.match import Matcher
from rnn_jax.verify.repair.monomials import NEAR, Monomials
from rnn_jax.verify.repair.shares import stretch
from rnn_jax.verify.repair.terms import two
from rnn_jax.verify.repair.tree import ATOMS

NOTHING = 1e-9  # relative: what is left of a shift of 0 by solving equations
COST = 1.2
MOST_ROWS = 8  # of an array whose rows have numbers: a pose, a gate
MOST_DIVIDED = 6  # factors that a whole sum may have in common

Index = tuple[int | slice | np.ndarray, ...]


class Part(NamedTuple):
    """A part of an array: how it may be written, and where it is at each visit."""

    texts: list[str]
    places: list[Index]


def in_parts(here: Matcher) -> Iterator[Edit]:
    """Statements that add to a part of what a name holds what that lacks, where the rest lacks nothing."""
    if here.where is None or not isinstance(here.node, ATOMS) or len(set(here.shapes)) > 1 or not here.shapes[0]:
        return
    if ":" in ast.unparse(here.node):  # of a part of it another one says it more simply
        return
    first, last = here.telling()
    stock = here.places.stocks.get(here.where.statement)
    if stock is None or last <= first or not np.all(np.isfinite(np.stack(here.healing.shifts))):
        return
    lacks = lacking(here.healing)
    for part in (*parts_of(lacks, stock), *by_numbers(lacks, stock, here.places.numpy)):
        known = Monomials(stock | same_parts(stock, part, here.shapes[0]), here.places.numpy)
        if known.iterations != len(part.places):
            continue
        there, more = ([v[place] for v, place in zip(values, part.places, strict=True)][first:last]
                       for values in (here.healing.present, here.healing.shifts))  # fmt: skip
        added = any(np.any(v) for v in there)
        found = list(worth(known, more, first))
        if added and not found:  # what stands there may be the memory of something else
            added, found = False, list(equal_to(known, [p + m for p, m in zip(there, more, strict=True)], first))
        for other, text in itertools.product(found, part.texts):
            yield written(here, text, other, added)


def written(here: Matcher, index: str, other: Written, added: bool) -> Edit:
    """A statement that gives a part this value, or adds it."""
    assert here.where is not None
    target: Any = parsed(f"{ast.unparse(here.node)}[{index}]")
    target.ctx = ast.Store()
    value = parsed(other.text)
    operator: ast.operator = ast.Add()
    cost = other.cost + COST + 0.02 * len(other.text)
    if not added:
        return inserted(here.live, here.where.statement, ast.Assign([target], value), cost)
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        value, operator = value.operand, ast.Sub()
    return inserted(here.live, here.where.statement, ast.AugAssign(target, operator, value), cost)


def lacking(healing: Healing) -> list[np.ndarray]:
    """Which entries lack something at each visit; those on which nothing hangs do not, as they are written again."""
    size = max(float(np.max(np.abs(s))) for s in healing.shifts)
    weight = np.max(np.abs(healing.slopes), axis=0, initial=0.0)
    telling = np.split(weight > NOTHING * np.max(weight), np.cumsum([s.size for s in healing.shifts])[:-1])
    return [(np.abs(s) > NOTHING * size) & t.reshape(s.shape) for s, t in zip(healing.shifts, telling, strict=True)]


def parts_of(lacking: list[np.ndarray], stock: Stock) -> Iterator[Part]:
    """The parts outside of which nothing is lacking: an item that has a name at each visit, or the same one always."""
    counts = counts_in(stock)
    for axis in range(min(2, lacking[0].ndim)):
        rest = tuple(k for k in range(lacking[0].ndim) if k != axis)
        rows = [np.flatnonzero(each.any(axis=rest)) for each in lacking]
        before, whole = [slice(None)] * axis, lacking[0].shape[axis]
        every = np.unique(np.concatenate(rows))
        if not len(every):
            return
        first, count = int(every[0]), len(every)
        if count < whole and int(every[-1]) + 1 - first == count:
            texts = [":, " * axis + text for text in stretches(first, count, whole, counts)]
            index = first if count == 1 else slice(first, first + count)
            yield Part(texts, [(*before, index)] * len(lacking))
        for text, known in stock.items() if whole > 1 else ():
            if len(known.values) == len(lacking) and is_index(text, known):
                at = [int(v) for v in known.values]
                if all(0 <= k < whole and set(r.tolist()) <= {k} for k, r in zip(at, rows, strict=True)):
                    yield Part([":, " * axis + text], [(*before, k) for k in at])


def by_numbers(lacking: list[np.ndarray], stock: Stock, numpy: str) -> Iterator[Part]:
    """The parts that an array of whole numbers says: [receivers], [:, receivers], [np.arange(n), labels]."""
    counts = counts_in(stock)
    for text, known in stock.items():
        at = [np.asarray(v) for v in known.values] if known.shape[:2] == ("array", "i") else []
        if len(at) != len(lacking) or len({v.shape for v in at}) > 1 or at[0].ndim != 1 or not at[0].size:
            continue
        for axis in range(min(2, lacking[0].ndim)):
            whole, before = lacking[0].shape[axis], [slice(None)] * axis
            if any(v.min() < 0 or v.max() >= whole for v in at):
                continue
            if all(len(np.unique(v)) == len(v) < whole for v in at):
                yield from covering(lacking, Part([":, " * axis + text], [(*before, v) for v in at]))
            other = 1 - axis
            rows = lacking[0].any(axis=tuple(k for k in range(lacking[0].ndim) if k != other))
            first, count = int(np.argmax(rows)), len(at[0])
            if lacking[0].ndim < 2 or first + count > lacking[0].shape[other]:
                continue
            end = counts.get(first + count, f"len({text}) + {first}" if first else f"len({text})")
            run, written = np.arange(first, first + count), f"{numpy}.arange({f'{first}, ' if first else ''}{end})"
            pairs: list[Index] = [(v, run) if axis == 0 else (run, v) for v in at]
            yield from covering(lacking, Part([f"{text}, {written}" if axis == 0 else f"{written}, {text}"], pairs))


def covering(lacking: list[np.ndarray], part: Part) -> Iterator[Part]:
    """A part, if nothing is lacking outside it."""
    for each, place in zip(lacking, part.places, strict=True):
        left = each.copy()
        left[place] = False
        if left.any():
            return
    yield part


def stretches(first: int, count: int, whole: int, counts: dict[int, str]) -> Iterator[str]:
    """How a stretch of an axis may be written: from its beginning, from its end. counts: numbers that have a name."""
    end = first + count
    if count == 1:
        yield from (str(first), "-1") if end == whole else (str(first),)
        return
    named = stretch(first, end, whole, counts)
    yield named
    if end < whole:
        yield f"{named.partition(':')[0]}:{end - whole}"
    if first > 0 and end == whole:
        yield f"{first - whole}:"


def same_parts(stock: Stock, part: Part, shape: tuple[int, ...]) -> Stock:
    """The same part of other arrays, all but their first or last row, and of those with a few rows each row."""
    found: Stock = {}
    arrays = [(t, v) for t, v in stock.items() if v.shape[0] == "array" and isinstance(parsed(t), ATOMS)]
    for text, known in arrays:
        count = len(known.values)
        if {v.ndim for v in known.values} != {len(shape)} or count != len(part.places):
            continue
        pieces: dict[str, list[Index]] = dict.fromkeys(part.texts, part.places)
        if any(isinstance(index, slice) and index != slice(None) for index in part.places[0]):
            before = len(part.places[0]) - 1
            ends = ("1:", slice(1, None)), (":-1", slice(0, -1))
            pieces |= {":, " * before + t: [(*[slice(None)] * before, index)] * count for t, index in ends}
        if len(known.values[0]) <= MOST_ROWS and len(shape) == 2:
            pieces |= {str(k): [(k,)] * count for k in range(len(known.values[0]))}
        for index, places in pieces.items():
            try:
                values = [np.array(value[place]) for value, place in zip(known.values, places, strict=True)]
            except IndexError:
                continue
            kind = ("array", known.shape[1], values[0].shape) if values[0].ndim else ("float",)
            if values[0].size and len({v.shape for v in values}) == 1:
                found.setdefault(f"{text}[{index}]", replace(known, shape=kind, values=values))
    return found


def worth(known: Monomials, wanted: list[np.ndarray], start: int) -> Iterator[Written]:
    """What is worth this: a product, a sum of two or three, such a sum times what its terms have in common."""
    found = False
    if all(w.size > 1 and np.allclose(w, w.flat[0], rtol=NEAR) for w in wanted):  # what targets take off
        numbers = [np.array(w.flat[0]) for w in wanted]
        number = round(float(numbers[0]))
        if number and np.allclose(numbers, number, rtol=NEAR):
            yield Written(str(number), wanted, 1.0)
            return
        for other in known.equal_to(numbers, start):
            found = True
            yield other
    if found:
        return
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
