"""Numbers that record what is done with them: NumPy's scalars, and Python's floats that came from them.

Their arithmetic is done by the numbers themselves, not by ufuncs: a ufunc's power is another loop than a scalar's and
may differ from it in the last bit, and Python's floats raise where NumPy's warn.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.recorder import MAKERS, Marked, active, leaving, operand, refuse, wrap
from rnn_jax.verify.trace.tape import NOTHING


def method_of(name: str) -> Any:
    """The method that is NumPy's function of its name."""
    function = getattr(np, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return dispatch.function(function, (self, *args), kwargs)

    return method


class Number(Marked):
    """What NumPy's float scalars and Python's floats are on the tape: a float, and its id."""

    of: np.generic  # NumPy's own
    id: int = NOTHING
    weak: bool = False  # it was a Python float, which gives way to float32

    @property
    def plain(self) -> Any:
        return self.of.item() if self.weak else self.of

    @property
    def known_ids(self) -> np.ndarray:
        return np.asarray(self.id)

    @property
    def array(self) -> Any:
        """The number as a recording array without axes."""
        return wrap(np.asarray(self.plain), np.asarray(self.id))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return dispatch.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return dispatch.function(func, args, kwargs)

    def item(self, *key: Any) -> Any:
        return weak(self)

    tolist = item

    def __bool__(self) -> bool:
        return dispatch.decide(bool, self)

    def __int__(self) -> int:
        return dispatch.decide(int, self)

    __trunc__ = __int__

    def __floor__(self) -> int:
        return dispatch.decide(math.floor, self)

    def __ceil__(self) -> int:
        return dispatch.decide(math.ceil, self)

    def is_integer(self) -> bool:
        return dispatch.decide(lambda x: float(x).is_integer(), self)

    def __float__(self) -> float:
        return dispatch.leave("float", self)

    def __complex__(self) -> complex:
        return complex(dispatch.leave("complex", self))

    def __round__(self, digits: int | None = None) -> Any:
        # Flat between its jumps: a decision.
        return dispatch.decide(lambda x: round(x.item() if isinstance(x, np.ndarray) else x, digits), self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __hash__(self) -> int:
        return hash(self.plain)

    def __format__(self, spec: str) -> str:
        leaving("format", self, shown=True)
        return format(self.plain, spec)

    def __repr__(self) -> str:
        leaving("repr", self, shown=True)
        return repr(self.plain)

    def __str__(self) -> str:
        leaving("str", self, shown=True)
        return str(self.plain)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild_number, (self.plain, self.id)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __getitem__(self, key: Any) -> Any:
        return self.array[key]

    T = property(lambda self: self)
    real = property(lambda self: self)
    imag = property(lambda self: type(self.plain)(0.0))
    flat = property(lambda self: self.array.flat)

    def astype(self, dtype: Any, **kwargs: Any) -> Any:
        return self.array.astype(dtype)[()]

    def copy(self) -> Any:
        return self

    conj = conjugate = copy


_OPERATORS: dict[str, tuple[np.ufunc, Callable[..., Any]]] = {
    "add": (np.add, operator.add),
    "sub": (np.subtract, operator.sub),
    "mul": (np.multiply, operator.mul),
    "truediv": (np.divide, operator.truediv),
    "floordiv": (np.floor_divide, operator.floordiv),
    "mod": (np.remainder, operator.mod),
    "pow": (np.power, operator.pow),
    "lt": (np.less, operator.lt),
    "le": (np.less_equal, operator.le),
    "gt": (np.greater, operator.gt),
    "ge": (np.greater_equal, operator.ge),
    "eq": (np.equal, operator.eq),
    "ne": (np.not_equal, operator.ne),
}


def _define(name: str, ufunc: np.ufunc, how: Callable[..., Any]) -> None:
    """Put an operator and its reflection into Number."""

    def forward(self: Any, other: Any) -> Any:
        return binary(ufunc, how, self, other)

    def reflected(self: Any, other: Any) -> Any:
        return binary(ufunc, how, other, self)

    setattr(Number, f"__{name}__", forward)
    if name not in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Number, f"__r{name}__", reflected)


for _name, (_ufunc, _how) in _OPERATORS.items():
    _define(_name, _ufunc, _how)


def _define_alone(name: str, ufunc: np.ufunc, how: Callable[..., Any]) -> None:
    def alone(self: Any) -> Any:
        return recorded(ufunc, how(self.plain), self)

    setattr(Number, f"__{name}__", alone)


for _name, _ufunc in {"neg": np.negative, "pos": np.positive, "abs": np.absolute}.items():
    _define_alone(_name, _ufunc, getattr(operator, _name))
for _name in (
    "all any argmax argmin clip cumprod cumsum dot max mean min prod ravel repeat reshape round squeeze std sum take "
    "transpose var argsort nonzero searchsorted"
).split():
    setattr(Number, _name, method_of(_name))
Number.flatten = Number.ravel  # type: ignore[attr-defined]


def _define_exit(name: str) -> None:
    """A method after which nobody knows where the number went."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        leaving(name, self)
        return getattr(self.plain, name)(*args, **kwargs)

    setattr(Number, name, method)


for _name in "as_integer_ratio hex tobytes tofile dump dumps getfield view byteswap".split():
    _define_exit(_name)


def _refused(name: str) -> Any:
    """A method of arrays that a number inherits and nobody calls on one."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return refuse(f"{name} of a single number", "call it on an array")

    return method


for _name in "choose compress diagonal fill put resize setfield sort swapaxes trace".split():
    setattr(Number, _name, _refused(_name))


def _kind(real: type) -> Any:
    """Number for one of NumPy's scalar types.

    NumPy's C code takes the first base for the dtype (and crashes where that is none of its own), so the scalar type
    comes before Number and Number's methods are put in front of it by hand.
    """
    ours = {k: v for k, v in vars(Number).items() if k not in ("__dict__", "__weakref__", "__annotations__")}
    return type(real.__name__.capitalize(), (real, Number), ours)


Float64, Float32, Float16 = _kind(np.float64), _kind(np.float32), _kind(np.float16)

_KINDS: dict[Any, Any] = {np.dtype(np.float64): Float64, np.dtype(np.float32): Float32, np.dtype(np.float16): Float16}


def number(value: np.generic, at: int) -> Any:
    """A recorded scalar of the value's dtype."""
    made = _KINDS[value.dtype](value)
    made.of, made.id = value, at
    return made


def weak(value: Any) -> Any:
    """As a Python number: what `.item()` gives."""
    if isinstance(value, Number):
        made = number(np.float64(value.plain), value.id)
        made.weak = True
        return made
    return value.item() if isinstance(value, np.generic) else value


def binary(ufunc: np.ufunc, how: Callable[..., Any], left: Any, right: Any) -> Any:
    """An operator between two numbers, or between a number and what NumPy makes of the other; else NotImplemented."""
    other = right if isinstance(left, Number) else left
    if isinstance(other, bool | int | float | np.bool | np.integer | np.floating):
        return recorded(ufunc, how(plain_of(left), plain_of(right)), left, right)
    if isinstance(other, np.ndarray):
        return dispatch.ufunc(ufunc, "__call__", (left, right), {})
    if isinstance(other, list | tuple) and not (getattr(left, "weak", False) or getattr(right, "weak", False)):
        return dispatch.ufunc(ufunc, "__call__", (left, right), {})
    if ufunc in (np.equal, np.not_equal):
        return ufunc is np.not_equal
    if isinstance(other, complex | np.complexfloating):
        refuse("arithmetic with complex numbers", "keep to real numbers")
    return NotImplemented


def plain_of(value: Any) -> Any:
    """A number without its recording."""
    return value.plain if isinstance(value, Number) else value


def recorded(ufunc: np.ufunc, value: Any, *operands: Any) -> Any:
    """What an operator gave, put on the tape as the ufunc that it is; a Python number stays one."""
    recorder = active()
    if recorder is None:
        return value
    if isinstance(value, complex | np.complexfloating):
        refuse("a complex result", "keep to real numbers")
    made = wrap(*recorder.emit(ufunc.__name__, None, tuple(operand(o) for o in operands), np.asarray(value)[()]))
    return weak(made) if isinstance(value, float) and not isinstance(value, np.generic) else made


def _rebuild_number(value: Any, at: int) -> Any:
    if active() is None:
        return value
    return weak(number(np.float64(value), at)) if type(value) is float else number(value, at)


MAKERS["number"] = number
