"""Bad input, told in one sentence: what was wrong, the offending value, what would be right."""

from collections.abc import Iterable

import numpy as np


class InputError(ValueError):
    """The caller's arrays do not fit; the message is one sentence for a person."""


def require(condition: bool | np.bool, sentence: str) -> None:
    """Raise InputError with `sentence` unless `condition` holds."""
    if not condition:
        raise InputError(sentence)


def require_known(name: str, value: object, known: Iterable[object]) -> None:
    """Raise InputError unless the value is one of those known."""
    known = list(known)
    require(value in known, f"the {name} is {value!r}, but one of {', '.join(map(str, known))} is right")


def require_shape(name: str, array: np.ndarray, expected: tuple[int, ...], why: str) -> None:
    """Raise InputError unless `array` has the `expected` shape; `why` says where that comes from."""
    require(
        np.shape(array) == expected,
        f"{name} has shape {np.shape(array)}, but {why} asks for {expected}",
    )


def require_indices(name: str, indices: np.ndarray, size: int) -> None:
    """Raise InputError unless every index lies in 0..size-1 or is -1, which means nothing."""
    wrong = indices[(indices < -1) | (indices >= size)]
    require(
        wrong.size == 0,
        f"{name} holds the index {wrong.flat[0] if wrong.size else None}, "
        f"but only 0 to {size - 1}, and -1 for nothing, are right",
    )


def require_sequence(name: str, x: np.ndarray, U: np.ndarray) -> None:
    """Raise InputError unless x (T, B, D) or indices (T, B) can be fed to U (D, ...)."""
    require(x.ndim in (2, 3), f"{name} has shape {x.shape}, but (T, B, D), or (T, B) for indices, is right")
    require(min(x.shape[:2]) > 0, f"{name} has shape {x.shape}, but T and B must be at least 1")
    if x.ndim == 2:
        require(np.issubdtype(x.dtype, np.integer), f"{name} (T, B) has dtype {x.dtype}, but indices are integers")
        require_indices(name, x, U.shape[0])
    else:
        require(x.shape[2] == U.shape[0], f"{name} has shape {x.shape}, but U {U.shape} asks for D = {U.shape[0]}")
