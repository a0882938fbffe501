"""Products that are added up over axes which the result does not have: (a * b).sum(axis=-1), as einsum makes them."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.expressions import Written, parsed
from rnn_jax.verify.repair.monomials import LARGEST, MOST_FOUND, MOST_PAIRED, Monomials

MOST_AXES = 4  # of an array that is added up over some of them
NEAR = 1e-6  # relative: the wanted values come from solving equations


def equal_to(here: Monomials, wanted: list[np.ndarray], start: int = 0) -> Iterator[Written]:
    """All products, and what is made of them by adding up, that are worth this at the iterations from `start` on."""
    yield from here.equal_to(wanted, start)
    yield from contractions(here, wanted, start)


def contractions(here: Monomials, wanted: list[np.ndarray], start: int = 0) -> Iterator[Written]:
    """Products of two factors or three, added up over some of their axes, that are worth this."""
    goal, window = np.stack(wanted).astype(float), slice(start, start + len(wanted))
    size = float(np.linalg.norm(goal))
    if not np.isfinite(size) or not size or start + len(wanted) > here.iterations:
        return
    several, found = list(summed_axes(here, wanted[0].shape)), False
    for shape, axes, kept in several:
        chosen, values = here.small(shape)
        if not len(values):
            continue
        rows = values[:, window].sum(axis=tuple(2 + k for k in axes)).reshape(len(values), -1)
        for sign in (1.0, -1.0):
            near = np.flatnonzero(np.linalg.norm(sign * rows - goal.ravel(), axis=1) <= NEAR * size)
            for k in near[:MOST_FOUND]:
                found = True
                yield added_over(here.written(shape, list(chosen[k]), sign), shape, axes, kept)
    for shape, axes, kept in several if not found else ():
        for other in (*of_two(here, goal, shape, axes, window), *of_three(here, goal, shape, axes, window)):
            yield added_over(other, shape, axes, kept)


def summed_axes(here: Monomials, wanted: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], bool]]:
    """The shapes of which a sum over some axes has the shape that is wanted; those axes; whether they are kept."""
    flat = wanted[1:] if wanted[:1] == (1,) else wanted  # (n,) is added to (1, n), too
    for shape in sorted({v.shape[1:] for _, v in here.single if 1 < v.ndim <= MOST_AXES + 1}):
        for axes, kept in itertools.product(subsets(range(len(shape))), (False, True)):
            left = tuple(n * (k not in axes) + (k in axes) for k, n in enumerate(shape) if kept or k not in axes)
            if left == (wanted if kept else flat):
                yield shape, axes, kept


def subsets(axes: range) -> Iterator[tuple[int, ...]]:
    """Some of the axes, or all."""
    for size in range(1, len(axes) + 1):
        yield from itertools.combinations(axes, size)


def added_over(inner: Written, shape: tuple[int, ...], axes: tuple[int, ...], kept: bool) -> Written:
    """The sum of a product over some of its axes, as it is written."""
    which = f"axis={axes[0] if len(axes) == 1 else axes}" if len(axes) < len(shape) or kept else ""
    how = which + ", keepdims=True" * kept
    turned = 0.1 * inner.text.count(".T")
    return Written(ast.unparse(parsed(f"({inner.text}).sum({how})")), [], inner.cost + 0.5 + turned)


def of_two(
    here: Monomials, wanted: np.ndarray, shape: tuple[int, ...], axes: tuple[int, ...], window: slice
) -> Iterator[Written]:
    """The same of two factors, of all that are known."""
    factors = here.factors(shape)
    near = adding_up(here, wanted, factors.values[:, window], factors.values[:, window], shape, axes)
    for pair in near[: 4 * MOST_FOUND]:
        if pair[0] <= pair[1] and factors.fill(pair):
            yield here.written(shape, list(pair))


def of_three(
    here: Monomials, wanted: np.ndarray, shape: tuple[int, ...], axes: tuple[int, ...], window: slice
) -> Iterator[Written]:
    """The products of three factors that are worth this when they are added up over these axes.

    wanted: at each iteration of the window, or of one alone what all of them add up to.
    """
    chosen, values = here.small(shape)
    pairs = [k for k, factors in enumerate(chosen) if len(factors) == 2]
    table = here.factors(shape).values[:MOST_PAIRED, window]
    if not pairs or len(pairs) * values[0].size > LARGEST:
        return
    for k, third in adding_up(here, wanted, values[pairs][:, window], table, shape, axes)[: 4 * MOST_FOUND]:
        factors = [*chosen[pairs[k]], third]
        if factors == sorted(factors):  # each once
            yield here.written(shape, factors)


def adding_up(
    here: Monomials, wanted: np.ndarray, some: np.ndarray, others: np.ndarray, shape: tuple[int, ...],
    axes: tuple[int, ...],
) -> list[tuple[int, int]]:  # fmt: skip
    """Which of some values, with which of others, make products that are worth this when they are added up."""
    left = tuple(1 if k in axes else n for k, n in enumerate(shape))
    near = np.ones((len(some), len(others)), bool)
    for _ in range(2):  # what random numbers make of each: twice, so that no other sum has both by chance
        along = here.rng.normal(size=(len(wanted), *left))
        numbers = some.reshape(len(some), -1) @ (others * along).reshape(len(others), -1).T
        goal = float(np.sum(wanted.reshape(len(wanted), *left) * along))
        near &= np.abs(numbers - goal) <= NEAR * abs(goal)
    return [(int(k), int(j)) for k, j in zip(*np.nonzero(near), strict=True)]
