"""From the value that an expression would have to have to those of its parts: each operation undone.

`exp(a - b)` has to be 3: so `a - b` has to be log 3, and a has to be b + log 3. The parts of a sum, a product or a
matrix product, the argument of a curve that rises or falls throughout, the pieces that are put side by side.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.verify.repair.tree import Path

NEAR = 1e-6  # relative: what is undone comes from solving equations
MOST_ROWS = 400  # of a matrix that is divided by


class Part(NamedTuple):
    """A part of an expression, and how what is wanted of it follows from what is wanted of the whole."""

    path: Path
    others: list[Path]  # the parts whose values that takes
    undo: Callable[[np.ndarray, np.ndarray, list[np.ndarray]], np.ndarray | None]  # of the whole, itself, the others


def parts(node: ast.AST) -> Iterator[Part]:
    """The parts of an expression for which what is wanted can be told."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield Part((("operand", None),), [], lambda whole, own, others: -whole)
    elif isinstance(node, ast.BinOp):
        left, right = (("left", None),), (("right", None),)
        operator: Any = type(node.op)
        if operator in LEFT:
            yield Part(left, [right], lambda whole, own, others: LEFT[operator](whole, others[0], own))
        if operator in RIGHT:
            yield Part(right, [left], lambda whole, own, others: RIGHT[operator](whole, others[0], own))
    elif isinstance(node, ast.Call) and not node.keywords:
        yield from of_call(node)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield Part((("value", None),), [], lambda whole, own, others: whole.T)
    elif isinstance(node, ast.Subscript) and only_axes(node.slice):
        yield Part((("value", None),), [], reshaped)


def is_curve(node: ast.AST) -> bool:
    """Whether an expression is an elementary function of one argument, of which small values say little of that."""
    name = node.func if isinstance(node, ast.Call) else None
    return (name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")) in CURVES


def of_call(node: ast.Call) -> Iterator[Part]:
    """The same of what a call is given."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    first: Path = (("args", 0),)
    if len(node.args) == 1 and name in CURVES:
        yield Part(first, [], lambda whole, own, others: CURVES[name](whole))
    elif len(node.args) == 1 and name in AXES and isinstance(node.args[0], ast.List | ast.Tuple):
        count = len(node.args[0].elts)
        for k in range(count):
            others: list[Path] = [(*first, ("elts", j)) for j in range(count) if j != k]
            yield Part((*first, ("elts", k)), others, piece(k, AXES[name]))
    elif name in ("reshape", "ravel", "flatten") and isinstance(node.func, ast.Attribute):
        yield Part((("func", None), ("value", None)), [], reshaped)
    elif len(node.args) == 2 and name == "outer":
        second: Path = (("args", 1),)
        yield Part(first, [second], lambda whole, own, others: by_matrix(whole, others[0][None, :], own))
        yield Part(second, [first], lambda whole, own, others: by_matrix(whole.T, others[0][None, :], own))


def piece(number: int, axis: int) -> Callable[[np.ndarray, np.ndarray, list[np.ndarray]], np.ndarray | None]:
    """One of several arrays that stand side by side, where the others are as they should be."""

    def undo(whole: np.ndarray, own: np.ndarray, others: list[np.ndarray]) -> np.ndarray | None:
        each = [*others[:number], own, *others[number:]]
        along = axis if whole.ndim > 1 else 0
        if any(v.ndim != whole.ndim for v in each):
            return None
        ends = np.cumsum([v.shape[along] for v in each])[:-1]
        wanted = np.split(whole, ends, axis=along)
        right = all(close(w, v) for k, (w, v) in enumerate(zip(wanted, each, strict=True)) if k != number)
        return wanted[number] if right else None

    return undo


def close(wanted: np.ndarray, value: np.ndarray) -> bool:
    """Whether two values are the same to what is known of them; where NaN is wanted anything will do."""
    if wanted.shape != value.shape:
        return False
    apart, size = np.abs(wanted - value), float(np.nanmax(np.abs(wanted), initial=0.0))
    return bool(np.all((apart <= NEAR * size) | np.isnan(wanted)))


def reshaped(whole: np.ndarray, own: np.ndarray, others: list[np.ndarray]) -> np.ndarray | None:
    """What has the same entries in the same order."""
    return whole.reshape(own.shape) if whole.size == own.size else None


def only_axes(index: ast.expr) -> bool:
    """Whether an index takes everything, with new axes: [:, None]."""
    each = index.elts if isinstance(index, ast.Tuple) else [index]
    return all(
        (isinstance(one, ast.Slice) and not (one.lower or one.upper or one.step))
        or (isinstance(one, ast.Constant) and one.value is None)
        or ast.unparse(one).endswith("newaxis")
        for one in each
    )


def by_matrix(whole: np.ndarray, other: np.ndarray, own: np.ndarray) -> np.ndarray | None:
    """X of X @ other = whole, where there is one alone."""
    if whole.ndim not in (1, 2) or other.ndim != 2 or own.ndim not in (1, 2) or max(other.shape) > MOST_ROWS:
        return None
    if not np.all(np.isfinite(whole)) or whole.shape[-1] != other.shape[1]:
        return None
    found, _, rank, _ = np.linalg.lstsq(other.T, whole.T, rcond=1e-10)
    apart = float(np.linalg.norm(other.T @ found - whole.T))
    if rank < other.shape[0] or not apart <= NEAR * float(np.linalg.norm(whole)):
        return None
    return found.T.reshape(own.shape) if found.size == own.size else np.asarray(found.T)


def times_left(whole: np.ndarray, other: np.ndarray, own: np.ndarray) -> np.ndarray | None:
    """X of other @ X = whole."""
    if other.ndim != 2:
        return None
    return turned(by_matrix(whole.T, other.T, own.T))


def turned(value: np.ndarray | None) -> np.ndarray | None:
    """The transpose, where there is something."""
    return value.T if value is not None else None


def quotient(whole: np.ndarray, other: np.ndarray, own: np.ndarray) -> np.ndarray | None:
    """What a factor has to be; where the other is 0 anything will do, if nothing is wanted."""
    with np.errstate(all="ignore"):
        made = np.where((other == 0) & (np.abs(whole) <= NEAR), np.nan, whole / other)
    return made if not np.any(np.isinf(made)) else None


def root(whole: np.ndarray, power: np.ndarray, own: np.ndarray) -> np.ndarray | None:
    """What has to be raised to a power, with the sign that it has."""
    if power.ndim or not power or np.shape(whole) != np.shape(own):
        return None
    with np.errstate(all="ignore"):
        size = np.abs(whole) ** (1 / float(power))
        made = np.where(own < 0, -size, size)
        return made if np.allclose(made ** float(power), whole, rtol=NEAR, equal_nan=True) else None


LEFT: dict[type, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray | None]] = {
    ast.Add: lambda whole, other, own: whole - other,
    ast.Sub: lambda whole, other, own: whole + other,
    ast.Mult: quotient,
    ast.Div: lambda whole, other, own: whole * other,
    ast.MatMult: by_matrix,
    ast.Pow: root,
}
RIGHT: dict[type, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray | None]] = {
    ast.Add: lambda whole, other, own: whole - other,
    ast.Sub: lambda whole, other, own: other - whole,
    ast.Mult: quotient,
    ast.Div: lambda whole, other, own: quotient(np.broadcast_to(other, whole.shape), whole, own),
    ast.MatMult: times_left,
}
CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.log,
    "expm1": np.log1p,
    "log": np.exp,
    "log1p": np.expm1,
    "tanh": np.arctanh,
    "arctan": np.tan,
    "sinh": np.arcsinh,
    "arcsinh": np.sinh,
    "sqrt": np.square,
    "negative": np.negative,
    "transpose": np.transpose,
}
AXES = {"hstack": 1, "vstack": 0, "concatenate": 0}
