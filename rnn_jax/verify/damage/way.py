"""A recorded loss, taken apart: its operations, which of them are the same source at another step, and what each sends.

A site is one operation of the source at one rank within a step, its instances in order of time; a family is all that
one instruction did (a helper for three gates is three sites and one family).
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnn_jax.verify.adjoints import precise, summed, sweep
from rnn_jax.verify.damage.transposes import transposed
from rnn_jax.verify.judge import Judgement
from rnn_jax.verify.subject import Values
from rnn_jax.verify.trace.operations import ELEMENTWISE
from rnn_jax.verify.trace.tape import Constant, Node, Operand, Use
from rnn_jax.verify.truncation import place_of, prepared

Sent = list[tuple[np.ndarray, np.ndarray]]  # elements, and what each is sent
Plan = tuple[tuple[Any, bool], list[int], Callable[[np.ndarray], np.ndarray]]


class Way:
    """The way back from the loss to the parameters at one point."""

    def __init__(self, made: Judgement) -> None:
        recorded = made.truth.recording
        assert isinstance(recorded.output, Use)
        self.made, self.tape = made, recorded.recorder.tape
        self.nodes, self.params = self.tape.nodes, recorded.ids
        self.names = list(self.params)
        self.clock, self.local = prepared(recorded)
        self.starts = self.clock.starts
        with precise():
            self.adjoint = sweep(self.tape, recorded.output, self.local, None)
        self.in_cell = self.clock.in_cell
        self.uses = [[operand_ids(o) if isinstance(o, Use) else None for o in node.operands] for node in self.nodes]
        self.owners = [
            [None if ids is None else np.unique(self.owner(ids)) for ids in mine] for mine in self.uses
        ]  # fmt: skip
        self.known = {  # of these very arrays: whether no element comes twice, and whose the elements are
            id(ids): (len(np.unique(ids)) == ids.size, owners.tolist())
            for mine, theirs in zip(self.uses, self.owners, strict=True)
            for ids, owners in zip(mine, theirs, strict=True)
            if ids is not None and owners is not None
        }
        self.alive = self.carrying(recorded.output)
        self.reach = self.reaches()
        self.families: dict[Any, list[int]] = defaultdict(list)
        for number in np.flatnonzero(self.alive):
            if self.nodes[number].op not in ("input", "constant"):
                self.families[place_of(self.nodes[number])].append(int(number))
        self.time = self.times()
        self.sites: list[list[int]] = []
        self.site_of: dict[int, int] = {}
        for family in self.families.values():
            self.divide(family)
        self.steps = [{int(self.time[n]): n for n in site} for site in self.sites]
        self.change: np.ndarray | None = None  # what a damage changes, while it is swept
        self._sent: dict[int, Sent] = {}
        self._plans: dict[int, list[Plan]] = {}

    def under(self, adjoint: np.ndarray) -> Way:
        """The same way with other gradients on it: what was damaged already."""
        other = copy.copy(self)
        other.adjoint, other._sent = adjoint, {}
        return other

    def times(self) -> np.ndarray:
        """The step of each operation; of what hangs on inputs alone, as x U, the step that first uses it."""
        time = self.clock.node_time.copy()
        timeless = {n for family in self.families.values() if not time[family].any() for n in family}
        for number in range(len(self.nodes) - 1, -1, -1):
            if not self.alive[number] or not time[number]:
                continue
            for mine in self.owners[number]:
                for owner in [] if mine is None else mine.tolist():
                    if owner in timeless and (not time[owner] or time[owner] > time[number]):
                        time[owner] = time[number]
        return np.asarray(time)

    def divide(self, family: list[int]) -> None:
        """Make sites of a family: a new one for each sequence, where time starts again, and for each rank in a step."""
        run, before, rank = 0, -1, 0
        parts: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number in family:
            step = int(self.time[number])
            run, rank = run + (step < before), rank + 1 if step == before else 0
            parts[run, rank].append(number)
            before = step
        for site in parts.values():
            for number in site:
                self.site_of[number] = len(self.sites)
            self.sites.append(site)

    def owner(self, ids: np.ndarray) -> np.ndarray:
        """The operation that made each element."""
        return np.searchsorted(self.starts, ids, side="right") - 1

    def carrying(self, output: Use) -> np.ndarray:
        """Which operations the loss hangs on by a gradient."""
        found = np.zeros(len(self.nodes), bool)
        found[self.owner(operand_ids(output))] = True
        for number in range(len(self.nodes) - 1, -1, -1):
            if found[number]:
                for k, mine in enumerate(self.owners[number]):
                    if mine is not None and self.passes(number, k):
                        found[mine] = True
        return found

    def passes(self, number: int, k: int) -> bool:
        """Whether anything can be sent to an operand."""
        node, local = self.nodes[number], self.local.get(number)
        if self.uses[number][k] is None or node.dtype.kind != "f" or node.operands[k].dtype.kind != "f":
            return False
        return node.op not in ELEMENTWISE or (local is not None and local[k] is not None)

    def reaches(self) -> list[int]:
        """For each operation the parameters that its gradient ends in, as bits."""
        found = [0] * len(self.nodes)
        for number, node in enumerate(self.nodes):
            if node.op == "input" and node.static in self.params:
                found[number] = 1 << self.names.index(node.static)
            for k, mine in enumerate(self.owners[number]):
                if mine is not None and self.passes(number, k):
                    for owner in mine.tolist():
                        found[number] |= found[owner]
        return found

    def edge_reach(self, number: int, k: int) -> int:
        """The parameters that an operand's share ends in."""
        mine, found = self.owners[number][k], 0
        for owner in [] if mine is None else mine.tolist():
            found |= self.reach[owner]
        return found

    def current(self, number: int) -> np.ndarray:
        """The gradient of an operation's result as the sweep that is under way has it."""
        found = self.gradient(number)
        return found if self.change is None else found + self.gradient(number, self.change)

    def values(self, number: int, values: np.ndarray | None = None) -> list[np.ndarray]:
        """The operands as they were, or as they are among other values."""
        return [self.recall(o, values) for o in self.nodes[number].operands]

    def recall(self, operand: Operand, values: np.ndarray | None = None) -> np.ndarray:
        """One operand, real numbers in float64."""
        return np.asarray(self.tape.recall(operand, values))

    def value(self, number: int) -> np.ndarray:
        """What an operation gave."""
        return self.tape.values[self.nodes[number].where].reshape(self.nodes[number].shape)

    def gradient(self, number: int, adjoint: np.ndarray | None = None) -> np.ndarray:
        """The gradient of the loss with respect to an operation's result."""
        node = self.nodes[number]
        return (self.adjoint if adjoint is None else adjoint)[node.where].reshape(node.shape)

    def share(
        self, number: int, k: int, cotangent: np.ndarray, values: Sequence[np.ndarray] | None = None
    ) -> np.ndarray:
        """What an operand is sent; `values` stand in for the operands of a product or a multiplication."""
        node = self.nodes[number]
        shape = node.operands[k].shape if isinstance(node.operands[k], Use) else ()  # type: ignore[union-attr]
        if node.op == "cast":
            return cotangent
        if node.op in ELEMENTWISE:
            partial = self.local[number][k]
            if values is not None and node.op == "multiply":
                partial = np.broadcast_to(values[1 - k], node.shape)
            return summed(np.where(cotangent == 0, 0.0, cotangent * partial), shape)
        return transposed(node.op, node.static, self.values(number) if values is None else values, k, cotangent)

    def reduced(self, number: int, k: int, part: np.ndarray) -> np.ndarray:
        """A part in the result's shape, summed to the operand's, in one row."""
        return summed(part, shape_of(self.nodes[number].operands[k])).ravel()

    def fold(self, part: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A part summed to a shape that broadcasts to it."""
        return summed(part, shape)

    def sends(self, number: int, cotangent: np.ndarray) -> Sent:
        """What an operation sends to its operands."""
        return [
            (ids, self.share(number, k, cotangent).ravel())
            for k, ids in enumerate(self.uses[number])
            if ids is not None and self.passes(number, k)
        ]

    def sent(self, number: int) -> Sent:
        """What it sends in the right gradient."""
        if number not in self._sent:
            self._sent[number] = self.sends(number, self.gradient(number))
        return self._sent[number]

    def plan(self, number: int) -> list[Plan]:
        """How an operation sends to its operands, made once: where to, whose that is, and the share as a function."""
        if number not in self._plans:
            self._plans[number] = [
                (target(self.nodes[number].operands[k]), self.owners[number][k].tolist(), self.sender(number, k))  # type: ignore[union-attr]
                for k in range(len(self.uses[number]))
                if self.passes(number, k)
            ]
        return self._plans[number]

    def sender(self, number: int, k: int) -> Callable[[np.ndarray], np.ndarray]:
        """The share of one operand as a function of the gradient of the result."""
        node, local = self.nodes[number], self.local.get(number)
        if local is not None and local[k].shape == shape_of(node.operands[k]) and np.all(np.isfinite(local[k])):
            partial = local[k]
            return lambda cotangent: cotangent * partial
        values = self.values(number)
        if local is None and node.op != "cast":
            return lambda cotangent: transposed(node.op, node.static, values, k, cotangent)
        return lambda cotangent: self.share(number, k, cotangent)

    def pass_on(self, change: np.ndarray, touched: bytearray, number: int, cotangent: np.ndarray) -> None:
        """Add what an operation sends for a gradient of its result, and mark what it sends to."""
        for (where, once), owners, send in self.plan(number):
            share = send(cotangent).ravel()
            if once:
                change[where] += share
            else:
                np.add.at(change, where, share)
            for owner in owners:
                touched[owner] = 1

    def carried(self, number: int, k: int) -> np.ndarray:
        """Which elements of an operand come from an earlier step."""
        ids = self.uses[number][k]
        assert ids is not None
        owner = self.owner(ids)
        earlier = (self.time[owner] < self.time[number]) & self.in_cell[owner] & bool(self.in_cell[number])
        state = np.array([len(self.sites[self.site_of[o]]) > 1 if o in self.site_of else False for o in owner.tolist()])
        return np.asarray(earlier & state)

    def like(self, other: Way) -> bool:
        """Whether the program did the same at another point."""
        return len(self.nodes) == len(other.nodes) and all(
            a.op == b.op and a.shape == b.shape for a, b in zip(self.nodes, other.nodes, strict=True)
        )


def operand_ids(operand: Use) -> np.ndarray:
    """The elements that an operand reads, in one row."""
    if operand.ids is not None:
        return operand.ids.ravel()
    return np.arange(operand.where.start, operand.where.stop)


def target(operand: Operand) -> tuple[Any, bool]:
    """What to index the flat gradients with to add to an operand's, and whether no element comes twice."""
    assert isinstance(operand, Use)
    if operand.ids is None:
        return operand.where, True
    return operand.where, len(np.unique(operand.ids)) == operand.ids.size


def shape_of(operand: Operand) -> tuple[int, ...]:
    """The shape of an operand."""
    return operand.value.shape if isinstance(operand, Constant) else operand.shape


def is_leaf(way: Way, number: int, k: int) -> str:
    """The parameter that an operand is, or "": a part of one counts."""
    mine = way.owners[number][k]
    node: Node | None = way.nodes[int(mine[0])] if mine is not None and len(mine) == 1 else None
    return str(node.static) if node is not None and node.op == "input" and node.static in way.params else ""


def gradients(way: Way, adjoint: np.ndarray) -> Values:
    """Each parameter's gradient among the gradients of all elements."""
    return {name: adjoint[ids] for name, ids in way.params.items()}
