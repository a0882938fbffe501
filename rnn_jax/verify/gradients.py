"""Whose gradient is which: what a program hands out, by the names of the parameters."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np

from rnn_jax.errors import InputError, require
from rnn_jax.verify.naming import is_container, items


def named(raw: Any, parameters: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The gradients by parameter. Raises InputError where one is missing or of another shape."""
    found = matched(raw, parameters)
    for name, value in parameters.items():
        if name not in found:
            have = ", ".join(key.lstrip(".") for key, _ in items(raw)) if is_container(raw) else type(raw).__name__
            raise InputError(
                f"--grads gives no gradient for {name}; it holds {have[:200] or 'nothing'} "
                "(--wrt net.U,net.W names some of an object's arrays; a tuple goes in the order of --wrt)"
            )
        found[name] = fitted(name, found[name], value)
    return {name: found[name] for name in parameters}


def fitted(name: str, gradient: Any, value: np.ndarray) -> np.ndarray:
    """The gradient as an array of the parameter's shape, where `W -= gradient` would fit it."""
    try:
        array = np.asarray(gradient)
        array = np.array(array, dtype=float) if array.dtype.kind in "iub" else np.array(array)
    except ValueError as error:
        raise InputError(f"the gradient of {name} is no array: {error}") from error
    if array.dtype.kind != "f":
        raise InputError(f"the gradient of {name} is {short(gradient)}; an array of shape {value.shape} would be right")
    if array.shape != value.shape:
        fits = array.size == value.size and broadcasts(array.shape, value.shape)
        require(fits, f"the gradient of {name} has shape {array.shape}, but {name} has {value.shape}")
        array = array.reshape(value.shape)
    return array


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of this shape can be subtracted from one of that in place."""
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def matched(raw: Any, parameters: dict[str, np.ndarray]) -> dict[str, Any]:
    """By key or attribute where those tell, by position where not."""
    names = list(parameters)
    if isinstance(raw, np.ndarray) and raw.dtype != object:
        if len(names) == 1:
            return {names[0]: raw}
        require(
            len(raw) == len(names) if raw.ndim else False,
            f"--grads is one array of shape {raw.shape} for {len(names)} parameters; a tuple of them would be right",
        )
        return dict(zip(names, raw, strict=True))
    if isinstance(raw, int | float | np.generic) and len(names) == 1:
        return {names[0]: raw}
    if isinstance(raw, dict) or (not isinstance(raw, list | tuple) and is_container(raw)) or hasattr(raw, "_fields"):
        return by_key(raw, parameters)
    if isinstance(raw, list | tuple) or (isinstance(raw, np.ndarray) and raw.dtype == object):
        if len(raw) == len(names) and not (len(raw) == 1 and isinstance(raw[0], dict)):
            return dict(zip(names, raw, strict=True))
        if len(raw) == 1:
            return matched(raw[0], parameters)
        flat = list(leaves(raw))
        if len(flat) == len(names):
            return dict(zip(names, flat, strict=True))
        raise InputError(f"--grads gives {len(flat)} gradients for {len(names)} parameters ({', '.join(names)[:120]})")
    raise InputError(
        f"--grads is {short(raw)}; a dict, a tuple in the order of --wrt, a list or an object would be right"
    )


def leaves(value: Any) -> Any:
    """The arrays and numbers in nested containers, in order."""
    if is_container(value) and not isinstance(value, np.ndarray | np.generic):
        for _, each in items(value):
            yield from leaves(each)
    else:
        yield value


def by_key(raw: Any, parameters: dict[str, np.ndarray]) -> dict[str, Any]:
    """Each parameter's as dW, grad_W, W_grad or the like, or under its own name, where that is not the parameter."""
    keys = {key.lstrip("."): each for key, each in flattened("", raw)}
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        for candidate in spellings(name):
            if candidate in keys and not is_parameter(keys[candidate], value):
                found[name] = keys[candidate]
                break
    return found


def is_parameter(each: Any, value: np.ndarray) -> bool:
    """Whether what might be a gradient is the parameter itself."""
    return isinstance(each, np.ndarray) and bool(np.may_share_memory(each, value)) and each.shape == value.shape


def flattened(prefix: str, value: Any) -> Any:
    """All leaves with the path to each."""
    for key, each in items(value):
        path = f"{prefix}{key}"
        if is_container(each) and not isinstance(each, np.ndarray | np.generic):
            yield from flattened(path, each)
        else:
            yield path, each


@functools.cache
def spellings(name: str) -> tuple[str, ...]:
    """What the gradient of net.layers[0].W may be called, the most particular first."""
    parts = re.findall(r"[^.\[\]]+|\[[^\]]*\]", name)
    found = []
    for first in range(len(parts)):
        path, last = parts[first:-1], parts[-1]
        stem = last.strip("_")
        words = [f"d{last}", f"d_{last}", f"grad_{last}", f"{last}_grad", f"g{last}", f"g_{last}", f"d{stem}",
                 f"D{last}", f"delta_{last}", f"dL_d{last}", f"dLd{last}", f"dJd{last}", f"dJ_d{last}", f"grad{last}",
                 f"nabla_{last}", f"dE_d{last}", f"dEd{last}", f"_d{last}", f"_grad_{last}", last]  # fmt: skip
        if last.startswith("["):
            words = [last]
        for word in words:
            joined = ""
            for part in [*path, word]:
                joined += part if part.startswith("[") or not joined else f".{part}"
            found += [joined, joined.strip("[]'\"")]
    found += [s.lower() for s in found]
    return tuple(found)


def short(value: Any) -> str:
    """A value in a few words."""
    text = repr(value).replace("\n", " ")
    return f"{text[:60]}{'...' if len(text) > 60 else ''}" if value is not None else "None"
