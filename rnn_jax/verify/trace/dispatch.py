"""How each NumPy call is recorded: compute with NumPy itself, then say on the tape what was computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_jax.verify.trace import functions
from rnn_jax.verify.trace.operations import ELEMENTWISE, GENERAL, Slot
from rnn_jax.verify.trace.places import here
from rnn_jax.verify.trace.recorder import active, concrete, hangs, ids_of, operand, plain, refuse, wrap
from rnn_jax.verify.trace.tape import NOTHING, Use


def ufunc(function: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A ufunc, or its reduce, accumulate, outer or at."""
    if active() is None:
        return getattr(function, method)(*plain(inputs), **plain(kwargs))
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    inputs = tuple(lifted(x) if type(x) in (list, tuple) and hangs(x) else x for x in inputs)
    if method == "at":
        return scatter(function, *inputs)
    if method == "outer":
        left, right = lifted(inputs[0]), lifted(inputs[1])
        spread = left[(...,) + (None,) * right.ndim] if left.ndim else left
        return ufunc(function, "__call__", (spread, right), kwargs | {"out": out})
    if method == "__call__" and function.signature is None:
        return elementwise(function, inputs, out, kwargs)
    name = function.__name__ if method == "__call__" else f"{function.__name__}.{method}"
    if method in ("reduce", "accumulate"):
        kwargs.setdefault("axis", 0)
        kwargs = {
            k: v for k, v in kwargs.items() if not (k in ("dtype", "initial") and (v is None or v is np._NoValue))
        }
        if kwargs.get("where", True) is True:
            kwargs.pop("where", None)
        if method == "accumulate":
            inputs = (lifted(inputs[0]),)
    value = general(name, getattr(function, method), inputs, kwargs)
    return value if out is None else store(out, value)


def elementwise(function: np.ufunc, inputs: tuple[Any, ...], out: Any, kwargs: dict[str, Any]) -> Any:
    """A ufunc of single elements."""
    where = kwargs.pop("where", True)
    if where is not True:
        return selected(function, inputs, out, concrete(where), kwargs)
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
    return result if out is None else store(out, result, casting)


def selected(function: np.ufunc, inputs: tuple[Any, ...], out: Any, mask: Any, kwargs: dict[str, Any]) -> Any:
    """A ufunc with where=: computed for the chosen elements alone, so that no other one's infinity comes in."""
    mask = np.asarray(mask)
    shape = np.broadcast_shapes(mask.shape, *(np.shape(plain(x)) for x in inputs))
    if out is None:
        kind = function(*(np.ones((), np.asarray(plain(x)).dtype) for x in inputs), **plain(kwargs)).dtype
        out = wrap(np.zeros(shape, kind), None)
    mask = np.broadcast_to(mask, shape)
    chosen = tuple(function_of(np.broadcast_to, x, shape)[mask] for x in inputs)
    target = out if ids_of(out) is not None else wrap(out, None)
    target[mask] = elementwise(function, chosen, None, kwargs)
    return target


def scatter(function: np.ufunc, target: Any, index: Any, *values: Any) -> None:
    """`np.add.at(target, index, values)`, one step after another where an element comes twice."""
    index = concrete(index)
    places = np.arange(target.size).reshape(target.shape)[index]
    spread = (np.broadcast_to(places, np.broadcast_shapes(places.shape, *(np.shape(plain(v)) for v in values)))).ravel()
    rows = [function_of(np.broadcast_to, lifted(v), places.shape).ravel() for v in values]
    flat = target.flat
    # Rounds in which no element comes twice.
    turn = np.zeros(spread.size, int)
    seen: dict[int, int] = {}
    for position, place in enumerate(spread.tolist()):
        turn[position] = seen[place] = seen.get(place, -1) + 1
    for number in range(int(turn.max(initial=-1)) + 1):
        now = turn == number
        flat[spread[now]] = ufunc(function, "__call__", (flat[spread[now]], *(row[now] for row in rows)), {})


def store(out: Any, result: Any, casting: Any = "same_kind") -> Any:
    """`out=`: what NumPy would have written there, and its ids."""
    target = plain(out)
    value, ids = np.asarray(plain(result)), ids_of(result)
    if ids_of(out) is None:
        # A plain array that the recorder has not met: the caller goes on with a recording one over the same memory.
        out = wrap(target, None)
    np.copyto(target, value, casting=casting)
    out.known_ids[...] = NOTHING if ids is None else recast(np.asarray(target), value, ids)
    return out


def recast(there: np.ndarray, value: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The ids of the values as `there` holds them, of whose dtype they may not have been."""
    if np.can_cast(value.dtype, there.dtype, "safe") or not (ids >= 0).any():
        return ids
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


def general(name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function that computes: every array, list of recorded numbers and recorded number in its arguments counts."""
    operands: list[Any] = []

    def slot(argument: Any, top: bool = True) -> Any:
        if type(argument) in (list, tuple) and hangs(argument):
            if all(ids_of(each) is None or np.ndim(plain(each)) == 0 for each in argument) or len(argument) == 0 or top:
                argument = lifted(argument)
            else:
                return tuple(slot(each, False) for each in argument)
        if isinstance(argument, np.ndarray) or ids_of(argument) is not None:
            operands.append(operand(argument))
            return Slot(len(operands) - 1)
        if type(argument) in (list, tuple):
            return tuple(slot(each, False) for each in argument)
        return original(argument)

    listed = name == "linalg.multi_dot"
    args = tuple(tuple(arg) if listed and type(arg) is list else arg for arg in args)
    value = func(*plain(args), **plain(kwargs))
    static_args = tuple(tuple(slot(e) for e in arg) if listed and type(arg) is tuple else slot(arg) for arg in args)
    static_kwargs = tuple((key, slot(argument)) for key, argument in kwargs.items() if key not in ("dtype", "casting"))
    if not any(isinstance(o, Use) for o in operands):
        return wrap_all(shaken(value))
    if name not in GENERAL:
        refuse(f"np.{name}", "write it with operators, dot, sum and the like")
    recorder = active()
    assert recorder is not None
    if isinstance(value, tuple):
        results = [
            wrap(*recorder.emit(name, (static_args, static_kwargs, k), tuple(operands), np.asarray(each)))
            for k, each in enumerate(value)
        ]
        return value._make(results) if hasattr(value, "_make") else tuple(results)
    value = value if isinstance(value, np.ndarray) else np.asarray(value)[()]
    return wrap(*recorder.emit(name, (static_args, static_kwargs, None), tuple(operands), value))


def shaken(value: Any) -> Any:
    """The value as the recorder would have it: off by one eps where rounding is being measured."""
    recorder = active()
    if recorder is None or recorder.shake is None or not isinstance(value, np.ndarray | np.floating):
        return value
    return recorder.emit("", None, (), value)[0]


def wrap_all(value: Any) -> Any:
    """Recording arrays for all arrays in a result, hanging on nothing."""
    if isinstance(value, np.ndarray):
        return wrap(value, None)
    if isinstance(value, tuple):
        parts = [wrap_all(each) for each in value]
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    return [wrap_all(each) for each in value] if type(value) is list else value


def lifted(value: Any, dtype: Any = None) -> Any:
    """np.array of nested lists, tuples and numbers with what is recorded in them; recording arrays as they are."""
    from rnn_jax.verify.trace.arrays import Recorded

    if isinstance(value, Recorded) and dtype is None:
        return value
    numbers = np.array(plain(value), dtype=dtype)
    if not hangs(value):
        return wrap(numbers, ids_of(value).copy() if isinstance(value, Recorded) else None)  # type: ignore[union-attr]

    def nested(part: Any) -> Any:
        if type(part) in (list, tuple):
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
    return made if isinstance(made, np.ndarray) else Recorded.make(np.asarray(numbers), ids)


def unlisted(key: Any) -> Any:
    """An index as NumPy understands it: a list is an array."""
    return key


def like(ids: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The ids as a matrix where the values are one: a matrix is indexed in its own way."""
    return ids.view(np.matrix) if isinstance(value, np.matrix) else ids


def parallel(source: Any, value: Any, ids: np.ndarray) -> Any:
    """What NumPy made of `source` as a view or as a copy, as it chose: the ids the same way."""
    if ids.size and np.may_share_memory(ids, source.known_ids) and not np.may_share_memory(value, source.plain):
        ids = ids.copy()
    return wrap(value, ids)


def as_matrix(value: Any) -> Any:
    """np.asmatrix for recording arrays."""
    from rnn_jax.verify.trace.arrays import Recorded

    value = lifted(value)
    matrix = np.asmatrix(value.plain)
    return Recorded.make(matrix, value.known_ids.reshape(matrix.shape))


def dtype_of(dtype: Any) -> np.dtype:
    """A dtype from whatever stands for one."""
    return np.dtype(original(dtype))


def original(value: Any) -> Any:
    """NumPy's own where a stand-in of ours was passed."""
    from rnn_jax.verify.trace.stand_ins import original as own

    return own(value)


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
        recorder.tape.exits.append((name, here()))
    return float(value.plain)
