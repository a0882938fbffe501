"""Right values in the shapes of an expression's own: gradients that have a name, and how states depend on weights.

The equations that an expression's values must solve may have many solutions; that which has a name is the one meant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np

Shapes = list[tuple[int, ...]]
MOST_LEVELS = 4  # of loops, one in the other
MOST_PARTS = 8  # gates, or an input and a state of the same size


def by_name(
    sequences: Iterable[list[np.ndarray]], shapes: Shapes, runs: list[int] | None = None
) -> Iterator[list[np.ndarray]]:
    """Those of the sequences that have these sizes, from the end of time or from its beginning, or all at once.

    runs: how many of the values each run of their loop gave.
    """
    sizes = [math.prod(shape) for shape in shapes]
    for values in sequences:
        whole = (*windows(values[::-1], len(sizes)), *windows(values, len(sizes)), [np.concatenate(values)])
        for order in (*whole, *in_runs(values, runs or [])):
            if [v.size for v in order] == sizes:
                yield [v.reshape(shape) for v, shape in zip(order, shapes, strict=True)]


def in_parts(sequences: Iterable[list[np.ndarray]], shapes: Shapes) -> Iterator[list[np.ndarray]]:
    """A part of each value, where these are so many times as large: gates one below the other, or side by side."""
    shape = shapes[0] if len(set(shapes)) == 1 else ()
    size = math.prod(shape)
    for values in sequences if shape and size > 1 else ():
        parts, rest = divmod(values[0].size, size)
        if rest or not 2 <= parts <= MOST_PARTS or len({v.size for v in values}) > 1:
            continue
        for k in range(parts):
            yield [v.reshape(parts, size)[k] for v in values]
            if len(shape) > 1:
                yield [v.reshape(-1, parts, shape[-1])[:, k].ravel() for v in values]


def in_slices(sequences: Iterable[list[np.ndarray]], shapes: Shapes) -> Iterator[list[np.ndarray]]:
    """The slices of one value along one of its axes, one for each visit: all steps were computed at once."""
    for values in sequences if len(shapes) > 1 else ():
        (value, *others) = values
        for axis in range(value.ndim) if not others else ():
            if value.size == value.shape[axis] * math.prod(shapes[0]) and len(shapes) <= value.shape[axis] + 1:
                yield list(np.moveaxis(value, axis, 0).reshape(value.shape[axis], -1))


def with_shares(sequences: Iterable[list[np.ndarray]], present: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """What is there and a share more, of the same step or of the one before or after: dx[:, :-1] += ..."""
    shapes = [v.shape for v in present]
    for values in sequences if any(np.any(v) for v in present) else ():
        for order in (values, values[::-1]) if len(values) > 1 else (values,):
            if [v.shape for v in order] != shapes:
                continue
            yield [p + v for p, v in zip(present, order, strict=True)]
            for axis in range(min(2, *(v.ndim for v in order))):
                for step in (-1, 1):
                    yield [p + moved(v, axis, step) for p, v in zip(present, order, strict=True)]


def moved(value: np.ndarray, axis: int, step: int) -> np.ndarray:
    """An array moved along an axis, with zeros where nothing comes from."""
    made = np.roll(value, step, axis)
    np.moveaxis(made, axis, 0)[0 if step > 0 else -1] = 0
    return made


def in_runs(values: list[np.ndarray], runs: list[int]) -> Iterator[list[np.ndarray]]:
    """A sequence of several runs of a loop that is turned round in each of them, or from one to the other, alone.

    A backward takes one direction of time after the other as the forward did, each from its end; and within a step
    the gates in their own order.
    """
    for more in (0, -1, 1) if len(runs) > 1 else ():
        lengths = [length + more for length in runs]
        if sum(lengths) != len(values) or min(lengths) < 1:
            continue
        forth, back = split(values, lengths), split(values, lengths[::-1])
        for parts in ([part[::-1] for part in forth], back[::-1]):
            for several in zip(*map(windows, parts, runs), strict=False):
                yield [value for part in several for value in part]


def in_nests(
    sequences: Iterable[list[np.ndarray]], shapes: Shapes, nests: list[tuple[int, ...]]
) -> Iterator[list[np.ndarray]]:
    """Those of the sequences that have these sizes, where of several loops some go the other way round than in it.

    nests: where in the loops around it each value is, by runs and iterations. The two innermost loops may also stand
    one in the other the other way round.
    """
    orders = list(orders_of(nests))
    sizes = [math.prod(shape) for shape in shapes]
    for values in sequences if orders else ():
        if len(values) == len(shapes):
            for order in orders:
                placed = [values[k] for k in order]
                if [v.size for v in placed] == sizes:
                    yield [v.reshape(shape) for v, shape in zip(placed, shapes, strict=True)]


def orders_of(nests: list[tuple[int, ...]]) -> Iterator[np.ndarray]:
    """Which value of a sequence each visit gets: with some of its loops turned round, or the last two exchanged."""
    if not nests or len({len(nest) for nest in nests}) > 1:
        return
    table = np.array(nests).reshape(len(nests), -1)
    levels = [column for column in table.T if len(set(column.tolist())) > 1]
    if not 2 <= len(levels) <= MOST_LEVELS:
        return
    given: set[bytes] = {np.arange(len(nests)).tobytes(), np.arange(len(nests))[::-1].tobytes()}
    for several in (levels, [*levels[:-2], levels[-1], levels[-2]]):
        for signs in sorted(itertools.product((1, -1), repeat=len(several)), key=sum, reverse=True):
            keys = [sign * level for sign, level in zip(signs, several, strict=True)]
            place = np.argsort(np.lexsort(keys[::-1]))
            if place.tobytes() not in given:
                given.add(place.tobytes())
                yield place


def split(values: list[np.ndarray], lengths: list[int]) -> list[list[np.ndarray]]:
    """A sequence in parts of these lengths."""
    ends = list(itertools.accumulate(lengths))
    return [values[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def by_dependence(sensitivities: Iterable[list[np.ndarray]], shapes: Shapes) -> Iterator[list[np.ndarray]]:
    """Those of the sensitivities that have these shapes, of the step itself or of the one before."""
    for values in sensitivities:
        for shift in (0, 1):
            right = [np.zeros_like(values[0])] * shift + values[: len(values) - shift or None]
            if [v.shape for v in right] == shapes:
                yield right


def windows(values: list[np.ndarray], length: int) -> list[list[np.ndarray]]:
    """Those of a sequence, or all but its first or last: what is sent on at each step does not go beyond its ends.

    What is sent on from the last step, where no further one takes it, is of no matter.
    """
    nothing = np.zeros_like(values[-1])
    if len(values) == length:
        return [values, [*values[1:], nothing]]
    if len(values) == length - 1:
        return [[*values, nothing]]
    if length > 1 and len(values) in (2 * length, 3 * length):  # of a function that is called for each layer
        calls = len(values) // length
        in_turn = [values[k * length : (k + 1) * length] for k in range(calls)]
        return [
            each for call in (*in_turn, *(values[k::calls] for k in range(calls))) for each in windows(call, length)
        ]
    return [values[1:], values[:-1]] if len(values) == length + 1 else []
