"""The statements that compute the gradients, each with its surroundings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from mutation.edit import Edit, Text
from mutation.scope import Scope, Seen

SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr)


@dataclass
class Site:
    """A statement in a function that the gradients run through."""

    text: Text
    node: ast.stmt
    block: list[ast.stmt]
    at: int  # where in the block
    loops: tuple[ast.For | ast.While, ...]  # around it, the innermost last
    function: ast.FunctionDef
    seen: Seen
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    @property
    def line(self) -> int:
        """The first line."""
        return self.node.lineno

    @property
    def end_line(self) -> int:
        """The last line, of a compound statement its header's."""
        body = getattr(self.node, "body", None)
        header = max([e.end_lineno or 0 for e in self.expressions()], default=self.line)
        return header if body else self.node.end_lineno or self.line

    def expressions(self) -> list[ast.expr]:
        """The expressions of the statement itself, not of the statements within it."""
        return headers(self.node)

    def nodes(self) -> Iterator[ast.AST]:
        """All nodes of these expressions."""
        for expression in self.expressions():
            yield from ast.walk(expression)

    def up(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, outwards, to the statement."""
        while node in self.parents and node is not self.node:
            node = self.parents[node]
            yield node

    def edit(self, kind: str, node: ast.AST, new: str, mistake: str | None = None) -> Edit:
        """A node's text replaced."""
        return self.replace(kind, self.text.start(node), self.text.end(node), new, mistake)

    def replace(self, kind: str, start: int, end: int, new: str, mistake: str | None = None) -> Edit:
        """The text from start to end replaced."""
        before = self.text.between(start, end)
        return Edit(kind, start, end, new, self.line, self.end_line, before, new, mistake)


def sites(source: str, scope: Scope) -> list[Site]:
    """Every statement within a function that ran."""
    text, tree = Text(source), ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found: list[Site] = []

    def visit(block: list[ast.stmt], loops: tuple[ast.For | ast.While, ...], function: ast.FunctionDef) -> None:
        for at, node in enumerate(block):
            site = Site(text, node, block, at, loops, function, Seen(), parents)
            site.seen = scope.at(site.line, site.end_line)
            if isinstance(node, ast.FunctionDef):
                visit(node.body, (), node)
                continue
            if ran(site, scope):
                found.append(site)
            inner = (*loops, node) if isinstance(node, ast.For | ast.While) else loops
            for part in ("body", "orelse"):
                visit(getattr(node, part, []), inner, function)

    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not inside_function(node, parents):
            visit(node.body, (), node)
    return found


def ran(site: Site, scope: Scope) -> bool:
    """Whether the gradients ran through it."""
    return any(line in scope.lines for line in range(site.line, site.end_line + 1))


def inside_function(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether a function is defined within another, with which it is visited."""
    while node in parents:
        node = parents[node]
        if isinstance(node, ast.FunctionDef):
            return True
    return False


def headers(node: ast.stmt) -> list[ast.expr]:
    """The expressions of a statement, without the statements within it."""
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]


def written(node: ast.stmt) -> list[ast.expr]:
    """What a statement assigns to."""
    if isinstance(node, ast.Assign):
        found = []
        for target in node.targets:
            found += target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        return found
    return [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []


def key(node: ast.expr) -> str:
    """The place that a target or a use speaks of: dh, self.dW, G['W']; for a[t] that of a."""
    if isinstance(node, ast.Subscript):
        word = isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
        return ast.unparse(node) if word else key(node.value)
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def reads(node: ast.AST) -> set[str]:
    """All places that are read in it."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name | ast.Attribute | ast.Subscript) and isinstance(each.ctx, ast.Load):
            found.add(key(each))
    return found


def adds(node: ast.stmt) -> bool:
    """Whether a statement adds to what there is: x += y, x -= y, x = x + y."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add | ast.Sub)
    if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp)):
        return False
    sums = isinstance(node.value.op, ast.Add | ast.Sub) and len(node.targets) == 1
    return sums and ast.unparse(node.targets[0]) in (ast.unparse(node.value.left), ast.unparse(node.value.right))


def inputs(node: ast.stmt) -> set[str]:
    """What a statement reads; of an array that it writes a part of, the index alone."""
    if not isinstance(node, ast.Assign | ast.AugAssign):
        return set().union(*(reads(each) for each in headers(node)))
    indices = [target.slice for target in written(node) if isinstance(target, ast.Subscript)]
    return set().union(*(reads(each) for each in [node.value, *indices]))


def touches(node: ast.stmt, place: str) -> bool:
    """Whether a statement reads or writes a place."""
    uses = {key(each) for each in ast.walk(node) if isinstance(each, ast.Name | ast.Attribute | ast.Subscript)}
    return place in uses


def carries(loop: ast.For | ast.While) -> set[str]:
    """What one iteration leaves to the next: read before it is written in the loop, sums left out."""
    early: set[str] = set()
    done: set[str] = set()
    summed: set[str] = set()
    for node in flat(loop.body):
        targets = {key(target) for target in written(node)}
        used = inputs(node) - (targets if adds(node) else set())
        early |= used - done
        if isinstance(node, ast.AugAssign) or adds(node):
            summed |= targets - done
        else:
            done |= targets
    return early & (done | summed) - {""}


def flat(block: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block and of the blocks within, in the order of the text."""
    for node in block:
        yield node
        for part in ("body", "orelse"):
            yield from flat(getattr(node, part, []))
