"""Python's math module on recorded numbers."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.arrays import Recorded
from rnn_jax.verify.trace.numbers import weak
from rnn_jax.verify.trace.operations import Slot
from rnn_jax.verify.trace.recorder import active, hangs, operand, plain, refuse, wrap

# Functions of math and the ufuncs they are.
CARRIED = {
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
# Of lists of numbers.
LISTED = {"fsum": "sum", "prod": "prod"}
DECIDES = "floor ceil trunc isnan isinf isfinite isclose".split()
REFUSED = "frexp ldexp modf gamma lgamma nextafter ulp remainder fma dist sumprod".split()
IRRELEVANT = "comb factorial gcd isqrt lcm perm e pi tau inf nan".split()


class Math:
    """Stands for a function of the math module."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self.real = real
        self.__name__ = real.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value, on the tape."""
        args = tuple(list(a) if isinstance(a, types.GeneratorType | map | zip | filter) else a for a in args)
        args = tuple(weak(a.item()) if isinstance(a, Recorded) and a.size == 1 else a for a in args)
        value = self.real(*plain(args), **plain(kwargs))
        if active() is None or not hangs([*args, *kwargs.values()]):
            return value
        name = self.__name__
        if name in DECIDES:
            return self.decided(args, kwargs, value)
        if name == "log" and len(args) == 2:
            return Math(math.log)(args[0]) / Math(math.log)(args[1])
        if name in ("prod", "fsum") or (name in CARRIED and len(args) <= 2 and not kwargs):
            return self.recorded(args, kwargs, value)
        return refuse(f"math.{name}", "use NumPy's function")

    def decided(self, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any) -> Any:
        """A decision, guarded."""
        recorder = active()
        assert recorder is not None
        if hangs(list(kwargs.values())):
            refuse(f"math.{self.__name__} with recorded keywords", "pass plain numbers")
        recorder.guard(lambda *x: self.real(*map(float, x), **plain(kwargs)), tuple(operand(a) for a in args), value)
        return value

    def recorded(self, args: tuple[Any, ...], kwargs: dict[str, Any], value: float) -> Any:
        """An operation on the tape."""
        recorder = active()
        assert recorder is not None
        if self.__name__ in LISTED:
            listed = dispatch.lifted([*args[0], *kwargs.values()])
            static: Any = ((Slot(0),), (), None)
            # The product of NumPy's numbers is one of them.
            numpys = isinstance(value, np.generic)
            made = np.asarray(value)[()]
            made = wrap(*recorder.emit(LISTED[self.__name__], static, (operand(listed),), made))
            return made if numpys else weak(made)
        operands = tuple(operand(a) for a in args)
        return weak(wrap(*recorder.emit(CARRIED[self.__name__], None, operands, np.float64(value))))
