"""Numbers that record what is done with them: NumPy's scalars, and Python's floats that came from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.recorder import active, wrap
from rnn_jax.verify.trace.tape import NOTHING


def method_of(name: str) -> Any:
    """The method that is NumPy's function of its name."""
    function = getattr(np, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return dispatch.function(function, (self, *args), kwargs)

    return method


class Number:
    """What NumPy's float scalars and Python's floats are on the tape: a float, and its id."""

    of: np.generic  # NumPy's own
    id: int = NOTHING
    weak: bool = False  # it was a Python float, which gives way to float32

    @property
    def plain(self) -> Any:
        return self.of.item() if self.weak else self.of

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

    def __float__(self) -> float:
        return dispatch.leave("float", self)

    def __round__(self, digits: int | None = None) -> Any:
        if digits is None:
            return dispatch.decide(round, self)
        return dispatch.function(np.round, (self, digits), {})

    def __hash__(self) -> int:
        return hash(self.plain)

    def __format__(self, spec: str) -> str:
        return format(self.plain, spec)

    def __repr__(self) -> str:
        return repr(self.plain)

    def __str__(self) -> str:
        return str(self.plain)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild_number, (self.plain, self.id)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __getitem__(self, key: Any) -> Any:
        return wrap(np.asarray(self.plain), np.asarray(self.id))[key]

    T = property(lambda self: self)
    real = property(lambda self: self)

    def astype(self, dtype: Any, **kwargs: Any) -> Any:
        return wrap(np.asarray(self.plain), np.asarray(self.id)).astype(dtype)[()]

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        return wrap(np.asarray(self.plain), np.asarray(self.id)).reshape(*shape, **kwargs)

    def copy(self) -> Any:
        return self


for _name, _ufunc in {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
}.items():

    def _forward(self: Any, other: Any, _ufunc: Any = _ufunc) -> Any:
        return binary(_ufunc, self, other)

    def _reflected(self: Any, other: Any, _ufunc: Any = _ufunc) -> Any:
        return binary(_ufunc, other, self)

    setattr(Number, f"__{_name}__", _forward)
    setattr(Number, f"__r{_name}__", _reflected)
for _name, _unary in {"neg": np.negative, "pos": np.positive, "abs": np.absolute}.items():

    def _alone(self: Any, _ufunc: Any = _unary) -> Any:
        return keep_weak(dispatch.ufunc(_ufunc, "__call__", (self,), {}), self)

    setattr(Number, f"__{_name}__", _alone)
for _name, _ufunc in {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}.items():

    def _compare(self: Any, other: Any, _ufunc: Any = _ufunc) -> Any:
        return dispatch.ufunc(_ufunc, "__call__", (self, other), {})

    setattr(Number, f"__{_name}__", _compare)
for _name in (
    "all any argmax argmin clip cumprod cumsum dot max mean min prod ravel repeat round squeeze std sum transpose var"
).split():
    setattr(Number, _name, method_of(_name))


class Float64(Number, np.float64):
    """A recorded np.float64."""


class Float32(Number, np.float32):
    """A recorded np.float32."""


class Float16(Number, np.float16):
    """A recorded np.float16."""


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


def keep_weak(result: Any, *operands: Any) -> Any:
    """A Python float of Python floats stays one."""
    if isinstance(result, Number) and all(getattr(o, "weak", type(o) in (float, int, bool)) for o in operands):
        result.weak = True
    return result


def binary(ufunc: np.ufunc, left: Any, right: Any) -> Any:
    """An operator between numbers; NotImplemented for what is none."""
    if isinstance(left, str | list | tuple | dict | None.__class__) or isinstance(right, str | list | tuple | dict):
        return NotImplemented
    return keep_weak(dispatch.ufunc(ufunc, "__call__", (left, right), {}), left, right)


def _rebuild_number(value: Any, at: int) -> Any:
    if active() is None:
        return value
    return weak(number(np.float64(value), at)) if type(value) is float else number(value, at)
