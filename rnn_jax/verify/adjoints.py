"""The gradient of a tape's output with respect to every element on it.

Every operation is differentiated by JAX at the operands that NumPy had (the program's own trajectory, so that nothing
that rounding does to the forward comes between the two gradients), and the chain rule is applied from the output to
the inputs. What JAX computes for the operation's value is compared with NumPy's on the way.

Elementwise operations are evaluated all at once, one call of JAX for each kind; others one by one, each compiled once
for its shapes. To compile the whole tape as one program takes minutes where this takes seconds.
"""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rnn_jax.verify.autodiff import compiler_options
from rnn_jax.verify.noise import norm
from rnn_jax.verify.trace.operations import ELEMENTWISE, FLAT, call
from rnn_jax.verify.trace.recorder import RecordingError
from rnn_jax.verify.trace.tape import Constant, Node, Operand, Tape, Use

SMALLEST = 16  # elements in one call: sizes are rounded up to powers of two, so that few programs are compiled


@contextlib.contextmanager
def precise() -> Iterator[None]:
    """JAX in float64, mixed dtypes, NaN and infinity allowed, products not rounded; the caller's settings come back."""
    settings = (
        jax.enable_x64(True),
        jax.default_matmul_precision("highest"),
        jax.numpy_dtype_promotion("standard"),
        jax.debug_nans(False),
        jax.debug_infs(False),
        np.errstate(all="ignore"),
    )
    with contextlib.ExitStack() as stack:
        for setting in settings:
            stack.enter_context(setting)
        yield


class Jitter(NamedTuple):
    """Rounding, made visible: every real number on a tape and every cotangent moves by eps, up or down at random."""

    values: np.ndarray  # the tape's, moved
    factors: np.ndarray  # for the cotangent of each element
    signs: np.ndarray
    eps: float

    @classmethod
    def of(cls, tape: Tape, rng: np.random.Generator, eps: float) -> Jitter:
        """A new draw."""
        real = np.repeat([node.dtype.kind == "f" for node in tape.nodes], [math.prod(n.shape) for n in tape.nodes])
        signs = rng.choice([-1.0, 1.0], (2, tape.size)) * real
        return cls(tape.values * (1 + eps * signs[0]), 1 + eps * signs[1], signs[1], eps)


class Ties:
    """What a kink's derivative is taken to be where maximum, minimum or clip has two equal operands."""

    HALF, FIRST, SECOND = 0.5, 1.0, 0.0


def value_and_adjoints(tape: Tape, output: Operand, jitter: Jitter | None = None, tie: float = Ties.HALF) -> np.ndarray:
    """D output / d element, for every element on the tape: a vector by id.

    Raises RecordingError where JAX's value of an operation is not NumPy's.
    """
    with precise():
        if isinstance(output, Constant):
            return np.zeros(tape.size)
        return sweep(tape, output, partials(tape, jitter, tie), jitter)


Shares = dict[tuple[int, int], np.ndarray]  # by operation and operand: what one use adds to an adjoint


def adjoints_and_shares(tape: Tape, output: Operand) -> tuple[np.ndarray, Shares]:
    """D output / d element for every element, and the part of it that comes from each single use."""
    shares: Shares = {}
    with precise():
        if isinstance(output, Constant):
            return np.zeros(tape.size), shares
        return sweep(tape, output, partials(tape, None, Ties.HALF), None, shares), shares


def sweep(
    tape: Tape,
    output: Use,
    local: dict[int, list[np.ndarray | None]],
    jitter: Jitter | None,
    shares: Shares | None = None,
) -> np.ndarray:
    """The chain rule from the output back; `shares` is filled with those of every single use."""
    adjoint = np.zeros(tape.size)
    adjoint[output.where] = 1.0
    for number in range(len(tape.nodes) - 1, -1, -1):
        node = tape.nodes[number]
        if node.op in ("input", "constant"):
            continue
        cotangent = adjoint[node.where].reshape(node.shape)
        if not cotangent.any():
            continue
        if jitter:
            cotangent = cotangent * jitter.factors[node.where].reshape(node.shape)
        if node.op == "cast":
            if node.dtype.kind == "f":
                send(adjoint, node.operands[0], cotangent)
        elif number in local:
            for k, (operand, partial) in enumerate(zip(node.operands, local[number], strict=True)):
                if partial is not None and isinstance(operand, Use):
                    # What nothing hangs on passes nothing on, be its own derivative infinite.
                    part = np.where(cotangent == 0, 0.0, cotangent * np.where(cotangent == 0, 0.0, partial))
                    part = summed(part, operand.shape)
                    send(adjoint, operand, part)
                    if shares is not None:
                        shares[number, k] = part
        else:
            general(tape, node, cotangent, adjoint, jitter, None if shares is None else (number, shares))
    return adjoint


def send(adjoint: np.ndarray, operand: Operand, part: np.ndarray) -> None:
    """Add one use's share to the adjoint of what was used."""
    if not isinstance(operand, Use):
        return
    if operand.ids is None:
        adjoint[operand.where] += part.ravel()
    else:
        np.add.at(adjoint, operand.where, part.ravel())


def summed(part: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The adjoint of a broadcast: the sum over what it was repeated along."""
    if part.shape == shape:
        return part
    part = part.sum(axis=tuple(range(part.ndim - len(shape))))
    axes = tuple(k for k, size in enumerate(shape) if size == 1 and part.shape[k] != 1)
    return part.sum(axis=axes, keepdims=True) if axes else part


def partials(tape: Tape, jitter: Jitter | None, tie: float) -> dict[int, list[np.ndarray | None]]:
    """The local derivatives of all elementwise operations, by node and operand; None where there is none."""
    kinds: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    for number, node in enumerate(tape.nodes):
        if node.op in ELEMENTWISE:
            kinds[node.op, len(node.operands), kind_of(node)].append(number)
    found: dict[int, list[np.ndarray | None]] = {}
    for (op, arity, kind), numbers in kinds.items():
        nodes = [tape.nodes[number] for number in numbers]
        rows: list[np.ndarray] = []
        for k in range(arity):
            parts = [spread(tape, node, k, jitter) for node in nodes]
            rows.append(np.concatenate(parts).astype({"f": np.float64, "i": np.int64, "b": np.bool_}[kind]))
        value, slopes = evaluate(op, kind, rows, tie)
        ends = np.cumsum([math.prod(node.shape) for node in nodes])
        if jitter is None:
            check_rows(tape, nodes, value, ends)
        elif op == "tanh":
            # JAX takes 1 - y² from a y that is itself rounded; where tanh saturates, that is most of it.
            place = np.concatenate([np.arange(node.where.start, node.where.stop) for node in nodes])
            slopes = [None if s is None else s + 2 * jitter.eps * value**2 * jitter.signs[place] for s in slopes]
        for number, node, end in zip(numbers, nodes, ends.tolist(), strict=True):
            part = slice(end - math.prod(node.shape), end)
            found[number] = [None if s is None else s[part].reshape(node.shape) for s in slopes] or [None] * arity
    return found


def check_rows(tape: Tape, nodes: list[Node], value: np.ndarray, ends: np.ndarray) -> None:
    """`agree` for many operations: one by one only where some element is not NumPy's to 8 ulp."""
    theirs = np.concatenate([tape.values[node.where] for node in nodes])
    eps = np.repeat([eps_of(node) for node in nodes], [math.prod(node.shape) for node in nodes])
    off = np.flatnonzero(~((value == theirs) | (np.abs(value - theirs) <= 8 * eps * np.abs(theirs))))
    for number in np.unique(np.searchsorted(ends, off, side="right")):
        node, end = nodes[number], int(ends[number])
        agree(tape, node, value[end - math.prod(node.shape) : end].reshape(node.shape))


def eps_of(node: Node) -> float:
    """The rounding of a result; discrete ones have none."""
    return float(np.finfo(node.dtype).eps) if node.dtype.kind == "f" else 0.0


def kind_of(node: Node) -> str:
    """f, i or b: as what JAX is to take the operands."""
    kinds = {operand.dtype.kind for operand in node.operands}
    if node.op not in FLAT and node.dtype.kind == "f":
        return "f"
    return "f" if "f" in kinds else "i" if kinds & set("iu") else "b"


def spread(tape: Tape, node: Node, k: int, jitter: Jitter | None) -> np.ndarray:
    """An operand in the shape of the result, in one row."""
    value = tape.recall(node.operands[k], jitter.values if jitter else None)
    return value.ravel() if value.shape == node.shape else np.broadcast_to(value, node.shape).ravel()


def evaluate(op: str, kind: str, rows: list[np.ndarray], tie: float) -> tuple[np.ndarray, list[np.ndarray | None]]:
    """An elementwise operation and its slopes on rows of any length."""
    size = rows[0].size
    full = max(SMALLEST, 1 << (size - 1).bit_length()) if size else SMALLEST
    padded = [np.concatenate([row, np.ones(full - size, row.dtype)]) for row in rows]
    result = compiled_elementwise(op, len(rows), kind)(*padded)
    value, *slopes = (np.array(each)[:size] for each in result)
    if op in ("maximum", "minimum", "fmax", "fmin") and slopes:
        tied = rows[0] == rows[1]
        slopes[0][tied], slopes[1][tied] = tie, 1 - tie
    if op == "clip" and slopes:
        slopes[0][(rows[0] == rows[1]) | (rows[0] == rows[2])] = tie
    return value, list(slopes)


@cache
def compiled_elementwise(op: str, arity: int, kind: str) -> Callable[..., Any]:
    """The operation and its derivative with respect to each operand, on rows."""
    function = ELEMENTWISE[op]

    def run(*rows: Any) -> Any:
        if kind != "f" or op in FLAT:
            return (function(*rows),)
        value, back = jax.vjp(function, *rows)
        return (value, *back(jnp.ones_like(value)))

    return jax.jit(run, compiler_options=compiler_options())


def general(
    tape: Tape,
    node: Node,
    cotangent: np.ndarray,
    adjoint: np.ndarray,
    jitter: Jitter | None,
    shares: tuple[int, Shares] | None = None,
) -> None:
    """One operation that is not elementwise: its value checked, its operands' adjoints sent on."""
    if node.dtype.kind != "f":
        return
    values = tuple(operand_value(tape, operand, jitter) for operand in node.operands)
    wanted = tuple(isinstance(o, Use) and v.dtype.kind == "f" for o, v in zip(node.operands, values, strict=True))
    value, *parts = compiled_general(node.op, node.static, wanted)(values, cotangent.astype(np.float64))
    if jitter is None:
        agree(tape, node, np.asarray(value))
    rest = iter(parts)
    for k, (operand, want) in enumerate(zip(node.operands, wanted, strict=True)):
        if want:
            part = np.asarray(next(rest))
            send(adjoint, operand, part)
            if shares is not None:
                shares[1][shares[0], k] = part


def operand_value(tape: Tape, operand: Operand, jitter: Jitter | None) -> np.ndarray:
    """An operand for JAX: real numbers in float64."""
    value = np.asarray(tape.recall(operand, jitter.values if jitter else None))
    return value.astype(np.float64, copy=False) if value.dtype.kind == "f" else value


@cache
def compiled_general(op: str, static: Any, wanted: tuple[bool, ...]) -> Callable[..., Any]:
    """A general operation and its transposed derivative; JAX compiles it for each set of shapes."""

    def run(values: tuple[Any, ...], cotangent: Any) -> Any:
        def of(*moving: Any) -> Any:
            rest = iter(moving)
            return call(op, static, tuple(next(rest) if w else v for v, w in zip(values, wanted, strict=True)))

        value, back = jax.vjp(of, *(v for v, w in zip(values, wanted, strict=True) if w))
        return (value, *back(jnp.asarray(cotangent, value.dtype)))

    return jax.jit(run, compiler_options=compiler_options())


def agree(tape: Tape, node: Node, ours: np.ndarray) -> None:
    """Raise RecordingError unless JAX's value of the operation is NumPy's.

    Within 8 ulp of the norm; where the result is what cancellation left, within 16 times what one eps in its operands
    does to it, by NumPy itself as far as elementwise operations go.
    """
    theirs = tape.values[node.where].reshape(node.shape)
    if ours.shape != theirs.shape:
        raise RecordingError(f"{node.place}: {name(node)} has shape {theirs.shape} in NumPy and {ours.shape} in JAX")
    finite = np.isfinite(theirs) & np.isfinite(ours)
    same = (theirs == ours) | (np.isnan(theirs) & np.isnan(ours))
    if not np.all(finite | same):
        raise RecordingError(f"{node.place}: {name(node)} is not finite in one of NumPy and JAX alone")
    eps = eps_of(node)
    difference = norm(np.where(finite & ~same, theirs - ours, 0.0))
    if difference <= 8 * eps * norm(np.where(finite, theirs, 0.0)):
        return
    if node.dtype.kind == "f" and difference <= 16 * conditioned(tape, node, ours, eps):
        return
    raise RecordingError(
        f"{node.place}: NumPy's {name(node)} and JAX's differ by {difference:.1e}; please report it with this line"
    )


def conditioned(tape: Tape, node: Node, ours: np.ndarray, eps: float) -> float:
    """How far the operation's result moves where its operands move by one eps: the largest of three draws."""
    rng = np.random.default_rng(0)
    far = 0.0
    for _ in range(3):
        given = [np.asarray(tape.recall(o), np.float64) for o in node.operands]
        values = [value * (1 + eps * rng.choice([-1.0, 1.0], value.shape)) for value in given]
        if node.op in ELEMENTWISE:
            moved = np.asarray(ELEMENTWISE[node.op](*values))
        else:
            moved = np.asarray(call(node.op, node.static, tuple(values)))
        far = max(far, norm(np.nan_to_num(moved - ours)))
    return far


def name(node: Node) -> str:
    """An operation as a NumPy user knows it."""
    return f"np.{node.op}"
