"""Truncated back-propagation through time, found in a tape: what of a gradient came through how many cells.

A tape knows no time, so time is read off it. The n-th generation of uses of a parameter is those that hang on a use of
the generation before: of a recurrent weight, generation t is cell t; of any other there is one generation. A value's
time is the latest generation it hangs on. Only instructions that states pass through count: the readout and the sum of
the losses hang on all cells, but lead into none.
"""

from __future__ import annotations

import math
import weakref
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rnn_jax.verify.adjoints import Ties, operand_value, partials, precise, summed
from rnn_jax.verify.autodiff import compiler_options
from rnn_jax.verify.subject import Recording, Values
from rnn_jax.verify.trace.operations import call
from rnn_jax.verify.trace.tape import Constant, Node, Tape, Use, parents

LARGEST = 2e7  # numbers: ages times elements on the tape


class Clock:
    """The time of every element on a tape, and whether it is a state's way or leads out of the recurrence."""

    def __init__(self, made: Recording) -> None:
        tape = made.recorder.tape
        self.starts = np.array([node.start for node in tape.nodes])
        inputs = {node.static: k for k, node in enumerate(tape.nodes) if node.op == "input"}
        names, before_each = list(inputs), parents(tape)
        alive = self.alive(made, before_each)
        generation = np.zeros((len(tape.nodes), len(names)), int)
        uses = np.zeros((len(tape.nodes), len(names)), bool)
        for number, mine in enumerate(before_each):
            if not alive[number]:  # a backward beside the forward, say
                continue
            before = generation[mine].max(axis=0, initial=0)
            uses[number] = [inputs[name] in mine for name in names]
            generation[number] = before + uses[number]
        recurrent = np.asarray(generation.max(axis=0, initial=0) > 1)
        self.node_time = generation[:, recurrent].max(axis=1, initial=0)
        self.cells = int(self.node_time.max(initial=0))
        leads = np.zeros(len(tape.nodes), bool)  # to a use of a recurrent weight
        self.enters = enters = np.asarray(uses[:, recurrent].any(axis=1))
        for number in np.flatnonzero(alive)[::-1]:
            if leads[number] or enters[number]:
                leads[before_each[number]] = True
        places = {place_of(node) for node, lead in zip(tape.nodes, leads, strict=True) if lead}
        self.in_cell = np.array([place_of(node) in places for node in tape.nodes], bool)
        sizes = [math.prod(node.shape) for node in tape.nodes]
        self.time = np.repeat(np.where(self.in_cell, self.node_time, 0), sizes)

    def alive(self, made: Recording, before_each: list[list[int]]) -> np.ndarray:
        """Which operations the loss hangs on."""
        found = np.zeros(len(before_each), bool)
        assert isinstance(made.output, Use)
        found[np.searchsorted(self.starts, made.output.start, side="right") - 1] = True
        for number in range(len(before_each) - 1, -1, -1):
            if found[number]:
                found[before_each[number]] = True
        return found

    def back(self, number: int, operand: Use) -> np.ndarray:
        """How many cells back each element of an operand lies; 0 where the step is not from state to state."""
        ids = np.arange(operand.start, operand.start + math.prod(operand.shape))
        then = self.time[ids if operand.ids is None else operand.ids.ravel()]
        now = self.node_time[number] if self.in_cell[number] else 0
        return np.where((then > 0) & (now > then), now - then, 0)


def place_of(node: Node) -> Any:
    """The instruction that a node was recorded at."""
    return node.place.code, node.place.instruction, node.op


def by_age(made: Recording, ages: int, chunk: int | None = None) -> list[Values]:
    """The gradients in parts: part k is what came through k + 1 cells. With `chunk`, nothing passes between chunks."""
    if isinstance(made.output, Constant):
        return []
    tape, (clock, local) = made.recorder.tape, prepared(made)
    adjoint = np.zeros((ages, tape.size))
    adjoint[0, made.output.where] = 1.0
    with precise():
        for number in range(len(tape.nodes) - 1, -1, -1):
            node = tape.nodes[number]
            cotangent = adjoint[:, node.where].reshape(ages, *node.shape)
            if node.op in ("input", "constant") or not cotangent.any():
                continue
            for operand, part in shares(tape, node, local.get(number), cotangent):
                pass_on(adjoint, operand, part.reshape(ages, -1), clock, number, chunk)
    return [{name: adjoint[age][ids] for name, ids in made.ids.items()} for age in range(ages)]


_prepared: weakref.WeakKeyDictionary[Tape, Any] = weakref.WeakKeyDictionary()


def prepared(made: Recording) -> Any:
    """The clock and the local derivatives of a tape, once for all attempts."""
    tape = made.recorder.tape
    if tape not in _prepared:
        with precise():
            _prepared[tape] = Clock(made), partials(tape, None, Ties.HALF)
    return _prepared[tape]


def shares(tape: Tape, node: Node, local: Any, cotangent: np.ndarray) -> Any:
    """Each operand that is on the tape with its part of the cotangents, one for each age."""
    if node.op == "cast":
        yield node.operands[0], cotangent
    elif local is not None:
        for operand, partial in zip(node.operands, local, strict=True):
            if partial is not None and isinstance(operand, Use):
                quiet = cotangent == 0
                part = np.where(quiet, 0.0, cotangent * np.where(quiet, 0.0, partial))
                lead = part.ndim - 1 - len(operand.shape)
                yield operand, summed(part, (len(part), *(1,) * lead, *operand.shape))
    elif node.dtype.kind == "f":
        values = tuple(operand_value(tape, operand, None) for operand in node.operands)
        wanted = tuple(isinstance(o, Use) and v.dtype.kind == "f" for o, v in zip(node.operands, values, strict=True))
        parts = iter(compiled_back(node.op, node.static, wanted)(values, cotangent))
        for operand, want in zip(node.operands, wanted, strict=True):
            if want:
                yield operand, np.asarray(next(parts))


def pass_on(adjoint: np.ndarray, operand: Use, part: np.ndarray, clock: Clock, number: int, chunk: int | None) -> None:
    """Add a use's share, so many ages later as it lies cells back; what is too old is dropped."""
    ids = np.arange(adjoint.shape[1])[operand.where]
    back = clock.back(number, operand)
    if chunk is not None:
        then, now = clock.time[ids], clock.node_time[number]
        part = np.where((back > 0) & ((then - 1) // chunk != (now - 1) // chunk), 0.0, part)
        back = np.zeros_like(back)
    for cells in np.unique(back):
        if cells < len(adjoint):
            chosen = back == cells
            rows = len(adjoint) - int(cells)
            np.add.at(adjoint[int(cells) :].T, ids[chosen], part[:rows, chosen].T)


@cache
def compiled_back(op: str, static: Any, wanted: tuple[bool, ...]) -> Any:
    """The transposed derivative of a general operation, for many cotangents at once."""

    def run(values: tuple[Any, ...], cotangents: Any) -> Any:
        def of(*moving: Any) -> Any:
            rest = iter(moving)
            return call(op, static, tuple(next(rest) if w else v for v, w in zip(values, wanted, strict=True)))

        value, back = jax.vjp(of, *(v for v, w in zip(values, wanted, strict=True) if w))
        return jax.vmap(back)(jnp.asarray(cotangents, value.dtype))

    return jax.jit(run, compiler_options=compiler_options())


def truncated(made: Recording, cells: int) -> Values | None:
    """The gradients in which each step's loss reaches so many cells, its own included; None without a recurrence."""
    steps = prepared(made)[0].cells
    if steps < 2:
        return None
    return total(by_age(made, min(cells, steps)))


def chunked(made: Recording, cells: int) -> Values:
    """The gradients that stop at the borders of chunks of so many cells."""
    return total(by_age(made, 1, chunk=cells))


def total(parts: list[Values]) -> Values:
    """The sum over ages."""
    return {name: np.sum([part[name] for part in parts], axis=0) for name in parts[0]}


def zero_start(made: Recording) -> bool:
    """Whether there is a recurrence whose first step multiplies a recurrent weight with zeros."""
    if isinstance(made.output, Constant) or len(made.recorder.tape.nodes) > MANY:
        return False
    clock = prepared(made)[0]
    first = [made.recorder.tape.nodes[k] for k in np.flatnonzero(clock.enters & (clock.node_time == 1))]
    return any(
        all(not np.any(o.value) for o in node.operands if isinstance(o, Constant))
        for node in first
        if any(isinstance(o, Constant) for o in node.operands)
    )


MANY = 20_000  # operations, beyond which a note is not worth the seconds
