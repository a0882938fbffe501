"""Functions that move numbers, write them or make arrays of them: what is done with the values is done with the ids."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.kinds import FILLING, MOVES, WRITES
from rnn_jax.verify.trace.naming import name_of, without_out
from rnn_jax.verify.trace.recorder import concrete, hangs, ids_of, plain, refuse, wrap
from rnn_jax.verify.trace.tape import NOTHING

Args = tuple[Any, ...]
Named = dict[str, Any]


def moves(func: Any, args: Args, kwargs: Named) -> Any:
    """Do with the ids what NumPy does with the values."""
    args, kwargs, out = without_out(func, args, kwargs)
    dtype, which = kwargs.pop("dtype", None), MOVES[name_of(func)]
    values = func(*plain(args), **plain(kwargs))
    # Where zeros come in, 0 has to be nobody's id.
    lift = 1 if name_of(func) in FILLING and not same_memory(values, args[:1]) else 0
    shadows = [shadow(a, lift) if k in which else concrete(a) for k, a in enumerate(args)]
    named = {k: shadow(a, lift) if k in which else concrete(a) for k, a in kwargs.items()}
    result = both(values, func(*shadows, **named), lift)
    if dtype is not None:
        result = dispatch.cast(result, dispatch.dtype_of(dtype), kwargs.get("casting", "same_kind"))
    return result if out is None else dispatch.store(out, result, "unsafe")


def same_memory(values: Any, given: Args) -> bool:
    """Whether a result is a view of the argument, as np.diag's of a matrix."""
    return any(isinstance(a, np.ndarray) and np.may_share_memory(values, plain(a)) for a in given)


def shadow(argument: Any, lift: int = 0) -> Any:
    """The ids in place of the values, in lists as in arrays."""
    if type(argument) in (list, tuple):
        return type(argument)(shadow(each, lift) for each in argument)
    if argument is None:
        return None
    ids = ids_of(argument)
    if ids is not None:
        return dispatch.like(ids + lift if lift else np.asarray(ids), plain(argument))
    if isinstance(argument, np.ndarray):
        return np.full_like(argument, NOTHING + lift, dtype=int)
    return NOTHING + lift


def both(values: Any, ids: Any, lift: int = 0) -> Any:
    """Recording arrays of values and ids that have the same structure."""
    if isinstance(values, list | tuple):
        parts = [both(v, i, lift) for v, i in zip(values, ids, strict=True)]
        return values._make(parts) if hasattr(values, "_make") else type(values)(parts)
    return wrap(values, np.asarray(ids) - lift if lift else np.asarray(ids))


def where(func: Any, args: Args, kwargs: Named) -> Any:
    """np.where: a choice between two arrays, or with one argument the places where it holds."""
    if len(args) == 1 and not kwargs:
        from rnn_jax.verify.trace.functions import discrete

        return discrete(func, args, kwargs)
    mask, *rest = args
    return both(func(*plain(args)), func(concrete(mask), *(shadow(a) for a in rest)))


def pad(func: Any, args: Args, kwargs: Named) -> Any:
    """np.pad, as long as what it puts around comes from the array or is constant."""
    given = dict(zip(("array", "pad_width", "mode"), args, strict=False)) | kwargs
    array, width, mode = given.pop("array"), concrete(given.pop("pad_width")), given.pop("mode", "constant")
    if any(hangs(v) for v in given.values()):
        refuse("np.pad with constants that are recorded", "concatenate them")
    values = func(plain(array), width, mode, **plain(given))
    if mode in ("constant", "empty"):
        return wrap(values, func(shadow(array), width, "constant", constant_values=NOTHING))
    if hangs(array) and (mode not in ("edge", "reflect", "symmetric", "wrap") or given.get("reflect_type") == "odd"):
        refuse(f"np.pad with mode {mode!r}", "concatenate what is to stand there")
    return wrap(values, func(shadow(array), width, mode, **given) if hangs(array) else None)


def writes(func: Any, args: Args, kwargs: Named) -> Any:
    """Write the ids where NumPy writes the values."""
    text, written = WRITES[name_of(func)]
    given: Named = {}
    for key, value in [*zip(text.split(), args, strict=False), *kwargs.items()]:
        given[key] = value
    target, source = given.pop(text.split()[0]), given[written]
    if ids_of(target) is None:
        if any(hangs(a) for a in given.values()):
            dispatch.known(target)
        return func(target, **plain(given))
    ids = None
    if hangs(source):
        source = dispatch.lifted(source)
        ids = dispatch.recast(plain(target), plain(source), source.known_ids)
    func(plain(target), **plain(given))
    shadows = {k: concrete(v) for k, v in given.items() if k not in (written, "casting")}
    func(dispatch.like(target.known_ids, plain(target)), **shadows, **{written: NOTHING if ids is None else ids})
    return None


def fills(func: Any, args: Args, kwargs: Named) -> Any:
    """np.full and its like."""
    value = args[1] if len(args) > 1 else kwargs["fill_value"]
    made = dispatch.wrap_all(func(*plain(args), **plain(kwargs)))
    if hangs(value):
        made[...] = value
    return made


def converts(func: Any, args: Args, kwargs: Named) -> Any:
    """np.array and its like: a copy, or the very same array where NumPy would not copy."""
    given, rest = (args[0], args[1:]) if args else (None, ())
    if not args:
        kwargs = dict(kwargs)
        given = next(kwargs.pop(key) for key in ("object", "a", "obj") if key in kwargs)
    dtype = kwargs.get("dtype", rest[0] if rest else None)
    dtype = None if dtype is None else dispatch.dtype_of(dtype)
    if dtype is not None and dtype.kind not in "fiub" and hangs(given):
        return objects(given) if dtype.kind == "O" else refuse(f"an array of dtype {dtype}", "keep to real numbers")
    if hangs(given) and not isinstance(given, np.ndarray):
        given = dispatch.lifted(given)
    value = func(plain(given), *plain(rest), **plain(kwargs))
    ids = ids_of(given)
    if not isinstance(given, np.ndarray) or ids is None:
        return dispatch.wrap_all(value)
    if np.may_share_memory(value, plain(given)):
        alike = value.shape == given.shape and isinstance(value, np.matrix) == isinstance(plain(given), np.matrix)
        return given if alike else wrap(value, ids.reshape(value.shape))
    numbers = np.asarray(plain(given)).reshape(value.shape)
    return wrap(value, np.array(dispatch.recast(value, numbers, ids.reshape(value.shape))))


def objects(given: Any) -> Any:
    """An array of objects that holds what is recorded as it is."""
    made = np.empty(np.shape(plain(given)), object)
    for place in np.ndindex(made.shape):
        part = given
        for index in place:
            part = part[index]
        made[place] = part
    return made


def matrices(func: Any, args: Args, kwargs: Named) -> Any:
    """np.asmatrix, and np.matrix, which copies."""
    given, rest = (args[0], args[1:]) if args else (kwargs.get("data"), ())
    if not hangs(given) and ids_of(given) is None:
        return dispatch.wrap_all(func(*plain(args), **plain(kwargs)))
    if rest or set(kwargs) - {"data", "copy"}:
        refuse(f"np.{name_of(func)} with a dtype", "use astype")
    made = dispatch.as_matrix(given)
    return made.copy() if name_of(func) == "matrix" and kwargs.get("copy", True) else made


def sorts(func: Any, args: Args, kwargs: Named) -> Any:
    """Sorting moves elements along the order that argsort finds."""
    from rnn_jax.verify.trace.functions import discrete
    from rnn_jax.verify.trace.kinds import SORTS

    value = func(*plain(args), **plain(kwargs))
    if not any(hangs(a) for a in (*args, *kwargs.values())):
        return dispatch.wrap_all(value)
    kwargs = dict(kwargs)
    given = dispatch.lifted(args[0] if args else kwargs.pop("a"))
    kth = () if name_of(func) == "sort" else (args[1] if len(args) > 1 else kwargs.pop("kth"),)
    rest = args[1 + len(kth) :]
    axis = kwargs.pop("axis", rest[0] if rest else -1)
    if axis is None:
        given, axis = given.ravel(), 0
    how = kwargs if kth else {"kind": "stable"}
    order = discrete(getattr(np, SORTS[name_of(func)]), (given, *kth), {"axis": axis, **how})
    made = dispatch.function_of(np.take_along_axis, given, order, axis)
    if not np.array_equal(made.plain, value, equal_nan=True):
        refuse(f"np.{name_of(func)} in an order of its own", "use np.sort")
    return wrap(value, made.known_ids)  # NumPy's array, which may lie in memory in another order
