"""What adds up to a given array over all iterations: products of a place's values, outer products, sums over rows."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.contractions import added_over, of_three, of_two, summed_axes
from rnn_jax.verify.repair.einsums import einsum_totals
from rnn_jax.verify.repair.expressions import Written, parsed
from rnn_jax.verify.repair.monomials import MOST_FOUND, MOST_PAIRED, NEAR, Monomials, along, forms, spun
from rnn_jax.verify.repair.terms import FEWEST, added_up
from rnn_jax.verify.repair.tree import ATOMS
from rnn_jax.verify.repair.worded import bracketed


def totals(here: Monomials, wanted: np.ndarray) -> Iterator[Written]:
    """What is worth this when it is added up over all iterations, or a multiple of it."""
    shape = wanted.shape
    for inner in dict.fromkeys((shape, shape[1:] if shape[:1] == (1,) else shape)):  # (n,) is added to (1, n), too
        chosen, values = here.small(inner, MOST_PAIRED)
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
    yield from einsum_totals(here, wanted)


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
    # Of products of three numbers some come near to a single one by chance; the one that is meant comes nearest.
    off = np.abs(sizes - size) if wanted.size == 1 else np.abs(sizes - size) > NEAR * size
    for k in sorted(near, key=lambda k: off[k])[: 2 * MOST_FOUND]:
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
