"""What stands for which parameters: arrays, and containers of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnn_jax.errors import InputError


def expand(name: str, value: Any) -> dict[str, np.ndarray]:
    """The arrays of real numbers that `value` is or holds, by name: P.W for a dict's or object's, P[0] for a list's."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        if value.dtype.kind != "f":
            raise InputError(f"{name} holds {value.dtype} numbers; a gradient needs real ones (astype(float))")
        return {name: value}
    found: dict[str, np.ndarray] = {}
    for key, each in items(value):
        inner = f"{name}{key}" if name else key.lstrip(".") if key.startswith(".") else key
        if isinstance(each, np.ndarray) and each.dtype.kind == "f":
            found[inner] = each
        elif is_container(each) and not isinstance(each, np.ndarray):
            found |= expand(inner, each)
    if not found:
        what = f"the {type(value).__name__} {value!r}"[:60] if not isinstance(value, np.ndarray) else "an object array"
        raise InputError(
            f"--wrt {name or 'wrt'} is {what}: an array of real numbers, or a dict, list or object of them, would be "
            "right (a lone number can be made one: b = np.array(b))"
        )
    return found


def is_container(value: Any) -> bool:
    """Whether arrays may be in it."""
    return isinstance(value, dict | list | tuple) or (
        hasattr(value, "__dict__") and not callable(value) and not isinstance(value, type)
    )


def items(value: Any) -> list[tuple[str, Any]]:
    """What a container holds, with how each is spoken of; none for what is no container."""
    if isinstance(value, dict):
        return [(f".{k}" if isinstance(k, str) and k.isidentifier() else f"[{k!r}]", v) for k, v in value.items()]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return [(f".{k}", getattr(value, k)) for k in value._fields]
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
        return [(f"[{k}]", v) for k, v in enumerate(value)]
    if isinstance(getattr(value, "__dict__", None), dict):
        return [(f".{k}", v) for k, v in vars(value).items()]
    slots = [n for kind in type(value).__mro__ for n in getattr(kind, "__slots__", ())]
    return [(f".{n}", getattr(value, n)) for n in slots if hasattr(value, n)]
