"""What stands in the user's namespaces for NumPy, math and float while their program is recorded.

NumPy tells recording arrays of most calls by itself. Not of those that make arrays (`np.zeros`), that are given lists
of recorded numbers (`np.array`), or that are no NumPy at all (`math.exp`, `float`): for these the name in the user's
module is changed for the time of the recording.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch, functions
from rnn_jax.verify.trace.arrays import Recorded
from rnn_jax.verify.trace.numbers import Number, weak
from rnn_jax.verify.trace.recorder import active, concrete, hangs, ids_of, operand, plain, refuse, wrap

MODULES = ("numpy", "math", "scipy.special", "scipy")


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
    if isinstance(real, np.ufunc):
        return dispatch.ufunc(real, method, args, kwargs)
    return dispatch.function(real, args, kwargs)


class Random:
    """Stands for a random generator, or for a function of np.random: new arrays record what is written to them."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any(hangs(a) and np.ndim(plain(a)) for a in (*args, *kwargs.values())):
            name = getattr(self.real, "__name__", "random")
            if name == "shuffle":
                refuse("np.random.shuffle of a recorded array", "index it with np.random.permutation")
        value = self.real(*(plain(a) if ids_of(a) is not None else concrete(a) for a in args), **plain(kwargs))
        return random_stand_in(value) if isinstance(value, np.random.Generator) else dispatch.wrap_all(value)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.real, name)
        return Random(value) if callable(value) else value


def random_stand_in(generator: Any) -> Any:
    """A stand-in for a generator object."""
    return Random(generator)


class Module(types.ModuleType):
    """Stands for a module."""

    def __init__(self, real: types.ModuleType) -> None:
        super().__init__(real.__name__, real.__doc__)
        self.__dict__["real"] = real

    def __getattr__(self, name: str) -> Any:
        return stand_in(getattr(self.real, name), self.real)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.real, name, original(value))

    def __dir__(self) -> list[str]:
        return dir(self.real)


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


class Vectorize:
    """np.vectorize: the function for each element, one after another."""

    def __init__(self, pyfunc: Any, *args: Any, **kwargs: Any) -> None:
        self.real = np.vectorize(original(pyfunc), *args, **kwargs)
        if self.real.signature is not None:
            refuse("np.vectorize with a signature", "write a loop")

    @classmethod
    def of(cls, real: Any) -> Vectorize:
        """The stand-in for one that was made before."""
        made = cls.__new__(cls)
        made.real = real
        return made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if active() is None or not any(hangs(a) for a in args) or kwargs:
            if any(hangs(a) for a in kwargs.values()):
                refuse("np.vectorize with recorded keywords", "pass them by position")
            return dispatch.wrap_all(self.real(*plain(args), **plain(kwargs)))
        arrays = [dispatch.lifted(a) for a in args]
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        spread = [dispatch.function_of(np.broadcast_to, a, shape) for a in arrays]
        results = [self.real.pyfunc(*(a[place] for a in spread)) for place in np.ndindex(shape)]
        return dispatch.lifted(results).reshape(shape) if shape else results[0]


class Math:
    """Stands for a function of the math module."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self.real = real
        self.__name__ = real.__name__

    def __call__(self, *args: Any) -> Any:
        numbers = tuple(plain(a.item() if isinstance(a, Recorded) and a.size == 1 else a) for a in args)
        if active() is None or not any(hangs(a) for a in args):
            return self.real(*numbers)
        name = self.__name__
        if name in _DECIDES:
            return dispatch.decide(lambda x: self.real(float(x)), args[0])
        if name == "fsum":
            return sum(args[0])
        if name == "prod":
            return math.prod(args[0])
        if name == "log" and len(args) == 2:
            return Math(math.log)(args[0]) / Math(math.log)(args[1])
        if name not in _MATHS:
            refuse(f"math.{name}", "use NumPy's function")
        recorder = active()
        assert recorder is not None
        scalars = tuple(a.item() if isinstance(a, Recorded) else a for a in args)
        value = np.float64(self.real(*numbers))
        return weak(wrap(*recorder.emit(_MATHS[name], None, tuple(operand(a) for a in scalars), value)))


_MATHS = {
    name: name
    for name in "exp expm1 log log2 log10 log1p sqrt cbrt exp2 sin cos tan sinh cosh tanh hypot fabs fmod erf erfc "
    "copysign degrees radians".split()
} | {
    "pow": "power",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "atan2": "arctan2",
}
_DECIDES = "floor ceil trunc isnan isinf isfinite".split()

_known: dict[int, tuple[Any, Any]] = {}


def stand_in(value: Any, module: Any = None) -> Any:
    """What stands for a value of the user's namespace: for most, itself."""
    if id(value) in _known:
        return _known[id(value)][1]
    made = value
    if isinstance(value, types.ModuleType):
        if value.__name__.split(".")[0] in ("numpy", "math") or value.__name__ in MODULES:
            made = Module(value)
    elif isinstance(value, type):
        made = Vectorize if value is np.vectorize else SCALARS.get(value, value)
        if value in (np.matrix, np.nditer, np.ndenumerate, np.poly1d):
            made = _CLASSES[value]
    elif isinstance(value, np.ufunc):
        made = Function(value)
    elif isinstance(value, np.vectorize):
        return Vectorize.of(value)
    elif isinstance(value, types.BuiltinFunctionType) and getattr(value, "__module__", "") == "math":
        made = Math(value)
    elif callable(value) and (
        isinstance(getattr(value, "__self__", None), np.random.RandomState | np.random.Generator)
        or value is np.random.default_rng
    ):
        made = Random(value)
    elif callable(value) and str(getattr(value, "__module__", "")).split(".")[0] == "numpy":
        if functions.name_of(value) in functions.HANDLERS:
            made = Function(value)
    elif callable(value) and str(getattr(value, "__module__", "")).startswith("scipy.special"):
        made = Function(value)
    if made is not value:
        _known[id(value)] = (value, made)  # the value is kept, so that its id stays its own
    return made


def original(value: Any) -> Any:
    """What a stand-in stands for; anything else as it is."""
    if isinstance(value, _Scalar):
        return value.real
    if isinstance(value, Function | Random | Math) or type(value) is Module:
        return value.real
    return value


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


_CLASSES: dict[Any, Any] = {
    np.matrix: lambda data, *rest, **named: dispatch.as_matrix(data),
    np.nditer: _nditer,
    np.ndenumerate: _ndenumerate,
    np.poly1d: _poly1d,
}
