"""How each NumPy call is recorded: compute with NumPy itself, then say on the tape what was computed."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from rnn_jax.verify.trace import functions, ufuncs
from rnn_jax.verify.trace.naming import parameters
from rnn_jax.verify.trace.operations import GENERAL, STATIC, Slot
from rnn_jax.verify.trace.places import here
from rnn_jax.verify.trace.recorder import MAKERS, Marked, active, hangs, ids_of, operand, plain, refuse, wrap
from rnn_jax.verify.trace.tape import NOTHING, Use


def ufunc(function: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc, or one of its methods."""
    return ufuncs.ufunc(function, method, inputs, kwargs)


def unsaid(value: Any) -> bool:
    """Whether an argument was left out."""
    return value is None or value is np._NoValue


def known(target: Any) -> Any:
    """An array to write to, as long as the recorder has met it: what is written elsewhere is lost."""
    if ids_of(target) is None:
        refuse("writing into an array that the recorder has not met", "make it with np.zeros")
    return target


def store(out: Any, result: Any, casting: Any = "same_kind") -> Any:
    """`out=`: what NumPy would have written there, and its ids."""
    target = plain(out)
    value, ids = np.asarray(plain(result)), ids_of(result)
    np.copyto(target, value, casting=casting)
    if ids_of(out) is None:
        return known(out) if hangs(result) else out
    out.known_ids[...] = NOTHING if ids is None else recast(np.asarray(target), value, ids)
    return out


def recast(there: np.ndarray, value: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The ids of the values as `there` holds them, of whose dtype they may not have been."""
    if np.can_cast(value.dtype, there.dtype, "safe") or not (ids >= 0).any():
        return ids
    if there.dtype.kind not in "fiub":
        refuse(f"a number kept as {there.dtype}", "keep to real numbers")
    recorder = active()
    assert recorder is not None
    new = recorder.emit("cast", None, (recorder.tape.read(value, ids),), value.astype(there.dtype))[1]
    assert new is not None
    return new


def assign(target: Any, key: Any, value: Any) -> None:
    """`target[key] = value`."""
    value = lifted(value) if hangs(value) or ids_of(value) is not None else value
    ids = ids_of(value)
    numbers = plain(value)
    if target.dtype == object:
        target.plain[key] = value
        return
    target.plain[key] = numbers
    shadow = like(target.known_ids, target.plain)
    if ids is None or not (ids >= 0).any():
        shadow[key] = NOTHING
    else:
        shadow[key] = recast(target.plain, np.asarray(numbers), ids)


def cast(array: Any, dtype: np.dtype, casting: Any = "unsafe", copy: Any = True) -> Any:
    """`astype`."""
    value = array.plain.astype(dtype, casting=casting)
    if dtype == array.dtype and not copy:
        return array
    if value.dtype.kind not in "fiub":
        if hangs(array):
            refuse(f"astype({dtype})", "keep to real numbers")
        return value
    if np.can_cast(array.dtype, dtype, "safe"):
        return wrap(value, array.known_ids.copy(order="K"))
    return wrap(value, recast(value, array.plain, array.known_ids).copy(order="K"))


def function(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Any function of NumPy's that is no ufunc."""
    if active() is None:
        return func(*plain(args), **plain(kwargs))
    return functions.handler(func)(func, args, kwargs)


def function_of(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The same, called as the function is."""
    return function(func, args, kwargs)


def general(name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], out: Any = None) -> Any:
    """A function that computes: every array, list of numbers and recorded number in its arguments counts.

    out: where the result will go: in the dtype of that NumPy adds up, where it multiplies in that of the operands.
    """
    operands: list[Any] = []
    ours = GENERAL.get(name)
    names = parameters(ours) if ours else ()

    def slot(argument: Any, called: str = "") -> Any:
        sequence = type(argument) in (list, tuple)
        if sequence and (called == "arrays" or (not hangs(argument) and called in STATIC)):
            return tuple(slot(each, "" if called == "arrays" else called) for each in argument)
        if sequence and (called or hangs(argument)):
            argument = lifted(argument)
        if isinstance(argument, np.ndarray) or ids_of(argument) is not None:
            operands.append(operand(argument))
            return Slot(len(operands) - 1)
        return tuple(slot(each) for each in argument) if sequence else plain(argument)

    sums = name.endswith((".reduce", ".accumulate")) or name == "einsum" or "dtype" in parameters(func)
    room = {"out": np.empty_like(plain(out))} if out is not None and sums else {}
    value = func(*plain(args), **plain(kwargs), **room)
    static_args = tuple(slot(a, names[k] if k < len(names) else "") for k, a in enumerate(args))
    static_kwargs = tuple((key, slot(a, key)) for key, a in kwargs.items() if key not in ("dtype", "casting"))
    if not any(isinstance(o, Use) for o in operands):
        return wrap_all(shaken(value))
    if ours is None:
        refuse(f"np.{name}", "write it with operators, dot, sum and the like")
    assert ours is not None
    if not accepts(ours, len(args), tuple(key for key, _ in static_kwargs)):
        refuse(f"np.{name} with these arguments", "write it with operators, dot, sum and the like")
    recorder = active()
    assert recorder is not None

    def made(each: Any, output: int | None) -> Any:
        each = each if isinstance(each, np.ndarray) else np.asarray(each)[()]
        return wrap(*recorder.emit(name, (static_args, static_kwargs, output), tuple(operands), each))

    if isinstance(value, tuple | list):
        results = [made(each, k) for k, each in enumerate(value)]
        return value._make(results) if hasattr(value, "_make") else type(value)(results)
    return made(value, None)


@cache
def accepts(function: Callable[..., Any], given: int, names: tuple[str, ...]) -> bool:
    """Whether JAX's function takes so many arguments and those by name."""
    try:
        inspect.signature(function).bind(*[None] * given, **dict.fromkeys(names))
    except TypeError:
        return False
    return True


def shaken(value: Any) -> Any:
    """The value as the recorder would have it: off by one eps where rounding is being measured."""
    recorder = active()
    if recorder is None or recorder.shake is None or not isinstance(value, np.ndarray | np.floating):
        return value
    return recorder.emit("", None, (), value)[0]


def wrap_all(value: Any) -> Any:
    """Recording arrays for all arrays in a result, hanging on nothing."""
    if isinstance(value, np.ndarray):
        return wrap(value, None) if ids_of(value) is None else value
    if isinstance(value, tuple):
        parts = [wrap_all(each) for each in value]
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    return [wrap_all(each) for each in value] if type(value) is list else value


def lifted(value: Any, dtype: Any = None) -> Any:
    """np.array of nested lists, tuples and numbers with what is recorded in them; recording arrays as they are."""
    array = isinstance(value, np.ndarray)
    if array and dtype is None:
        return value if isinstance(value, Marked) else wrap(value, None)
    numbers = np.array(plain(value), dtype=dtype)
    if not hangs(value):
        return wrap(numbers, value.known_ids.copy() if array and isinstance(value, Marked) else None)

    def nested(part: Any) -> Any:
        if isinstance(part, list | tuple | deque):
            return [nested(each) for each in part]
        ids = ids_of(part)
        return np.full(np.shape(plain(part)), NOTHING) if ids is None else ids

    ids = np.array(nested(value))
    made = wrap(numbers, ids)
    if dtype is not None:
        sources = active()
        assert sources is not None
        before = np.array(plain(value))
        made.ids = recast(numbers, before, ids)
    return made if isinstance(made, np.ndarray) else MAKERS["array"](np.asarray(numbers), ids)


def like(ids: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The ids as a matrix where the values are one: a matrix is indexed in its own way."""
    return ids.view(np.matrix) if isinstance(value, np.matrix) else ids


def as_matrix(value: Any) -> Any:
    """np.asmatrix for recording arrays."""
    value = lifted(value)
    matrix = np.asmatrix(value.plain)
    return MAKERS["array"](matrix, value.known_ids.reshape(matrix.shape))


def dtype_of(dtype: Any) -> np.dtype:
    """A dtype from whatever stands for one."""
    return np.dtype(plain(dtype))


def decide(how: Callable[[Any], Any], value: Any) -> Any:
    """A Python decision on a value: a branch, a whole number."""
    outcome = how(value.plain)
    recorder = active()
    if recorder is not None and hangs(value):
        recorder.guard(how, (operand(value),), outcome)
    return outcome


def leave(name: str, value: Any) -> float:
    """A recorded number that becomes a plain one."""
    recorder = active()
    if recorder is not None and hangs(value):
        recorder.tape.leave(name, here())
    return float(value.plain)
