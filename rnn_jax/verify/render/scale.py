"""Errors as a few levels on a log scale, from where rounding ends to the worst."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np

from rnn_jax.verify.check_report import CheckReport, Parameter

LEVELS = 8
T = TypeVar("T")


def level(error: float, floor: float, bottom: float, worst: float) -> int:
    """0 for what is rounding, else 1 to LEVELS from bottom to worst; what is no number is the worst."""
    if error <= floor:
        return 0
    if not math.isfinite(error) or worst <= bottom:
        return LEVELS
    share = math.log(max(error, bottom) / bottom) / math.log(worst / bottom)
    return min(LEVELS, 1 + int(LEVELS * share))


def worst_of(errors: Iterable[float], floor: float) -> float:
    """The largest finite error, or the floor where none lies above it."""
    return max((error for error in errors if math.isfinite(error)), default=floor)


def bottom_of(errors: Iterable[float], floor: float) -> float:
    """Where the lowest level begins: at the smallest error that is none of rounding, or three decades down.

    From the rounding up, an error that fades from 1 to 0.001 would look the same all over.
    """
    wrong = [error for error in errors if math.isfinite(error) and error > floor]
    return max(floor, min(min(wrong), max(wrong) / 1e3)) if wrong else floor


def floor_of(report: CheckReport, names: Iterable[str]) -> float:
    """The error up to which the gradients of these parameters are right: the tolerance times the noise."""
    named = set(names)
    chosen = [p for p in report.parameters if p.name in named] or list(report.parameters)
    noises = [noise for noise in map(noise_of, chosen) if 0 < noise < 1]
    return report.tolerance * max(noises, default=float(np.finfo(report.dtype).eps))


def noise_of(parameter: Parameter) -> float:
    """The noise of a gradient at its worst point."""
    return parameter.worst[1].noise


def buckets(entries: Sequence[T], most: int) -> list[Sequence[T]]:
    """The entries in order, in at most so many groups of nearly one size."""
    count = min(most, len(entries))
    edges = [len(entries) * k // count for k in range(count + 1)] if count else [0]
    return [entries[a:b] for a, b in pairwise(edges)]
