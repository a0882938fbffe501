"""Products of two arrays of several axes as einsum makes them: np.einsum("bhtd,btm->hdm", mix, dy)."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnn_jax.verify.repair.expressions import Written, parsed
from rnn_jax.verify.repair.monomials import Monomials
from rnn_jax.verify.repair.tree import ATOMS

MOST = 32  # arrays at one place
MOST_WAYS = 60  # of matching the axes of two arrays, where many are as long
MOST_TRIED = 2_000  # products, each of many first factors
FOUND = 3
NEAR = 1e-6  # relative: the wanted values come from solving equations
LETTERS = "abcdefghijklmnopqrstuvwxy"
STEP = "z"  # the axis of the iterations

Shape = tuple[int, ...]


class Axes(NamedTuple):
    """Which axis of each of two arrays has which letter; None where it has none yet."""

    first: tuple[str | None, ...]
    second: tuple[str | None, ...]

    def written(self, count: int) -> str:
        """As einsum takes it, for a result of so many axes."""
        first, second = ("".join(str(each) for each in axes) for axes in self)
        return f"{first},{second}->{LETTERS[:count]}"


def einsum_totals(here: Monomials, wanted: np.ndarray) -> Iterator[Written]:
    """The products that are worth this, or a multiple of it, when they are added up over all iterations."""
    yield from products(here, wanted, wanted.shape, slice(None), "")


def einsums(here: Monomials, wanted: list[np.ndarray], start: int = 0) -> Iterator[Written]:
    """Those that are worth this at the iterations from `start` on."""
    if start + len(wanted) <= here.iterations and all(np.all(np.isfinite(w)) for w in wanted):
        yield from products(here, np.stack(wanted), wanted[0].shape, slice(start, start + len(wanted)), STEP)


def products(here: Monomials, wanted: np.ndarray, shape: Shape, window: slice, step: str) -> Iterator[Written]:
    """Those of a name, or a product of two, with a name; of which one has three axes or more.

    step: the letter of the iterations, where they stay.
    """
    if len(shape) < 2 or not np.any(wanted):
        return
    names = arrays(here)
    drawn = [here.rng.normal(size=wanted.shape) for _ in range(2)]
    goals = np.array([np.sum(each * wanted) for each in drawn])
    shapes = dict.fromkeys(value.shape[1:] for _, value in names)
    ways = (
        (inner, name, value[window], axes)
        for inner, (name, value) in itertools.product(shapes, names)
        for axes in itertools.islice(matched(inner, value.shape[1:], shape), MOST_WAYS)
    )
    found = 0
    for inner, name, value, axes in itertools.islice(ways, MOST_TRIED):
        chosen, values = here.small(inner)
        if not len(values):
            continue
        rows = values[:, window].reshape(len(values), -1)
        numbers = np.stack([rows @ weights(axes, value, each, step) for each in drawn])
        # Two numbers in the ratio of those wanted: a multiple, as most likely no other sum is.
        share = numbers[0] / goals[0]
        near = np.abs(numbers[1] - share * goals[1]) <= NEAR * np.abs(numbers[1])
        near &= np.abs(share - 1) <= NEAR if step else share != 0
        for k in np.flatnonzero(near)[: FOUND - found]:
            one = here.written(inner, list(chosen[k]))
            text = f'{here.numpy}.einsum("{axes.written(len(shape))}", {one.text}, {name})'
            yield Written(ast.unparse(parsed(text)), [], one.cost + 0.5 + 0.5 * (abs(share[k] - 1) > NEAR))
            found += 1
        if found == FOUND:
            return


def weights(axes: Axes, second: np.ndarray, along: np.ndarray, step: str) -> np.ndarray:
    """What the first array is to be multiplied with, entry by entry, for what random numbers make of the result."""
    first, other = ("".join(str(each) for each in letters) for letters in axes)
    result = LETTERS[: along.ndim - len(step)]
    return np.asarray(np.einsum(f"{STEP}{other},{step}{result}->{STEP}{first}", second, along)).ravel()


def arrays(here: Monomials) -> list[tuple[str, np.ndarray]]:
    """The names of arrays of two axes or more, the larger ones first, with their values at each iteration."""
    known = [(t, v) for t, v in here.single if v.ndim > 2 and isinstance(parsed(t), ATOMS)]
    return sorted(known, key=lambda each: (-each[1].ndim, len(each[0])))[:MOST]


def matched(one: Shape, two: Shape, result: Shape) -> Iterator[Axes]:
    """The ways in which the axes of two arrays can be those of a result, and the others be added up over."""
    if max(len(one), len(two)) < 3:  # what is made of matrices is said by @
        return
    for axes in lettered(Axes((None,) * len(one), (None,) * len(two)), one, two, result):
        yield from added_over(axes, one, two, len(result))


def lettered(axes: Axes, one: Shape, two: Shape, result: Shape, done: int = 0) -> Iterator[Axes]:
    """The axes with the letters of the result, of which the first are done."""
    if done == len(result):
        yield axes
        return
    for each in with_letter(axes, one, two, LETTERS[done], result[done]):
        yield from lettered(each, one, two, result, done + 1)


def with_letter(axes: Axes, one: Shape, two: Shape, letter: str, size: int) -> Iterator[Axes]:
    """The axes with one more letter: of the first array, of the second, of both."""
    free = [
        [k for k, n in enumerate(shape) if n == size and own[k] is None]
        for shape, own in zip((one, two), axes, strict=True)
    ]
    for k in free[0]:
        yield Axes(put(axes.first, k, letter), axes.second)
    for j in free[1]:
        yield Axes(axes.first, put(axes.second, j, letter))
    for k, j in itertools.product(*free):
        yield Axes(put(axes.first, k, letter), put(axes.second, j, letter))


def added_over(axes: Axes, one: Shape, two: Shape, used: int) -> Iterator[Axes]:
    """What is left of the two arrays, matched axis by axis."""
    left = [k for k, each in enumerate(axes.first) if each is None]
    other = [k for k, each in enumerate(axes.second) if each is None]
    if len(left) != len(other) or sorted(one[k] for k in left) != sorted(two[k] for k in other):
        return
    for order in itertools.permutations(other):
        if all(one[k] == two[j] for k, j in zip(left, order, strict=True)):
            made = axes
            for n, (k, j) in enumerate(zip(left, order, strict=True)):
                letter = LETTERS[used + n]
                made = Axes(put(made.first, k, letter), put(made.second, j, letter))
            yield made


def put(axes: tuple[str | None, ...], k: int, letter: str) -> tuple[str | None, ...]:
    """The letters with another one at a place."""
    return (*axes[:k], letter, *axes[k + 1 :])
