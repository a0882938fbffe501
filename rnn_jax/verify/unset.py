"""Memory that np.empty leaves unset, filled: what is read before it is written is to be wrong, and wrong the same way.

Fresh memory often holds zeros, so that a gradient that forgets to set some of it comes out right by luck; at other
times it holds other numbers at each call, which would look like noise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

NUMBERS = np.modf(0.618033988749895 * np.arange(1, 1001))[0] + 0.5  # finite, of ordinary size, all different


@contextmanager
def unset_filled(numbers: np.ndarray = NUMBERS) -> Iterator[None]:
    """Within: np.empty and np.empty_like give floats that are all set."""
    before: dict[str, Any] = {"empty": np.empty, "empty_like": np.empty_like}
    try:
        for name, make in before.items():
            setattr(np, name, filling(make, numbers))
        yield
    finally:
        for name, make in before.items():
            setattr(np, name, make)


def filling(make: Callable[..., Any], numbers: np.ndarray) -> Any:
    """The function, with what it makes filled."""

    @functools.wraps(make)
    def made(*args: Any, **keywords: Any) -> Any:
        found = make(*args, **keywords)
        if type(found) is np.ndarray and found.dtype.kind == "f":
            found[...] = np.resize(numbers, found.shape)
        return found

    return made
