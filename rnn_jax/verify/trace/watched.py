"""What is no NumPy and takes a number where the recorder cannot follow: text, bytes, exact arithmetic.

Nothing is changed in what they do. It is noted where a number of the tape went in, so that, should the program turn out
to hang on more than the tape tells, there is a line to name.
"""

from __future__ import annotations

import types
from typing import Any

from rnn_jax.verify.trace import dispatch
from rnn_jax.verify.trace.recorder import hangs, leaving, plain

# Modules whose functions are watched.
WATCHED = set("array struct ctypes decimal fractions json marshal statistics cmath random codecs base64 csv".split())


class Watched:
    """Stands for a function or class that is not followed."""

    def __init__(self, real: Any) -> None:
        self.__dict__["real"] = real

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The real one's result, for arguments without their recording."""
        args = tuple(list(a) if isinstance(a, types.GeneratorType | map | zip | filter) else a for a in args)
        if reaches((args, kwargs)):
            leaving(getattr(self.real, "__name__", "a call"))
        return dispatch.wrap_all(self.real(*(stripped(a) for a in args), **{k: stripped(v) for k, v in kwargs.items()}))

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.real, name)
        return Watched(value) if callable(value) and not isinstance(value, type) else value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.real, name, value)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, self.real)

    def __subclasscheck__(self, other: Any) -> bool:
        return issubclass(plain(other), self.real)

    def __mul__(self, size: int) -> Any:
        return Watched(self.real * size)  # an array type of ctypes

    def __getitem__(self, key: Any) -> Any:
        return self.real[key]

    def __or__(self, other: Any) -> Any:
        return self.real | plain(other)

    def __mro_entries__(self, bases: Any) -> Any:
        return (self.real,)

    def __eq__(self, other: Any) -> bool:
        return other is self or other is self.real or (isinstance(other, Watched) and other.real is self.real)

    def __hash__(self) -> int:
        return hash(self.real)


def reaches(value: Any) -> bool:
    """Whether anything recorded is in nested containers."""
    if isinstance(value, dict):
        return any(reaches(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(reaches(each) for each in value)
    return hangs(value)


def stripped(value: Any) -> Any:
    """Nested containers without their recording."""
    if type(value) is dict:
        return {key: stripped(each) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(stripped(each) for each in value)
    return plain(value)
