"""How ufuncs are recorded: elementwise, with `out=` and `where=`, and their reduce, accumulate, outer and at."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.operations import ELEMENTWISE
from rnn_jax.verify.trace.recorder import active, concrete, hangs, operand, plain, refuse, wrap
from rnn_jax.verify.trace.tape import Use


def ufunc(function: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc, or its reduce, accumulate, outer or at."""
    if active() is None:
        return getattr(function, method)(*plain(inputs), **plain(kwargs))
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    if method in ("__call__", "outer") and len(inputs) > function.nin:
        inputs, out = inputs[: function.nin], inputs[function.nin]
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    inputs = tuple(dispatch.lifted(x) if type(x) in (list, tuple) and hangs(x) else x for x in inputs)
    if method == "at":
        return scatter(function, *inputs)
    if method == "outer":
        left, right = dispatch.lifted(inputs[0]), dispatch.lifted(inputs[1])
        spread = left[(...,) + (None,) * right.ndim] if left.ndim else left
        return ufunc(function, "__call__", (spread, right), kwargs | {"out": out})
    if method == "__call__" and function.signature is None:
        return elementwise(function, inputs, out, kwargs)
    if method == "__call__":
        value = dispatch.general(function.__name__, function, inputs, kwargs, out)
    else:
        value = reduction(function, method, inputs, kwargs, out)
    return value if out is None else dispatch.store(out, value)


def reduction(function: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Any:
    """`reduce` and `accumulate`: one call of one argument, all others by name."""
    if method not in ("reduce", "accumulate"):
        if hangs(inputs[0]):
            refuse(f"np.{function.__name__}.{method}", "add up slices")
        return dispatch.wrap_all(getattr(function, method)(*plain(inputs), **plain(kwargs)))
    inputs, places = (dispatch.lifted(inputs[0]),), inputs[1:]
    kwargs = dict(zip(("axis", "dtype"), places, strict=False)) | kwargs
    kwargs = {"axis": 0} | {k: v for k, v in kwargs.items() if not (k in ("dtype", "initial") and dispatch.unsaid(v))}
    if kwargs.get("where", True) is True:
        kwargs.pop("where", None)
    else:
        kwargs["where"] = concrete(kwargs["where"])
    if method == "accumulate" and kwargs["axis"] is not None:
        kwargs["axis"] = int(kwargs["axis"]) % inputs[0].ndim  # lax.cummax knows no negative axis
    return dispatch.general(f"{function.__name__}.{method}", getattr(function, method), inputs, kwargs, out)


def elementwise(function: np.ufunc, inputs: tuple[Any, ...], out: Any, kwargs: dict[str, Any]) -> Any:
    """A ufunc of single elements."""
    where = kwargs.pop("where", True)
    if where is not True:
        return selected(function, inputs, out, concrete(where), kwargs)
    if function is np.divmod:
        parts = (np.floor_divide, np.remainder)
        outs = out if isinstance(out, tuple) else (None, None)
        return tuple(elementwise(part, inputs, o, dict(kwargs)) for part, o in zip(parts, outs, strict=True))
    casting = kwargs.pop("casting", "same_kind")
    value = function(*plain(inputs), **plain(kwargs))
    operands = tuple(operand(x) for x in inputs)
    tracked = any(isinstance(o, Use) for o in operands)
    if isinstance(value, tuple):
        if tracked:
            refuse(f"np.{function.__name__}", "use one that gives one result")
        return tuple(wrap(each, None) for each in value)
    if tracked and function.__name__ not in ELEMENTWISE:
        refuse(f"np.{function.__name__}", "write it with exp, log, tanh and the like")
    if not isinstance(value, np.ndarray | np.generic):  # object arithmetic
        return value
    recorder = active()
    assert recorder is not None
    value, ids = recorder.emit(function.__name__, None, operands, value) if value.dtype != object else (value, None)
    result = wrap(value, ids)
    return result if out is None else dispatch.store(out, result, casting)


def selected(function: np.ufunc, inputs: tuple[Any, ...], out: Any, mask: Any, kwargs: dict[str, Any]) -> Any:
    """A ufunc with where=: computed for the chosen elements alone, so that no other one's infinity comes in."""
    mask = np.asarray(mask)
    shape = np.broadcast_shapes(mask.shape, *(np.shape(plain(x)) for x in inputs))
    if out is None:  # what NumPy makes, for its dtype and its order in memory; nobody knows what the rest holds
        made = np.asarray(function(*plain(inputs), where=mask, out=None, **plain(kwargs)))
        made[~np.broadcast_to(mask, made.shape)] = 0
        out = wrap(made, None)
    mask = np.broadcast_to(mask, shape)
    chosen = tuple(dispatch.function_of(np.broadcast_to, x, shape)[mask] for x in inputs)
    target = dispatch.known(out)
    target[mask] = elementwise(function, chosen, None, kwargs)
    return target


def scatter(function: np.ufunc, target: Any, index: Any, *values: Any) -> None:
    """`np.add.at(target, index, values)`, one step after another where an element comes twice."""
    target, index = dispatch.known(target), concrete(index)
    places = np.arange(target.size).reshape(target.shape)[index]
    spread = (np.broadcast_to(places, np.broadcast_shapes(places.shape, *(np.shape(plain(v)) for v in values)))).ravel()
    rows = [dispatch.function_of(np.broadcast_to, dispatch.lifted(v), places.shape).ravel() for v in values]
    flat = target.flat
    # Rounds in which no element comes twice.
    turn = np.zeros(spread.size, int)
    seen: dict[int, int] = {}
    for position, place in enumerate(spread.tolist()):
        turn[position] = seen[place] = seen.get(place, -1) + 1
    for number in range(int(turn.max(initial=-1)) + 1):
        now = turn == number
        flat[spread[now]] = ufunc(function, "__call__", (flat[spread[now]], *(row[now] for row in rows)), {})
