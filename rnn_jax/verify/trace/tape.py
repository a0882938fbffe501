"""What a NumPy program did, operation by operation, with every number that it had.

Each element of each result has a number of its own, its id, and `Tape.values[id]` is what NumPy computed there. An
array of the program is then two arrays of one shape: its values and its ids. To move elements about (index, reshape,
concatenate, write into a slice, ...) is to do with the ids what NumPy does with the values, so no movement needs an
operation on the tape, and none can be mistranslated. An element that hangs on nothing has the id -1.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.trace.places import NOWHERE, Place

NOTHING = -1


class Use(NamedTuple):
    """One operand: the elements that an operation read.

    ids: where they lie on the tape, in the operand's shape; None where they are start, start + 1, ...
    """

    start: int
    ids: np.ndarray | None
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def where(self) -> Any:
        """What to index the flat values with."""
        size = math.prod(self.shape)
        return slice(self.start, self.start + size) if self.ids is None else self.ids.ravel()


class Constant(NamedTuple):
    """An operand that hangs on nothing."""

    value: np.ndarray

    @property
    def dtype(self) -> np.dtype:
        """Its own."""
        return self.value.dtype


Operand = Use | Constant


class Node(NamedTuple):
    """One operation. `op` and `static` say which (see operations.py); its result begins at the id `start`."""

    op: str
    static: Any
    operands: tuple[Operand, ...]
    start: int
    shape: tuple[int, ...]
    dtype: np.dtype
    place: Place

    @property
    def where(self) -> slice:
        """Where its elements lie on the tape."""
        return slice(self.start, self.start + math.prod(self.shape))


class Guard(NamedTuple):
    """A decision that hung on a recorded value: a branch, a mask, an index. `decide(*operands)` gave `outcome`."""

    decide: Callable[..., Any]
    operands: tuple[Operand, ...]
    outcome: Any
    place: Place
    after: int  # how many nodes came before


class Tape:
    """Nodes in the order in which NumPy ran them."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.guards: list[Guard] = []
        self._left: dict[tuple[str, Place], None] = {}
        self._shown: dict[tuple[str, Place], None] = {}
        self.size = 0
        self._values = np.empty(1024)

    @property
    def values(self) -> np.ndarray:
        """All recorded numbers, by id. Float64 holds float32, bool and integers below 2**53 exactly."""
        return self._values[: self.size]

    def load(self, values: np.ndarray) -> None:
        """Take other numbers for the same operations."""
        self._values, self.size = values, values.size

    @property
    def exits(self) -> list[tuple[str, Place]]:
        """Where values left as plain numbers: what took them, and where. What may have been but printed comes last."""
        return [*self._left, *self._shown]

    def leave(self, what: str, place: Place, shown: bool = False) -> None:
        """Note that a value left the tape."""
        (self._shown if shown else self._left)[what, place] = None

    def add(
        self, op: str, static: Any, operands: tuple[Operand, ...], value: np.ndarray | np.generic, place: Place
    ) -> np.ndarray:
        """Append an operation with its result; return the ids of the result."""
        start, size = self.size, value.size
        while start + size > self._values.size:
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
        self._values[start : start + size] = value.ravel()
        self.size = start + size
        self.nodes.append(Node(op, static, operands, start, value.shape, value.dtype, place))
        return np.arange(start, start + size).reshape(value.shape)

    def read(self, value: np.ndarray, ids: np.ndarray) -> Operand:
        """The operand that an array is: where all of it hangs on nothing, a constant."""
        flat = ids.ravel()
        if not flat.size:
            return Constant(np.array(value))
        start = int(flat[0])
        if start >= 0 and (flat.size == 1 or (flat[-1] - start == flat.size - 1 and in_order(flat))):
            return Use(start, None, value.shape, value.dtype)
        nothing = ids < 0
        if nothing.all():
            return Constant(np.array(value))
        if nothing.any():
            ids = ids.copy()
            ids[nothing] = self.add("constant", None, (), value[nothing], NOWHERE)
        return Use(NOTHING, np.array(ids), value.shape, value.dtype)

    def recall(self, operand: Operand, values: np.ndarray | None = None) -> np.ndarray:
        """The recorded numbers of an operand, or those among other values by id."""
        if isinstance(operand, Constant):
            return operand.value
        return (self._values if values is None else values)[operand.where].reshape(operand.shape)


def parents(tape: Tape) -> list[list[int]]:
    """The operations whose results each operation reads, by number."""
    starts = np.array([node.start for node in tape.nodes])
    found = []
    for node in tape.nodes:
        mine: set[int] = set()
        for operand in node.operands:
            if isinstance(operand, Use):
                ids = np.array([operand.start]) if operand.ids is None else operand.ids.ravel()
                mine |= set((np.searchsorted(starts, ids, side="right") - 1).tolist())
        found.append(sorted(mine))
    return found


def in_order(flat: np.ndarray) -> bool:
    """Whether the ids follow one another."""
    return bool((flat[1:] - flat[:-1] == 1).all())
