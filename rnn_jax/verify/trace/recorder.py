"""The recorder that is at work, and how it takes values apart and puts them together.

`plain` takes the recording off a value, `operand` says what it is on the tape, `wrap` puts a result into a recording
array or number again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from rnn_jax.errors import InputError
from rnn_jax.verify.trace.places import here
from rnn_jax.verify.trace.tape import NOTHING, Constant, Guard, Operand, Tape, Use

SIGNS = np.array([-1.0, 1.0])


class RecordingError(InputError):
    """The program did what the recorder cannot carry; the sentence names the line, the call and what to do."""


class Recorder:
    """A tape and, where rounding itself is to be measured, the random numbers that shake every result by one eps."""

    def __init__(self, shake: np.random.Generator | None = None, eps: float = 0.0) -> None:
        self.tape = Tape()
        self.shake, self.eps = shake, eps

    def emit(self, op: str, static: Any, operands: tuple[Operand, ...], value: Any) -> tuple[Any, np.ndarray | None]:
        """Put a result on the tape; return it with its ids, or None where it hangs on nothing."""
        if self.shake is not None and np.issubdtype(value.dtype, np.inexact):
            signs = SIGNS[self.shake.integers(0, 2, value.shape)]
            value = (value * (1 + self.eps * signs)).astype(value.dtype)
        if not any(isinstance(operand, Use) for operand in operands):
            return value, None
        if value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
            refuse(f"a result of dtype {value.dtype} ({op})", "the recorder carries real numbers of up to 64 bits")
        return value, self.tape.add(op, static, operands, value, here())

    def guard(self, decide: Callable[..., Any], operands: tuple[Operand, ...], outcome: Any) -> None:
        """Note a decision that hung on recorded values."""
        if any(isinstance(operand, Use) for operand in operands):
            self.tape.guards.append(Guard(decide, operands, outcome, here(), len(self.tape.nodes)))


def in_layout(value: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The ids laid out in memory as the values are, so that what is a view of the one is a view of the other.

    NumPy decides by the strides whether reshape and ravel give a view or a copy.
    """
    if ids.shape != value.shape:
        refuse(f"a result of shape {value.shape} whose elements are known as {ids.shape}", "write it in other words")
    if value.size < 2 or parallel_strides(value, ids):
        return ids
    low, high = byte_bounds(value)
    size = value.itemsize
    room = np.full((high - low) // size, NOTHING)
    offset = (value.__array_interface__["data"][0] - low) // size * ids.itemsize
    laid = np.ndarray(
        value.shape, ids.dtype, room, offset, tuple(step // size * ids.itemsize for step in value.strides)
    )
    laid[...] = ids
    return laid


def parallel_strides(value: np.ndarray, ids: np.ndarray) -> bool:
    """Whether two arrays of one shape step through their memory alike."""
    if value.itemsize == ids.itemsize and value.strides == ids.strides:
        return True
    steps = zip(value.shape, value.strides, ids.strides, strict=True)
    return all(length == 1 or v * ids.itemsize == i * value.itemsize for length, v, i in steps)


_active: list[Recorder] = []


def active() -> Recorder | None:
    """The recorder at work, if one is."""
    return _active[-1] if _active else None


@contextmanager
def recording(recorder: Recorder) -> Iterator[Recorder]:
    """Record what NumPy does with recording arrays."""
    _active.append(recorder)
    try:
        yield recorder
    finally:
        _active.pop()


class Marked:
    """What is recorded."""

    __slots__ = ()
    plain: Any  # the value without its recording
    known_ids: Any  # the ids, an array of its shape


# How arrays and numbers are marked, and what a stand-in stands for: put in by those modules, which know this one.
MAKERS: dict[str, Callable[..., Any]] = {}


def refuse(what: str, instead: str) -> None:
    """Raise RecordingError at the user's line."""
    raise RecordingError(f"{here()}: {what} cannot be recorded: {instead}")


def leaving(name: str, value: Any = None, shown: bool = False) -> None:
    """Note that a value of the tape, where it is one, went where the recorder cannot follow."""
    recorder = active()
    if recorder is not None and (value is None or hangs(value)):
        recorder.tape.leave(name, here(), shown)


def plain(value: Any) -> Any:
    """The value without its recording: an ndarray, a NumPy or Python number, or what it was."""
    if isinstance(value, Marked):
        return value.plain
    if isinstance(value, tuple) and type(value) is not tuple and hasattr(value, "_make"):
        return value._make(plain(each) for each in value)
    if type(value) in (list, tuple):
        return type(value)(plain(each) for each in value)
    if isinstance(value, list | tuple | deque) and hangs(value):
        return [plain(each) for each in value]
    if type(value) is dict:
        return {key: plain(each) for key, each in value.items()}
    if type(value) is slice:
        return slice(concrete(value.start), concrete(value.stop), concrete(value.step))
    return MAKERS["original"](value)


def ids_of(value: Any) -> np.ndarray | None:
    """The ids of a recording array or number; None for anything else."""
    return value.known_ids if isinstance(value, Marked) else None


def hangs(value: Any) -> bool:
    """Whether anything in the value hangs on the tape's inputs."""
    if isinstance(value, list | tuple | deque):
        return any(hangs(each) for each in value)
    ids = ids_of(value)
    return ids is not None and bool((ids >= 0).any())


def operand(value: Any) -> Operand:
    """What the value is as an operand, after a look whether the tape still tells the truth about it."""
    recorder, ids = active(), ids_of(value)
    if isinstance(value, np.ma.MaskedArray):
        refuse("an operation with a masked array", "use np.where")
    if ids is None or recorder is None or not recorder.tape.nodes:  # on an empty tape nothing hangs
        return Constant(np.asarray(plain(value)))
    numbers = np.asarray(value.plain)
    read = recorder.tape.read(numbers, ids)
    if isinstance(read, Use) and not np.array_equal(recorder.tape.recall(read), numbers, equal_nan=True):
        refuse("an array that was changed behind NumPy's back", "write to it by assignment or with out=")
    return read


def concrete(value: Any) -> Any:
    """The plain value of an index, a mask, a shape: a decision, pinned by a guard where it hangs on the tape."""
    if type(value) in (list, tuple):
        return type(value)(concrete(each) for each in value)
    if ids_of(value) is None or not hangs(value):
        return plain(value)
    recorder = active()
    if recorder is not None:
        if np.asarray(value.plain).dtype.kind in "iub":
            recorder.guard(lambda x: x, (operand(value),), np.array(value.plain))
        else:
            recorder.tape.leave("a plain number", here())
    return plain(value)


def wrap(value: Any, ids: np.ndarray | None) -> Any:
    """A recording array or number of NumPy's result and its ids; a discrete number stays plain and is guarded."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiub":
            return value
        return MAKERS["array"](value, np.full_like(value, NOTHING, dtype=int, subok=False) if ids is None else ids)
    recorder = active()
    if ids is None or recorder is None or not isinstance(value, np.generic) or int(ids) < 0:
        return value
    if value.dtype.kind == "f":
        return MAKERS["number"](value, int(ids))
    recorder.guard(lambda x: x, (Use(int(ids), None, (), value.dtype),), value)
    return value
