"""What a right value is, in the words of the forward: the gradient of a[t], its share through W @ h."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from types import CodeType
from typing import NamedTuple

import numpy as np

from rnn_jax.verify.adjoints import adjoints_and_shares
from rnn_jax.verify.repair.live import LiveCode
from rnn_jax.verify.repair.tree import walk
from rnn_jax.verify.subject import Recording
from rnn_jax.verify.trace.places import Place
from rnn_jax.verify.trace.tape import Constant, Node, Use

ELEMENTWISE = set("tanh exp negative divide add subtract multiply power square reciprocal sqrt log maximum".split())
DEEPEST = 4  # operations in a row: a sigmoid is four
NEAR = 1e-9  # relative: the values come from runs of the same program, or from solving equations well posed


class Quantity(NamedTuple):
    """A right value, and how the forward would call it."""

    words: str
    value: np.ndarray
    negated: bool = False  # that of -x, which the gradient of x with a wrong sign is too


class Quantities:
    """The adjoint of each operation's result and the share of each single use, by their size."""

    def __init__(self, live: LiveCode, made: Recording) -> None:
        self.live, self.made = live, made

    @cached_property
    def adjoints(self) -> tuple[np.ndarray, dict[tuple[int, int], np.ndarray]]:
        """The gradient of each value, and the share of each use of it."""
        return adjoints_and_shares(self.made.recorder.tape, self.made.output)

    @cached_property
    def by_size(self) -> dict[int, list[Quantity]]:
        """All of them."""
        tape = self.made.recorder.tape
        adjoint, shares = self.adjoints
        found: dict[int, list[Quantity]] = defaultdict(list)
        negations = {node.start for node in tape.nodes if node.op == "negative"}
        for name, ids in self.made.ids.items():
            found[ids.size].append(Quantity(f"the gradient of {name}", adjoint[ids].ravel()))
        for number, node in enumerate(tape.nodes):
            text = self.text(node.place)
            if text is None or node.dtype.kind != "f" or node.op in ("input", "constant"):
                continue
            value = adjoint[node.where]
            if value.any():
                said = f"the gradient of {self.target(node.place) or text}"
                found[value.size].append(Quantity(said, value, node.start in negations))
            for k, operand in enumerate(node.operands):
                share = shares.get((number, k))
                if share is not None and isinstance(operand, Use) and share.any():
                    inner = self.operand(node, k)
                    if inner is not None:
                        said = f"the share of {inner} through `{text}`"
                        negated = operand.ids is None and operand.start in negations
                        found[share.size].append(Quantity(said, share.ravel(), negated))
        for quantity in self.together():
            found[quantity.value.size].append(quantity)
        return dict(found)

    @cached_property
    def sequences(self) -> dict[str, list[np.ndarray]]:
        """The right values by their words, in the order in which the forward came by."""
        found: dict[str, list[np.ndarray]] = defaultdict(list)
        for quantities in self.by_size.values():
            for quantity in quantities:
                found[quantity.words].append(quantity.value)
        return dict(found)

    @cached_property
    def simplest(self) -> list[list[np.ndarray]]:
        """These sequences, the gradients of what has a name first: where rows are masked, several may do.

        One that a function's calls have left, of both directions of time, say, is taken apart by the values' sizes.
        """
        found: list[list[np.ndarray]] = []
        for words in sorted(self.sequences, key=lambda w: (w.startswith("the share"), len(w))):
            whole = self.sequences[words]
            sizes = dict.fromkeys(v.size for v in whole)
            found += [whole] if len(sizes) == 1 else [whole, *([v for v in whole if v.size == n] for n in sizes)]
        return found

    @cached_property
    def of_uses(self) -> list[list[np.ndarray]]:
        """Those of them that are the shares of single uses."""
        return [values for words, values in self.sequences.items() if words.startswith("the share")]

    @cached_property
    def through_functions(self) -> list[list[np.ndarray]]:
        """What goes back through all uses of a value in one function, where others use it as well."""
        tape = self.made.recorder.tape
        shares = self.adjoints[1]
        size = {node.start: node.where.stop - node.start for node in tape.nodes}
        uses: dict[int, dict[CodeType, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        for number, k in sorted(shares):
            operand, code = tape.nodes[number].operands[k], tape.nodes[number].place.code
            whole = isinstance(operand, Use) and operand.ids is None
            if whole and code is not None and size.get(operand.start) == shares[number, k].size:  # type: ignore[union-attr]
                uses[operand.start][code].append((number, k))  # type: ignore[union-attr]
        found: dict[tuple[object, ...], list[tuple[int, np.ndarray]]] = defaultdict(list)
        shared: set[tuple[object, ...]] = set()
        for there in uses.values():
            for code, several in there.items():
                key = code, *sorted({(tape.nodes[number].place.instruction, k) for number, k in several})
                found[key].append((several[0][0], np.asarray(sum(shares[use].ravel() for use in several))))
                shared |= {key} if len(there) > 1 and len(key) > 2 else set()
        return [[value for _, value in sorted(found[key], key=lambda each: each[0])] for key in found if key in shared]

    @cached_property
    def but_one(self) -> list[list[np.ndarray]]:
        """The gradient of what has three uses or more without the share of one of them: what is added up on its own."""
        tape = self.made.recorder.tape
        adjoint, shares = self.adjoints
        size = {node.start: node.where.stop - node.start for node in tape.nodes}
        uses: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, k in shares:
            operand = tape.nodes[number].operands[k]
            if isinstance(operand, Use) and operand.ids is None and size.get(operand.start) == shares[number, k].size:
                uses[operand.start].append((number, k))
        found: dict[tuple[Place, int], list[np.ndarray]] = defaultdict(list)
        for start in sorted(uses):
            for number, k in uses[start] if len(uses[start]) > 2 else ():
                rest = adjoint[start : start + size[start]] - shares[number, k].ravel()
                found[tape.nodes[number].place, k].append(rest)
        return list(found.values())

    @cached_property
    def of_operands(self) -> list[list[np.ndarray]]:
        """The whole gradient of what each operation takes, by its place: of what a function is called with."""
        tape = self.made.recorder.tape
        adjoint, shares = self.adjoints
        size = {node.start: node.where.stop - node.start for node in tape.nodes}
        found: dict[tuple[Place, int], list[np.ndarray]] = defaultdict(list)
        for number, k in sorted(shares):
            operand = tape.nodes[number].operands[k]
            if isinstance(operand, Use) and operand.ids is None and size.get(operand.start) == shares[number, k].size:
                found[tape.nodes[number].place, k].append(adjoint[operand.start : operand.start + size[operand.start]])
        return [each for each in found.values() if len(each) > 1]

    @cached_property
    def in_their_shapes(self) -> list[list[np.ndarray]]:
        """The gradients of all results, and the shares of all operands, by place and in their own shapes."""
        tape = self.made.recorder.tape
        adjoint, shares = self.adjoints
        found: dict[tuple[Place, int], list[np.ndarray]] = defaultdict(list)
        for number, node in enumerate(tape.nodes):
            if node.shape and adjoint[node.where].any():
                found[node.place, -1].append(adjoint[node.where].reshape(node.shape))
            for k, operand in enumerate(node.operands):
                share = shares.get((number, k))
                if share is not None and isinstance(operand, Use) and operand.shape and share.any():
                    found[node.place, k].append(share.reshape(operand.shape))
        return list(found.values())

    def together(self) -> Iterator[Quantity]:
        """What comes through all uses of an array that a loop before has filled, and nothing through that loop."""
        tape = self.made.recorder.tape
        shares = self.adjoints[1]
        uses: dict[tuple[object, ...], list[tuple[int, int]]] = defaultdict(list)
        for number, k in sorted(shares):
            operand = tape.nodes[number].operands[k]
            if isinstance(operand, Use) and operand.ids is not None:
                uses[operand.shape, operand.ids.tobytes()].append((number, k))
        for several in uses.values():
            inner = self.operand(tape.nodes[several[0][0]], several[0][1])
            if len(several) > 1 and inner is not None:
                value = np.asarray(sum(shares[use] for use in several))
                yield Quantity(f"the gradient of {inner}, the loop that fills it aside", value.ravel())

    @cached_property
    def forward(self) -> dict[int, list[np.ndarray]]:
        """What the forward computed, and what it was given, in rows by their size."""
        tape = self.made.recorder.tape
        found: dict[int, list[np.ndarray]] = defaultdict(list)
        for node in tape.nodes:
            # A loss that comes with gradients by hand has recorded those too: they are nothing that it needs.
            if not self.adjoints[0][node.where].any():
                continue
            if node.dtype.kind == "f":
                value = tape.values[node.where]
                found[value.size].append(value)
                if len(node.shape) == 2:
                    found[value.size].append(value.reshape(node.shape).T.ravel())
            for operand in node.operands:
                if isinstance(operand, Constant) and operand.dtype.kind == "f":
                    found[operand.value.size].append(np.ravel(operand.value))
        return dict(found)

    @cached_property
    def computed_by_place(self) -> list[list[np.ndarray]]:
        """What each expression of the forward gave, in the order in which it came by."""
        tape = self.made.recorder.tape
        found: dict[Place, list[np.ndarray]] = defaultdict(list)
        for node in tape.nodes:
            if node.dtype.kind == "f" and node.op not in ("input", "constant") and self.adjoints[0][node.where].any():
                found[node.place].append(tape.values[node.where])
        return list(found.values())

    @cached_property
    def slopes(self) -> list[list[np.ndarray]]:
        """The slopes of what the forward computed element by element, of single operations and of several in a row.

        In the order in which it came by; only where a gradient came through every element.
        """
        tape = self.made.recorder.tape
        adjoint, shares = self.adjoints
        by_start = {node.start: number for number, node in enumerate(tape.nodes)}
        found: dict[tuple[Place, Place], list[np.ndarray]] = defaultdict(list)

        def descend(number: int, slope: np.ndarray, top: Place, depth: int) -> None:
            node = tape.nodes[number]
            reached = adjoint[node.where].reshape(node.shape)
            if depth > DEEPEST or not node.shape or not np.all(reached):
                return
            for k, operand in enumerate(node.operands):
                share = shares.get((number, k))
                if share is None or not isinstance(operand, Use) or operand.ids is not None:
                    continue
                if operand.shape == node.shape and node.op in ELEMENTWISE:
                    through = slope * share / reached
                    found[top, node.place].append(through)
                    before = by_start.get(operand.start)
                    if before is not None and tape.nodes[before].shape == node.shape:
                        descend(before, through, top, depth + 1)

        for number, node in enumerate(tape.nodes):
            if node.dtype.kind == "f" and node.op in ELEMENTWISE:
                descend(number, np.ones(node.shape), node.place, 0)
        return list(found.values())

    def computed(self, values: list[np.ndarray]) -> bool:
        """Whether all values are of the forward."""
        return all(near(value, self._forward_rows.get(np.size(value))) for value in values)

    def known(self, values: list[np.ndarray]) -> bool:
        """Whether all values are right ones: of the forward, or gradients of what it computed."""
        return all(near(v, self._forward_rows.get(np.size(v))) or near(v, self._rows.get(np.size(v))) for v in values)

    @cached_property
    def _forward_rows(self) -> dict[int, np.ndarray]:
        return {size: np.stack(values) for size, values in self.forward.items()}

    @cached_property
    def _rows(self) -> dict[int, np.ndarray]:
        return {size: np.stack([q.value for q in quantities]) for size, quantities in self.by_size.items()}

    def name(self, values: list[np.ndarray]) -> str:
        """What these values are, in words; one of them may be of no use any more, as what would go to before t=0."""
        said: list[list[str]] = []
        for value in values:
            flat = np.ravel(value).astype(float)
            size = float(np.linalg.norm(flat))
            if not size:
                continue
            near = [q.words for q in self.by_size.get(flat.size, []) if np.linalg.norm(q.value - flat) <= NEAR * size]
            said.append(list(dict.fromkeys(near)))
        told = [names for names in said if names]
        common = [w for w in told[0] if all(w in names for names in told)] if len(told) >= max(1, len(said) - 1) else []
        # The gradient of something says more than one use's share of it.
        return min(common, key=lambda w: (w.startswith("the share"), len(w)), default="")

    def expression(self, place: Place) -> tuple[ast.AST, tuple[ast.AST, ...]] | None:
        """The node of the source at an instruction, and those around it."""
        if place.code is None:
            return None
        key = place.code, place.instruction
        if key not in self._found:
            self._found[key] = self._expression(place)
        return self._found[key]

    @cached_property
    def _found(self) -> dict[object, tuple[ast.AST, tuple[ast.AST, ...]] | None]:
        return {}

    def _expression(self, place: Place) -> tuple[ast.AST, tuple[ast.AST, ...]] | None:
        assert place.code is not None
        source = self.live.source(place.file)
        positions = list(place.code.co_positions())
        if source is None or place.instruction // 2 >= len(positions):
            return None
        line, last, column, end = positions[place.instruction // 2]
        for statement in source.tree.body:
            if line is not None and statement.lineno <= line <= (statement.end_lineno or 0):
                for path, node in walk(statement):
                    here = tuple(
                        getattr(node, a, None) for a in ("lineno", "end_lineno", "col_offset", "end_col_offset")
                    )
                    if here == (line, last, column, end) and isinstance(node, ast.expr | ast.stmt):
                        around: list[ast.AST] = []
                        inner: ast.AST = statement
                        for name, k in path:
                            around.append(inner)
                            inner = getattr(inner, name) if k is None else getattr(inner, name)[k]
                        return node, tuple(around)
        return None

    def text(self, place: Place) -> str | None:
        """The expression at a place, on one line."""
        found = self.expression(place)
        return short(ast.unparse(found[0])) if found is not None else None

    def target(self, place: Place) -> str | None:
        """The name that the expression at a place is given, where it is given one."""
        found = self.expression(place)
        if found is None or not found[1]:
            return None
        node, parent = found[0], found[1][-1]
        if isinstance(parent, ast.Assign) and parent.value is node and len(parent.targets) == 1:
            return ast.unparse(parent.targets[0])
        return None

    def operand(self, node: Node, k: int) -> str | None:
        """The text of one operand of an operation."""
        found = self.expression(node.place)
        if found is None:
            return None
        tree = found[0]
        if isinstance(tree, ast.UnaryOp):
            return short(ast.unparse(tree.operand))
        if isinstance(tree, ast.BinOp) and k < 2:
            return short(ast.unparse((tree.left, tree.right)[k]))
        if isinstance(tree, ast.Call) and k < len(tree.args):
            return short(ast.unparse(tree.args[k]))
        return None


def near(value: np.ndarray, right: np.ndarray | None) -> bool:
    """Whether a value is 0 or one of these rows."""
    flat = np.ravel(value).astype(float)
    size = float(np.linalg.norm(flat))
    return not size or (right is not None and bool(np.any(np.linalg.norm(right - flat, axis=1) <= NEAR * size)))


def short(text: str) -> str:
    """The text, its middle left out where it is long."""
    return text if len(text) <= 50 else f"{text[:30]} ... {text[-15:]}"
