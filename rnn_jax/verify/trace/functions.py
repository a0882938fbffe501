"""Every function of NumPy's public list, sorted: how it is recorded, or that it is refused.

`KINDS` is the whole list by name; a test asks that no public name is missing. What a kind means is the handler of the
same name below. Ufuncs are in operations.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.operations import GENERAL
from rnn_jax.verify.trace.recorder import active, concrete, hangs, ids_of, operand, plain, refuse, wrap
from rnn_jax.verify.trace.tape import NOTHING, Use

Handler = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]

# Functions that only move elements, with the arguments that hold what is moved (by position or by name).
MOVES: dict[str, tuple[int | str, ...]] = {
    **dict.fromkeys(
        """
    reshape ravel transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis squeeze expand_dims flip fliplr
    flipud rot90 roll tile repeat take take_along_axis resize broadcast_to split array_split hsplit vsplit dsplit
    unstack diagonal diag diagflat tril triu atleast_1d atleast_2d atleast_3d delete compress extract copy
    linalg.diagonal linalg.matrix_transpose lib.stride_tricks.sliding_window_view trim_zeros
    """.split(),
        (0, "a", "m", "x", "ary", "arr", "array", "v", "A"),
    ),
    "concatenate": (0, "arrays"),
    "concat": (0, "arrays"),
    "stack": (0, "arrays"),
    "vstack": (0, "tup"),
    "hstack": (0, "tup"),
    "dstack": (0, "tup"),
    "column_stack": (0, "tup"),
    "row_stack": (0, "tup"),
    "block": (0, "arrays"),
    "append": (0, 1, "arr", "values"),
    "insert": (0, 2, "arr", "values"),
    "where": (1, 2, "x", "y"),
    "choose": (1, "choices"),
    "compress": (1, "a"),
    "extract": (1, "arr"),
    "select": (1, 2, "choicelist", "default"),
    "broadcast_arrays": tuple(range(32)),
    "meshgrid": tuple(range(32)),
    "atleast_1d": tuple(range(32)),
    "atleast_2d": tuple(range(32)),
    "atleast_3d": tuple(range(32)),
    "pad": (0, "array"),
}

# Functions that write into their first argument, with the arguments that are written.
WRITES: dict[str, tuple[int | str, ...]] = {
    "copyto": (0, 1, "dst", "src"),
    "put": (0, 2, "a", "v"),
    "place": (0, 2, "arr", "vals"),
    "putmask": (0, 2, "a", "values"),
    "fill_diagonal": (0, 1, "a", "val"),
    "put_along_axis": (0, 2, "arr", "values"),
}

# Functions that make arrays of sizes and constants.
CREATES = """
zeros ones empty eye identity arange linspace logspace geomspace tri indices fromfunction fromiter frombuffer fromfile
fromstring fromregex loadtxt genfromtxt load mask_indices tril_indices triu_indices tril_indices_from triu_indices_from
diag_indices diag_indices_from unravel_index ravel_multi_index ix_ hanning hamming blackman bartlett kaiser
zeros_like ones_like empty_like packbits unpackbits from_dlpack fft.fftfreq fft.rfftfreq bmat busday_count busday_offset
is_busday datetime_as_string datetime_data
""".split()

FILLS = "full full_like".split()
CONVERTS = "array asarray asanyarray ascontiguousarray asfortranarray require asarray_chkfinite asmatrix matrix".split()

# Functions of jumps: their result has no derivative, but hangs on the values, so that it is guarded.
DISCRETE = """
argmax argmin argsort argwhere argpartition nonzero flatnonzero count_nonzero searchsorted isclose allclose array_equal
array_equiv digitize isin in1d lexsort nanargmax nanargmin sort_complex isneginf isposinf isreal iscomplex
any all round around fix
""".split()

# Functions whose answer does not hang on the values, or goes to a person.
ASKS = """
shape ndim size iscomplexobj isrealobj isscalar isfortran result_type can_cast promote_types min_scalar_type
common_type mintypecode issubdtype isdtype finfo iinfo may_share_memory shares_memory array_repr array_str array2string
format_float_positional format_float_scientific set_printoptions get_printoptions printoptions base_repr binary_repr
save savez savez_compressed savetxt seterr geterr errstate seterrcall geterrcall setbufsize getbufsize show_config
show_runtime info get_include iterable broadcast_shapes einsum_path typename ndindex linalg.matrix_rank linalg.cond
test astype
""".split()

SORTS = "sort partition msort".split()

SAME = "real real_if_close".split()

REFUSED = """
apply_along_axis piecewise frompyfunc nditer nested_iters lib.stride_tricks.as_strided
histogram histogram2d histogramdd histogram_bin_edges bincount unique unique_all unique_counts unique_inverse
unique_values intersect1d union1d setdiff1d setxor1d
poly roots polyfit polyadd polysub polymul polydiv polyder polyint
nancumsum nancumprod nanstd nanvar nanpercentile nanquantile
angle imag unwrap i0 sinc apply_over_axes
linalg.lstsq linalg.qr linalg.svd linalg.eig linalg.eigvals linalg.tensorinv linalg.tensorsolve
fft.fft fft.ifft fft.rfft fft.irfft fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2 fft.fftn fft.ifftn fft.rfftn fft.irfftn
fft.hfft fft.ihfft fft.fftshift fft.ifftshift
""".split()


def handler(func: Any) -> Handler:
    """How to record this function."""
    return HANDLERS.get(name_of(func), unknown)


def name_of(func: Any) -> str:
    """linalg.norm for np.linalg.norm, sum for np.sum."""
    module = getattr(func, "__module__", None) or "numpy"
    name = getattr(func, "__name__", str(func))
    return f"{module.removeprefix('numpy').removeprefix('.')}.{name}".removeprefix(".")


def moves(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Do with the ids what NumPy does with the values."""
    which = MOVES[name_of(func)]
    kwargs = dict(kwargs)
    out, dtype = kwargs.pop("out", None), kwargs.pop("dtype", None)
    args, kwargs = listed(args, kwargs, which)
    values = func(*(plain(a) for a in args), **{k: plain(v) for k, v in kwargs.items()})
    shadow_args = [shadow(a) if k in which else concrete(a) for k, a in enumerate(args)]
    shadow_kwargs = {k: shadow(a) if k in which else concrete(a) for k, a in kwargs.items()}
    if name_of(func) == "where" and len(args) == 1:
        return discrete(func, args, kwargs)
    if name_of(func) == "pad":
        if any(hangs(v) for v in kwargs.values()):
            refuse("np.pad with constants that are recorded", "concatenate them")
        if kwargs.get("mode", args[2] if len(args) > 2 else "constant") in ("constant", "empty"):
            shadow_kwargs = {k: v for k, v in shadow_kwargs.items() if k != "constant_values"} | {
                "constant_values": NOTHING
            }
    if name_of(func) in ("tril", "triu", "diag", "diagflat"):  # they fill with 0
        shadow_args[0] = shadow_args[0] - NOTHING
    ids = func(*shadow_args, **shadow_kwargs)
    if name_of(func) in ("tril", "triu", "diag", "diagflat"):
        made = values if isinstance(values, np.ndarray) else None
        ids = ids + NOTHING
        if made is not None and np.may_share_memory(made, plain(args[0])):
            ids = func(shadow(args[0]), *shadow_args[1:], **shadow_kwargs)
    result = both(values, ids, args)
    if dtype is not None:
        result = dispatch.cast(result, dispatch.dtype_of(dtype), kwargs.get("casting", "unsafe"))
    return result if out is None else dispatch.store(out, result, "unsafe")


def listed(args: tuple[Any, ...], kwargs: dict[str, Any], which: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments that are moved as recording arrays, or as lists of them."""

    def lift(argument: Any) -> Any:
        if isinstance(argument, list | tuple):
            return [lift(each) if isinstance(each, list | tuple) else array(each) for each in argument]
        return array(argument)

    def array(argument: Any) -> Any:
        return argument if argument is None or ids_of(argument) is not None else dispatch.lifted(argument)

    args = tuple(lift(a) if k in which else a for k, a in enumerate(args))
    return args, {k: lift(a) if k in which else a for k, a in kwargs.items()}


def shadow(argument: Any) -> Any:
    """The ids in place of the values."""
    if isinstance(argument, list):
        return [shadow(each) for each in argument]
    if argument is None:
        return None
    ids = ids_of(argument)
    return dispatch.like(np.asarray(ids), plain(argument)) if ids is not None else NOTHING


def both(values: Any, ids: Any, args: tuple[Any, ...]) -> Any:
    """Recording arrays of values and ids that have the same structure."""
    if isinstance(values, list | tuple):
        return type(values)(both(v, i, args) for v, i in zip(values, ids, strict=True))
    ids = np.asarray(ids)
    source = args[0] if args else None
    if source is not None and ids_of(source) is not None and isinstance(source, np.ndarray):
        return dispatch.parallel(source, values, ids)
    return wrap(values, ids)


def writes(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Write the ids where NumPy writes the values."""
    which = WRITES[name_of(func)]
    target = args[0] if args else next(kwargs[k] for k in which if k in kwargs)
    if ids_of(target) is None:
        if any(hangs(a) for a in (*args, *kwargs.values())):
            refuse(f"np.{name_of(func)} into an array that the recorder has not met", "make it with np.zeros")
        return func(*plain(args), **plain(kwargs))
    lift = [dispatch.lifted(a) if k in which and k != 0 else a for k, a in enumerate(args)]
    lift_kw = {k: dispatch.lifted(a) if k in which else a for k, a in kwargs.items()}
    sources = [a for k, a in [*enumerate(lift), *lift_kw.items()] if k in which and k != 0]
    shadows = [
        dispatch.recast(plain(target), np.asarray(plain(a)), np.asarray(ids_of(a)))
        if any(a is s for s in sources)
        else shadow(a)
        if k in which
        else concrete(a)
        for k, a in enumerate(lift)
    ]
    shadow_kw = {k: shadow(a) if k in which else concrete(a) for k, a in lift_kw.items()}
    result = func(*plain(tuple(lift)), **plain(lift_kw))
    shadow_kw.pop("casting", None)
    func(*shadows, **shadow_kw)
    return result


def creates(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A new array that hangs on nothing."""
    return dispatch.wrap_all(func(*concrete_all(args), **{k: concrete(v) for k, v in kwargs.items()}))


def concrete_all(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """All arguments, plain."""
    return tuple(plain(a) if isinstance(a, np.ndarray) else concrete(a) for a in args)


def fills(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """np.full and its like."""
    value = args[1] if len(args) > 1 else kwargs["fill_value"]
    made = dispatch.wrap_all(func(*plain(args), **plain(kwargs)))
    if hangs(value):
        made[...] = value
    return made


def converts(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """np.array and its like: a copy, or the very same array where NumPy would not copy."""
    given, name = args[0] if args else kwargs.pop("object", kwargs.pop("a", None)), name_of(func)
    if name in ("asmatrix", "matrix"):
        return dispatch.as_matrix(given)
    dtype = kwargs.get("dtype", args[1] if len(args) > 1 else None)
    dtype = None if dtype is None else dispatch.dtype_of(dtype)
    if ids_of(given) is None and not hangs(given):
        return dispatch.wrap_all(func(plain(given), *plain(args[1:]), **plain(kwargs)))
    if dtype is not None and dtype.kind not in "fiub":
        if dtype.kind == "O":
            made = np.empty(np.shape(plain(given)), object)
            for place in np.ndindex(made.shape):
                made[place] = at(given, place)
            return made
        refuse(f"an array of dtype {dtype}", "keep to real numbers")
    if not isinstance(given, np.ndarray):
        return dispatch.lifted(given, dtype)
    value = func(plain(given), *plain(args[1:]), **plain(kwargs))
    same = np.may_share_memory(value, plain(given))
    if same and value.shape == given.shape:
        return given
    ids = np.array(ids_of(given))
    if value.ndim > ids.ndim:  # ndmin=
        ids = ids.reshape(value.shape)
    return wrap(value, dispatch.recast(value, np.asarray(plain(given)).reshape(value.shape), ids))


def at(nested: Any, place: tuple[int, ...]) -> Any:
    """The element of an array or of nested lists."""
    for index in place:
        nested = nested[index]
    return nested


def discrete(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Compute, and guard the result."""
    outcome = func(*plain(args), **plain(kwargs))
    recorder = active()
    places = [k for k, a in enumerate(args) if hangs(a)]
    if recorder is not None and (places or any(hangs(v) for v in kwargs.values())):
        rest, named = list(plain(args)), plain(kwargs)

        def decide(*given: Any) -> Any:
            for k, value in zip(places, given, strict=True):
                rest[k] = value
            return func(*rest, **named)

        recorder.guard(decide, tuple(operand(dispatch.lifted(args[k])) for k in places), outcome)
    return dispatch.wrap_all(outcome)


def asks(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Nothing to record."""
    return func(*plain(args), **plain(kwargs))


def sorts(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Sorting moves elements along the order that argsort finds."""
    given = dispatch.lifted(args[0])
    axis = kwargs.get("axis", args[1] if len(args) > 1 else -1)
    if axis is None:
        given, axis = given.ravel(), 0
    order = discrete(np.argsort, (given,), {"axis": axis, "kind": "stable"})
    return dispatch.function_of(np.take_along_axis, given, order, axis)


def same(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What is real already."""
    return dispatch.lifted(args[0])


def clips(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """np.clip: the lower bound, then the upper one."""
    names = ("a", "a_min", "a_max", "out")
    given = dict(zip(names, args, strict=False)) | {
        {"min": "a_min", "max": "a_max"}.get(key, key): value
        for key, value in kwargs.items()
        if value is not np._NoValue
    }
    value = given["a"]
    for bound, ufunc in (("a_min", np.maximum), ("a_max", np.minimum)):
        if given.get(bound) is not None:
            value = dispatch.ufunc(ufunc, "__call__", (value, given[bound]), {})
    return value if given.get("out") is None else dispatch.store(given["out"], value)


def computes(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """An operation on the tape."""
    kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue}
    out = kwargs.pop("out", None)
    name = name_of(func)
    where = kwargs.get("where")
    if where is not None:
        kwargs["where"] = concrete(where)
    kwargs = {
        k: concrete(v) if k in ("axis", "ddof", "initial", "keepdims") and v is not None else v
        for k, v in kwargs.items()
    }
    value = dispatch.general(name, func, args, kwargs)
    return value if out is None else dispatch.store(out, value, "unsafe")


def refused(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Right as long as nothing that is recorded comes in."""
    if any(hangs(a) for a in (*args, *kwargs.values())):
        refuse(f"np.{name_of(func)}", "write it with operators, dot, sum and the like")
    return dispatch.wrap_all(func(*plain(args), **plain(kwargs)))


unknown = refused

HANDLERS: dict[str, Handler] = (
    dict.fromkeys(REFUSED, refused)
    | dict.fromkeys(GENERAL, computes)
    | dict.fromkeys(MOVES, moves)
    | dict.fromkeys(WRITES, writes)
    | dict.fromkeys(CREATES, creates)
    | dict.fromkeys(FILLS, fills)
    | dict.fromkeys(CONVERTS, converts)
    | dict.fromkeys(DISCRETE, discrete)
    | dict.fromkeys(ASKS, asks)
    | dict.fromkeys(SORTS, sorts)
    | dict.fromkeys(SAME, same)
    | {"clip": clips}
)

__all__ = ["HANDLERS", "Use", "handler", "name_of"]
