"""What is done to the values that one expression gives: moved by something, or put in their place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Shift = Callable[[int, np.ndarray], np.ndarray]  # of the how-manieth value, and the value


def unmoved(k: int, value: np.ndarray) -> np.ndarray:
    """The value itself."""
    return value


def put(values: list[np.ndarray]) -> Shift:
    """These in the place of the values."""
    return lambda k, value: values[k] if k < len(values) else value


def by(shifts: list[np.ndarray]) -> Shift:
    """A shift by these."""
    return lambda k, value: value + shifts[k] if k < len(shifts) else value


def one_moved(which: int, entry: int, size: float) -> Shift:
    """A shift of one entry of one value."""

    def shift(k: int, value: np.ndarray) -> np.ndarray:
        if k != which:
            return value
        made = np.array(value, order="C")  # so that a row of all entries is a view
        made.reshape(-1)[entry] += size
        return made

    return shift
