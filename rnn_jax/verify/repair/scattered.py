"""What adds up to a given array where each iteration adds to a part of it: an item, a row, rows that numbers say."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from rnn_jax.verify.repair.contractions import added_over, summed_axes
from rnn_jax.verify.repair.expressions import Written, is_index, parsed
from rnn_jax.verify.repair.monomials import MOST_FOUND, NEAR, Monomials
from rnn_jax.verify.repair.totals import multiples

MOST_ROWS = 4  # of a matrix that are added to one by one


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
    rows_only = [(index, places) for index, places in several if wanted[places[0]].shape] if not found else []
    for index, places in rows_only:  # the batch is added up as well
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
        total[(slice(None), *place)] += values[:, t].reshape(len(values), *wanted[place].shape)
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
        if text.isidentifier() and shape and min(values) >= 1 and max(values) <= shape[0]:  # counted from 1
            yield f"[{text} - 1]", [(v - 1,) for v in values]
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
