"""Whether a recorded forward is the standard cell, and where it parts from it.

A gradient can be right for a forward that is not the LSTM. What a step computed is compared by value with what the
equations say, so that it does not matter how the program writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from rnn_jax.errors import require
from rnn_jax.verify.subject import Recording
from rnn_jax.verify.trace.places import Place
from rnn_jax.verify.trace.tape import Constant, Node, Tape
from rnn_jax.verify.truncation import prepared

CELLS = ("standard-rnn", "standard-lstm", "standard-gru")
# Two ways to write one formula part by a few eps; two formulas that are not the same do not come within a billionth.
SAME = 1e-9


class Value(NamedTuple):
    """What stood somewhere in a step, in one row."""

    numbers: np.ndarray
    place: Place


class Step(NamedTuple):
    """All values of one step, and those of the step before; gates by kind."""

    values: list[Value]
    before: list[Value]
    gates: list[Value]
    negated: list[Value]  # σ(-z) in the place of σ(z)
    candidates: list[Value]  # tanh


def compare(made: Recording, cell: str) -> str:
    """One sentence on the forward. `cell` is one of CELLS. Raises InputError."""
    require(cell in CELLS, f"--truth {cell!r} is none of {', '.join(CELLS)}")
    if isinstance(made.output, Constant) or prepared(made)[0].cells < 3:
        return f"whether the forward is the {name(cell)} could not be told: three steps of a recurrence are needed"
    step = step_of(made)
    told = {"standard-rnn": rnn, "standard-lstm": lstm, "standard-gru": gru}[cell](step)
    if told and step.negated and cell != "standard-rnn":
        told = f"the gate at {step.negated[0].place} is 1 / (1 + exp(+z)), the sigmoid of -z"
    return f"the forward is the {name(cell)}" if not told else f"the forward is not the {name(cell)}: {told}"


def name(cell: str) -> str:
    """Standard LSTM."""
    kind = cell.removeprefix("standard-")
    return f"standard {'tanh RNN' if kind == 'rnn' else kind.upper()}"


def step_of(made: Recording) -> Step:
    """A step in the middle of the sequence, where nothing is still zero."""
    clock = prepared(made)[0]
    time = clock.cells // 2 + 1
    tape = made.recorder.tape
    here = list(distinct(values_at(tape, clock, time)))
    before = list(distinct(values_at(tape, clock, time - 1)))
    gates, negated, candidates = [], [], []
    for value in here:
        for z in here:
            if z is value or z.numbers.size < value.numbers.size:
                continue
            with np.errstate(over="ignore"):
                sigmoid = 1 / (1 + np.exp(-z.numbers))
            if among(value.numbers, sigmoid):
                gates.append(value)
            elif among(value.numbers, 1 - sigmoid):
                negated.append(value)
            elif among(value.numbers, np.tanh(z.numbers)):
                candidates.append(value)
    known = [id(value) for value in gates]
    return Step(here, before, gates, [value for value in negated if id(value) not in known], candidates)


def values_at(tape: Tape, clock: Any, time: int) -> Iterator[Value]:
    """Results and operands of the operations of one step."""
    for number, node in enumerate(tape.nodes):
        if clock.in_cell[number] and clock.node_time[number] == time and node.dtype.kind == "f":
            yield Value(tape.values[node.where], node.place)
            yield from operands(tape, node)


def operands(tape: Tape, node: Node) -> Iterator[Value]:
    """What a node read, slices of packed gates among it."""
    for operand in node.operands:
        numbers = np.ravel(tape.recall(operand))
        if operand.dtype.kind == "f" and numbers.size > 1:
            yield Value(numbers, node.place)


def distinct(values: Iterator[Value]) -> Iterator[Value]:
    """Each array of numbers once."""
    seen: set[bytes] = set()
    for value in values:
        key = np.round(value.numbers, 12).tobytes()
        if value.numbers.size > 1 and key not in seen and len(seen) < 400:
            seen.add(key)
            yield value


def alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays are the same but for rounding."""
    return a.shape == b.shape and bool(np.max(np.abs(a - b)) <= SAME * max(1e-3, float(np.max(np.abs(b)))))


def among(part: np.ndarray, whole: np.ndarray) -> bool:
    """Whether all numbers of an array are among those of another: the gates of a step may be slices of one array."""
    row = np.sort(whole)
    at = np.clip(np.searchsorted(row, part), 1, max(1, row.size - 1))
    near = np.minimum(np.abs(row[at - 1] - part), np.abs(row[np.minimum(at, row.size - 1)] - part))
    return bool(np.all(near <= SAME))


def find(step: Step, numbers: np.ndarray) -> Value | None:
    """The value of the step that is these numbers."""
    return next((value for value in step.values if alike(value.numbers, numbers)), None)


def rnn(step: Step) -> str:
    """What parts it from h[t] = tanh(x[t] U + h[t-1] W + b)."""
    if step.gates or step.negated:
        return f"the sigmoid at {(step.gates + step.negated)[0].place} makes it a gated cell"
    states = [b for b in step.before if any(among(b.numbers, np.tanh(z.numbers)) for z in step.before if z is not b)]
    if not states:
        return "no value of a step is the tanh of another"
    if any(among(state.numbers, read.numbers) for state in states for read in step.values):
        return ""
    return f"the tanh at {states[0].place} is not what the next step reads"


def lstm(step: Step) -> str:
    """What parts it from c[t] = f ⊙ c[t-1] + i ⊙ g and h[t] = o ⊙ tanh(c[t])."""
    size = {value.numbers.size for value in step.gates}
    if not size:
        return "no value of a step is the sigmoid of another"
    cell = sum_of_products(step, step.gates, step.candidates, step.before)
    if cell is not None:
        return output(step, cell)
    other = sum_of_products(step, step.gates, step.gates, step.before)
    if other is not None:
        return f"the candidate at {other.place} goes through a sigmoid where tanh is due"
    instead = sum_of_products(step, step.gates, step.candidates, step.values)
    if instead is not None:
        return f"c[t] at {instead.place} has f multiply a value of its own step where c[t-1] is due"
    for i, g in product(step.gates, step.candidates):
        alone = i.numbers.size == g.numbers.size and find(step, i.numbers * g.numbers)
        if alone and output(step, alone) == "":
            return f"c[t] at {alone.place} is i ⊙ g alone: it forgets f ⊙ c[t-1]"
    return "no value of a step is f ⊙ c[t-1] + i ⊙ g, with sigmoids f and i and a tanh g"


def sum_of_products(step: Step, gates: list[Value], candidates: list[Value], states: list[Value]) -> Value | None:
    """The value that is f ⊙ (one of the states) + i ⊙ g."""
    for i, g in product(gates, candidates):
        if i is g or i.numbers.size != g.numbers.size:
            continue
        for f, c in product(gates, states):
            if f is not i and f.numbers.size == c.numbers.size == i.numbers.size:
                found = find(step, f.numbers * c.numbers + i.numbers * g.numbers)
                if found is not None:
                    return found
    return None


def output(step: Step, cell: Value) -> str:
    """What parts the output from o ⊙ tanh(c[t])."""
    same = [o for o in step.gates if o.numbers.size == cell.numbers.size]
    if any(find(step, o.numbers * np.tanh(cell.numbers)) for o in same):
        return ""
    plain = next((found for o in same if (found := find(step, o.numbers * cell.numbers))), None)
    if plain is not None:
        return f"h[t] at {plain.place} is o ⊙ c[t], without the tanh"
    return "no value of a step is o ⊙ tanh(c[t]) with a sigmoid o"


def gru(step: Step) -> str:
    """What parts it from h[t] = (1 - z) ⊙ n + z ⊙ h[t-1]; with z and 1 - z exchanged it is the papers' GRU."""
    for z, n in product(step.gates, step.candidates):
        for h in step.before:
            if not z.numbers.size == n.numbers.size == h.numbers.size:
                continue
            a, b, c = z.numbers, n.numbers, h.numbers
            if find(step, (1 - a) * b + a * c) or find(step, a * b + (1 - a) * c):
                return reset(step, z)
    return "no value of a step is (1 - z) ⊙ n + z ⊙ h[t-1], with a sigmoid z and a tanh n"


def reset(step: Step, update: Value) -> str:
    """Whether a second gate multiplies something."""
    z = update.numbers
    others = [r for r in step.gates if not alike(r.numbers, z) and not alike(r.numbers, 1 - z)]
    for r, x in product(others, step.values + step.before):
        if r.numbers.size == x.numbers.size and find(step, r.numbers * x.numbers):
            return ""
    return "no reset gate r multiplies h[t-1] or h[t-1] W"
