"""The tape as a function again, at other inputs: what the program would compute if the tape told all of it."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from rnn_jax.verify.adjoints import SMALLEST, compiled_elementwise, compiled_general, kind_of, precise
from rnn_jax.verify.trace.operations import ELEMENTWISE, call
from rnn_jax.verify.trace.tape import Constant, Guard, Node, Operand, Tape, Use


class PartedError(Exception):
    """At these inputs the program would have decided otherwise than it did where it was recorded."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(f"{guard.place} decides otherwise here")
        self.guard = guard


def replay(tape: Tape, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """All values on the tape, by id, for inputs by name. Raises PartedError where a branch would go another way."""
    values = tape.values.copy()
    guards = iter([*tape.guards, None])
    guard = next(guards)
    with precise():
        for number, node in enumerate([*tape.nodes, None]):
            while guard is not None and (node is None or guard.after <= number):
                given = tuple(recall(values, operand) for operand in guard.operands)
                if not same(guard.decide(*given), guard.outcome):
                    raise PartedError(guard)
                guard = next(guards)
            if node is not None and node.op != "constant":
                values[node.where] = np.ravel(again(node, values, inputs))
    return values


def again(node: Node, values: np.ndarray, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """One operation at new operands."""
    if node.op == "input":
        return inputs[node.static]
    operands = [recall(values, operand) for operand in node.operands]
    if node.op == "cast":
        return operands[0].astype(node.dtype)
    if node.op in ELEMENTWISE:
        kind = {"f": np.float64, "i": np.int64, "b": np.bool_}[kind_of(node)]
        size = math.prod(node.shape)
        full = max(SMALLEST, 1 << max(size - 1, 0).bit_length())
        rows: list[np.ndarray] = [np.ones(full, kind) for _ in operands]
        for row, operand in zip(rows, operands, strict=True):
            row[:size] = np.broadcast_to(operand, node.shape).ravel()
        value = np.asarray(compiled_elementwise(node.op, len(rows), kind_of(node))(*rows)[0])[:size]
    else:
        wanted = tuple(isinstance(o, Use) and o.dtype.kind == "f" for o in node.operands)
        given = tuple(v.astype(np.float64) if v.dtype.kind == "f" else v for v in map(np.asarray, operands))
        zero = np.zeros(node.shape)
        value = np.asarray(compiled_general(node.op, node.static, wanted)(given, zero)[0])
    return value.astype(node.dtype)


def recall(values: np.ndarray, operand: Operand) -> np.ndarray:
    """An operand's numbers among the new values, in its dtype."""
    if isinstance(operand, Constant):
        return np.asarray(operand.value)
    return values[operand.where].reshape(operand.shape).astype(operand.dtype)


def same(outcome: Any, before: Any) -> bool:
    """Whether a decision is the one that was recorded."""
    if isinstance(before, tuple | list):
        return len(outcome) == len(before) and all(same(o, b) for o, b in zip(outcome, before, strict=True))
    return bool(np.array_equal(outcome, before))


def as_function(tape: Tape, output: Operand) -> Any:
    """The tape as one JAX function of its inputs by name, to be given to jax.grad as it is, without jit."""

    def function(inputs: dict[str, Any]) -> Any:
        flat: list[Any] = []  # every node's result in one row
        starts = [node.start for node in tape.nodes]

        def gather(operand: Operand) -> Any:
            if isinstance(operand, Constant):
                return jnp.asarray(operand.value)
            ids = np.arange(tape.size)[operand.where]
            which = np.searchsorted(starts, ids, side="right") - 1
            parts = jnp.concatenate([flat[k].astype(operand.dtype) for k in sorted(set(which.tolist()))])
            offset, at = {}, 0
            for k in sorted(set(which.tolist())):
                offset[k] = at - starts[k]
                at += flat[k].size
            places = ids + np.array([offset[int(k)] for k in which])
            return parts[places].reshape(operand.shape)

        for node in tape.nodes:
            if node.op == "input":
                value: Any = jnp.asarray(inputs[node.static])
            elif node.op == "constant":
                value = jnp.asarray(tape.values[node.where])
            else:
                operands = tuple(gather(operand) for operand in node.operands)
                if node.op == "cast":
                    value = operands[0].astype(node.dtype)
                elif node.op in ELEMENTWISE:
                    value = ELEMENTWISE[node.op](*operands)
                else:
                    value = call(node.op, node.static, operands)
            flat.append(jnp.ravel(jnp.broadcast_to(value, node.shape)))
        return gather(output)

    return function
