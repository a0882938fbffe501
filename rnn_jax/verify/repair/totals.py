"""What adds up to a given array over all iterations: products of a place's values, outer products, sums over rows."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.contractions import added_over, of_three, of_two, summed_axes
from rnn_jax.verify.repair.expressions import Written, is_index, parsed
from rnn_jax.verify.repair.monomials import (
    MOST_FOUND,
    NEAR,
    Monomials,
    along,
    bracketed,
    forms,
    spun,
)
from rnn_jax.verify.repair.terms import FEWEST, added_up
from rnn_jax.verify.repair.tree import ATOMS

MOST_ROWS = 4  # of a matrix that are added to one by one


def totals(here: Monomials, wanted: np.ndarray) -> Iterator[Written]:
    """What is worth this when it is added up over all iterations, or a multiple of it."""
    shape = wanted.shape
    for inner in dict.fromkeys((shape, shape[1:] if shape[:1] == (1,) else shape)):  # (n,) is added to (1, n), too
        chosen, values = here.small(inner)
        if len(values):
            rows = values.sum(axis=1).reshape(len(values), -1)
            alone = list(multiples(rows, wanted.ravel()))
            yield from (here.written(inner, list(chosen[k])) for k in alone)
            for k, j in [] if alone or wanted.size == 1 else adding_up_to(rows, rows, wanted.ravel()):
                one, two = (here.written(inner, list(chosen[n])) for n in (k, j))
                if k < j:
                    yield Written(added_up([one.text, two.text], [True, True]), [], 0.4 + (one.cost + two.cost) / 2)
    yield from sums_over_axes(here, wanted)
    if len(shape) == 2:
        yield from outer_totals(here, wanted)
    if len(shape) == 3:
        yield from tensor_totals(here, wanted)


def images_in_all(here: Monomials, wanted: np.ndarray) -> Iterator[Written]:
    """The products of a matrix with one value that are worth this when they are added up over all iterations."""
    shape = wanted.shape
    if len(shape) not in (1, 2, 3):
        return
    # What two random vectors make of each candidate: twice, so that no other sum has both numbers by chance.
    drawn = [along(here.rng, shape) for _ in range(2)]
    goal = np.array([spun(wanted, left, right) for left, right in drawn])
    for name, matrix in here.matrices:
        made = [list(forms(name, matrix, shape, left, right)) for left, right in drawn]
        for (text, inner, weights), (_, _, others) in zip(*made, strict=True):
            table = here.factors(inner)
            values = table.values.reshape(len(table.texts), here.iterations, -1)
            worth = np.stack(
                [np.einsum("kti,ti->k", values, w.reshape(here.iterations, -1)) for w in (weights, others)]
            )
            near = np.linalg.norm(worth - goal[:, None], axis=0) <= NEAR * np.linalg.norm(goal)
            for k in np.flatnonzero(near)[:MOST_FOUND]:
                if table.fill((int(k),)):
                    yield Written(ast.unparse(parsed(text.format(bracketed(table.texts[k])))), [], 1.5)


def scattered(here: Monomials, wanted: np.ndarray, rows: bool = False) -> Iterator[tuple[str, Written]]:
    """What is worth this when it is added to one item or row or column each time; the index comes first.

    rows: what is added to is a list of rows.
    """
    several, found = list((of_rows if rows else indices)(here, wanted.shape)), False
    for index, places in several:
        inner = wanted[places[0]].shape
        chosen, values = here.small(inner)
        for k in scattered_to(values, places, wanted):
            found = True
            yield index, here.written(inner, list(chosen[k]))
    for index, places in several if not found else ():  # the batch is added up as well
        for shape, axes, kept in summed_axes(here, wanted[places[0]].shape):
            chosen, values = here.small(shape)
            summed = values.sum(axis=tuple(2 + k for k in axes), keepdims=kept) if len(values) else values
            for k in scattered_to(summed, places, wanted):
                yield index, added_over(here.written(shape, list(chosen[k])), shape, axes, kept)


def scattered_to(values: np.ndarray, places: list[tuple[int | slice, ...]], wanted: np.ndarray) -> list[int]:
    """Which of the values are worth this when they are added there: [candidate, iteration, ...]."""
    if not len(values):
        return []
    total = np.zeros((len(values), *wanted.shape))
    for t, place in enumerate(places):
        total[(slice(None), *place)] += values[:, t]
    return list(multiples(total.reshape(len(values), -1), wanted.ravel()))


def gathered(here: Monomials, wanted: np.ndarray) -> Iterator[tuple[str, Written]]:
    """What is worth this when its rows are added to those that an array of whole numbers says; that comes first."""
    for text, known in here.stock.items() if wanted.ndim in (1, 2) else ():
        rows = [np.asarray(v) for v in known.values]
        if known.shape[:2] != ("array", "i") or len(rows) != here.iterations or len({r.shape for r in rows}) > 1:
            continue
        if not 1 <= rows[0].ndim <= 2 or any(r.min() < 0 or r.max() >= len(wanted) for r in rows):
            continue
        inner = (*rows[0].shape, *wanted.shape[1:])
        chosen, values = here.small(inner)
        taken = np.eye(len(wanted))[np.stack(rows).reshape(len(rows), -1)]  # iterations, rows, rows of what is wanted
        of_rows = values.reshape(len(values), len(rows), rows[0].size, -1) if len(values) else values
        total = np.einsum("tbr,ktbc->krc", taken, of_rows) if len(values) else values
        alone = list(multiples(total.reshape(len(values), -1), wanted.ravel())) if len(values) else []
        yield from ((f"[{text}]", here.written(inner, list(chosen[k]))) for k in alone)
        if not alone and rows[0].ndim == 1 and wanted.ndim == 2:
            yield from ((f"[{text}]", image) for image in gathered_images(here, wanted, np.stack(rows)))


def gathered_images(here: Monomials, wanted: np.ndarray, rows: np.ndarray) -> Iterator[Written]:
    """The products of up to two factors with a matrix whose rows are worth this when they are added to these rows."""
    height, width = wanted.shape
    # Two, so that no other sum has both numbers by chance.
    pairs = [(np.asarray(here.rng.normal(size=height)), np.asarray(here.rng.normal(size=width))) for _ in range(2)]
    goal = np.array([left @ wanted @ right for left, right in pairs])
    for name, matrix in here.matrices:
        for text, turned in ((name, matrix), (f"{name}.T", matrix.transpose(0, 2, 1))):
            if turned.shape[2] != wanted.shape[1]:
                continue
            inner = (rows.shape[1], turned.shape[1])
            chosen, values = here.small(inner)
            weights = [left[rows][:, :, None] * (turned @ right)[:, None, :] for left, right in pairs]
            worth = (
                np.stack([np.einsum("ktbi,tbi->k", values, w) for w in weights]) if len(values) else np.zeros((2, 0))
            )
            near = np.linalg.norm(worth - goal[:, None], axis=0) <= NEAR * np.linalg.norm(goal)
            for k in np.flatnonzero(near)[:MOST_FOUND]:
                factor = here.written(inner, list(chosen[k]))
                yield Written(ast.unparse(parsed(f"({factor.text}) @ {text}")), [], factor.cost + 0.5)


def indices(here: Monomials, shape: tuple[int, ...]) -> Iterator[tuple[str, list[tuple[int | slice, ...]]]]:
    """Indices into an array of the shape by whole numbers that have a name: [k], [:, k], [0, k], [k, j]."""
    every = slice(None)
    if len(shape) == 2:
        for names, places in of_rows(here, shape):
            yield f"[{names[1:-1].replace('][', ', ')}]", places
    for text, known in here.stock.items():
        if not is_index(text, known) or len(known.values) != here.iterations:
            continue
        values = [int(v) for v in known.values]
        for axis in range(min(2, len(shape))):
            if min(values) < 0 or max(values) >= shape[axis]:
                continue
            if axis == 0:
                yield f"[{text}]", [(v,) for v in values]
            else:
                yield f"[:, {text}]", [(every, v) for v in values]
            one_wide = f"{text}:{text} + 1"  # where the program cuts so
            if any(one_wide in other for other in here.stock):
                yield f"[{':, ' * axis}{one_wide}]", [(*[every] * axis, slice(v, v + 1)) for v in values]
            for k in range(shape[1 - axis])[:MOST_ROWS] if len(shape) > 1 else ():
                if axis == 0:
                    yield f"[{text}, {k}]", [(v, k) for v in values]
                else:
                    yield f"[{k}, {text}]", [(k, v) for v in values]


def of_rows(here: Monomials, shape: tuple[int, ...]) -> Iterator[tuple[str, list[tuple[int | slice, ...]]]]:
    """Indices of single numbers in lists of rows: [k], [k][j]."""
    if not shape:
        return
    inside: list[list[tuple[str, list[int]]]] = [[] for _ in shape]
    for text, known in here.stock.items():
        if is_index(text, known) and len(known.values) == here.iterations:
            values = [int(v) for v in known.values]
            for axis, size in enumerate(shape):
                if min(values) >= 0 and max(values) < size:
                    inside[axis].append((text, values))
    for chosen in itertools.product(*inside):
        names = [text for text, _ in chosen]
        if len(set(names)) == len(names):
            yield "".join(f"[{text}]" for text in names), list(zip(*(v for _, v in chosen), strict=True))


def outer_totals(here: Monomials, wanted: np.ndarray) -> Iterator[Written]:
    """Sums of outer products, and of matrix products over what the two have in common; either may be a product."""
    yield from one_sided(here, wanted, True)
    yield from one_sided(here, wanted.T, False)


def one_sided(here: Monomials, wanted: np.ndarray, as_is: bool) -> Iterator[Written]:
    """Those whose first factor may be a product of two; not `as_is`: the second, of what is turned round."""
    rows, columns = wanted.shape
    drawn = here.rng.normal(size=(2, rows + columns))
    vectors = [(row[:rows], row[rows:]) for row in drawn]
    goals = [float(left @ wanted @ right) for left, right in vectors]
    shapes = {v.shape[1:] for _, v in here.single if 1 < v.ndim <= 3}
    for first in sorted(shapes):
        for form, second in pairings(first, rows, columns, shapes):
            chosen, values = here.small(first)
            other = here.factors(second)
            others = [(k,) for k in range(len(other.texts)) if other.fill((k,))]
            factors = other.values[[k for (k,) in others]]
            if not len(values) or not len(factors):
                continue
            axis = int(form == "xTy")
            tables = [
                contracted(values, left, axis).reshape(len(values), -1)
                @ contracted(factors, right, axis).reshape(len(factors), -1).T
                for left, right in vectors
            ]
            # Two numbers in the ratio of those wanted: a multiple, as most likely no other sum is.
            crossed = np.abs(tables[0] * goals[1] - tables[1] * goals[0])
            scale = np.abs(tables[0] * goals[1]) + np.abs(tables[1] * goals[0])
            near = list(zip(*np.nonzero(crossed < 1e-9 * scale), strict=True))
            for k, j in near[: 4 * MOST_FOUND]:
                if steady(values[k]) and steady(factors[j]):
                    continue  # what is the same each time is no sum over time
                if not multiple(np.einsum(EINSUMS[form], values[k], factors[j]), wanted):
                    continue
                one = here.written(first, list(chosen[k]))
                two = here.written(second, list(others[j]))
                left_side, right_side = (one.text, two.text) if as_is else (two.text, one.text)
                text = {
                    "outer": f"{here.numpy}.outer({left_side}, {right_side})",
                    "xyT": f"({left_side}) @ ({right_side}).T",
                    "xTy": f"({left_side}).T @ ({right_side})",
                }[form]
                yield Written(ast.unparse(parsed(text)), [], one.cost + 0.5)


def sums_over_axes(here: Monomials, wanted: np.ndarray) -> Iterator[Written]:
    """Sums of arrays over some of their axes: the rows of a matrix, the batch of what has one more axis."""
    several = list(summed_axes(here, wanted.shape))
    found = False
    for shape, axes, kept in several:
        chosen, values = here.small(shape)
        rows = values.sum(axis=(1, *(2 + k for k in axes))).reshape(len(values), -1) if len(values) else values
        for k in multiples(rows, wanted.ravel()) if len(values) else ():
            found = True
            yield added_over(here.written(shape, list(chosen[k])), shape, axes, kept)
    if found or wanted.size < FEWEST:
        return
    for slope, value in steady_slopes(here, wanted.shape):
        for shape, axes, kept in several:
            goal, every = (wanted / value)[None], slice(None)
            for other in (*of_two(here, goal, shape, axes, every), *of_three(here, goal, shape, axes, every)):
                total = added_over(other, shape, axes, kept)
                text = f"{total.text} * {slope}" if slope else total.text
                yield Written(ast.unparse(parsed(text)), [], total.cost + 0.5 * bool(slope))


def steady_slopes(here: Monomials, shape: tuple[int, ...]) -> Iterator[tuple[str, np.ndarray]]:
    """Nothing, and the slopes of a sigmoid or a tanh that are the same at all iterations: d * (1 - d), 1 - d ** 2."""
    yield "", np.ones(shape)
    known = [(t, v) for t, v in here.single if v.shape[1:] == shape and isinstance(parsed(t), ATOMS)]
    for text, values in known if shape else ():
        if np.all(values == values[0]) and np.all((values[0] != 0) & (values[0] != 1)):
            yield f"{text} * (1 - {text})", values[0] * (1 - values[0])
            yield f"(1 - {text} ** 2)", 1 - values[0] ** 2


def tensor_totals(here: Monomials, wanted: np.ndarray) -> Iterator[Written]:
    """Sums over the batch of all of (batch, n) times all of (batch, k, m); the first may be a product of two."""
    height, *rest = wanted.shape
    for shape in sorted({v.shape[1:] for _, v in here.single if v.ndim == 4 and list(v.shape[2:]) == rest}):
        first = (shape[0], height)
        chosen, values = here.small(first)
        other = here.factors(shape)
        fitting = [k for k in range(len(other.texts)) if other.fill((k,))]
        if not len(values) or not fitting:
            continue
        # What random numbers make of all sums, before any is made.
        left, right = here.rng.normal(size=height), here.rng.normal(size=rest)
        one = np.einsum("ktbi,i->ktb", values, left).reshape(len(values), -1)
        two = np.einsum("ktbjl,jl->ktb", other.values[fitting], right).reshape(len(fitting), -1)
        goal = float(np.einsum("ijl,i,jl->", wanted, left, right))
        for k, j in list(zip(*np.nonzero(np.abs(one @ two.T - goal) <= NEAR * abs(goal)), strict=True))[:MOST_FOUND]:
            if multiple(np.einsum("tbi,tbjl->ijl", values[k], other.values[fitting[j]]), wanted):
                x, y = here.written(first, list(chosen[k])), other.texts[fitting[j]]
                text = f"{here.numpy}.tensordot(({x.text}).T, {y}, 1)"
                yield Written(ast.unparse(parsed(text)), [], x.cost + 0.5)


EINSUMS = {"outer": "ti,tj->ij", "xyT": "tib,tjb->ij", "xTy": "tbi,tbj->ij"}


def multiples(rows: np.ndarray, wanted: np.ndarray) -> Iterator[int]:
    """The rows that are a multiple of what is wanted, those of the same size first."""
    size, sizes = float(np.linalg.norm(wanted)), np.linalg.norm(rows, axis=1)
    along = np.abs(rows @ wanted / size) if size else np.zeros(len(rows))
    near = np.flatnonzero((sizes > 0) & (np.abs(along - sizes) <= 1e-9 * sizes))
    for k in sorted(near, key=lambda k: abs(sizes[k] - size) > NEAR * size)[: 2 * MOST_FOUND]:
        if multiple(rows[k], wanted):
            yield int(k)


def multiple(total: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether a sum is a multiple of what is wanted, as where it is divided by a count later on.

    Of a single number only the number itself will do.
    """
    size = float(np.linalg.norm(wanted))
    share = float(np.sum(total * wanted)) / size**2 if size else 0.0
    if not share or np.linalg.norm(total / share - wanted) > NEAR * size:
        return False
    return wanted.size > 1 or abs(abs(share) - 1) <= NEAR


def adding_up_to(first: np.ndarray, second: np.ndarray, wanted: np.ndarray) -> Iterator[tuple[int, int]]:
    """A row of each that together are what is wanted, those of the fewest factors first."""
    size = float(np.linalg.norm(wanted))
    along = np.random.default_rng(0).normal(size=len(wanted))
    keys, others = first @ along, second @ along
    order = np.argsort(others)
    goal, near = wanted @ along - keys, NEAR * size * np.sqrt(len(wanted))
    low, high = (np.searchsorted(others[order], goal + side) for side in (-near, near))
    pairs = [(int(k), int(j)) for k in np.flatnonzero(high > low) for j in order[low[k] : high[k]]]
    exact = [(k, j) for k, j in pairs if np.linalg.norm(first[k] + second[j] - wanted) <= NEAR * size]
    yield from sorted(exact, key=sum)[:MOST_FOUND] if size else ()


def steady(values: np.ndarray) -> bool:
    """Whether something is the same at all iterations, of several, or but for a number: a counter times what is."""
    rows = values.reshape(len(values), -1)
    largest = rows[int(np.argmax(np.linalg.norm(rows, axis=1)))]
    size = float(largest @ largest)
    rest = rows - np.outer(rows @ largest, largest) / size if size else rows
    return len(values) > 1 and bool(np.linalg.norm(rest) <= NEAR * np.sqrt(size))


def pairings(
    first: tuple[int, ...], rows: int, columns: int, shapes: set[tuple[int, ...]]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """How an array of one shape can be multiplied with others, for a matrix of so many rows and columns."""
    if first == (rows,) and (columns,) in shapes:
        yield "outer", (columns,)
    if len(first) == 2 and first[0] == rows and (columns, first[1]) in shapes:
        yield "xyT", (columns, first[1])
    if len(first) == 2 and first[1] == rows and (first[0], columns) in shapes:
        yield "xTy", (first[0], columns)


def contracted(values: np.ndarray, vector: np.ndarray, axis: int) -> np.ndarray:
    """All values with one of their axes multiplied away."""
    return np.tensordot(values, vector, axes=([2 + axis], [0]))
