"""What stands in the user's namespaces for NumPy, math and float while their program is recorded.

NumPy tells recording arrays of most calls by itself. Not of those that make arrays (`np.zeros`), that are given lists
of recorded numbers (`np.array`), or that are no NumPy at all (`math.exp`, `float`): for these the name in the user's
module is changed for the time of the recording.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch, functions
from rnn_jax.verify.trace.arrays import Recorded
from rnn_jax.verify.trace.flat import Flat
from rnn_jax.verify.trace.mathematics import Math
from rnn_jax.verify.trace.numbers import Number
from rnn_jax.verify.trace.recorder import MAKERS, concrete, hangs, ids_of, leaving, plain, refuse, wrap
from rnn_jax.verify.trace.tape import NOTHING
from rnn_jax.verify.trace.vectorized import Vectorize
from rnn_jax.verify.trace.watched import WATCHED, Watched


class Function:
    """Stands for a function or ufunc of NumPy's."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.__name__, self.__doc__ = getattr(real, "__name__", "function"), real.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return called(self.real, "__call__", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.real, name)
        if name in ("reduce", "accumulate", "outer", "at", "reduceat"):
            return lambda *args, **kwargs: called(self.real, name, args, kwargs)
        return value

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self  # a NumPy function kept as a class attribute does not bind


def called(real: Any, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function of NumPy's as the recorder sees it."""
    args, kwargs = tuple(sequence(a) for a in args), {k: sequence(v) for k, v in kwargs.items()}
    if isinstance(real, np.ufunc):
        return dispatch.ufunc(real, method, args, kwargs)
    return dispatch.function(real, args, kwargs)


def sequence(value: Any) -> Any:
    """What NumPy would take element by element, as lists: named tuples, deques, what says which array it is."""
    if isinstance(value, list | tuple | deque):
        parts = [sequence(each) for each in value]
        return tuple(parts) if type(value) is tuple else parts
    if isinstance(value, Flat):
        return value.array.ravel()
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | range | memoryview):
        parts = list(value)
        return parts if hangs(parts) else value
    if hasattr(value, "__array__") and not isinstance(value, np.ndarray | np.generic | type | Watched | Function):
        return value.__array__()
    return value


# What random generators give that jumps: the numbers they are given change it seldom, and never by a little.
DRAWS = "choice multinomial binomial poisson geometric integers randint random_integers hypergeometric".split()


class Random:
    """Stands for a random generator, or for a function of np.random: new arrays record what is written to them."""

    def __init__(self, real: Any) -> None:
        self.real = real

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # isinstance(rng, np.random.Generator)
        return type(self.real)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given, name = [*args, *kwargs.values()], getattr(self.real, "__name__", "random")
        if hangs(given):
            if name in ("shuffle", "permutation", "permuted") or (name == "choice" and hangs(given[:1])):
                refuse(f"np.random.{name} of recorded numbers", "index them with np.random.permutation(n)")
            if name not in DRAWS:
                refuse(f"np.random.{name} of recorded numbers", "scale and shift what it gives for plain ones")
            leaving(f"np.random.{name}")
        value = self.real(*(plain(a) for a in args), **plain(kwargs))
        if isinstance(value, np.random.Generator | np.random.RandomState):
            return Random(value)
        if name == "shuffle" and isinstance(args[0], Recorded):
            args[0].known_ids[...] = NOTHING
        return dispatch.wrap_all(value)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.real, name)
        return Random(value) if callable(value) else value


class Module(types.ModuleType):
    """Stands for a module."""

    def __init__(self, real: types.ModuleType) -> None:
        super().__init__(real.__name__, real.__doc__)
        self.__dict__["_stands_for"] = real  # a name that no module has: numpy has a `real`

    def __getattr__(self, name: str) -> Any:
        return stand_in(getattr(self._stands_for, name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._stands_for, name, original(value))

    def __dir__(self) -> list[str]:
        return dir(self._stands_for)


class _Scalar(type):
    """The type of the stand-ins for float, np.float64 and their like: types to ask, functions to call."""

    real: Any

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not args or not hangs(args[0]):
            return cls.real(*plain(args), **kwargs)
        value = args[0]
        value = value if isinstance(value, Number | Recorded) else dispatch.lifted(value)
        if cls.real is float:
            return value.item()
        return dispatch.cast(wrap(np.asarray(value.plain), ids_of(value)), np.dtype(cls.real))[()]

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, cls.real)

    def __subclasscheck__(cls, other: Any) -> bool:
        return issubclass(other, cls.real) or other is cls

    def __eq__(cls, other: Any) -> bool:
        return other is cls or other is cls.real

    def __hash__(cls) -> int:
        return hash(cls.real)


def _scalar(real: Any) -> Any:
    return _Scalar(real.__name__, (real,), {"real": real, "dtype": np.dtype(real), "__slots__": ()})


SCALARS: dict[Any, Any] = {real: _scalar(real) for real in (float, np.float64, np.float32, np.float16)}


_known: dict[int, tuple[Any, Any]] = {}


def stand_in(value: Any) -> Any:
    """What stands for a value of the user's namespace: for most, itself."""
    if id(value) in _known:
        return _known[id(value)][1]
    if isinstance(value, np.vectorize):
        return Vectorize.of(value, stand_in(value.pyfunc))
    made = _made(value)
    if made is not value:
        _known[id(value)] = (value, made)  # the value is kept, so that its id stays its own
    return made


def _made(value: Any) -> Any:
    """A new stand-in."""
    if isinstance(value, types.ModuleType):
        package = value.__name__.split(".")[0]
        followed = package in {"numpy", "math", "scipy"} | WATCHED and type(value) is not Module
        return Module(value) if followed else value
    try:
        if value in _CLASSES:
            return _CLASSES[value]
    except Exception:  # not hashable, or an array that gives no one answer
        return value
    package = str(getattr(value, "__module__", None) or "").split(".")[0].lstrip("_")
    if isinstance(value, type):
        told = package in WATCHED or (package == "numpy" and issubclass(value, np.generic | np.dtype | np.ndarray))
        if not told or issubclass(value, BaseException):
            return value
        return Subclass(value) if issubclass(value, np.ndarray) and value is not np.ndarray else Watched(value)
    if isinstance(value, np.ufunc):
        return Function(value)
    if not callable(value):
        return value
    if isinstance(getattr(value, "__self__", None), np.random.RandomState | np.random.Generator):
        return Random(value)
    if package == "math" and isinstance(value, types.BuiltinFunctionType):
        return Math(value)
    if package in WATCHED and not isinstance(value, types.MethodType):
        return Watched(value)
    kinds = types.FunctionType | types.BuiltinFunctionType | type(np.sum)
    return Function(value) if package in ("numpy", "scipy") and isinstance(value, kinds) else value


def original(value: Any) -> Any:
    """What a stand-in stands for; anything else as it is."""
    kind = type(value)
    if kind is Module:
        return value._stands_for
    if kind is _Scalar or kind in (Function, Random, Math, Watched, Matrix, Subclass, Generators, Joined):
        return value.real
    return value


class Joined:
    """np.r_ and np.c_."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getitem__(self, key: Any) -> Any:
        return functions.joined(self.real, key)


class Grid:
    """np.mgrid and np.ogrid."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getitem__(self, key: Any) -> Any:
        return dispatch.wrap_all(self.real[concrete(key)])


class Subclass(Watched):
    """A class of arrays that computes in its own way: masked arrays, records."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if hangs([*args, *kwargs.values()]):
            refuse(f"np.{self.real.__name__}", "use plain arrays and np.where")
        return self.real(*plain(args), **plain(kwargs))


class Generators(Watched):
    """A class of random generators."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return Random(self.real(*args, **kwargs))


class Matrix(Watched):
    """np.matrix, the class."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return dispatch.function(np.matrix, args, kwargs)


def _ndenumerate(array: Any) -> Any:
    array = dispatch.lifted(array)
    return ((place, array[place]) for place in np.ndindex(array.shape))


def _nditer(*args: Any, **kwargs: Any) -> Any:
    if any(hangs(a) for a in args):
        # To read the shape from it is common and harmless: `it.multi_index` in a check of one's own.
        refuse("np.nditer over a recorded array", "use np.ndindex(a.shape)")
    return np.nditer(*plain(args), **plain(kwargs))


def _poly1d(*args: Any, **kwargs: Any) -> Any:
    if any(hangs(a) for a in args):
        refuse("np.poly1d of recorded numbers", "use np.polyval")
    return np.poly1d(*plain(args), **plain(kwargs))


_CLASSES: dict[Any, Any] = SCALARS | {
    np.vectorize: Vectorize,
    np.nditer: _nditer,
    np.ndenumerate: _ndenumerate,
    np.poly1d: _poly1d,
    np.matrix: Matrix(np.matrix),
    np.r_: Joined(np.r_),
    np.c_: Joined(np.c_),
    np.mgrid: Grid(np.mgrid),
    np.ogrid: Grid(np.ogrid),
    np.broadcast: Watched(np.broadcast),
    np.random.default_rng: Random(np.random.default_rng),
    np.random.RandomState: Generators(np.random.RandomState),
    np.random.Generator: Generators(np.random.Generator),
}
# Python's own that take a number's value without asking it: the names that get stand-ins in every namespace.
BUILTINS: dict[str, Any] = {"float": SCALARS[float]} | {
    kind.__name__: Watched(kind) for kind in (complex, memoryview, bytes, bytearray)
}


MAKERS["original"] = original
