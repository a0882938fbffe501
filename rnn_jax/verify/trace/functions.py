"""How each function of NumPy's that is no ufunc is recorded: a handler for every kind that kinds.py names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch, kinds, movements
from rnn_jax.verify.trace.naming import name_of, without_out
from rnn_jax.verify.trace.operations import GENERAL
from rnn_jax.verify.trace.recorder import active, concrete, hangs, leaving, operand, plain, refuse, wrap

Args = tuple[Any, ...]
Named = dict[str, Any]
Handler = Callable[[Any, Args, Named], Any]


def handler(func: Any) -> Handler:
    """How to record this function."""
    return HANDLERS.get(name_of(func), refused)


def anything(args: Args, kwargs: Named) -> bool:
    """Whether an argument hangs on the tape."""
    return any(hangs(a) for a in (*args, *kwargs.values()))


def creates(func: Any, args: Args, kwargs: Named) -> Any:
    """A new array that hangs on nothing."""
    for given in (*args, *kwargs.values()):
        if hangs(given) and np.asarray(plain(given)).dtype.kind == "f":
            refuse(f"np.{name_of(func)} of recorded numbers", "compute them from np.arange or np.ones")
    return dispatch.wrap_all(func(*concrete(args), **{k: concrete(v) for k, v in kwargs.items()}))


def likes(func: Any, args: Args, kwargs: Named) -> Any:
    """A new array of the shape of another."""
    return dispatch.wrap_all(func(*plain(args), **plain(kwargs)))


def fromiter(func: Any, args: Args, kwargs: Named) -> Any:
    """np.fromiter: the numbers first, to see what hangs on them."""
    names = ("iter", "dtype", "count")
    given = dict(zip(names, args, strict=False)) | kwargs
    numbers = list(given["iter"])[: None if given.get("count", -1) < 0 else given["count"]]
    return dispatch.lifted(numbers, dispatch.dtype_of(given["dtype"]))


def fromfunction(func: Any, args: Args, kwargs: Named) -> Any:
    """np.fromfunction: one call with all indices."""
    made, shape, *rest = args
    dtype = kwargs.pop("dtype", rest[0] if rest else float)
    indices = dispatch.function_of(np.indices, shape, dtype=dispatch.dtype_of(dtype))
    kwargs.pop("like", None)
    return made(*indices, **kwargs)


def astype(func: Any, args: Args, kwargs: Named) -> Any:
    """np.astype."""
    array, dtype = args
    return dispatch.cast(dispatch.lifted(array), dispatch.dtype_of(dtype), copy=kwargs.get("copy", True))


def imag(func: Any, args: Args, kwargs: Named) -> Any:
    """0 for what is real."""
    return dispatch.wrap_all(func(*plain(args), **plain(kwargs)))


def same(func: Any, args: Args, kwargs: Named) -> Any:
    """What is real already."""
    given = args[0] if args else next(iter(kwargs.values()))
    return given.real if isinstance(given, np.ndarray) else dispatch.lifted(given)[()]


def discrete(func: Any, args: Args, kwargs: Named) -> Any:
    """Compute, and guard the result."""
    args, kwargs, out = without_out(func, args, kwargs)
    outcome = func(*plain(args), **plain(kwargs))
    recorder = active()
    if recorder is not None and anything(args, kwargs):
        where: list[Any] = [k for k, a in enumerate(args) if hangs(a)] + [k for k, a in kwargs.items() if hangs(a)]
        rest, named = list(plain(args)), plain(kwargs)

        def decide(*given: Any) -> Any:
            for k, value in zip(where, given, strict=True):
                (rest if isinstance(k, int) else named)[k] = value
            return func(*rest, **named)

        found = [args[k] if isinstance(k, int) else kwargs[k] for k in where]
        recorder.guard(decide, tuple(operand(dispatch.lifted(each)) for each in found), outcome)
    made = dispatch.wrap_all(outcome)
    return made if out is None else dispatch.store(out, made)


def asks(func: Any, args: Args, kwargs: Named) -> Any:
    """Nothing to record."""
    return func(*plain(args), **plain(kwargs))


def shows(func: Any, args: Args, kwargs: Named) -> Any:
    """Text, or a file."""
    leaving(f"np.{name_of(func)}", [*args, *kwargs.values()], shown=True)
    return func(*plain(args), **plain(kwargs))


def clip(func: Any, args: Args, kwargs: Named) -> Any:
    """np.clip: the lower bound, then the upper one."""
    names = ("a", "a_min", "a_max", "out")
    given = dict(zip(names, args, strict=False)) | {
        {"min": "a_min", "max": "a_max"}.get(key, key): value
        for key, value in kwargs.items()
        if value is not np._NoValue
    }
    value, out = given.pop("a"), given.pop("out", None)
    bounds = (("a_min", np.maximum), ("a_max", np.minimum))
    for bound, ufunc in bounds:
        if not dispatch.unsaid(given.get(bound)):
            value = dispatch.ufunc(ufunc, "__call__", (value, given[bound]), {})
    return value if out is None else dispatch.store(out, value)


def computes(func: Any, args: Args, kwargs: Named) -> Any:
    """An operation on the tape."""
    args, kwargs, out = without_out(func, args, kwargs)
    kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue}
    if hangs(kwargs.get("initial")):
        refuse(f"np.{name_of(func)} with a recorded initial value", "compute with it afterwards")
    settled = ("where", "axis", "ddof", "initial", "keepdims")
    kwargs = {k: concrete(v) if k in settled and v is not None else v for k, v in kwargs.items()}
    value = dispatch.general(name_of(func), func, args, kwargs, out)
    return value if out is None else dispatch.store(out, value, "unsafe")


def apply_along_axis(func: Any, args: Args, kwargs: Named) -> Any:
    """np.apply_along_axis: the function for each line, one after another."""
    if args and len(args) >= 3 and hangs(args[2]):
        made, axis, array = args[0], args[1], dispatch.lifted(args[2])
        lines = dispatch.function_of(np.moveaxis, array, axis, -1)
        results = [made(lines[place], *args[3:], **kwargs) for place in np.ndindex(lines.shape[:-1])]
        if all(np.ndim(plain(each)) == 0 for each in results):
            return dispatch.lifted(results).reshape(lines.shape[:-1])
        if any(np.ndim(plain(each)) != 1 for each in results):
            refuse("np.apply_along_axis of a function that gives matrices", "write a loop")
        stacked = dispatch.function_of(np.stack, results).reshape((*lines.shape[:-1], -1))
        return dispatch.function_of(np.moveaxis, stacked, -1, axis)
    return refused(func, args, kwargs)


def refused(func: Any, args: Args, kwargs: Named) -> Any:
    """Right as long as nothing that is recorded comes in."""
    if anything(args, kwargs):
        refuse(f"np.{name_of(func)}", "write it with operators, dot, sum and the like")
    return dispatch.wrap_all(func(*plain(args), **plain(kwargs)))


def joined(real: Any, key: Any) -> Any:
    """np.r_ and np.c_ with recorded arrays between the brackets."""
    parts = key if isinstance(key, tuple) else (key,)
    parts = tuple(dispatch.wrap_all(np.r_[each]) if isinstance(each, slice) else each for each in parts)
    if not hangs(parts):
        return dispatch.wrap_all(real[plain(key)])
    values = real[tuple(plain(each) for each in parts)]
    ids = real[tuple(each if isinstance(each, str) else shadow_of(each) for each in parts)]
    if np.shape(values) != np.shape(ids):
        refuse("np.r_ in this way", "use np.concatenate")
    return wrap(values, np.asarray(ids))


def shadow_of(part: Any) -> Any:
    """The ids of one part, as an array where the part is a list."""
    ids = movements.shadow(part)
    return np.array(ids) if isinstance(ids, list | tuple) else ids


HANDLERS: dict[str, Handler] = (
    dict.fromkeys(kinds.REFUSED, refused)
    | dict.fromkeys(GENERAL, computes)
    | dict.fromkeys(kinds.MOVES, movements.moves)
    | dict.fromkeys(kinds.WRITES, movements.writes)
    | dict.fromkeys(kinds.CREATES, creates)
    | dict.fromkeys(kinds.LIKES, likes)
    | dict.fromkeys(kinds.FILLS, movements.fills)
    | dict.fromkeys(kinds.CONVERTS, movements.converts)
    | dict.fromkeys(kinds.MATRICES, movements.matrices)
    | dict.fromkeys(kinds.DISCRETE, discrete)
    | dict.fromkeys(kinds.ASKS, asks)
    | dict.fromkeys(kinds.SHOWS, shows)
    | dict.fromkeys(kinds.SORTS, movements.sorts)
    | dict.fromkeys(kinds.SAME, same)
    | {name: globals().get(name) or getattr(movements, name) for name in kinds.PECULIAR}
)
