"""The transposed derivative of products and sums in NumPy: what one operand is sent of the result's gradient.

JAX gives the same numbers (a test compares them), but a call of it takes as long as twenty of these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnn_jax.verify.adjoints import compiled_general, summed
from rnn_jax.verify.trace.operations import Slot

PRODUCTS = ("matmul", "dot", "outer", "einsum", "inner", "vdot")
SUMS = ("sum", "mean", "add.reduce")


def transposed(op: str, static: Any, values: Sequence[np.ndarray], k: int, cotangent: np.ndarray) -> np.ndarray:
    """What operand k is sent, where the operands have these values."""
    part = None
    if op in SUMS:
        part = of_sum(op, static, values[0], cotangent)
    elif op in ("matmul", "dot", "inner", "vdot") and plain_pair(static):
        part = of_product(op, values[0], values[1], k, cotangent)
    elif op == "outer" and plain_pair(static):
        matrix = cotangent.reshape(values[0].size, values[1].size)
        part = matrix @ values[1].ravel() if k == 0 else values[0].ravel() @ matrix
    elif op == "einsum":
        part = of_einsum(static, values, k, cotangent)
    return by_jax(op, static, values, k, cotangent) if part is None else part.reshape(values[k].shape)


def plain_pair(static: Any) -> bool:
    """Whether the call was f(a, b) and nothing more."""
    args, kwargs, output = static
    return bool(args == (Slot(0), Slot(1)) and not kwargs and output is None)


def of_product(op: str, a: np.ndarray, b: np.ndarray, k: int, cotangent: np.ndarray) -> np.ndarray | None:
    """For vectors, matrices and, of matmul, stacks of matrices; None beyond."""
    if a.ndim == 0 or b.ndim == 0:
        return summed(cotangent * (b, a)[k], (a, b)[k].shape) if op == "dot" else None
    if (a.ndim == 1 and b.ndim == 1) or op == "vdot":
        return cotangent * (b, a)[k].ravel()
    if op == "inner" or (op == "dot" and b.ndim > 2):
        return None
    left, right = a.reshape(1, -1) if a.ndim == 1 else a, b.reshape(-1, 1) if b.ndim == 1 else b
    shape = cotangent.shape
    whole = cotangent.reshape((*shape[: len(shape) - (b.ndim > 1)], *(1,) * (a.ndim == 1), *shape[len(shape) - 1 :])
                              if b.ndim > 1 else (*shape, *(1,) * (a.ndim == 1), 1))  # fmt: skip
    part = whole @ np.swapaxes(right, -1, -2) if k == 0 else np.swapaxes(left, -1, -2) @ whole
    return summed(part, (left, right)[k].shape)


def of_sum(op: str, static: Any, value: np.ndarray, cotangent: np.ndarray) -> np.ndarray | None:
    """Of a sum or mean along axes; None where the call says anything else."""
    args, kwargs, output = static
    said = dict(kwargs)
    axis = args[1] if len(args) > 1 else said.get("axis")
    if output is not None or len(args) > 2 or args[0] != Slot(0) or set(said) - {"axis", "keepdims"}:
        return None
    axes = range(value.ndim) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    kept = [1 if d in {a % value.ndim for a in axes} else n for d, n in enumerate(value.shape)]
    count = math.prod(value.shape) // max(math.prod(kept), 1) if op == "mean" else 1
    return np.broadcast_to(cotangent.reshape(kept) / count, value.shape)


def of_einsum(static: Any, values: Sequence[np.ndarray], k: int, cotangent: np.ndarray) -> np.ndarray | None:
    """Of two operands with explicit subscripts, none of them twice in one operand."""
    args, kwargs, output = static
    if len(args) != 3 or not isinstance(args[0], str) or args[1:] != (Slot(0), Slot(1)) or kwargs or output is not None:
        return None
    left, arrow, result = args[0].replace(" ", "").partition("->")
    terms = left.split(",")
    mine, other = terms[k], terms[1 - k]
    if not arrow or "." in left or any(len(set(t)) < len(t) for t in terms) or set(mine) - set(result + other):
        return None
    return np.asarray(np.einsum(f"{result},{other}->{mine}", cotangent, values[1 - k]))


def by_jax(op: str, static: Any, values: Sequence[np.ndarray], k: int, cotangent: np.ndarray) -> np.ndarray:
    """The same of any other operation."""
    wanted = tuple(j == k for j in range(len(values)))
    given = tuple(np.asarray(v, np.float64) if np.asarray(v).dtype.kind == "f" else np.asarray(v) for v in values)
    return np.asarray(compiled_general(op, static, wanted)(given, np.asarray(cotangent, np.float64))[1])
