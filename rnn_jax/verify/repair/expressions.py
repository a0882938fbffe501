"""What can be written with what is known at a place: the program's own expressions, and products of two of them."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.repair.harvest import Stock, Values
from rnn_jax.verify.repair.probe import Shape
from rnn_jax.verify.repair.tree import ATOMS

MOST_ALIKE = 5  # numbers that are the same here: T may be len(ks), or H by chance
MOST_ATOMS = 80  # arrays of which products are made at one place


class Written(NamedTuple):
    """An expression, and what it is worth each time that the program comes by."""

    text: str
    values: list[np.ndarray]
    cost: float


def parsed(text: str) -> ast.expr:
    """An expression."""
    return ast.parse(text, mode="eval").body


def key_of(shape: Shape) -> tuple[int, ...]:
    """The shape of the array, or that of a number."""
    return shape[2] if shape[0] == "array" else ()


class Expressions:
    """The expressions of a place by shape; of those that are worth the same, the shortest."""

    def __init__(self, stock: Stock, numpy: str) -> None:
        self.stock, self.numpy = stock, numpy
        self._by_shape: dict[tuple[int, ...], list[Written]] = {}
        self._seen: Counter[Any] = Counter()
        names = {v.key()[1] for t, v in stock.items() if v.shape[0] == "float" and t.isidentifier()}
        for text in sorted(stock, key=len):
            known = stock[text]
            if isinstance(parsed(text), ast.Constant) and known.key()[1] in names:
                continue  # a number that has a name here is meant by that
            if known.shape[0] in ("array", "float", "int"):
                self._offer(text, [np.asarray(v, float) for v in known.values], 1.0)
        self._complete: set[tuple[int, ...]] = set()  # the shapes of which the products are among them

    def of(self, shape: tuple[int, ...]) -> list[Written]:
        """Those of one shape."""
        if shape not in self._complete:
            self._complete.add(shape)
            self._products(shape)
        return self._by_shape.get(shape, [])

    def _offer(self, text: str, values: list[np.ndarray] | np.ndarray, cost: float) -> None:
        if not len(values) or not any_in(values):
            return
        whole = values.tobytes() if isinstance(values, np.ndarray) else b"".join(v.tobytes() for v in values)
        key = values[0].shape, whole
        if self._seen[key] < (1 if values[0].ndim else MOST_ALIKE):
            self._seen[key] += 1
            self._by_shape.setdefault(values[0].shape, []).append(Written(text, list(values), cost))

    def _products(self, shape: tuple[int, ...]) -> None:
        """What is made of the arrays here that has this shape."""
        atoms = self._atoms
        np_ = self.numpy
        whole = {t: [int(v) for v in k.values] for t, k in self.stock.items() if is_index(t, k)}
        rows = {t: k.values for t, k in self.stock.items() if k.shape[:2] == ("array", "i") and is_atom(t)}
        for first, a in atoms:
            x = a[0]
            for index, chosen in rows.items() if x.ndim == 2 and x.shape == shape else ():
                if all(np.shape(n) == v.shape[:1] for n, v in each(chosen, a)):
                    hot = [(np.arange(v.shape[1]) == n[:, None]).astype(float) for n, v in each(chosen, a)]
                    self._offer(f"({np_}.arange({first}.shape[1]) == {index}[:, None])", hot, 3.0)
            for index, numbers in whole.items() if x.ndim == 1 and x.shape == shape else ():
                hot = [(np.arange(len(v)) == n).astype(float) for v, n in zip(a, numbers, strict=False)]
                self._offer(f"(np.arange(len({first})) == {index})".replace("np.", f"{np_}."), hot, 3.0)
            for axis in range(x.ndim) if x.ndim > 1 else ():
                if (*x.shape[:axis], *x.shape[axis + 1 :]) == shape:
                    self._offer(f"{first}.sum(axis={axis})", [v.sum(axis=axis) for v in a], 1.5)
                if (*x.shape[:axis], 1, *x.shape[axis + 1 :]) == shape:
                    kept = [v.sum(axis=axis, keepdims=True) for v in a]
                    self._offer(f"{first}.sum(axis={axis}, keepdims=True)", kept, 1.6)
            for second, b in atoms:
                y = b[0]
                if x.ndim == y.ndim == 1 and (*x.shape, *y.shape) == shape:
                    self._offer(f"{np_}.outer({first}, {second})", [np.outer(u, v) for u, v in each(a, b)], 1.5)
                if {x.ndim, y.ndim} <= {1, 2} and 2 in (x.ndim, y.ndim):
                    for left, right, turn in (("", "", 0), (".T", "", 1), ("", ".T", 2)):
                        self._product(first + left, second + right, turn, a, b, shape)
                if x.shape == y.shape == shape and first < second:
                    self._offer(f"{first} * {second}", multiplied(a, b), 1.5)

    @cached_property
    def _atoms(self) -> list[tuple[str, list[np.ndarray]]]:
        """The arrays and real numbers that have a name; of those that are the same, the shortest name."""
        found: dict[Any, tuple[str, list[np.ndarray]]] = {}
        for text in sorted(self.stock, key=len):
            known = self.stock[text]
            if known.shape[0] in ("array", "float") and known.values and is_atom(text):
                values = [np.asarray(v, float) for v in known.values]
                found.setdefault((values[0].shape, b"".join(v.tobytes() for v in values)), (text, values))
        return list(found.values())[:MOST_ATOMS]

    def _product(
        self, left: str, right: str, turn: int, a: list[np.ndarray], b: list[np.ndarray], shape: tuple[int, ...]
    ) -> None:
        """A matrix product, of one of them transposed where `turn` says so, if it has the shape."""
        if left.endswith(".T.T") or right.endswith(".T.T"):
            return
        x, y = (a[0].T if turn == 1 else a[0]), (b[0].T if turn == 2 else b[0])
        if (*x.shape[:-1], *y.shape[1:]) != shape:
            return
        pairs = [(u.T if turn == 1 else u, v.T if turn == 2 else v) for u, v in each(a, b)]
        if pairs and all(u.shape[-1] == v.shape[0] for u, v in pairs):
            self._offer(f"{left} @ {right}", [u @ v for u, v in pairs], 1.5)


def each(first: list[np.ndarray], second: list[np.ndarray]) -> Any:
    """Pairs of one iteration."""
    return zip(first, second, strict=False)


def any_in(values: list[np.ndarray] | np.ndarray) -> bool:
    """Whether anything is not 0."""
    return bool(np.any(values)) if isinstance(values, np.ndarray) else any(np.any(v) for v in values)


def multiplied(first: list[np.ndarray], second: list[np.ndarray]) -> np.ndarray:
    """The products at each iteration, made at once."""
    count = min(len(first), len(second))
    return np.array(first[:count]) * np.array(second[:count])


def is_index(text: str, known: Values) -> bool:
    """Whether an expression is a whole number each time, of a name or as one counts in blocks or in rounds."""
    if known.shape[0] != "int" or any(v.ndim for v in known.values):
        return False
    tree = parsed(text)
    return is_atom(text) or (isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.FloorDiv | ast.Mod))


def is_atom(text: str) -> bool:
    """Whether an expression is a name, an attribute or an item."""
    return not text.endswith(".T") and isinstance(parsed(text), ATOMS)
