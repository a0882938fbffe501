"""Arrays and numbers that record what NumPy does with them.

A `Recorded` shares the memory of the array it stands for; its `ids` are an array of the same shape, and every view of
the one goes with the same view of the other, so that what is written through any alias is seen through all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.flat import Flat
from rnn_jax.verify.trace.numbers import method_of, weak
from rnn_jax.verify.trace.recorder import (
    MAKERS,
    Marked,
    active,
    concrete,
    hangs,
    in_layout,
    leaving,
    plain,
    refuse,
    wrap,
)


class Recorded(np.ndarray, Marked):
    """An ndarray with, beside each element, its id on the tape."""

    ids: np.ndarray | None = None

    @classmethod
    def make(cls, value: np.ndarray, ids: np.ndarray) -> Recorded:
        """A recording array over the memory of `value`."""
        made = value.view(RecordedMatrix if isinstance(value, np.matrix) else Recorded)
        made.ids = in_layout(value, ids.view(np.ndarray) if type(ids) is not np.ndarray else ids)
        return made

    @property
    def plain(self) -> np.ndarray:
        """The same memory as NumPy's own array."""
        return np.ndarray.view(self, np.ndarray)

    @property
    def known_ids(self) -> np.ndarray:
        """The ids, or an error where NumPy made this array without telling us from what."""
        if self.ids is None:
            refuse("an array that NumPy made inside a function unknown to the recorder", "use NumPy's own functions")
        assert self.ids is not None
        return self.ids

    # What NumPy calls.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return dispatch.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return dispatch.function(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.copy() if dtype is None else self.astype(dtype)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("dtype", "strides", "data"):
            refuse(f"assigning to .{name} of an array", "use astype or a slice")
        if name == "real":
            self[...] = value
            return
        object.__setattr__(self, name, value)
        if name == "shape" and self.ids is not None:
            self.ids = self.ids.reshape(self.shape)

    # Access.

    def __getitem__(self, key: Any) -> Any:
        key = concrete(key)
        return wrap(self.plain[key], np.asarray(dispatch.like(self.known_ids, self.plain)[key]))

    def __setitem__(self, key: Any, value: Any) -> None:
        dispatch.assign(self, concrete(key), value)

    def __iter__(self) -> Any:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    @property
    def T(self) -> Any:  # noqa: N802
        return wrap(self.plain.T, self.known_ids.T)

    @property
    def mT(self) -> Any:  # noqa: N802
        return wrap(self.plain.mT, self.known_ids.mT)

    @property
    def flat(self) -> Any:
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[:] = value

    @property
    def real(self) -> Any:
        return wrap(self.plain[...], self.known_ids[...])

    @property
    def imag(self) -> Any:
        return wrap(np.zeros_like(self.plain), None)

    @property
    def base(self) -> Any:
        if active() is not None:
            refuse("ndarray.base", "keep the array itself")
        return np.ndarray.base.__get__(self)

    @property
    def data(self) -> Any:
        leaving("ndarray.data", self)
        return self.plain.data

    @property
    def ctypes(self) -> Any:
        leaving("ndarray.ctypes", self)
        return self.plain.ctypes

    def __dlpack__(self, **kwargs: Any) -> Any:
        leaving("dlpack", self)
        return self.plain.__dlpack__(**kwargs)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, (np.array(self.plain), np.array(self.known_ids))

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    # Numbers of it.

    def __bool__(self) -> bool:
        return dispatch.decide(bool, self)

    def __int__(self) -> int:
        return dispatch.decide(int, self)

    def __index__(self) -> int:
        return dispatch.decide(lambda x: x.__index__(), self)

    def __float__(self) -> float:
        return dispatch.leave("float", self)

    def __complex__(self) -> complex:
        return complex(dispatch.leave("complex", self))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def item(self, *key: Any) -> Any:
        if not key and self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        if len(key) == 1 and isinstance(key[0], tuple):
            key = key[0]
        at = tuple(key) if len(key) > 1 else np.unravel_index(key[0] if key else 0, self.shape)
        return weak(self[tuple(int(i) for i in at)])

    def tolist(self) -> Any:
        if not hangs(self):
            return self.plain.tolist()
        if self.ndim == 0:
            return weak(self[()])
        return [each.tolist() if isinstance(each, Recorded) else weak(each) for each in self]

    # Methods that change the array in place.

    def fill(self, value: Any) -> None:
        self[...] = value

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, **kwargs: Any) -> None:
        self[...] = dispatch.function(np.sort, (self,), {"axis": axis})

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        dispatch.function(np.put, (self, indices, values, mode), {})

    def partition(self, *args: Any, **kwargs: Any) -> None:
        refuse("ndarray.partition", "use sort")

    def resize(self, *args: Any, **kwargs: Any) -> None:
        refuse("ndarray.resize", "use np.resize or reshape")

    def setfield(self, *args: Any, **kwargs: Any) -> None:
        refuse("ndarray.setfield", "assign to a slice")

    def byteswap(self, *args: Any, **kwargs: Any) -> Any:
        refuse("ndarray.byteswap", "leave the bytes as they are")

    # Methods that are a conversion or a movement.

    def astype(
        self, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        return dispatch.cast(self, dispatch.dtype_of(dtype), casting, copy)

    def copy(self, order: Any = "C") -> Any:
        return wrap(self.plain.copy(order), dispatch.like(self.known_ids, self.plain).copy(order))

    def flatten(self, order: Any = "C") -> Any:
        return wrap(self.plain.flatten(order), self.known_ids.flatten(order))

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        shape = concrete(shape[0] if len(shape) == 1 else shape)
        return wrap(self.plain.reshape(shape, **kwargs), self.known_ids.reshape(shape, **kwargs))

    def ravel(self, order: Any = "C") -> Any:
        return wrap(self.plain.ravel(order), self.known_ids.ravel(order))

    def transpose(self, *axes: Any) -> Any:
        return wrap(self.plain.transpose(*axes), self.known_ids.transpose(*axes))

    def swapaxes(self, a: Any, b: Any) -> Any:
        return wrap(self.plain.swapaxes(a, b), self.known_ids.swapaxes(a, b))

    def squeeze(self, axis: Any = None) -> Any:
        return wrap(self.plain.squeeze(axis), self.known_ids.squeeze(axis))

    def view(self, *args: Any, **kwargs: Any) -> Any:
        kind = args[0] if args else kwargs.get("dtype", kwargs.get("type"))
        kind = plain(kind)
        if isinstance(kind, type) and issubclass(kind, np.ndarray):
            if kind not in (np.ndarray, np.matrix) or (kind is np.matrix and self.ndim != 2):
                refuse(f"a view as {kind.__name__}", "use NumPy's own arrays")
            return wrap(np.ndarray.view(self, kind), self.known_ids)
        if kind is None or np.dtype(kind) == self.dtype:
            return wrap(np.ndarray.view(self, np.ndarray)[...], self.known_ids[...])
        if not hangs(self):
            return wrap(self.plain.view(*args, **kwargs), None)
        return refuse("a view of the bytes as another dtype", "use astype")

    def __format__(self, spec: str) -> str:
        leaving("format", self, shown=True)
        return format(self.plain, spec)

    def __repr__(self) -> str:
        leaving("repr", self, shown=True)
        return repr(self.plain)

    def __str__(self) -> str:
        leaving("str", self, shown=True)
        return str(self.plain)

    def compress(self, condition: Any, axis: Any = None, out: Any = None) -> Any:
        return dispatch.function(np.compress, (condition, self, axis, out), {})


class RecordedMatrix(Recorded, np.matrix):
    """The same for NumPy's old matrix, whose product is * and which never has but two axes."""

    _getitem = False  # np.matrix asks it of what it is made from

    def __array_finalize__(self, obj: Any) -> None:
        pass

    @property
    def plain(self) -> np.ndarray:
        return np.ndarray.view(self, np.matrix)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray | list | tuple):
            return dispatch.function(np.dot, (self, dispatch.as_matrix(other)), {})
        return dispatch.ufunc(np.multiply, "__call__", (self, other), {})

    def __rmul__(self, other: Any) -> Any:
        return dispatch.function(np.dot, (other, self), {})

    def __imul__(self, other: Any) -> Any:
        self[:] = self * other
        return self

    def __pow__(self, other: Any) -> Any:
        return dispatch.function(np.linalg.matrix_power, (self, other), {})

    @property
    def A(self) -> Any:  # noqa: N802
        return wrap(np.asarray(self.plain), self.known_ids)

    @property
    def A1(self) -> Any:  # noqa: N802
        return self.A.ravel()

    @property
    def I(self) -> Any:  # noqa: N802, E743
        return dispatch.function(np.linalg.inv, (self,), {})

    H = Recorded.T


# The other methods are the functions of their names.
for _name in (
    "all any argmax argmin argpartition argsort clip cumprod cumsum diagonal dot max mean min nonzero prod repeat "
    "round searchsorted std sum take trace var choose"
).split():
    setattr(Recorded, _name, method_of(_name))
    if hasattr(np.matrix, _name):
        setattr(RecordedMatrix, _name, method_of(_name))
Recorded.conj = Recorded.conjugate = lambda self: self  # type: ignore[method-assign]


def _leaving(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        leaving(name, self)
        return getattr(self.plain, name)(*args, **kwargs)

    return method


for _name in ("tobytes", "tofile", "dump", "dumps", "getfield"):
    setattr(Recorded, _name, _leaving(_name))


def _rebuild(value: np.ndarray, ids: np.ndarray) -> Any:
    return wrap(value, ids) if active() is not None else value


MAKERS["array"] = Recorded.make
